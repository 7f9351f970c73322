"""The explained answer as text: a status sentence for each service, and its reasons below it."""

from collections.abc import Iterator
from typing import Final

from service.domain.answers import CellAnswer, Explained
from service.domain.inside import Exceptional
from service.domain.pending import Pending
from service.domain.resolution import Access, Overridden, Reason, State
from service.domain.times import When

Line = tuple[str, str]
"""A line and its style."""

_STATUS: Final = {
    State.AVAILABLE: "is available",
    State.CONDITIONAL: "is available on conditions",
    State.NOT_OFFERED: "is not offered",
    State.SUSPENDED: "is suspended",
    State.BLOCKED: "is blocked",
    State.UNKNOWN: "is unknown",
    State.MIXED: "is mixed",
}
_STYLE: Final = {
    Access.OPEN: "bold green",
    Access.CONDITIONAL: "bold yellow",
    Access.CLOSED: "bold red",
    Access.UNKNOWN: "bold magenta",
    Access.MIXED: "bold magenta",
}


def headline(answer: Explained) -> str:
    """Say in one line what was asked and what it comes to."""
    known = answer.known_at
    return (
        f"{answer.provider} in {answer.region}, audience {answer.audience}, as of {answer.as_of}"
        f" {_STATUS[answer.state]} (known at position {known.position}, rule {answer.rule})"
    )


def explanation(answer: Explained) -> Iterator[Line]:
    """Say what holds, since when and why, from the whole to its parts."""
    yield headline(answer), "bold"
    for cell in answer.cells:
        yield "", ""
        yield from _cell(cell)


def _cell(cell: CellAnswer) -> Iterator[Line]:
    yield (
        f"{cell.service} {_STATUS[cell.state]}{_period(cell.since, cell.until)}",
        _STYLE[cell.access],
    )
    if cell.legal_state is not cell.state:
        yield f"  In law it {_STATUS[cell.legal_state]}.", ""
    if cell.observed_state is not None:
        apart = ", which contradicts what is decided" if cell.divergence else ""
        yield f"  Measured: {cell.observed_state}{apart}.", ""
    for condition in cell.conditions:
        yield f"  Condition: {condition}", ""
    for change in cell.transitions:
        yield f"  Within the day: at {change.at} it {_STATUS[change.state]}.", ""
    if cell.state is State.UNKNOWN:
        yield "  Nothing in force opens or closes it. Never read this as available.", ""
    yield from _reasons("Decided by", cell.decided_by)
    if cell.legal_decided_by != cell.decided_by:
        yield from _reasons("In law decided by", cell.legal_decided_by)
    yield from _reasons("Also restricting", cell.also_restricting)
    yield from _listed("Overridden", map(_lost, cell.overridden))
    yield from _pending(cell.pending)
    yield from _listed("Exceptions", map(_exception, cell.exceptions))


def _period(since: When | None, until: When | None) -> str:
    begun = f" since {since}" if since else ""
    return f"{begun}, until {until}" if until else begun


def _listed(title: str, items: Iterator[str]) -> Iterator[Line]:
    for number, item in enumerate(items):
        if not number:
            yield f"  {title}:", "bold"
        yield f"    {item}", ""


def _reasons(title: str, reasons: tuple[Reason, ...]) -> Iterator[Line]:
    if reasons:
        yield f"  {title}:", "bold"
    for one in reasons:
        held = "" if one.enforced else ", not enforced"
        period = _span(one.effective_from, one.effective_until)
        yield f"    {one.effect} by {one.authority or 'nobody named'}{period}{held}", ""
        yield from _origin(one)


def _pending(changes: tuple[Pending, ...]) -> Iterator[Line]:
    if changes:
        yield "  Pending:", "bold"
    for one in changes:
        dated = _span(one.effective_from, one.effective_until) or ", without a date"
        yield (
            (
                f"    {one.kind}: {one.effect} by {one.authority or 'nobody named'}{dated}"
                f" (announced on {one.announced_on})"
            ),
            "",
        )
        yield from _origin(one)


def _span(since: When | None, until: When | None) -> str:
    begun = f", from {since}" if since else ""
    return f"{begun}, until {until}" if until else begun


def _origin(one: Reason | Pending) -> Iterator[Line]:
    yield f"      policy:{one.policy}#{one.key}", "dim"
    for source in one.sources:
        yield f"      {source.publisher}: {source.url}", "dim"


def _lost(one: Overridden) -> str:
    name = f"{one.effect} by {one.authority or 'nobody named'} (policy:{one.policy}#{one.key})"
    return f"{name}, by {one.by} ({one.how})"


def _exception(one: Exceptional) -> str:
    place = f"{one.service} in {one.region}, audience {one.audience},"
    policies = ", ".join(dict.fromkeys(f"policy:{why.policy}#{why.key}" for why in one.decided_by))
    return f"{place} {_STATUS[one.state]}{f' ({policies})' if policies else ''}"
