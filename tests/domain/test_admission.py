"""May it be recorded? Every refusal, with its path, its suggestion and a word of its sentence."""

from typing import Any

import pytest

from service.domain.admission import admit
from service.domain.codec import event_to
from service.domain.errors import Refused, Rejected
from service.domain.events import Event, Recorded
from service.domain.regions import SUBDIVISIONS
from tests.builders import (
    corrected,
    directive,
    event,
    group_changed,
    ledger,
    log,
    registered,
    registry_events,
)

CAST = log(*registry_events())


def faults(*batch: Event, after: tuple[Recorded, ...] = CAST) -> list[tuple[int, Refused]]:
    """Return what is refused in a batch, with the index of the event."""
    try:
        admit(log(*batch, after=after), ledger(after))
    except Rejected as rejected:
        return list(rejected.faults)
    return []


def only(*batch: Event, after: tuple[Recorded, ...] = CAST) -> Refused:
    """Return the one fault of a batch."""
    ((_, fault),) = faults(*batch, after=after)
    return fault


def adopted(*directives: dict[str, Any], **envelope: object) -> Event:
    """Adopt directives, without any the blocking of the API."""
    given = directives or (directive(effective_from="2024-07-09"),)
    return event("policy.adopted", data={"directives": list(given)}, **envelope)


def test_a_batch_is_accepted_and_gives_the_registry_with_it() -> None:
    """Whoever registers a provider may use it in the same batch."""
    batch = (
        registered("authority", "anthropic", authority_kind="provider", timezone="Europe/Dublin"),
        registered("provider", "anthropic", authority="anthropic", homepage="https://example.org"),
        registered("service", "claude", provider="anthropic"),
        adopted(directive(providers=["anthropic"], services=["claude"]), authority="anthropic"),
    )

    registry = admit(log(*batch, after=CAST), ledger(CAST))

    assert registry.services_of("anthropic") == ("claude",)
    assert admit(log(adopted(), after=CAST), ledger(CAST)) == ledger(CAST).registry


def test_every_fault_of_a_batch_is_told_with_the_number_of_its_event() -> None:
    """Whoever sends a thousand events mends them in one go."""
    bad = adopted(sources=None, title=None)

    found = faults(adopted(), bad, adopted(authority=None, stream="policy:other"))

    assert {(index, fault.path) for index, fault in found} == {
        (1, ("sources",)),
        (1, ("title",)),
        (2, ("authority",)),
    }


def test_a_rejection_reads_as_its_first_fault_and_the_number_of_the_others() -> None:
    """A log line or a terminal has room for one sentence."""
    with pytest.raises(Rejected) as rejected:
        admit(log(adopted(), adopted(sources=None, title=None), after=CAST), ledger(CAST))

    first = rejected.value.faults[0][1].detail
    assert str(rejected.value) == f"Event 1: {first} (and 1 more)"


# The envelope.


@pytest.mark.parametrize(
    ("given", "keyword"),
    [
        (adopted(stream="observation:rules"), "policy:…"),
        (adopted(stream="policy:Rules"), "policy:…"),
        (
            event(
                "registry.registered",
                stream="registry:audience/minor",
                data={"kind": "audience", "id": "minors", "name": "Minors"},
            ),
            "registry:audience/minors",
        ),
    ],
)
def test_an_event_stands_in_the_stream_of_its_subject(given: Event, keyword: str) -> None:
    """The sentence names the stream that is right."""
    fault = only(given)

    assert fault.path == ("stream",)
    assert keyword in fault.detail


def test_a_decision_needs_an_authority_a_title_and_a_source() -> None:
    """Every answer can say why, and who says so."""
    bare = adopted(authority=None, title=None, sources=None)

    found = {fault.path: fault.detail for _, fault in faults(bare)}

    assert set(found) == {("authority",), ("title",), ("sources",)}
    assert "https://" in found["sources",]


def test_registrations_and_reviews_need_neither() -> None:
    """They are facts of our record, not of the world."""
    review = event("record.reviewed", data={"reviewed_on": "2024-07-09"})

    assert faults(adopted(), review) == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://user@example.org",
        "https://example.org/a b",
        "https://example.org:99999",
        "https://[::1",
        'https://example.org/"><script>',
    ],
)
def test_a_source_is_a_page_on_the_web(url: str) -> None:
    """It will stand as a link on a page that people click."""
    source = {"url": url, "publisher": "Example", "kind": "press"}
    archived = {**source, "url": "https://example.org", "archive_url": url}

    assert only(adopted(sources=[source])).path == ("sources", 0, "url")
    fault = only(adopted(sources=[{**source, "url": "http://example.org"}, archived]))
    assert fault.path == ("sources", 1, "archive_url")
    assert "https://" in fault.detail


def test_an_unknown_authority_is_refused_with_the_nearest() -> None:
    """Most are slips of the pen."""
    fault = only(adopted(authority="opnai"))

    assert (fault.path, fault.suggestion) == (("authority",), "openai")
    assert "Did you mean 'openai'?" in fault.detail


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (adopted(authority="*"), ("authority",)),
        (
            adopted(directive(implemented_by="*")),
            ("data", "directives", 0, "implemented_by"),
        ),
        (group_changed("G1", "2024-01-01", adds=["*"]), ("data", "adds", 0)),
        (registered("provider", "a", authority="*"), ("data", "authority")),
        (registered("service", "a", provider="*"), ("data", "provider")),
        (
            registered("authority", "a", authority_kind="court", region="*"),
            ("data", "region"),
        ),
    ],
    ids=lambda one: one.type if isinstance(one, Event) else ".".join(map(str, one)),
)
def test_a_star_stands_for_everything_only_in_a_scope(
    given: Event, path: tuple[str | int, ...]
) -> None:
    """Nobody is called so: elsewhere it is an id that is not registered."""
    assert only(given).path == path


def test_a_relation_names_a_stream() -> None:
    """It is shown as a link to it."""
    good = adopted(relates_to=[{"rel": "implements", "stream": "policy:eu-ai-act"}])
    bad = adopted(relates_to=[{"rel": "implements", "stream": "eu-ai-act"}])

    assert faults(good) == []
    assert only(bad).path == ("relates_to", 0, "stream")


# Registrations.


@pytest.mark.parametrize(
    ("kind", "entry", "facts", "field", "keyword"),
    [
        ("authority", "anthropic", {}, "authority_kind", "needs"),
        ("provider", "anthropic", {}, "authority", "needs"),
        ("audience", "minors", {"provider": "openai"}, "provider", "has no"),
        ("authority", "eu", {"authority_kind": "international", "upstream": "x"}, "upstream", "no"),
        ("provider", "a", {"authority": "openai", "timezone": "UTC"}, "timezone", "has no"),
        ("provider", "Anthropic", {"authority": "openai"}, "id", "no id"),
        ("provider", "a/b", {"authority": "openai"}, "id", "no id"),
        ("audience", "Minors", {}, "id", "no id"),
        ("audience", "public", {}, "id", "built in"),
        ("authority", "a", {"authority_kind": "court", "timezone": "Rome"}, "timezone", "IANA"),
        ("authority", "a", {"authority_kind": "court", "timezone": "../x"}, "timezone", "IANA"),
        ("provider", "a", {"authority": "openai", "homepage": "a.org"}, "homepage", "https://"),
    ],
)
def test_a_registration_says_what_its_kind_needs_and_nothing_else(
    kind: str, entry: str, facts: dict[str, str], field: str, keyword: str
) -> None:
    """An authority has a calendar, a provider an authority, a service a provider."""
    fault = only(registered(kind, entry, **facts))

    assert fault.path == ("data", field)
    assert keyword in fault.detail


@pytest.mark.parametrize(
    ("kind", "entry", "facts", "field", "suggestion"),
    [
        ("provider", "a", {"authority": "opena"}, "authority", "openai"),
        ("service", "b", {"provider": "opena"}, "provider", "openai"),
        ("service", "chatgtp/web", {"provider": "openai"}, "id", "chatgpt"),
        ("audience", "goverment/army", {}, "id", "government"),
        ("authority", "a", {"authority_kind": "court", "region": "UK"}, "region", "GB"),
    ],
)
def test_a_registration_rests_on_what_is_registered(
    kind: str, entry: str, facts: dict[str, str], field: str, suggestion: str
) -> None:
    """A path's parent comes before it."""
    fault = only(registered(kind, entry, **facts))

    assert (fault.path, fault.suggestion) == (("data", field), suggestion)
    assert "There is no" in fault.detail


def test_a_parent_in_the_same_batch_is_registered() -> None:
    """A batch is judged as a whole."""
    batch = (registered("audience", "minors/school"), registered("audience", "minors"))

    assert faults(*batch) == []


@pytest.mark.parametrize(
    ("group", "adds", "path", "keyword"),
    [
        ("FR", ["IT"], ("data", "id"), "no ISO code"),
        ("eu", ["IT"], ("data", "id"), "capitals"),
        ("G1", [], ("data",), "adds or removes"),
        ("G1", ["EU"], ("data", "adds", 0), "groups do not nest"),
        ("G1", ["IT", "CN-HK"], ("data", "adds", 1), "write 'HK'"),
    ],
)
def test_a_group_has_a_name_of_its_own_and_members_that_are_places(
    group: str, adds: list[str], path: tuple[str | int, ...], keyword: str
) -> None:
    """Groups are not nested."""
    fault = only(group_changed(group, "2024-01-01", adds=adds))

    assert fault.path == path
    assert keyword in fault.detail


def test_a_region_that_usage_calls_otherwise_is_suggested() -> None:
    """The United Kingdom is GB in ISO 3166."""
    fault = only(group_changed("G1", "2024-01-01", removes=["UK"]))

    assert (fault.path, fault.suggestion) == (("data", "removes", 0), "GB")


# Scopes.


@pytest.mark.parametrize(
    ("scope", "path", "suggestion", "keyword"),
    [
        ({"providers": ["opena"]}, ("providers", 0), "openai", "no provider"),
        (
            {"providers": ["openai"], "services": ["api", "chatgtp"]},
            ("services", 1),
            "chatgpt",
            "no service",
        ),
        ({"regions": ["IT", "fr"]}, ("regions", 1), "FR", "no region"),
        ({"regions": ["US-PR"]}, ("regions", 0), None, "write 'PR'"),
        ({"audiences": ["goverment"]}, ("audiences", 0), "government", "no audience"),
        ({"audiences": ["public"]}, ("audiences", 0), "*", "says '*'"),
        ({"regions": []}, ("regions",), None, "reaches nobody"),
        ({"regions": ["IT", "IT"]}, ("regions",), None, "stands once"),
        ({"regions": ["*", "IT"]}, ("regions",), None, "stands alone"),
        ({"services": ["api"]}, ("services",), None, "exactly one provider"),
        (
            {"providers": ["openai", "microsoft"], "services": ["api"]},
            ("services",),
            None,
            "exactly one provider",
        ),
    ],
)
def test_a_scope_names_what_exists_and_makes_sense(
    scope: dict[str, list[str]],
    path: tuple[str | int, ...],
    suggestion: str | None,
    keyword: str,
) -> None:
    """The sentence names the fault, and shows valid input."""
    fault = only(adopted({**directive(), "scope": scope}))

    assert fault.path[:4] == ("data", "directives", 0, "scope")
    assert fault.path[4:] == path
    if suggestion is not None or keyword != "write 'PR'":
        assert fault.suggestion == suggestion
    assert keyword in fault.detail


def test_a_measurement_and_a_note_name_what_exists() -> None:
    """Their scopes are judged like those of directives."""
    seen = event(
        "access.observed",
        data={"state": "blocked", "method": "probe", "scope": {"regions": ["EL"]}},
    )
    note = event("context.noted", data={"topic": "x", "providers": ["opena"], "regions": ["CN-TW"]})

    fault = only(seen)
    about = {fault.path: fault for _, fault in faults(note)}

    assert (fault.path, fault.suggestion) == (("data", "scope", "regions", 0), "GR")
    assert about["data", "providers", 0].suggestion == "openai"
    assert "write 'TW'" in about["data", "regions", 0].detail


def test_a_scope_has_a_greatest_size() -> None:
    """Ten thousand combinations are still answered at once; more is written as a group."""
    places = sorted(SUBDIVISIONS)[:2501]
    four = [f"a-{number}" for number in range(4)]
    audiences = [registered("audience", one) for one in four]

    fault = only(*audiences, adopted(directive(regions=places, audiences=four)))

    assert faults(*audiences, adopted(directive(regions=places[:-1], audiences=four))) == []
    assert fault.path == ("data", "directives", 0, "scope")
    assert "10,004 combinations" in fault.detail


# Directives.


def test_an_adoption_or_statement_has_a_directive_and_an_amendment_a_change() -> None:
    """An event without content says nothing."""
    start = adopted()
    empty = event("policy.amended", data={"effective_from": "2024-07-09"})

    assert only(event("policy.adopted", data={"directives": []})).path == ("data", "directives")
    assert only(event("access.affirmed", data={"directives": []})).path == ("data", "directives")
    fault = only(start, empty)
    assert fault.path == ("data",)
    assert "brings a text or removes a key" in fault.detail
    assert faults(event("policy.announced")) == []


@pytest.mark.parametrize(
    ("fields", "path", "keyword"),
    [
        ({"key": "API"}, ("key",), "no key"),
        ({"effect": "conditional"}, ("conditions",), "needs a condition"),
        ({"conditions": ["licence"]}, ("conditions",), "lets nobody in"),
        ({"effect": "not_offered", "conditions": ["x"]}, ("conditions",), "lets nobody in"),
        ({"implemented_by": "opena"}, ("implemented_by",), "no authority"),
        ({"overrides": ["rules#api"]}, ("overrides", 0), "policy:<slug>#<key>"),
        ({"overrides": ["policy:rules#api"]}, ("overrides", 0), "override itself"),
        (
            {"effective_from": "2024-07-09", "effective_until": "2024-07-09"},
            ("effective_until",),
            "empty or runs backward",
        ),
        (
            {"effective_from": "2024-07-09", "effective_until": "2024-07-09T00:00:00-07:00"},
            ("effective_until",),
            "empty or runs backward",
        ),
    ],
)
def test_a_directive_makes_sense(
    fields: dict[str, Any], path: tuple[str | int, ...], keyword: str
) -> None:
    """In the calendar of its authority, which for OpenAI is that of Los Angeles."""
    fault = only(adopted(directive(**fields)))

    assert fault.path == ("data", "directives", 0, *path)
    assert keyword in fault.detail


def test_a_condition_on_what_is_available_is_accepted() -> None:
    """It then reads as conditional."""
    assert faults(adopted(directive("api", "available", conditions=["licence"]))) == []
    assert faults(adopted(directive("api", "conditional", conditions=["licence"]))) == []


def test_a_key_stands_once_in_an_event() -> None:
    """A key is one directive."""
    fault = only(adopted(directive("api"), directive("app"), directive("api", "available")))

    assert fault.path == ("data", "directives", 2, "key")
    assert "twice" in fault.detail


def test_a_draft_is_judged_like_a_directive() -> None:
    """Its path says that it is a draft."""
    bad = event("policy.proposed", data={"drafts": [directive(regions=["UK"])]})

    fault = only(bad)

    assert fault.path == ("data", "drafts", 0, "scope", "regions", 0)
    assert fault.suggestion == "GB"


def test_other_periods_run_forward_too() -> None:
    """That of a suspension, and that for which a measurement speaks."""
    stay = event(
        "policy.suspended",
        data={
            "effective_from": "2024-07-09",
            "effective_until": "2024-07-09",
            "kind": "stayed",
        },
    )
    seen = event(
        "access.observed",
        occurred_on="2024-07-09",
        data={"state": "blocked", "method": "probe", "valid_until": "2024-07-01"},
    )

    assert only(adopted(), stay).path == ("data", "effective_until")
    assert only(seen).path == ("data", "valid_until")


def test_a_statement_cannot_say_that_what_holds_now_ended_before() -> None:
    """Undated it begins on the day of the statement, so its end lies after that day."""
    ended = directive(effective_until="2024-06-01")

    fault = only(event("access.affirmed", occurred_on="2024-06-24", data={"directives": [ended]}))

    assert fault.path == ("data", "directives", 0, "effective_until")


def test_a_statement_may_speak_of_a_time_that_is_over() -> None:
    """It then says when that time began."""
    past = directive(effective_from="2024-01-01", effective_until="2024-06-01")

    assert faults(event("access.affirmed", data={"directives": [past]})) == []


@pytest.mark.parametrize("kind", ["policy.scheduled", "policy.amended"])
def test_a_moved_or_amended_text_runs_forward_as_instants_too(kind: str) -> None:
    """On 9 July it is 09:00 in Italy before it is midnight in Los Angeles."""
    end = "2024-07-09T09:00:00+09:00"
    text = directive("api", effective_until=end)
    moved = {"effective_from": "2024-07-09"}
    data = moved if kind == "policy.scheduled" else {**moved, "directives": [text]}
    step = event(kind, occurred_on="2024-06-25", data=data)

    (fault,) = [fault for _, fault in faults(adopted(text), step)]

    assert "empty or runs backward" in fault.detail


# Overrides.


def test_an_override_names_a_directive_that_exists() -> None:
    """Of this or another policy, also in the same batch, adopted or still a draft."""
    order = adopted(
        directive(overrides=["policy:rules#api"]), stream="policy:order", authority="garante"
    )
    draft = event("policy.proposed", data={"drafts": [directive()]})

    assert faults(adopted(), order) == []
    assert faults(draft, order) == []

    fault = only(order)

    assert fault.path == ("data", "directives", 0, "overrides", 0)
    assert "no directive" in fault.detail

    near = adopted(
        directive(overrides=["policy:rules#apl"]), stream="policy:order", authority="garante"
    )
    assert only(adopted(), near).suggestion == "policy:rules#api"


def test_the_overrides_of_a_draft_are_found_where_they_stand() -> None:
    """The path leads to the drafts, since that is what the client sent."""
    draft = event("policy.proposed", data={"drafts": [directive(overrides=["policy:x#y"])]})

    assert only(draft).path == ("data", "drafts", 0, "overrides", 0)


def test_overrides_in_a_circle_are_refused() -> None:
    """Nothing would stand: A over B over C over A."""
    first = adopted(directive(overrides=["policy:b#api"]), stream="policy:a")
    second = adopted(directive(overrides=["policy:c#api"]), stream="policy:b")
    third = adopted(directive(overrides=["policy:a#api"]), stream="policy:c")
    plain = adopted(stream="policy:c")

    assert faults(first, second, plain) == []

    found = faults(first, second, third)

    assert [index for index, _ in found] == [0, 1, 2]
    assert all("circle" in fault.detail for _, fault in found)


# Lifecycles and corrections.


def test_a_step_is_refused_at_the_event_that_takes_it() -> None:
    """The lifecycle is that of the log and the batch together."""
    after = log(*registry_events(), adopted())

    ((index, fault),) = faults(adopted(stream="policy:other"), adopted(), after=after)

    assert (index, fault.path) == (1, ("type",))


def test_what_an_event_recorded_late_makes_impossible_is_told() -> None:
    """The fault lies in what is sent, so its sentence speaks of what was recorded before."""
    repeal = {"effective_from": "2024-08-01", "reason": "over"}
    early = {"effective_from": "2024-07-15", "reason": "over"}
    after = log(
        *registry_events(),
        adopted(),
        event("policy.repealed", occurred_on="2024-08-01", data=repeal),
    )

    fault = only(event("policy.repealed", occurred_on="2024-07-15", data=early), after=after)

    assert "With this, the policy.repealed of 2024-08-01 (position 16)" in fault.detail
    assert "already ended" in fault.detail


def test_a_correction_names_an_event_that_stands_before_it_in_its_stream() -> None:
    """In the log or in the same batch."""
    start = adopted()
    after = log(*registry_events(), start)

    assert faults(corrected(start), after=after) == []
    assert faults(start, corrected(start)) == []

    for found in (
        only(corrected(start)),
        faults(corrected(start), start)[0][1],
        only(corrected(adopted(stream="policy:other", id=str(start.id))), after=after),
        only(start, corrected(adopted(stream="policy:other", id=str(start.id)))),
    ):
        assert found.path == ("data", "event")
        assert "in the same stream" in found.detail


def test_a_replacement_is_of_the_type_stream_and_id_of_its_target() -> None:
    """For another kind of event, one is retracted and the other recorded."""
    start = adopted()
    after = log(*registry_events(), start)
    withdrawn = event("policy.withdrawn", data={"reason": "x"})

    other_type = only(corrected(start, withdrawn), after=after)
    other_stream = only(corrected(start, adopted(stream="policy:other")), after=after)
    correction = event(
        "record.corrected",
        data={
            "event": str(start.id),
            "action": "amend",
            "reason": "x",
            "replacement": event_to(adopted()),
        },
    )
    other_id = only(correction, after=after)

    assert other_type.path == other_stream.path == ("data", "replacement")
    assert "retract this one" in other_type.detail
    assert other_id.path == ("data", "replacement", "id")


@pytest.mark.parametrize("action", ["amend", "retract"])
def test_only_an_amending_correction_has_a_replacement(action: str) -> None:
    """Otherwise it would not be clear what stands."""
    start = adopted()
    given = {"replacement": event_to(start)} if action == "retract" else {}
    data = {"event": str(start.id), "action": action, "reason": "x", **given}

    fault = only(start, event("record.corrected", data=data))

    assert fault.path == ("data", "replacement")


def test_a_replacement_is_judged_like_an_event() -> None:
    """In shape, in content, and by the policy that it leaves."""
    start = adopted()
    stay = event(
        "policy.suspended",
        occurred_on="2024-08-01",
        data={"effective_from": "2024-08-01", "kind": "stayed"},
    )
    after = log(*registry_events(), start, stay)

    shape = only(corrected(start, adopted(sources=None)), after=after)
    content = only(corrected(start, adopted(directive(regions=["UK"]))), after=after)
    override = only(corrected(start, adopted(directive(overrides=["policy:x#y"]))), after=after)
    left = only(corrected(start, adopted(occurred_on="2024-09-01")), after=after)

    assert shape.path == ("data", "replacement", "sources")
    assert content.path == (
        "data", "replacement", "data", "directives", 0, "scope", "regions", 0
    )  # fmt: skip
    assert override.path == ("data", "replacement", "data", "directives", 0, "overrides", 0)
    assert "With this, the policy.suspended of 2024-08-01" in left.detail


def test_a_corrected_correction_still_corrects_the_same_event() -> None:
    """It may say something else of it, or take it back."""
    start, other = adopted(), adopted(stream="policy:rules")
    first = corrected(start, adopted(directive("api", "available")))
    better = corrected(start, adopted(directive("api", "suspended")))
    after = log(*registry_events(), start, first)

    assert faults(corrected(first, better), after=after) == []
    fault = only(corrected(first, corrected(other, adopted())), after=after)
    assert fault.path == ("data", "replacement", "data", "event")


def test_the_replacement_inside_of_a_corrected_correction_is_of_the_target_s_type() -> None:
    """A whole event, same type and stream, however long the chain."""
    start = event("policy.announced", data={"drafts": [directive()]})
    other_type = event("policy.proposed", data={"drafts": [directive()]})
    other_stream = event("policy.announced", stream="policy:other", data={"drafts": [directive()]})
    first = corrected(start, event("policy.announced"))
    after = log(*registry_events(), start, first)

    assert faults(corrected(first, corrected(start, other_type)), after=after) != []
    assert faults(corrected(first, corrected(start, other_stream)), after=after) != []


def test_what_the_log_names_cannot_be_taken_from_the_registry() -> None:
    """To rename it, it is registered again."""
    minors = registered("audience", "minors")
    scope = adopted(directive(audiences=["minors"]))
    unused = log(*registry_events(), minors)
    used = log(*registry_events(), minors, scope)

    assert faults(corrected(minors), after=unused) == []
    fault = only(corrected(minors), after=used)
    assert fault.path == ("data", "event")
    assert "register it again" in fault.detail


@pytest.mark.parametrize(
    "entry",
    [
        registered("provider", "anthropic", authority="openai"),
        registered("service", "sora", provider="openai"),
        group_changed("G1", "2024-01-01", adds=["FR"]),
    ],
    ids=lambda one: one.stream,
)
def test_what_nobody_names_can_be_taken_from_the_registry(entry: Event) -> None:
    """A slip of the pen is retracted; that an entry names itself does not count."""
    after = log(*registry_events(), entry)

    assert faults(corrected(entry), after=after) == []


@pytest.mark.parametrize(
    ("parent", "user"),
    [
        (registered("audience", "minors"), registered("audience", "minors/school")),
        (
            registered("service", "sora", provider="openai"),
            registered("service", "sora/web", provider="openai"),
        ),
        (
            registered("authority", "cert", authority_kind="government"),
            adopted(directive(implemented_by="cert")),
        ),
        (
            group_changed("G1", "2024-01-01", adds=["FR"]),
            registered("authority", "g-one", authority_kind="international", region="G1"),
        ),
    ],
    ids=[
        "the parent of a path",
        "the parent of a service",
        "who carries it out",
        "the region of an authority",
    ],
)
def test_what_another_entry_rests_on_cannot_be_taken_from_the_registry(
    parent: Event, user: Event
) -> None:
    """A path's parent must be registered, and so must whoever carries a directive out."""
    after = log(*registry_events(), parent, user)

    assert faults(corrected(parent), after=after) != []
