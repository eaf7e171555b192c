"""The numbers of a chart of findings by table and rule: one bar a table, one part a rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from auditor.model import Severity
from auditor.reports.wording import counted, printable

MOST_BARS = 12
#: Rules of a bar, the last of which may stand for several.
MOST_PARTS = 8


class Part(NamedTuple):
    """One rule's part of a bar; ``x`` and ``width`` are per cent of the longest bar."""

    title: str
    severity: str
    shown: str
    x: str
    width: str


class Bar(NamedTuple):
    """One table's bar; ``label`` says all of it in words."""

    table: str
    shown: str
    label: str
    parts: list[Part]


class Chart(NamedTuple):
    """The bars, longest first, and how many tables have none."""

    bars: list[Bar]
    left_out: int


def bars(counts: Mapping[tuple[str, str], int], rules: Mapping[str, tuple[Severity, str]]) -> Chart:
    """
    Draw the findings of each (table, rule).

    ``rules`` gives a rule's severity and title. Within a bar the gravest rule comes first.
    """
    tables: dict[str, list[tuple[Severity, str, int]]] = {}
    for (table, rule_id), count in counts.items():
        severity, title = rules.get(rule_id, (Severity.INFO, rule_id))
        tables.setdefault(table, []).append((severity, title, count))
    totals = sorted(
        ((sum(count for *_, count in parts), table) for table, parts in tables.items()), key=lambda item: (-item[0], item[1])
    )
    longest = totals[0][0] if totals else 1
    drawn = [_bar(table, total, tables[table], longest) for total, table in totals[:MOST_BARS]]
    return Chart(drawn, len(totals) - len(drawn))


def _bar(table: str, total: int, rules: list[tuple[Severity, str, int]], longest: int) -> Bar:
    """Draw one table."""
    ranked = sorted(rules, key=lambda rule: (-rule[0], -rule[2], rule[1]))
    if len(ranked) > MOST_PARTS:
        rest = ranked[MOST_PARTS - 1 :]
        ranked[MOST_PARTS - 1 :] = [(rest[0][0], counted(len(rest), "other rule"), sum(count for *_, count in rest))]
    name = printable(table) or "(table unknown)"
    parts: list[Part] = []
    before = 0
    for severity, title, count in ranked:
        x, width = before / longest * 100, count / longest * 100
        parts.append(Part(printable(title), severity.label, f"{count:,}", f"{x:.3f}", f"{width:.3f}"))
        before += count
    label = f"{name}: {counted(total, 'finding')}; " + ", ".join(f"{part.title} {part.shown}" for part in parts)
    return Bar(name, f"{total:,}", label, parts)
