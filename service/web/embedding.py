"""Pictures of an answer for other people's pages: a badge and a line of time, as SVG.

An ``<img>`` shows them. In there no script runs, no style sheet of ours is read, and the fonts are
the reader's: so colours are attributes, the width of a text is estimated, and what cannot be
answered is a picture as well. A picture names only the state, so its "since" is when that state
began, whatever else of the answer (what the law says, conditions) changed meanwhile.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, render_template, request

from service.application import asking, browsing, moments
from service.application.asking import Span, Window
from service.application.places import name_of
from service.auth import guard
from service.auth.credentials import Role
from service.auth.guard import requires
from service.domain.answers import Basis, Explained, Question
from service.domain.errors import Refused, UnknownIdError
from service.domain.registry import Registry
from service.domain.resolution import State
from service.domain.scope import PUBLIC
from service.web import words
from service.web.asking import Asked, house
from service.web.lettering import cut, width_of
from service.web.stripes import MOST_ROWS, Line, drawn, runs_of, said

MEDIA_TYPE: Final = "image/svg+xml; charset=utf-8"

_CONTENT_SECURITY_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
_PINNED: Final = "public, max-age=31536000, immutable"
_FRESH: Final = "public, max-age=300"
_POSITION: Final = re.compile(r"@[0-9]{1,18}", re.ASCII)
_ASKED: Final = ("service", "audience", "as_of", "known_at")
_MOST_ASKED: Final = 300
_MOST_LABEL: Final = 60
_MOST_MESSAGE: Final = 120
_MOST_TITLE: Final = 400
_PADDING: Final = 6

blueprint = Blueprint("embedding", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer, and how it is named in a picture.

    Attributes:
        query: What was asked of it.
        subject: The provider, or one of its services.
        lines: The runs of each service; empty for the badge of a roll-up.
    """

    query: Mapping[str, str]
    found: Explained
    subject: str
    lines: tuple[Line, ...]

    @property
    def pinned(self) -> bool:
        """Whether the question can never have another answer."""
        return (
            "as_of" in self.query
            and _POSITION.fullmatch(self.query.get("known_at", "")) is not None
        )

    @property
    def place(self) -> str:
        """The subject and where it is asked about."""
        return f"{self.subject} in {name_of(self.found.region)}"

    @property
    def state(self) -> str:
        """The state, and since when, as a picture says it."""
        if len(self.lines) == 1 and "service" in self.query:
            return self.lines[0].told
        return said(self.found.state, None)

    @property
    def heading(self) -> str:
        """What stands above the lines: of one line all is said beside it."""
        return self.place if "service" in self.query else f"{self.place}: {self.state}"

    @property
    def times(self) -> str:
        """The times of the question."""
        scheduled = self.found.cells and self.found.cells[0].basis is Basis.SCHEDULED
        told = f"as of {self.found.as_of.text}{', scheduled' if scheduled else ''}"
        if "known_at" in self.query:
            told += f", as known at position {self.found.known_at.position}"
        return told

    @property
    def sentence(self) -> str:
        """All of it, for those who do not see the picture."""
        audience = "the public" if self.found.audience == PUBLIC else self.found.audience
        meaning = words.sentence(self.found.state)
        legal = self.found.legal_state
        law = "" if legal is self.found.state else f" In law it is {words.word(legal)}."
        told = f"{self.place}, for {audience}, {self.times}: {self.state[2:]} ({meaning}).{law}"
        return cut(told, _MOST_TITLE)


@blueprint.get("/access/<provider>/<region>/badge.svg")
@requires(Role.READER)
def badge(provider: str, region: str) -> Response:
    """Draw what holds at a place as a badge."""
    query = _query()
    answered = _answered(provider, region, query, "service" in query)
    found = answered.found
    message = answered.state
    if "as_of" in query:
        message += f", {answered.times.partition(', as known')[0]}"
    label = cut(f"{answered.subject} · {name_of(found.region)}", _MOST_LABEL)
    return _kept(_badge(label, message, found.state, answered.sentence), answered)


@blueprint.get("/access/<provider>/<region>/timeline.svg")
@requires(Role.READER)
def timeline(provider: str, region: str) -> Response:
    """Draw what held at a place over the years, a row for each service."""
    answered = _answered(provider, region, _query(), lined=True)
    as_of = answered.found.as_of.day
    # What is pinned must not depend on the day on which it is looked at.
    today = as_of if answered.pinned else house().clock().date()
    picture = drawn(answered.lines[:MOST_ROWS], as_of, today)
    left_out = len(answered.lines) - len(picture.rows)
    svg = render_template(
        "timeline.svg",
        answered=answered,
        heading=cut(answered.heading, _MOST_MESSAGE),
        times=answered.times,
        picture=picture,
        left_out=left_out,
        today=None if today == as_of else picture.bars.today,
        palette=words.PALETTE,
        colours=words.COLOURS,
    )
    return _kept(Response(svg, content_type=MEDIA_TYPE), answered)


@blueprint.errorhandler(Refused)
def _told(error: Refused) -> Response:
    """Tell what is wrong as a badge: whoever embeds a picture sees nothing else."""
    missing = isinstance(error, UnknownIdError)
    where = "" if missing or not error.path else f"{error.path[0]}: "
    detail = f"{where}{error.detail}"
    response = _badge("accessline", detail, State.UNKNOWN, cut(detail, _MOST_TITLE))
    response.status_code = 404 if missing else 422
    response.headers["Cache-Control"] = "no-cache"
    return _guarded(response)


def _query() -> dict[str, str]:
    return {
        name: request.args[name][:_MOST_ASKED]
        for name in _ASKED
        if request.args.get(name, "").strip()
    }


def _answered(provider: str, region: str, query: Mapping[str, str], lined: bool) -> Answered:  # noqa: FBT001
    """Answer a question; ``lined`` asks for the runs of its services too."""
    database, now = house().database, house().clock()
    question = Question(
        provider=provider,
        region=region,
        as_of=moments.moment(query.get("as_of"), now),
        service=query.get("service"),
        audience=query.get("audience", PUBLIC),
    )
    found = asking.explained(database, question, query.get("known_at"), now)
    known = f"@{found.known_at.position}"
    _, registry = browsing.registry(database, known, now)
    spans: tuple[Span, ...] = ()
    if lined:
        spans = asking.intervals(database, question, Window(), known, now).spans
    lines = tuple(
        Line(
            name=cut(registry.services[f"{provider}/{cell.service}"].name, _MOST_LABEL),
            state=cell.state,
            as_of=found.as_of,
            runs=runs_of(one for one in spans if one.service == cell.service),
        )
        for cell in found.cells
        if lined
    )
    subject = _subject(registry, provider, question.service)
    return Answered(query=query, found=found, subject=subject, lines=lines)


def _subject(registry: Registry, provider: str, service: str | None) -> str:
    """Return how a provider's service is called: not "OpenAI OpenAI API"."""
    whose = registry.providers[provider].name
    if service is None:
        return cut(whose, _MOST_LABEL)
    name = registry.services[f"{provider}/{service}"].name
    return cut(name if whose.casefold() in name.casefold() else f"{whose} {name}", _MOST_LABEL)


def _badge(label: str, message: str, state: State, sentence: str) -> Response:
    shown = cut(message, _MOST_MESSAGE)
    ground, ink = words.PALETTE[state]
    svg = render_template(
        "badge.svg",
        label=label,
        message=shown,
        sentence=sentence,
        left=width_of(label),
        right=width_of(shown),
        padding=_PADDING,
        ground=ground,
        ink=ink,
        dim=words.COLOURS["dim"],
    )
    return Response(svg, content_type=MEDIA_TYPE)


def _kept(response: Response, answered: Answered) -> Response:
    """Say how long a picture may be kept: for ever, if its answer never changes."""
    public = guard.gate().public_reads
    shared = _PINNED if answered.pinned else _FRESH
    response.headers["Cache-Control"] = shared if public else "private, no-store"
    response.add_etag()
    response.make_conditional(request)
    return _guarded(response)


def _guarded(response: Response) -> Response:
    """Let pages of others show a picture, where everybody may read what it says."""
    response.headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY
    if guard.gate().public_reads:
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """How a picture is put into another page, as what people copy."""

    label: str
    code: str


@blueprint.app_template_global()
def preview(found: Explained, ask: Asked, picture: str) -> str:
    """Return the address of a picture of what a page shows: with both times pinned."""
    return _address(found, ask, f"/{picture}.svg", pinned=True)


@blueprint.app_template_global()
def embedded(found: Explained, ask: Asked, name: str, *, pinned: bool) -> tuple[Embedded, ...]:
    """Return how to embed the answer of a page: as it always is today, or as it was known then.

    The host that a request names is never repeated, since a client can forge it.
    """
    base = house().public_url
    page = base + _address(found, ask, "", pinned=pinned)
    badge_, line = (
        base + _address(found, ask, f"/{one}.svg", pinned=pinned) for one in ("badge", "timeline")
    )
    service = ask.query.get("service")
    alt = f"Access to {name}{f' ({service})' if service else ''} in {name_of(found.region)}"
    if pinned:
        alt += f" as of {found.as_of.text}"
    href, text = escape(page), escape(alt)
    plain = re.sub(r"([\\\[\]*_`<>])", r"\\\1", alt)
    return (
        Embedded(
            label="Badge, HTML",
            code=f'<a href="{href}"><img src="{escape(badge_)}" alt="{text}"></a>',
        ),
        Embedded(label="Badge, Markdown", code=f"[![{plain}]({badge_})]({page})"),
        Embedded(
            label="Timeline, HTML (Markdown takes it too)",
            code=f'<a href="{href}"><img src="{escape(line)}" width="100%" alt="{text}"></a>',
        ),
    )


@blueprint.app_template_global()
def public_address(found: Explained, ask: Asked) -> str:
    """Return the one address of a page as it was asked for; empty where nobody says of what host.

    Only what the page understood is part of it.
    """
    if not house().public_url or ask.faults:
        return ""
    kept = {name: ask.query[name] for name in _ASKED if name in ask.query}
    return f"{house().public_url}{_target(found, '', kept)}"


def _address(found: Explained, ask: Asked, picture: str, *, pinned: bool) -> str:
    kept = {name: ask.query[name] for name in ("service", "audience") if name in ask.query}
    if pinned:
        kept |= {"as_of": found.as_of.text, "known_at": f"@{found.known_at.position}"}
    return _target(found, picture, kept)


def _target(found: Explained, picture: str, query: Mapping[str, Any]) -> str:
    path = f"/access/{quote(found.provider)}/{quote(found.region)}{picture}"
    return f"{path}{'?' if query else ''}{urlencode(query, safe='@:/,')}"


@blueprint.app_template_global()
def absolute() -> bool:
    """Tell whether the addresses of ``embedded`` name a host."""
    return bool(house().public_url)
