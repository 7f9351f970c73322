"""Replaying: computing a saved answer again from the entries of a log alone.

An answer to ``as_of`` with ``known_at=@<position>`` never changes, so whoever has the entries up to
that position, and the rule, gets the same bytes. The entries are taken into a database in memory,
and the question is put to it.
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlencode

import click

from service import app
from service.application import transfer
from service.application.exports import Part
from service.cli import session
from service.domain.resolution import RULE
from service.evidence import verification
from service.evidence.checkpoints import Checkpoint
from service.evidence.merkle import Frontier, extend, leaf_hash, root
from service.evidence.verification import Finding, FindingKind, Read
from service.settings import Settings
from service.store import schema
from service.store.engine import connect

_NO_ANSWER: Final = (AttributeError, KeyError, OverflowError, TypeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A saved answer.

    Attributes:
        name: Of its file.
        answer: Byte for byte.
        position: What was known then.
        questions: What may have been asked: the first that gives the answer is it.
    """

    name: str
    answer: bytes
    position: int
    questions: tuple[str, ...]


def asked(file: Path | None, question: str | None) -> Asked | None:
    """Read a saved answer; None where there is none.

    Raises:
        UsageError: It is none that can be computed again.
    """
    if file is None:
        if question is not None:
            message = "--question belongs to a saved answer: --replay ANSWER"
            raise click.UsageError(message)
        return None
    answer = file.read_bytes()
    try:
        told: dict[str, Any] = json.loads(answer)
        position = _position(told["known_at"])
        questions = tuple(_questions(told)) if question is None else (question,)
    except (*_NO_ANSWER, RecursionError) as error:
        message = (
            f"{file} is no explained answer of this server. Of another answer with 'known_at' say"
            " what was asked: --question '/v1/access?as_of=2024-07-09&known_at=@51'"
        )
        raise click.UsageError(message) from error
    return Asked(name=file.name, answer=answer, position=position, questions=questions)


def _position(known_at: dict[str, Any]) -> int:
    """Return the last position that an answer rests on; a difference has two."""
    found = known_at["until"]["position"] if "until" in known_at else known_at["position"]
    return int(found)


def _questions(told: dict[str, Any]) -> Iterator[str]:
    """Yield the questions that an explained answer may be the answer to."""
    path = f"/v1/access/{told['provider']}/{told['region']}"
    position = f"@{_position(told['known_at'])}"
    times = {"audience": told["audience"], "as_of": told["as_of"], "known_at": position}
    services = {cell["service"] for cell in told["cells"]}
    yield f"{path}?{urlencode(times)}"
    if len(services) == 1:
        yield f"{path}?{urlencode({'service': services.pop(), **times})}"


def replay(read: Read, checkpoint: Checkpoint, saved: Asked) -> tuple[Finding, ...]:
    """Compute a saved answer again, from the entries of a mirror that was verified."""
    if saved.position > checkpoint.size:
        detail = (
            f"{saved.name} was given at position {saved.position}, and the mirror ends at"
            f" {checkpoint.size}: it cannot be computed from it"
        )
        return (Finding(kind=FindingKind.CUT, position=checkpoint.size + 1, detail=detail),)
    scratch = connect("sqlite://")
    try:
        schema.upgrade(scratch)
        with tempfile.TemporaryFile() as export:
            _write(read, checkpoint.size, saved.position, export)
            export.seek(0)
            transfer.restore(scratch, export)
        client = app.over(scratch, Settings(), session.now).test_client()
        found = [client.get(question) for question in saved.questions]
        answers = [one.data for one in found if one.status_code == HTTPStatus.OK]
        if not answers:
            message = f"The question cannot be answered: {found[-1].get_json()['detail']}"
            raise click.UsageError(message)
    finally:
        scratch.dispose()
    # Tools that save an answer may end its line.
    if saved.answer.removesuffix(b"\n") in answers:
        return ()
    return (_differs(saved, answers[-1]),)


def _write(read: Read, size: int, position: int, export: IO[bytes]) -> None:
    """Write the first entries as an export, which ``transfer`` takes in."""
    entries = [entry for _, entry in verification.entries(read, size, 0, position)]
    tree, _ = extend(Frontier(), map(leaf_hash, entries))
    export.write(Part(after=0, until=position, before=Frontier(), root=root(tree)).line())
    for entry in entries:
        export.write(entry + b"\n")


def _differs(saved: Asked, again: bytes) -> Finding:
    pairs = enumerate(zip(saved.answer, again, strict=False))
    shorter = min(len(saved.answer), len(again))
    at = next((index for index, (one, other) in pairs if one != other), shorter)
    was, now = (data[max(0, at - 30) : at + 30] for data in (saved.answer, again))
    detail = (
        f"{saved.name} is not what the log answers under rule {RULE}: from byte {at + 1} on it has"
        f" {was.decode(errors='replace')!a}, and the entries give {now.decode(errors='replace')!a}"
    )
    return Finding(kind=FindingKind.REWRITTEN, position=None, detail=detail)
