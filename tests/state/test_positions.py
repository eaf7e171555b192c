"""Claims and leases: who may move a position."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from auditor.errors import Fenced
from auditor.state import positions
from auditor.state.database import Database, open_database


@pytest.fixture
def database(state_url: str) -> Iterator[Database]:
    """Return an empty state."""
    database = open_database(state_url, exclusive=True)
    yield database
    database.close()


def test_a_claim_gives_the_position_and_fences_the_one_before(database: Database) -> None:
    """Each claim raises the epoch; only the newest may commit."""
    first = positions.claim(database, "feed", ["a", "b"])
    assert {shard: (claimed.epoch, claimed.position) for shard, claimed in first.items()} == {"a": (1, None), "b": (1, None)}
    database.transact(lambda connection: positions.move(connection, "feed", "a", {"offset": 2**60, "name": "\u2603"}))
    second = positions.claim(database, "feed", ["a"])
    assert second["a"].epoch == 2
    assert second["a"].position == {"offset": 2**60, "name": "\u2603"}
    database.transact(lambda connection: positions.check(connection, "feed", {"a": 2, "b": 1}))
    with pytest.raises(Fenced):
        database.transact(lambda connection: positions.check(connection, "feed", {"a": 1}))
    with pytest.raises(Fenced):
        database.transact(lambda connection: positions.check(connection, "other", {"a": 1}))


def test_a_lease_is_one_instances_until_it_ends(database: Database) -> None:
    """Another instance gets it after it has run out, or at once when it is given back."""
    clock = 1000.0
    assert positions.hold(database, ["x", "y"], "one", lambda: clock) == {"x", "y"}
    assert positions.hold(database, ["x", "y"], "two", lambda: clock) == set()
    clock += positions.LEASE_SECONDS - 1
    assert positions.hold(database, ["x"], "one", lambda: clock) == {"x"}, "renewed"
    clock += 2
    assert positions.hold(database, ["x", "y"], "two", lambda: clock) == {"y"}
    positions.let_go(database, ["x"], "one")
    assert positions.hold(database, ["x", "y"], "two", lambda: clock) == {"x", "y"}


def test_a_clock_that_jumps_back_keeps_the_holder(database: Database) -> None:
    """The holder renews; a standby whose clock is behind waits longer and never takes what is held."""
    assert positions.hold(database, ["x"], "one", lambda: 5000.0) == {"x"}
    assert positions.hold(database, ["x"], "two", lambda: 100.0) == set()
    assert positions.hold(database, ["x"], "one", lambda: 100.0) == {"x"}
