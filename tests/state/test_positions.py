"""Claims: who may move a position."""

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
