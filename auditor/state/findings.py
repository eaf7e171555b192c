"""Findings read back from the record: merged over units, in report order, one at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from auditor.identity import AuditKey
from auditor.model import Confidence, Exposure, Finding, Setting, Severity
from auditor.paths import MOST_MEMBERS, joined_paths
from auditor.remedies import remedy_for
from auditor.state.ledger import Ledger, evidence_of_text
from auditor.tally import MOST_SECRETS

#: Exposures that a finding tells one by one.
MOST_EXPOSURES = 100
_FEED_FORMATS = ("ndjson (",)


class RuleText(NamedTuple):
    """What a report says about a rule."""

    title: str
    kind: str
    gains: str
    remedy: str


class FindingReader:
    """
    Reads findings most severe first, then by table, column, path, rule and secret.

    ``describe`` gives a rule's texts, ``suppression`` the reason why a finding id is not to be counted, or None. Memory does not
    grow with the number of findings: each group is read through its own query.
    """

    def __init__(
        self,
        ledger: Ledger,
        key: AuditKey,
        *,
        describe: Callable[[str], RuleText],
        suppression: Callable[[str], str | None],
        seen_at: str,
    ) -> None:
        """Join map-like paths and number the rows; ``seen_at`` stands for first and last seen."""
        self._connection = ledger.connection
        self._key, self._describe, self._suppression, self._seen_at = key, describe, suppression, seen_at
        self._bases = ledger.bases()
        _join_paths(self._connection)

    def __iter__(self) -> Iterator[Finding]:
        """Yield every finding, suppressed ones too."""
        groups = self._connection.execute(
            "SELECT rule_id, table_name, column_name, final_path, max(severity), group_concat(id),"
            " sum((SELECT count(*) FROM sighting WHERE place = place_key.id)) FROM place_key"
            " WHERE id IN (SELECT place FROM place) GROUP BY rule_id, table_name, column_name, final_path"
            " ORDER BY max(severity) DESC, table_name, column_name, final_path, rule_id"
        )
        for *named, places, sightings in groups:
            group = _Group._make(named)
            distinct = self._distinct(places) if sightings > MOST_SECRETS else 0
            rows = self._one_by_one(places) if distinct <= MOST_SECRETS else self._as_column(places)
            for secret_id, seen in groupby(rows, key=lambda row: str(row[0])):
                records = [_SeenRecord(*row) for row in seen]
                told = [(record.layers, record.evidence) for record in records]
                evidence = min(told)[1] if secret_id else self._plainest(places)
                yield self._finding(group, secret_id, records, evidence, 1 if secret_id else distinct)

    def _distinct(self, places: str) -> int:
        """Return how many different secrets a group holds: exact to 1,000, then estimated from the 1,000th smallest id."""
        query = f"SELECT DISTINCT secret_id FROM sighting WHERE place IN ({places}) ORDER BY secret_id LIMIT {MOST_SECRETS + 1}"  # noqa: S608
        ids = [secret_id for (secret_id,) in self._connection.execute(query)]
        if len(ids) <= MOST_SECRETS:
            return len(ids)
        share = int(ids[MOST_SECRETS - 1][-32:], 16) / 2**128
        return max(MOST_SECRETS + 1, round((MOST_SECRETS - 1) / share))

    def _plainest(self, places: str) -> str:
        """Return the evidence of a column: the plainest of its first secrets by id, the same in any order of merging."""
        first = (
            f"SELECT secret_id FROM sighting WHERE place IN ({places}) GROUP BY secret_id ORDER BY secret_id LIMIT {MOST_SECRETS}"  # noqa: S608
        )
        where = f"place IN ({places}) AND secret_id IN ({first})"
        query = f"SELECT evidence FROM sighting WHERE {where} ORDER BY layers, evidence LIMIT 1"  # noqa: S608 - numbers only
        return str(self._connection.execute(query).fetchone()[0])

    def _one_by_one(self, places: str) -> Iterator[tuple[Any, ...]]:
        """Yield what was seen of each secret, ordered by secret, address, part and unit."""
        yield from self._connection.execute(_SEEN.format(secret="seen.secret_id", source="sighting", places=places))

    def _as_column(self, places: str) -> Iterator[tuple[Any, ...]]:
        """Yield what was seen of the whole group, under no secret."""
        yield from self._connection.execute(_SEEN.format(secret="''", source="place", places=places))

    def _finding(self, group: _Group, secret_id: str, records: list[_SeenRecord], evidence: str, distinct: int) -> Finding:
        """Merge the sightings of one secret (or of the whole group) into a finding."""
        rule_id, table, column, path, severity = group
        exposures, total = self._exposures(records)
        setting = Setting(min(record.setting for record in records))
        text = self._describe(rule_id)
        finding_id = self._key.finding_id(secret_id, rule_id, "", table, column, path)
        parts = {record.part for record in records}
        part = next(name for name in ("after", "key", "header", "topic", "before") if name in parts)
        return Finding(
            finding_id=finding_id,
            secret_id=secret_id,
            rule_id=rule_id,
            policy_id=None,
            title=text.title,
            kind=text.kind,
            severity=Severity(severity),
            confidence=Confidence(max(record.confidence for record in records)),
            table=table,
            column=column,
            path=path,
            evidence=evidence_of_text(evidence),
            occurrences=sum(record.seen_count for record in records),
            distinct=distinct,
            exposures=exposures,
            exposures_total=total,
            first_seen=self._seen_at,
            last_seen=self._seen_at,
            gains=text.gains,
            remedy=remedy_for(
                vendor_remedy=text.remedy,
                table=table,
                column=column,
                path=path,
                part=part,
                setting=setting,
                feed=any(record.format.startswith(_FEED_FORMATS) for record in records),
            ),
            suppressed=self._suppression(finding_id),
        )

    def _exposures(self, records: list[_SeenRecord]) -> tuple[tuple[Exposure, ...], int]:
        """Join the units of one input; keep the first `MOST_EXPOSURES`, and say how many there are."""
        exposures: list[Exposure] = []
        total = 0
        for (kind, uri, _, part), units in groupby(
            records, key=lambda record: (record.kind, record.shown_uri, record.uri, record.part)
        ):
            total += 1
            if len(exposures) < MOST_EXPOSURES:
                first, *others = units
                row = first.first_row + self._bases.get(first.unit, 0)
                count = first.seen_count + sum(other.seen_count for other in others)
                exposures.append(Exposure(kind, uri, part, row, first.row_key, first.updated, count))
        return tuple(exposures), total


class _Group(NamedTuple):
    """The places of one rule whose paths are joined to one."""

    rule_id: str
    table: str
    column: str
    path: str
    severity: int


class _SeenRecord(NamedTuple):
    """One row of `_SEEN`."""

    secret_id: str
    kind: str
    shown_uri: str
    uri: str
    part: str
    unit: int
    format: str
    seen_count: int
    first_row: int
    row_key: str
    updated: str | None
    confidence: int
    setting: str
    evidence: str
    layers: int


_SEEN = (
    "SELECT {secret}, unit.kind, unit.shown_uri, unit.uri, seen.part, unit.id, unit.format, seen.count AS seen_count,"
    " seen.first_row, seen.row_key, seen.updated, seen.confidence, seen.setting, seen.evidence, seen.layers"
    " FROM {source} AS seen JOIN unit ON unit.id = seen.unit WHERE seen.place IN ({places})"
    " ORDER BY 1, unit.shown_uri, unit.uri, seen.part, unit.ordinal, seen.first_row"
)


def _join_paths(connection: sqlite3.Connection) -> None:
    """Set the final path of every place."""
    connection.execute("UPDATE place_key SET final_path = path")
    crowded = connection.execute(
        "SELECT table_name, column_name FROM place_key GROUP BY 1, 2 HAVING count(DISTINCT path) > ?", (MOST_MEMBERS,)
    ).fetchall()
    for table, column in crowded:
        where = "table_name = ? AND column_name = ?"
        paths = [path for (path,) in connection.execute(f"SELECT DISTINCT path FROM place_key WHERE {where}", (table, column))]  # noqa: S608
        changed = [(final, table, column, path) for path, final in joined_paths(paths).items() if final != path]
        connection.executemany(f"UPDATE place_key SET final_path = ? WHERE {where} AND path = ?", changed)  # noqa: S608
