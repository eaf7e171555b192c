"""
What ``cockroach sql`` prints for ``SELECT * FROM table``: csv, tsv, ndjson, json, sql, records and table.

Facts: clisqlexec/format_table.go and format_value.go. NULL is the text ``NULL``. ndjson and json hold strings alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence

from auditor.sample.changes import Change
from auditor.sample.encode import csv_text
from auditor.sample.encode.json_text import go_quoted
from auditor.sample.encode.sql_text import literal, shell_fields
from auditor.sample.job import Account, Job, View
from auditor.sample.output import TextOutput
from auditor.sample.sql_types import SqlType, Table
from auditor.sample.tables import TABLES

#: Text before the rows, text of a row (its 1-based number, its fields), text after the rows (their number).
_Printer = tuple[str, Callable[[int, list[str]], str], Callable[[int], str]]

_RIGHT = frozenset({SqlType.INT8, SqlType.FLOAT8})


def write(job: Job, layout: str) -> None:
    """Write one file a table."""
    kind = layout.removeprefix("sql-")
    for table in TABLES:
        path = job.folder / "shell" / layout / table.name / f"select.{_EXTENSIONS[kind]}"
        account, rows = Account(job, path, layout, View(positional=kind in ("csv", "tsv"))), 0
        opening, print_row, closing = _printer(kind, job, table)
        with TextOutput(path) as out:
            out.write(opening)
            for change in _limited(job, table):
                rows += 1
                out.write(print_row(rows, shell_fields(table, change.row)))
                account.saw(change, rows)
                if kind != "table" and job.size is not None and out.reached(job.size):
                    break
            out.write(closing(rows))
        account.close()


_EXTENSIONS = {"csv": "csv", "tsv": "tsv", "ndjson": "ndjson", "json": "json", "sql": "sql", "records": "txt", "table": "txt"}


def _limited(job: Job, table: Table) -> Iterator[Change]:
    """Yield the current rows; with ``size``, about as many as make up a table of that size, which cannot stop half-way."""
    if job.rows is not None:
        yield from job.current(table)
        return
    assert job.size is not None
    left = job.size
    for change in job.current(table):
        yield change
        left -= 200 + sum(len(field) for field in shell_fields(table, change.row))
        if left < 0:
            return


def _printer(kind: str, job: Job, table: Table) -> _Printer:
    if kind in ("csv", "tsv"):
        delimiter = "," if kind == "csv" else "\t"
        return (
            csv_text.record(table.names, delimiter),
            lambda _number, fields: csv_text.record(fields, delimiter),
            lambda _rows: "",
        )
    if kind == "sql":
        return _sql(table)
    if kind == "records":
        return "", _records(table.names), lambda _rows: ""
    if kind == "table":
        return _table(job, table)
    return _json(table.names, listed=kind == "json")


def _json(names: Sequence[str], *, listed: bool) -> _Printer:
    """Print objects as Go marshals a map: names sorted, no spaces."""
    order = sorted(range(len(names)), key=lambda place: names[place].encode())

    def row(number: int, fields: list[str]) -> str:
        text = "{" + ",".join(f"{go_quoted(names[place])}:{go_quoted(fields[place])}" for place in order) + "}"
        if listed:
            return ("\n  " if number == 1 else ",\n  ") + text
        return text if number == 1 else "\n" + text

    return ("[" if listed else ""), row, lambda _rows: "\n]\n" if listed else "\n"


def _sql(table: Table) -> _Printer:
    columns = ",\n".join(f"  {name} STRING" for name in table.names)
    return (
        f"CREATE TABLE results (\n{columns}\n);\n\n",
        lambda _number, fields: "".join(("INSERT INTO results VALUES (", ", ".join(map(literal, fields)), ");\n")),
        lambda rows: f"-- {_counted(rows)}\n",
    )


def _records(names: Sequence[str]) -> Callable[[int, list[str]], str]:
    width = max(map(len, names))

    def row(number: int, fields: list[str]) -> str:
        lines = [f"-[ RECORD {number} ]"]
        for name, field in zip(names, fields, strict=True):
            values = field.split("\n")
            for place, value in enumerate(values):
                label, more = name if place == 0 else "", "+" if place < len(values) - 1 else ""
                lines.append(f"{label:<{width}} | {value}{more}")
        return "\n".join(lines) + "\n"

    return row


def _table(job: Job, table: Table) -> _Printer:
    """
    Print an aligned table. The shell holds all rows to measure them; here they are made twice instead.

    A value of several lines goes on in the same column of the lines below, with the other columns blank.
    """
    widths = [len(name) for name in table.names]
    for change in _limited(job, table):
        for place, field in enumerate(shell_fields(table, change.row)):
            widths[place] = max(widths[place], *(_width(line) for line in _expanded(field).split("\n")))
    last = len(widths) - 1
    header = "|".join(_centred(name, width) for name, width in zip(table.names, widths, strict=True))
    rule = "+".join("-" * (width + 2 + (place in (0, last)) + (last == 0)) for place, width in enumerate(widths))
    right = [column.type in _RIGHT for column in table.columns]
    middle = [column.type is SqlType.BOOL for column in table.columns]

    def row(_number: int, fields: list[str]) -> str:
        cells = [_expanded(field).split("\n") for field in fields]
        lines = []
        for line in range(max(map(len, cells))):
            parts = []
            for place, cell in enumerate(cells):
                text = cell[line] if line < len(cell) else ""
                gap = widths[place] - _width(text)
                before = gap if right[place] else gap // 2 if middle[place] else 0
                parts.append(f" {' ' * before}{text}{' ' * (gap - before)} ")
            lines.append((" " + "|".join(parts)).rstrip(" ") + "\n")
        return "".join(lines)

    return f" {header}".rstrip(" ") + f"\n{rule}\n", row, lambda rows: f"({_counted(rows)})\n"


def _expanded(text: str) -> str:
    """Replace tabs by spaces, as the shell's tab writer does."""
    return text.replace("\t", "    ")


def _centred(name: str, width: int) -> str:
    gap = width - len(name)
    return f" {' ' * (gap // 2)}{name}{' ' * (gap - gap // 2)} "


def _width(text: str) -> int:
    """Return how many places a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text
    )


def _counted(rows: int) -> str:
    return f"{rows} row{'' if rows == 1 else 's'}"
