"""The server's time for each page, over the record that ships, against Flask saying hello."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from typing import Final

from service.app import create_app
from service.cli import seeding
from service.settings import Settings
from tests.bench.frame import Finding, NotHere, Row, Size
from tests.bench.ground import Ground
from tests.bench.peers import bare
from tests.bench.sides import Act, clock_of, compare
from tests.bench.wsgi import Application, Request, ask
from tests.builders import STORY
from tests.web.visits import NOTICE

PAGES: Final = {
    "explore": "/?as_of=2024-07-09",
    "place": "/access/openai/CN?as_of=2024-07-09",
    "event": f"/events/{NOTICE}",
    "policy": "/policies/openai-unsupported-regions-2024?as_of=2024-07-09",
    "changes": "/changes",
    "diff": "/diff",
    "upcoming": "/upcoming",
    "audit": "/audit",
    "coverage": "/coverage",
}


_WHOLE: Final = 1_000
"""Events of the log from which on the whole record is shown; below, the story of the tests."""


def _seeded(place: Ground, *, whole: bool) -> Application:
    url, database = place.database("seeds")
    folder = seeding.shipped() if whole else STORY
    seeding.record(database, seeding.read(folder), whole=True)
    app = create_app(Settings(database_url=url, log_level="WARNING"))
    place.closing.callback(app.extensions["accessline"].database.dispose)
    return app


def _page(path: str, place: Ground, size: Size) -> Finding:
    ours = place.once("seeded", partial(_seeded, place, whole=size.events >= _WHOLE))
    where, _, query = path.partition("?")
    request = Request(path=where, query=query)
    answer = ask(ours, request)
    if answer.status != 200:
        message = f"{path} answers {answer.status}."
        raise NotHere(message)
    hello = bare.application(answer.body)
    found = compare(
        _again(ours, request),
        _again(hello, Request(path="/")),
        calls=max(size.calls // 20, 2),
        rounds=max(size.rounds // 2, 1),
        clock=clock_of(place.engine),
    )
    return Finding(
        value=found.ratio,
        ours=found.ours * 1e6,
        other=found.other * 1e6,
        unit="µs",
        also={"bytes of the page": len(answer.body)},
    )


def _again(app: Application, request: Request) -> Iterator[Act]:
    act: Callable[[], object] = partial(ask, app, request)
    return repeat(act)


ROWS: Final = tuple(
    Row(
        name=f"page-{name}",
        what=f"page {path.partition('?')[0]} : bare Flask",
        measure=partial(_page, path),
        engines=("sqlite",),
    )
    for name, path in PAGES.items()
)
