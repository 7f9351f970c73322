"""Token buckets: how often, and how long to wait."""

from itertools import count

import pytest

from service.auth.buckets import Buckets


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the present."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


def test_a_full_bucket_lets_a_minutes_worth_through_at_once(clock: Clock) -> None:
    """And the next one is told when it is let through."""
    buckets = Buckets(30, clock=clock)

    assert [buckets.take("alice") for _ in range(30)] == [0.0] * 30
    assert buckets.take("alice") == pytest.approx(2.0)
    assert buckets.refused == 1


def test_a_bucket_fills_again_and_holds_no_more_than_it_did(clock: Clock) -> None:
    """Whoever waited as told is let through; an hour of silence saves nothing up."""
    buckets = Buckets(30, clock=clock)
    for _ in range(31):
        buckets.take("alice")

    clock.now += 2.0
    assert buckets.take("alice") == 0.0
    assert buckets.take("alice") > 0.0
    clock.now += 3600.0
    assert [buckets.take("alice") for _ in range(31)].count(0.0) == 30


def test_one_bucket_is_not_another(clock: Clock) -> None:
    """Alice's haste does not stop Bob."""
    buckets = Buckets(1, clock=clock)
    buckets.take("alice")

    assert buckets.take("alice") > 0.0
    assert buckets.take("bob") == 0.0


def test_to_ask_takes_nothing(clock: Clock) -> None:
    """Before a key is looked at, nobody knows whether it is wrong."""
    buckets = Buckets(1, clock=clock)

    assert [buckets.take("alice", 0) for _ in range(5)] == [0.0] * 5
    assert buckets.take("alice") == 0.0
    assert buckets.take("alice", 0) > 0.0


def test_no_limit_counts_nothing() -> None:
    """0 switches it off."""
    buckets = Buckets(0)

    assert {buckets.take("alice") for _ in range(1000)} == {0.0}
    assert len(buckets) == 0


def test_memory_is_bounded_by_number_and_by_time(clock: Clock) -> None:
    """An attacker with many addresses gets no memory of ours."""
    buckets = Buckets(30, most=100, clock=clock)
    names = (f"198.51.{number}" for number in count())
    for _ in range(1000):
        buckets.take(next(names))

    assert len(buckets) == 100
    clock.now += 61.0
    buckets.take("alice")
    assert len(buckets) == 1
