"""The catalogue of a running database: tables from PostgreSQL, ways out from a server that answers as CockroachDB does."""

from __future__ import annotations

import json

import psycopg
import pytest

from auditor.egress.live import inventory, schema_of
from auditor.egress.schema import Column, Table
from auditor.errors import AuditorError, ConfigError, SourceUnavailable
from auditor.sources.catalogue import SqlCatalogue
from tests.postgres_server import PostgresServer


class Answers:
    """Answers statements from a table; what is not there is refused."""

    def __init__(self, **answers: list[tuple[object, ...]]) -> None:
        self._answers = answers

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        assert statement.startswith("SELECT ")
        for words, rows in self._answers.items():
            if f"[{words.replace('_', ' ')}]" in statement:
                return rows
        raise ConfigError("the server has no such statement, or not for this user", where="cockroachdb://h:26257/d")


def test_the_ways_out_that_a_cluster_shows() -> None:
    """Jobs, external connections, schedules and running statements are listed; what is refused is said, with the right."""
    command = json.dumps({"changefeed_statement": "CREATE CHANGEFEED FOR TABLE d.public.t INTO 'external://k'"})
    found = inventory(
        Answers(
            SHOW_CHANGEFEED_JOBS=[
                ("1", "CREATE CHANGEFEED FOR TABLE t INTO 'external://k'", "running", "external://k", "{d.public.t}"),
                ("2", "CREATE CHANGEFEED FOR TABLE t INTO 'external://k'", "failed", "external://k", None),
            ],
            SHOW_EXTERNAL_CONNECTIONS=[("k", "kafka://h:9092?sasl_password=redacted")],
            SHOW_CLUSTER_STATEMENTS=[("q1", "EXPORT INTO CSV 's3://b/p' FROM TABLE t"), ("q2", "SELECT 1")],
        )
    )
    assert [(way.kind, way.name) for way in found.ways] == [("changefeed", "1"), ("connection", "k"), ("export", "q1")]
    assert found.ways[0].targets[0].table == "d.public.t"
    assert len(found.unseen) == 1
    assert found.unseen[0].startswith("SHOW SCHEDULES: the server has no such statement")
    whole = inventory(Answers(SHOW_SCHEDULES=[("9", "nightly", "ACTIVE", command)]))
    assert [(way.kind, way.name) for way in whole.ways] == [("schedule", "nightly")]


@pytest.mark.needs("postgresql")
def test_the_tables_of_a_database(postgres: PostgresServer) -> None:
    """Types, keys, comments, computed columns, CHECK constraints and row-level security come from the catalogue."""
    url = postgres.new_database()
    database = url.rpartition("/")[2]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """CREATE TABLE users (gone int, id uuid, city varchar(20) NOT NULL, "api key" text, token_hash text,
                 fp text GENERATED ALWAYS AS (md5("api key")) STORED, PRIMARY KEY (city, id),
                 CONSTRAINT hex CHECK (token_hash ~ '^[0-9a-f]{64}$'));
               ALTER TABLE users DROP COLUMN gone;
               COMMENT ON TABLE users IS 'who';
               COMMENT ON COLUMN users."api key" IS 'raw';
               ALTER TABLE users ENABLE ROW LEVEL SECURITY;
               CREATE SCHEMA s;
               CREATE TABLE s.empty (a int);
               CREATE VIEW v AS SELECT 1"""
        )
    with SqlCatalogue(url) as catalogue:
        schema = schema_of(catalogue)
        assert catalogue.rows("SELECT 1, 'a'") == [(1, "a")]
        with pytest.raises(ConfigError, match="not for this user"):
            catalogue.rows("CREATE TABLE written (a int)")
        with pytest.raises(ConfigError, match="no such statement"):
            catalogue.rows("SELECT nothing FROM [SHOW JOBS]")
        seen = inventory(catalogue)
    assert not seen.ways
    assert len(seen.unseen) == 4
    users = Table(
        f"{database}.public.users",
        (
            Column("id", "uuid", nullable=False),
            Column("city", "character varying(20)", nullable=False),
            Column("api key", "text", comment="raw"),
            Column("token_hash", "text", checks=("CHECK ((token_hash ~ '^[0-9a-f]{64}$'::text))",)),
            Column("fp", "text", computed="stored", expression='md5("api key")'),
        ),
        ("city", "id"),
        row_level_security=True,
        comment="who",
    )
    assert set(schema.tables) == {users, Table(f"{database}.s.empty", (Column("a", "integer"),))}


def test_an_address_shows_no_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password in the address is refused; none is ever part of an error."""
    secret = "pw" + "42" * 5
    monkeypatch.setenv("CRDB_PASSWORD", secret)
    for uri in (
        f"cockroachdb://u:{secret}@127.0.0.1:1/d",
        "cockroachdb://u@127.0.0.1:1/d?password_env=CRDB_PASSWORD&sslmode=disable",
        "cockroachdb://u@127.0.0.1:1/d?password_env=NOT_SET",
        f"mysql://u@h/{secret}",
        f"cockroachdb://[{secret}",
    ):
        with pytest.raises((ConfigError, SourceUnavailable)) as caught:
            SqlCatalogue(uri)
        error: AuditorError = caught.value
        assert error.__cause__ is None
        if "mysql" not in uri:
            assert secret not in str(error)
