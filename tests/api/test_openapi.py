"""The OpenAPI document says what the server does: it is held against real answers."""

import re
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from service.domain.codec import event_to
from tests.api.house import House, Json
from tests.builders import registry_events

CALLS = (
    "/v1/access?provider=openai&region=CN,IT",
    "/v1/access/openai/CN?as_of=2024-07-08",
    "/v1/access/openai/EU?as_of=2023-04-10",
    "/v1/access/microsoft/CN?as_of=2024-03-01",
    "/v1/access/openai/IT?as_of=2023-04-28T12:00:00Z",
    "/v1/access/openai/IT/timeline",
    "/v1/access/openai/IT/revisions?as_of=2023-04-10",
    "/v1/access/diff?from=2024-07-08&until=2024-07-09&provider=openai",
    "/v1/access/diff?known_from=@40&as_of=2024-07-09&provider=openai",
    "/v1/upcoming?from=2024-07-01&within=3650",
    "/v1/changes?limit=1000",
    "/v1/events?limit=1000",
    "/v1/events/456fbba2-a51f-42fb-b282-aa9aeedb480a",
    "/v1/policies",
    "/v1/policies/openai-unsupported-regions-2024",
    "/v1/policies/openai-unsupported-regions-2024/events",
    "/v1/coverage?provider=openai&region=CN,EU&year=2023,2024",
    "/v1/audit?limit=1000",
    "/v1/audit?cell=openai/CN/api&recorded_from=2026-01-01",
    "/v1/authorities",
    "/v1/providers",
    "/v1/services",
    "/v1/audiences",
    "/v1/regions?limit=500",
    "/v1/regions?kind=group",
    "/v1/vocabulary",
    "/v1/meta",
    "/healthz",
    "/readyz",
)
REFUSED = (
    "/v1/access/opnai/CN",
    "/v1/access?limit=0",
    "/v1/events?cursor=x",
    "/v1/audit?cell=openai",
    "/v1/audit/keys",
    "/v1/access/diff",
    "/v1/coverage?year=9999",
    "/v1/meta?min_position=99999",
)


def document(house: House) -> Json:
    """Return the document as it is served."""
    return house.json("/openapi.json")


def operation(spec: Json, path: str) -> Json:
    """Return what the document says of reading a path."""
    bare = path.partition("?")[0]
    for template, methods in spec["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), bare):
            found: Json = methods["get"]
            return found
    raise AssertionError(path)


def faults(spec: Json, response: Json, value: Any) -> list[str]:  # noqa: ANN401 -- any JSON
    """Return where a value is not as a response says."""
    if "$ref" in response:
        response = spec["components"]["responses"][response["$ref"].rpartition("/")[2]]
    media_type = next(iter(response["content"].values()))
    validator = OAS31Validator({**spec, **media_type["schema"]})
    return [f"{one.json_path}: {one.message[:200]}" for one in validator.iter_errors(value)]


def test_the_document_is_valid_openapi(story: House) -> None:
    """Version 3.1, with a title and a licence."""
    spec = document(story)

    validate(spec)
    assert spec["openapi"].startswith("3.1")
    assert spec["info"]["title"] == "accessline"


@pytest.mark.parametrize("call", CALLS)
def test_an_answer_is_as_documented(call: str, story: House) -> None:
    """Every field is documented, and every documented field is there."""
    spec = document(story)
    answer = operation(spec, call)["responses"]["200"]

    assert faults(spec, answer, story.json(call)) == []


@pytest.mark.parametrize("call", REFUSED)
def test_a_refusal_is_as_documented(call: str, story: House) -> None:
    """Also in its status."""
    spec = document(story)
    response = story.get(call)

    answer = operation(spec, call)["responses"][str(response.status_code)]

    assert response.status_code >= 400
    assert faults(spec, answer, response.get_json()) == []


def test_a_check_is_as_documented(story: House) -> None:
    """With a cell that has an answer, and one that has a problem."""
    spec = document(story)
    check = spec["paths"]["/v1/access/check"]["post"]
    example = check["requestBody"]["content"]["application/json"]["examples"]["cells"]["value"]
    unknown = {**example["cells"][0], "provider": "opnai"}

    response = story.app.test_client().post(
        "/v1/access/check", json={**example, "cells": [*example["cells"], unknown]}
    )

    assert response.status_code == 200, response.text
    assert faults(spec, check["responses"]["200"], response.get_json()) == []


def test_a_list_is_also_documented_as_csv_and_the_rest_is_not(story: House) -> None:
    """What the document promises is what `Accept` gets."""
    for call in CALLS:
        response = story.app.test_client().get(call, headers={"Accept": "text/csv"})
        documented = operation(document(story), call)["responses"]["200"]["content"]

        if "text/csv" in documented:
            assert response.status_code == 200, call
            assert response.mimetype == "text/csv"
        elif call not in ("/healthz", "/readyz"):
            assert response.status_code == 406, call


def test_the_columns_of_a_list_are_the_documented_fields_of_its_items(story: House) -> None:
    """The same rows, whatever their form."""
    spec = document(story)
    for call in CALLS:
        content = operation(spec, call)["responses"]["200"]["content"]
        if "text/csv" not in content:
            continue
        name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
        item = spec["components"]["schemas"][name]["properties"]["items"]["items"]["$ref"]
        fields = spec["components"]["schemas"][item.rpartition("/")[2]]["properties"]

        response = story.app.test_client().get(call, headers={"Accept": "text/csv"})

        assert set(response.text.splitlines()[0].split(",")) == set(fields), call


def test_every_path_is_documented(story: House) -> None:
    """But for the document itself, and the pages."""
    spec = document(story)
    rules = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(one)) for one in story.app.url_map.iter_rules()
    }

    undocumented = {rule for rule in rules if rule not in spec["paths"]}

    assert not {one for one in undocumented if one.startswith(("/v1", "/log"))}
    assert "/openapi.json" in undocumented


def test_the_documented_parameters_are_those_that_are_taken(story: House) -> None:
    """Each is understood: none of them is answered as unknown."""
    spec = document(story)
    values = {"as_of": "2024-07-09", "known_at": "@1", "limit": "5", "cursor": "x", "after": "0"}

    for template, methods in spec["paths"].items():
        path = template.format(provider="openai", region="CN", slug="x", event_id="x", path="x")
        for parameter in methods.get("get", {}).get("parameters", []):
            name = parameter["name"]
            if parameter["in"] == "header":
                continue
            response = story.get(f"{path}?{name}={values.get(name, 'x')}")
            assert "There is no parameter" not in response.text, (path, name)


def test_the_examples_of_the_document_can_be_sent(house: House) -> None:
    """Whoever copies one gets 201."""
    house.post({"events": [event_to(one) for one in registry_events()]})
    post = document(house)["paths"]["/v1/events"]["post"]
    examples = post["requestBody"]["content"]["application/json"]["examples"]
    spec = document(house)
    validator = OAS31Validator({**spec, "$ref": "#/components/schemas/Batch"})

    response = house.post(examples["adopted"]["value"])

    assert response.status_code == 201, response.text
    for example in examples.values():
        assert [one.message for one in validator.iter_errors(example["value"])] == []


def test_the_documented_event_refuses_what_the_server_refuses(story: House) -> None:
    """A generator of clients must not offer what can never be sent."""
    spec = document(story)
    validator = OAS31Validator({**spec, "$ref": "#/components/schemas/Event"})
    post = spec["paths"]["/v1/events"]["post"]
    good = post["requestBody"]["content"]["application/json"]["examples"]["adopted"]["value"]

    assert validator.is_valid(good["events"][0])
    for wrong in ({"position": 1}, {"binding": "yes"}, {"instrument": "laws"}, {"title": ""}):
        assert not validator.is_valid(good["events"][0] | wrong)


def test_the_documentation_page_shows_the_document(story: House) -> None:
    """It works without a network, so it names nobody else's host."""
    page = story.get("/docs").text

    assert "openapi.json" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
