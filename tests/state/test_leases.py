"""Leases: one instance runs a feed, and another takes over when that one is gone, whatever the clocks say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from auditor.state.database import Database, open_database
from auditor.state.leases import LEASE_SECONDS, Lease


@pytest.fixture
def database(state_url: str) -> Iterator[Database]:
    """Return an empty state."""
    database = open_database(state_url, exclusive=True)
    yield database
    database.close()


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self, seconds: float) -> None:
        """Begin at any number of seconds."""
        self.seconds = seconds

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


def test_a_lease_is_one_instances_until_it_gives_no_sign(database: Database) -> None:
    """Another one waits a whole time from when it last saw a sign of life, and each has a clock of its own."""
    mine, theirs = Clock(1000.0), Clock(5.0)
    one, two = Lease(database, "x", "one", mine), Lease(database, "x", "two", theirs)
    assert one.hold()
    assert not two.hold()
    theirs.seconds += LEASE_SECONDS - 1
    assert one.hold(), "renewed"
    assert not two.hold()
    theirs.seconds += LEASE_SECONDS - 1
    assert not two.hold(), "it saw a sign of life since"
    theirs.seconds += 1
    assert two.hold()
    assert not one.hold(), "it comes too late"
    assert two.hold()


def test_a_lease_that_is_given_back_is_free_at_once(database: Database) -> None:
    """Only its holder can give it back; the leases of other feeds are not touched."""
    one, two, other = Lease(database, "x", "one"), Lease(database, "x", "two"), Lease(database, "y", "one")
    assert one.hold()
    assert other.hold()
    two.let_go()
    assert not two.hold()
    one.let_go()
    assert two.hold()
    assert not Lease(database, "y", "two").hold()


def test_of_two_that_wait_one_takes_over(database: Database) -> None:
    """The second finds a new sign of life."""
    clock = Clock(0.0)
    gone, two, three = (Lease(database, "x", name, clock) for name in ("one", "two", "three"))
    assert gone.hold()
    assert not two.hold()
    assert not three.hold()
    clock.seconds += LEASE_SECONDS
    assert two.hold()
    assert not three.hold()


def test_a_holder_that_restarts_under_another_name_waits(database: Database) -> None:
    """Nobody can know that the one before it is dead."""
    clock = Clock(0.0)
    assert Lease(database, "x", "one", clock).hold()
    again = Lease(database, "x", "two", clock)
    assert not again.hold()
    clock.seconds += LEASE_SECONDS
    assert again.hold()
