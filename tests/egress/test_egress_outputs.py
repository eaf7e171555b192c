"""Ways out from what the server shows, printed by the CLI in any form, and from files of any kind."""

from __future__ import annotations

import csv
import io
import json

import pytest

from auditor.egress.exits import Target
from auditor.egress.outputs import exits_of, read_output
from auditor.egress.reading import read_exits
from auditor.errors import ConfigError

JOBS = [
    {
        "job_id": "685724608744325121",
        "description": "CREATE CHANGEFEED FOR TABLE users FAMILY f1, TABLE rides INTO 'kafka://h:9092' WITH OPTIONS (diff)",
        "user_name": "root",
        "status": "running",
        "running_status": "running: resolved=1",
        "sink_uri": "kafka://h:9092",
        "full_table_names": '{movr.public.users,"movr.public.\\"Odd, Name\\""}',
        "topics": "users,rides",
        "format": "avro",
    },
    {
        "job_id": "2",
        "description": "CREATE CHANGEFEED FOR TABLE gone INTO 'kafka://h:9092'",
        "user_name": "root",
        "status": "canceled",
        "running_status": "",
        "sink_uri": "kafka://h:9092",
        "full_table_names": "{movr.public.gone}",
        "topics": "gone",
        "format": "json",
    },
    {
        "job_id": "3",
        "description": "CREATE CHANGEFEED INTO 'external://k' WITH OPTIONS (updated) AS SELECT id FROM movr.public.users",
        "user_name": "root",
        "status": "paused",
        "running_status": "",
        "sink_uri": "external://k",
        "full_table_names": "{movr.public.users}",
        "topics": "",
        "format": "json",
    },
]


def printed(rows: list[dict[str, str]], delimiter: str = ",") -> bytes:
    """Print rows as the CLI does with --format=csv or tsv."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    return out.getvalue().encode()


def records(rows: list[dict[str, str]]) -> bytes:
    """Print rows as the CLI does with --format=records."""
    width = max(map(len, rows[0]))
    lines = []
    for number, row in enumerate(rows, 1):
        lines.append(f"-[ RECORD {number} ]")
        lines += [f"{name:<{width}} | {value}" for name, value in row.items()]
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.parametrize("data", [printed(JOBS), printed(JOBS, "\t"), records(JOBS)], ids=["csv", "tsv", "records"])
def test_jobs_in_every_form(data: bytes) -> None:
    """Jobs have the full names of their tables, their families, options and query; those that ended are left out."""
    found = read_output(data, "jobs.csv")
    assert found is not None
    first, second = found
    assert (first.kind, first.name, first.status, first.where) == (
        "changefeed",
        "685724608744325121",
        "running",
        "jobs.csv: row 1",
    )
    assert first.targets == (Target("movr.public.users", "f1"), Target("movr.public.Odd, Name"))
    assert first.has("diff")
    assert (second.name, second.status, second.columns) == ("3", "paused", ("id",))


def test_a_job_whose_statement_is_not_shown() -> None:
    """The tables and the sink of a job are enough."""
    [found] = exits_of([{"job_id": "1", "description": "", "sink_uri": "s3://b/p", "full_table_names": "{d.public.t}"}])
    assert (found.targets, found.destination.shown) == ((Target("d.public.t"),), "s3://b/p")
    assert not list(exits_of([{"job_id": "1", "description": "BACKUP INTO 's3://b'", "job_type": "BACKUP"}]))


@pytest.mark.parametrize(
    ("row", "kind", "name", "tables"),
    [
        ({"connection_name": "k", "connection_uri": "kafka://h:1?sasl_password=redacted"}, "connection", "k", ()),
        ({"connection_name": "k", "create_statement": "CREATE EXTERNAL CONNECTION 'k' AS 's3://b/p'"}, "connection", "k", ()),
        (
            {
                "id": "9",
                "label": "nightly",
                "command": json.dumps({"changefeed_statement": "CREATE CHANGEFEED FOR TABLE d.public.t INTO 'external://k'"}),
                "schedule_status": "ACTIVE",
            },
            "schedule",
            "nightly",
            ("d.public.t",),
        ),
        (
            {
                "schedule_id": "9",
                "create_statement": "CREATE SCHEDULE 'n' FOR CHANGEFEED t INTO 'external://k' RECURRING '@daily'",
            },
            "schedule",
            "n",
            ("t",),
        ),
        (
            {"schedule_id": "9", "changefeed_stmt": "CREATE CHANGEFEED FOR TABLE t INTO 'external://k'", "label": "n"},
            "schedule",
            "n",
            ("t",),
        ),
        ({"query_id": "17a", "query": "EXPORT INTO CSV 's3://b/p' FROM TABLE t"}, "export", "17a", ("t",)),
        ({"query_id": "17b", "query": "EXPERIMENTAL CHANGEFEED FOR t"}, "changefeed", "17b", ("t",)),
    ],
)
def test_what_other_statements_show(row: dict[str, str], kind: str, name: str, tables: tuple[str, ...]) -> None:
    """External connections, schedules and running statements, as rows and as csv."""
    for found in (list(exits_of([row])), read_output(printed([row]), "x")):
        assert found is not None
        [one] = found
        assert (one.kind, one.name, tuple(target.table for target in one.targets)) == (kind, name, tables)


def test_what_is_no_way_out() -> None:
    """Backups' schedules and other statements are passed over."""
    backup = {"id": "1", "label": "b", "command": json.dumps({"backup_statement": "BACKUP INTO 's3://b'"}), "schedule_status": ""}
    assert not list(exits_of([backup, {"query_id": "1", "query": "SELECT 1"}]))
    assert read_output(b"a,b\n1,2\n") is None


def test_a_file_may_be_of_any_form() -> None:
    """SQL, what the CLI printed, and JSON of a connector are told apart; a file without a way out is refused."""
    connector = {"name": "c", "config": {"connector.class": "io.debezium.connector.postgresql.PostgresConnector"}}
    assert [way.kind for way in read_exits(json.dumps(connector).encode(), "c.json")] == ["connector"]
    assert [way.name for way in read_exits(printed(JOBS), "jobs.csv")] == ["685724608744325121", "3"]
    assert [way.where for way in read_exits(b"\nCREATE CHANGEFEED FOR TABLE t", "f.sql")] == ["f.sql:2"]
    with pytest.raises(ConfigError, match=r"f\.sql: no way out in it"):
        read_exits(b"SELECT 1", "f.sql")
