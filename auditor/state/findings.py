"""Findings read back, and what operators decide about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from auditor.errors import ConfigError
from auditor.model import Describe, Exposure, Finding
from auditor.state.columns import text_of_row
from auditor.state.database import Database
from auditor.state.placing import finding_of
from auditor.state.schema import COLUMN_TEXT, DECISION, EXPOSURE, FINDING, PLACE
from auditor.state.sketch import Sketch
from auditor.state.times import now
from auditor.tally import PlaceKey

#: Decisions by the verb that makes them.
STATUSES = {"ack": "acknowledged", "resolve": "resolved", "ignore": "ignored", "reopen": "open"}
#: Why a finding is resolved. A row that was overwritten or deleted does not close a token that still opens something.
RESOLUTIONS = ("fixed", "revoked", "row-deleted")
_AT_ONCE = 500
_FINDINGS = (
    sa.select(FINDING, PLACE, COLUMN_TEXT.c.title, COLUMN_TEXT.c.gains, COLUMN_TEXT.c.remedy, COLUMN_TEXT.c.distinct)
    .join(PLACE, PLACE.c.id == FINDING.c.place)
    .join(COLUMN_TEXT, COLUMN_TEXT.c.finding_id == FINDING.c.finding_id, isouter=True)
)


class Stored(NamedTuple):
    """A finding with what the state knows besides: its status, and whether it is gone from its row."""

    finding: Finding
    status: str
    reason: str
    decided_by: str
    decided_at: str | None
    until: str | None
    removed_at_source: bool
    resent: int
    debt: int


class FindingStore:
    """Reads findings and records decisions. ``describe`` gives a rule's texts."""

    def __init__(self, database: Database, describe: Describe) -> None:
        """Take an open state."""
        self._database, self._describe = database, describe

    def all(self, statuses: Sequence[str] = ()) -> Iterator[Stored]:
        """
        Yield findings, most severe first, then by table, column, path and rule, read a few hundred at a time.

        Secrets of a full column are told by the column's own finding. Without ``statuses`` all are yielded.
        """
        order = (
            FINDING.c.severity.desc(),
            PLACE.c.table_name,
            PLACE.c.column_name,
            PLACE.c.path,
            PLACE.c.rule_id,
            FINDING.c.finding_id,
        )
        query = _FINDINGS.where(FINDING.c.in_column.is_(None))
        if statuses:
            query = query.where(FINDING.c.status.in_(statuses))
        ordered = query.order_by(*order)
        offset = 0
        while rows := self._rows(ordered.limit(_AT_ONCE).offset(offset)):
            offset += len(rows)
            yield from rows

    def one(self, beginning: str) -> Stored:
        """Return the finding whose id begins so; raise `ConfigError` if there is none or more than one."""
        rows = self._rows(_FINDINGS.where(FINDING.c.finding_id.startswith(beginning, autoescape=True)).limit(2))
        if len(rows) != 1:
            what = "several findings have an id that begins so" if rows else "there is no such finding"
            raise ConfigError(what, where=beginning, fix="`auditor findings list` shows their ids")
        return rows[0]

    def decide(self, finding_id: str, status: str, *, reason: str, decided_by: str, until: str | None) -> None:
        """Record a decision, and keep it in the history of decisions."""
        at = now()
        changed = sa.update(FINDING).where(FINDING.c.finding_id == finding_id)
        values = {"status": status, "reason": reason, "decided_by": decided_by, "decided_at": at, "until": until}

        def write(connection: Connection) -> None:
            connection.execute(changed.values(**values))
            kept = {
                "finding_id": finding_id,
                "at": at,
                "status": status,
                "reason": reason,
                "decided_by": decided_by,
                "until": until,
            }
            connection.execute(sa.insert(DECISION).values(**kept))

        self._database.transact(write)

    def history(self, finding_id: str) -> Sequence[tuple[str, str, str, str]]:
        """Return the decisions on a finding, oldest first, as (time, status, reason, who)."""
        query = (
            sa.select(DECISION.c.at, DECISION.c.status, DECISION.c.reason, DECISION.c.decided_by)
            .where(DECISION.c.finding_id == finding_id)
            .order_by(DECISION.c.id)
        )
        return self._database.transact(
            lambda connection: [(row.at, row.status, row.reason, row.decided_by) for row in connection.execute(query)]
        )

    def _rows(self, query: sa.Select[Any]) -> list[Stored]:
        """Read some findings with their exposures."""

        def read(connection: Connection) -> tuple[list[Any], list[Any]]:
            rows = list(connection.execute(query).mappings())
            wanted = [row["finding_id"] for row in rows]
            shown = sa.select(EXPOSURE).where(EXPOSURE.c.finding_id.in_(wanted)).order_by(EXPOSURE.c.uri, EXPOSURE.c.part)
            return rows, list(connection.execute(shown)) if wanted else []

        rows, exposed = self._database.transact(read)
        exposures: dict[str, list[Exposure]] = {}
        for each in exposed:
            exposures.setdefault(each.finding_id, []).append(
                Exposure(each.kind, each.uri, each.part, each.row_number, each.row_key, each.updated, each.count)
            )
        return [self._stored(row, exposures.get(row["finding_id"], [])) for row in rows]

    def _stored(self, row: Any, exposures: Sequence[Exposure]) -> Stored:
        """Return a finding from its row."""
        key = PlaceKey(row["rule_id"], row["table_name"], row["column_name"], row["path"])
        if row["title"] is not None:
            finding = finding_of(row, key, text_of_row(row), exposures, distinct=row["distinct"])
        else:
            text = self._describe(key.rule_id, key.table, key.column, key.path)
            distinct = 1 if row["secret_id"] else Sketch(row["smallest"]).distinct
            finding = finding_of(row, key, text, exposures, distinct=distinct)
        return Stored(
            finding,
            row["status"],
            row["reason"],
            row["decided_by"],
            row["decided_at"],
            row["until"],
            row["removed"] is not None,
            row["resent"],
            row["debt"],
        )
