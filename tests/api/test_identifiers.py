"""Ids that the server makes: UUIDs of version 7."""

from datetime import UTC, datetime, timedelta

from service.application.identifiers import new_id

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_an_id_is_a_uuid_of_version_7() -> None:
    """RFC 9562, section 5.7: the milliseconds of Unix time, then the version, then chance."""
    made = new_id(lambda: NOON)

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == int(NOON.timestamp() * 1000)


def test_the_example_of_the_rfc_has_the_same_time() -> None:
    """RFC 9562, appendix A.6: 2022-02-22 14:22:22 in New York begins 017f22e2-79b0-7."""
    made = new_id(lambda: datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC))

    assert str(made).startswith("017f22e2-79b0-7")


def test_no_two_ids_are_the_same_and_later_ones_sort_later() -> None:
    """74 random bits in every millisecond."""
    same_moment = {new_id(lambda: NOON) for _ in range(1000)}

    assert len(same_moment) == 1000
    assert max(same_moment) < new_id(lambda: NOON + timedelta(milliseconds=1))
