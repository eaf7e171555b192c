"""
One self-contained page for people who decide: what was found, where, what to do, and what was looked at.

The page asks the network for nothing; its policy (CSP) allows its own style and script, by their hashes, and no more. Names from
data reach it as escaped text, or as JSON that the script puts into the page as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import IO, Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from auditor.model import Finding, Severity, Summary
from auditor.protocols import Report
from auditor.reports.chart import bars
from auditor.reports.coverage import ColumnCoverage
from auditor.reports.record import finding_record
from auditor.reports.wording import (
    byte_size,
    counted,
    exit_meaning,
    printable,
    printable_lines,
    resolved_words,
    seconds_between,
    time_words,
)

MOST_ROWS = 5_000
#: Exposures of a row; its ``exposures_total`` says how many there are.
MOST_EXPOSURES = 5
_MOST_TABLES = 300
_MOST_LINES = 200


class HtmlReport:
    """Hold at most 5,000 rows, already as JSON; count the rest."""

    kind = "html"

    def write(self, findings: Iterable[Finding], summary: Summary, out: IO[str]) -> None:
        """Write the page."""
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        template = environment.from_string(_resource("html.jinja"))
        rows = _Rows()
        for finding in findings:
            rows.add(finding)
        out.writelines(template.generate(_context(rows, summary)))


class _Rows:
    """The rows of the list as JSON, and what the chart must know of the rules."""

    def __init__(self) -> None:
        self.total = 0
        self.rules: dict[str, tuple[Severity, str]] = {}
        self.suppressed: set[str] = set()
        self._rows: list[str] = []
        self._remedies: dict[str, int] = {}
        self._gains: dict[str, int] = {}

    def __len__(self) -> int:
        """Return how many rows the list has."""
        return len(self._rows)

    def add(self, finding: Finding) -> None:
        """Take a finding into the list while there is room."""
        self.total += 1
        self.rules.setdefault(finding.rule_id, (finding.severity, finding.title))
        if finding.suppressed is not None:
            self.suppressed.add(finding.severity.label)
        if len(self._rows) == MOST_ROWS:
            return
        record: dict[str, Any] = {**finding_record(finding)}
        record["exposures"] = record["exposures"][:MOST_EXPOSURES]
        shown = _printable(record)
        shown["first_seen"], shown["last_seen"] = time_words(finding.first_seen), time_words(finding.last_seen)
        shown["remedy"] = self._remedies.setdefault(printable_lines(finding.remedy), len(self._remedies))
        shown["gains"] = self._gains.setdefault(printable(finding.gains), len(self._gains))
        self._rows.append(_json(shown))

    def data(self) -> Markup:
        """Return the script's data; texts that many rows share are there once."""
        rows = ",".join(self._rows)
        return Markup(f'{{"findings":[{rows}],"remedies":{_json(list(self._remedies))},"gains":{_json(list(self._gains))}}}')  # noqa: S704


def _printable(value: Any) -> Any:
    """Make every string of a JSON value printable."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {name: _printable(item) for name, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list) else value


def _json(value: object) -> str:
    """Write JSON in which nothing can end a script element or open a comment."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")


def _resource(name: str) -> str:
    """Read a file of this package."""
    return files("auditor.reports").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return how a content security policy names an inline style or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _context(rows: _Rows, summary: Summary) -> Mapping[str, object]:
    """Return what the template shows."""
    css, js = _resource("html.css"), _resource("html.js")
    chart = bars(summary.by_table_rule, rows.rules)
    seconds = seconds_between(summary.started_at, summary.finished_at)
    read = f"{counted(summary.inputs, 'input')}, {counted(summary.rows, 'row')}, {byte_size(summary.bytes)}"
    return {
        "policy": f"default-src 'none'; style-src {_hash(css)}; script-src {_hash(js)}; base-uri 'none'; form-action 'none'",
        "css": Markup(css),  # noqa: S704
        "js": Markup(js),  # noqa: S704
        "data": rows.data(),
        "summary": summary,
        "headline": _headline(summary),
        "tone": _tone(summary),
        "meaning": f"{exit_meaning(summary.exit_code, summary.fail_on).capitalize()}.",
        "partial": printable(summary.partial),
        "coverage_line": f"{_coverage_word(summary)}: {read}.",
        "started": time_words(summary.started_at),
        "took": "" if seconds is None else f"{seconds:,.1f} s",
        "tiles": [_tile(level, rows, summary) for level in reversed(Severity)],
        "facts": list(_facts(summary)),
        "bars": chart.bars,
        "bars_left_out": counted(chart.left_out, "table") if chart.left_out else "",
        "total": rows.total,
        "total_shown": f"{rows.total:,}",
        "rows_shown": f"{len(rows):,}",
        "left_out": rows.total - len(rows),
        "tables": list(_tables(summary)),
        "lists": list(_lists(summary)),
    }


def _headline(summary: Summary) -> str:
    """Say the result in a few words."""
    if not summary.findings:
        return "No raw tokens found"
    tables = len({table for table, _ in summary.by_table_rule})
    return f"{counted(summary.findings, 'finding')} in {counted(tables, 'table')}"


def _tone(summary: Summary) -> str:
    """Return the colours of the headline and of the line on coverage."""
    gappy = " gappy" if summary.gaps_total or summary.partial else ""
    if summary.exit_code in (0, 4) and not summary.findings:
        return ("unsure" if gappy else "good") + gappy
    return ("bad" if summary.exit_code in (1, 2, 3) else "unsure") + gappy


def _coverage_word(summary: Summary) -> str:
    """Say whether everything was scanned."""
    if not summary.gaps_total and not summary.partial:
        return "Everything was scanned"
    return f"Scanned with {counted(summary.gaps_total, 'gap')}" if summary.gaps_total else "Scanned in part"


def _tile(level: Severity, rows: _Rows, summary: Summary) -> dict[str, object]:
    """Describe the tile of a severity."""
    count = summary.by_severity.get(level.label, 0)
    return {"severity": level.label, "count": count, "shown": f"{count:,}", "suppressed": level.label in rows.suppressed}


def _facts(summary: Summary) -> Iterator[tuple[str, str]]:
    """Yield the numbers below the tiles."""
    yield "Occurrences", f"{summary.occurrences:,}"
    yield "Suppressed", f"{summary.suppressed:,}"
    yield "Inputs", f"{summary.inputs:,}"
    yield "Rows", f"{summary.rows:,}"
    yield "Read", byte_size(summary.bytes)
    if summary.formats:
        yield "Formats", ", ".join(f"{printable(name)} {count:,}" for name, count in summary.formats.items())
    yield "Gaps", f"{summary.gaps_total:,}"


def _tables(summary: Summary) -> Iterator[dict[str, object]]:
    """Yield the lines of the coverage table."""
    for table in summary.tables[:_MOST_TABLES]:
        columns = ColumnCoverage.of(table.columns)
        yield {
            "name": printable(table.table) or "(table unknown)",
            "inputs": f"{table.inputs:,}",
            "rows": f"{table.rows:,}",
            "size": byte_size(table.bytes),
            "scanned": columns.words(),
            "others": columns.other_words(),
        }


def _lists(summary: Summary) -> Iterator[dict[str, object]]:
    """Yield the lists below the coverage table, those that say what is missing first."""
    gaps = (
        (
            gap.uri + (f" row {gap.row:,}" if gap.row is not None else "") + (f" column {gap.column}" if gap.column else ""),
            gap.reason,
        )
        for gap in summary.gaps
    )
    yield from _list("What was not scanned", gaps, summary.gaps_total, tone="warn", name="gaps")
    disagreeing = sorted(summary.reconciled, key=lambda entry: entry.rows_read == entry.rows_stated)
    accounts = ((entry.filename, f"{entry.rows_stated:,} rows exported, " + _rows_read(entry.rows_read)) for entry in disagreeing)
    yield from _list("EXPORT's own account", accounts, len(disagreeing))
    resolved = ((folder, resolved_words(timestamp)) for folder, timestamp in summary.resolved.items())
    yield from _list("Resolved to", resolved, len(summary.resolved))
    yield from _list("Notes", ((note.uri, note.text) for note in summary.notes), len(summary.notes))
    unused = (tuple(entry.split(" ", 1)) if " " in entry else (entry, "") for entry in summary.unused_baseline)
    yield from _list("Baseline entries that met nothing", unused, len(summary.unused_baseline))
    more = len(summary.tables) - _MOST_TABLES
    if more > 0:
        yield from _list("Further tables", [("", f"{more:,} more tables: see a jsonl report")], more)


def _rows_read(rows: int | None) -> str:
    """Say how many rows of a file were read."""
    return "the file was not given" if rows is None else f"{rows:,} read"


def _list(
    title: str, lines: Iterable[tuple[str, ...]], total: int, *, tone: str = "", name: str = ""
) -> Iterator[dict[str, object]]:
    """Yield a list with its title, if it has a line; the first 200 of them."""
    if not total:
        return
    shown = [tuple(printable(part) for part in line) for line, _ in zip(lines, range(_MOST_LINES), strict=False)]
    left_out = total - len(shown)
    yield {
        "title": title,
        "total": f"{total:,}",
        "lines": shown,
        "left_out": f"{left_out:,}" if left_out else "",
        "tone": tone,
        "id": name,
    }


REPORT: Report = HtmlReport()
