"""
Who may move which position, and where each is.

A shard's ``epoch`` is raised by whoever takes it over; a commit under an older one is `Fenced`, whatever a paused process
believes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from auditor.delivery import ALL, Position
from auditor.errors import Fenced
from auditor.hlc import Timestamp
from auditor.state.database import Database, look
from auditor.state.schema import SHARD
from auditor.state.times import now


class Claimed(NamedTuple):
    """A shard as it was taken over."""

    epoch: int
    position: Position | None
    resolved: Timestamp | None


def claim(database: Database, feed: str, shards: Iterable[str]) -> dict[str, Claimed]:
    """Take shards over: whoever had them can commit no more. New ones have no position."""

    def take(connection: Connection) -> dict[str, Claimed]:
        taken: dict[str, Claimed] = {}
        for shard in sorted(set(shards)):
            fresh = database.insert(SHARD).values(feed=feed, shard=shard, epoch=1, moved_at=now())
            raised = fresh.on_conflict_do_update(index_elements=["feed", "shard"], set_={"epoch": SHARD.c.epoch + 1})
            row = connection.execute(
                raised.returning(SHARD.c.epoch, SHARD.c.position, SHARD.c.resolved_wall, SHARD.c.resolved_logical)
            ).one()
            resolved = None if row[2] is None else Timestamp(row[2], row[3])
            taken[shard] = Claimed(row[0], None if row[1] is None else orjson.loads(row[1]), resolved)
        return taken

    return database.transact(take)


def recorded(url: str, feed: str) -> Position | None:
    """Return where the only shard of a feed is to be continued, from a state that may not be there yet; nothing is changed."""
    query = sa.select(SHARD.c.position).where(SHARD.c.feed == feed, SHARD.c.shard == ALL)
    text = look(url, SHARD, lambda connection: connection.execute(query).scalar_one_or_none())
    return None if text is None else orjson.loads(text)


def check(connection: Connection, feed: str, epochs: Mapping[str, int]) -> None:
    """Raise `Fenced` unless all these shards are still ours; until the transaction ends nobody can take them over."""
    for shard, epoch in sorted(epochs.items()):
        row = connection.execute(
            sa.select(SHARD.c.epoch).where(SHARD.c.feed == feed, SHARD.c.shard == shard).with_for_update()
        ).scalar_one_or_none()
        if row != epoch:
            raise Fenced("another instance has taken over", where=f"{feed} {shard}".strip())


def move(connection: Connection, feed: str, shard: str, position: Position) -> None:
    """Store the position after what is recorded in this transaction."""
    values = {"position": orjson.dumps(position).decode(), "moved_at": now()}
    connection.execute(sa.update(SHARD).where(SHARD.c.feed == feed, SHARD.c.shard == shard).values(**values))
