"""Tables from DDL, with all that ways out and policies need."""

from __future__ import annotations

import csv
import io

import pytest

from auditor.egress.schema import Column, Schema, Table, hex_length, read_schema
from auditor.errors import ConfigError

USERS = """CREATE TABLE public.users (
\tid UUID NOT NULL DEFAULT gen_random_uuid(),
\tcity VARCHAR(20) NOT NULL CHECK (city IN ('a', 'b)')),
\t"api key" STRING NULL DEFAULT 'not null',
\ttoken_hash STRING NOT NULL AS (sha256("api key")) STORED,
\tshort STRING NULL AS (left("api key", 4:::INT8)) VIRTUAL,
\tnote STRING DEFAULT (CASE WHEN true THEN 'as' ELSE 'check' END) ON UPDATE 'x',
\ttags STRING[] NULL,
\tamount DECIMAL(10, 2) CREATE FAMILY money,
\trowid INT8 NOT VISIBLE NOT NULL DEFAULT unique_rowid(),
\tCONSTRAINT users_pkey PRIMARY KEY (city ASC, id ASC) USING HASH,
\tUNIQUE INDEX u (city ASC) STORING (note),
\tFAMILY "primary" (id, city, rowid),
\tFAMILY f2 ("api key", token_hash),
\tCONSTRAINT hex CHECK (token_hash ~ '^[0-9a-f]{64}$':::STRING)
) LOCALITY REGIONAL BY ROW;
COMMENT ON TABLE public.users IS 'People''s accounts';
COMMENT ON COLUMN public.users.city IS 'where, mostly';
ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.users ADD CONSTRAINT short_city CHECK (length(city) < 20) NOT VALID;"""


def expected(name: str) -> Table:
    """Return what is in it."""
    return Table(
        name,
        (
            Column("id", "UUID", nullable=False),
            Column(
                "city",
                "VARCHAR(20)",
                nullable=False,
                comment="where, mostly",
                checks=("city IN ('a', 'b)')", "length(city) < 20"),
            ),
            Column("api key", "STRING"),
            Column(
                "token_hash",
                "STRING",
                nullable=False,
                computed="stored",
                expression='sha256("api key")',
                checks=("token_hash ~ '^[0-9a-f]{64}$':::STRING",),
            ),
            Column("short", "STRING", computed="virtual", expression='left("api key", 4:::INT8)'),
            Column("note", "STRING"),
            Column("tags", "STRING[]"),
            Column("amount", "DECIMAL(10, 2)"),
            Column("rowid", "INT8", nullable=False, hidden=True),
        ),
        ("city", "id"),
        {"primary": ("id", "city", "rowid"), "f2": ("api key", "token_hash")},
        row_level_security=True,
        comment="People's accounts",
    )


def test_a_table_as_show_create_prints_it() -> None:
    """Types, computed columns, checks, keys, families, comments and row-level security are read, plain and as csv."""
    assert read_schema(USERS.encode(), "x.sql").tables == (expected("public.users"),)
    out = io.StringIO()
    csv.writer(out).writerows([("table_name", "create_statement"), ("users", USERS)])
    assert read_schema(out.getvalue().encode(), "x.csv", database="shop").tables == (expected("shop.public.users"),)


def test_small_forms() -> None:
    """A key at its column, names folded or quoted, tables without constraints."""
    sql = 'create temp table if not exists D.S."T" (ID int primary key, B text generated always as (id::text) stored, c)'
    [table] = read_schema(sql.encode(), "x").tables
    assert (table.name, table.primary_key) == ("d.s.T", ("id",))
    assert table.columns[1] == Column("b", "text", computed="stored", expression="id::text")
    assert table.columns[0] == Column("id", "int", nullable=False)
    assert [column.name for column in table.columns] == ["id", "b", "c"]


def test_ddl_without_a_table_is_refused() -> None:
    """The error says what to give."""
    with pytest.raises(ConfigError, match="SHOW CREATE TABLE"):
        read_schema(b"SELECT 1", "x.sql")


def test_tables_are_found_by_parts_of_their_names() -> None:
    """A name may have more parts or fewer; two parts may be database and table; what several could be is none."""
    schema = Schema([Table("movr.public.users", ()), Table("movr.s.rides", ()), Table("other.public.rides", ())])
    assert {schema.table(name) for name in ("users", "public.users", "movr.users", "movr.public.users")} == {schema.tables[0]}
    assert schema.table("movr.s.rides") is schema.tables[1]
    assert schema.table("other.rides") is schema.tables[2]
    assert schema.table("rides") is None
    assert schema.table("sers") is None
    assert Schema([Table("public.users", ())]).table("movr.users") is not None
    assert [table.name for table in schema.of_database("movr")] == ["movr.public.users", "movr.s.rides"]


@pytest.mark.parametrize(
    ("check", "digits"),
    [
        ("x ~ '^[0-9a-f]{64}$':::STRING", 64),
        ("x ~ '^[0-9a-fA-F]{40}$'", 40),
        ("CHECK ((x ~ '^[a-f0-9]{128}$'::text))", 128),
        ("length(x) = 64", 0),
        ("x ~ '[0-9a-f]{64}'", 0),
        ("x != ''", 0),
    ],
)
def test_a_check_for_hex_digits(check: str, digits: int) -> None:
    """Only a constraint on the whole value counts."""
    assert hex_length(Column("x", checks=(check,))) == digits
