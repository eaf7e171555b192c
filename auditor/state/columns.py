"""
Column profiles and the findings of columns in the state: merged, judged again, revised, and withdrawn where more rows say so.

Profiles are sets that merge; so several feeds and instances may add to those of one table, and rows that come again change
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from auditor.columns.profiles import Profiles
from auditor.columns.verdict import Verdict
from auditor.identity import AuditKey
from auditor.model import Exposure, Finding, FindingText
from auditor.state.database import Database
from auditor.state.joining import Joining
from auditor.state.outbox import Alert, new_event_id
from auditor.state.placing import evidence_text, finding_of
from auditor.state.schema import COLUMN_TEXT, EXPOSURE, FINDING, PLACE, PROFILE
from auditor.state.times import now
from auditor.tally import PlaceKey

#: How a finding is closed by itself.
WITHDRAWN = "withdrawn: with more rows, the column's values no longer look like raw tokens"
#: (table, column, path) -> how many values rules have told.
Told = Mapping[tuple[str, str, str], int]


class Judged(NamedTuple):
    """A column that holds raw tokens, and what is said of it."""

    verdict: Verdict
    text: FindingText


@dataclass(slots=True)
class ColumnUpdate:
    """
    Profiles of rows since the last update, to be added to those of the state.

    ``uri`` and ``kind`` say where the newest of the rows came from. ``empty`` makes profiles to add up in, ``judge`` says which
    columns hold raw tokens. After the transaction ``merged`` is what the state has of these tables.
    """

    rule_id: str
    uri: str
    kind: str
    profiles: Profiles
    empty: Callable[[], Profiles]
    judge: Callable[[Profiles, Told], Iterable[Judged]]
    merged: Profiles | None = field(default=None)


class ColumnFindings:
    """Writes what is known of columns, within one transaction."""

    def __init__(self, connection: Connection, database: Database, key: AuditKey, *, feed: str, cluster: str) -> None:
        """Begin in a transaction."""
        self._connection, self._database, self._key = connection, database, key
        self._feed, self._cluster = feed, cluster
        self._joining = Joining(connection, database, key, cluster)
        self.alerts: list[Alert] = []

    def write(self, update: ColumnUpdate) -> None:
        """Merge profiles, judge their tables, and write what has changed."""
        tables = update.profiles.tables()
        merged = update.empty()
        known = sa.select(PROFILE.c.snapshot).where(PROFILE.c.cluster == self._cluster, PROFILE.c.table_name.in_(tables))
        for snapshot in self._connection.execute(known).scalars().all():
            merged.restore(snapshot)
        merged.merge(update.profiles)
        update.merged = merged
        for table in tables:
            row = {"cluster": self._cluster, "table_name": table[:400], "snapshot": merged.snapshot(table)}
            fresh = self._database.insert(PROFILE).values(**row)
            changed = {"snapshot": fresh.excluded.snapshot}
            self._connection.execute(fresh.on_conflict_do_update(index_elements=["cluster", "table_name"], set_=changed))
        open_ids: set[str] = set()
        for judged in update.judge(merged, self._told(tables, update.rule_id)):
            open_ids.add(self._find(update, judged))
        self._withdraw(update.rule_id, tables, open_ids)

    def _told(self, tables: Sequence[str], rule_id: str) -> Told:
        """Return by place how many values rules have told."""
        query = (
            sa.select(PLACE.c.table_name, PLACE.c.column_name, PLACE.c.path, sa.func.sum(FINDING.c.occurrences + FINDING.c.debt))
            .join(FINDING, FINDING.c.place == PLACE.c.id)
            .where(
                PLACE.c.cluster == self._cluster,
                PLACE.c.table_name.in_(tables),
                PLACE.c.rule_id != rule_id,
                sa.not_(PLACE.c.rule_id.startswith("policy.")),
                FINDING.c.in_column.is_(None),
            )
            .group_by(PLACE.c.table_name, PLACE.c.column_name, PLACE.c.path)
        )
        return {(table, column, path): int(count) for table, column, path, count in self._connection.execute(query)}

    def _find(self, update: ColumnUpdate, judged: Judged) -> str:
        """Write the finding of a column, new or revised; return its id."""
        verdict, text = judged
        key = PlaceKey(update.rule_id, verdict.table, verdict.column, verdict.path)
        finding_id = self._key.finding_id("", key.rule_id, self._cluster, *key[1:])
        said = {"title": text.title, "gains": text.gains, "remedy": text.remedy, "distinct": verdict.counts.distinct}
        fresh = self._database.insert(COLUMN_TEXT).values(finding_id=finding_id, **said)
        self._connection.execute(fresh.on_conflict_do_update(index_elements=["finding_id"], set_=said))
        row = self._connection.execute(sa.select(FINDING).where(FINDING.c.finding_id == finding_id)).one_or_none()
        at = now()
        values: dict[str, Any] = {
            "severity": int(verdict.severity),
            "confidence": int(verdict.confidence),
            "evidence": evidence_text(verdict.evidence),
            "occurrences": verdict.counts.values,
            "last_seen": at,
        }
        exposure = Exposure(update.kind, update.uri[:600], "after", 1, "", None, verdict.counts.values)
        if row is None:
            values |= {"finding_id": finding_id, "secret_id": "", "place": self._joining.row(key).id, "setting": "alone"}
            values |= {"layers": 0, "resent": 0, "debt": 0, "first_seen": at, "status": "open", "reason": "", "decided_by": ""}
            values |= {"exposures": 1}
            self._connection.execute(sa.insert(FINDING).values(**values))
            self._expose(finding_id, exposure)
            self._tell("finding.opened", key, values, text, exposure, verdict.counts.distinct)
            return finding_id
        again = row.status == "resolved" and row.reason == WITHDRAWN
        if again:
            values |= {"status": "open", "reason": "", "decided_by": "", "decided_at": at}
        self._connection.execute(sa.update(FINDING).where(FINDING.c.finding_id == finding_id).values(**values))
        self._expose(finding_id, exposure)
        if again:
            self._tell("finding.reopened", key, {**row._asdict(), **values}, text, exposure, verdict.counts.distinct)
        return finding_id

    def _withdraw(self, rule_id: str, tables: Sequence[str], still: set[str]) -> None:
        """Close the open findings of columns of these tables that do not look like raw tokens any more, and say so."""
        query = (
            sa.select(FINDING, PLACE.c.table_name, PLACE.c.column_name, PLACE.c.path, COLUMN_TEXT)
            .join(PLACE, PLACE.c.id == FINDING.c.place)
            .join(COLUMN_TEXT, COLUMN_TEXT.c.finding_id == FINDING.c.finding_id)
            .where(
                PLACE.c.cluster == self._cluster,
                PLACE.c.rule_id == rule_id,
                PLACE.c.table_name.in_(tables),
                FINDING.c.status == "open",
            )
        )
        for row in self._connection.execute(query).mappings().all():
            if row["finding_id"] in still:
                continue
            values = {"status": "resolved", "reason": WITHDRAWN, "decided_by": "auditor", "decided_at": now()}
            self._connection.execute(sa.update(FINDING).where(FINDING.c.finding_id == row["finding_id"]).values(**values))
            key = PlaceKey(rule_id, row["table_name"], row["column_name"], row["path"])
            self._tell("finding.withdrawn", key, {**row, **values}, text_of_row(dict(row)), None, row["distinct"])

    def _expose(self, finding_id: str, exposure: Exposure) -> None:
        """Say where a column was seen; its count is that of the whole column."""
        row = {
            "finding_id": finding_id,
            "feed": self._feed,
            "uri": exposure.uri,
            "part": exposure.part,
            "kind": exposure.kind,
            "row_number": exposure.row,
            "row_key": "",
            "count": exposure.count,
        }
        fresh = self._database.insert(EXPOSURE).values(**row)
        same = ["finding_id", "feed", "uri", "part"]
        self._connection.execute(fresh.on_conflict_do_update(index_elements=same, set_={"count": fresh.excluded.count}))

    def _tell(
        self, kind: str, key: PlaceKey, row: Mapping[str, Any], text: FindingText, exposure: Exposure | None, distinct: int
    ) -> None:
        """Have a finding told."""
        exposures = () if exposure is None else (exposure,)
        finding: Finding = finding_of(row, key, text, exposures, distinct=distinct)
        self.alerts.append(Alert(kind, new_event_id(), now(), self._feed, finding))


def text_of_row(row: Mapping[str, Any]) -> FindingText:
    """Return what is said of a column, from its row."""
    return FindingText(row["title"], "column", row["gains"], row["remedy"])
