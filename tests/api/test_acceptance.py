"""The story that the project was made for, asked over HTTP: as a newcomer with curl would."""

from tests.api.house import House, Json

NOTICE = "456fbba2-a51f-42fb-b282-aa9aeedb480a"
UNSUPPORTED = "policy:openai-unsupported-regions-2024"


def cell(answer: Json, service: str) -> Json:
    """Return one service of an explained answer."""
    found: Json = next(one for one in answer["cells"] if one["service"] == service)
    return found


def test_openais_api_in_china_the_day_before_it_was_blocked(story: House) -> None:
    """Not offered, yet served: the list did not name China, and traffic went through."""
    api = cell(story.json("/v1/access/openai/CN?as_of=2024-07-08"), "api")

    assert (api["state"], api["legal_state"]) == ("unknown", "not_offered")
    assert api["observed_state"] == "available"
    assert api["divergence"] is True
    [block] = [one for one in api["pending"] if one["kind"] == "scheduled"]
    assert (block["effect"], block["effective_from"]) == ("blocked", "2024-07-09")
    assert block["sources"][0]["publisher"] == "The Register"


def test_openais_api_in_china_on_the_day_it_was_blocked(story: House) -> None:
    """The notice of 24 June 2024 took effect on 9 July."""
    api = cell(story.json("/v1/access/openai/CN?as_of=2024-07-09"), "api")

    assert (api["state"], api["since"]) == ("blocked", "2024-07-09")
    assert [reason["policy"] for reason in api["decided_by"]] == [UNSUPPORTED.split(":")[1]]


def test_nothing_was_pending_before_openais_notice(story: House) -> None:
    """What was announced on 24 June shows on no answer for 20 June."""
    api = cell(story.json("/v1/access/openai/CN?as_of=2024-06-20"), "api")

    assert api["pending"] == []


def test_openais_block_does_not_reach_microsoft(story: House) -> None:
    """Authorities are independent: a developer's rule reaches a reseller only by naming it."""
    microsoft = story.json("/v1/access/microsoft/CN?as_of=2024-07-10")
    isolated = story.json("/v1/access/21vianet/CN?as_of=2024-07-10")

    assert microsoft["state"] == "conditional"
    told = cell(microsoft, "azure-openai")
    reasons = (*told["decided_by"], *told["legal_decided_by"], *told["also_restricting"])
    assert {reason["authority"] for reason in reasons} == {"microsoft"}
    assert isolated["state"] == "not_offered"


def test_a_proposal_is_pending_and_changes_no_state(story: House) -> None:
    """The know-your-customer proposal of 29 January 2024 never took effect."""
    before = story.json("/v1/access/microsoft/CN?as_of=2024-01-15")
    after = story.json("/v1/access/microsoft/CN?as_of=2024-03-01")

    assert cell(before, "azure-openai")["pending"] == []
    kinds = [(one["kind"], one["policy"]) for one in cell(after, "azure-openai")["pending"]]
    assert kinds == [("proposed", "us-iaas-kyc-2024")]
    assert before["state"] == after["state"]


def test_chatgpt_left_italy_and_came_back(story: House) -> None:
    """Ordered on 30 March 2023, closed from 31 March, open again from 28 April."""
    states = [
        cell(story.json(f"/v1/access/openai/IT?as_of={day}"), "chatgpt")["state"]
        for day in ("2023-03-30", "2023-04-10", "2023-05-01")
    ]

    assert states == ["available", "suspended", "available"]


def test_a_patent_report_is_background_and_moves_no_state(story: House) -> None:
    """The WIPO report of July 2024 is found by region, and nothing else happens by it."""
    [report] = story.json("/v1/events?type=context.noted&region=CN")["items"]
    before = f"@{report['position'] - 1}"
    after = f"@{report['position']}"

    def states(known_at: str) -> list[Json]:
        listed: list[Json] = story.json(
            f"/v1/access?region=CN,KR,US&as_of=2024-08-01&known_at={known_at}"
        )["items"]
        return listed

    assert report["authority"] == "wipo"
    assert states(before) == states(after)


def test_a_correction_changes_new_answers_and_no_old_one(seeded: House) -> None:
    """What was known at a position stays as it was, byte for byte."""
    head = seeded.position()
    pinned = f"/v1/access/openai/CN?as_of=2024-07-09&known_at=@{head}"
    saved = seeded.get(pinned).data
    recorded = seeded.json(f"/v1/events/{NOTICE}")
    notice = {
        name: value
        for name, value in recorded.items()
        if name not in ("id", "schema_version", "position", "version", "recorded_at", "recorded_by")
    }
    notice["data"]["directives"][0]["effective_from"] = "2024-07-11"

    correction = {
        "type": "record.corrected",
        "stream": UNSUPPORTED,
        "occurred_on": "2026-11-26",
        "data": {
            "event": NOTICE,
            "action": "amend",
            "reason": "The block began two days later.",
            "replacement": notice,
        },
    }
    response = seeded.post({"events": [correction], "expected_versions": {UNSUPPORTED: 1}})

    assert response.status_code == 201, response.text
    assert seeded.get(pinned).data == saved
    now = seeded.json("/v1/access/openai/CN?as_of=2024-07-09")
    assert cell(now, "api")["state"] == "unknown"
    assert cell(now, "api")["until"] == "2024-07-11"
