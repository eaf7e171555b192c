from __future__ import annotations

import csv
import io

import pytest

from auditor.decoders import ddl
from auditor.errors import ConfigError

USERS = '''CREATE TABLE public.users (
\tid UUID NOT NULL DEFAULT gen_random_uuid(),
\t"Mixed ""Name""" STRING(20) NULL CHECK ("Mixed ""Name""" != ')'),
\tfamily_name STRING AS (concat(a, ',', b)) STORED,
\tvector VECTOR(3),
\trowid INT8 NOT VISIBLE NOT NULL DEFAULT unique_rowid(),
\tcrdb_internal_id_shard_16 INT8 NOT VISIBLE NOT NULL AS (mod(fnv32(id), 16:::INT8)) VIRTUAL,
\ttags STRING[] DEFAULT ARRAY['a, b', e'c\\'d'],
\tCONSTRAINT users_pkey PRIMARY KEY (id ASC),
\tUNIQUE INDEX u (family_name ASC) STORING (tags), -- a comment, with a comma
\tINVERTED INDEX i (tags),
\tVECTOR INDEX v (vector),
\tFAMILY "primary" (id, tags),
\tCHECK (a IN ('x':::STRING, 'y')), /* another, one */
\tFOREIGN KEY (a) REFERENCES other (b)
) LOCALITY REGIONAL BY ROW'''
COLUMNS = ("id", 'Mixed "Name"', "family_name", "vector", "tags")


def table_format(rows):
    """Print SHOW CREATE as the CLI does on a terminal."""
    out = ["  table_name |  create_statement", "-------------+--------------------"]
    for name, statement in rows:
        for number, line in enumerate(statement.replace("\t", "    ").split("\n")):
            out.append(f"  {name if not number else '':<10} | {line}")
    return "\n".join([*out, f"({len(rows)} rows)", ""]).encode()


def csv_format(rows, delimiter):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([("table_name", "create_statement"), *rows])
    return out.getvalue().encode()


def records_format(rows):
    out = []
    for number, (name, statement) in enumerate(rows, 1):
        out += [f"-[ RECORD {number} ]", f"table_name       | {name}"]
        lines = statement.split("\n")
        out += [
            f"{'create_statement' if not n else '':<16} | {line}{'+' if n < len(lines) - 1 else ''}"
            for n, line in enumerate(lines)
        ]
    return ("\n".join(out) + "\n").encode()


ROWS = [("users", USERS), ("other", "CREATE TABLE public.other (\n\tb INT8 NOT NULL,\n\tCONSTRAINT p PRIMARY KEY (b)\n)")]


@pytest.mark.parametrize(
    "data",
    [
        f"{USERS};\n\n{ROWS[1][1]};\n".encode(),
        table_format(ROWS),
        csv_format(ROWS, ","),
        csv_format(ROWS, "\t"),
        records_format(ROWS),
    ],
    ids=["sql", "table", "csv", "tsv", "records"],
)
def test_columns_are_read_from_any_form_of_ddl(data):
    """Plain statements and SHOW CREATE in every form of the CLI give visible columns in order."""
    assert ddl.read_ddl(data, "x.sql") == {"public.users": COLUMNS, "public.other": ("b",)}


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("create table if not exists A.B (c int, D int)", {"a.b": ("c", "d")}),
        ('CREATE TEMP TABLE "x.y" ("index" INT, exclude BOOL)', {"x.y": ("index", "exclude")}),
        ("CREATE TABLE t AS SELECT 1; CREATE TABLE u (a) AS SELECT 1", {"u": ("a",)}),
        ("CREATE TABLE t (a INT, b", {"t": ("a", "b")}),
        ("GRANT CREATE ON TABLE t; CREATE TABLE t (a INT); CREATE TABLE t (b INT)", {"t": ("b",)}),
    ],
)
def test_statements_of_many_forms(sql, tables):
    """Names are folded unless quoted; statements without a list give nothing; a cut-off one gives what it has."""
    assert ddl.read_ddl(sql.encode(), "x.sql") == tables


def test_ddl_without_a_table_is_refused():
    """A file without CREATE TABLE is named with what to do."""
    with pytest.raises(ConfigError, match=r"x\.sql: no CREATE TABLE statement \(save the output of SHOW CREATE TABLE\)"):
        ddl.read_ddl(b"SELECT 1", "x.sql")


def test_a_table_is_found_by_the_end_of_its_name():
    """Names with more or fewer parts meet at their ends, unless several do."""
    tables = {"public.users": ("a",), "other.users": ("b",), "movr.public.rides": ("c",)}
    assert ddl.columns_of(tables, "public.users") == ("a",)
    assert ddl.columns_of(tables, "movr.public.users") == ("a",)
    assert ddl.columns_of(tables, "users") == ()
    assert ddl.columns_of(tables, "rides") == ("c",)
    assert ddl.columns_of(tables, "ides") == ddl.columns_of(tables, "") == ()
