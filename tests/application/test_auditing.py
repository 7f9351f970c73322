"""The audit finds everything that was ever said of a cell, and what became of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.application.auditing import Audit, AuditFilter, Entry, audit
from service.application.recorders import KeyAudit, keys
from service.application.recording import Batch, append
from service.auth import credentials
from service.auth.credentials import Role
from service.domain.errors import BadContentError, BadTimeError, UnknownIdError
from service.domain.events import Event
from service.domain.scope import Cell, may_match
from service.domain.world import POLICY, World
from service.store import events as log
from service.store.codec import decode, microseconds
from service.store.engine import Database
from tests.builders import NOON, corrected, directive, event, group_changed, registry_events

LATER = NOON + timedelta(days=9)
CAST = len(registry_events())


def adopted(slug: str, **scope: Any) -> Event:  # noqa: ANN401 -- lists
    """Return the adoption of a ban that OpenAI decided, somewhere."""
    told = directive(effective_from="2024-07-09", **scope)
    return event("policy.adopted", stream=f"policy:{slug}", data={"directives": [told]})


def record(database: Database, *events: Event, by: str = "alice", day: int = 0) -> None:
    """Record a batch, some days after the first."""
    clock = NOON + timedelta(days=day)
    append(database, Batch(events=events, principal=by), clock=lambda: clock)


def ask(
    database: Database,
    *,
    known_at: str | None = None,
    after: int = 0,
    limit: int = 100,
    **wanted: Any,  # noqa: ANN401 -- any field of the filter
) -> Audit:
    """Ask for a part of the audit."""
    asked = AuditFilter(**wanted)
    return audit(database, asked, known_at, LATER, after=after, limit=limit)


def streams(database: Database, cell: str, known_at: str | None = None) -> set[str]:
    """Return which streams the audit of a cell tells of."""
    return {one.recorded.event.stream for one in ask(database, cell=cell, known_at=known_at).items}


@pytest.fixture
def cast(database: Database) -> Database:
    """A log that knows who and what there is."""
    record(database, *registry_events())
    return database


@pytest.mark.parametrize(
    ("scope", "reached", "missed"),
    [
        ({"regions": ["IT"]}, ("openai/IT", "openai/IT/api", "openai/EU"), ("openai/FR",)),
        ({"regions": ["EU"]}, ("openai/IT", "openai/GB", "openai/EU/api"), ("openai/US",)),
        ({"regions": ["US-TX"]}, ("openai/US", "openai/US-TX"), ("openai/US-CA", "openai/CN")),
        ({"regions": ["US"]}, ("openai/US-TX/api",), ("openai/EU",)),
        ({"regions": ["FR-75C"]}, ("openai/FR-IDF", "openai/FR", "openai/EU"), ("openai/FR-ARA",)),
        ({}, ("openai/JP", "openai/EU/api"), ("openai/JP/chatgpt", "microsoft/JP")),
        (
            {"providers": ["openai"], "services": ["chatgpt/ios"]},
            ("openai/JP/chatgpt", "openai/JP/chatgpt/ios", "openai/JP"),
            ("openai/JP/api",),
        ),
        (
            {"providers": ["openai"], "services": ["chatgpt"]},
            ("openai/JP/chatgpt/ios",),
            ("openai/JP/api",),
        ),
        ({"providers": ["*"]}, ("openai/JP/api", "microsoft/JP/azure-openai"), ()),
        ({"audiences": ["government/defence"]}, ("openai/JP/api",), ("openai/JP/chatgpt",)),
        (
            {"providers": ["openai", "microsoft"], "regions": ["IT"]},
            ("microsoft/IT", "openai/IT/chatgpt/ios"),
            ("microsoft/FR",),
        ),
    ],
)
def test_a_scope_reaches_what_lies_within_it_and_around_it(
    cast: Database, scope: dict[str, list[str]], reached: tuple[str, ...], missed: tuple[str, ...]
) -> None:
    """Whatever the audience; a group by everybody who ever was a member."""
    record(cast, adopted("ban", **scope))

    assert {cell: streams(cast, cell) for cell in reached} == {
        cell: {"policy:ban"} for cell in reached
    }
    assert not any(streams(cast, cell) for cell in missed)


def test_the_audit_of_a_cell_leaves_out_nothing_that_could_ever_match(cast: Database) -> None:
    """Held against a fold of every prefix of the log, by the domain's own test."""
    text = adopted("moved", regions=["IT"])
    record(cast, text, adopted("list", regions=["EU", "CN"]))
    record(
        cast,
        corrected(
            text, adopted("moved", regions=["FR"], providers=["openai"], services=["chatgpt"])
        ),
        group_changed("EU", "2021-01-01", adds=["JP"]),
    )
    with cast.read() as connection:
        recorded = [decode(row) for row in log.iterate(connection)]

    for provider, service in (
        ("openai", "api"),
        ("openai", "chatgpt/ios"),
        ("microsoft", "azure-openai"),
    ):
        for region in ("IT", "FR", "FR-IDF", "GB", "JP", "CN", "US"):
            cell = Cell(provider=provider, service=service, region=region)
            worlds = [World.of(recorded[:end]) for end in range(len(recorded) + 1)]
            matching = {
                POLICY + text.policy
                for world in worlds
                for text in world.texts
                if may_match(text.scope, cell, world.registry)
            }
            assert streams(cast, f"{provider}/{region}/{service}") == matching


def test_what_was_once_known_of_a_cell_is_audited_for_ever(cast: Database) -> None:
    """Taken back, corrected away, withdrawn, of a former member: somebody had recorded it."""
    join = group_changed("EU", "2021-01-01", adds=["JP"])
    wrong, false = adopted("wrong", regions=["IT"]), adopted("false", regions=["IT"])
    draft = {"drafts": [directive("api", regions=["IT"])]}
    plan = event("policy.proposed", stream="policy:plan", data=draft)
    seen = {"scope": {"providers": ["openai"], "regions": ["IT"]}, "state": "blocked"}
    probe = event("access.observed", data={**seen, "method": "probe"})
    end = event("policy.withdrawn", stream="policy:plan", data={"reason": "It was given up."})
    record(cast, wrong, false, plan, probe, join, adopted("union", regions=["EU"]))
    before = ask(cast).known_at.position
    record(cast, corrected(wrong, adopted("wrong", regions=["FR"])), corrected(false), end)
    record(cast, corrected(probe), corrected(join))

    said = {"policy:wrong", "policy:false", "policy:plan", "observation:probe", "policy:union"}
    assert streams(cast, "openai/IT") == said
    assert streams(cast, "openai/FR") == {"policy:wrong", "policy:union"}
    assert streams(cast, "openai/JP") == {"policy:union"}
    assert streams(cast, "openai/FR", f"@{before}") == {"policy:union"}


def test_a_correction_stands_beside_its_target_on_whatever_page(cast: Database) -> None:
    """It lies far behind what it corrects, and was recorded by somebody else."""
    wrong = adopted("wrong", regions=["IT"])
    amending = corrected(wrong, adopted("wrong", regions=["FR"]))
    record(cast, wrong)
    record(cast, *(adopted(f"other-{number}", regions=["DE"]) for number in range(5)))
    record(cast, amending, by="bob")
    record(cast, corrected(amending), by="carol")

    [first] = ask(cast, after=CAST, limit=1).items
    [last] = ask(cast, recorded_by="bob").items

    assert first.corrected_by == (amending.id,)
    assert [one.standing for one in first.corrections] == [False]
    assert first.stands == wrong
    assert (last.corrects, last.stands) == (wrong.id, None)
    assert [one.recorded.recorded_by for one in last.corrections] == ["carol"]
    assert (
        ask(cast, known_at=f"@{last.recorded.position}", after=CAST, limit=1).items[0].stands
        != wrong
    )
    assert ask(cast, known_at=f"@{CAST + 1}", after=CAST).items[0].corrections == ()


def test_parts_follow_each_other_without_a_gap(cast: Database) -> None:
    """Each tells where the next one begins, and the last that it is the last."""
    record(cast, *(adopted(f"p{number}", regions=["IT"]) for number in range(5)))

    every: tuple[dict[str, Any], ...] = ({}, {"cell": "openai/IT"}, {"recorded_by": "alice"})
    for wanted in every:
        whole = ask(cast, **wanted)
        after: int | None = 0
        found: list[Entry] = []
        while after is not None:
            part = ask(cast, after=after, limit=2, **wanted)
            assert 0 < len(part.items) <= 2
            found.extend(part.items)
            after = part.next
        assert tuple(found) == whole.items
        assert whole.next is None


def test_times_of_recording_are_half_open_and_narrow_with_the_rest(cast: Database) -> None:
    """As everywhere: from then on, and before then."""
    for day in (1, 2, 3):
        record(cast, adopted(f"p{day}", regions=["IT"]), by=f"key{day % 2}", day=day)

    def found(**wanted: str | datetime) -> list[int]:
        plain: dict[str, Any] = {
            name: microseconds(value) if isinstance(value, datetime) else value
            for name, value in wanted.items()
        }
        return [one.recorded.position - CAST for one in ask(cast, **plain).items]

    second = NOON + timedelta(days=2)
    assert found(recorded_from=second) == [2, 3]
    assert found(recorded_until=second)[-1] == 1
    assert found(recorded_from=second, recorded_until=second + timedelta(microseconds=1)) == [2]
    assert found(recorded_from=second + timedelta(microseconds=1)) == [3]
    assert found(recorded_from=second, recorded_by="key1") == [3]
    assert found(policy="p2", cell="openai/IT", recorded_by="key0") == [2]
    assert found(policy="p2", cell="openai/FR") == []
    assert found(recorded_until=datetime(1900, 1, 1, tzinfo=UTC)) == []
    assert found(recorded_from=datetime(2200, 1, 1, tzinfo=UTC)) == []


@pytest.mark.parametrize(
    ("wanted", "parameter", "suggestion"),
    [
        ({"policy": "bann"}, "policy", "ban"),
        ({"policy": "policy:ban"}, "policy", None),
        ({"recorded_by": "alcie"}, "recorded_by", "alice"),
        ({"cell": "opnai/IT/api"}, "cell", "openai/IT/api"),
        ({"cell": "openai/it/api"}, "cell", "openai/IT/api"),
        ({"cell": "openai/UK"}, "cell", "openai/GB"),
        ({"cell": "openai/IT/aip"}, "cell", "openai/IT/api"),
        ({"cell": "openai/IT/azure-openai"}, "cell", None),
        ({"cell": "openai/openai/api"}, "cell", None),
        ({"cell": "openai/IT/*"}, "cell", None),
        ({"cell": "*/*"}, "cell", None),
        ({"cell": "IT/openai"}, "cell", None),
    ],
)
def test_what_is_not_known_is_refused_with_what_was_meant(
    cast: Database, wanted: dict[str, Any], parameter: str, suggestion: str | None
) -> None:
    """An empty list would read as: nothing was ever recorded."""
    record(cast, adopted("ban"))

    with pytest.raises(UnknownIdError) as refused:
        ask(cast, **wanted)

    assert (refused.value.path, refused.value.suggestion) == ((parameter,), suggestion)


@pytest.mark.parametrize("cell", ["openai", "", "/", "openai/", "/IT", "openai/IT/", "//api"])
def test_a_cell_is_written_as_one(cast: Database, cell: str) -> None:
    """The refusal shows how."""
    with pytest.raises(BadContentError, match="openai/CN/api"):
        ask(cast, cell=cell)


def test_nobody_audits_what_is_not_yet_recorded(cast: Database) -> None:
    """A position beyond the head is no position."""
    with pytest.raises(BadTimeError):
        ask(cast, known_at="@999")


def test_every_key_is_told_of_with_what_it_recorded(cast: Database) -> None:
    """Made, used and revoked; those without a key first, then keys by their age."""
    made = (
        credentials.issue(cast, Role.CURATOR, "feed", lambda: NOON).id,
        credentials.issue(cast, Role.READER, None, lambda: NOON + timedelta(hours=1)).id,
    )
    credentials.revoke(cast, made[1], lambda: NOON + timedelta(days=1))
    record(cast, adopted("a"), adopted("b"), by=made[0], day=1)
    record(cast, adopted("c"), by=made[0], day=2)

    found = keys(cast, None, LATER, after=None, limit=9)

    assert found.items == (
        KeyAudit(
            id="alice",
            events=CAST,
            first_recorded_at=NOON,
            last_recorded_at=NOON,
            last_position=CAST,
        ),
        KeyAudit(
            id=made[0],
            role="curator",
            label="feed",
            created_at=NOON,
            events=3,
            first_recorded_at=NOON + timedelta(days=1),
            last_recorded_at=NOON + timedelta(days=2),
            last_position=CAST + 3,
        ),
        KeyAudit(
            id=made[1],
            role="reader",
            created_at=NOON + timedelta(hours=1),
            revoked_at=NOON + timedelta(days=1),
        ),
    )
    assert found.next is None
    assert keys(cast, f"@{CAST + 1}", LATER, after="alice", limit=1).items[0].events == 1
    assert keys(cast, None, LATER, after="alice", limit=1).next == made[0]
    assert keys(cast, None, LATER, after=made[0], limit=1).items == found.items[2:]
