"""The log as evidence over HTTP: files as c2sp.org/tlog-tiles has them, proofs as JSON."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import quote
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from service.application import publishing, recording, signing
from service.application.recording import Batch
from service.application.signing import Signer
from service.evidence.checkpoints import Checkpoint, opened
from service.evidence.merkle import EMPTY_ROOT, Frontier, extend, leaf_hash, root
from service.evidence.notes import SignerKey, VerifierKey
from service.evidence.proofs import verify_consistency, verify_inclusion
from service.evidence.tiles import all_tiles, unbundled
from service.evidence.tlog_proofs import TlogProof
from service.evidence.verification import check_mirror
from service.store.engine import Database
from service.store.events import NewEvent
from tests.api.house import NOW, House, authorization, open_house
from tests.builders import NOON, directive, event, registry_events
from tests.store.examples import append, new_event

ORIGIN: Final = "access.example.test/log"
KEY: Final = SignerKey(ORIGIN, bytes(range(32)))
NEWER: Final = SignerKey(ORIGIN, bytes(range(32, 64)))
BAN: Final = event("policy.adopted", data={"directives": [directive("api", "blocked")]})
CAST: Final = (*registry_events(), BAN)
SIZE: Final = len(CAST)

IMMUTABLE: Final = "public, max-age=31536000, immutable"
TEXT: Final = {"Accept": "text/plain"}

_numbers = count(1)


def record(database: Database) -> None:
    """Record the cast and a ban."""
    recording.append(database, Batch(events=CAST, principal="alice"), clock=lambda: NOON)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    """The key of the log."""
    return signing.begin(tmp_path / "log.key", KEY)


@pytest.fixture
def signing_house(database: Database, database_url: str, signer: Signer) -> Iterator[House]:
    """A server that signs, over a log of the cast and a ban."""
    record(database)
    opened_ = open_house(database_url, log_key=str(signer.second.with_name("log.key")))
    yield opened_
    opened_.close()


@pytest.fixture
def keyless_house(database: Database, database_url: str) -> Iterator[House]:
    """A server without a key of the log, over the same."""
    record(database)
    opened_ = open_house(database_url)
    yield opened_
    opened_.close()


def later() -> NewEvent:
    """Return an event that nobody has appended yet, which no read model takes in."""
    return new_event(id=UUID(int=2**64 + next(_numbers)))


def ask(house: House, path: str, **headers: str) -> TestResponse:
    """Ask with headers, their names with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return house.app.test_client().get(path, headers=named)


def checkpoint(house: House) -> Checkpoint:
    """Return the newest checkpoint, verified."""
    return opened(house.get("/log/checkpoint").data, [KEY.verifier])


def problem(response: TestResponse, status: int, kind: str) -> Mapping[str, str]:
    """Read a problem (RFC 9457)."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    found: Mapping[str, str] = response.get_json()
    assert found["type"] == f"/problems/{kind}"
    return found


def faults(response: TestResponse) -> list[tuple[str, str | None]]:
    """Return the parameters that are refused, and what is suggested."""
    problem(response, 422, "validation")
    return [(one["parameter"], one.get("suggestion")) for one in response.get_json()["errors"]]


def hashes(texts: list[str]) -> list[bytes]:
    """Read hashes in base64."""
    return [b64decode(text, validate=True) for text in texts]


# Files.


def test_the_checkpoint_is_a_signed_text_that_is_asked_for_again(signing_house: House) -> None:
    """c2sp.org/tlog-tiles: UTF-8 text, and nothing may keep it for long."""
    response = signing_house.get("/log/checkpoint")

    assert response.status_code == 200
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.data.startswith(b"access.example.test/log\n15\n")
    assert response.data.endswith(b"\n")
    found = opened(response.data, [KEY.verifier])
    assert (found.origin, found.size) == (ORIGIN, SIZE)


def test_the_checkpoint_is_of_the_log_as_it_is(signing_house: House, database: Database) -> None:
    """Signed when it is asked for; the same bytes until the log has grown."""
    first = signing_house.get("/log/checkpoint")
    again = ask(signing_house, "/log/checkpoint", If_None_Match=first.headers["ETag"])
    append(database, later())
    grown = ask(signing_house, "/log/checkpoint", If_None_Match=first.headers["ETag"])

    assert (again.status_code, again.data) == (304, b"")
    assert grown.status_code == 200
    assert opened(grown.data, [KEY.verifier]).size == SIZE + 1
    assert grown.headers["ETag"] != first.headers["ETag"]


def test_an_empty_log_has_a_checkpoint(database_url: str, signer: Signer) -> None:
    """Size 0, and the hash of nothing."""
    house = open_house(database_url, log_key=str(signer.second.with_name("log.key")))

    assert checkpoint(house) == Checkpoint(origin=ORIGIN, size=0, root=EMPTY_ROOT)
    house.close()


def test_every_file_of_a_log_is_served_for_ever(signing_house: House, database: Database) -> None:
    """c2sp.org/tlog-tiles: bytes, and they never change; a verifier needs nothing else."""
    rows = [later() for _ in range(300 - SIZE)]
    append(database, *rows)

    def read(path: str) -> bytes:
        response = signing_house.get(f"/log/{path}")
        assert response.status_code == 200
        assert response.content_type == "application/octet-stream"
        assert response.headers["Cache-Control"] == IMMUTABLE
        assert response.headers["Content-Length"] == str(len(response.data))
        data: bytes = response.data
        return data

    assert [f"tile/{tile}" for tile in all_tiles(300)] == [
        "tile/entries/000",
        "tile/entries/001.p/44",
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
    ]
    assert check_mirror(read, checkpoint(signing_house)) == ()
    assert unbundled(read("tile/entries/001.p/44")) == [row.body for row in rows[-44:]]
    assert read("tile/0/001.p/44") == b"".join(leaf_hash(row.body) for row in rows[-44:])


def test_a_tile_that_a_client_has_is_not_sent_again(signing_house: House) -> None:
    """By its tag, whether the client asks for one or for any."""
    first = signing_house.get("/log/tile/0/000.p/15")

    for tag in (first.headers["ETag"], f'"other", {first.headers["ETag"]}', "*"):
        again = ask(signing_house, "/log/tile/0/000.p/15", If_None_Match=tag)
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["Cache-Control"] == IMMUTABLE
    other = ask(signing_house, "/log/tile/0/000.p/15", If_None_Match='"other"')
    assert (other.status_code, other.data) == (200, first.data)


def test_partial_tiles_of_earlier_sizes_stay(signing_house: House) -> None:
    """Who holds an earlier checkpoint verifies with the edge of the tree as it was then."""
    whole = signing_house.get("/log/tile/0/000.p/15").data

    for width in range(1, SIZE):
        assert signing_house.get(f"/log/tile/0/000.p/{width}").data == whole[: 32 * width]


def test_a_tile_that_is_not_there_yet_is_not_kept_as_missing(signing_house: House) -> None:
    """It will come with the log: nothing may remember that it was not there."""
    for path in ("0/000", "entries/000", "0/000.p/16", "1/000.p/1", "0/001.p/1", "63/000.p/1"):
        response = signing_house.get(f"/log/tile/{path}")

        found = problem(response, 404, "not-found")
        assert response.headers["Cache-Control"] == "no-cache"
        assert f"not long enough for the tile '{path}': see /log/checkpoint" in found["detail"]


def test_head_tells_what_get_would(signing_house: House) -> None:
    """RFC 9110 section 9.3.2; nothing else may be done with a file of the log."""
    client = signing_house.app.test_client()

    for path in ("/log/checkpoint", "/log/tile/0/000.p/15"):
        told, given = client.head(path), client.get(path)
        assert (told.status_code, told.data) == (200, b"")
        assert told.headers["ETag"] == given.headers["ETag"]
        for method in (client.put, client.post, client.delete, client.patch):
            problem(method(path), 405, "method-not-allowed")


TRICKS: Final = (
    "",
    "0",
    "0/",
    "0//000.p/15",
    "0/000.p/15/",
    "../checkpoint",
    "%2e%2e/checkpoint",
    "0/%2e%2e/%2e%2e/checkpoint",
    "0/%2e/000.p/15",
    "0%2f000.p%2f15%2f",
    "0\\000.p\\15",
    "00/000.p/15",
    "+0/000.p/15",
    "-1/000.p/15",
    "64/000.p/15",
    "100/000",
    "0x0/000.p/15",
    "data/000.p/15",
    "Entries/000.p/15",
    "8/0/000.p/15",
    "0/0.p/15",
    "0/00.p/15",
    "0/0000.p/15",
    "0/x000/000.p/15",
    "0/x000.p/15",
    "0/X001/000",
    "0/001/000",
    "0/x001/x000",
    "0/x1/000",
    "0/x0001/000",
    "0/000.p",
    "0/000.p/",
    "0/000.p/0",
    "0/000.p/256",
    "0/000.p/257",
    "0/000.p/1000",
    "0/000.p/015",
    "0/000.p/+15",
    "0/000.p/-1",
    "0/000.p/1_5",
    "0/000.p/15.p/15",
    "0/000.P/15",
    "0/000p/15",
    "0/000.p/15%20",
    "0/000.p/15%0a",
    "0/000.p/15%00",
    "%00",
    "%ff/000",
    "0/000.p/%ff",
    "0/000.p/%D9%A1%D9%A5",
    "%D9%A0/000.p/15",
    "0/%D9%A0%D9%A0%D9%A0.p/15",
    "0/000.p/%EF%BC%91%EF%BC%95",
    "0/000%E3%80%82p/15",
    "0/" + "x999/" * 6 + "999",
    "0/" + "x999/" * 7 + "999",
    "0/" + "x999/" * 400 + "999",
    "0/x009/x223/x372/x036/x854/x775/808",
    "0/" + "9" * 5_000,
)


def test_a_path_that_names_no_tile_is_not_found(signing_house: House) -> None:
    """Every tile has one name: no other spelling is served, redirected or a fault of ours."""
    found = {path: signing_house.get(f"/log/tile/{path}") for path in TRICKS}

    assert {path: one.status_code for path, one in found.items() if one.status_code != 404} == {}
    for response in found.values():
        assert response.content_type == "application/problem+json"
        assert response.headers["Cache-Control"] == "no-cache"
        assert b"000.p/15" in response.data or len(response.data) < 1_000


def test_a_doubled_slash_is_another_path(signing_house: House) -> None:
    """Not found, and not sent elsewhere: tools of that family follow no redirects."""
    for path in ("/log/tile//0/000.p/15", "/log//checkpoint", "//log/checkpoint"):
        problem(signing_house.get(path), 404, "not-found")


def test_a_tile_beyond_all_logs_is_not_found(signing_house: House) -> None:
    """The greatest names that there are: a database must not be asked for more than it counts."""
    last = "x009/x223/x372/x036/x854/x775/807"

    for path in (
        f"0/{last}",
        f"entries/{last}",
        f"63/{last}.p/255",
        "0/x036/x028/x797/x018/x963/968",
    ):
        problem(signing_house.get(f"/log/tile/{path}"), 404, "not-found")


def test_files_take_no_parameters(signing_house: House) -> None:
    """What is not understood is not ignored."""
    for path in ("/log/checkpoint", "/log/tile/0/000.p/15"):
        assert faults(signing_house.get(f"{path}?size=3")) == [("size", None)]


# Keys.


def test_the_key_that_verifies_is_told(signing_house: House) -> None:
    """So that it can be compared with what came by another way."""
    found = signing_house.json("/v1/log/key")

    assert found == {
        "verifier_key": str(KEY.verifier),
        "origin": ORIGIN,
        "verifier_keys": [str(KEY.verifier)],
    }
    assert VerifierKey.read(found["verifier_key"]).name == ORIGIN


def test_while_a_key_is_replaced_both_are_told(
    signing_house: House, database_url: str, tmp_path: Path
) -> None:
    """And who has the answer from before is told again: the key is what must not be stale."""
    before = signing_house.get("/v1/log/key")
    signing.rotate(tmp_path / "log.key", NEWER)
    house = open_house(database_url, log_key=str(tmp_path / "log.key"))

    after = ask(house, "/v1/log/key", If_None_Match=before.headers["ETag"])
    note = house.get("/log/checkpoint").data
    house.close()

    for key in (KEY, NEWER):
        assert opened(note, [key.verifier]).size == SIZE
    assert after.status_code == 200
    assert after.get_json() == {
        "verifier_key": str(NEWER.verifier),
        "origin": ORIGIN,
        "verifier_keys": [str(KEY.verifier), str(NEWER.verifier)],
    }


def test_without_a_key_nothing_is_signed_and_a_sentence_says_what_to_do(
    keyless_house: House,
) -> None:
    """It is a choice of whoever runs the server, not a fault."""
    proof = f"/v1/events/{BAN.id}/proof"

    for response in (
        keyless_house.get("/log/checkpoint"),
        keyless_house.get("/v1/log/key"),
        ask(keyless_house, proof, **TEXT),
    ):
        found = problem(response, 404, "not-found")
        assert "This server signs no checkpoints" in found["detail"]
        assert "'accessline log init'" in found["detail"]
        assert "ACCESSLINE_LOG_KEY" in found["detail"]


def test_without_a_key_proofs_and_tiles_are_there(keyless_house: House) -> None:
    """Who holds a root by another way can verify with them."""
    found = keyless_house.json(f"/v1/events/{BAN.id}/proof")

    assert (found["size"], found["checkpoint"]) == (SIZE, None)
    verify_inclusion(
        leaf_hash(found["entry"].encode()),
        SIZE - 1,
        SIZE,
        hashes([found["root"]])[0],
        hashes(found["proof"]),
    )
    assert keyless_house.json("/v1/log/proof/inclusion?index=0&size=1")["proof"] == []
    assert keyless_house.get("/log/tile/0/000.p/15").status_code == 200


def test_where_reading_needs_a_key_evidence_does_too(
    database: Database, database_url: str, signer: Signer
) -> None:
    """Tiles hold every event; and what is told to somebody is kept by nobody else."""
    record(database)
    file = str(signer.second.with_name("log.key"))
    house = open_house(database_url, log_key=file, public_reads=False)

    for path in (
        "/log/checkpoint",
        "/log/tile/entries/000.p/15",
        "/log/tile/nothing",
        "/v1/log/key",
        "/v1/log/proof/inclusion?index=0&size=1",
        "/v1/log/proof/consistency?old=0&new=1",
        f"/v1/events/{BAN.id}/proof",
    ):
        problem(house.get(path), 401, "unauthenticated")
        problem(house.get(path, "acl_wrong"), 401, "unauthenticated")
        read = house.get(path, house.bob)
        assert read.status_code == (404 if path.endswith("nothing") else 200)
        assert read.headers["Cache-Control"] == "private, no-store"
    house.close()


# Proofs.


def test_inclusion_is_proven_at_any_size(signing_house: House) -> None:
    """Index and size are the caller's, and the root is that of his checkpoint."""
    entries = unbundled(signing_house.get("/log/tile/entries/000.p/15").data)
    signed = checkpoint(signing_house)

    for index in range(SIZE):
        found = signing_house.json(f"/v1/log/proof/inclusion?index={index}&size={SIZE}")

        assert list(found) == ["index", "size", "leaf_hash", "root", "proof"]
        assert (found["index"], found["size"]) == (index, SIZE)
        assert hashes([found["leaf_hash"], found["root"]]) == [
            leaf_hash(entries[index]),
            signed.root,
        ]
        verify_inclusion(
            leaf_hash(entries[index]), index, SIZE, signed.root, hashes(found["proof"])
        )


def test_consistency_is_proven_between_any_two_sizes(
    signing_house: House, database: Database
) -> None:
    """The checkpoint that an auditor kept, and the newest."""
    kept = checkpoint(signing_house)
    append(database, *[later() for _ in range(6)])
    now = checkpoint(signing_house)

    found = signing_house.json(f"/v1/log/proof/consistency?old={kept.size}&new={now.size}")

    assert list(found) == ["old_size", "new_size", "old_root", "new_root", "proof"]
    assert (found["old_size"], found["new_size"]) == (15, 21)
    assert hashes([found["old_root"], found["new_root"]]) == [kept.root, now.root]
    verify_consistency(15, kept.root, 21, now.root, hashes(found["proof"]))
    assert signing_house.json("/v1/log/proof/consistency?old=0&new=0")["proof"] == []
    assert signing_house.json("/v1/log/proof/consistency?old=0&new=21")["proof"] == []
    assert signing_house.json("/v1/log/proof/consistency?old=21&new=21")["proof"] == []


def test_proofs_may_be_kept_for_ever(signing_house: House) -> None:
    """Sizes and indexes are given, so the answer never changes."""
    for path in (
        "/v1/log/proof/inclusion?index=3&size=7",
        "/v1/log/proof/consistency?old=3&new=7",
    ):
        response = signing_house.get(path)
        again = ask(signing_house, path, If_None_Match=response.headers["ETag"])

        assert response.content_type == "application/json"
        assert response.headers["Cache-Control"] == IMMUTABLE
        assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    ("query", "parameter", "suggestion"),
    [
        ("inclusion?size=3", "index", None),
        ("inclusion?index=3", "size", None),
        ("inclusion", "index", None),
        ("inclusion?index=3&size=", "size", None),
        ("inclusion?index=-1&size=3", "index", None),
        ("inclusion?index=%2B1&size=3", "index", None),
        ("inclusion?index=1.0&size=3", "index", None),
        ("inclusion?index=1e1&size=3", "index", None),
        ("inclusion?index=%D9%A1&size=3", "index", None),
        ("inclusion?index=0&size=9007199254740992", "size", None),
        ("inclusion?index=0&size=" + "9" * 400, "size", None),
        ("inclusion?index=0&index=1&size=3", "index", None),
        ("inclusion?index=0&size=3&tree_size=3", "tree_size", "size"),
        ("inclusion?index=3&size=3", "index", "2"),
        ("inclusion?index=0&size=0", "index", None),
        ("inclusion?index=0&size=16", "size", "15"),
        ("inclusion?index=0&size=9007199254740991", "size", "15"),
        ("consistency?new=3", "old", None),
        ("consistency?old=3", "new", None),
        ("consistency?old=4&new=3", "old", "3"),
        ("consistency?old=4&new=16", "new", "15"),
        ("consistency?old=x&new=3", "old", None),
        ("consistency?first=1&new=3", "first", None),
    ],
)
def test_what_cannot_be_proven_is_refused_with_its_parameter(
    proving_house: House, query: str, parameter: str, suggestion: str | None
) -> None:
    """Sizes from the future, indexes behind the end, and what is no number at all."""
    found = faults(proving_house.get(f"/v1/log/proof/{query}"))

    assert found[0][0] == parameter
    if suggestion is not None:
        assert found[0][1] == suggestion


@pytest.fixture(scope="module")
def proving_house(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """A server over a log of the cast and a ban, to be asked and left as it is."""
    file = tmp_path_factory.mktemp("proving") / "log.db"
    file.write_bytes(sqlite_template.read_bytes())
    house = open_house(f"sqlite:///{file}")
    record(house.app.extensions["accessline"].database)
    yield house
    house.close()


# The proof for one event.


def test_an_event_is_proven_with_all_that_a_verifier_needs(signing_house: House) -> None:
    """Its bytes, where it stands, the path to the root, and the checkpoint that signs the root."""
    response = signing_house.get(f"/v1/events/{BAN.id}/proof")
    found = response.get_json()

    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "no-cache"
    assert list(found) == [
        "id",
        "position",
        "index",
        "size",
        "leaf_hash",
        "root",
        "proof",
        "entry",
        "checkpoint",
    ]
    assert (found["id"], found["position"], found["index"]) == (str(BAN.id), SIZE, SIZE - 1)
    signed = opened(found["checkpoint"].encode(), [KEY.verifier])
    assert (signed.size, signed.root) == (found["size"], hashes([found["root"]])[0])
    verify_inclusion(
        leaf_hash(found["entry"].encode()), SIZE - 1, SIZE, signed.root, hashes(found["proof"])
    )


def test_an_event_is_proven_in_a_file(signing_house: House) -> None:
    """c2sp.org/tlog-proof, for whoever wants plain text; to be kept under the event's id."""
    path = f"/v1/events/{CAST[4].id}/proof"
    response = ask(signing_house, path, **TEXT)
    entry = signing_house.json(path)["entry"].encode()

    assert response.status_code == 200
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["Content-Disposition"] == (
        f'attachment; filename="{CAST[4].id}.tlog-proof"'
    )
    assert response.data.startswith(b"c2sp.org/tlog-proof@v1\nindex 4\n")
    proof = TlogProof.read(response.data)
    signed = opened(proof.checkpoint, [KEY.verifier])
    assert proof.checkpoint == signing_house.get("/log/checkpoint").data
    verify_inclusion(leaf_hash(entry), 4, signed.size, signed.root, proof.proof)


def test_the_form_of_a_proof_is_negotiated(signing_house: House) -> None:
    """RFC 9110 section 12.5.1: JSON where both are as good; a cache keeps them apart."""
    path = f"/v1/events/{BAN.id}/proof"
    text, json = "text/plain; charset=utf-8", "application/json"

    for accept, expected in (
        ("*/*", json),
        ("text/plain", text),
        ("text/*", text),
        ("application/json", json),
        ("text/plain;q=0.5, application/json", json),
        ("text/plain, application/json;q=0.5", text),
    ):
        response = ask(signing_house, path, Accept=accept)
        assert response.content_type == expected
        assert "Accept" in response.headers.get("Vary", "")
    problem(ask(signing_house, path, Accept="image/png"), 406, "not-acceptable")


def test_a_proof_is_sent_again_once_the_log_has_grown(
    signing_house: House, database: Database
) -> None:
    """It leads to the newest checkpoint, and each form has a tag of its own."""
    path = f"/v1/events/{BAN.id}/proof"
    json = signing_house.get(path)
    text = ask(signing_house, path, **TEXT)

    assert json.headers["ETag"] != text.headers["ETag"]
    for form, response in (("application/json", json), ("text/plain", text)):
        tag = response.headers["ETag"]
        assert ask(signing_house, path, Accept=form, If_None_Match=tag).status_code == 304
    append(database, later())
    for form, response in (("application/json", json), ("text/plain", text)):
        tag = response.headers["ETag"]
        assert ask(signing_house, path, Accept=form, If_None_Match=tag).status_code == 200


def test_an_event_that_is_not_there_has_no_proof(signing_house: House) -> None:
    """Whether its id could be one or not."""
    for id_ in (
        "01234567-89ab-7def-8123-456789abcdef",
        "not-a-uuid",
        "%00",
        quote("ä" * 100),
        "9" * 3_000,
    ):
        for accept in ("application/json", "text/plain"):
            response = ask(signing_house, f"/v1/events/{id_}/proof", Accept=accept)
            found = problem(response, 404, "not-found")
            assert "ids are UUIDs, as /v1/events shows them" in found["detail"]


# Several servers.


def test_a_server_that_does_not_sign_serves_what_another_published(
    signing_house: House, database: Database, database_url: str
) -> None:
    """The checkpoint may be older than the log; an event behind it is not covered yet."""
    other = open_house(database_url)
    signed = signing_house.get("/log/checkpoint").data
    late = later()
    append(database, late)

    assert other.get("/log/checkpoint").data == signed
    covered = other.json(f"/v1/events/{BAN.id}/proof")
    assert (covered["size"], covered["checkpoint"]) == (SIZE, signed.decode())
    not_covered = other.json(f"/v1/events/{late.id}/proof")
    assert (not_covered["size"], not_covered["checkpoint"]) == (SIZE + 1, None)
    found = problem(ask(other, f"/v1/events/{late.id}/proof", **TEXT), 404, "not-found")
    assert "Ask again when /log/checkpoint has a greater size" in found["detail"]
    other.close()


def test_a_proof_is_sent_again_once_it_is_signed(
    keyless_house: House, database: Database, signer: Signer
) -> None:
    """The log has not grown, and yet the answer is another one: it has a checkpoint now."""
    path = f"/v1/events/{BAN.id}/proof"
    before = keyless_house.get(path)
    assert before.get_json()["checkpoint"] is None

    publishing.publish(database, signer, lambda: NOW)
    after = ask(keyless_house, path, If_None_Match=before.headers["ETag"])

    assert after.status_code == 200
    assert after.get_json()["checkpoint"] == signer.second.read_text()


# A log that does not continue what was published.


def went_back(signer: Signer) -> None:
    """Have published more than the log holds, as after restoring an older backup."""
    leaves = [leaf_hash(b"%d" % number) for number in range(99)]
    ahead = Checkpoint(origin=ORIGIN, size=99, root=root(extend(Frontier(), leaves)[0]))
    signing.replace_file(signer.second, ahead.signed(signer.keys))


def forked(signer: Signer) -> None:
    """Have published another log of the same size."""
    leaves = [leaf_hash(b"%d" % number) for number in range(SIZE)]
    other = Checkpoint(origin=ORIGIN, size=SIZE, root=root(extend(Frontier(), leaves)[0]))
    signing.replace_file(signer.second, other.signed(signer.keys))


def lost(signer: Signer) -> None:
    """Lose the second place."""
    signer.second.unlink()


def test_a_log_that_does_not_continue_what_was_published_is_not_signed(
    signing_house: House, signer: Signer
) -> None:
    """It would be the proof of two histories. Strangers are not told about our files."""
    for spoil in (went_back, forked, lost):
        spoil(signer)
        for response in (
            signing_house.get("/log/checkpoint"),
            ask(signing_house, f"/v1/events/{BAN.id}/proof", **TEXT),
        ):
            found = problem(response, 503, "not-published")
            assert "nothing is signed until whoever runs the server has looked" in found["detail"]
            assert response.headers["Retry-After"] == "60"
            assert str(signer.second.parent) not in response.text
            assert response.headers["Cache-Control"] == "no-cache"


def test_a_server_that_cannot_sign_is_healthy_and_answers(
    signing_house: House, signer: Signer
) -> None:
    """Nothing else depends on it: reads, proofs and tiles go on, and no probe restarts it."""
    went_back(signer)

    for path in (
        "/healthz",
        "/readyz",
        "/metrics",
        "/v1/log/key",
        "/v1/events",
        "/v1/access/openai/IT?service=api",
        "/log/tile/0/000.p/15",
        "/v1/log/proof/inclusion?index=0&size=15",
        "/v1/log/proof/consistency?old=3&new=15",
    ):
        assert signing_house.get(path).status_code == 200, path
    problem(signing_house.get("/log/checkpoint"), 503, "not-published")
    assert signing_house.get("/healthz").status_code == 200


def test_a_second_place_that_cannot_be_used_is_no_fault_of_the_program(
    signing_house: House, signer: Signer
) -> None:
    """Its disk is away or full: the checkpoint is not to be had just now."""
    Path(f"{signer.second}.lock").mkdir()

    assert signing_house.get("/log/checkpoint").status_code == 503
    assert signing_house.get("/healthz").status_code == 200


def test_a_log_is_signed_again_once_it_continues(signing_house: House, signer: Signer) -> None:
    """Nobody has to start the server again."""
    kept = signer.second.read_bytes()
    went_back(signer)
    problem(signing_house.get("/log/checkpoint"), 503, "not-published")

    signing.replace_file(signer.second, kept)

    assert checkpoint(signing_house).size == SIZE


def test_a_good_key_changes_nothing_about_what_is_proven(signing_house: House) -> None:
    """Bob sees what anybody sees; only caches are told otherwise."""
    path = "/log/checkpoint"
    for key in (signing_house.bob, signing_house.alice):
        response = signing_house.app.test_client().get(path, headers=authorization(key))
        assert response.data == signing_house.get(path).data
        assert response.headers["Cache-Control"] == "private, no-store"
