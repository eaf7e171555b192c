"""
Which instance runs a feed that only one may run.

A holder gives a sign of life by raising the lease's ``epoch``. Whoever has seen the same epoch for `LEASE_SECONDS` of its own
monotonic clock takes over: no two clocks are compared, so none that is wrong or set back keeps a feed still, or takes one away.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from auditor.state.database import Database
from auditor.state.schema import LEASE

#: A lease without a sign of life for so long is free; it is looked at four times in that time.
LEASE_SECONDS = 20


class Lease:
    """The lease of one feed, as one instance sees it; ``holder`` names the instance. For one thread at a time."""

    def __init__(self, database: Database, feed: str, holder: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Look at nothing yet."""
        self._database, self._feed, self._holder, self._clock = database, feed, holder, clock
        self._seen: tuple[str, int] | None = None
        self._since = 0.0

    def hold(self) -> bool:
        """Take or renew the lease; return whether it is held now. Raise `StateError`."""
        free = self._seen if self._seen is not None and self._clock() - self._since >= LEASE_SECONDS else None
        found = self._database.transact(lambda connection: self._take(connection, free))
        if found != self._seen:
            self._seen, self._since = found, self._clock()
        return found[0] == self._holder

    def let_go(self) -> None:
        """Give the lease back, so that a standby need not wait. Raise `StateError`."""
        ours = sa.delete(LEASE).where(LEASE.c.feed == self._feed, LEASE.c.holder == self._holder)
        self._database.transact(lambda connection: connection.execute(ours))

    def _take(self, connection: Connection, free: tuple[str, int] | None) -> tuple[str, int]:
        """Take the lease if it is ours, new or as it was when it became free; return its holder and epoch."""
        fresh = self._database.insert(LEASE).values(feed=self._feed, holder=self._holder, epoch=1)
        may = LEASE.c.holder == self._holder
        if free is not None:
            may = sa.or_(may, sa.and_(LEASE.c.holder == free[0], LEASE.c.epoch == free[1]))
        raised = {"holder": self._holder, "epoch": LEASE.c.epoch + 1}
        connection.execute(fresh.on_conflict_do_update(index_elements=["feed"], set_=raised, where=may))
        row = connection.execute(sa.select(LEASE.c.holder, LEASE.c.epoch).where(LEASE.c.feed == self._feed)).one()
        return row.holder, row.epoch
