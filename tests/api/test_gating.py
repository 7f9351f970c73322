"""Many cells at once, for a gateway."""

from typing import Any, Final

import pytest
from werkzeug.test import TestResponse

from tests.api.house import House, authorization

API_IN_CHINA: Final = {"provider": "openai", "service": "api", "region": "CN"}


def check(house: House, body: object, key: str | None = None) -> TestResponse:
    """Check cells."""
    client = house.app.test_client()
    return client.post("/v1/access/check", json=body, headers=authorization(key))


def test_cells_are_answered_in_their_order(story: House) -> None:
    """One that names nobody is `unknown` with a problem, and closes nothing else."""
    cells = [
        {"provider": "microsoft", "service": "azure-openai", "region": "CN"},
        {"provider": "opnai", "service": "api", "region": "CN"},
        API_IN_CHINA,
        {**API_IN_CHINA, "region": "UK"},
        {**API_IN_CHINA, "audience": "nobody"},
    ]

    found = check(story, {"as_of": "2024-07-10", "cells": cells}).get_json()

    assert [one["access"] for one in found["items"]] == [
        "conditional",
        "unknown",
        "closed",
        "unknown",
        "unknown",
    ]
    good, unknown, blocked, *_ = found["items"]
    assert (good["state"], bool(good["conditions"])) == ("conditional", True)
    assert "problem" not in good
    assert unknown["problem"]["suggestion"] == "openai"
    assert unknown["problem"]["field"] == "provider"
    assert (blocked["state"], blocked["audience"]) == ("blocked", "public")
    assert [one.get("problem", {}).get("field") for one in found["items"]][3:] == [
        "region",
        "audience",
    ]
    assert found["as_of"] == "2024-07-10"
    assert found["rule"] == 1


def test_an_answer_tells_until_when_it_is_good(story: House) -> None:
    """On 8 July 2024 the API's cell was to change the day after."""
    found = check(story, {"as_of": "2024-07-08", "cells": [API_IN_CHINA]}).get_json()

    assert found["items"][0]["valid_until"] == "2024-07-09"


def test_a_check_says_what_the_explained_answer_says(story: House) -> None:
    """Whichever way one asks, at whichever position."""
    for position in (40, 51):
        asked = {"as_of": "2024-07-10", "known_at": f"@{position}", "cells": [API_IN_CHINA]}
        [checked] = check(story, asked).get_json()["items"]
        path = f"/v1/access/openai/CN?service=api&as_of=2024-07-10&known_at=@{position}"
        [cell] = story.json(path)["cells"]

        for name in ("state", "access", "legal_state", "conditions"):
            assert checked[name] == cell[name]


def test_a_thousand_cells_are_checked_and_no_more(story: House) -> None:
    """A list of none is a mistake too."""
    assert len(check(story, {"cells": [API_IN_CHINA] * 1000}).get_json()["items"]) == 1000
    for number in (0, 1001):
        response = check(story, {"cells": [API_IN_CHINA] * number})
        assert response.status_code == 422
        assert response.get_json()["errors"][0]["pointer"] == "/cells"


def test_null_means_what_leaving_out_means(story: House) -> None:
    """As everywhere: today, all that is known, the general public."""
    cell = {**API_IN_CHINA, "audience": None}
    nulls = check(story, {"as_of": None, "known_at": None, "cells": [cell]}).get_json()

    assert nulls == check(story, {"cells": [API_IN_CHINA]}).get_json()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ([], ""),
        ({}, "/cells"),
        ({"cells": {}}, "/cells"),
        ({"cells": [API_IN_CHINA], "cell": []}, "/cell"),
        ({"cells": [API_IN_CHINA], "as_of": "yesterday"}, "/as_of"),
        ({"cells": [API_IN_CHINA], "as_of": 20240709}, "/as_of"),
        ({"cells": [API_IN_CHINA], "as_of": "2024-07-09T00:00:00"}, "/as_of"),
        ({"cells": [API_IN_CHINA], "known_at": "@99999"}, "/known_at"),
        ({"cells": [API_IN_CHINA], "known_at": 5}, "/known_at"),
        ({"cells": ["openai/api/CN"]}, "/cells/0"),
        ({"cells": [{"provider": "openai", "region": "CN"}]}, "/cells/0/service"),
        ({"cells": [{**API_IN_CHINA, "service": None}]}, "/cells/0/service"),
        ({"cells": [API_IN_CHINA, {**API_IN_CHINA, "region": ["CN"]}]}, "/cells/1/region"),
        ({"cells": [{**API_IN_CHINA, "regoin": "CN"}]}, "/cells/0/regoin"),
        ({"cells": [{**API_IN_CHINA, "region": ""}]}, "/cells/0/region"),
        ({"cells": [{**API_IN_CHINA, "region": "x" * 301}]}, "/cells/0/region"),
        ({"cells": [{**API_IN_CHINA, "region": "C\u200bN"}]}, "/cells/0/region"),
        ({"cells": [{**API_IN_CHINA, "region": "C\x00N"}]}, "/cells/0/region"),
        ({"cells": [{**API_IN_CHINA, "audience": 1}]}, "/cells/0/audience"),
    ],
)
def test_a_bad_body_is_refused_where_it_is_bad(body: Any, pointer: str, story: House) -> None:  # noqa: ANN401
    """422 with a JSON Pointer; an unknown field is never ignored."""
    response = check(story, body)

    assert response.status_code == 422, response.text
    assert pointer in [one["pointer"] for one in response.get_json()["errors"]]


def test_a_check_is_read_as_strictly_as_an_append(story: House) -> None:
    """400 for what is no JSON, 415 for another format, 422 for a parameter that there is not."""
    client, headers = story.app.test_client(), {"Content-Type": "application/json"}
    path = "/v1/access/check"

    assert client.post(path, data=b'{"cells": [', headers=headers).status_code == 400
    assert client.post(path, data=b'{"a": 1, "a": 1}', headers=headers).status_code == 400
    assert client.post(path, data=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert client.post(f"{path}?as_of=2024-07-09", json={}).status_code == 422
    assert client.post(path, json={}, headers={"Accept": "text/csv"}).status_code == 406


def test_a_check_is_a_read(story: House) -> None:
    """Public as the others, open to readers, and closed to a wrong key."""
    body = {"cells": [API_IN_CHINA]}

    assert check(story, body).status_code == 200
    assert check(story, body, story.bob).status_code == 200
    assert check(story, body, "alk_wrong").status_code == 401
