"""What the state forgets, so that it stays bounded however long it is used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from auditor.state.coverage import MOST_GAPS
from auditor.state.database import Database
from auditor.state.schema import COLUMN_TEXT, EXPOSURE, FINDING, GAP
from auditor.state.times import text_of

_AT_ONCE = 1000


def prune(database: Database, days: int) -> int:
    """Delete findings that are decided on, and gaps, once they are so old; return how many findings went."""
    before = text_of(datetime.now(UTC) - timedelta(days=days))

    def forget(connection: Connection) -> int:
        old = sa.select(FINDING.c.finding_id).where(FINDING.c.status.in_(("resolved", "ignored")), FINDING.c.last_seen < before)
        ids = list(connection.execute(old.limit(_AT_ONCE)).scalars())
        connection.execute(sa.delete(EXPOSURE).where(EXPOSURE.c.finding_id.in_(ids)))
        connection.execute(sa.delete(COLUMN_TEXT).where(COLUMN_TEXT.c.finding_id.in_(ids)))
        connection.execute(sa.delete(FINDING).where(FINDING.c.finding_id.in_(ids)))
        connection.execute(sa.delete(GAP).where(GAP.c.at < before))
        for feed in list(connection.execute(sa.select(GAP.c.feed).distinct()).scalars()):
            newest = sa.select(GAP.c.id).where(GAP.c.feed == feed).order_by(GAP.c.id.desc()).limit(1).offset(MOST_GAPS)
            last = connection.execute(newest).scalar_one_or_none()
            if last is not None:
                connection.execute(sa.delete(GAP).where(GAP.c.feed == feed, GAP.c.id <= last))
        return len(ids)

    forgotten = 0
    while count := database.transact(forget):
        forgotten += count
    return forgotten
