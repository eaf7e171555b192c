"""The state summed up as a run is: what was read through all feeds so far, what was found, what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from auditor import __version__
from auditor.model import Confidence, Finding, Note, Severity, Summary, TableCoverage
from auditor.state import coverage
from auditor.state.database import Database

_MOST_GAPS = 10_000


def summary_of_state(
    database: Database,
    findings: Iterable[Finding],
    *,
    key_id: str,
    rules_digest: str,
    times: tuple[str, str],
    fail_on: Severity,
    failed: Sequence[str],
    interrupted: bool,
) -> Summary:
    """Sum up; ``times`` are the start and the end. The exit code is what a scan of the same rows would end with."""
    by_severity: Counter[Severity] = Counter()
    by_table_rule: Counter[tuple[str, str]] = Counter()
    found = occurrences = suppressed = 0
    worst: Severity | None = None
    for finding in findings:
        if finding.suppressed is not None:
            suppressed += 1
            continue
        found += 1
        occurrences += finding.occurrences
        by_severity[finding.severity] += 1
        by_table_rule[finding.table, finding.rule_id] += 1
        if finding.confidence is not Confidence.LOW and (worst is None or finding.severity > worst):
            worst = finding.severity
    covered = coverage.tables(database)
    gaps, gaps_total = coverage.gaps(database, _MOST_GAPS)
    tables: dict[str, TableCoverage] = {}
    for each in covered:
        known = tables.get(each.table)
        tables[each.table] = TableCoverage(
            each.table,
            len({one.feed for one in covered if one.table == each.table}),
            each.rows + (known.rows if known else 0),
            each.bytes + (known.bytes if known else 0),
            {"*": ""},
        )
    marks = coverage.watermarks(database)
    exit_code = 3 if failed else 1 if worst is not None and worst >= fail_on else 4 if gaps_total else 0
    return Summary(
        tool_version=__version__,
        key_id=key_id,
        rules_digest=rules_digest,
        started_at=times[0],
        finished_at=times[1],
        inputs=len({each.feed for each in covered}),
        rows=sum(each.rows for each in covered),
        bytes=sum(each.bytes for each in covered),
        findings=found,
        occurrences=occurrences,
        suppressed=suppressed,
        by_severity={level.label: by_severity[level] for level in reversed(Severity)},
        by_table_rule=dict(sorted(by_table_rule.items())),
        tables=[tables[name] for name in sorted(tables)],
        formats={},
        gaps=[gap for _, _, gap, _ in reversed(gaps)],
        gaps_total=gaps_total,
        notes=[Note(feed, text) for feed, text, _ in coverage.notes(database)],
        resolved={f"{feed} {table}": str(mark) for (feed, table), mark in sorted(marks.items()) if mark is not None},
        reconciled=[],
        unused_baseline=[],
        fail_on=fail_on.label,
        exit_code=exit_code,
        partial="; ".join([*(["interrupted"] if interrupted else []), *failed]),
    )
