"""A read, from its parameters to its answer.

Every read is a list or one thing; both are JSON, a list also CSV. ``Read.begin`` takes the
parameters of the current request, waits for the position that it names, and answers 304 where the
client has what it would get, before anything but that position is looked up. ``Read.answer`` writes
the answer with the headers by which it can be kept::

    ETag                 what the answer depends on: URL, form, rule, release, position and day
    Cache-Control        immutable for a year where both times are pinned; else asked for again
    Link                 the next part of a list, and the form that never changes

Next: service/application/asking.py, the read path.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any, Final

from flask import Response, abort, request

from service import __version__
from service.api import keeping, tables
from service.api.cursors import Cursor
from service.api.keeping import FOR_EVER, Good
from service.api.negotiation import CSV, JSON, wanted
from service.api.query import MAX_POSITION, MIN_POSITION, Parameter, Query
from service.api.wiring import wired
from service.application import moments
from service.domain.answers import KnownAt
from service.domain.codec import answer_bytes
from service.domain.resolution import RULE

IMMUTABLE: Final = "public, max-age=31536000, immutable"
FLOATING: Final = "no-cache"
PRIVATE: Final = "private, no-store"

PINNED: Final = re.compile(r"@[0-9]{1,18}", re.ASCII)
"""A ``known_at`` that names a position."""


def fixed_times(query: Query) -> bool:
    """Tell whether an answer can never change: both times are given, the one as a position."""
    return "as_of" in query.values and fixed_position(query)


def fixed_position(query: Query) -> bool:
    """Tell whether what was known is given as a position."""
    return PINNED.fullmatch(query.values.get("known_at", "")) is not None


def floating(_: Query) -> bool:
    """Tell that an answer may change with every append."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One read, as ``begin`` makes it.

    Attributes:
        query: Its parameters.
        now: The present, the same for all that it looks up.
        form: The media type that is wanted.
        varies: Whether other forms are offered.
        also: What the answer depends on besides its URL and the log.
        private: Whether nobody may keep the answer, and so it has no tag.
    """

    query: Query
    now: datetime
    form: str
    columns: Sequence[str]
    fixed: bool
    still: bool
    private: bool
    varies: bool
    also: str | None

    @classmethod
    def begin(  # noqa: PLR0913 every one of them says how the answer is kept
        cls,
        parameters: Sequence[Parameter],
        columns: Sequence[str] = (),
        *,
        fixed: Callable[[Query], bool] = floating,
        still: bool = False,
        form: str | None = None,
        forms: Sequence[str] = (),
        private: bool = False,
        also: str | None = None,
    ) -> "Read":
        """Begin the read that the current request is.

        Args:
            parameters: Those that it takes, besides ``min_position``.
            columns: Of a list; empty where it is none, and then there is no CSV.
            fixed: Tells of its query whether the answer never changes.
            still: Whether it depends on nothing that the log may add.
            form: Its one form, where the path names it; what is accepted is not looked at then.
            forms: What it may be answered as, where that is not JSON, and CSV for a list.
            private: Whether nobody may keep it: it depends on more than the log.
            also: What it depends on besides its URL and the log, such as who signs.

        Raises:
            InvalidInput: A parameter is unknown, repeated or wrong.
            NotAcceptable: The client wants no form that there is.
            NotThereYet: The log has not come to ``min_position`` in time.
            HTTPException: With the answer, 304, where the client has it already.
        """
        query = Query.of_request((*parameters, MIN_POSITION))
        offered = forms or ((JSON, CSV) if columns else (JSON,))
        read = cls(
            query=query,
            now=wired().now(),
            form=form or wanted(offered),
            columns=columns,
            fixed=fixed(query),
            still=still,
            private=private,
            varies=len(offered) > 1,
            also=also,
        )
        await_position(query)
        asked = request.if_none_match
        if asked and not asked.star_tag and not private:
            tag = read._tag(read._positions())
            if asked.contains_weak(tag):
                abort(read._kept(Response(status=304), tag))
        return read

    def known_at(self) -> str | None:
        """Return the ``known_at`` of a list: that of its first part, wherever it goes on."""
        cursor = self.query.cursor()
        if cursor is None or cursor.known_at is None:
            return self.query.text("known_at")
        return f"@{cursor.known_at}"

    def as_of(self) -> str | None:
        """Return the ``as_of`` of a list: that of its first part, wherever it goes on."""
        cursor = self.query.cursor()
        return self.query.text("as_of") if cursor is None else cursor.as_of

    def start(self) -> int:
        """Return how many items of a list were given before."""
        cursor = self.query.cursor()
        return 0 if cursor is None else int(cursor.after)

    def answer(
        self,
        value: Any,  # noqa: ANN401 -- whatever ``rendering`` gives
        *at: KnownAt | int,
        links: Iterable[str] = (),
    ) -> Response:
        """Return an answer.

        Args:
            value: What is answered; of a list the object that holds its ``items``.
            at: The positions that it was given for.
            links: More links.
        """
        if self.form == CSV:
            body, kind = tables.csv_bytes(self.columns, value["items"]), tables.MEDIA_TYPE
        else:
            body, kind = answer_bytes(value), JSON
        return self.written(body, kind, *at, links=links)

    def written(
        self, body: bytes, content_type: str, *at: KnownAt | int, links: Iterable[str] = ()
    ) -> Response:
        """Return an answer that is written already, as ``answer`` does."""
        positions = tuple(one if isinstance(one, int) else one.position for one in at)
        response = Response(body, content_type=content_type)
        self._say_how_long_good(positions)
        if request.if_none_match.star_tag and not self.private:
            response = Response(status=304)
        told = ", ".join(links)
        if told:
            response.headers["Link"] = told
        return self._kept(response, self._tag(positions))

    def _kept(self, response: Response, tag: str) -> Response:
        if self.varies:
            response.vary.add("Accept")
        if self.private:
            response.headers["Cache-Control"] = PRIVATE
            return response
        response.set_etag(tag)
        response.headers["Cache-Control"] = IMMUTABLE if self.fixed else FLOATING
        return response

    def _say_how_long_good(self, positions: Sequence[int]) -> None:
        # What depends on more than the log and the day is not kept here.
        if self.private or self.also is not None:
            return
        if self.fixed or self.still:
            keeping.say(FOR_EVER)
        else:
            head = None if fixed_position(self.query) else max(positions)
            keeping.say(Good(head, self.now.astimezone(UTC).date()))

    def _tag(self, positions: Sequence[int]) -> str:
        day = None if self.fixed or self.still else self.now.astimezone(UTC).date()
        where = () if self.still else positions
        return tag_of(request.full_path, self.form, day, where, self.also or "")

    def _positions(self) -> tuple[int, ...]:
        """Resolve the positions that are asked about, and nothing else."""
        if self.still:
            return ()
        database, cursor = wired().database, self.query.cursor()
        compared = "known_from" in self.query.values
        names = ("known_from", "known_until") if compared else ("known_at",)
        if cursor is None or cursor.known_at is None:
            texts = {name: self.query.text(name) for name in names}
        else:
            texts = {names[0]: f"@{cursor.known_from}", names[-1]: f"@{cursor.known_at}"}
        return tuple(
            moments.position(database, text, self.now, name) for name, text in texts.items()
        )


def tag_of(
    asked: str, form: str, day: date | None, positions: Iterable[int], also: str = ""
) -> str:
    """Return the tag of an answer: of what it depends on, never of its bytes."""
    parts = (__version__, RULE, form, asked, day or "", also, *positions)
    digest = sha256("\0".join(map(str, parts)).encode("utf-8", "surrogateescape")).digest()
    return urlsafe_b64encode(digest[:18]).decode("ascii")


def await_position(query: Query) -> None:
    """Wait for the position that a read names, if it names one.

    Raises:
        NotThereYet: The log has not come to it in time.
    """
    wanted_position = query.number(MIN_POSITION.name, 0, least=0, most=MAX_POSITION)
    if wanted_position:
        house = wired()
        house.waiting.until(house.database, wanted_position)


def following(
    query: Query, start: int, size: int, known_at: KnownAt, as_of: str | None = None
) -> str | None:
    """Return the cursor behind a part of a list that is counted, None at its end."""
    end = start + query.limit()
    cursor = Cursor(after=str(end), known_at=known_at.position, as_of=as_of)
    return query.following(cursor if end < size else None)
