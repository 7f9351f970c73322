"""A policy as a reader sees it on a day, folded from what had occurred by then."""

from datetime import date

import pytest

from service.domain.dossier import Dossier, dossier
from service.domain.events import Event
from service.domain.history import as_known
from service.domain.registry import Registry
from service.domain.times import When
from tests.builders import directive, event, log, registry_events

ZONES = Registry.of(log(*registry_events()))

PROPOSED = event(
    "policy.proposed",
    occurred_on="2023-03-01",
    title="A bill",
    instrument="law",
    data={"drafts": [directive()]},
)
OPENED = event("policy.consulted", occurred_on="2023-04-01", data={"phase": "opened"})
ADOPTED = event(
    "policy.adopted",
    occurred_on="2024-01-01",
    title="A law",
    data={
        "directives": [
            directive("api", effective_from="2024-02-01"),
            directive("app", services=["chatgpt"], effective_from="2024-03-01"),
        ]
    },
)
STAYED = event(
    "policy.suspended",
    occurred_on="2024-04-01",
    authority="tribunal",
    data={"effective_from": "2024-04-01", "kind": "stayed"},
)
REPEALED = event(
    "policy.repealed",
    occurred_on="2024-05-01",
    data={"effective_from": "2024-06-01", "reason": "over"},
)
STORY = (PROPOSED, OPENED, ADOPTED, STAYED, REPEALED)


def on(day: str, *events: Event) -> Dossier | None:
    """Return the policy on a day."""
    return dossier("rules", as_known(log(*(events or STORY))), ZONES, When.moment(day))


@pytest.mark.parametrize(
    ("day", "status", "api", "app"),
    [
        ("2023-03-01", "proposed", "proposed", None),
        ("2024-01-01", "adopted", "adopted", "adopted"),
        ("2024-02-01", "in_force", "in_force", "adopted"),
        ("2024-03-01", "in_force", "in_force", "in_force"),
        ("2024-04-01", "suspended", "suspended", "suspended"),
        ("2024-06-01", "ended", "ended", "ended"),
    ],
)
def test_a_policy_and_its_directives_stand_where_they_stood_on_the_day(
    day: str, status: str, api: str, app: str | None
) -> None:
    """The policy is in force as soon as one of its directives is."""
    told = on(day)

    assert told is not None
    assert told.status == status
    found = {one.key: one.status.value for one in told.directives}
    assert (found.get("api"), found.get("app")) == (api, app)


def test_before_its_first_event_there_is_no_policy() -> None:
    """Not even the intention was there."""
    assert on("2023-02-28") is None


def test_a_policy_tells_who_decided_what_and_when_it_was_last_looked_at() -> None:
    """The authority is that of its texts, the title that of its first event."""
    review = event("record.reviewed", occurred_on="2024-07-01", data={"reviewed_on": "2024-06-30"})
    told = on("2024-07-09", *STORY, review)

    assert told is not None
    assert (told.slug, told.stream, told.version) == ("rules", "policy:rules", 6)
    assert (told.authority, told.title, told.instrument) == ("openai", "A bill", "law")
    assert told.consultation == "opened"
    assert told.last_reviewed_on == date(2024, 6, 30)
    assert told.first_occurred_on == When.bound("2023-03-01")
    assert told.last_occurred_on == When.bound("2024-07-01")


def test_a_policy_that_was_given_up_is_withdrawn_and_its_drafts_have_ended() -> None:
    """They are shown all the same."""
    withdrawn = event("policy.withdrawn", occurred_on="2023-06-01", data={"reason": "x"})

    told = on("2023-06-01", PROPOSED, withdrawn)

    assert told is not None
    assert told.status == "withdrawn"
    assert [one.status.value for one in told.directives] == ["ended"]


def test_an_intention_is_announced_until_it_is_proposed() -> None:
    """It may be announced without any draft."""
    announced = event("policy.announced", occurred_on="2023-01-01")

    before, after = on("2023-02-01", announced, PROPOSED), on("2023-03-01", announced, PROPOSED)

    assert before is not None
    assert after is not None
    assert (before.status, before.directives) == ("announced", ())
    assert after.status == "proposed"


def test_guidance_is_shown_on_the_policy_s_page() -> None:
    """What does not bind is recorded and shown, and marked."""
    data = {"directives": [directive("advice", effective_from="2024-02-01")]}
    guidance = event("policy.adopted", occurred_on="2024-01-01", binding=False, data=data)

    told = on("2024-02-01", guidance)

    assert told is not None
    assert [(one.key, one.binding) for one in told.directives] == [("advice", False)]
