"""
Ways out from what the server shows: SHOW CHANGEFEED JOBS, EXTERNAL CONNECTIONS, SCHEDULES, CREATE and STATEMENTS.

Rows are mappings of the columns that these statements return (CockroachDB docs, by their names); what an older server does not
have may be missing. `read_output` takes them as the CLI prints them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from auditor.decoders import result_sets
from auditor.egress.destination import Destination
from auditor.egress.exits import Exit, Target
from auditor.egress.sql import Reader, placed
from auditor.egress.statements import read_statements

Row = Mapping[str, str]

#: What tells a result, and which of its columns are wanted where the server has them.
_RESULTS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("job_id", "description"), ("status", "sink_uri", "full_table_names", "topics", "job_type")),
    (("connection_name", "connection_uri"), ()),
    (("connection_name", "create_statement"), ()),
    (("id", "label", "command"), ("schedule_status",)),
    (("schedule_id", "create_statement"), ()),
    (("schedule_id", "changefeed_stmt"), ("label", "status")),
    (("query_id", "query"), ()),
)
#: Jobs in these states send nothing more.
_ENDED = frozenset(("succeeded", "failed", "canceled", "cancelled", "reverting", "cancel-requested"))


def read_output(data: bytes, where: str = "") -> list[Exit] | None:
    """Return the ways out in a result that the CLI printed, in any of its forms; None if it is no such result."""
    for needed, more in _RESULTS:
        found = result_sets.rows(data, *needed)
        if found is None:
            continue
        rows = [dict(zip(needed, values, strict=True)) for values in found]
        for column in more:
            for row, value in zip(rows, result_sets.rows(data, column) or (), strict=False):
                row[column] = value[0]
        return list(exits_of(rows, where))
    return None


def exits_of(rows: Iterable[Row], where: str = "") -> Iterator[Exit]:
    """Yield the ways out that rows of a result tell of."""
    for number, row in enumerate(rows, 1):
        place = f"{where}: row {number}" if where else f"row {number}"
        for column, read in _READERS:
            if column in row:
                yield from (replace(one, where=place) for one in read(row))
                break


def _job(row: Row) -> Iterator[Exit]:
    """Read a changefeed job. Jobs of other kinds, and those that have ended, are passed over."""
    if row.get("job_type", "CHANGEFEED") not in ("CHANGEFEED", "", "NULL") or row.get("status", "") in _ENDED:
        return
    described = read_statements(row["description"])
    sink = row.get("sink_uri", "")
    named = tuple(Target(table) for table in _array(row.get("full_table_names", "")))
    if described:
        one = described[0]
        if one.query is None and named and not one.database:
            # The same tables under their full names; the families are in the statement alone.
            families = {target.table.rpartition(".")[2]: target.family for target in one.targets if target.family}
            one = replace(
                one, targets=tuple(Target(each.table, families.get(each.table.rpartition(".")[2], "")) for each in named)
            )
    elif named:
        one = Exit("changefeed", Destination.of(sink), targets=named)
    else:
        return
    if sink and one.destination.family in ("", "sql"):
        shown = Destination.of(sink)
        one = replace(one, destination=shown, secrets=tuple(sorted({*one.secrets, *shown.secrets})))
    yield replace(one, name=row["job_id"], status=row.get("status", ""))


def _connection(row: Row) -> Iterator[Exit]:
    """Read an external connection."""
    destination = Destination.of(row["connection_uri"])
    yield Exit("connection", destination, row["connection_name"], secrets=destination.secrets)


def _schedule(row: Row) -> Iterator[Exit]:
    """Read a schedule; those of backups and of the server itself are passed over."""
    for one in read_statements(_command(row["command"])):
        yield replace(one, kind="schedule", name=row["label"], status=row.get("schedule_status", "").lower())


def _command(text: str) -> str:
    """Return the statement of a schedule's command, which is JSON that holds it as ``..._statement``."""
    try:
        command = json.loads(text)
    except ValueError:
        return text
    if not isinstance(command, dict):
        return text
    return ";".join(value for name, value in command.items() if name.endswith("statement") and isinstance(value, str))


def _created(row: Row) -> Iterator[Exit]:
    """Read a statement that would make it again."""
    for one in read_statements(row["create_statement"]):
        if one.kind == "schedule" or "schedule_id" not in row:
            yield one


def _scheduled(row: Row) -> Iterator[Exit]:
    """Read what CREATE SCHEDULE answered."""
    for one in read_statements(row["changefeed_stmt"]):
        yield replace(one, kind="schedule", name=row.get("label") or row["schedule_id"], status=row.get("status", "").lower())


def _running(row: Row) -> Iterator[Exit]:
    """Read a statement that runs: an EXPORT, or a changefeed without a sink."""
    for one in read_statements(row["query"]):
        if one.kind == "export" or one.destination.family == "sql":
            yield replace(one, name=row["query_id"])


_READERS: tuple[tuple[str, Callable[[Row], Iterator[Exit]]], ...] = (
    ("description", _job),
    ("connection_uri", _connection),
    ("command", _schedule),
    ("changefeed_stmt", _scheduled),
    ("create_statement", _created),
    ("query", _running),
)


def _array(text: str) -> list[str]:
    r"""Return the names in an array of text: ``{movr.public.users,"movr.public.\"T\""}``, or a list with commas."""
    inner = re.sub(r"^ARRAY\[|^[{\[]|[}\]]$", "", text.strip())
    if not inner or inner == "NULL":
        return []
    pieces = re.findall(r'"((?:[^"\\]|\\.)*)"|([^,]+)', inner)
    return [_name(re.sub(r"\\(.)", r"\1", quoted) if quoted else plain.strip().strip("'")) for quoted, plain in pieces]


def _name(written: str) -> str:
    """Return a dotted name without the quotes of its parts."""
    return Reader(written, placed(written)).dotted() or written
