"""
The traps of each kind of feed: what leaves, or does not, against what its statement seems to say.

Facts: CockroachDB docs "Change Data Capture Queries", "Row-Level Security" (it does not apply to changefeeds), "Changefeed
Message Envelopes", "Changefeeds on Tables with Column Families", "CREATE CHANGEFEED".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditor.egress import remedy
from auditor.egress.exits import Exit
from auditor.egress.finding import EgressFinding
from auditor.egress.leaving import Going, Leaving, has_before, watched_columns
from auditor.model import Severity
from auditor.sql_quoting import table_name


def traps(way: Exit, going: Going, sent: Sequence[Leaving]) -> Iterator[EgressFinding]:
    """Yield what surprises people about a table's feed."""
    table = going.table
    if way.query is not None and way.kind != "export":
        yield from _previous(way, going, sent)
    if table is not None and table.row_level_security and way.kind not in ("export", "connector"):
        message = f"row-level security of {going.name} does not filter this feed: rows leave that its readers may not see"
        yield EgressFinding("row-level-security", Severity.MEDIUM, way, message, remedy.without_table(way, going), going.name)
    if way.option("envelope") == "key_only":
        keys = ", ".join(table.primary_key) if table and table.primary_key else "the primary key"
        message = f"key_only leaves the values out, and still sends {keys} of {going.name}, of every deleted row too"
        yield EgressFinding("key-only", Severity.INFO, way, message, remedy.new_key(going), going.name)
    header = str(way.options.get("headers_json_column_name") or "")
    if header:
        message = f"{going.name}.{header} leaves in the headers of every message, where readers of values do not see it"
        fix = remedy.without_options(way, "headers_json_column_name")
        yield EgressFinding("column-in-headers", Severity.LOW, way, message, fix, going.name, header)
    if way.option("envelope") == "row":
        message = (
            "envelope row mixes columns with metadata (__crdb__), and a deletion is an empty message: prefer wrapped or bare"
        )
        yield EgressFinding("envelope-row", Severity.INFO, way, message, remedy.without_options(way, "envelope"), going.name)
    if table is not None:
        yield from _unwatched(way, going)


def _previous(way: Exit, going: Going, sent: Sequence[Leaving]) -> Iterator[EgressFinding]:
    """Yield the columns that a CDC query leaves out of `after`, and that leave in `before`."""
    assert way.query is not None
    after = {each.column for each in sent if each.part == "after" and not each.one_way}
    before = {each.column for each in sent if each.part == "before" and not each.one_way} - after
    whole = has_before(way) and (going.table is None or bool(before))
    selected = any(reading.previous and reading.column == "*" and not reading.one_way for _, reading in way.query.reading(()))
    if whole or (selected and (before or going.table is None)):
        listed = ", ".join(sorted(before - {"*"})) or "columns that the query leaves out"
        reason = (
            "with diff, before is the whole previous row, whatever is selected" if whole else "cdc_prev is the whole previous row"
        )
        message = f"{reason}: {listed} of {going.name} leave in it"
        fix = (
            remedy.without_columns(way, going, sorted(before - {"*"})) if before - {"*"} else remedy.without_options(way, "diff")
        )
        yield EgressFinding("before-ignores-projection", Severity.MEDIUM, way, message, fix, going.name)


def _unwatched(way: Exit, going: Going) -> Iterator[EgressFinding]:
    """Yield what of a table its feed does not show, and an audit of the feed cannot see."""
    table = going.table
    assert table is not None
    virtual = [column for column in table.columns if column.computed == "virtual" and not column.hidden]
    whole = way.query is None or way.query.open_ended
    if virtual and whole and way.kind in ("changefeed", "schedule"):
        listed = ", ".join(f"{column.name} AS ({column.expression})" for column in virtual)
        message = f"virtual columns of {going.name} are never sent, the columns that they are computed from are: {listed}"
        yield EgressFinding("virtual-column", Severity.INFO, way, message, "", going.name)
    if len(table.families) < 2 or way.kind not in ("changefeed", "schedule"):
        return
    if going.family:
        watched = {target.family for target in way.targets if target.table.rpartition(".")[2] == going.name.rpartition(".")[2]}
        others = sorted(set(table.families) - watched)
        if others:
            message = f"only family {going.family} of {going.name} is watched; nobody sees {', '.join(others)} through this feed"
            yield EgressFinding("unwatched-families", Severity.INFO, way, message, "", going.name)
    elif way.query is None and not way.has("split_column_families"):
        message = f"{going.name} has {len(table.families)} column families: give split_column_families, or FAMILY in the targets"
        yield EgressFinding("column-families", Severity.LOW, way, message, "", going.name)


def openness(way: Exit, goings: Sequence[Going]) -> Iterator[EgressFinding]:
    """Yield that columns and tables which do not exist yet will leave by themselves."""
    if way.kind not in ("changefeed", "schedule", "connector"):
        return
    if way.database and not way.targets and way.connector is None:
        message = f"every table that is added to {way.database} leaves by itself, with all of its columns"
        fix = "-- Name the tables instead:\n" + "\n".join(_named_feed(way, goings))
        yield EgressFinding("open-ended-database", Severity.MEDIUM, way, message, fix)
    elif way.connector is not None:
        if way.connector.included is None:
            message = "columns that are added later leave by themselves: there is no column.include.list"
            fix = "\n".join(
                f'"column.include.list": "{",".join(_pattern(going.name, column) for column in watched_columns(going))}"'
                for going in goings
                if going.table
            )
            yield EgressFinding("open-ended-columns", Severity.LOW, way, message, fix)
    elif (way.query is None or way.query.open_ended) and way.option("envelope") != "key_only":
        names = ", ".join(going.name for going in goings)
        message = f"columns that are added later to {names} leave by themselves"
        fixes = [remedy.without_columns(way, going, ()) for going in goings if going.table]
        fix = "-- Name the columns:\n" + "\n".join(fixes) if fixes else ""
        yield EgressFinding("open-ended-columns", Severity.LOW, way, message, fix)


def _pattern(table: str, column: str) -> str:
    """Return the expression for a column as Debezium names it, as a string of JSON holds it."""
    return "\\\\.".join([*table.split(".")[-2:], column])


def _named_feed(way: Exit, goings: Sequence[Going]) -> Iterator[str]:
    """Yield the statement of a feed of these tables."""
    tables = ", ".join(table_name(going.name) for going in goings) or "<tables>"
    into = "" if way.destination.family == "sql" else f" INTO '{remedy.sink_uri(way)}'"
    yield f"CREATE CHANGEFEED FOR TABLE {tables}{into}{remedy.written_options(way.options)};"
