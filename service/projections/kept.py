"""What was read before and never changes, kept in memory: the least recently used goes first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

_Name = TypeVar("_Name", bound=Hashable)
_Value = TypeVar("_Value")


@dataclass(slots=True)
class Kept(Generic[_Name, _Value]):
    """Values by name.

    Attributes:
        most: How many; or how much of that which ``weigh`` tells of each.
    """

    most: int
    weigh: Callable[[_Value], int] | None = None
    _weight: int = 0
    _values: OrderedDict[_Name, _Value] = field(default_factory=OrderedDict)
    _turn: Lock = field(default_factory=Lock)

    def get(self, name: _Name) -> _Value | None:
        """Return a value, None where it is not kept."""
        with self._turn:
            found = self._values.get(name)
            if found is not None:
                self._values.move_to_end(name)
            return found

    @property
    def is_full(self) -> bool:
        """Whether something has to go for nearly everything that comes."""
        return self._weight > self.most * 7 // 8

    def put(self, name: _Name, value: _Value) -> None:
        """Keep a value."""
        with self._turn:
            former = self._values.pop(name, None)
            self._weight += self._weighed(value) - self._weighed(former)
            self._values[name] = value
            while self._weight > self.most and len(self._values) > 1:
                _, gone = self._values.popitem(last=False)
                self._weight -= self._weighed(gone)

    def _weighed(self, value: _Value | None) -> int:
        if value is None:
            return 0
        return 1 if self.weigh is None else self.weigh(value)
