"""
SQL audit logs: crdb-v2 with redaction markers, and the formats json and json-compact.

Every change is a ``sensitive_table_access`` event with its statement. Changes of the table logs are unstructured entries
instead, some over several lines. Facts: util/log/format_crdb_v2.go, format_json.go; docs, role-based-audit-logging.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.sample.changes import Change
from auditor.sample.encode.json_text import quoted
from auditor.sample.encode.moments import utc
from auditor.sample.encode.sql_text import value_literal
from auditor.sample.job import Account, Job, View
from auditor.sample.output import TextOutput
from auditor.sample.tables import TABLES, logs

_OPEN, _CLOSE = "‹", "›"
#: CockroachDB breaks an entry after 16,000 bytes; here after fewer, so that a small sample holds breaks inside tokens.
_LONGEST = 480
_EVENT_FILE, _TEXT_FILE = "util/log/event_log.go", "sql/conn_executor.go"


def write(job: Job, layout: str) -> None:
    """Write one log of all tables."""
    path = job.folder / "logs" / layout / "cockroach-sql-audit.crdb-1.root.2026-11-02T22_40_00Z.004711.log"
    events, messages = (Account(job, path, layout, View(statement=name)) for name in ("Statement", "message"))
    job.written.pop()
    line = 1
    with TextOutput(path) as out:
        for counter, change in enumerate(_in_turn(job), 1):
            text = _entry(layout, change, counter)
            out.write(text)
            (messages if change.table is logs.TABLE else events).saw(change, line)
            line += text.count("\n")
            if job.size is not None and out.reached(job.size):
                break


def _in_turn(job: Job) -> Iterator[Change]:
    for changes in zip(*(job.changes(table) for table in TABLES), strict=True):
        yield from (change for change in changes if change.op != "d")


def _entry(layout: str, change: Change, counter: int) -> str:
    structured = change.table is not logs.TABLE
    payload = _event(change, counter) if structured else _message(change)
    if layout == "audit-crdb-v2":
        return _crdb_v2(change, counter, payload, structured=structured)
    return _json(change, counter, payload, structured=structured, compact=layout == "audit-json-compact")


def _statement(change: Change) -> str:
    """Return the statement behind a change, with its literals."""
    table = change.table
    verb = "INSERT" if change.op == "c" else "UPSERT"
    values = ", ".join(value_literal(column, change.row[column.name]) for column in table.columns)
    return f'{verb} INTO "".""."{table.name}"({", ".join(table.names)}) VALUES ({values})'


def _event(change: Change, counter: int) -> str:
    """Return the members of a structured event."""
    members = {
        "Timestamp": change.wall,
        "EventType": "sensitive_table_access",
        "Statement": f"{_OPEN}{_statement(change)}{_CLOSE}",
        "User": f"{_OPEN}app{_CLOSE}",
        "DescriptorID": 104 + len(change.table.name),
        "ApplicationName": f"{_OPEN}checkout{_CLOSE}",
        "ExecMode": "exec",
        "NumRows": 1,
        "Age": counter % 40 + 1.25,
        "TxnCounter": counter,
        "TableName": f"{_OPEN}defaultdb.public.{change.table.name}{_CLOSE}",
        "AccessMode": "rw",
    }
    return ",".join(f'"{name}":{quoted(value) if isinstance(value, str) else value}' for name, value in members.items())


def _message(change: Change) -> str:
    """Return a text payload: a marked value never goes over a line break, it is closed and opened again."""
    text = "\n".join(str(change.row[name]) for name in ("message", "error") if change.row[name] is not None)
    request = value_literal(logs.TABLE.column("request"), change.row["request"])
    tags = value_literal(logs.TABLE.column("tags"), change.row["tags"])
    marked = "\n".join(f"{_OPEN}{line}{_CLOSE}" if line else "" for line in f"{text}\nrequest {request} tags {tags}".split("\n"))
    return f"statement failed: {marked}"


def _crdb_v2(change: Change, counter: int, payload: str, *, structured: bool) -> str:
    moment = utc(change.wall)
    source = f"8@{_EVENT_FILE}:32" if structured else f"7@{_TEXT_FILE}:2418"
    tags = f"[n1,client={_OPEN}10.0.3.7:49851{_CLOSE},hostssl,user={_OPEN}app{_CLOSE}]"
    prefix = f"I{moment:%y%m%d %H:%M:%S.%f} {1182 + counter % 7} {source} ⋮ {tags} {counter} "
    first, text = ("=", f"{{{payload}}}") if structured else (" ", payload)
    lines = []
    for number, line in enumerate(text.split("\n")):
        for place, piece in enumerate(_broken(line)):
            lines.append(f"{prefix}{'|' if place else '+' if number else first}{piece}\n")
    return "".join(lines)


def _broken(line: str) -> Iterator[str]:
    """Break a long line; inside a marked value the marker is closed before the break and opened after it."""
    piece: list[str] = []
    size, inside = 0, False
    for letter in line:
        if size >= _LONGEST:
            yield "".join(piece) + (_CLOSE if inside else "")
            piece, size = [_OPEN] if inside else [], 0
        inside = letter == _OPEN or (inside and letter != _CLOSE)
        piece.append(letter)
        size += 1 if letter.isascii() else len(letter.encode())
    yield "".join(piece)


def _json(change: Change, counter: int, payload: str, *, structured: bool, compact: bool) -> str:
    channel, name = (8, "SENSITIVE_ACCESS") if structured else (7, "SQL_EXEC")
    source, line = (_EVENT_FILE, 32) if structured else (_TEXT_FILE, 2418)
    moment = f"{change.wall // 1_000_000_000}.{change.wall % 1_000_000_000:09d}"
    address = f"{_OPEN}10.0.3.7:49851{_CLOSE}"
    tags = f'"tags":{{"n":"1","client":"{address}","hostssl":"","user":"{_OPEN}app{_CLOSE}"}}'
    body = f'"event":{{{payload}}}' if structured else f'"message":{quoted(payload)}'
    if compact:
        head = (
            f'"c":{channel},"t":"{moment}","s":1,"sev":"I","g":{1182 + counter % 7},"f":"{source}","l":{line},"n":{counter},"r":1'
        )
    else:
        head = (
            f'"channel_numeric":{channel},"channel":"{name}","timestamp":"{moment}","severity_numeric":1,"severity":"INFO",'
            f'"goroutine":{1182 + counter % 7},"file":"{source}","line":{line},"entry_counter":{counter},"redactable":1'
        )
    return f"{{{head},{tags},{body}}}\n"
