r"""Whom a verifier trusts: a policy file, as c2sp.org/tlog-policy has it.

    log <verifier key> [<url>]
    witness <name> <verifier key> [<url>]
    group <name> all|any|<k> <member>...
    quorum <name>|none

A checkpoint is good if one of the logs signed it and the quorum's witnesses cosigned it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from service.evidence import checkpoints
from service.evidence.checkpoints import Checkpoint
from service.evidence.errors import MalformedEvidence, SignatureRefused
from service.evidence.notes import COSIGNATURE, ED25519, Note, VerifierKey
from service.evidence.text import decimal

NONE: Final = "none"
MOST_LINES: Final = 1_000
_KIND: Final = "trust policy"
_ALLOWED: Final = frozenset({0x09, *range(0x20, 0x7F), *range(0x80, 0x100)})


@dataclass(frozen=True, slots=True)
class Group:
    """At least ``least`` of some members, each a witness or an earlier group."""

    least: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trust:
    """What a policy file says."""

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, VerifierKey] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    quorum: str = NONE

    @classmethod
    def read(cls, data: bytes) -> "Trust":
        """Read a policy file.

        Raises:
            MalformedEvidence: It is none; the sentence names the line.
        """
        return _Reading().all_of(data)

    def opened(self, note: bytes) -> Checkpoint:
        """Read a checkpoint that may be trusted.

        Raises:
            MalformedEvidence: It is none.
            SignatureRefused: No log signed it, or too few witnesses did.
        """
        found = checkpoints.opened(note, self.logs)
        # A wrong signature of a witness that is known spoils a note, whether it is needed or not.
        signers = set(Note.read(note).verified_by((*self.logs, *self.witnesses.values())))
        if self.quorum != NONE and not self._witnessed(self.quorum, signers):
            sentence = (
                f"The checkpoint of {found.origin} at {found.size} entries lacks witnesses: the"
                f" quorum {self.quorum!a} is not reached."
            )
            raise SignatureRefused(sentence)
        return found

    def _witnessed(self, name: str, signers: set[VerifierKey]) -> bool:
        reached = {one for one, key in self.witnesses.items() if key in signers}
        # A group names earlier ones only.
        for one, group in self.groups.items():
            if len(reached.intersection(group.members)) >= group.least:
                reached.add(one)
        return name in reached


@dataclass(slots=True)
class _Reading:
    """What has been read of a policy file so far."""

    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: dict[str, VerifierKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    quorum: str | None = None

    def all_of(self, data: bytes) -> Trust:
        lines = data.split(b"\n")
        if len(lines) > MOST_LINES:
            raise MalformedEvidence(kind=_KIND, fault=f"it has more than {MOST_LINES} lines.")
        for number, line in enumerate(lines, 1):
            try:
                self._line(line)
            except MalformedEvidence as error:
                raise MalformedEvidence(kind=_KIND, fault=f"line {number}: {error.fault}") from None
        if self.quorum is None:
            raise MalformedEvidence(kind=_KIND, fault="no line says 'quorum', such as quorum none.")
        return Trust(tuple(self.logs), self.witnesses, self.groups, self.quorum)

    def _line(self, line: bytes) -> None:
        if not _ALLOWED.issuperset(line):
            raise _wrong(fault="it has a control character; only tabs are allowed.")
        # Names are octets: Latin-1 keeps each of them apart.
        match [one for one in line.decode("latin-1").replace("\t", " ").split(" ") if one]:
            case []:
                pass
            case [first, *_] if first.startswith("#"):
                pass
            case ["log", key] | ["log", key, _]:
                self.logs.append(self._key(key, ED25519))
            case ["witness", name, key] | ["witness", name, key, _]:
                self._check_new(name)
                self.witnesses[name] = self._key(key, COSIGNATURE)
            case ["group", name, least, *members] if members:
                self._check_new(name)
                self.groups[name] = self._group(least, members)
            case ["quorum", name]:
                self._quorum(name)
            case _:
                raise _wrong(
                    fault="a line says log, witness, group or quorum, and what that needs."
                )

    def _key(self, text: str, kind: int) -> VerifierKey:
        try:
            written = text.encode("latin-1").decode("utf-8")
        except UnicodeDecodeError:
            raise _wrong(fault="the name of its key is not UTF-8.") from None
        key = VerifierKey.read(written)
        if key.kind != kind:
            raise _wrong(fault=f"its key has kind {key.kind}, and {kind} is wanted here.")
        taken = self.logs if kind == ED25519 else self.witnesses.values()
        if any(one.public == key.public for one in taken):
            raise _wrong(fault="the same public key stands on an earlier line.")
        return key

    def _group(self, least: str, members: list[str]) -> Group:
        for name in members:
            self._check_known(name)
            if name in self.members:
                raise _wrong(fault=f"{name!a} is a member already, and counts once.")
            self.members.add(name)
        count = len(members)
        needed = {"all": count, "any": 1}.get(least) or decimal(least, _KIND)
        if not 1 <= needed <= count:
            raise _wrong(fault=f"a group of {count} needs 1 to {count} of them, not {needed}.")
        return Group(needed, tuple(members))

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise _wrong(fault="there is a quorum already.")
        if name != NONE:
            self._check_known(name)
        self.quorum = name

    def _names(self) -> Iterator[str]:
        yield from (*self.witnesses, *self.groups)

    def _check_new(self, name: str) -> None:
        if name == NONE or name in self._names():
            raise _wrong(fault=f"the name {name!a} is taken.")

    def _check_known(self, name: str) -> None:
        if name not in self._names():
            raise _wrong(fault=f"no earlier line names a witness or group {name!a}.")


def _wrong(*, fault: str) -> MalformedEvidence:
    return MalformedEvidence(kind=_KIND, fault=fault)
