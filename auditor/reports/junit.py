"""
JUnit XML for CI servers: one suite a table, one case a rule and place.

A case fails if and only if its findings make the exit code 1. What lies below the bar, is a guess, or was suppressed is a skipped
case that says so; a gap is an error. A table without findings has one case that passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO
from xml.sax.saxutils import escape, quoteattr

from auditor.model import Confidence, Finding, Severity, Summary
from auditor.protocols import Report
from auditor.reports.groups import Group, grouped
from auditor.reports.verdict import verdict
from auditor.reports.wording import counted, evidence_words, exposure_words, place, printable, printable_lines, seconds_between

#: Groups that become cases of their own; a suite cannot be written before its cases are counted.
MOST_CASES = 5_000
MOST_GAPS = 1_000
_MOST_EXPOSURES = 10


class JunitReport:
    """Hold at most 5,000 groups, then write suite after suite."""

    kind = "junit"

    def write(self, findings: Iterable[Finding], summary: Summary, out: IO[str]) -> None:
        """Write one document; every character of it is one that XML 1.0 allows."""
        bar = Severity.of(summary.fail_on)
        suites: dict[str, list[_Case]] = {}
        held = 0
        further_failures = further = 0
        for group in grouped(findings):
            if held == MOST_CASES:
                further += 1
                further_failures += group.fails(bar)
                continue
            held += 1
            suites.setdefault(group.first.table, []).append(_case(group, bar))
        for table in summary.tables:
            suites.setdefault(table.table, [_Case("no findings", f"{counted(table.rows, 'row')} scanned")])
        named = [(printable(table) or "(table unknown)", cases) for table, cases in sorted(suites.items())]
        if further:
            text = f"{counted(further, 'further group')} of findings: see a jsonl or csv report"
            named.append(
                ("further findings", [_Case("further findings", text, "failure" if further_failures else "skipped", text)])
            )
        named.append(("coverage", list(_coverage(summary))))
        _write(named, summary, out)


class _Case:
    """One test case; ``outcome`` is '' for one that passes, else its element: failure, error or skipped."""

    __slots__ = ("message", "name", "outcome", "text")

    def __init__(self, name: str, text: str, outcome: str = "", message: str = "") -> None:
        self.name, self.text, self.outcome, self.message = name, text, outcome, message

    def xml(self, suite: str) -> str:
        """Return its element."""
        open_tag = f"    <testcase classname={quoteattr(suite)} name={quoteattr(self.name)}"
        if not self.outcome:
            return f"{open_tag}><system-out>{escape(self.text)}</system-out></testcase>\n"
        kind = f" type={quoteattr(self.name)}" if self.outcome != "skipped" else ""
        inner = f"<{self.outcome} message={quoteattr(self.message)}{kind}>{escape(self.text)}</{self.outcome}>"
        return f"{open_tag}>{inner}</testcase>\n"


def _case(group: Group, bar: Severity) -> _Case:
    """Turn a group into a case."""
    first = group.first
    name = printable(f"{first.rule_id} in {f'{first.column} {first.path}'.strip() or 'the row'}")
    title = printable(first.title)
    counts = f"{first.severity.label}: {counted(group.findings, 'finding')}, {counted(group.occurrences, 'occurrence')}"
    lines = [
        f"{title} in {place(first.table, first.column, first.path)}",
        f"{counts}, confidence {group.confidence.label}" + (f", {group.suppressed:,} suppressed" if group.suppressed else ""),
        f"shape: {evidence_words(first.evidence)}",
        f"finding: {first.finding_id}",
        *(f"seen: {exposure_words(exposure)}" for exposure in first.exposures[:_MOST_EXPOSURES]),
        f"an attacker gets: {printable(first.gains)}",
        printable_lines(first.remedy),
    ]
    text = "\n".join(lines)
    if group.fails(bar):
        return _Case(name, text, "failure", f"{title}: {counts}")
    if not group.findings:
        return _Case(name, text, "skipped", f"suppressed: {printable(first.suppressed or '')}")
    why = "confidence low" if group.confidence is Confidence.LOW else f"below {bar.label}"
    return _Case(name, text, "skipped", f"{why}: {counts}")


def _coverage(summary: Summary) -> Iterator[_Case]:
    """Yield one case a gap, or one that passes."""
    if summary.partial:
        yield _Case("partial", verdict(summary), "error", printable(summary.partial))
    for gap in summary.gaps[:MOST_GAPS]:
        where = gap.uri + (f" row {gap.row}" if gap.row is not None else "") + (f" column {gap.column}" if gap.column else "")
        yield _Case(printable(where), printable(f"{where}: {gap.reason}"), "error", printable(gap.reason))
    further = summary.gaps_total - min(len(summary.gaps), MOST_GAPS)
    if further:
        text = f"{counted(further, 'further gap')}: see a jsonl report"
        yield _Case("further gaps", text, "error", text)
    if not summary.partial and not summary.gaps_total:
        yield _Case("everything was scanned", verdict(summary))


def _write(suites: list[tuple[str, list[_Case]]], summary: Summary, out: IO[str]) -> None:
    """Write the document. Names and texts are printable already, so nothing that XML forbids is left in them."""
    seconds = seconds_between(summary.started_at, summary.finished_at) or 0.0
    everything = [case for _, cases in suites for case in cases]
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(f'<testsuites name="auditor" {_counts(everything)} time="{seconds:.3f}">\n')
    for name, cases in suites:
        out.write(f"  <testsuite name={quoteattr(name)} {_counts(cases)} timestamp={quoteattr(summary.started_at)}>\n")
        out.writelines(case.xml(name) for case in cases)
        out.write("  </testsuite>\n")
    out.write("</testsuites>\n")


def _counts(cases: list[_Case]) -> str:
    """Return the counting attributes of a suite."""
    outcomes = [case.outcome for case in cases]
    return (
        f'tests="{len(cases)}" failures="{outcomes.count("failure")}" '
        f'errors="{outcomes.count("error")}" skipped="{outcomes.count("skipped")}"'
    )


REPORT: Report = JunitReport()
