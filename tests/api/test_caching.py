"""What may be kept, how long, and how it is asked for again."""

import pytest
from werkzeug.test import TestResponse

from tests.api.house import House
from tests.builders import plain_event

FOREVER = "public, max-age=31536000, immutable"

READS = (
    "/v1/access?provider=openai&region=CN",
    "/v1/access/openai/CN?as_of=2024-07-09",
    "/v1/access/openai/CN/timeline",
    "/v1/access/openai/CN/revisions",
    "/v1/access/diff?from=2024-07-08&until=2024-07-09&provider=openai",
    "/v1/access/diff?known_from=@40&provider=openai",
    "/v1/events?limit=2",
    "/v1/events/456fbba2-a51f-42fb-b282-aa9aeedb480a",
    "/v1/policies",
    "/v1/policies/openai-unsupported-regions-2024",
    "/v1/policies/openai-unsupported-regions-2024/events",
    "/v1/upcoming?within=30",
    "/v1/upcoming.ics",
    "/v1/changes",
    "/v1/changes.atom",
    "/v1/providers",
    "/v1/regions?kind=group",
    "/v1/vocabulary",
    "/v1/meta",
)


def again(house: House, path: str, tag: str, **headers: str) -> TestResponse:
    """Ask with the tag of an answer that one has."""
    return house.app.test_client().get(path, headers={"If-None-Match": tag, **headers})


@pytest.mark.parametrize("path", READS)
def test_what_one_has_is_not_sent_again(path: str, story: House) -> None:
    """304 with the headers that the answer would have, and without a body."""
    first = story.get(path)
    tag = first.headers["ETag"]

    same = again(story, path, f'"other", W/{tag}')

    assert first.status_code == 200, first.text
    assert not tag.startswith("W/")
    assert (same.status_code, same.data) == (304, b"")
    for name in ("ETag", "Cache-Control", "Vary"):
        assert same.headers.get(name) == first.headers.get(name)
    assert again(story, path, '"other"').status_code == 200
    assert again(story, path, "*").status_code == 304
    head = story.app.test_client().head(path, headers={"If-None-Match": tag})
    assert head.status_code == 304


def test_an_append_changes_the_tag_of_what_it_may_change(seeded: House) -> None:
    """And of nothing that was asked for at an earlier position, or that is written once."""
    position = seeded.position()
    floating = ("/v1/access?provider=openai&region=CN", "/v1/events?limit=2", "/v1/changes")
    still = (
        f"/v1/access/openai/CN?as_of=2024-07-09&known_at=@{position}",
        "/v1/events/456fbba2-a51f-42fb-b282-aa9aeedb480a",
        "/v1/vocabulary",
    )
    tags = {path: seeded.get(path).headers["ETag"] for path in (*floating, *still)}
    reviewed = plain_event(
        "record.reviewed",
        stream="policy:us-iaas-kyc-2024",
        occurred_on="2026-11-01",
        data={"reviewed_on": "2026-11-01"},
    )

    response = seeded.post({"events": [reviewed]})

    assert response.status_code == 201, response.text
    for path in floating:
        assert again(seeded, path, tags[path]).status_code == 200, path
    for path in still:
        assert again(seeded, path, tags[path]).status_code == 304, path


def test_each_form_and_each_question_has_a_tag_of_its_own(story: House) -> None:
    """A tag is strong: it never stands for other bytes."""
    path = "/v1/access?provider=openai&region=CN"
    client = story.app.test_client()
    tags = [
        client.get(asked, headers={"Accept": form}).headers["ETag"]
        for asked in (path, f"{path}&limit=1", "/v1/access?provider=openai&region=IT")
        for form in ("application/json", "text/csv")
    ]

    assert len(set(tags)) == len(tags)
    csv = again(story, path, tags[1], Accept="text/csv")
    assert csv.status_code == 304
    assert again(story, path, tags[1]).status_code == 200


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/v1/access/openai/CN?as_of=2024-07-09&known_at=@50", True),
        ("/v1/access/openai/CN?known_at=@50", False),
        ("/v1/access/openai/CN?as_of=2024-07-09", False),
        ("/v1/access/openai/CN?as_of=2024-07-09&known_at=2026-11-26", False),
        ("/v1/access?provider=openai&as_of=2024-07-09&known_at=@50", True),
        ("/v1/access?provider=openai&known_at=@50", False),
        ("/v1/access/openai/CN/timeline?known_at=@50", True),
        ("/v1/access/openai/CN/revisions?as_of=2024-07-09", False),
        ("/v1/access/diff?from=2024-07-08&until=2024-07-09&known_at=@50&provider=openai", True),
        ("/v1/access/diff?from=2024-07-08&until=2024-07-09&provider=openai", False),
        ("/v1/access/diff?known_from=@40&known_until=@50&as_of=2024-07-09&provider=openai", True),
        ("/v1/access/diff?known_from=@40&known_until=@50&provider=openai", False),
        ("/v1/access/diff?known_from=@40&as_of=2024-07-09&provider=openai", False),
        ("/v1/policies?as_of=2024-07-09&known_at=@50", True),
        ("/v1/policies/openai-unsupported-regions-2024/events?known_at=@50", True),
        ("/v1/upcoming?from=2024-07-01&known_at=@50", True),
        ("/v1/upcoming?known_at=@50", False),
        ("/v1/upcoming.ics?from=2024-07-01&known_at=@50", True),
        ("/v1/providers?known_at=@50", True),
        ("/v1/regions?as_of=2024-07-09&known_at=@50&kind=group", False),
        ("/v1/events?after=3", False),
    ],
)
def test_only_what_can_never_change_is_kept_for_ever(path: str, kept: bool, story: House) -> None:  # noqa: FBT001
    """Both times are pinned; the names of regions come from elsewhere."""
    response = story.get(path)

    assert response.status_code == 200, response.text
    assert response.headers["Cache-Control"] == (FOREVER if kept else "no-cache")


def test_every_floating_answer_links_to_one_that_is_kept_for_ever(story: House) -> None:
    """`rel="canonical"`: whoever cites an answer cites that one."""
    for path in (
        "/v1/access/openai/CN",
        "/v1/access/diff?known_from=@40&provider=openai&region=CN,IT",
        "/v1/access/diff?from=2024-07-08&until=2024-07-09&provider=openai",
        "/v1/upcoming",
        "/v1/upcoming.ics",
        "/v1/policies/openai-unsupported-regions-2024/events",
    ):
        first = story.get(path)
        links = first.headers["Link"].split(", ")
        [target] = [one.split(">")[0][1:] for one in links if "canonical" in one]

        pinned = story.get(target)

        assert pinned.headers["Cache-Control"] == FOREVER, target
        assert pinned.data == first.data


def test_a_refusal_and_a_keyed_answer_are_never_kept(story: House) -> None:
    """Nor is what a key was answered given to the next (ASVS 14.3.2)."""
    path = "/v1/access/openai/CN?as_of=2024-07-09&known_at=@50"

    refused = story.get(path.replace("CN", "XX"))
    keyed = story.get(path, story.bob)

    assert refused.headers["Cache-Control"] == "no-cache"
    assert "ETag" not in refused.headers
    assert keyed.headers["Cache-Control"] == "private, no-store"


def test_the_document_is_asked_for_again(story: House) -> None:
    """It is large and seldom changes."""
    tag = story.get("/openapi.json").headers["ETag"]

    assert again(story, "/openapi.json", tag).status_code == 304
