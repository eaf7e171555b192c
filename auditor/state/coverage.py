"""
The coverage ledger: what was read, between which resolved timestamps, with which rules, and what was not.

A span is claimed only between two resolved timestamps that this state has seen of one shard, with nothing lost between them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from auditor.hlc import Timestamp
from auditor.model import Gap
from auditor.pipeline import Inspected
from auditor.state.database import Database
from auditor.state.outbox import Alert, new_event_id
from auditor.state.schema import CARRIED, COVERAGE, GAP, NOTE, OCCURRENCE, SHARD, SPAN
from auditor.state.times import now, text_of

#: Gaps of one feed that are kept with their place; older ones are only counted.
MOST_GAPS = 10_000
#: Events with secrets of one shard that are remembered until its next resolved timestamp.
MOST_OCCURRENCES = 100_000


class TableCovered(NamedTuple):
    """What was read of one table through one feed with one set of rules."""

    feed: str
    table: str
    rules_digest: str
    rows: int
    bytes: int
    resent: int
    gaps: int
    first_at: str
    last_at: str


class Span(NamedTuple):
    """Everything of a shard after one timestamp and up to another was read; equal ones say that reading began there."""

    feed: str
    shard: str
    rules_digest: str
    since: Timestamp
    until: Timestamp


def add(
    connection: Connection,
    database: Database,
    feed: str,
    rules_digest: str,
    canonical: Callable[[str], str],
    inspected: Sequence[Inspected],
) -> list[Alert]:
    """Add deliveries of one feed, in their order; return the alerts about what was not read."""
    rows: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    resent: Counter[str] = Counter()
    gaps: Counter[str] = Counter()
    missing: list[dict[str, object]] = []
    places: set[tuple[str, str]] = set()
    for one in inspected:
        receipt = one.partial.receipt
        table = canonical(receipt.table)
        carried = {canonical(name): count for name, count in one.rows.items()} or {table: receipt.rows}
        for name, count in carried.items():
            rows[name] += count
            sizes[name] += receipt.bytes * count // receipt.rows if receipt.rows else 0
        resent[table] += sum(seen.count for _, place in one.resent.places() for seen in place.parts.values())
        gaps[table] += one.partial.gaps_total + len(one.lost)
        missing += [_gap_row(feed, one.shard, _cause(gap), gap) for gap in one.partial.gaps]
        missing += [_gap_row(feed, one.shard, "lost", Gap(lost.shard, lost.reason)) for lost in one.lost]
        for note in one.partial.notes:
            told = database.insert(NOTE).values(feed=feed, text=note.text[:600], at=now())
            connection.execute(told.on_conflict_do_nothing())
        places |= {(one.shard, name[:400]) for name, count in carried.items() if count}
        if one.lost:
            _close_spans(connection, feed, one.shard)
        if one.resolved is not None:
            _advance(connection, feed, one.shard, rules_digest, one.resolved)
        _remember(connection, database, feed, one)
    if places:
        carrying = [{"feed": feed, "shard": shard, "table_name": name} for shard, name in sorted(places)]
        connection.execute(database.insert(CARRIED).on_conflict_do_nothing(), carrying)
    _count(connection, database, feed, rules_digest, (rows, sizes, resent, gaps))
    alerts = _gap_alerts(connection, feed, missing)
    if missing:
        connection.execute(sa.insert(GAP), missing)
    return alerts


def _cause(gap: Gap) -> str:
    """Tell a payload that was put aside from one that was scanned in part."""
    return "unscanned" if gap.row is None else "quarantined"


def _gap_row(feed: str, shard: str, cause: str, gap: Gap) -> dict[str, object]:
    """Return a row of the table of gaps."""
    return {
        "feed": feed,
        "shard": shard,
        "cause": cause,
        "uri": gap.uri,
        "reason": gap.reason,
        "row_number": gap.row,
        "column_name": gap.column,
        "bytes": gap.bytes,
        "at": now(),
    }


def _count(
    connection: Connection,
    database: Database,
    feed: str,
    rules_digest: str,
    counted: tuple[Counter[str], Counter[str], Counter[str], Counter[str]],
) -> None:
    """Add up rows, bytes, re-sent secrets and gaps by table."""
    at = now()
    for table in {*counted[0], *counted[2], *counted[3]}:
        values = dict(zip(("rows", "bytes", "resent", "gaps"), (counter[table] for counter in counted), strict=True))
        if not any(values.values()):
            continue
        fresh = database.insert(COVERAGE).values(
            feed=feed, table_name=table[:400], rules_digest=rules_digest, first_at=at, last_at=at, **values
        )
        more = {name: COVERAGE.c[name] + value for name, value in values.items()}
        keys = ["feed", "table_name", "rules_digest"]
        connection.execute(fresh.on_conflict_do_update(index_elements=keys, set_={**more, "last_at": at}))


def _advance(connection: Connection, feed: str, shard: str, rules_digest: str, resolved: Timestamp) -> None:
    """Claim what lies between the last resolved timestamp and this one, unless something was lost between them."""
    before = connection.execute(
        sa.select(SHARD.c.resolved_wall, SHARD.c.resolved_logical).where(SHARD.c.feed == feed, SHARD.c.shard == shard)
    ).one_or_none()
    last = None if before is None or before[0] is None else Timestamp(*before)
    if last is not None and resolved <= last:
        return
    span = connection.execute(
        sa.select(SPAN.c.id, SPAN.c.rules_digest, SPAN.c.to_wall, SPAN.c.to_logical).where(
            SPAN.c.feed == feed, SPAN.c.shard == shard, SPAN.c.open.is_(sa.true())
        )
    ).one_or_none()
    ends = {"to_wall": resolved.wall, "to_logical": resolved.logical}
    if span is not None and span.rules_digest == rules_digest:
        connection.execute(sa.update(SPAN).where(SPAN.c.id == span.id).values(**ends))
    else:
        _close_spans(connection, feed, shard)
        since = resolved if span is None else Timestamp(span.to_wall, span.to_logical)
        begins = {"from_wall": since.wall, "from_logical": since.logical}
        connection.execute(sa.insert(SPAN).values(feed=feed, shard=shard, rules_digest=rules_digest, open=True, **begins, **ends))
    connection.execute(
        sa.update(SHARD)
        .where(SHARD.c.feed == feed, SHARD.c.shard == shard)
        .values(resolved_wall=resolved.wall, resolved_logical=resolved.logical)
    )
    connection.execute(
        sa.delete(OCCURRENCE).where(
            OCCURRENCE.c.feed == feed,
            OCCURRENCE.c.shard == shard,
            sa.or_(
                OCCURRENCE.c.wall < resolved.wall,
                sa.and_(OCCURRENCE.c.wall == resolved.wall, OCCURRENCE.c.logical <= resolved.logical),
            ),
        )
    )


def _close_spans(connection: Connection, feed: str, shard: str) -> None:
    """Let what is claimed next begin anew."""
    connection.execute(sa.update(SPAN).where(SPAN.c.feed == feed, SPAN.c.shard == shard).values(open=False))


def _remember(connection: Connection, database: Database, feed: str, one: Inspected) -> None:
    """Remember the events that were counted, so that they are known if they are sent again."""
    if one.occurrences:
        rows = [
            {"feed": feed, "shard": one.shard, "event": event, "wall": written.wall, "logical": written.logical}
            for event, written in one.occurrences
        ]
        connection.execute(database.insert(OCCURRENCE).on_conflict_do_nothing(), rows)


def occurrences(database: Database, feed: str, shard: str) -> list[str]:
    """Return the events of a shard that were counted since its last resolved timestamp."""
    query = sa.select(OCCURRENCE.c.event).where(OCCURRENCE.c.feed == feed, OCCURRENCE.c.shard == shard).limit(MOST_OCCURRENCES)
    return database.transact(lambda connection: list(connection.execute(query).scalars()))


def _gap_alerts(connection: Connection, feed: str, missing: Sequence[dict[str, object]]) -> list[Alert]:
    """Return one alert for each cause and place this feed has had none of for an hour; what is lost is always told."""
    alerts: list[Alert] = []
    by_place: dict[tuple[str, str], list[dict[str, object]]] = {}
    for each in missing:
        by_place.setdefault((str(each["cause"]), str(each["uri"])), []).append(each)
    hour_ago = text_of(datetime.now(UTC) - timedelta(hours=1))
    for (cause, uri), same in by_place.items():
        known = (
            sa.select(GAP.c.id).where(GAP.c.feed == feed, GAP.c.cause == cause, GAP.c.uri == uri, GAP.c.at >= hour_ago).limit(1)
        )
        if cause == "lost" or connection.execute(known).first() is None:
            row = same[0]["row_number"]
            gap = Gap(uri, str(same[0]["reason"]), row if isinstance(row, int) else None)
            alerts.append(Alert("coverage.gap", new_event_id(), now(), feed, gap=gap, cause=cause, count=len(same)))
    return alerts


def tables(database: Database) -> list[TableCovered]:
    """Return what was read, by feed, table and set of rules."""
    query = sa.select(
        COVERAGE.c.feed,
        COVERAGE.c.table_name,
        COVERAGE.c.rules_digest,
        COVERAGE.c.rows,
        COVERAGE.c.bytes,
        COVERAGE.c.resent,
        COVERAGE.c.gaps,
        COVERAGE.c.first_at,
        COVERAGE.c.last_at,
    ).order_by(COVERAGE.c.feed, COVERAGE.c.table_name, COVERAGE.c.first_at)
    return database.transact(lambda connection: [TableCovered(*row) for row in connection.execute(query)])


def spans(database: Database) -> list[Span]:
    """Return every claimed span, by feed and shard, oldest first."""
    query = sa.select(SPAN).order_by(SPAN.c.feed, SPAN.c.shard, SPAN.c.from_wall, SPAN.c.from_logical)
    rows = database.transact(lambda connection: connection.execute(query).all())
    return [
        Span(
            row.feed,
            row.shard,
            row.rules_digest,
            Timestamp(row.from_wall, row.from_logical),
            Timestamp(row.to_wall, row.to_logical),
        )
        for row in rows
    ]


def watermarks(database: Database) -> dict[tuple[str, str], Timestamp | None]:
    """Return, by feed and table, up to when all was read: the oldest resolved timestamp of the shards that carry the table."""
    query = sa.select(CARRIED.c.feed, CARRIED.c.table_name, SHARD.c.resolved_wall, SHARD.c.resolved_logical).join_from(
        CARRIED, SHARD, sa.and_(SHARD.c.feed == CARRIED.c.feed, SHARD.c.shard == CARRIED.c.shard)
    )
    marks: dict[tuple[str, str], Timestamp | None] = {}
    for feed, table, wall, logical in database.transact(lambda connection: connection.execute(query).all()):
        mark = None if wall is None else Timestamp(wall, logical)
        known = marks.get((feed, table), mark)
        marks[feed, table] = None if mark is None or known is None else min(known, mark)
    return marks


def notes(database: Database) -> list[tuple[str, str, str]]:
    """Return what is to be known of each feed, as (feed, text, time)."""
    query = sa.select(NOTE.c.feed, NOTE.c.text, NOTE.c.at).order_by(NOTE.c.feed, NOTE.c.at)
    rows = database.transact(lambda connection: connection.execute(query).all())
    return [(row.feed, row.text, row.at) for row in rows]


def gaps(database: Database, most: int) -> tuple[list[tuple[str, str, Gap, str]], int]:
    """Return the newest gaps as (feed, cause, gap, time), and how many there were in all."""
    query = sa.select(GAP).order_by(GAP.c.id.desc()).limit(most)
    total = sa.select(sa.func.coalesce(sa.func.sum(COVERAGE.c.gaps), 0))

    def read(connection: Connection) -> tuple[list[tuple[str, str, Gap, str]], int]:
        rows = connection.execute(query).all()
        found = [
            (row.feed, row.cause, Gap(row.uri, row.reason, row.row_number, row.column_name, row.bytes), row.at) for row in rows
        ]
        return found, int(connection.execute(total).scalar_one())

    return database.transact(read)
