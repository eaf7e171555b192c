"""
One finding and one summary as JSON objects: the one form that jsonl, csv, html and alerts share.

`schemas/finding.schema.json` is made from these types (`auditor.reports.schema`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from auditor.model import SCHEMA_VERSION, Exposure, Finding, Summary
from auditor.reports.wording import exit_meaning

_CLOSED = ConfigDict(extra="forbid", use_attribute_docstrings=True)


@with_config(_CLOSED)
class EvidenceRecord(TypedDict):
    """What is shown of a secret: never its end, and nothing of one under 20 characters."""

    redacted: str
    """The rule's public prefix and three dots."""
    length: int
    """Characters of the innermost decoded secret."""
    alphabet: str
    """The smallest known set of characters that holds it."""
    decoded_by: list[str]
    """The encodings that were undone to find it, outermost first."""
    held_by: list[str]
    """Of a token that is confirmed to be live: the rows that hold its fingerprint."""


@with_config(_CLOSED)
class SourceRecord(TypedDict):
    """The first place where the secret was seen."""

    kind: str
    """file, stdin, s3, gs, az or http."""
    uri: str
    """The input, without user, password or query."""
    row: int
    """1-based record number; a header is not counted."""


@with_config(_CLOSED)
class ExposureRecord(TypedDict):
    """One source and part of a row in which the secret was seen."""

    kind: str
    uri: str
    part: str
    """after, before, key, header or topic."""
    row: int
    """The first record there."""
    row_key: str
    """The primary key of that row; parts that are no plain identifier are keyed digests."""
    updated: str | None
    """The row's `updated` timestamp, if the feed carries it."""
    count: int
    """Occurrences in this source and part."""
    past_value: bool
    """Seen only in `before`: the row no longer holds it."""


@with_config(_CLOSED)
class FindingRecord(TypedDict):
    """
    One secret, or past 1,000 of them one column, at one place.

    `part`, `row_key`, `source` and `updated` are those of the first exposure.
    """

    record: Literal["finding"]
    schema_version: int
    finding_id: str
    """Keyed id of this secret at this place under this rule; the same in every run with the same key."""
    secret_id: str
    """Keyed id of the secret wherever it is found; empty for a collapsed finding."""
    rule_id: str
    policy_id: str | None
    title: str
    kind: str
    severity: Literal["info", "low", "medium", "high", "critical"]
    confidence: Literal["low", "medium", "high", "confirmed-format", "confirmed-live"]
    table: str
    """database.schema.table as far as known; empty if unknown."""
    column: str
    path: str
    """Path inside a JSON column, such as `$.auth.tokens[*]`; empty for the column's own value."""
    part: str
    row_key: str
    source: SourceRecord | None
    updated: str | None
    evidence: EvidenceRecord
    occurrences: int
    distinct: int
    """Different secrets: 1, or for a collapsed finding exact to 1,000 and estimated above."""
    collapsed: bool
    """This stands for a whole column of secrets."""
    exposures: list[ExposureRecord]
    """Sorted by source and part; at most 100 of `exposures_total`."""
    exposures_total: int
    first_seen: str
    last_seen: str
    gains: str
    """What an attacker gets."""
    remedy: str
    suppressed: str | None
    """Why it does not count: the reason of its baseline entry."""


@with_config(_CLOSED)
class TableRuleRecord(TypedDict):
    """Findings, suppressed ones left out, of one rule in one table."""

    table: str
    rule_id: str
    findings: int


@with_config(_CLOSED)
class TableRecord(TypedDict):
    """What was read of one table."""

    table: str
    inputs: int
    rows: int
    bytes: int
    columns: dict[str, str]
    """Column to '' if it was scanned, else why not; `*` stands for every member of every row."""


@with_config(_CLOSED)
class GapRecord(TypedDict):
    """Bytes, rows or a column that were not scanned as they should be."""

    uri: str
    reason: str
    row: int | None
    column: str | None
    bytes: int | None


@with_config(_CLOSED)
class NoteRecord(TypedDict):
    """Something worth knowing about an input that is no gap."""

    uri: str
    text: str


@with_config(_CLOSED)
class ReconciledRecord(TypedDict):
    """One file of EXPORT's own result, against what was read of it."""

    filename: str
    rows_stated: int
    rows_read: int | None
    """None if the file was not among the inputs."""


@with_config(_CLOSED)
class SummaryRecord(TypedDict):
    """The whole run in numbers, with its coverage: the last record."""

    record: Literal["summary"]
    schema_version: int
    tool_version: str
    key_id: str
    rules_digest: str
    started_at: str
    finished_at: str
    inputs: int
    rows: int
    bytes: int
    findings: int
    occurrences: int
    suppressed: int
    by_severity: dict[str, int]
    by_table_rule: list[TableRuleRecord]
    tables: list[TableRecord]
    formats: dict[str, int]
    gaps: list[GapRecord]
    gaps_total: int
    notes: list[NoteRecord]
    resolved: dict[str, str]
    """Folder of changefeed files to its newest resolved timestamp."""
    reconciled: list[ReconciledRecord]
    unused_baseline: list[str]
    fail_on: str
    exit_code: int
    exit_meaning: str
    partial: str
    """Why the run did not finish; empty if it did."""


def finding_record(finding: Finding) -> FindingRecord:
    """Return the JSON object of a finding."""
    first = finding.exposures[0] if finding.exposures else None
    evidence = finding.evidence
    return {
        "record": "finding",
        "schema_version": SCHEMA_VERSION,
        "finding_id": finding.finding_id,
        "secret_id": finding.secret_id,
        "rule_id": finding.rule_id,
        "policy_id": finding.policy_id,
        "title": finding.title,
        "kind": finding.kind,
        "severity": finding.severity.label,  # type: ignore[typeddict-item]  # the labels are the literals; a test holds them to it
        "confidence": finding.confidence.label,  # type: ignore[typeddict-item]
        "table": finding.table,
        "column": finding.column,
        "path": finding.path,
        "part": first.part if first else "",
        "row_key": first.row_key if first else "",
        "source": {"kind": first.kind, "uri": first.uri, "row": first.row} if first else None,
        "updated": first.updated if first else None,
        "evidence": {
            "redacted": evidence.redacted,
            "length": evidence.length,
            "alphabet": evidence.alphabet,
            "decoded_by": list(evidence.decoded_by),
            "held_by": list(evidence.held_by),
        },
        "occurrences": finding.occurrences,
        "distinct": finding.distinct,
        "collapsed": finding.collapsed,
        "exposures": [exposure_record(exposure) for exposure in finding.exposures],
        "exposures_total": finding.exposures_total,
        "first_seen": finding.first_seen,
        "last_seen": finding.last_seen,
        "gains": finding.gains,
        "remedy": finding.remedy,
        "suppressed": finding.suppressed,
    }


def exposure_record(exposure: Exposure) -> ExposureRecord:
    """Return the JSON object of an exposure."""
    return {
        "kind": exposure.kind,
        "uri": exposure.uri,
        "part": exposure.part,
        "row": exposure.row,
        "row_key": exposure.row_key,
        "updated": exposure.updated,
        "count": exposure.count,
        "past_value": exposure.part == "before",
    }


def summary_record(summary: Summary) -> SummaryRecord:
    """Return the JSON object of a summary."""
    return {
        "record": "summary",
        "schema_version": SCHEMA_VERSION,
        "tool_version": summary.tool_version,
        "key_id": summary.key_id,
        "rules_digest": summary.rules_digest,
        "started_at": summary.started_at,
        "finished_at": summary.finished_at,
        "inputs": summary.inputs,
        "rows": summary.rows,
        "bytes": summary.bytes,
        "findings": summary.findings,
        "occurrences": summary.occurrences,
        "suppressed": summary.suppressed,
        "by_severity": dict(summary.by_severity),
        "by_table_rule": [
            {"table": table, "rule_id": rule_id, "findings": count} for (table, rule_id), count in summary.by_table_rule.items()
        ],
        "tables": [
            {
                "table": entry.table,
                "inputs": entry.inputs,
                "rows": entry.rows,
                "bytes": entry.bytes,
                "columns": dict(entry.columns),
            }
            for entry in summary.tables
        ],
        "formats": dict(summary.formats),
        "gaps": [
            {"uri": gap.uri, "reason": gap.reason, "row": gap.row, "column": gap.column, "bytes": gap.bytes}
            for gap in summary.gaps
        ],
        "gaps_total": summary.gaps_total,
        "notes": [{"uri": note.uri, "text": note.text} for note in summary.notes],
        "resolved": dict(summary.resolved),
        "reconciled": [
            {"filename": entry.filename, "rows_stated": entry.rows_stated, "rows_read": entry.rows_read}
            for entry in summary.reconciled
        ],
        "unused_baseline": list(summary.unused_baseline),
        "fail_on": summary.fail_on,
        "exit_code": summary.exit_code,
        "exit_meaning": exit_meaning(summary.exit_code, summary.fail_on),
        "partial": summary.partial,
    }
