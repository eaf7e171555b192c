"""The whole run in one line."""

from __future__ import annotations

from auditor.model import Severity, Summary
from auditor.reports.wording import byte_size, counted, exit_meaning, printable


def verdict(summary: Summary) -> str:
    """State findings by severity, what was read, gaps, and the exit code with its meaning."""
    by_severity = ", ".join(
        f"{summary.by_severity[level.label]:,} {level.label}"
        for level in reversed(Severity)
        if summary.by_severity.get(level.label)
    )
    found = counted(summary.findings, "finding")
    if by_severity:
        found += f" ({by_severity})"
    if summary.suppressed:
        found += f", {summary.suppressed:,} suppressed"
    read = f"{counted(summary.inputs, 'input')}, {counted(summary.rows, 'row')}, {byte_size(summary.bytes)}"
    gaps = counted(summary.gaps_total, "gap") if summary.gaps_total else "no gaps"
    partial = f"; PARTIAL: {printable(summary.partial)}" if summary.partial else ""
    meaning = exit_meaning(summary.exit_code, summary.fail_on)
    return f"{found} in {read}; {gaps}{partial}; exit {summary.exit_code}: {meaning}"
