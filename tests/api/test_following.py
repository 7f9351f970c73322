"""What is to come and what has changed answers: lists, a feed, a calendar."""

from typing import Any

import feedparser
import pytest
from icalendar import Calendar

from tests.api.house import House, Json, sow
from tests.api.test_lists import items
from tests.builders import directive, plain_event

NOTICE = "456fbba2-a51f-42fb-b282-aa9aeedb480a"
PROPOSAL = "policy:bill"


def proposed(start: str | None = "2027-03-01") -> Json:
    """Return a proposal that would block OpenAI's API in Italy."""
    draft = directive("ban", "blocked", regions=["IT"], effective_from=start)
    return plain_event(
        "policy.proposed", stream=PROPOSAL, occurred_on="2026-11-02", data={"drafts": [draft]}
    )


def withdrawn() -> Json:
    """Return the end of the proposal."""
    return plain_event(
        "policy.withdrawn",
        stream=PROPOSAL,
        occurred_on="2026-11-20",
        data={"reason": "A new government."},
    )


def record(house: House, *events: Json) -> None:
    """Record events."""
    response = house.post({"events": events})
    assert response.status_code == 201, response.text


def entries(house: House, query: str = "within=365") -> dict[str, Any]:
    """Return the entries of the calendar by their UID."""
    response = house.get(f"/v1/upcoming.ics?{query}")
    assert response.status_code == 200, response.text
    assert response.content_type == "text/calendar; charset=utf-8"
    found = Calendar.from_ical(response.data).walk("VEVENT")
    named = {str(one["UID"]): one for one in found}
    assert len(named) == len(found)
    return named


def test_what_was_to_come_is_told_as_it_was_seen_on_the_day(story: House) -> None:
    """On 1 July 2024 the block of 9 July was known; on 20 June it was not."""
    seen = story.json("/v1/upcoming?from=2024-07-01&within=30")
    before = story.json("/v1/upcoming?from=2024-06-20&within=30")

    first = seen["items"][0]
    assert (first["on"], first["kind"], first["effect"]) == ("2024-07-09", "scheduled", "blocked")
    assert first["policy"] == "openai-unsupported-regions-2024"
    assert first["title"].startswith("OpenAI will block")
    assert "CN" in first["scope"]["regions"]
    assert first["events"] == [NOTICE]
    assert (seen["from"], seen["until"]) == ("2024-07-01", "2024-07-31")
    assert "2024-07-09" not in [one["on"] for one in before["items"]]


def test_what_has_no_date_stands_behind_what_has_one(story: House) -> None:
    """The American proposal of 2024 never said when."""
    found = story.json("/v1/upcoming?from=2024-07-01")["items"]

    dates = [one["on"] for one in found]
    dated = [one for one in dates if one is not None]
    assert dates == [*sorted(dated), *[None] * (len(dates) - len(dated))]
    assert "us-iaas-kyc-2024" in [one["policy"] for one in found if one["on"] is None]


def test_what_is_to_come_is_found_by_where_it_reaches(story: House) -> None:
    """A provider's own; a region in the scope, around it, or in it."""
    path = "/v1/upcoming?from=2024-07-01&within=30"

    def policies(query: str) -> set[str]:
        return {one["policy"] for one in items(story, f"{path}&{query}")}

    block = "openai-unsupported-regions-2024"
    assert block in policies("provider=openai")
    assert block in policies("region=CN")
    assert block in policies("provider=openai&region=HK")
    assert block not in policies("region=FR")
    assert block not in policies("provider=microsoft")


def test_the_parts_of_what_is_to_come_are_the_whole(story: House) -> None:
    """Each part is told for the day and the position of the first."""
    path = "/v1/upcoming?from=2024-07-01&within=3650"
    whole = items(story, path)

    assert len(whole) > 1
    assert items(story, path, limit=1) == whole


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/v1/upcoming?within=0", "within"),
        ("/v1/upcoming?within=3651", "within"),
        ("/v1/upcoming?from=2024-07", "from"),
        ("/v1/upcoming?from=2024-07-01T00:00:00Z", "from"),
        ("/v1/upcoming?provider=opnai", "provider"),
        ("/v1/upcoming?region=UK", "region"),
        ("/v1/upcoming?as_of=2024-07-01", "as_of"),
        ("/v1/upcoming.ics?region=UK", "region"),
        ("/v1/upcoming.ics?limit=5", "limit"),
        ("/v1/changes?provider=opnai", "provider"),
        ("/v1/changes.atom?region=UK", "region"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(path: str, parameter: str, story: House) -> None:
    """An unknown provider never reads as "nothing is to come"."""
    response = story.get(path)

    assert response.status_code == 422, response.text
    assert [one["parameter"] for one in response.get_json()["errors"]] == [parameter]


def test_the_calendar_has_every_dated_change_once(story: House) -> None:
    """All day; what has no date is left out."""
    listed = items(story, "/v1/upcoming?from=2024-07-01&within=365")
    found = entries(story, "from=2024-07-01&within=365")

    dates = sorted(str(one["DTSTART"].dt) for one in found.values())
    assert dates == [one["on"] for one in listed if one["on"] is not None]
    [block] = [one for one in found.values() if str(one["DTSTART"].dt) == "2024-07-09"]
    assert str(block["DTEND"].dt) == "2024-07-10"
    assert str(block["STATUS"]) == "CONFIRMED"
    assert [str(one) for one in block["CATEGORIES"].cats] == ["scheduled", "blocked"]
    assert block["SEQUENCE"] == story.json(f"/v1/events/{NOTICE}")["position"]


def test_a_withdrawn_proposal_is_cancelled_under_the_same_uid(house: House) -> None:
    """And its sequence grows, so that a calendar takes it over (RFC 5545, section 3.8.7.4)."""
    sow(house)
    record(house, proposed())
    [(uid, tentative)] = [
        (uid, one) for uid, one in entries(house).items() if one["STATUS"] == "TENTATIVE"
    ]

    record(house, withdrawn())

    cancelled = entries(house)[uid]
    assert cancelled["STATUS"] == "CANCELLED"
    assert cancelled["DTSTART"].dt == tentative["DTSTART"].dt
    assert cancelled["SEQUENCE"] == tentative["SEQUENCE"] + 1
    assert "bill" not in [one["policy"] for one in items(house, "/v1/upcoming?within=365")]


def test_a_postponement_and_a_correction_move_the_entry(seeded: House) -> None:
    """Same UID, other day, greater sequence: whether the world or our record was mended."""
    adopted = plain_event(
        "policy.adopted",
        stream="policy:ban",
        occurred_on="2026-11-02",
        data={"directives": [directive("api", effective_from="2027-01-10", regions=["IT"])]},
    )
    record(seeded, adopted)
    [(uid, first)] = entries(seeded, "within=365&region=IT").items()
    postponed = plain_event(
        "policy.scheduled",
        stream="policy:ban",
        occurred_on="2026-11-10",
        data={"effective_from": "2027-02-10"},
    )

    record(seeded, postponed)
    moved = entries(seeded, "within=365&region=IT")[uid]
    mended = {**postponed, "data": {"effective_from": "2027-02-20"}}
    correction = plain_event(
        "record.corrected",
        stream="policy:ban",
        occurred_on="2026-11-26",
        data={
            "event": postponed["id"],
            "action": "amend",
            "reason": "We misread the day.",
            "replacement": mended,
        },
    )
    record(seeded, correction)
    again = entries(seeded, "within=365&region=IT")[uid]

    told = [(str(one["DTSTART"].dt), one["SEQUENCE"]) for one in (first, moved, again)]
    start = first["SEQUENCE"]
    assert told == [
        ("2027-01-10", start),
        ("2027-02-10", start + 1),
        ("2027-02-20", start + 2),
    ]


def test_the_feed_is_read_without_complaint(story: House) -> None:
    """A feed reader finds every change, by the event's own id, newest first."""
    response = story.get("/v1/changes.atom?limit=1000")
    listed = items(story, "/v1/changes")

    feed = feedparser.parse(response.data)

    assert response.content_type == "application/atom+xml; charset=utf-8"
    assert not feed.bozo
    assert feed.version == "atom10"
    assert [one.id for one in feed.entries] == [f"urn:uuid:{one['id']}" for one in listed]
    assert feed.feed.id.startswith("urn:uuid:")
    [block] = [one for one in feed.entries if one.id == f"urn:uuid:{NOTICE}"]
    assert block.title.startswith("OpenAI will block")
    assert block.updated == story.json(f"/v1/events/{NOTICE}")["recorded_at"]
    assert [one.term for one in block.tags] == ["policy.adopted", "world"]


def test_changes_are_found_by_where_they_reach_and_come_in_parts(story: House) -> None:
    """The block in China is none in Italy, nor Microsoft's."""
    china = items(story, "/v1/changes?provider=openai&region=CN")
    positions = [one["position"] for one in china]

    assert NOTICE in [one["id"] for one in china]
    assert positions == sorted(positions, reverse=True)
    assert items(story, "/v1/changes?provider=openai&region=CN", limit=1) == china
    assert NOTICE not in [one["id"] for one in items(story, "/v1/changes?region=IT")]
    assert NOTICE not in [one["id"] for one in items(story, "/v1/changes?provider=microsoft")]


def test_feeds_of_two_places_are_two_feeds(story: House) -> None:
    """Their ids differ, and stay (RFC 4287, section 4.2.6)."""
    paths = ("/v1/changes.atom", "/v1/changes.atom?region=CN", "/v1/changes.atom?provider=openai")
    ids = [feedparser.parse(story.get(path).data).feed.id for path in paths]

    assert len(set(ids)) == 3
    assert ids == [feedparser.parse(story.get(f"{path}").data).feed.id for path in paths]


def test_a_forged_host_stands_in_no_link(story: House) -> None:
    """A cache would hand it on to others (ASVS 4.1.3)."""
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    for path in ("/v1/changes.atom", "/v1/upcoming.ics?from=2024-07-01", "/v1/upcoming"):
        response = story.app.test_client().get(path, headers=forged)

        assert response.status_code == 200
        assert "evil.example" not in response.text
        assert "evil.example" not in str(response.headers)


def test_the_path_names_the_form_whatever_a_feed_reader_accepts(story: House) -> None:
    """They send all kinds of things."""
    for path in ("/v1/changes.atom", "/v1/upcoming.ics"):
        response = story.app.test_client().get(path, headers={"Accept": "application/rss+xml"})

        assert response.status_code == 200
