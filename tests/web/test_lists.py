"""Changes, Diff, Upcoming, Audit and Coverage, as a browser without a script reads them."""

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Final

import pytest

from service.application import signing
from service.application.comparing import Difference
from service.application.preview import Cause, Told
from service.application.recording import Batch, append
from service.application.signing import Signer
from service.domain.events import Event
from service.domain.resolution import State
from service.evidence.checkpoints import Checkpoint
from service.evidence.notes import SignerKey
from service.store.engine import connect
from service.web.assets import CONTENT_SECURITY_POLICY
from service.web.differing import Kind, grouped, kind_of
from tests.api.house import NOW, House, open_house
from tests.builders import corrected, directive, event

KEY: Final = SignerKey("log.test/timeline", bytes(range(100, 132)))
NOTICE: Final = "456fbba2-a51f-42fb-b282-aa9aeedb480a"
PAGES: Final = ("/changes", "/diff", "/upcoming", "/audit", "/coverage")
DIFF: Final = "/diff?from=2024-07-08&until=2024-07-09&provider=openai"

MARKUP: Final = "<script>alert(1)</script><img src=x onerror=alert(1)> & \"'"
ARABIC: Final = "حظر الخدمة <b>"
LONG: Final = "W" * 10_000

BAN: Final = event(
    "policy.adopted",
    stream="policy:hostile-ban",
    title=MARKUP,
    occurred_on="2026-11-01",
    data={
        "directives": [
            directive(
                "api",
                "conditional",
                regions=["IT"],
                effective_from="2026-12-24",
                conditions=[MARKUP],
            ),
            directive(
                "ios",
                "conditional",
                services=["chatgpt"],
                regions=["FR"],
                effective_from="2026-11-10",
                conditions=[MARKUP],
            ),
        ]
    },
)
LONGEST: Final = event(
    "policy.adopted",
    stream="policy:long-ban",
    title=LONG,
    occurred_on="2026-11-02",
    data={"directives": [directive("api", regions=["DE"], effective_from="2027-01-05")]},
)
RIGHT_TO_LEFT: Final = event(
    "policy.proposed",
    stream="policy:rtl-ban",
    title=ARABIC,
    occurred_on="2026-11-03",
    data={"drafts": [directive("api", regions=["EG"])]},
)
MISREAD: Final = corrected(BAN)
HOSTILE: Final = (BAN, LONGEST, RIGHT_TO_LEFT)


def opened(file: Path, *events: Event, key: Path | None = None) -> House:
    """Open a house over a log to which Alice adds some events."""
    url = f"sqlite:///{file}"
    if events:
        database = connect(url)
        append(database, Batch(events=events, principal="alice"), clock=lambda: NOW)
        database.dispose()
    return open_house(url, **({} if key is None else {"log_key": str(key)}))


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """The key of the log."""
    return signing.begin(tmp_path_factory.mktemp("key") / "log.key", KEY)


@pytest.fixture(scope="module")
def story(
    story_file: Path, tmp_path_factory: pytest.TempPathFactory, signer: Signer
) -> Iterator[House]:
    """A house over the first story, that signs its log."""
    file = tmp_path_factory.mktemp("lists") / "story.db"
    shutil.copyfile(story_file, file)
    house = opened(file, key=signer.second.with_name("log.key"))
    yield house
    house.close()


@pytest.fixture(scope="module")
def hostile(story_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The same without a key, with texts that want to be more than text, one taken back."""
    file = tmp_path_factory.mktemp("hostile") / "story.db"
    shutil.copyfile(story_file, file)
    house = opened(file, *HOSTILE, MISREAD)
    yield house
    house.close()


@pytest.fixture
def empty(sqlite_template: Path, tmp_path: Path) -> Iterator[House]:
    """A house over an empty log, that has no key."""
    shutil.copyfile(sqlite_template, tmp_path / "empty.db")
    house = opened(tmp_path / "empty.db")
    yield house
    house.close()


def html(house: House, path: str) -> str:
    """Ask for a page that must be there."""
    response = house.get(path)
    assert response.status_code == 200, response.text
    return response.text


def words(house: House, path: str) -> str:
    """Return a page as a reader sees it: without tags, its white space run together."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html(house, path))).split())


def order(text: str, *parts: str) -> None:
    """Check that all parts are there, one behind the other."""
    for part in parts:
        before, found, text = text.partition(part)
        assert found, (part, before[-2_000:])


@pytest.mark.parametrize("path", [*PAGES, DIFF, "/diff?known_from=@20&region=CN&provider="])
def test_every_list_has_the_policy_and_nothing_inline(path: str, story: House) -> None:
    """CSP default-src 'none' forbids inline scripts and styles; ids stand once in a page."""
    response = story.get(path)

    assert response.status_code == 200
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert response.headers["Cache-Control"] == "no-cache"
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", response.text)
    ids = re.findall(r' id="([^"]+)"', response.text)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_log_is_told_in_words(path: str, empty: House) -> None:
    """The first page of a new house says what to do, and what unknown does not mean."""
    text = words(empty, path)

    assert "never to be read as available" in text
    expected = {
        "/changes": "Nothing is recorded yet",
        "/diff": "Two dates show what the world changed",
        "/upcoming": "Nothing recorded has a date within these days",
        "/audit": "The log is empty",
        "/coverage": "There is nothing to count",
    }
    assert expected[path] in text


def test_changes_stand_newest_first_with_their_causes(hostile: House) -> None:
    """A correction is told apart from what happened out there."""
    text = html(hostile, "/changes")

    listed = re.findall(r'<li>.*?href="/events/([^"]+)"', text, re.DOTALL)
    assert listed[0] == str(MISREAD.id)
    assert listed.index(str(BAN.id)) < listed.index(NOTICE)
    first, second = re.findall(r"<li>.*?</li>", text, re.DOTALL)[8:10]
    assert "record" in first
    assert "● world" in second


def test_changes_are_followed_by_feed_and_json_with_the_same_filter(story: House) -> None:
    """Whoever has filtered a list subscribes to that list."""
    text = html(story, "/changes?provider=openai&region=cn")

    assert 'href="/v1/changes.atom?provider=openai&amp;region=CN"' in text
    assert 'href="/v1/changes?provider=openai&amp;region=CN"' in text
    assert f'href="/events/{NOTICE}"' in text
    assert "Changes of OpenAI in China" in words(story, "/changes?provider=openai&region=China")
    for path in ("/v1/changes.atom", "/v1/changes"):
        assert story.get(f"{path}?provider=openai&region=CN").status_code == 200


def test_changes_go_on_before_a_position(story: House) -> None:
    """Positions do not move while the log grows, so a part of the list stays what it was."""
    found = story.json("/v1/changes?limit=2")["items"]
    second = found[1]["event"]["position"] if "event" in found[1] else found[1]["position"]

    text = html(story, f"/changes?before={second + 1}")

    positions = [int(one) for one in re.findall(r"position (\d+)", text)]
    assert positions[0] == second
    assert positions[:-1] == sorted(positions[:-1], reverse=True)
    assert "Nothing changed before position 1" in words(story, "/changes?before=1")


@pytest.mark.parametrize(
    ("path", "told", "kept"),
    [
        ("/changes?provider=opanai", "Did you mean 'openai'?", "position"),
        ("/changes?region=UK", "Did you mean 'GB'?", "position"),
        ("/changes?before=soon", "is no whole number", "position"),
        ("/upcoming?from=tomorrow", "A date looks like 2024-07-09", "Without a date"),
        ("/upcoming?within=0", "is no whole number from 1 to 3650", "Without a date"),
        ("/audit?policy=no-such", "There is no policy 'no-such'", "Positions"),
        ("/audit?cell=openai", "is no cell", "Positions"),
        ("/audit?recorded_by=nobody", "There is no recorder 'nobody'", "Positions"),
        ("/audit?recorded_from=now", "Recorded from", "Positions"),
        ("/audit?known_at=@999999", "lies beyond the head", "Positions"),
        ("/coverage?year=soon", "with commas between them", "OpenAI"),
        ("/coverage?year=2099", "from 1900 to 2026", "OpenAI"),
        ("/diff?from=2024-07-09&until=2024-07-08", "does not lie after", "Compare two dates"),
        ("/diff?from=2024-07-09", "'until' is missing", "Compare two dates"),
        ("/diff?from=9.7.2024&until=2024-07-10", "From:", "Compare two dates"),
        ("/diff?known_from=@9&known_until=@3", "lies before position 9", "Compare two states"),
        ("/diff?known_from=@x", "is no position", "Compare two states"),
        ("/diff?from=2024-07-08&until=2024-07-09&known_from=@3", "one of the two", "Compare"),
        (f"{DIFF.replace('openai', '')}", "Choose a provider or a country", "/v1/access/diff"),
    ],
)
def test_what_cannot_be_understood_is_told_and_the_rest_is_shown(
    path: str, told: str, kept: str, story: House
) -> None:
    """A page never refuses itself for a slip of the pen."""
    text = words(story, path)

    assert told in text
    assert kept in text


def test_no_change_is_no_evidence_of_availability(story: House) -> None:
    """An empty list must not be read as good news."""
    assert "no evidence of availability" in words(story, "/changes?provider=openai&region=AQ")


def test_two_dates_show_what_the_world_changed(story: House) -> None:
    """The story: OpenAI's API is blocked in China, Hong Kong and others on 9 July 2024."""
    text = words(story, DIFF)

    order(text, "Between 8 July 2024 and 9 July 2024", "blocked", "China", "Hong Kong")
    assert "OpenAI will block API traffic" in text
    assert f'href="/events/{NOTICE}"' in html(story, DIFF)
    assert "/v1/access/diff?from=2024-07-08&amp;until=2024-07-09&amp;provider=openai" in html(
        story, DIFF
    )


def test_what_differs_has_a_link_that_stays(story: House) -> None:
    """The link of the footer pins the position, so its answer never changes."""
    found = re.search(r'class="permalink" href="([^"]+)"', html(story, DIFF))

    assert found is not None
    assert "known_at=@" in found[1]
    assert words(story, unescape(found[1])).count("blocked") == words(story, DIFF).count("blocked")


def test_two_states_of_the_record_show_what_we_corrected(hostile: House) -> None:
    """What was taken back was never so: it is no change of the world."""
    position = hostile.position()
    path = f"/diff?known_from=@{position - 1}&region=FR&provider=openai"

    text = words(hostile, path)

    order(
        text, "On 26 November 2026, as known at position", "1 corrected", "Corrected", "our record"
    )
    assert "becomes" in text


def told(state: State) -> Told:
    """Return a side of a difference that has a state and no conditions."""
    return Told.of((state, state, ()))


def difference(
    before: State, after: State, cause: Cause = Cause.WORLD, region: str = "IT"
) -> Difference:
    """Return how a cell may differ."""
    return Difference(
        provider="openai",
        service="api",
        region=region,
        audience="public",
        before=told(before),
        after=told(after),
        events=(),
        cause=cause,
    )


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (State.AVAILABLE, State.CONDITIONAL, Kind.WORSE),
        (State.CONDITIONAL, State.NOT_OFFERED, Kind.WORSE),
        (State.SUSPENDED, State.BLOCKED, Kind.WORSE),
        (State.BLOCKED, State.NOT_OFFERED, Kind.BETTER),
        (State.UNKNOWN, State.BLOCKED, Kind.KNOWN),
        (State.UNKNOWN, State.AVAILABLE, Kind.KNOWN),
        (State.AVAILABLE, State.UNKNOWN, Kind.LOST),
        (State.BLOCKED, State.UNKNOWN, Kind.LOST),
        (State.BLOCKED, State.BLOCKED, Kind.OTHER),
        (State.UNKNOWN, State.UNKNOWN, Kind.OTHER),
        (State.MIXED, State.BLOCKED, Kind.OTHER),
        (State.AVAILABLE, State.MIXED, Kind.OTHER),
        (State.UNKNOWN, State.MIXED, Kind.KNOWN),
    ],
)
def test_unknown_is_neither_better_nor_worse(before: State, after: State, kind: Kind) -> None:
    """Ranks are those of effects, of which unknown is none."""
    assert kind_of(difference(before, after)) is kind
    assert kind_of(difference(before, after, Cause.RECORD)) is Kind.CORRECTED


def test_the_cells_of_a_page_are_bounded_and_the_rest_is_counted() -> None:
    """A line says how many cells it has, where not all are shown; no line is empty."""
    places = ("AT", "BE", "CH", "DE")
    items = [difference(State.AVAILABLE, State.BLOCKED, region=one) for one in places]
    items += [difference(State.BLOCKED, State.AVAILABLE)]

    found = grouped(items, 3)

    (line,) = found[Kind.WORSE]
    assert (line.number, [code for code, _ in line.places]) == (4, ["AT", "BE", "CH"])
    assert list(found) == [Kind.WORSE]


def test_what_was_to_come_stands_by_month(story: House) -> None:
    """Asked of 1 July 2024 the page tells what was seen then, with a calendar of the same."""
    path = "/upcoming?from=2024-07-01&within=90&provider=openai"

    order(words(story, path), "as it stood on 1 July 2024", "July 2024", "9 July 2024", "blocked")
    text = html(story, path)
    query = "from=2024-07-01&amp;within=90&amp;provider=openai"
    assert f'href="/v1/upcoming.ics?{query}"' in text
    assert f'href="/v1/upcoming?{query}"' in text
    assert (
        story.get("/v1/upcoming.ics?from=2024-07-01&within=90&provider=openai").status_code == 200
    )


def test_the_audit_shows_the_checkpoint_that_is_published(story: House, signer: Signer) -> None:
    """Origin, size, root and key are those of the signed note, which is there to be kept."""
    text = words(story, "/audit")

    origin, size, root = story.get("/log/checkpoint").text.split("\n")[:3]
    for part in (origin, f"{size} entries", root, str(signer.verifiers[0]), "published checkpoint"):
        assert part in text
    assert "No checkpoint" not in text


def test_every_entry_of_the_audit_can_be_verified(story: House) -> None:
    """Each has its button, the list where its steps are told, and its proof as JSON."""
    text = html(story, "/audit?policy=openai-unsupported-regions-2024")

    assert f'data-event="{NOTICE}"' in text
    assert f'href="/v1/events/{NOTICE}/proof"' in text
    steps = re.findall(r'aria-controls="([^"]+)"', text)
    assert steps
    assert all(f'<ol id="{one}" class="proof"' in text for one in steps)
    assert "verify.js" in text


def test_the_audit_begins_with_the_newest_entries(story: House) -> None:
    """Without a filter its last part is shown; links lead to the parts before and behind."""
    last = story.position()
    text = html(story, "/audit")

    assert f"Positions {last - 24} to {last} of {last}" in text
    assert f'href="/audit?after={last - 50}#entries"' in text
    first = words(story, "/audit?after=0")
    assert f"Positions 1 to 25 of {last}" in first
    assert "Later entries" in first


def test_a_correction_stands_beside_what_it_corrects(hostile: House) -> None:
    """Both are there for ever: what was recorded, and that it does not stand."""
    text = words(hostile, "/audit?policy=hostile-ban")

    order(text, "does not stand any more", "Taken back by", "we misread it", "Corrects")


def test_without_a_key_the_audit_says_who_makes_one(hostile: House) -> None:
    """No checkpoint is no fault of the page: the entries are there."""
    text = words(hostile, "/audit")

    assert "No checkpoint was ever published" in text
    assert "accessline log init" in text
    assert "Positions" in text


def test_a_log_that_went_back_is_told_and_the_entries_are_shown(
    story_file: Path, tmp_path: Path
) -> None:
    """As after restoring an older backup; the paths of the server are not for everybody."""
    shutil.copyfile(story_file, tmp_path / "story.db")
    begun = signing.begin(tmp_path / "log.key", KEY)
    ahead = Checkpoint(origin=KEY.name, size=999, root=bytes(32))
    begun.second.write_bytes(ahead.signed((KEY,)))
    house = opened(tmp_path / "story.db", key=tmp_path / "log.key")

    text = words(house, "/audit")
    house.close()

    assert "a checkpoint was published for 999: events are missing" in text
    assert str(tmp_path) not in text
    assert "Positions" in text


def test_coverage_says_what_the_api_says(story: House) -> None:
    """By provider and year; with what unknown means above the numbers."""
    text = words(story, "/coverage?provider=openai&year=2023,2024")

    assert "Unknown means that nobody has recorded anything" in text
    for row in story.json("/v1/coverage?provider=openai&year=2023,2024")["items"]:
        numbers = (str(row[name]) for name in ("cells", "unknown", "official", "press"))
        order(text, f"{row['year']} {row['known']} (", " ".join(numbers))
    assert "/v1/coverage?provider=openai&amp;year=2023,2024" in html(
        story, "/coverage?provider=openai&year=2023,2024"
    )


def test_coverage_counts_all_providers_where_asked(story: House) -> None:
    """An empty choice means everybody, for one year."""
    text = html(story, "/coverage?provider=&year=2024,2025")

    rows = re.findall(r'scope="rowgroup"', text)
    providers = {one["provider"] for one in story.json("/v1/coverage?year=2024")["items"]}
    assert len(rows) == len(providers)


@pytest.mark.parametrize(
    "path",
    [
        "/changes",
        "/upcoming",
        "/audit",
        "/diff?from=2026-10-01&until=2027-02-01&region=IT&provider=&known_at=@{before}",
        "/diff?known_from=@51&known_until=@{before}&region=FR&provider=openai",
    ],
)
def test_texts_of_others_are_shown_as_text(path: str, hostile: House) -> None:
    """Markup is read, not run; writing from right to left ends where it ends."""
    text = html(hostile, path.replace("{before}", str(hostile.position() - 1)))

    assert "<script>alert" not in text
    assert "<img" not in text
    assert "<b>" not in text
    if path in ("/upcoming", "/audit"):
        assert f"<bdi>{ARABIC.replace('<b>', '&lt;b&gt;')}</bdi>" in text
    if path in ("/changes", "/upcoming", "/audit"):
        assert LONG[:239] + "…" in text
        assert LONG[:241] not in text
    if path != "/upcoming":
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


@pytest.mark.parametrize("path", PAGES)
def test_texts_of_the_address_are_shown_as_text(path: str, story: House) -> None:
    """What is asked stands in forms and sentences, and in none of them as markup."""
    evil = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE"
    names = (
        *("provider", "region", "from", "until", "known_from", "known_at", "as_of", "within"),
        *("before", "after", "policy", "cell", "recorded_by", "recorded_from", "year"),
    )

    response = story.get(f"{path}?{'&'.join(f'{name}={evil}' for name in names)}")

    assert response.status_code == 200
    assert "<script>alert" not in response.text
    assert 'class="fault"' in response.text
