"""Corrections of our record, and corrections of corrections."""

from msgspec.structs import replace

from service.domain.events import ContextNoted, Event, RecordCorrected
from service.domain.history import as_known
from tests.builders import corrected, event, log


def note(topic: str) -> Event:
    """Something to be corrected."""
    return event("context.noted", data={"topic": topic})


def topics(*events: Event) -> list[str]:
    """Return what stands after all corrections."""
    facts = (one.event.data for one in as_known(log(*events)))
    return [fact.topic for fact in facts if isinstance(fact, ContextNoted)]


def test_what_nobody_corrects_stands_in_its_order() -> None:
    """A correction is the exception."""
    assert topics(note("one"), note("two")) == ["one", "two"]


def test_a_retracted_event_is_gone_and_the_retraction_with_it() -> None:
    """It never happened, so the world as known has no trace of it."""
    wrong = note("wrong")

    facts = as_known(log(note("one"), wrong, corrected(wrong), note("two")))

    assert [one.position for one in facts] == [1, 4]


def test_a_replacement_has_the_id_version_position_and_time_of_its_target() -> None:
    """It stands where the target stood: what is mended is our record, not the order of things."""
    wrong = note("wrong")
    written = log(note("one"), wrong, note("two"), corrected(wrong, note("right")))

    mended = as_known(written)[1]

    assert mended.event.id == wrong.id
    assert (mended.position, mended.version, mended.recorded_at) == (2, 2, written[1].recorded_at)
    assert isinstance(mended.event.data, ContextNoted)
    assert mended.event.data.topic == "right"


def test_a_replacement_cannot_bring_an_id_of_its_own() -> None:
    """Whoever looks for the event by its id finds what stands now."""
    wrong, right = note("wrong"), note("right")
    correction = corrected(wrong, right)
    assert isinstance(correction.data, RecordCorrected)
    stray = replace(correction, data=replace(correction.data, replacement=right))

    (mended,) = as_known(log(wrong, stray))

    assert mended.event.id == wrong.id


def test_asked_before_the_correction_the_old_event_stands() -> None:
    """A prefix of the log is what was known then."""
    wrong = note("wrong")
    written = log(wrong, corrected(wrong, note("right")))

    assert as_known(written[:1]) == written[:1]


def test_of_two_corrections_of_one_event_the_later_counts() -> None:
    """Whoever corrects again knew of the first attempt."""
    wrong = note("wrong")

    assert topics(wrong, corrected(wrong, note("better")), corrected(wrong, note("best"))) == [
        "best"
    ]


def test_a_correction_is_corrected_by_naming_it() -> None:
    """The replacement of a correction is a correction of the same event."""
    wrong = note("wrong")
    first = corrected(wrong, note("better"))
    second = corrected(first, corrected(wrong, note("best")))

    assert topics(wrong, first, second) == ["best"]


def test_retracting_a_correction_restores_its_target() -> None:
    """Both of a replacement and of a retraction."""
    true = note("true")
    replaced, retracted = corrected(true, note("false")), corrected(true)

    assert topics(true, replaced, corrected(replaced)) == ["true"]
    assert topics(true, retracted, corrected(retracted)) == ["true"]


def test_retracting_a_retracted_correction_brings_the_correction_back() -> None:
    """However long the chain is, each link undoes the one that it names."""
    wrong = note("wrong")
    first = corrected(wrong, note("right"))
    undone = corrected(first)

    assert topics(wrong, first, undone, corrected(undone)) == ["right"]


def test_retracting_the_later_of_two_corrections_leaves_the_earlier() -> None:
    """It is as if only the first had been recorded."""
    wrong = note("wrong")
    first, second = corrected(wrong, note("better")), corrected(wrong)

    assert topics(wrong, first, second, corrected(second)) == ["better"]
