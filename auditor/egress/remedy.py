"""
What to do about a column that leaves: the same feed without it, EXCLUDE TABLES, a line for Debezium, a hash column.

All of it can be pasted. What is not known, or may not be shown, stands in angle brackets. Statements as in the CockroachDB docs:
"Change Data Capture Queries", "ALTER CHANGEFEED" (a CDC query cannot be altered: it is made anew), "Computed Columns".
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence

from auditor.egress.exits import Exit
from auditor.egress.leaving import Going, watched_columns
from auditor.egress.query import copied, hashed, whole_table
from auditor.egress.sql import placed
from auditor.sql_quoting import identifier, string_literal, table_name

#: Options that a CDC query cannot have, or that are set anew.
_NOT_WITH_QUERY = frozenset(
    ("cursor", "diff", "end_time", "initial_scan", "initial_scan_only", "no_initial_scan", "split_column_families")
)


def without_columns(way: Exit, going: Going, unwanted: Collection[str]) -> str:
    """Return how the table leaves through the same exit without these columns."""
    if way.connector is not None:
        return debezium_lines(way, going, sorted(unwanted))
    if way.kind == "export":
        return _export(way, going, unwanted)
    if going.table is not None and going.table.row_level_security:
        return f"-- CDC queries are refused on tables with row-level security: leave the table out.\n{without_table(way, going)}"
    return _changefeed(way, going, unwanted)


def _columns(going: Going) -> tuple[str, ...]:
    """Return the columns that a query may name, () if they are not known. Virtual ones have no value in a feed."""
    if going.table is None:
        return ()
    return tuple(name for name in watched_columns(going) if (c := going.table.column(name)) and c.computed != "virtual")


def _changefeed(way: Exit, going: Going, unwanted: Collection[str]) -> str:
    """Return a CDC query in place of a changefeed."""
    query = way.query or whole_table(going.name)
    kept = query.without(unwanted, _columns(going))
    if kept is None and going.table is not None and query.plain:
        return f"-- Nothing of it may leave: leave the table out.\n{without_table(way, going)}"
    select = kept.sql if kept else _every_column_but(unwanted, query.table)
    options = {name: value for name, value in way.options.items() if name not in _NOT_WITH_QUERY}
    if way.query is None:
        options.setdefault("envelope", "wrapped")  # what it was: a CDC query's rows are bare unless told otherwise
    lines = ["-- Without diff: before would carry the whole row all the same."] if "diff" in way.options else []
    if way.kind == "schedule":
        made = f"CREATE SCHEDULE {string_literal(way.name or 'feed')} FOR CHANGEFEED {_into(way)}{written_options(options)}"
        lines += [f"{made} AS {select} RECURRING '<crontab>';", f"DROP SCHEDULE <id of the schedule {way.name or 'before'}>;"]
        return "\n".join(lines)
    if way.option("initial_scan") == "only":
        options["initial_scan"] = "only"
    else:
        options["cursor"] = "<last resolved timestamp of the old feed>"
    into = f"{_into(way)} " if _into(way) else ""
    lines.append(f"CREATE CHANGEFEED {into}{written_options(options).lstrip()} AS {select};")
    if way.destination.family != "sql":
        lines.append(_closed(way, going, way.name if way.name.isdigit() else "<job id of the old feed>"))
    return "\n".join(lines)


def _every_column_but(unwanted: Collection[str], table: str) -> str:
    """Return a query of a table whose columns are not known."""
    return f"SELECT <every column but {', '.join(map(identifier, sorted(unwanted)))}> FROM {table_name(table)}"


def _closed(way: Exit, going: Going, job: str) -> str:
    """Return the statements that end a table's old feed: the job, or its part in one."""
    if way.database or len(way.targets) > 1:
        return f"PAUSE JOB {job};\n{_leave_out(way, going, job)}\nRESUME JOB {job};"
    return f"CANCEL JOB {job};"


def without_table(way: Exit, going: Going) -> str:
    """Return how a whole table is left out of an exit."""
    if way.connector is not None:
        listed = _pattern(going.name)
        return _line("table.exclude.list", ",".join((*way.connector.tables_excluded, listed)))
    if way.kind == "export":
        return "-- Delete what was exported, and leave this EXPORT out."
    if way.kind == "schedule":
        return f"DROP SCHEDULE <id of the schedule {way.name}>;"
    if way.destination.family == "sql":
        return database_feed(way, going) if way.database else "-- End the client that reads it."
    if way.database and not way.targets and not way.name:
        return database_feed(way, going)
    return _closed(way, going, way.name if way.name.isdigit() else "<job id>")


def database_feed(way: Exit, going: Going) -> str:
    """Return a database's feed without a table."""
    names = ", ".join(table_name(name) for name in (*way.excluded, going.name))
    into = f" {_into(way)}" if _into(way) else ""
    return (
        f"CREATE CHANGEFEED FOR DATABASE {identifier(way.database)} EXCLUDE TABLES {names}{into}{written_options(way.options)};"
    )


def _leave_out(way: Exit, going: Going, job: str) -> str:
    """Return the statement that takes a table out of a job that has others."""
    if way.database and not way.targets:
        names = ", ".join(table_name(name) for name in (*way.excluded, going.name))
        return f"ALTER CHANGEFEED {job} SET EXCLUDE TABLES {names};"
    return f"ALTER CHANGEFEED {job} DROP {table_name(going.name)};"


def _export(way: Exit, going: Going, unwanted: Collection[str]) -> str:
    """Return an EXPORT without columns."""
    assert way.query is not None
    columns = tuple(column.name for column in going.table.columns if not column.hidden) if going.table else ()
    kept = way.query.without(unwanted, columns)
    if kept is None and going.table is not None and way.query.plain:
        return without_table(way, going)
    options = {name: value for name, value in way.options.items() if name != "format"}
    form = way.option("format", "csv").upper()
    select = kept.sql if kept else _every_column_but(unwanted, going.name)
    return f"EXPORT INTO {form} {string_literal(sink_uri(way))}{written_options(options)} FROM {select};"


def _into(way: Exit) -> str:
    """Return the INTO clause, '' for a stream to a SQL client."""
    return "" if way.destination.family == "sql" else f"INTO {string_literal(sink_uri(way))}"


def sink_uri(way: Exit) -> str:
    """Return a sink's URI, if all of it may be shown."""
    shown = way.destination.shown.partition(" = ")[0]
    return "<sink URI>" if "..." in shown or shown.startswith("<") else shown


def written_options(options: Mapping[str, str | None]) -> str:
    """Write the options of a feed, '' if there are none."""
    if not options:
        return ""
    written = (name if value is None else f"{name} = {string_literal(value)}" for name, value in options.items())
    return f" WITH {', '.join(written)}"


def debezium_lines(way: Exit, going: Going, unwanted: Sequence[str]) -> str:
    """Return the lines of a connector's configuration that leave columns out, or hash them."""
    assert way.connector is not None
    names = [f"{_pattern(going.name)}\\.{re.escape(column)}" for column in unwanted]
    lines = [
        _line("column.exclude.list", ",".join((*way.connector.excluded, *names))),
        "or, to keep a digest in its place (the salt is a secret: take it from a config provider's file):",
        _line("column.mask.hash.v2.SHA-256.with.salt.<salt>", ",".join(names)),
    ]
    if way.connector.included is not None:
        kept = [pattern for pattern in way.connector.included if pattern not in names]
        lines[0] = _line("column.include.list", ",".join(kept)) + f"   (without {', '.join(unwanted)})"
    return "\n".join(lines)


def _pattern(table: str) -> str:
    r"""Return the expression for a table as Debezium names it: ``schema\.table``."""
    return "\\.".join(re.escape(part) for part in table.split(".")[-2:])


def _line(name: str, value: str) -> str:
    """Write one line of JSON."""
    return f"{json.dumps(name)}: {json.dumps(value)}"


def digest_instead(way: Exit, going: Going, column: str) -> str:
    """Return how a digest leaves in a column's place: selected in the query, or kept in a column of its own."""
    selected = f"-- Or select {hashed(column)} in its place; or keep the digest in a column of its own:"
    return hash_column(going, column) if way.connector is not None else f"{selected}\n{hash_column(going, column)}"


def hash_column(going: Going, column: str) -> str:
    """Return the statements that keep a digest beside a column, and check it."""
    known = going.table.column(column) if going.table else None
    kept = (
        [each for each in going.table.columns if each.computed and column not in copied(each.expression)] if going.table else []
    )
    if there := [each.name for each in kept if column in {token.name for token in placed(each.expression)}]:
        return f"-- {identifier(there[0])} holds its digest already."
    text = known is None or not known.type or bool(re.match(r"(?i)string|text|varchar|char|bytes|bytea|blob", known.type))
    value = identifier(column) if text else f"{identifier(column)}::STRING"
    taken = going.table.names if going.table else ()
    chosen = column + ("_hash" if f"{column}_hash" not in taken else "_sha256")
    table, name, check = table_name(going.name), identifier(chosen), identifier(f"{chosen}_is_sha256")
    return (
        f"ALTER TABLE {table} ADD COLUMN {name} STRING AS (sha256({value})) STORED;\n"
        f"ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({name} ~ '^[0-9a-f]{{64}}$');"
    )


def check_constraint(going: Going, column: str) -> str:
    """Return the constraint that keeps everything but a SHA-256 out of a column."""
    table, name = table_name(going.name), identifier(column)
    return f"ALTER TABLE {table} ADD CONSTRAINT {identifier(column + '_is_sha256')} CHECK ({name} ~ '^[0-9a-f]{{64}}$');"


def new_key(going: Going) -> str:
    """Return the statements that give a table a key that means nothing."""
    table = table_name(going.name)
    return (
        f"ALTER TABLE {table} ADD COLUMN id UUID NOT NULL DEFAULT gen_random_uuid();\n"
        f"ALTER TABLE {table} ALTER PRIMARY KEY USING COLUMNS (id);\n"
        f"SHOW INDEXES FROM {table};  -- the old key stays as a unique index: DROP INDEX {table}@<old key index> CASCADE;"
    )


def without_options(way: Exit, *names: str) -> str:
    """Return how options are taken off a feed."""
    if way.query is None and way.kind == "changefeed":
        job = way.name if way.name.isdigit() else "<job id>"
        return f"PAUSE JOB {job};\nALTER CHANGEFEED {job} UNSET {', '.join(names)};\nRESUME JOB {job};"
    options = {name: value for name, value in way.options.items() if name not in names}
    if way.query is None:
        return f"-- Make it again without {', '.join(names)}."
    if not way.has("initial_scan") and way.kind == "changefeed":
        options["cursor"] = "<last resolved timestamp of the old feed>"
    return f"CREATE CHANGEFEED {_into(way)}{written_options(options)} AS {way.query.sql};"
