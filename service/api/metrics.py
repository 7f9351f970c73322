"""What this process has answered, counted for Prometheus.

Names and labels are ours: a route is a template of the application's, a method one of HTTP's own.
Nothing that a client sends can make a new series. Each process counts for itself.

Text format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
NO_ROUTE: Final = "none"
OTHER: Final = "other"
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency histogram, in seconds."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})

Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Answered:
    """The requests of one route: how many by status and by bucket of time, and the sum of times."""

    statuses: dict[int, int] = field(default_factory=dict)
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0


@dataclass(slots=True)
class Metrics:
    """The counters of one process.

    Attributes:
        more: Who counts besides, and yields its own lines.
    """

    answers: dict[tuple[str, str], _Answered] = field(default_factory=dict)
    appended: int = 0
    more: list[Callable[[], Iterator[str]]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count a request."""
        place = (method if method in _METHODS else OTHER, route or NO_ROUTE)
        with self._lock:
            one = self.answers.get(place)
            if one is None:
                one = self.answers[place] = _Answered()
            one.statuses[status] = one.statuses.get(status, 0) + 1
            one.counts[bisect_left(BUCKETS, seconds)] += 1
            one.seconds += seconds

    def recorded(self, events: int) -> None:
        """Count events that were appended."""
        with self._lock:
            self.appended += events

    def told(self) -> Iterator[str]:
        """Yield the lines of what was counted."""
        with self._lock:
            answers = {
                place: _Answered(dict(one.statuses), list(one.counts), one.seconds)
                for place, one in sorted(self.answers.items())
            }
            appended = self.appended
        yield from family(
            "accessline_http_requests_total",
            "counter",
            "Requests answered, by route.",
            {
                (("method", method), ("route", route), ("status", str(status))): number
                for (method, route), one in answers.items()
                for status, number in sorted(one.statuses.items())
            },
        )
        yield from _histogram(answers)
        name = "accessline_events_appended_total"
        yield from family(name, "counter", "Events that this process appended.", {(): appended})
        for others in self.more:
            yield from others()


def family(
    name: str, kind: str, meaning: str, samples: Mapping[Labels, float | int]
) -> Iterator[str]:
    """Yield the lines of one metric."""
    yield from _head(name, kind, meaning)
    for labels, value in samples.items():
        yield _sample(name, labels, value)


def _histogram(answers: Mapping[tuple[str, str], _Answered]) -> Iterator[str]:
    name = "accessline_http_request_duration_seconds"
    yield from _head(name, "histogram", "How long requests took, by route.")
    for (method, route), one in answers.items():
        labels = (("method", method), ("route", route))
        below = 0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), one.counts, strict=True):
            below += count
            yield _sample(f"{name}_bucket", (*labels, ("le", bound)), below)
        yield _sample(f"{name}_sum", labels, round(one.seconds, 6))
        yield _sample(f"{name}_count", labels, below)


def _head(name: str, kind: str, meaning: str) -> Iterable[str]:
    return f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"


def _sample(name: str, labels: Labels, value: float) -> str:
    told = ",".join(f'{label}="{text}"' for label, text in labels)
    return f"{name}{'{' + told + '}' if told else ''} {value}"
