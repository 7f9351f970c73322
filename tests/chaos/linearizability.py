"""An oracle: can what clients saw have come from one log that takes one batch at a time?

The log's positions are the order, so no search is needed: one walk over the log and the history
decides. What is not known (no answer, or a 503) may have happened or not.

    History     operations (a batch, sent once or again), pages of the log, heads that were seen
    log         what is stored in the end
    violations  a sentence for each thing that cannot be

Every event bears a title that no other one has: by it the oracle finds it in the log.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from service.store import events
from service.store.codec import decode
from service.store.engine import connect
from tests.chaos.servers import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event where the log has it."""

    position: int
    stream: str
    version: int
    title: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A request and its answer; the times are seconds of one monotonic clock."""

    began: float
    ended: float
    answer: Answer


@dataclass(slots=True, kw_only=True)
class Operation:
    """A batch that a client wants in the log, and all its tries.

    Attributes:
        titles: of its events, in order.
        key: the Idempotency-Key; None where the events bring ids instead.
        expected: versions at which streams had to be.
    """

    body: bytes
    titles: tuple[str, ...]
    key: str | None
    expected: Mapping[str, int] = field(default_factory=dict)
    tries: list[Try] = field(default_factory=list)

    @property
    def good(self) -> list[Try]:
        """The tries that were acknowledged."""
        return [one for one in self.tries if one.answer.good]

    @property
    def refused(self) -> list[Try]:
        """The tries that were refused for good."""
        return [one for one in self.tries if 400 <= (one.answer.status or 0) < 500]

    @property
    def began(self) -> float:
        """When it was first sent."""
        return min(one.began for one in self.tries)

    @property
    def ended(self) -> float:
        """When its client first knew that it had happened."""
        return min((one.ended for one in self.good), default=inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of the log as a reader got it."""

    began: float
    ended: float
    after: int
    limit: int
    entries: tuple[Entry, ...]

    @property
    def head(self) -> int | None:
        """The position at which the log ended; None where the page was full."""
        return self.after + len(self.entries) if len(self.entries) < self.limit else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A position that an answer named as the head."""

    began: float
    ended: float
    position: int


@dataclass(slots=True)
class History:
    """What clients did and saw; threads append to its lists."""

    operations: list[Operation] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    heads: list[Seen] = field(default_factory=list)

    def acknowledged(self) -> int:
        """Count the operations that were acknowledged."""
        return sum(bool(one.good) for one in self.operations)


def stored(database_url: str) -> tuple[Entry, ...]:
    """Read the whole log."""
    database = connect(database_url)
    try:
        with database.read() as connection:
            return tuple(
                Entry(
                    position=row.position,
                    stream=row.stream,
                    version=row.version,
                    title=decode(row).event.title,
                )
                for row in events.iterate(connection)
            )
    finally:
        database.dispose()


def violations(history: History, log: Sequence[Entry], prelude: int = 0) -> list[str]:
    """Say everything that no correct log could have shown.

    Args:
        history: What clients did and saw.
        log: What is stored in the end.
        prelude: How many events were there before.
    """
    places: dict[str, list[Entry]] = defaultdict(list)
    for entry in log[prelude:]:
        places[entry.title or ""].append(entry)
    return [
        *_numbering(log),
        *_strangers(history, places),
        *(fault for one in history.operations for fault in _operation(one, places)),
        *_real_time(history, places),
        *_pages(history, log),
        *_heads(history, places, len(log)),
    ]


def _numbering(log: Sequence[Entry]) -> Iterator[str]:
    versions: dict[str, int] = defaultdict(int)
    for expected, entry in enumerate(log, 1):
        if entry.position != expected:
            yield f"position {entry.position} stands where {expected} should"
        versions[entry.stream] += 1
        if entry.version != versions[entry.stream]:
            due = versions[entry.stream]
            yield f"{entry.stream} has version {entry.version} where {due} is due"


def _strangers(history: History, places: Mapping[str, list[Entry]]) -> Iterator[str]:
    sent = {title for one in history.operations for title in one.titles}
    yield from (f"nobody sent {title!r}" for title in places if title not in sent)


def _operation(one: Operation, places: Mapping[str, list[Entry]]) -> Iterator[str]:
    found = [entry for title in one.titles for entry in places.get(title, ())]
    name = one.titles[0]
    if any(len(places.get(title, ())) > 1 for title in one.titles):
        yield f"{name} is in the log more than once: {[entry.position for entry in found]}"
        return
    if found and len(found) < len(one.titles):
        yield f"of {name} only {len(found)} of {len(one.titles)} events are there"
    if any(after.position != before.position + 1 for before, after in zip(found, found[1:])):  # noqa: B905, RUF007 -- neighbours
        yield f"{name} is not in one piece: {[entry.position for entry in found]}"
    broken = [each.answer for each in one.tries if each.answer.status not in {None, 503}
              and (each.answer.status or 0) >= 500]  # fmt: skip
    if broken:
        yield f"{name} was answered with {broken[0]}"
    if one.refused and found:
        yield f"{name} was refused with {one.refused[0].answer.status} and is in the log"
    yield from _acknowledged(one, found)
    yield from _expected(one, found)


def _acknowledged(one: Operation, found: Sequence[Entry]) -> Iterator[str]:
    told = [(entry.stream, entry.version, entry.position) for entry in found]
    for each in one.good:
        items = each.answer.json()["items"]
        places = [(item["stream"], item["version"], item["position"]) for item in items]
        if places != told:
            yield f"{one.titles[0]} was acknowledged at {places}, the log has {told}"
    bodies = {each.answer.body for each in one.good}
    if one.key is not None and len(bodies) > 1:
        yield f"{one.titles[0]} got two answers for one key: {sorted(bodies)}"
    if one.key is not None and sum(each.answer.status == 201 for each in one.good) > 1:
        yield f"{one.titles[0]} was recorded twice with one key"


def _expected(one: Operation, found: Sequence[Entry]) -> Iterator[str]:
    for stream, version in one.expected.items():
        first = next((entry.version for entry in found if entry.stream == stream), None)
        if first not in {None, version + 1}:
            yield f"{one.titles[0]} expected {stream} at {version} and became version {first}"


def _real_time(history: History, places: Mapping[str, list[Entry]]) -> Iterator[str]:
    """What ended before something began stands before it."""
    there = [(places[one.titles[0]][0].position, one) for one in history.operations
             if one.titles[0] in places]  # fmt: skip
    earliest, earliest_name = inf, ""
    for _, one in sorted(there, key=lambda pair: pair[0], reverse=True):
        if earliest < one.began:
            yield f"{earliest_name} ended before {one.titles[0]} began and stands behind it"
        if one.ended < earliest:
            earliest, earliest_name = one.ended, one.titles[0]


def _pages(history: History, log: Sequence[Entry]) -> Iterator[str]:
    began = {title: one.began for one in history.operations for title in one.titles}
    for page in history.pages:
        end = page.after + len(page.entries)
        if page.entries != tuple(log[page.after : end]):
            yield f"the page after {page.after} is not what stands there: {page.entries}"
        for entry in page.entries:
            if began.get(entry.title or "", -inf) > page.ended:
                yield f"position {entry.position} was read before it was sent"


def _heads(history: History, places: Mapping[str, list[Entry]], end: int) -> Iterator[str]:
    """A head is at least what was acknowledged, and what was seen, before it was asked for."""
    seen = [*history.heads]
    seen += [
        Seen(began=page.began, ended=page.ended, position=page.head)
        for page in history.pages
        if page.head is not None
    ]
    known = [(one.ended, one.position) for one in seen]
    known += [
        (one.ended, entry.position)
        for one in history.operations
        if one.good
        for title in one.titles
        for entry in places.get(title, ())
    ]
    known.sort()
    least, index = 0, 0
    for one in sorted(seen, key=lambda seen: seen.began):
        while index < len(known) and known[index][0] < one.began:
            least = max(least, known[index][1])
            index += 1
        if one.position < least:
            yield f"the head was {one.position} when {least} was known already"
        if one.position > end:
            yield f"the head was {one.position}, the log ends at {end}"
