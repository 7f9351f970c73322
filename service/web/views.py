"""Explore, a place, an event, a policy: what holds, why, who says so, and the proof."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import orjson
from flask import Blueprint, Response, make_response, render_template, request

from service.application import asking, auditing, browsing, proving
from service.application.asking import Window
from service.application.places import name_of
from service.auth.credentials import Role
from service.auth.guard import requires
from service.domain.answers import Question
from service.domain.codec import answer_bytes, event_to
from service.domain.errors import AccesslineError, UnknownIdError
from service.domain.registry import Registry
from service.domain.resolution import RULE, State
from service.domain.scope import PUBLIC
from service.web import assets, atlas, words
from service.web.asking import Asked, asked, house
from service.web.drawing import bars, ticks
from service.web.scrubbing import STATES, Scrub, scrub, state_on

DEFAULT_PROVIDER: Final = "openai"
FETCHED: Final = ("web.intervals",)
"""What scripts fetch: it does not say who is signed in."""

_PINNED: Final = "public, max-age=31536000, immutable"

blueprint = Blueprint("web", __name__, template_folder="templates")
blueprint.add_app_template_global(words.word, "word")
blueprint.add_app_template_global(words.glyph, "glyph")
blueprint.add_app_template_global(words.sentence, "sentence")
blueprint.add_app_template_global(words.day, "day")
blueprint.add_app_template_global(name_of, "name_of")


def page(template: str, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
    """Return a page, checked again at each visit."""
    html = render_template(template, tree=assets.tree(), version=house().version, **values)
    response = make_response(html, status)
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.after_request
def _shield(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", assets.CONTENT_SECURITY_POLICY)
    return response


@blueprint.errorhandler(AccesslineError)
def _told(error: AccesslineError) -> Response:
    missing = isinstance(error, UnknownIdError)
    return page("missing.html", 404 if missing else 422, detail=str(error))


@blueprint.get("/")
@requires(Role.READER)
def explore() -> Response:
    """Show every country of a provider on a day, with a scrubber through the years."""
    ask = asked()
    _, registry = browsing.registry(house().database, ask.known, ask.now)
    provider = ask.query.get("provider", DEFAULT_PROVIDER)
    faults = list(ask.faults)
    if provider not in registry.providers and registry.providers:
        faults.append(f"There is no provider {provider!r} here.")
        provider = DEFAULT_PROVIDER if DEFAULT_PROVIDER in registry.providers else ""
        provider = provider or min(registry.providers)
    if not registry.providers:
        return page("empty.html", ask=ask, faults=faults)
    found = scrub(house().database, provider, ask.known_at.position)
    on = ask.as_of.day.isoformat()
    states = [state_on(one, on) for one in found.timelines]
    kept = {"provider": provider}
    if ask.query.get("view") == "map" and found.services:
        template, sheet = "map.html", _map(found, states, ask, registry)
        faults += sheet["missing"]
        kept |= {"view": "map", "service": sheet["service"]}
    else:
        template, sheet = "explore.html", _matrix(found, states)
    counts = sheet["counts"]
    return page(
        template,
        ask=ask,
        faults=faults,
        provider=provider,
        kept=kept,
        name=registry.providers[provider].name,
        providers=sorted((one.name, id_) for id_, one in registry.providers.items()),
        services=[(one, registry.services[f"{provider}/{one}"].name) for one in found.services],
        counted=[(state, counts[state]) for state in STATES if counts[state]],
        sourced=counts.total() - counts[State.UNKNOWN],
        ticks=ticks(found.changes(), ask.as_of.day, ask.today),
        states=STATES,
        **sheet,
    )


def _matrix(found: Scrub, states: Sequence[State]) -> dict[str, Any]:
    rows = [
        (region, name_of(region), [(states[one], width) for one, width in found.shown(region)])
        for region in found.cells
    ]
    counts = Counter(states[one] for cells in found.cells.values() for one in cells)
    return {"rows": sorted(rows, key=lambda row: row[1]), "counts": counts}


def _map(found: Scrub, states: Sequence[State], ask: Asked, registry: Registry) -> dict[str, Any]:
    asked_for = ask.query.get("service")
    service = atlas.service_shown(found, states, asked_for)
    # A form that changes the provider still names a service of the last one.
    is_known = any(asked_for == path.partition("/")[2] for path in registry.services)
    at = atlas.states_of(found, states, service)
    drawn = atlas.atlas()
    return {
        "service": service,
        "missing": []
        if asked_for in (None, service) or is_known
        else [f"There is no service {asked_for!r} here."],
        "shapes": [(one, name_of(one), at[one]) for one in sorted(drawn.shapes)],
        "dots": [(one, at[one]) for one in sorted(drawn.dots)],
        "chips": sorted((name_of(one), one, at[one]) for one in drawn.chips),
        "counts": Counter(at.values()),
    }


@blueprint.get("/intervals/<provider>.json")
@requires(Role.READER)
def intervals(provider: str) -> Response:
    """Return what a provider's cells are, from which day on, for the scrubber."""
    ask = asked()
    found = scrub(house().database, provider, ask.known_at.position)
    response = Response(_scrub_bytes(found), content_type="application/json")
    # A date may still learn more before it is over; a position never does.
    pinned = ask.query.get("known_at", "").startswith("@")
    response.headers["Cache-Control"] = _PINNED if pinned else "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def _scrub_bytes(found: Scrub) -> bytes:
    return orjson.dumps(
        {
            "provider": found.provider,
            "known_at": found.known_at,
            "services": found.services,
            "states": [str(state) for state in STATES],
            "timelines": found.timelines,
            "cells": found.cells,
            "changes": found.changes(),
        }
    )


@blueprint.get("/access/<provider>/<region>")
@requires(Role.READER)
def place(provider: str, region: str) -> Response:
    """Show what holds at a place, why, since when, and who says so."""
    ask = asked()
    question = Question(
        provider=provider,
        region=region,
        as_of=ask.as_of,
        service=ask.query.get("service"),
        audience=ask.query.get("audience", PUBLIC),
    )
    database = house().database
    found = asking.explained(database, question, ask.known, ask.now)
    told = asking.intervals(database, question, Window(), ask.known, ask.now)
    spans: dict[str, list[asking.Span]] = {}
    for span in told.spans:
        spans.setdefault(span.service, []).append(span)
    drawn = {service: bars(some, ask.as_of.day, ask.today) for service, some in spans.items()}
    _, registry = browsing.registry(database, ask.known, ask.now)
    names = {
        one.service: registry.services[f"{provider}/{one.service}"].name for one in found.cells
    }
    part = request.args.get("part") == "why"
    return page(
        "why.html" if part else "place.html",
        ask=ask,
        faults=ask.faults,
        found=found,
        name=registry.providers[provider].name,
        names=names,
        spans=spans,
        drawn=drawn,
        api=f"/v1/access/{quote(provider)}/{quote(region)}",
    )


@blueprint.get("/events/<event_id>")
@requires(Role.READER)
def event(event_id: str) -> Response:
    """Show an event: what it says, its sources, its corrections, its bytes and its proof."""
    ask, database = asked(), house().database
    try:
        known = UUID(event_id)
    except ValueError:
        known = None
    recorded = None if known is None else browsing.event(database, known)
    entry = None if known is None else proving.body_of(database, known)
    if recorded is None or entry is None:
        detail = f"The log has no event {event_id[:40]!a}."
        return page("missing.html", 404, detail=detail)
    return page(
        "event.html",
        ask=ask,
        faults=ask.faults,
        recorded=recorded,
        event=recorded.event,
        data=answer_bytes(event_to(recorded.event)["data"], indent=True).decode(),
        entry=entry[1].decode(),
        entry_of=auditing.entry_of(database, recorded),
        cite=_cited(recorded),
    )


def _cited(recorded: Any) -> dict[str, str]:  # noqa: ANN401 -- a Recorded
    """Return how to cite an event: as text, as BibTeX and as CSL-JSON."""
    one = recorded.event
    title = one.title or f"{one.type} in {one.stream}"
    when = recorded.recorded_at.date()
    url = f"{house().public_url}/events/{one.id}"
    text = (
        f"accessline, position {recorded.position}: {title} ({one.occurred_on})."
        f" Recorded on {when.isoformat()}. {url}"
    )
    bibtex = (
        f"@misc{{accessline-{recorded.position},\n  title = {{{_braced(title)}}},\n"
        f"  author = {{accessline}},\n  year = {{{when.year}}},\n"
        f"  note = {{Position {recorded.position} of the log}},\n  url = {{{url}}}\n}}"
    )
    csl = {
        "id": f"accessline-{recorded.position}",
        "type": "dataset",
        "title": title,
        "author": [{"literal": "accessline"}],
        "issued": {"date-parts": [[when.year, when.month, when.day]]},
        "URL": url,
    }
    return {"Text": text, "BibTeX": bibtex, "CSL-JSON": orjson.dumps(csl, option=2).decode()}


def _braced(text: str) -> str:
    r"""Return a text that BibTeX takes as it is.

    >>> _braced("50 % of {it}")
    '50 \\% of \\{it\\}'
    """
    return "".join(f"\\{one}" if one in "{}%&$#_" else one for one in text)


@blueprint.get("/policies/<slug>")
@requires(Role.READER)
def policy(slug: str) -> Response:
    """Show one policy: where it stands, its directives, and everything recorded of it."""
    ask, database = asked(), house().database
    at, found = browsing.policy(database, slug, as_of=ask.as_of, known_at=ask.known, now=ask.now)
    trail = auditing.trail(database, slug, ask.known, ask.now)
    return page(
        "policy.html",
        ask=ask,
        faults=ask.faults,
        slug=slug,
        found=found,
        trail=trail,
        at=at,
        rule=RULE,
    )
