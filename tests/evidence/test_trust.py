"""Trust policies: who has to sign, how quorums count, and what is no policy."""

import os
from base64 import b64encode
from contextlib import suppress
from itertools import chain, combinations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from service.evidence.checkpoints import Checkpoint
from service.evidence.errors import EvidenceError, MalformedEvidence, SignatureRefused
from service.evidence.merkle import leaf_hash
from service.evidence.notes import COSIGNATURE, SignerKey, VerifierKey
from service.evidence.trust import MOST_LINES, NONE, Group, Trust

law = settings(
    max_examples=150, deadline=None, database=None, derandomize=bool(os.environ.get("CI"))
)

LOG = SignerKey("example.test/timeline", bytes(range(0x20)))
LOG_KEY = "example.test/timeline+226fa979+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
WITNESS_KEY = "witness.test/w1+ad1959f2+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
PUBLISHED = (
    "example.test/timeline\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n\n"
    "\u2014 example.test/timeline Im+peRS3WPko0+VsQqcG5rcKic/PscxjKccMYni/NFfD8njVtwuBYojJFUXznwOq"
    "RtJARU6AjesT6IgbGA1Ro/u1tA0=\n"
    "\u2014 witness.test/w1 rRlZ8gAAAABlU/EA4Q/PUQQzskpi3TIuOLR4x9CQMKjQUIARNBl280SI35iGx4aipMWLmG"
    "0KZGyAbZuVYl12Dc75YGeFJAowUn8QDA==\n"
).encode()
"""Computed by golang.org/x/mod/sumdb/note, the witness's by aics-tlog, at 1700000000."""

ONE = Checkpoint(origin=LOG.name, size=1, root=leaf_hash(b"an entry"))
WITNESSES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")


def seed_of(name: str) -> bytes:
    """Make a secret of a name."""
    return leaf_hash(name.encode())


def witness(name: str) -> VerifierKey:
    """Return a witness's key; it is named as in the policy, which need not be so."""
    return VerifierKey(name, COSIGNATURE, SignerKey(name, seed_of(name)).verifier.public)


def cosigned(name: str, text: str = ONE.text()) -> bytes:
    """Return a witness's line below a text (c2sp.org/tlog-cosignature)."""
    moment = 1_700_000_000
    message = f"cosignature/v1\ntime {moment}\n{text}".encode()
    signature = Ed25519PrivateKey.from_private_bytes(seed_of(name)).sign(message)
    blob = witness(name).id + moment.to_bytes(8, "big") + signature
    return f"\u2014 {name} {b64encode(blob).decode()}\n".encode()


def note(*witnesses: str) -> bytes:
    """Return a checkpoint that the log and some witnesses signed."""
    return ONE.signed([LOG]) + b"".join(map(cosigned, witnesses))


def policy(*lines: str) -> bytes:
    """Write a policy with the log and six witnesses, and some lines more."""
    known = (f"witness {name} {witness(name)}" for name in WITNESSES)
    return "".join(f"{line}\n" for line in (f"log {LOG_KEY}", *known, *lines)).encode()


def accepts(trust: Trust, data: bytes) -> bool:
    """Tell whether a policy lets a checkpoint through."""
    try:
        trust.opened(data)
    except SignatureRefused:
        return False
    return True


# --- who has to sign


def test_a_checkpoint_is_trusted_if_log_and_quorum_signed() -> None:
    """c2sp.org/tlog-policy, with the vectors of Go and aics-tlog."""
    trust = Trust.read(f"log {LOG_KEY}\nwitness w1 {WITNESS_KEY}\nquorum w1\n".encode())

    found = trust.opened(PUBLISHED)

    assert (found.origin, found.size) == ("example.test/timeline", 7)
    assert trust.logs == (VerifierKey.read(LOG_KEY),)
    assert trust.witnesses == {"w1": VerifierKey.read(WITNESS_KEY)}
    assert trust.quorum == "w1"


def test_without_a_quorum_the_log_s_signature_is_enough() -> None:
    """c2sp.org/tlog-policy: ``quorum none``."""
    trust = Trust.read(f"log {LOG_KEY}\nquorum none\n".encode())

    assert trust == Trust((LOG.verifier,))
    assert trust.quorum == NONE
    assert trust.opened(note()) == ONE
    assert trust.opened(note("X1")) == ONE


def test_a_policy_needs_no_log_but_then_trusts_none() -> None:
    """c2sp.org/tlog-policy: the logs may be known from elsewhere."""
    trust = Trust.read(b"quorum none\n")

    assert trust.logs == ()
    with pytest.raises(SignatureRefused, match="trusted: none at all"):
        trust.opened(note())


def test_any_of_the_logs_will_do() -> None:
    """c2sp.org/tlog-policy: all of the listed logs are accepted, under their own origins."""
    other = SignerKey("other.test/log", seed_of("other"))
    trust = Trust.read(f"log {LOG_KEY}\nlog {other.verifier}\nquorum none\n".encode())
    theirs = Checkpoint(origin=other.name, size=1, root=ONE.root)

    assert trust.opened(note()) == ONE
    assert trust.opened(theirs.signed([other])) == theirs
    with pytest.raises(SignatureRefused, match="not by the log itself"):
        trust.opened(ONE.signed([other]))


def test_witnesses_do_not_stand_in_for_the_log() -> None:
    """A checkpoint is the log's own promise."""
    trust = Trust.read(policy("quorum X1"))
    unsigned = ONE.text().encode() + b"\n" + cosigned("X1")

    with pytest.raises(SignatureRefused, match="No key that is trusted"):
        trust.opened(unsigned)


def test_every_set_of_witnesses_is_counted_as_the_specification_s_example_says() -> None:
    """c2sp.org/tlog-policy, section "Example policy": two of X and one of Y."""
    trust = Trust.read(
        policy(
            "group X-witnesses 2 X1 X2 X3",
            "group Y-witnesses any Y1 Y2 Y3",
            "group X-and-Y all X-witnesses Y-witnesses",
            "quorum X-and-Y",
        )
    )

    assert trust.groups == {
        "X-witnesses": Group(2, ("X1", "X2", "X3")),
        "Y-witnesses": Group(1, ("Y1", "Y2", "Y3")),
        "X-and-Y": Group(2, ("X-witnesses", "Y-witnesses")),
    }
    for some in chain.from_iterable(combinations(WITNESSES, count) for count in range(7)):
        of_x = sum(name.startswith("X") for name in some)
        assert accepts(trust, note(*some)) == (of_x >= 2 and len(some) > of_x)


@pytest.mark.parametrize(
    ("least", "needed"), [("any", 1), ("1", 1), ("2", 2), ("3", 3), ("all", 3)]
)
def test_a_group_needs_as_many_as_it_says(least: str, needed: int) -> None:
    """c2sp.org/tlog-policy: ``any`` is 1, ``all`` is every one."""
    trust = Trust.read(policy(f"group g {least} X1 X2 X3", "quorum g"))

    for some in chain.from_iterable(combinations(WITNESSES, count) for count in range(5)):
        assert accepts(trust, note(*some)) == (len({"X1", "X2", "X3"} & {*some}) >= needed)


def test_a_witness_counts_once_however_often_it_signed() -> None:
    """Two lines of one witness are one witness."""
    trust = Trust.read(policy("group g 2 X1 X2", "quorum g"))

    assert not accepts(trust, note("X1", "X1", "X1"))
    assert accepts(trust, note("X1", "X1", "X2"))


def test_sixteen_witnesses_and_strangers_may_sign() -> None:
    """c2sp.org/signed-note: at least 16 signatures; those of strangers are ignored."""
    many = [f"W{number}" for number in range(32)]
    known = "".join(f"witness {name} {witness(name)}\n" for name in many[:20])
    text = f"log {LOG_KEY}\n{known}group g all {' '.join(many[:20])}\nquorum g\n"
    trust = Trust.read(text.encode())

    assert trust.opened(note(*many)) == ONE
    assert not accepts(trust, note(*many[1:]))


def test_a_quorum_that_is_not_reached_says_what_it_lacks() -> None:
    """An operator reads which checkpoint, and which quorum."""
    trust = Trust.read(policy("group g all X1 X2", "quorum g"))

    words = "example.test/timeline at 1 entries lacks witnesses: the quorum 'g' is not reached"
    with pytest.raises(SignatureRefused, match=words):
        trust.opened(note("X1"))
    with pytest.raises(SignatureRefused, match="lacks witnesses"):
        trust.opened(note())


def test_a_quorum_without_witnesses_is_never_reached() -> None:
    """No file says so; whoever makes such a policy himself trusts nothing, not everything."""
    trust = Trust((LOG.verifier,), groups={"g": Group(1, ())}, quorum="g")

    with pytest.raises(SignatureRefused, match="lacks witnesses"):
        trust.opened(note("X1"))


def test_a_wrong_cosignature_rejects_the_checkpoint() -> None:
    """c2sp.org/signed-note: a known key that fails, though the quorum is reached without it."""
    trust = Trust.read(policy("group g any X1 X2", "quorum g"))
    wrong = cosigned("X2", "another text\n")

    assert trust.opened(note("X1") + cosigned("stranger", "another text\n")) == ONE
    with pytest.raises(SignatureRefused, match="signature of X2 is wrong"):
        trust.opened(note("X1") + wrong)
    with pytest.raises(SignatureRefused, match="signature of Y1 is wrong"):
        trust.opened(note("X1") + cosigned("Y1", "another text\n"))


def test_a_wrong_cosignature_rejects_the_checkpoint_without_a_quorum_too() -> None:
    """c2sp.org/tlog-proof: verify all cosignatures of witnesses that are known to the verifier."""
    trust = Trust.read(policy("quorum none"))

    assert trust.opened(note("X1")) == ONE
    with pytest.raises(SignatureRefused, match="signature of X1 is wrong"):
        trust.opened(note() + cosigned("X1", "another text\n"))


def test_what_is_no_checkpoint_is_refused() -> None:
    """Before anybody asks who signed."""
    for quorum in ("none", "X1"):
        trust = Trust.read(policy(f"quorum {quorum}"))
        with pytest.raises(MalformedEvidence, match="no signed note"):
            trust.opened(b"")


# --- the form


def test_white_space_comments_and_urls_do_no_harm() -> None:
    """c2sp.org/tlog-policy, section "Structure"; other octets than ASCII may stand in all three."""
    text = (
        "# a comment, \u00e9\n \t # another\n\n \t \n"
        f"\t log\t {LOG_KEY} \t https://example.test/\u00e9 \n"
        f"witness  w {WITNESS_KEY}\thttps://witness.test\n"
        "#quorum none\nquorum w\n# the end"
    )

    assert Trust.read(text.encode()) == Trust.read(
        f"log {LOG_KEY}\nwitness w {WITNESS_KEY}\nquorum w\n".encode()
    )


def test_names_are_octets() -> None:
    """c2sp.org/tlog-policy: K is another name than a Kelvin sign, and UTF-8 is not needed."""
    kelvin, latin, space = "\u212a".encode(), b"\xe9", b"a\xa0b"
    text = (
        f"log {LOG_KEY}\nwitness K {witness('X1')}\n".encode()
        + b"witness %b %b\n" % (kelvin, str(witness("X2")).encode())
        + b"witness %b %b\n" % (latin, str(witness("X3")).encode())
        + b"group %b all %b %b\nquorum %b\n" % (space, kelvin, latin, space)
    )
    trust = Trust.read(text)

    assert len(trust.witnesses) == 3
    assert accepts(trust, note("X2", "X3"))
    assert not accepts(trust, note("X1", "X2"))


def test_the_names_of_keys_are_utf_8() -> None:
    """c2sp.org/signed-note; unlike those of the policy, they are signed."""
    log = SignerKey("example.test/\u00e9", seed_of("log"))
    theirs = Checkpoint(origin=log.name, size=1, root=ONE.root)
    line = f"log {log.verifier}\nquorum none\n"

    assert Trust.read(line.encode()).opened(theirs.signed([log])) == theirs
    with pytest.raises(MalformedEvidence, match="line 1: the name of its key is not UTF-8"):
        Trust.read(line.encode("latin-1"))


def test_a_key_may_be_of_a_log_and_of_a_witness() -> None:
    """c2sp.org/tlog-policy refuses the same key among logs and among witnesses, each for itself."""
    both = VerifierKey("me", COSIGNATURE, LOG.verifier.public)

    trust = Trust.read(f"log {LOG_KEY}\nwitness me {both}\nquorum me\n".encode())

    assert not accepts(trust, note())


def test_thirty_two_of_each_are_read() -> None:
    """c2sp.org/tlog-policy: strongly recommended."""
    logs = (SignerKey(f"log{n}", seed_of(f"log{n}")).verifier for n in range(32))
    lines = [f"log {key}" for key in logs]
    lines += [f"witness W{n} {witness(f'W{n}')}" for n in range(32)]
    lines += [f"group g{n} any W{n}" for n in range(32)]
    trust = Trust.read("\n".join([*lines, "quorum g31", ""]).encode())

    assert (len(trust.logs), len(trust.witnesses), len(trust.groups)) == (32, 32, 32)


def test_groups_within_groups_within_groups_are_counted_or_refused() -> None:
    """As deep as a policy may be long: a verifier answers, and does not break down."""
    deep = [f"group g{n + 1} any g{n}" for n in range(900)]
    data = policy("group g0 any X1", *deep, "quorum g900")

    with suppress(MalformedEvidence):
        trust = Trust.read(data)
        assert trust.opened(note("X1")) == ONE
        assert not accepts(trust, note("X2"))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((), "no line says 'quorum', such as quorum none"),
        (("#quorum none",), "no line says 'quorum'"),
        (("quorum none", "quorum none"), "line 9: there is a quorum already"),
        (("quorum none", "quorum X1"), "line 9: there is a quorum already"),
        (("quorum X4",), "line 8: no earlier line names a witness or group 'X4'"),
        (("quorum x1",), "line 8: no earlier line names"),
        (("quorum g", "group g any X1"), "line 8: no earlier line names"),
        (("quorum example.test/timeline",), "line 8: no earlier line names"),
        (("quorum",), "line 8: a line says log, witness, group or quorum"),
        (("quorum X1 X2",), "line 8: a line says"),
        (("quorum none # none",), "line 8: a line says"),
        (("Quorum none",), "line 8: a line says"),
        (("trust me",), "line 8: a line says"),
        (("log",), "line 8: a line says"),
        (("witness",), "line 8: a line says"),
        (("witness w",), "line 8: a line says"),
        (("group",), "line 8: a line says"),
        (("group g",), "line 8: a line says"),
        (("group g any",), "line 8: a line says"),
        ((f"log {LOG_KEY} https://a.test b",), "line 8: a line says"),
        ((f"witness w {WITNESS_KEY} https://a.test b",), "line 8: a line says"),
        (("log\u00a0x",), "line 8: a line says"),
        (("group g any g",), "line 8: no earlier line names a witness or group 'g'"),
        (("group g any X1 h", "group h any X2"), "line 8: no earlier line names .*'h'"),
        (("group g any none",), "line 8: no earlier line names .*'none'"),
        (("group g any X1 X1",), "line 8: 'X1' is a member already"),
        (("group g any X1", "group h any X1"), "line 9: 'X1' is a member already"),
        (("group g any X1", "group h any g", "group i any g"), "line 10: 'g' is a member already"),
        (("group g 0 X1",), "line 8: a group of 1 needs 1 to 1 of them, not 0"),
        (("group g 3 X1 X2",), "line 8: a group of 2 needs 1 to 2 of them, not 3"),
        (("group g 01 X1",), "line 8: .*not a decimal number"),
        (("group g -1 X1",), "line 8: .*not a decimal number"),
        (("group g +1 X1",), "line 8: .*not a decimal number"),
        (("group g 1.0 X1",), "line 8: .*not a decimal number"),
        (("group g most X1",), "line 8: .*not a decimal number"),
        (("group g All X1",), "line 8: .*not a decimal number"),
        (("group g X1 X2",), "line 8: .*not a decimal number"),
        (("group g \u00b9 X1",), "line 8: .*not a decimal number"),
        (("group none any X1",), "line 8: the name 'none' is taken"),
        (("group X1 any X2",), "line 8: the name 'X1' is taken"),
        (("group g any X1", "group g any X2"), "line 9: the name 'g' is taken"),
        ((f"witness none {WITNESS_KEY}",), "line 8: the name 'none' is taken"),
        ((f"witness X1 {WITNESS_KEY}",), "line 8: the name 'X1' is taken"),
        (("group g any X1", f"witness g {WITNESS_KEY}"), "line 9: the name 'g' is taken"),
        ((f"log {LOG_KEY}",), "line 8: the same public key stands on an earlier line"),
        (
            (f"log {VerifierKey('other.test/log', 1, LOG.verifier.public)}",),
            "line 8: the same public key",
        ),
        ((f"witness again {witness('X1')}",), "line 8: the same public key"),
        (
            (f"witness again {VerifierKey('other.test/w', 4, witness('X1').public)}",),
            "line 8: the same public key",
        ),
        ((f"log {WITNESS_KEY}",), "line 8: its key has kind 4, and 1 is wanted here"),
        ((f"witness w {LOG_KEY}",), "line 8: its key has kind 1, and 4 is wanted here"),
        (("log example.test/timeline",), "line 8: .*not a name, an id and a key"),
        ((f"log {LOG_KEY[:-1]}",), "line 8: .*not base64"),
        ((f"log {LOG_KEY.replace('226f', '226e')}",), "line 8: its id is"),
        ((f"witness w {WITNESS_KEY.replace('ad19', 'AD19')}",), "line 8: its id is"),
        (("quorum none\r",), "line 8: it has a control character; only tabs are allowed"),
        (("quorum\vnone",), "line 8: it has a control character"),
        (("quorum none\0",), "line 8: it has a control character"),
        (("# \x7f",), "line 8: it has a control character"),
        (("# \x1b[31m",), "line 8: it has a control character"),
    ],
)
def test_what_is_no_policy_is_refused(lines: tuple[str, ...], words: str) -> None:
    """c2sp.org/tlog-policy; the sentence names the line."""
    data = policy(*lines)
    if not any(line.startswith(("quorum", "#quorum")) for line in lines) and lines:
        data += b"quorum none\n"

    with pytest.raises(MalformedEvidence, match=f"no trust policy: .*{words}"):
        Trust.read(data)


def test_more_lines_than_anybody_needs_are_refused() -> None:
    """A verifier must not work for hours."""
    assert Trust.read(b"quorum none\n" + b"\n" * (MOST_LINES - 2)).quorum == NONE
    with pytest.raises(MalformedEvidence, match="more than 1000 lines"):
        Trust.read(b"quorum none\n" + b"\n" * MOST_LINES)


def test_a_secret_in_the_place_of_a_key_is_not_told() -> None:
    """Whoever writes the wrong one of two lines must not find his secret in a log."""
    with pytest.raises(MalformedEvidence, match="line 1") as refusal:
        Trust.read(f"log {LOG.line()}\nquorum none\n".encode())

    assert b64encode(b"\x01" + LOG.seed).decode()[8:24] not in str(refusal.value)


# --- laws

labels = st.text("abcXY0-._\u00e9", min_size=1, max_size=6).filter(lambda name: name != NONE)


@law
@given(st.lists(labels, min_size=1, max_size=5, unique=True), st.data())
def test_a_policy_that_was_written_is_read(labelled: list[str], data: st.DataObject) -> None:
    """Logs, witnesses and groups stand where they stood."""
    least = data.draw(st.integers(1, len(labelled)))
    lines = [f"witness {name} {witness(name)}" for name in labelled]
    members = " ".join(labelled)
    text = "\n".join([f"log {LOG_KEY}", *lines, f"group all_ {least} {members}", "quorum all_", ""])

    trust = Trust.read(text.encode())

    octets = [name.encode().decode("latin-1") for name in labelled]
    assert trust.logs == (LOG.verifier,)
    assert list(trust.witnesses.values()) == [witness(name) for name in labelled]
    assert list(trust.witnesses) == octets
    assert trust.groups == {"all_": Group(least, tuple(octets))}
    signers = data.draw(st.sets(st.sampled_from(labelled)))
    assert accepts(trust, note(*sorted(signers))) == (len(signers) >= least)


@law
@given(st.data())
def test_a_changed_policy_is_another_or_refused(data: st.DataObject) -> None:
    """Whatever is changed: a sentence, or a policy that answers."""
    valid = policy("group g 2 X1 X2 X3", "group h all g Y1", "quorum h")
    at = data.draw(st.integers(0, len(valid)))
    cut = data.draw(st.integers(0, 200))
    put = data.draw(st.binary(max_size=4) | st.text("gh123 \nXYanyl#+", max_size=8).map(str.encode))

    with suppress(EvidenceError):
        Trust.read(valid[:at] + put + valid[at + cut :]).opened(note("X1", "X2", "Y1"))


@law
@given(st.binary() | st.text("loguwitnesqrmp +\n\t#0\u00e9").map(str.encode))
def test_arbitrary_bytes_are_no_policy(data: bytes) -> None:
    """Whatever comes from outside is refused in a sentence, and nothing else happens."""
    with suppress(EvidenceError):
        Trust.read(data).opened(note("X1"))
    with suppress(EvidenceError):
        Trust.read(data + b"\nquorum none\n").opened(data)
