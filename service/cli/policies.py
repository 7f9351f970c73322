"""Policies: where each stands on a day."""

from collections.abc import Iterator
from typing import Any

import click

from service.api import rendering
from service.application import browsing, moments
from service.cli import output, remote, session
from service.cli.exits import Code, Failed
from service.cli.remote import Server

_PAGE = 1000


@click.group()
def policies() -> None:
    """List policies, and show where one stands."""


@policies.command("list")
@session.as_of
@session.known_at
@session.server
@session.as_json
def list_(*, as_of: str | None, known_at: str | None, server: Server | None, as_json: bool) -> None:
    """List all policies that had begun, by their slugs."""
    if server is None:
        found = _all_here(as_of, known_at)
    else:
        found = server.all_of("policies", as_of=as_of, known_at=known_at)
    if as_json:
        output.show_json(found)
        return
    columns = ("slug", "status", "authority", "instrument", "last_occurred_on", "version", "title")
    with remote.reading(server):
        rows = (tuple(_text(one[name]) for name in columns) for one in found["items"])
        output.show_table(columns, rows)


def _all_here(as_of: str | None, known_at: str | None) -> dict[str, Any]:
    now = session.now()
    day, after = moments.moment(as_of, now), None
    items: list[Any] = []
    with session.database() as database:
        while True:
            part = browsing.policies(
                database, as_of=day, known_at=known_at, now=now, after=after, limit=_PAGE
            )
            found = session.answered(rendering.policies(part, None))
            items.extend(found["items"])
            # The rest is of the same position, whatever is appended meanwhile.
            known_at, after = f"@{part.known_at.position}", part.next
            if after is None:
                return {**found, "items": items}


@policies.command()
@click.argument("slug", type=session.TEXT)
@session.as_of
@session.known_at
@session.server
@session.as_json
def show(
    *, slug: str, as_of: str | None, known_at: str | None, server: Server | None, as_json: bool
) -> None:
    """Show one policy: its status, and where each of its directives stands."""
    slug = slug.removeprefix("policy:")
    if server is None:
        found = _one_here(slug, as_of, known_at)
    else:
        found = server.get("policies", slug, as_of=as_of, known_at=known_at)
    if as_json:
        output.show_json(found)
        return
    with remote.reading(server):
        output.show_lines(_shown(found))


def _one_here(slug: str, as_of: str | None, known_at: str | None) -> dict[str, Any]:
    now = session.now()
    day = moments.moment(as_of, now)
    with session.database() as database:
        at, found = browsing.policy(database, slug, as_of=day, known_at=known_at, now=now)
    if found is None:
        sentence = (
            f"The policy {slug!r} had not begun on {day}, as known at position {at.position}. Ask"
            " for a later --as-of, or without --known-at."
        )
        raise Failed(Code.UNKNOWN, sentence)
    return session.answered(rendering.policy(found, day, at))


def _shown(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    position = found["known_at"]["position"]
    authority = found["authority"] or "nobody named"
    yield found["title"] or found["slug"], "bold"
    stands = f"is {_words(found['status'])} as of {found['as_of']}"
    known = f"(known at position {position}, version {found['version']})"
    yield f"{found['stream']} by {authority} {stands} {known}", "bold"
    if found["summary"]:
        yield found["summary"], ""
    yield f"First event on {found['first_occurred_on']}, last on {found['last_occurred_on']}", ""
    if found["consultation"]:
        yield f"Consultation: {found['consultation']}", ""
    yield f"Last reviewed on {found['last_reviewed_on'] or 'no day that is recorded'}", ""
    for one in found["directives"]:
        yield "", ""
        yield from _directive(one)


def _directive(one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    binding = "" if one["binding"] else ", not binding"
    enforced = "" if one["enforced"] else ", not enforced"
    since = f" from {one['effective_from']}" if one["effective_from"] else ", without a date"
    until = f" until {one['effective_until']}" if one["effective_until"] else ""
    yield (
        f"#{one['key']}: {one['effect']}{since}{until}, {_words(one['status'])}{binding}{enforced}",
        "bold",
    )
    yield f"  {output.scope_text(one['scope'])}", ""
    for condition in one["conditions"]:
        yield f"  Condition: {condition}", ""
    if one["implemented_by"]:
        yield f"  Implemented by {one['implemented_by']}", ""
    for name in one["overrides"]:
        yield f"  Overrides {name}", ""
    yield f"  Events: {' '.join(one['events'])}", "dim"


def _words(status: str) -> str:
    return status.replace("_", " ")


def _text(value: object) -> str:
    return "" if value is None else str(value)
