"""Dates and instants: what is read, how two of them compare, and when a bound is reached."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from service.domain.errors import BadPeriodError, BadTimeError
from service.domain.times import When, check_period, reached

ROME = "Europe/Rome"
LOS_ANGELES = "America/Los_Angeles"


def test_a_date_is_read_as_a_day_without_an_instant() -> None:
    """A date belongs to a calendar; which instant it means depends on whose."""
    when = When.bound("2024-07-09")

    assert (when.text, when.day, when.instant) == ("2024-07-09", date(2024, 7, 9), None)


def test_an_instant_keeps_its_offset_and_counts_on_the_day_of_it() -> None:
    """What a decree says is shown as it says it: 23:30 in California is not the next day."""
    when = When.bound("2024-07-09T23:30:00-07:00")

    assert when.text == "2024-07-09T23:30:00-07:00"
    assert when.day == date(2024, 7, 9)
    assert when.instant == datetime(2024, 7, 10, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("2024-07-09t08:00:00z", "2024-07-09T08:00:00Z"),
        ("2024-07-09T08:00:00+00:00", "2024-07-09T08:00:00Z"),
        ("2024-07-09T08:00:00-00:00", "2024-07-09T08:00:00Z"),
        ("2024-07-09T08:00:00.5Z", "2024-07-09T08:00:00.500000Z"),
        ("2024-07-09T08:00:00.000Z", "2024-07-09T08:00:00Z"),
    ],
)
def test_the_ways_to_write_one_instant_have_one_normal_form(given: str, normal: str) -> None:
    """RFC 3339 section 5.6 allows several; stored bytes allow one."""
    assert When.bound(given).text == normal
    assert When.bound(given) == When.bound(normal)
    assert hash(When.bound(given)) == hash(When.bound(normal))


@pytest.mark.parametrize(
    ("given", "last"),
    [("2024-02", date(2024, 2, 29)), ("2023-02", date(2023, 2, 28)), ("2023", date(2023, 12, 31))],
)
def test_a_month_or_year_counts_as_its_last_day(given: str, last: date) -> None:
    """EDTF level 0: what happened "in February" had surely happened when February was over."""
    when = When.occurrence(given)

    assert (when.text, when.day, when.instant) == (given, last, None)


@pytest.mark.parametrize(
    ("given", "keyword"),
    [
        ("2024-02-30", "not a day of the calendar"),
        ("2024-07", "a day is needed"),
        ("2024", "a day is needed"),
        ("2024-07-09T08:00:00", "no offset"),
        ("2024-07-09 08:00", "no offset"),
        ("2024-07-09T08:00:00 02:00", "%2B"),
        ("2024-07-09T24:00:00Z", "not a time of the day"),
        ("2024-07-09T08:00:60Z", "seconds 00 to 59"),
        ("2024-07-09T08:00:00+24:00", "not a time of the day"),
        ("2024-07-09T08:00:00+02:60", "not a time of the day"),
        ("1899-12-31", "1900 to 2200"),
        ("2201-01-01", "1900 to 2200"),
        ("1900-01-01T00:00:00+01:00", "1900 to 2200"),
        ("2200-12-31T23:00:00-01:00", "1900 to 2200"),
        ("09.07.2024", "no date and no instant"),
        ("2024-07-0٩", "no date and no instant"),
        ("2024-07-09\n", "no date and no instant"),
        ("", "no date and no instant"),
    ],
)
def test_what_is_no_bound_is_refused_with_the_reason(given: str, keyword: str) -> None:
    """Whoever sends it learns what was wrong, and in what field."""
    with pytest.raises(BadTimeError, match=keyword) as refused:
        When.bound(given, path=("as_of",))

    assert refused.value.path == ("as_of",)


@pytest.mark.parametrize("given", ["1900-01-01", "2200-12-31", "2024-02-29"])
def test_the_first_and_the_last_day_are_read(given: str) -> None:
    """Years 1900 to 2200, both with all of their days."""
    assert When.bound(given).text == given


@pytest.mark.parametrize("given", ["2024-13", "1899", "2201-01", "2024-1"])
def test_what_is_no_month_or_year_is_refused(given: str) -> None:
    """A partial date is checked like a whole one."""
    with pytest.raises(BadTimeError):
        When.occurrence(given)


def test_the_instant_of_a_question_is_put_into_utc() -> None:
    """Two ways to ask one question have one answer, and one address."""
    moment = When.moment("2024-07-09T23:30:00-07:00")

    assert moment == When.bound("2024-07-10T06:30:00Z")
    assert moment.day == date(2024, 7, 10)


def test_a_moment_is_made_of_a_day_or_of_an_aware_datetime() -> None:
    """The clock gives datetimes, a calendar gives days."""
    paris = datetime(2024, 7, 9, 2, tzinfo=timezone(timedelta(hours=2)))

    assert When.at(paris).text == "2024-07-09T00:00:00Z"
    assert When.on(date(2024, 7, 9)) == When.bound("2024-07-09")
    assert str(When.at(paris)) == "2024-07-09T00:00:00Z"
    assert repr(When.on(date(2024, 7, 9))) == "When('2024-07-09')"


def test_on_one_day_a_date_comes_before_the_instants() -> None:
    """A fold needs an order; a date says "from the beginning of that day"."""
    texts = ["2024-07-10", "2024-07-09T23:00:00Z", "2024-07-09T08:00:00Z", "2024-07-09"]

    ordered = sorted(map(When.bound, texts), key=lambda one: one.order)

    assert [one.text for one in ordered] == texts[::-1]


@pytest.mark.parametrize(
    ("bound", "moment", "expected"),
    [
        ("2024-07-09", "2024-07-08", False),
        ("2024-07-09", "2024-07-09", True),
        ("2024-07-09T23:59:59-07:00", "2024-07-08", False),
        ("2024-07-09T23:59:59-07:00", "2024-07-09", True),
        ("2024-07-09T00:30:00+02:00", "2024-07-08", False),
    ],
)
def test_a_date_asks_for_the_end_of_its_day(bound: str, moment: str, *, expected: bool) -> None:
    """An instant counts on the day of its own offset, whatever the day is in UTC."""
    assert reached(When.bound(bound), When.moment(moment), ROME) is expected


@pytest.mark.parametrize(
    ("bound", "zone", "moment", "expected"),
    [
        ("2024-07-09", ROME, "2024-07-08T21:59:59Z", False),
        ("2024-07-09", ROME, "2024-07-08T22:00:00Z", True),
        ("2024-01-09", ROME, "2024-01-08T22:59:59Z", False),
        ("2024-01-09", ROME, "2024-01-08T23:00:00Z", True),
        ("2024-07-09", LOS_ANGELES, "2024-07-09T06:59:59Z", False),
        ("2024-07-09", LOS_ANGELES, "2024-07-09T07:00:00Z", True),
        ("2024-07-09T08:00:00+02:00", LOS_ANGELES, "2024-07-09T05:59:59.999999Z", False),
        ("2024-07-09T08:00:00+02:00", LOS_ANGELES, "2024-07-09T06:00:00Z", True),
    ],
)
def test_an_instant_asks_for_instants(
    bound: str, zone: str, moment: str, *, expected: bool
) -> None:
    """A date starts at midnight where the authority is, in summer and in winter time."""
    assert reached(When.bound(bound), When.moment(moment), zone) is expected


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-07-09", "2024-07-10"),
        ("2024-07-09", None),
        ("2024-07-09T08:00:00Z", "2024-07-09T20:00:00Z"),
        ("2024-07-09", "2024-07-09T20:00:00+02:00"),
        ("2024-07-09T08:00:00Z", "2024-07-10"),
    ],
)
def test_a_period_that_goes_forward_is_accepted(start: str, end: str | None) -> None:
    """Two instants may share a day: what held from 08:00 to 20:00 did hold."""
    check_period(When.bound(start), None if end is None else When.bound(end), ROME)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-07-09", "2024-07-09"),
        ("2024-07-09", "2024-07-08"),
        ("2024-07-09T08:00:00Z", "2024-07-09T08:00:00Z"),
        ("2024-07-09T10:00:00+02:00", "2024-07-09T08:00:00Z"),
        ("2024-07-09T08:00:00Z", "2024-07-09"),
        ("2024-07-09T23:00:00-07:00", "2024-07-10T05:00:00Z"),
        ("2024-07-10T00:30:00+02:00", "2024-07-09T23:00:00Z"),
        ("2024-07-09", "2024-07-09T00:00:00+02:00"),
        ("2024-07-09", "2024-07-09T00:00:00+09:00"),
    ],
)
def test_a_period_that_is_empty_or_backward_in_either_kind_is_refused(start: str, end: str) -> None:
    """It is asked in days and in instants; neither may find it upside down."""
    with pytest.raises(BadPeriodError, match="empty or runs backward") as refused:
        check_period(When.bound(start), When.bound(end), ROME, path=("effective_until",))

    assert refused.value.path == ("effective_until",)
    assert start in refused.value.detail
    assert end in refused.value.detail
