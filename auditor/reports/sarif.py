"""
SARIF 2.1.0 for code scanning services and viewers.

Limits are those of GitHub's upload (GitHub docs, "SARIF support for code scanning"): 25,000 results a run. What is left out
is counted in a notification and in the run's properties.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import PurePath
from typing import IO, Any
from urllib.parse import quote

from auditor.model import Exposure, Finding, Gap, Severity, Summary
from auditor.protocols import Report
from auditor.reports.verdict import verdict
from auditor.reports.wording import counted, evidence_words, exit_meaning, place, printable, printable_lines

MOST_RESULTS = 25_000
#: Exposures of one finding that become locations; the properties hold their total.
MOST_LOCATIONS = 10
MOST_GAPS = 200
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# "security-severity" is a CVSS-like number of 0 to 10; GitHub's bands begin at 9.0, 7.0, 4.0 and 0.1.
_SECURITY_SEVERITIES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
    Severity.INFO: "0.1",
}
_BASE = "%SRCROOT%"


class SarifReport:
    """Stream the results; the rules and the run's account follow them, as the members of a JSON object have no order."""

    kind = "sarif"

    def write(self, findings: Iterable[Finding], summary: Summary, out: IO[str]) -> None:
        """Write one log with one run."""
        rules: dict[str, tuple[int, dict[str, Any]]] = {}
        written = left_out = 0
        out.write(f'{{"$schema":{_json(_SCHEMA)},"version":"2.1.0","runs":[{{"results":[')
        for finding in findings:
            if written == MOST_RESULTS:
                left_out += 1
                continue
            if finding.rule_id not in rules:
                rules[finding.rule_id] = len(rules), _rule(finding)
            out.write(("," if written else "") + "\n" + _json(_result(finding, rules[finding.rule_id][0])))
            written += 1
        out.write("\n]")
        for name, value in _account(summary, [rule for _, rule in rules.values()], written, left_out):
            out.write(f",\n{_json(name)}:{_json(value)}")
        out.write("}]}\n")


def _json(value: object) -> str:
    """Write compact ASCII JSON."""
    return json.dumps(value, separators=(",", ":"))


def _rule(finding: Finding) -> dict[str, Any]:
    """Describe the rule of a finding."""
    title = printable(finding.title)
    return {
        "id": finding.rule_id,
        "name": title,
        "shortDescription": {"text": title},
        "fullDescription": {"text": f"{title}. An attacker gets: {printable(finding.gains)}"},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {
            "tags": ["security", "secret", finding.kind],
            "security-severity": _SECURITY_SEVERITIES[finding.severity],
        },
    }


def _result(finding: Finding, rule_index: int) -> dict[str, Any]:
    """Describe one finding."""
    where = place(finding.table, finding.column, finding.path)
    if finding.collapsed:
        what = f"{finding.title}: the whole column {where}, about {counted(finding.distinct, 'secret')}"
    else:
        what = f"{finding.title} in {where}: {evidence_words(finding.evidence)}"
    seen = f"seen {counted(finding.occurrences, 'time')}, confidence {finding.confidence.label}"
    shown = finding.exposures[:MOST_LOCATIONS]
    return {
        "ruleId": finding.rule_id,
        "ruleIndex": rule_index,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{printable(what)}; {seen}.\n{printable_lines(finding.remedy)}"},
        "locations": [_location(finding, exposure) for exposure in shown] or [{"logicalLocations": [_logical(finding)]}],
        "occurrenceCount": max(finding.occurrences, 1),
        "partialFingerprints": {
            "auditorFindingId/v1": finding.finding_id,
            "auditorSecretId/v1": finding.secret_id,
            # The only one that GitHub reads: without it an alert is told from another by its row, which moves.
            "primaryLocationLineHash": f"{finding.finding_id}:1",
        },
        "suppressions": []
        if finding.suppressed is None
        else [{"kind": "external", "status": "accepted", "justification": printable(finding.suppressed)}],
        "properties": {
            "severity": finding.severity.label,
            "confidence": finding.confidence.label,
            "kind": finding.kind,
            "policyId": finding.policy_id,
            "collapsed": finding.collapsed,
            "distinct": finding.distinct,
            "exposuresTotal": finding.exposures_total,
            "firstSeen": finding.first_seen,
            "lastSeen": finding.last_seen,
            "evidence": {
                "redacted": finding.evidence.redacted,
                "length": finding.evidence.length,
                "alphabet": finding.evidence.alphabet,
                "decodedBy": list(finding.evidence.decoded_by),
                "heldBy": list(finding.evidence.held_by),
            },
        },
    }


def _location(finding: Finding, exposure: Exposure) -> dict[str, Any]:
    """Describe where a secret was seen: file and record, and its place in the database."""
    return {
        "physicalLocation": {"artifactLocation": _artifact(exposure.uri), "region": {"startLine": max(exposure.row, 1)}},
        "logicalLocations": [_logical(finding)],
        "properties": {
            "part": exposure.part,
            "rowKey": exposure.row_key,
            "updated": exposure.updated,
            "count": exposure.count,
            "pastValue": exposure.part == "before",
        },
    }


def _logical(finding: Finding) -> dict[str, str]:
    """Name the place in the database."""
    name = f"{finding.column} {finding.path}".strip() or finding.table or "unknown"
    return {"name": printable(name), "fullyQualifiedName": place(finding.table, finding.column, finding.path), "kind": "member"}


def _artifact(uri: str) -> dict[str, str]:
    """Write an input as a URI reference: relative to the folder where the audit ran, if it lies in it."""
    if "://" in uri:
        return {"uri": quote(uri, safe="/:?#[]@!$&'()*+,;=%~", errors="replace")}
    path = PurePath(uri)
    if path.is_absolute():
        here = PurePath(os.path.realpath("."))
        if not path.is_relative_to(here):
            return {"uri": "file://" + quote(path.as_posix(), safe="/:~", errors="replace")}
        path = path.relative_to(here)
    # A colon in the first segment would make it a scheme (RFC 3986, 4.2), so it is encoded.
    return {"uri": quote(path.as_posix(), safe="/~", errors="replace"), "uriBaseId": _BASE}


def _account(summary: Summary, rules: list[dict[str, Any]], written: int, left_out: int) -> Iterator[tuple[str, Any]]:
    """Yield the members of the run that follow its results."""
    yield (
        "tool",
        {
            "driver": {
                "name": "auditor",
                "version": summary.tool_version,
                "rules": rules,
                "properties": {"rulesDigest": summary.rules_digest},
            }
        },
    )
    yield (
        "invocations",
        [
            {
                "executionSuccessful": summary.exit_code in (0, 1) and not summary.partial,
                "exitCode": summary.exit_code,
                "exitCodeDescription": exit_meaning(summary.exit_code, summary.fail_on),
                "startTimeUtc": _utc(summary.started_at),
                "endTimeUtc": _utc(summary.finished_at),
                "toolExecutionNotifications": list(_notifications(summary, written, left_out)),
            }
        ],
    )
    yield "automationDetails", {"id": "auditor/", "description": {"text": "Raw tokens in what leaves CockroachDB"}}
    yield "originalUriBaseIds", {_BASE: {"description": {"text": "The folder in which the audit was started."}}}
    yield "columnKind", "unicodeCodePoints"
    yield (
        "properties",
        {
            "keyId": summary.key_id,
            "inputs": summary.inputs,
            "rows": summary.rows,
            "bytes": summary.bytes,
            "findings": summary.findings,
            "occurrences": summary.occurrences,
            "suppressed": summary.suppressed,
            "bySeverity": dict(summary.by_severity),
            "resultsWritten": written,
            "resultsLeftOut": left_out,
            "gaps": summary.gaps_total,
            "partial": summary.partial,
        },
    )


def _utc(text: str) -> str:
    """Write an ISO 8601 time as SARIF takes it: UTC, ended by Z (section 3.9)."""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _notifications(summary: Summary, written: int, left_out: int) -> Iterator[dict[str, Any]]:
    """Yield what a reader of the results alone would not know: the verdict, what is missing here, and what was not scanned."""
    yield _notification("note", verdict(summary))
    if left_out:
        text = f"This report holds the first {counted(written, 'result')}; {left_out:,} more are in a jsonl or csv report."
        yield _notification("warning", text)
    for gap in summary.gaps[:MOST_GAPS]:
        yield _notification("warning", f"Not scanned: {printable(gap.reason)}", gap)
    further = summary.gaps_total - min(len(summary.gaps), MOST_GAPS)
    if further:
        yield _notification("warning", f"Not scanned: {counted(further, 'further gap')}, see a jsonl report.")


def _notification(level: str, text: str, gap: Gap | None = None) -> dict[str, Any]:
    """Describe one notification, with the place of a gap."""
    notification: dict[str, Any] = {"level": level, "message": {"text": text}}
    if gap is not None:
        physical: dict[str, Any] = {"artifactLocation": _artifact(gap.uri)}
        if gap.row:
            physical["region"] = {"startLine": gap.row}
        notification["locations"] = [{"physicalLocation": physical}]
    return notification


REPORT: Report = SarifReport()
