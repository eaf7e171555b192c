"""
Readers of every format, written apart from the writers: with orjson, csv, gzip, zstandard, pyarrow and regular expressions.

A reader yields (record number, records); a record has the columns that its format shows, by part.
"""

import csv
import gzip
import io
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow.parquet as pq
import zstandard

from auditor.decoders.parquet_footer import read_footer
from auditor.sample.tables import TABLES

COLUMNS = {table.name: table.names for table in TABLES}


class Record(NamedTuple):
    """One change as a format shows it. ``key`` is a list, a dict or None; ``text`` is set where the format has no columns."""

    table: str
    after: dict[str, Any] | None = None
    before: dict[str, Any] | None = None
    key: Any = None
    text: str = ""


def read(root: Path, name: str, layout: str) -> Iterator[tuple[int, list[Record]]]:
    """Read one file of a sample."""
    path = root / name
    if "parquet" in layout:
        return parquet(path, layout)
    if layout.startswith("audit-"):
        return audit(path, layout)
    raw = path.read_bytes()
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    if path.suffix == ".zst":
        raw = zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    text = raw.decode("utf-8")
    if layout == "csv" or layout.startswith("export-csv"):
        return exported(text, table_of(path, layout), layout)
    if layout.startswith("cli-"):
        return sinkless(text, layout)
    if layout.startswith("sql-"):
        return shell(text, path.parent.name, layout.removeprefix("sql-"))
    return messages(text, path, layout)


def table_of(path: Path, layout: str) -> str:
    """Take the table from a cloud storage file's name, an export's folder or a capture's name."""
    if layout.startswith("export-"):
        return path.parent.name
    match = re.fullmatch(
        r"\d{33}-[0-9a-f]{16}-\d+-\d+-[0-9a-f]{8}-(.+)-[0-9a-f]+\.(?:ndjson|csv|parquet)(?:\.gz|\.zst)?", path.name
    )
    return match[1].partition("+")[0] if match else path.name.partition(".")[0]


def messages(text: str, path: Path, layout: str) -> Iterator[tuple[int, list[Record]]]:
    """Read one JSON message a line, in any envelope."""
    lines = text.split("\n")
    assert lines.pop() == "", "the last line ends"
    for number, line in enumerate(lines, 1):
        message = orjson.loads(line)
        if set(message) == {"resolved"}:
            continue
        if layout.startswith("webhook"):
            assert message["length"] == len(message["payload"])
            yield number, [_message(entry, "") for entry in message["payload"]]
        elif layout in ("pubsub", "pubsub-older", "pulsar"):
            small = {name.lower(): value for name, value in message.items()}
            yield number, [_message(small["value"], small["topic"])._replace(key=small["key"])]
        else:
            yield number, [_message(message, table_of(path, layout))]


def _message(message: dict[str, Any], table: str) -> Record:
    if "payload" in message:
        assert message["schema"]["name"] == "cockroachdb.envelope"
        message = message["payload"]
    if "after" in message:
        source = message.get("source", {})
        return Record(
            message.get("topic") or source.get("table_name") or table, message["after"], message.get("before"), message.get("key")
        )
    columns = {name: value for name, value in message.items() if name != "__crdb__"}
    return Record(table, columns, None, message.get("__crdb__", {}).get("key"))


def exported(text: str, table: str, layout: str) -> Iterator[tuple[int, list[Record]]]:
    """Read csv without types: NULL is what the variant says."""
    null = {"export-csv-nullas": "\\N", "export-csv-pipe": "NULL", "csv": "NULL"}.get(layout, "")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="|" if layout == "export-csv-pipe" else ",", strict=True))
    if layout == "export-csv-header":
        assert tuple(rows.pop(0)) == COLUMNS[table]
    for number, row in enumerate(rows, 1):
        values = (None if value == null else value for value in row)
        yield number, [Record(table, dict(zip(COLUMNS[table], values, strict=True)))]


def parquet(path: Path, layout: str) -> Iterator[tuple[int, list[Record]]]:
    """Read Parquet; the DECIMAL annotation, which Arrow refuses, is taken off the footer first."""
    table = table_of(path, layout)
    with path.open("rb") as file:
        rows = pq.ParquetFile(file, metadata=read_footer(file)).read().to_pylist()
    for number, row in enumerate(rows, 1):
        before = row.get("__crdb__before")
        columns = {name: value for name, value in row.items() if not name.startswith("__crdb__")}
        yield number, [Record(table, columns, orjson.loads(before) if before else None)]


def sinkless(text: str, layout: str) -> Iterator[tuple[int, list[Record]]]:
    """Read table, key and value, both of them bytea."""
    if layout == "cli-ndjson":
        rows = [[row["table"], row["key"], row["value"]] for row in map(orjson.loads, text.splitlines())]
    else:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        assert rows.pop(0) == ["table", "key", "value"]
    for number, (table, key, value) in enumerate(rows, 1):
        if table == "NULL":
            assert "resolved" in orjson.loads(bytea(value))
            continue
        message = orjson.loads(bytea(value)) if value else {"after": None}
        yield number, [_message(message, table)._replace(key=orjson.loads(bytea(key)))]


def bytea(text: str) -> bytes:
    """Decode bytea's hex or escape form."""
    if text.startswith("\\x"):
        return bytes.fromhex(text[2:])
    return re.sub(rb"\\(\\|[0-7]{3})", lambda m: b"\\" if m[1] == b"\\" else bytes((int(m[1], 8),)), text.encode())


def shell(text: str, table: str, kind: str) -> Iterator[tuple[int, list[Record]]]:
    """Read what ``cockroach sql`` prints; all values are text, NULL is ``NULL``."""
    names = COLUMNS[table]
    if kind in ("csv", "tsv"):
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="," if kind == "csv" else "\t", strict=True))
        assert tuple(rows.pop(0)) == names
    elif kind in ("ndjson", "json"):
        objects = orjson.loads(text) if kind == "json" else [orjson.loads(line) for line in text.splitlines()]
        rows = [[row[name] for name in names] for row in objects]
    elif kind == "sql":
        assert text.startswith("CREATE TABLE results (\n")
        lines = [line for line in text.split("\n") if line.startswith("INSERT INTO results VALUES (")]
        assert text.endswith(f"-- {len(lines)} rows\n")
        rows = [literals(line) for line in lines]
    else:
        rows = list(_records(text) if kind == "records" else _table(text, len(names)))
    for number, row in enumerate(rows, 1):
        values = (None if value == "NULL" else value for value in row)
        yield number, [Record(table, dict(zip(names, values, strict=True)))]


def _records(text: str) -> Iterator[list[str]]:
    for block in re.split(r"^-\[ RECORD \d+ \]\n", text, flags=re.MULTILINE)[1:]:
        values: list[str] = []
        for line in block.split("\n")[:-1]:
            label, _, value = line.partition("| ")
            if label.strip():
                values.append(value)
            else:
                assert values[-1].endswith("+")
                values[-1] = values[-1][:-1] + "\n" + value
        yield values


def _table(text: str, count: int) -> Iterator[list[str]]:
    """Cut an aligned table at the places that its rule shows; a line whose first cell is blank goes on with the row above."""
    lines = text.split("\n")
    widths = [len(part) for part in lines[1].split("+")]
    assert len(widths) == count
    rows: list[list[list[str]]] = []
    for line in lines[2:-2]:
        cells = _cut(line, widths)
        if cells[0].strip():
            rows.append([[] for _ in cells])
        for cell, value in zip(rows[-1], cells, strict=True):
            cell.append(value)
    assert lines[-2] == f"({len(rows)} rows)"
    for row in rows:
        yield ["\n".join(cell).rstrip("\n ") for cell in row]


def _cut(line: str, widths: list[int]) -> list[str]:
    cells, place = [], 0
    for width in widths:
        cell, taken = "", 0
        while taken < width and place < len(line):
            cell += line[place]
            taken += places_of(line[place])
            place += 1
        place += 1
        cells.append(cell[1:].rstrip(" "))
    cells[0] = cells[0][1:]
    return cells


def places_of(letter: str) -> int:
    """Say how many places a letter takes on a terminal."""
    return 0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1


_LITERAL = re.compile(r"e'((?:[^'\\]|\\.)*)'|'((?:[^']|'')*)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|u[0-9A-F]{4}|U[0-9A-F]{8}|.)", re.DOTALL)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def literals(statement: str) -> list[str]:
    """Return the string literals of a statement, decoded."""
    return [unescaped(m[1]) if m[1] is not None else m[2].replace("''", "'") for m in _LITERAL.finditer(statement)]


def unescaped(text: str) -> str:
    """Decode the escapes of an ``e'...'`` literal."""
    return _ESCAPE.sub(lambda m: chr(int(m[1][1:], 16)) if m[1][0] in "xuU" and len(m[1]) > 1 else _SHORT.get(m[1], m[1]), text)


_ENTRY = re.compile(r"[IWEF]\d{6} \d\d:\d\d:\d\d\.\d{6} \d+ \d+@[^:]+:\d+ ⋮ \[[^\]]+\] (\d+) ([ =+|])(.*)")


def audit(path: Path, layout: str) -> Iterator[tuple[int, list[Record]]]:
    """Read a log; an entry's number is that of its first line."""
    lines = path.read_text("utf-8").split("\n")
    assert lines.pop() == ""
    if layout != "audit-crdb-v2":
        for number, line in enumerate(lines, 1):
            entry = orjson.loads(line.replace("‹", "").replace("›", ""))
            yield number, [Record("", text=entry["event"]["Statement"] if "event" in entry else entry["message"])]
        return
    entries: list[tuple[int, str, str]] = []
    for number, line in enumerate(lines, 1):
        match = _ENTRY.fullmatch(line)
        assert match, "every line has the prefix of the format"
        assert line.count("‹") == line.count("›"), "markers are closed on their line"
        payload = match[3].replace("‹", "").replace("›", "")
        if match[2] in " =":
            entries.append((number, match[2], payload))
        else:
            start, kind, text = entries[-1]
            entries[-1] = (start, kind, text + ("\n" if match[2] == "+" else "") + payload)
    for number, kind, text in entries:
        yield number, [Record("", text=orjson.loads(text)["Statement"] if kind == "=" else text)]
