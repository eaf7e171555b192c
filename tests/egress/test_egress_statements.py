"""Statements that open ways out, in every form that the docs list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.egress.exits import Exit, Target
from auditor.egress.lint import lint
from auditor.egress.schema import Column, Schema, Table
from auditor.egress.statements import read_statements

#: Made when the tests run, so that no scanner takes them for real.
SECRET = "s3cr3t" + "Value" * 2 + "9"


def one(sql: str) -> Exit:
    """Read a text with one way out."""
    [found] = read_statements(sql)
    return found


@pytest.mark.parametrize(
    ("sql", "targets"),
    [
        ("CREATE CHANGEFEED FOR TABLE a, b INTO 'kafka://h:9092'", [("a", ""), ("b", "")]),
        ("CREATE CHANGEFEED FOR a INTO 'kafka://h:9092'", [("a", "")]),
        ("CREATE CHANGEFEED FOR TABLE a, TABLE d.b, TABLE d.s.c INTO 'x://h'", [("a", ""), ("d.b", ""), ("d.s.c", "")]),
        ("create changefeed for table Users", [("users", "")]),
        ('CREATE CHANGEFEED FOR TABLE "Users", s."a ""b"""', [("Users", ""), ('s.a "b"', "")]),
        ('CREATE CHANGEFEED FOR TABLE t FAMILY f1, t FAMILY "F 2"', [("t", "f1"), ("t", "F 2")]),
        ("EXPERIMENTAL CHANGEFEED FOR t WITH updated", [("t", "")]),
        ("EXPERIMENTAL CHANGEFEED FOR TABLE foo FAMILY bar", [("foo", "bar")]),
        ("EXPLAIN CREATE CHANGEFEED FOR TABLE foo INTO 'null://'", [("foo", "")]),
        ("CREATE CHANGEFEED FOR \"DATABASE\" INTO 'null://'", [("DATABASE", "")]),
        ("CREATE CHANGEFEED FOR TABLE DATABASE INTO 'null://'", [("database", "")]),
        ("CREATE CHANGEFEED FOR TABLE table INTO 'null://'", [("table", "")]),
        ("root@:26257/movr> CREATE CHANGEFEED /* all of it */ FOR TABLE t -- yes\n INTO 'null://';", [("t", "")]),
    ],
)
def test_tables_of_a_changefeed(sql: str, targets: list[tuple[str, str]]) -> None:
    """Tables are read with their families, under names without quotes, in the old and the new form."""
    found = one(sql)
    assert found.kind == "changefeed"
    assert found.targets == tuple(Target(*target) for target in targets)
    assert found.columns is None


@pytest.mark.parametrize(
    ("sql", "excluded", "included"),
    [
        ("CREATE CHANGEFEED FOR DATABASE d INTO 'kafka://h:1'", (), ()),
        ("CREATE CHANGEFEED FOR DATABASE d EXCLUDE TABLES a, public.b INTO 'kafka://h:1' WITH diff", ("a", "public.b"), ()),
        ("CREATE CHANGEFEED FOR DATABASE d INCLUDE TABLES a, b INTO 'kafka://h:1'", (), ("a", "b")),
    ],
)
def test_a_whole_database(sql: str, excluded: tuple[str, ...], included: tuple[str, ...]) -> None:
    """A database's feed has what it leaves out, or what alone it takes."""
    found = one(sql)
    assert found.database == "d"
    assert found.excluded == excluded
    assert tuple(target.table for target in found.targets) == included
    assert found.destination.family == "kafka"


@pytest.mark.parametrize(
    "written",
    [
        "WITH updated, resolved = '10s', format = csv, envelope=\"wrapped\"",
        "WITH OPTIONS (updated, resolved = '10s', format = 'csv', envelope = 'wrapped')",
    ],
)
def test_options(written: str) -> None:
    """Options come in both forms, with values quoted or not."""
    found = one(f"CREATE CHANGEFEED FOR TABLE t INTO 'null://' {written}")
    assert found.options == {"updated": None, "resolved": "10s", "format": "csv", "envelope": "wrapped"}
    assert found.has("updated")
    assert not found.has("diff")


def test_a_query_comes_after_sink_and_options() -> None:
    """A CDC query is read with its table; its projection says what is kept."""
    found = one("CREATE CHANGEFEED INTO 'kafka://h:1' WITH diff, envelope = 'wrapped' AS SELECT id, \"E\" FROM movr.public.users")
    assert found.targets == (Target("movr.public.users"),)
    assert found.columns == ("id", "E")
    assert found.options == {"diff": None, "envelope": "wrapped"}
    assert one("CREATE CHANGEFEED AS SELECT * FROM foo AS bar WHERE a > b").columns is None
    assert one("CREATE CHANGEFEED WITH updated AS SELECT a FROM foo").destination.family == "sql"


def test_a_placeholder_for_a_sink_is_no_secret() -> None:
    """A statement of an application's code has $1 in place of its sink."""
    found = one("CREATE CHANGEFEED FOR TABLE t INTO $1 WITH diff")
    assert found.destination.shown == "<sink>"
    assert found.has("diff")


@pytest.mark.parametrize(
    ("sql", "form", "table", "columns", "options"),
    [
        ("EXPORT INTO CSV 's3://b/p' FROM TABLE d.s.t", "csv", "d.s.t", None, {}),
        ("EXPORT INTO PARQUET 's3://b/p' FROM SELECT a, b FROM t WHERE a > 1", "parquet", "t", ("a", "b"), {}),
        (
            "EXPORT INTO CSV 'nodelocal://1/x' WITH delimiter = '|', nullas='' FROM SELECT a FROM t AS OF SYSTEM TIME '-10s'",
            "csv",
            "t",
            ("a",),
            {"delimiter": "|", "nullas": ""},
        ),
        ("EXPORT INTO CSV 'userfile:///x' FROM (SELECT a FROM t)", "csv", "t", ("a",), {}),
    ],
)
def test_exports(sql: str, form: str, table: str, columns: tuple[str, ...] | None, options: dict[str, str]) -> None:
    """EXPORT of a table or a query, with options before FROM."""
    found = one(sql)
    assert (found.kind, found.targets, found.columns) == ("export", (Target(table),), columns)
    assert found.options == {"format": form, **options}
    assert found.query is not None
    assert found.query.plain


def test_a_join_is_known_for_what_it_is() -> None:
    """A query of several tables is not taken for one of the first."""
    found = one("EXPORT INTO CSV 's3://b/p' FROM SELECT a.x FROM a JOIN b ON a.id = b.id")
    assert found.query is not None
    assert not found.query.plain


@pytest.mark.parametrize(
    ("sql", "name", "tables"),
    [
        (
            (
                "CREATE SCHEDULE nightly FOR CHANGEFEED users, TABLE rides INTO 'external://k' WITH format=csv RECURRING '@daily'"
                " WITH SCHEDULE OPTIONS first_run=now, on_execution_failure=retry"
            ),
            "nightly",
            ("users", "rides"),
        ),
        (
            (
                "CREATE SCHEDULE IF NOT EXISTS 'promo code' FOR CHANGEFEED INTO 'external://k' AS SELECT a FROM d.p WHERE a > 1"
                " RECURRING '@daily' WITH SCHEDULE OPTIONS first_run=now"
            ),
            "promo code",
            ("d.p",),
        ),
        ("CREATE SCHEDULE FOR CHANGEFEED users INTO 'external://k' RECURRING '@hourly'", "", ("users",)),
    ],
)
def test_schedules(sql: str, name: str, tables: tuple[str, ...]) -> None:
    """A scheduled changefeed is one, with the option that the server adds; its schedule options are none of the feed."""
    found = one(sql)
    assert (found.kind, found.name, tuple(target.table for target in found.targets)) == ("schedule", name, tables)
    assert found.option("initial_scan") == "only"
    assert not found.has("first_run")
    assert "RECURRING" not in (found.query.sql if found.query else "")


def test_a_broken_statement_hides_no_other() -> None:
    """A bracket or quote that is never closed spoils its own statement alone."""
    sql = (
        "SELECT (1;\nCREATE CHANGEFEED FOR TABLE t INTO 'kafka://h:1' WITH OPTIONS (diff;\nEXPORT INTO CSV 's3://b' FROM TABLE t"
    )
    assert [found.kind for found in read_statements(sql)] == ["changefeed", "export"]


def test_other_statements_are_passed_over() -> None:
    """Only ways out are found, each with the line that it begins in."""
    sql = (
        "CREATE TABLE t (a INT);\nGRANT CHANGEFEED ON TABLE t TO x;\nBACKUP INTO 's3://b';\n"
        "CREATE SCHEDULE b FOR BACKUP INTO 's3://b' RECURRING '@daily';\nCREATE CHANGEFEED;\n"
        "SELECT 'CREATE CHANGEFEED FOR TABLE x';\n  CREATE CHANGEFEED FOR TABLE t;\nCREATE EXTERNAL CONNECTION k AS 'kafka://h:1';"
    )
    assert [(found.kind, found.where) for found in read_statements(sql, "x.sql")] == [
        ("changefeed", "x.sql:7"),
        ("connection", "x.sql:8"),
    ]


@pytest.mark.parametrize(
    ("sql", "secrets"),
    [
        (f"CREATE CHANGEFEED FOR TABLE t INTO 'kafka://h?sasl_user=u&sasl_password={SECRET}'", ("sasl_password",)),
        (
            f"CREATE CHANGEFEED FOR TABLE t INTO 'webhook-https://h/p' WITH webhook_auth_header='Bearer {SECRET}'",
            ("webhook_auth_header",),
        ),
        (
            f"CREATE CHANGEFEED FOR TABLE t INTO 'kafka://h' WITH extra_headers='{{\"x-api-key\": \"{SECRET}\"}}'",
            ("extra_headers",),
        ),
        (
            f"CREATE CHANGEFEED FOR TABLE t INTO 'kafka://h' WITH confluent_schema_registry='https://u:{SECRET}@r'",
            ("confluent_schema_registry: password",),
        ),
        (f"CREATE CHANGEFEED FOR TABLE t INTO 'kafka://h' WITH some_new_secret='{SECRET}'", ("some_new_secret",)),
        (f"CREATE EXTERNAL CONNECTION IF NOT EXISTS k AS 's3://b?AWS_SECRET_ACCESS_KEY={SECRET}'", ("AWS_SECRET_ACCESS_KEY",)),
        ("CREATE CHANGEFEED FOR TABLE t INTO 'kafka://h?sasl_password=redacted' WITH webhook_auth_header='redacted'", ()),
        (f"CREATE CHANGEFEED FOR TABLE t INTO 'external://k' WITH unheard_of='{SECRET}'", ()),
    ],
)
def test_credentials_are_named_and_not_kept(sql: str, secrets: tuple[str, ...]) -> None:
    """What holds a credential is said by its name; no part of what was read holds its value. What is redacted is none."""
    found = one(sql)
    assert found.secrets == secrets
    assert SECRET not in repr(found)


WORDS = """create changefeed experimental export into csv schedule external connection for table database exclude include tables
family with options as select from where recurring 'kafka://h:1' 's3://b?x=y' users id token
* ( ) , . ; = :: " ' $1 cdc_prev - /* */"""


@given(st.lists(st.sampled_from(WORDS.split()), max_size=25).map(" ".join))
def test_no_text_is_too_odd(sql: str) -> None:
    """Whatever stands there, it is read or passed over, and what is found can be judged and shown."""
    every = lint(read_statements(sql), Schema([Table("d.public.users", (Column("id"), Column("token")), ("id",))]))
    assert all(finding.id and finding.message for finding in every)
