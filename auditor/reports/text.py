"""The report for a person at a terminal: what was found, what to do, what was looked at, and one line that says it all."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import IO, cast

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.model import Finding, Severity, Summary
from auditor.protocols import Report
from auditor.reports.coverage import ColumnCoverage
from auditor.reports.groups import Group, grouped
from auditor.reports.verdict import verdict
from auditor.reports.wording import (
    byte_size,
    counted,
    evidence_words,
    exposure_words,
    place,
    printable,
    printable_lines,
    resolved_words,
    seconds_between,
    time_words,
)

#: Groups of findings in the tables, and distinct remedies below them: more is for the reports that are files.
MOST_GROUPS = 200
MOST_REMEDIES = 10
MOST_LINES = 20
_WIDTH_OF_FILE = 120
#: Narrower than this, the columns Rule, Evidence and First seen go under the place.
_WIDE = 100
_STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold yellow",
    Severity.LOW: "bold cyan",
    Severity.INFO: "bold",
}


class TextReport:
    """Colour and the terminal's width on a terminal; plain text elsewhere, or with ``NO_COLOR``."""

    kind = "text"

    def write(self, findings: Iterable[Finding], summary: Summary, out: IO[str]) -> None:
        """Write groups of findings, remedies and coverage; only the groups that are shown are held."""
        console = _console(out)
        _head(console, summary)
        shown: list[Group] = []
        further = hidden = 0
        for group in grouped(findings):
            if not group.findings:
                hidden += 1
            elif len(shown) < MOST_GROUPS:
                shown.append(group)
            else:
                further += 1
        for severity, groups in groupby(shown, key=lambda group: group.first.severity):
            _table(console, severity, list(groups), summary)
        if further:
            _line(console, f"{counted(further, 'further group')} of findings: see a jsonl, csv or html report", indent=2)
        if hidden:
            _line(console, f"{counted(hidden, 'group')} suppressed by the baseline: see a jsonl or html report", indent=2)
        _remedies(console, shown)
        _coverage(console, summary)
        console.print()
        console.print(Text(verdict(summary), style="bold"), soft_wrap=True)


class _Trimmed:
    """A file without the spaces with which rich fills lines up to the width."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out

    def write(self, text: str) -> int:
        """Write what rich renders: whole lines."""
        return self._out.write("\n".join(line.rstrip(" ") for line in text.split("\n")))

    def flush(self) -> None:
        """Flush the file."""
        self._out.flush()


def _console(out: IO[str]) -> Console:
    """Make a console that writes plain text unless ``out`` is a terminal that wants more."""
    terminal = out.isatty()
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return Console(
        file=out if terminal else cast("IO[str]", _Trimmed(out)),
        width=None if terminal else _WIDTH_OF_FILE,
        force_terminal=terminal,
        color_system="auto" if terminal and not plain else None,
        markup=False,
        emoji=False,
        highlight=False,
    )


def _line(console: Console, text: str, *, indent: int = 0, style: str = "") -> None:
    """Print one paragraph, wrapped and indented."""
    console.print(Padding(Text(text, style=style), (0, 0, 0, indent)))


def _head(console: Console, summary: Summary) -> None:
    """Say whose report this is."""
    seconds = seconds_between(summary.started_at, summary.finished_at)
    took = "" if seconds is None else f", took {seconds:,.1f} s"
    tool = f"auditor {summary.tool_version}, key {summary.key_id}, rules {summary.rules_digest}"
    _line(console, printable(f"{tool}, {time_words(summary.started_at)}{took}"), style="dim")
    if summary.partial:
        console.print()
        _line(console, f"PARTIAL: {printable(summary.partial)}", style="bold red")


def _table(console: Console, severity: Severity, groups: list[Group], summary: Summary) -> None:
    """Print the groups of one severity."""
    console.print()
    total = summary.by_severity.get(severity.label, 0)
    console.print(Text.assemble((f" {severity.label.upper()} ", _STYLES[severity]), f" {counted(total, 'finding')}"))
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), show_edge=False, pad_edge=True, expand=True, header_style="dim")
    wide = console.width >= _WIDE
    table.leading = 0 if wide else 1
    table.add_column("Place", ratio=6, overflow="fold")
    if wide:
        table.add_column("What", ratio=7, overflow="fold")
    table.add_column("Findings", justify="right", no_wrap=True)
    table.add_column("Seen", justify="right", no_wrap=True)
    if wide:
        table.add_column("First seen, and shape", ratio=8, overflow="fold")
    for group in groups:
        where, what, seen = _cells(group)
        counts = (Text(f"{group.findings:,}"), Text(f"{group.occurrences:,}"))
        if wide:
            table.add_row(where, what, *counts, seen)
        else:
            table.add_row(Text("\n").join((where, what, seen)), *counts)
    console.print(table)


def _cells(group: Group) -> tuple[Text, Text, Text]:
    """Return place, rule with evidence, and the first exposure of a group."""
    first = group.first
    where = Text(place(first.table, "", ""))
    where.append(f"\n{printable(f'{first.column} {first.path}'.strip())}" if first.column or first.path else "", style="bold")
    by = f"{first.rule_id} of {first.policy_id}" if first.policy_id else first.rule_id
    what = Text.assemble(printable(first.title), "\n", (printable(f"{by}, {group.confidence.label}"), "dim"))
    if first.collapsed:
        what.append(f"\nthe whole column: about {counted(first.distinct, 'secret')}", style="bold")
    if group.suppressed:
        what.append(f"\nand {group.suppressed:,} suppressed by the baseline", style="dim")
    seen = Text(exposure_words(first.exposures[0]) if first.exposures else "")
    if first.exposures_total > 1:
        seen.append(f", and {counted(first.exposures_total - 1, 'more exposure')}", style="dim")
    seen.append(f"\n{evidence_words(first.evidence)}", style="dim")
    return where, what, seen


def _remedies(console: Console, groups: list[Group]) -> None:
    """Print each remedy once, under the places that it is for."""
    places: dict[tuple[str, str], list[str]] = {}
    for group in groups:
        first = group.first
        where = f"{place(first.table, first.column, first.path)}, {printable(first.title)}"
        places.setdefault((first.gains, first.remedy), []).append(where)
    if not places:
        return
    console.print()
    _line(console, "What to do", style="bold underline")
    for number, ((gains, remedy), about) in enumerate(places.items()):
        console.print()
        if number == MOST_REMEDIES:
            further = counted(len(places) - number, "further remedy", "further remedies")
            _line(console, f"{further}: see a jsonl or html report", indent=2)
            return
        for where in about[:3]:
            _line(console, where, indent=2, style="bold")
        if len(about) > 3:
            _line(console, f"and {counted(len(about) - 3, 'other place')}", indent=2, style="bold")
        _line(console, f"An attacker gets: {printable(gains)}", indent=2, style="italic")
        for line in _rewrapped(printable_lines(remedy), console.width - 2):
            console.print(Text(f"  {line}"), soft_wrap=True)


def _rewrapped(remedy: str, width: int) -> Iterator[str]:
    """Fit the prose of a remedy to a width; its SQL, indented by four spaces, is left whole so that it can be pasted."""
    step: list[str] = []
    for line in [*remedy.split("\n"), ""]:
        sql = line.startswith("    ")
        if step and (sql or not line.startswith(" ")):
            yield from textwrap.wrap(" ".join(step), max(width, 20), subsequent_indent="   ", break_long_words=False)
            step = []
        if sql:
            yield line
        else:
            step.append(line.strip())


def _coverage(console: Console, summary: Summary) -> None:
    """Print what was read and what was not."""
    console.print()
    _line(console, "Coverage", style="bold underline")
    formats = ", ".join(f"{printable(name)} {count:,}" for name, count in summary.formats.items())
    read = f"{counted(summary.inputs, 'input')}, {counted(summary.rows, 'row')}, {byte_size(summary.bytes)}"
    _line(console, f"{read}; {formats}" if formats else read, indent=2)
    for table in summary.tables[:MOST_GROUPS]:
        columns = ColumnCoverage.of(table.columns)
        numbers = f"{counted(table.inputs, 'input')}, {counted(table.rows, 'row')}, {byte_size(table.bytes)}"
        _line(console, f"{printable(table.table) or '(table unknown)'}: {numbers}, scanned {columns.words()}", indent=2)
        for words in columns.other_words():
            _line(console, words, indent=6, style="dim")
    if len(summary.tables) > MOST_GROUPS:
        _line(console, f"and {counted(len(summary.tables) - MOST_GROUPS, 'other table')}", indent=2)
    _section(console, "Resolved to", _resolved(summary), len(summary.resolved))
    _section(console, "Not scanned", _gaps(summary), summary.gaps_total, style="yellow")
    _section(console, "Notes", (f"{printable(note.uri)}: {printable(note.text)}" for note in summary.notes), len(summary.notes))
    _section(console, "EXPORT's own account", _reconciled(summary), len(summary.reconciled))
    unused = summary.unused_baseline
    _section(console, "Baseline entries that met nothing (auditor baseline prune)", map(printable, unused), len(unused))


def _section(console: Console, title: str, lines: Iterable[str], total: int, *, style: str = "") -> None:
    """Print a list under its title and number, the first 20 lines of it."""
    if not total:
        return
    console.print()
    _line(console, f"{title}: {total:,}", indent=2, style=f"bold {style}")
    shown = 0
    for line in lines:
        if shown == MOST_LINES:
            break
        _line(console, line, indent=4)
        shown += 1
    if total > shown:
        _line(console, f"and {total - shown:,} more: see a jsonl or html report", indent=4)


def _resolved(summary: Summary) -> Iterator[str]:
    """Yield how far each folder of changefeed files is complete."""
    for folder, timestamp in summary.resolved.items():
        yield f"{printable(folder)}: {resolved_words(timestamp)}"


def _gaps(summary: Summary) -> Iterator[str]:
    """Yield what was not scanned, and why."""
    for gap in summary.gaps:
        where = gap.uri + (f" row {gap.row:,}" if gap.row is not None else "") + (f" column {gap.column}" if gap.column else "")
        size = f" ({byte_size(gap.bytes)})" if gap.bytes else ""
        yield printable(f"{where}: {gap.reason}{size}")


def _reconciled(summary: Summary) -> Iterator[str]:
    """Yield the files of EXPORT's result set, those that do not agree first."""
    for entry in sorted(summary.reconciled, key=lambda entry: entry.rows_read == entry.rows_stated):
        stated = f"{printable(entry.filename)}: {counted(entry.rows_stated, 'row')} exported"
        yield f"{stated}, {'the file was not given' if entry.rows_read is None else f'{entry.rows_read:,} read'}"


REPORT: Report = TextReport()
