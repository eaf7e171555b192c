"""
Who may move which position, and where each is.

A shard's ``epoch`` is raised by whoever takes it over; a commit under an older one is `Fenced`, whatever a paused process
believes. A lease says which instance runs a feed that only one may run; it ends by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from auditor.delivery import ALL, Position
from auditor.errors import Fenced
from auditor.hlc import Timestamp
from auditor.state.database import Database, look
from auditor.state.schema import LEASE, SHARD
from auditor.state.times import now

#: A lease is renewed well before it ends; a standby takes over within this time of its holder's last sign of life.
LEASE_SECONDS = 20


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


def hold(database: Database, feeds: Sequence[str], holder: str, clock: Callable[[], float] = time.time) -> set[str]:
    """Take or renew the leases of feeds, and return those now held. They end by the instances' own clocks, which must agree."""

    def take(connection: Connection) -> set[str]:
        held: set[str] = set()
        moment = int(clock() * 1000)
        for feed in sorted(feeds):
            ends = moment + LEASE_SECONDS * 1000
            fresh = database.insert(LEASE).values(feed=feed, holder=holder, epoch=1, expires_at=ends)
            ours = fresh.on_conflict_do_update(
                index_elements=["feed"],
                set_={"holder": holder, "epoch": LEASE.c.epoch + 1, "expires_at": ends},
                where=sa.or_(LEASE.c.holder == holder, LEASE.c.expires_at < moment),
            )
            if connection.execute(ours.returning(LEASE.c.holder)).scalar_one_or_none() == holder:
                held.add(feed)
        return held

    return database.transact(take)


def let_go(database: Database, feeds: Sequence[str], holder: str) -> None:
    """Give leases back, so that a standby need not wait."""
    database.transact(
        lambda connection: connection.execute(sa.delete(LEASE).where(LEASE.c.feed.in_(feeds), LEASE.c.holder == holder))
    )
