"""
The schema and the ways out of a running cluster, by statements that change nothing.

Only what the user may see is found: `Inventory.unseen` says what could not be looked at, and which right it needs. Columns and
statements as in the CockroachDB docs ("information_schema", "SHOW JOBS", "SHOW EXTERNAL CONNECTION", "SHOW SCHEDULES", "SHOW
STATEMENTS"); ``pg_catalog`` for keys, comments and constraints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from auditor.egress.exits import Exit
from auditor.egress.outputs import exits_of
from auditor.egress.schema import Column, Computed, Schema, Table
from auditor.errors import AuditorError

Values = Sequence[tuple[object, ...]]


class Catalogue(Protocol):
    """Answers statements that change nothing."""

    def rows(self, statement: str) -> Values:
        """Return the rows of a statement. Raise `AuditorError` if the server refuses it."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The ways out that were found, and what could not be looked at."""

    ways: tuple[Exit, ...]
    unseen: tuple[str, ...]


_SYSTEM = "('pg_catalog', 'information_schema', 'crdb_internal', 'pg_extension')"
_COLUMNS = f"""
SELECT n.nspname, c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated,
       col_description(c.oid, a.attnum), obj_description(c.oid, 'pg_class')
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname NOT IN {_SYSTEM}
 ORDER BY n.nspname, c.relname, a.attnum
"""
_HIDDEN = f"""
SELECT table_schema, table_name, column_name FROM information_schema.columns
 WHERE is_hidden = 'YES' AND table_schema NOT IN {_SYSTEM}
"""
_EXPRESSIONS = f"""
SELECT table_schema, table_name, column_name, generation_expression FROM information_schema.columns
 WHERE generation_expression <> '' AND table_schema NOT IN {_SYSTEM}
"""
_CONSTRAINTS = f"""
SELECT n.nspname, c.relname, k.contype, pg_get_constraintdef(k.oid), array_to_string(k.conkey, ','), k.conname
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype IN ('p', 'c') AND n.nspname NOT IN {_SYSTEM}
 ORDER BY n.nspname, c.relname, k.conname
"""
_ROW_SECURITY = f"""
SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relrowsecurity AND n.nspname NOT IN {_SYSTEM}
"""


def schema_of(catalogue: Catalogue) -> Schema:
    """Return the tables of the database that the connection is in, by their full names."""
    database = str(catalogue.rows("SELECT current_database()")[0][0])
    hidden = {tuple(map(str, row)) for row in _tried(catalogue, _HIDDEN)}
    secured = {tuple(map(str, row)) for row in _tried(catalogue, _ROW_SECURITY)}
    expressions = {tuple(map(str, row[:3])): str(row[3]) for row in catalogue.rows(_EXPRESSIONS)}
    checks: dict[tuple[str, str], list[tuple[str, frozenset[int]]]] = {}
    keys: dict[tuple[str, str], list[int]] = {}
    for schema, table, kind, definition, numbers, _ in catalogue.rows(_CONSTRAINTS):
        places = [int(number) for number in str(numbers or "").split(",") if number]
        if _letter(kind) == "p":
            keys[str(schema), str(table)] = places
        else:
            checks.setdefault((str(schema), str(table)), []).append((str(definition), frozenset(places)))
    tables: dict[tuple[str, str], Table] = {}
    names: dict[tuple[tuple[str, str], int], str] = {}
    for schema, name, at, column, kind, needed, generated, comment, about in catalogue.rows(_COLUMNS):
        place, number = (str(schema), str(name)), int(str(at))
        computed: Computed = {"s": "stored", "v": "virtual"}.get(_letter(generated), "")  # type: ignore[assignment]
        made = Column(
            str(column),
            str(kind),
            not needed,
            computed,
            expressions.get((*place, str(column)), "") if computed else "",
            (*place, str(column)) in hidden,
            str(comment or ""),
            tuple(definition for definition, places in checks.get(place, ()) if number in places),
        )
        known = tables.get(place) or Table(
            f"{database}.{schema}.{name}", (), row_level_security=place in secured, comment=str(about or "")
        )
        tables[place] = replace(known, columns=(*known.columns, made))
        names[place, number] = made.name
    return Schema(
        replace(table, primary_key=tuple(names[place, number] for number in keys.get(place, ())))
        for place, table in tables.items()
    )


def _letter(value: object) -> str:
    """Return a "char" of PostgreSQL, which drivers give as text or bytes."""
    return value.decode() if isinstance(value, bytes) else str(value or "")


def _tried(catalogue: Catalogue, statement: str) -> Values:
    """Return the rows of a statement that older servers do not know; none from them."""
    try:
        return catalogue.rows(statement)
    except AuditorError:
        return ()


#: What to look at, the columns wanted of it, and the right that it takes.
_SHOWN: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "SHOW CHANGEFEED JOBS",
        ("job_id", "description", "status", "sink_uri", "full_table_names"),
        "GRANT SYSTEM VIEWJOB TO <user>",
    ),
    ("SHOW EXTERNAL CONNECTIONS", ("connection_name", "connection_uri"), "USAGE on the connections, or admin"),
    ("SHOW SCHEDULES", ("id", "label", "schedule_status", "command"), "owner of the schedules, or admin"),
    ("SHOW CLUSTER STATEMENTS", ("query_id", "query"), "GRANT SYSTEM VIEWACTIVITY TO <user>"),
)


def inventory(catalogue: Catalogue) -> Inventory:
    """Return the ways out that the cluster shows: jobs, connections, schedules, and statements that run now."""
    ways: list[Exit] = []
    unseen: list[str] = []
    for statement, columns, right in _SHOWN:
        try:
            rows = catalogue.rows(f"SELECT {', '.join(f'{column}::STRING' for column in columns)} FROM [{statement}]")
        except AuditorError as error:
            unseen.append(f"{statement}: {error.what} (it takes: {right})")
            continue
        named = ({name: str(value or "") for name, value in zip(columns, row, strict=True)} for row in rows)
        ways += exits_of(named, statement)
    return Inventory(tuple(ways), tuple(unseen))
