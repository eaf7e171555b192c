"""What is asked of the cluster before and beside the changefeed. All of it only reads."""

from __future__ import annotations

import re
from collections.abc import Sequence

from auditor.errors import ConfigError
from auditor.hlc import Timestamp
from auditor.sources.sinkless.connection import Connection, Steps
from auditor.sql_quoting import string_literal, table_name

_VERSION = re.compile(r"CockroachDB\b.*?\bv(\d+)\.(\d+)")
# One item stands on each line of SHOW CREATE TABLE, and a line break inside a string is written as an escape.
_FAMILY = re.compile(r'^\s*FAMILY\s+(?:"(?:[^"]|"")+"|\S+)\s*\(', re.MULTILINE)
_TTL = re.compile(r"gc\.ttlseconds\s*=\s*(\d+)")


def version(connection: Connection) -> Steps[tuple[int, int]]:
    """Return the server's version, (0, 0) for a build without one. Raise `ConfigError` if it is not CockroachDB."""
    text = yield from _one(connection, "SELECT version()")
    if "CockroachDB" not in text:
        raise ConfigError("the server is not CockroachDB", fix="changefeeds are CockroachDB's")
    match = _VERSION.search(text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def now(connection: Connection) -> Steps[Timestamp]:
    """Return the cluster's time."""
    text = yield from _one(connection, "SELECT cluster_logical_timestamp()")
    return Timestamp.parse(text)


def families(connection: Connection, table: str) -> Steps[int]:
    """Return how many column families a table has."""
    rows = yield from connection.query(f"SHOW CREATE TABLE {table_name(table)}")
    # A table with its one default family may not mention it.
    return max(1, len(_FAMILY.findall((rows[0][-1] if rows else "") or "")))


def setting(connection: Connection, name: str) -> Steps[str]:
    """Return a cluster setting's value as text."""
    return (yield from _one(connection, f"SHOW CLUSTER SETTING {name}"))


def gc_ttl(connection: Connection, table: str) -> Steps[int | None]:
    """Return for how many seconds old versions of a table's rows are kept, None if its zone does not say."""
    rows = yield from connection.query(f"SHOW ZONE CONFIGURATION FROM TABLE {table_name(table)}")
    found = [match for row in rows for value in row if value and (match := _TTL.search(value))]
    return int(found[0][1]) if found else None


def privileges(connection: Connection, table: str, wanted: Sequence[str]) -> Steps[list[str]]:
    """Return those of the privileges that the user has on a table."""
    named = string_literal(table_name(table))
    tests = ", ".join(f"has_table_privilege({named}, {string_literal(privilege)})" for privilege in wanted)
    rows = yield from connection.query(f"SELECT {tests}")
    return [privilege for privilege, held in zip(wanted, rows[0], strict=True) if held in ("t", "true")]


def _one(connection: Connection, statement: str) -> Steps[str]:
    """Return the single value of a statement, '' if there is none."""
    rows = yield from connection.query(statement)
    return (rows[0][0] if rows and rows[0] else None) or ""
