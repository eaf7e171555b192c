"""Findings read back from the record: merged over units, in report order, one at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from auditor.identity import AuditKey
from auditor.model import Confidence, Describe, Exposure, Finding, FindingText, Setting, Severity
from auditor.paths import MOST_MEMBERS, joined_paths
from auditor.record.ledger import Ledger, evidence_of_text
from auditor.remedies import remedy_for
from auditor.tally import MOST_SECRETS

#: Exposures that a finding tells one by one.
MOST_EXPOSURES = 100
_SEVERITIES = tuple(Severity)
_CONFIDENCES = tuple(Confidence)
_SETTINGS = {setting.value: setting for setting in Setting}
#: Parts in the order of what a remedy is for: a past value only where nothing else was seen.
_PARTS = ("after", "key", "header", "topic", "before")


class Counted(NamedTuple):
    """A finding in numbers: all that is counted of it."""

    rule_id: str
    table: str
    severity: Severity
    confidence: Confidence
    occurrences: int
    suppressed: bool


def counted(finding: Finding) -> Counted:
    """Return a finding in numbers."""
    return Counted(
        finding.rule_id,
        finding.table,
        finding.severity,
        finding.confidence,
        finding.occurrences,
        finding.suppressed is not None,
    )


class FindingReader:
    """
    Reads findings most severe first, then by table, column, path, rule and secret.

    ``describe`` gives a rule's texts, ``suppression`` the reason why a finding id is not to be counted, or None; where it is None
    itself, every finding counts. Memory does not grow with the number of findings: each group is read through its own query.
    """

    def __init__(
        self,
        ledger: Ledger,
        key: AuditKey,
        *,
        describe: Describe,
        suppression: Callable[[str], str | None] | None,
        seen_at: str,
    ) -> None:
        """Join map-like paths and number the rows; ``seen_at`` stands for first and last seen."""
        self._connection = ledger.connection
        self._key, self._describe, self._suppression, self._seen_at = key, describe, suppression, seen_at
        self._bases = ledger.bases()
        _join_paths(self._connection)

    def __iter__(self) -> Iterator[Finding]:
        """Yield every finding, suppressed ones too."""
        for group in self._groups():
            text = self._describe(group.rule_id, group.table, group.column, group.path)
            plainest = self._plainest(group) if group.collapsed else ""
            for secret_id, rows in groupby(self._read(_SEEN, group), key=itemgetter(0)):
                seen = _Seen(*zip(*rows, strict=True))
                if max(seen.severity) == group.severity:
                    yield self._finding(group, text, secret_id, seen, plainest)

    def counted(self) -> Iterator[Counted]:
        """Yield the same findings in numbers, in the same order, in a tenth of the time."""
        for group in self._groups():
            severity = _SEVERITIES[group.severity]
            observed = self._describe(group.rule_id, group.table, group.column, group.path).observed
            for secret_id, occurrences, confidence, level in self._read(_NUMBERS, group):
                if level != group.severity:
                    continue
                suppressed = observed or (
                    self._suppression is not None and self._suppression(self._id(group, secret_id)) is not None
                )
                yield Counted(group.rule_id, group.table, severity, _CONFIDENCES[confidence], occurrences, suppressed)

    def _groups(self) -> Iterator[_Group]:
        """
        Yield the groups of places whose secrets are told together, one by one or as a column.

        One whose secrets differ in severity comes once for each level that they may have.
        """
        query = (
            "SELECT rule_id, table_name, column_name, final_path, max(highest), min(id), count(*) FROM place_key"
            " WHERE final_path IS NOT NULL GROUP BY table_name, column_name, final_path, rule_id"
            " HAVING max(highest) >= :level AND min(lowest) <= :level ORDER BY table_name, column_name, final_path, rule_id"
        )
        for level in reversed(_SEVERITIES):
            for row in self._connection.execute(query, {"level": int(level)}):
                group = _Group(*row)
                last_told = [secret_id for (secret_id,) in self._read(_LAST_TOLD, group)]
                if len(last_told) < 2:
                    yield group._replace(severity=int(level))
                elif group.severity == level:
                    yield group._replace(last_told=last_told[0])

    def _plainest(self, group: _Group) -> str:
        """Return the evidence of a column: the plainest of its first secrets by id, the same in any order of merging."""
        (evidence,) = next(self._read(_PLAINEST, group._replace(last_told=""), group.last_told))
        return str(evidence)

    def _read(self, query: str, group: _Group, *more: str) -> Iterator[tuple[Any, ...]]:
        """Ask about a group's secrets one by one, or, if it is a column, about all of them under no secret."""
        secret, source = ("''", "place") if group.collapsed else ("seen.secret_id", "sighting")
        return self._connection.execute(query.format(secret=secret, source=source, where=group.where), (*group.values, *more))

    def _id(self, group: _Group, secret_id: str) -> str:
        """Return the id of a finding."""
        return self._key.finding_id(secret_id, group.rule_id, "", group.table, group.column, group.path)

    def _finding(self, group: _Group, text: FindingText, secret_id: str, seen: _Seen, plainest: str) -> Finding:
        """Merge the sightings of one secret (or of the whole group) into a finding."""
        exposures, total = self._exposures(seen)
        finding_id = self._id(group, secret_id)
        return Finding(
            finding_id=finding_id,
            secret_id=secret_id,
            rule_id=group.rule_id,
            policy_id=text.policy_id,
            title=text.title,
            kind=text.kind,
            severity=_SEVERITIES[group.severity],
            confidence=_CONFIDENCES[max(seen.confidence)],
            table=group.table,
            column=group.column,
            path=group.path,
            evidence=evidence_of_text(plainest or min(zip(seen.layers, seen.evidence, strict=True))[1]),
            occurrences=sum(seen.counts),
            distinct=group.distinct if group.collapsed else 1,
            exposures=exposures,
            exposures_total=total,
            first_seen=self._seen_at,
            last_seen=self._seen_at,
            gains=text.gains,
            remedy=remedy_for(
                vendor_remedy=text.remedy,
                table=group.table,
                column=group.column,
                path=group.path,
                part=next(part for part in _PARTS if part in seen.part),
                setting=_SETTINGS[min(seen.setting)],
                feed=any(seen.feed),
            ),
            suppressed=text.unheeded or (None if self._suppression is None else self._suppression(finding_id)),
        )

    def _exposures(self, seen: _Seen) -> tuple[tuple[Exposure, ...], int]:
        """Join the units of one input; keep the first `MOST_EXPOSURES`, and say how many there are."""
        firsts: list[int] = []
        counts: list[int] = []
        before = None
        for index, source in enumerate(zip(seen.uri, seen.part, strict=True)):
            if source != before:
                before = source
                firsts.append(index)
                counts.append(0)
            counts[-1] += seen.counts[index]
        exposures = tuple(
            Exposure(
                seen.kind[first],
                seen.shown_uri[first],
                seen.part[first],
                seen.first_row[first] + self._bases.get(seen.unit[first], 0),
                seen.row_key[first],
                seen.updated[first],
                count,
            )
            for first, count in zip(firsts[:MOST_EXPOSURES], counts, strict=False)
        )
        return exposures, len(firsts)


class _Group(NamedTuple):
    """
    The places of one rule whose paths are joined to one, and what was found there at one level of severity.

    ``place`` is one of them; mostly it is the only one.

    ``last_told`` is the last secret that would be told if the group were not told as a column, '' if it is not.
    """

    rule_id: str
    table: str
    column: str
    path: str
    severity: int
    place: int
    places: int
    last_told: str = ""

    @property
    def collapsed(self) -> bool:
        """Tell whether there are too many secrets to tell one by one."""
        return self.last_told != ""

    @property
    def distinct(self) -> int:
        """Estimate how many different secrets a column holds: ids are spread evenly."""
        share = int(self.last_told[-32:], 16) / 2**128
        return max(MOST_SECRETS + 1, round((MOST_SECRETS - 1) / share))

    @property
    def where(self) -> str:
        """Return the condition on ``seen.place``; the rows of a single place lie in the order that they are wanted in."""
        if self.places == 1:
            return "seen.place = ?"
        named = "table_name = ? AND column_name = ? AND final_path = ? AND rule_id = ?"
        return f"seen.place IN (SELECT id FROM place_key WHERE {named})"  # noqa: S608 - fixed names

    @property
    def values(self) -> tuple[object, ...]:
        """Return the values of that condition."""
        return (self.place,) if self.places == 1 else (self.table, self.column, self.path, self.rule_id)


class _Seen(NamedTuple):
    """The rows of `_SEEN` that belong to one secret, column by column."""

    secret_id: Sequence[str]
    kind: Sequence[str]
    shown_uri: Sequence[str]
    uri: Sequence[str]
    part: Sequence[str]
    unit: Sequence[int]
    feed: Sequence[int]
    counts: Sequence[int]
    first_row: Sequence[int]
    row_key: Sequence[str]
    updated: Sequence[str | None]
    severity: Sequence[int]
    confidence: Sequence[int]
    setting: Sequence[str]
    evidence: Sequence[str]
    layers: Sequence[int]


_FROM = "FROM {source} AS seen CROSS JOIN unit ON unit.id = seen.unit AND unit.asked WHERE {where}"
_SEEN = (
    "SELECT {secret}, unit.kind, unit.shown_uri, unit.uri, seen.part, unit.id, unit.feed, seen.count, seen.first_row,"
    f" seen.row_key, seen.updated, seen.severity, seen.confidence, seen.setting, seen.evidence, seen.layers {_FROM}"
    " ORDER BY {secret}, unit.shown_uri, unit.uri, seen.part, unit.ordinal, seen.first_row"
)
_NUMBERS = f"SELECT {{secret}}, sum(seen.count), max(seen.confidence), max(seen.severity) {_FROM} GROUP BY {{secret}}"
# Two rows if there are more secrets than are told.
_LAST_TOLD = f"SELECT DISTINCT {{secret}} {_FROM} ORDER BY 1 LIMIT 2 OFFSET {MOST_SECRETS - 1}"
_PLAINEST = f"SELECT seen.evidence {_FROM} AND seen.secret_id <= ? ORDER BY seen.layers, seen.evidence LIMIT 1"


def _join_paths(connection: sqlite3.Connection) -> None:
    """Set the final path of every place in which something was seen, NULL for all others, and how severe that is."""
    asked = "JOIN unit ON unit.id = unit AND unit.asked"
    connection.execute(
        f"UPDATE place_key SET final_path = CASE WHEN id IN (SELECT place FROM place {asked}) THEN path END,"  # noqa: S608 - fixed names
        f" highest = (SELECT max(severity) FROM place {asked} WHERE place = place_key.id),"
        f" lowest = (SELECT min(severity) FROM sighting {asked} WHERE place = place_key.id)"
    )
    crowded = connection.execute(
        "SELECT table_name, column_name FROM place_key WHERE final_path IS NOT NULL"
        " GROUP BY 1, 2 HAVING count(DISTINCT path) > ?",
        (MOST_MEMBERS,),
    ).fetchall()
    for table, column in crowded:
        where = "table_name = ? AND column_name = ? AND final_path IS NOT NULL"
        paths = [path for (path,) in connection.execute(f"SELECT DISTINCT path FROM place_key WHERE {where}", (table, column))]  # noqa: S608
        changed = [(final, table, column, path) for path, final in joined_paths(paths).items() if final != path]
        connection.executemany(f"UPDATE place_key SET final_path = ? WHERE {where} AND path = ?", changed)  # noqa: S608
