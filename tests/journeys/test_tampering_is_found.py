"""Whoever holds an old checkpoint, or an export and a key, finds every rewrite of history.

The console script in processes of its own: who runs the log has the database and the key, who
audits it has neither, and an empty folder. Both engines, since an export must not tell them apart.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.error import HTTPError

import pytest
import sqlalchemy as sa

from service.application import signing
from service.evidence.checkpoints import Checkpoint, unsigned
from service.evidence.merkle import Frontier, extend, leaf_hash, root
from service.evidence.notes import SignerKey
from service.evidence.tiles import bundle, tiles_of, unbundled
from service.projections import projector
from service.store import events as log
from service.store.engine import connect
from service.store.tables import event, head, node
from tests.journeys.signed import (
    KEY,
    SEEDS,
    STRANGER,
    Found,
    SignedLog,
    asked,
    begun,
    fetched,
    findings,
    notes,
    review,
    verified,
)

NOTES: Final = 250
SIZE: Final = SEEDS + NOTES
"""More than one bundle."""

TRIGGERS: Final = {
    "sqlite": ("DROP TRIGGER event_update", "DROP TRIGGER node_update"),
    "postgresql": (
        "ALTER TABLE event DISABLE TRIGGER USER",
        "ALTER TABLE node DISABLE TRIGGER USER",
        "GRANT UPDATE ON event, node TO CURRENT_USER",
    ),
}


@pytest.fixture
def signed(tmp_path: Path, database_url: str) -> SignedLog:
    """A log with the seeds and a key."""
    return begun(tmp_path, database_url)


# An export, changed.


def entries(mirror: Path) -> list[bytes]:
    """Return the entries of a mirror of all events."""
    files = [mirror / f"tile/{one}" for one in tiles_of(None, SIZE)]
    return [entry for file in files for entry in unbundled(file.read_bytes())]


def write(mirror: Path, changed: list[bytes]) -> None:
    """Put other entries in the place of those of a mirror, and leave its hashes alone."""
    for one in tiles_of(None, SIZE):
        some = changed[one.first : one.first + one.width]
        if one.first + one.width == SIZE:
            some = changed[one.first :]
        (mirror / f"tile/{one}").write_bytes(bundle(some))


def write_with_hashes(mirror: Path, changed: list[bytes]) -> None:
    """Put other entries in their place, and make every tile again to match."""
    write(mirror, changed)
    level = [leaf_hash(one) for one in changed]
    for number in range(2):
        for one in tiles_of(number, SIZE):
            hashes = level[one.first : one.first + one.width]
            (mirror / f"tile/{one}").write_bytes(b"".join(hashes))
        full = [level[start : start + 256] for start in range(0, len(level) - 255, 256)]
        level = [extend(Frontier(), some)[0].hashes[0] for some in full]


def flipped(entry: bytes) -> bytes:
    """Return an entry with one bit changed."""
    return entry[:20] + bytes([entry[20] ^ 1]) + entry[21:]


def sign(mirror: Path, key: SignerKey) -> None:
    """Sign the checkpoint of a mirror with another key."""
    (mirror / "checkpoint").write_bytes(_checkpoint(mirror).signed([key]))


def paste(mirror: Path) -> None:
    """Put a signature of the log's own key below another checkpoint than it signed."""
    text = _checkpoint(mirror).text()
    other = Checkpoint(origin=KEY.name, size=7, root=bytes(32)).signed([KEY])
    (mirror / "checkpoint").write_bytes(text.encode() + b"\n" + other.partition(b"\n\n")[2])


def _checkpoint(mirror: Path) -> Checkpoint:
    return unsigned((mirror / "checkpoint").read_bytes())


def edited(were: list[bytes]) -> list[bytes]:
    """Change one byte of the entry at position 30."""
    return [*were[:29], flipped(were[29]), *were[30:]]


def deleted(were: list[bytes]) -> list[bytes]:
    """Leave out the entry at position 30; all later ones move up."""
    return [*were[:29], *were[30:]]


def inserted(were: list[bytes]) -> list[bytes]:
    """Put another entry before the one at position 30."""
    return [*were[:29], flipped(were[29]), *were[29:]]


def swapped(were: list[bytes]) -> list[bytes]:
    """Let the entries at positions 30 and 31 change places."""
    return [*were[:29], were[30], were[29], *were[31:]]


def swapped_far(were: list[bytes]) -> list[bytes]:
    """Let the entries at positions 30 and 290, in different bundles, change places."""
    return [*were[:29], were[289], *were[30:289], were[29], *were[290:]]


def cut(were: list[bytes]) -> list[bytes]:
    """End three entries early."""
    return were[:-3]


def changed(mirror: Path, name: str, change: Callable[[Path], object]) -> Path:
    """Return a copy of a mirror, changed."""
    copy = mirror.with_name(name)
    shutil.copytree(mirror, copy)
    change(copy)
    return copy


def test_every_change_of_an_export_is_found(signed: SignedLog) -> None:
    """Acceptance: an export verifies without a database; each change has kind and position."""
    old = str(signed.publish("old"))
    signed.record(notes(NOTES))
    mirror = signed.export()
    were = entries(mirror)
    assert signed.audited(str(mirror), "--against", old) == (0, [])
    changes: dict[str, Callable[[Path], object]] = {
        "one byte of one entry": lambda at: write(at, edited(were)),
        "one deleted": lambda at: write(at, deleted(were)),
        "two swapped": lambda at: write(at, swapped(were)),
        "the tail cut": lambda at: write(at, cut(were)),
        "signed with another key": lambda at: sign(at, STRANGER),
    }

    found = {
        name: signed.audited(str(changed(mirror, name, change))) for name, change in changes.items()
    }

    assert found == {
        "one byte of one entry": (5, [("edited", 30)]),
        "one deleted": (5, [("deleted", 30)]),
        "two swapped": (5, [("reordered", 30)]),
        "the tail cut": (5, [("cut", SIZE - 2)]),
        "signed with another key": (5, [("signature", None)]),
    }
    assert signed.audited(str(mirror), key=STRANGER) == (5, [("signature", None)])


def test_stranger_changes_of_an_export_are_found_too(signed: SignedLog) -> None:
    """What was moved over the edge of a bundle, files that are gone, signatures of other texts."""
    signed.record(notes(NOTES))
    mirror = signed.export()
    were = entries(mirror)
    changes: dict[str, Callable[[Path], object]] = {
        "one inserted": lambda at: write(at, inserted(were)),
        "two swapped far apart": lambda at: write(at, swapped_far(were)),
        "the first deleted": lambda at: write(at, were[1:]),
        "the last bundle gone": lambda at: (at / f"tile/entries/001.p/{SIZE - 256}").unlink(),
        "the first hashes gone": lambda at: (at / "tile/0/000").unlink(),
        "hashes made again to match": lambda at: write_with_hashes(at, edited(were)),
        "a signature of another text": paste,
    }

    found = {name: verified(changed(mirror, name, change)) for name, change in changes.items()}

    assert found == {
        "one inserted": (5, [("inserted", 30)]),
        "two swapped far apart": (5, [("reordered", 30)]),
        "the first deleted": (5, [("deleted", 1)]),
        "the last bundle gone": (5, [("unreadable", 257)]),
        "the first hashes gone": (5, [("tree", None)]),
        "hashes made again to match": (5, [("rewritten", None)]),
        "a signature of another text": (5, [("signature", None)]),
    }
    assert verified(mirror) == (0, [])


def test_a_mirror_that_went_back_is_found(signed: SignedLog) -> None:
    """An older export is whole in itself; only who saw more can tell."""
    mirror = signed.export()
    signed.record([review()])
    newer = signed.publish("newer")

    assert verified(mirror) == (0, [])
    assert verified(mirror, "--against", newer) == (5, [("cut", SEEDS + 1)])


# The database, rewritten.


def rewrite(url: str, position: int) -> None:
    """Change one word of an event, and everything that is made from it, as an owner could."""
    database = connect(url)
    with database.write() as connection:
        for statement in TRIGGERS[database.dialect]:
            connection.exec_driver_sql(statement)
        bodies = {
            row.position: bytes(row.body)
            for row in connection.execute(sa.select(event.c.position, event.c.body))
        }
        told = json.loads(bodies[position])
        told["title"] = told["title"][::-1]
        body = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        assert body != bodies[position]
        bodies[position] = body
        connection.execute(
            sa.update(event)
            .where(event.c.position == position)
            .values(body=body, leaf=leaf_hash(body))
        )
        frontier, nodes = extend(Frontier(), (leaf_hash(one) for _, one in sorted(bodies.items())))
        for one in nodes:
            at = (node.c.level == one.level, node.c.index == one.index)
            connection.execute(sa.update(node).where(*at).values(hash=one.hash))
        connection.execute(sa.update(head).values(frontier=frontier.to_bytes()))
    projector.rebuild(database)
    database.dispose()


def test_only_an_old_checkpoint_knows_of_a_tree_made_again(signed: SignedLog) -> None:
    """Acceptance: the database is content with itself; a checkpoint that has left it is not."""
    before, mirror = signed.publish("before"), signed.export()
    signed.record([review()])
    old = signed.publish("old")

    rewrite(signed.url, SEEDS)

    assert signed.run("verify")[0] == 0
    code, out, _ = signed.run("verify", "--against", str(before), "--against", str(old), "--json")
    assert (code, findings(out)) == (5, [("rewritten", None), ("rewritten", None)])
    sizes = [one["detail"].partition(" differs")[0] for one in json.loads(out)["findings"]]
    assert sizes == [f"history before size {SEEDS}", f"history before size {SEEDS + 1}"]
    # Nor does the operator get it signed, or into a mirror that was honest.
    code, _, said = signed.run("log", "export", str(mirror))
    assert code == 5
    assert f"position {SEEDS + 1} does not continue the checkpoint" in said
    assert verified(mirror, "--against", before) == (0, [])


def test_with_the_key_stolen_too_what_left_the_machine_still_tells(signed: SignedLog) -> None:
    """Whoever has database, key and second place can forge all that is here, and no more."""
    old = signed.publish("old")
    rewrite(signed.url, 7)
    database = connect(signed.url)
    with database.read() as connection:
        frontier = log.read_head(connection).frontier
    database.dispose()
    forged = Checkpoint(origin=KEY.name, size=SEEDS, root=root(frontier))
    signing.second_of(signed.key).write_bytes(forged.signed([KEY]))

    mirror = signed.export()

    assert verified(mirror) == (0, [])
    assert verified(mirror, "--against", old) == (5, [("rewritten", None)])


# A backup, restored.


class Backup:
    """A copy of a database as it was, which nobody has open."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = sa.make_url(url)
        self._copy = folder / "backup.db"
        self._name = f"{self._url.database}_backup"
        if self._url.drivername == "sqlite":
            shutil.copyfile(self._file, self._copy)
        else:
            self._administer(f"CREATE DATABASE {self._name} TEMPLATE {self._url.database}")

    @property
    def _file(self) -> Path:
        return Path(str(self._url.database))

    def restore(self) -> None:
        """Put the copy in the place of the database."""
        if self._url.drivername == "sqlite":
            for suffix in ("-wal", "-shm"):
                self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
            shutil.copyfile(self._copy, self._file)
            return
        self._administer(
            f"DROP DATABASE {self._url.database} WITH (FORCE)",
            f"CREATE DATABASE {self._url.database} TEMPLATE {self._name}",
        )

    def remove(self) -> None:
        """Leave nothing on the server."""
        if self._url.drivername != "sqlite":
            self._administer(f"DROP DATABASE {self._name} WITH (FORCE)")

    def _administer(self, *statements: str) -> None:
        url = self._url.set(drivername="postgresql+psycopg", database="postgres")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)


@pytest.fixture
def backup(signed: SignedLog, tmp_path: Path) -> Iterator[Backup]:
    """A backup of the log with the seeds."""
    made = Backup(signed.url, tmp_path)
    yield made
    made.remove()


def answered(url: str) -> tuple[int, str, str]:
    """Return status, type of the content and type of the problem that a server answers with."""
    with pytest.raises(HTTPError) as refused:
        fetched(url)
    with refused.value as answer:
        problem = json.loads(answer.read())
        return answer.code, str(answer.headers["Content-Type"]), problem["type"]


def test_a_restored_backup_is_not_signed(signed: SignedLog, backup: Backup) -> None:
    """Acceptance: neither before nor after it is appended to, by no command and no server."""
    signed.record([review()])
    published = signed.publish("published").read_bytes()
    backup.restore()

    code, _, said = signed.run("log", "checkpoint")
    assert code == 5
    assert f"The log ends at position {SEEDS}, and a checkpoint was published for" in said
    forked = "does not continue the checkpoint that was published"
    for command in (("checkpoint",), ("export", str(signed.given / "mirror"))):
        signed.record([review()])
        code, _, said = signed.run("log", *command)
        assert code == 5
        assert forked in said
    with signed.serving() as base:
        expected = (503, "application/problem+json", "/problems/not-published")
        assert answered(f"{base}/log/checkpoint") == expected
        newest = asked(f"{base}/v1/events?limit=1")["items"][0]["id"]
        assert answered(f"{base}/v1/events/{newest}/proof") == expected
        # What needs no signature goes on.
        assert asked(f"{base}/v1/log/proof/consistency?old=1&new={SEEDS}")["proof"]
        assert asked(f"{base}/v1/access/openai/CN?as_of=2024-07-09")["state"] == "blocked"

    assert signing.second_of(signed.key).read_bytes() == published
    assert not (signed.given / "mirror").exists()


# Answers, saved.


QUESTIONS: Final = {
    "explained": f"/v1/access/openai/CN?as_of=2024-07-09&known_at=@{SEEDS}",
    "one service": f"/v1/access/openai/CN?service=api&as_of=2024-07-08&known_at=@{SEEDS}",
    "an instant": f"/v1/access/openai/IT?as_of=2023-04-10T12:00:00Z&known_at=@{SEEDS}",
    "known before": "/v1/access/openai/CN?as_of=2024-07-09&known_at=@40",
}
"""What is read from the answer itself."""

LISTS: Final = {
    "a list": f"/v1/access?provider=openai&region=CN,IT&as_of=2024-07-09&known_at=@{SEEDS}",
    "a part of a list": f"/v1/access?as_of=2024-07-09&known_at=@{SEEDS}&limit=7",
    "a timeline": f"/v1/access/openai/IT/timeline?service=chatgpt&known_at=@{SEEDS}",
    "a window": f"/v1/access/openai/IT/timeline?from=2023-01-01&until=2024-01-01&known_at=@{SEEDS}",
    "policies": f"/v1/policies?as_of=2024-07-09&known_at=@{SEEDS}",
    "a difference": f"/v1/access/diff?from=2024-07-08&until=2024-07-09&known_at=@{SEEDS}",
    "two knowledges": f"/v1/access/diff?as_of=2024-07-09&known_from=@40&known_until=@{SEEDS}",
}
"""Of these it must be said what was asked."""


def misquoted(answer: bytes) -> bytes:
    """Change one word of an answer: the last name of a state or a kind that it has."""
    words = (b"blocked", b"suspended", b"available", b"not_offered", b"unknown", b"openai")
    at, word = max((answer.rfind(word), word) for word in words)
    assert at > 0
    return answer[:at] + b"permitted"[: len(word)] + answer[at + len(word) :]


def test_a_saved_answer_is_computed_again_from_the_export(
    signed: SignedLog, tmp_path: Path
) -> None:
    """Acceptance: byte for byte what the live server answered; not what somebody made of it."""
    answers = {}
    with signed.serving() as base:
        for name, question in (QUESTIONS | LISTS).items():
            answers[name] = fetched(base + question)
    # The log goes on; what was known stays.
    signed.record([review(), *notes(3)])
    mirror = signed.export()

    verdicts = {}
    for name, answer in answers.items():
        saved, other = tmp_path / f"{name}.json", tmp_path / f"{name}, misquoted.json"
        saved.write_bytes(answer)
        other.write_bytes(misquoted(answer))
        said = ("--question", LISTS[name]) if name in LISTS else ()
        verdicts[name] = tuple(verified(mirror, "--replay", file, *said) for file in (saved, other))

    right: Found = (0, [])
    wrong: Found = (5, [("rewritten", None)])
    assert verdicts == dict.fromkeys(QUESTIONS | LISTS, (right, wrong))
    for name, found in (("explained", right), ("explained, misquoted", wrong)):
        assert signed.audited(str(mirror), "--replay", str(tmp_path / f"{name}.json")) == found
