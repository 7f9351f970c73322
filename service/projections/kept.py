"""What was read before and never changes, kept in memory: the least recently used goes first."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

_Name = TypeVar("_Name", bound=Hashable)
_Value = TypeVar("_Value")


@dataclass(slots=True)
class Kept(Generic[_Name, _Value]):
    """Values by name, ``most`` of them."""

    most: int
    _values: OrderedDict[_Name, _Value] = field(default_factory=OrderedDict)
    _turn: Lock = field(default_factory=Lock)

    def get(self, name: _Name) -> _Value | None:
        """Return a value, None where it is not kept."""
        with self._turn:
            found = self._values.get(name)
            if found is not None:
                self._values.move_to_end(name)
            return found

    def put(self, name: _Name, value: _Value) -> None:
        """Keep a value."""
        with self._turn:
            self._values[name] = value
            if len(self._values) > self.most:
                self._values.popitem(last=False)
