"""Alerts between the transaction of what they tell and their delivery: none is lost, and none is told of what was rolled back."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from auditor.model import Finding, Gap
from auditor.state.database import Database
from auditor.state.schema import OUTBOX
from auditor.state.times import now


@dataclass(frozen=True, slots=True)
class Alert:
    """
    Something to tell.

    ``kind`` is ``finding.opened``, ``finding.reopened``, ``finding.debt`` (a column's first secret that is older than the moment
    from which single ones are told) or ``coverage.gap``.
    """

    kind: str
    event_id: str
    at: str
    feed: str
    finding: Finding | None = None
    gap: Gap | None = None
    cause: str = ""
    count: int = 1


class Pending(NamedTuple):
    """An alert that waits for its delivery."""

    number: int
    event_id: str
    body: str
    attempts: int


class Backlog(NamedTuple):
    """How many alerts of a sink wait, and how many were given up."""

    waiting: int
    dead: int


def new_event_id() -> str:
    """Return an id of an alert: the same in every attempt to deliver it, and of no meaning."""
    return f"evt_{secrets.token_hex(16)}"


def enqueue(connection: Connection, alerts: Sequence[Alert], compose: Callable[[Alert], str], alert_sinks: Sequence[str]) -> None:
    """Write alerts down for each sink, in the transaction of what they tell."""
    rows = [
        {
            "event_id": alert.event_id,
            "alert_sink": alert_sink,
            "body": body,
            "created_at": alert.at,
            "attempts": 0,
        }
        for alert in alerts
        for body in (compose(alert),)
        for alert_sink in alert_sinks
    ]
    if rows:
        connection.execute(sa.insert(OUTBOX), rows)


def waiting(database: Database, alert_sink: str, most: int) -> list[Pending]:
    """Return the oldest alerts of a sink, in their order."""
    query = (
        sa.select(OUTBOX.c.id, OUTBOX.c.event_id, OUTBOX.c.body, OUTBOX.c.attempts)
        .where(OUTBOX.c.alert_sink == alert_sink, OUTBOX.c.dead.is_(None))
        .order_by(OUTBOX.c.id)
        .limit(most)
    )
    return database.transact(lambda connection: [Pending(*row) for row in connection.execute(query)])


def delivered(database: Database, numbers: Sequence[int]) -> None:
    """Forget alerts that arrived."""
    database.transact(lambda connection: connection.execute(sa.delete(OUTBOX).where(OUTBOX.c.id.in_(numbers))))


def failed(database: Database, number: int) -> None:
    """Count an attempt in vain."""
    again = sa.update(OUTBOX).where(OUTBOX.c.id == number).values(attempts=OUTBOX.c.attempts + 1)
    database.transact(lambda connection: connection.execute(again))


def give_up(database: Database, number: int, reason: str) -> None:
    """Put an alert aside that its sink will never take."""
    database.transact(
        lambda connection: connection.execute(
            sa.update(OUTBOX).where(OUTBOX.c.id == number).values(dead=f"{now()} {reason}", attempts=OUTBOX.c.attempts + 1)
        )
    )


def replay(database: Database, alert_sink: str) -> int:
    """Make the alerts of a sink that were put aside wait again; return how many."""
    again = sa.update(OUTBOX).where(OUTBOX.c.alert_sink == alert_sink, OUTBOX.c.dead.is_not(None)).values(dead=None)
    return int(database.transact(lambda connection: connection.execute(again).rowcount))


def backlog(database: Database) -> dict[str, Backlog]:
    """Return what waits and what was put aside, by alert sink."""
    query = sa.select(OUTBOX.c.alert_sink, sa.func.count(), sa.func.count(OUTBOX.c.dead)).group_by(OUTBOX.c.alert_sink)
    rows = database.transact(lambda connection: connection.execute(query).all())
    return {name: Backlog(total - dead, dead) for name, total, dead in rows}
