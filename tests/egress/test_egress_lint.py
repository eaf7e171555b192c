"""What is wrong with ways out: policies that are broken, and the trap of each kind, each with its remedy."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from auditor.egress.finding import EgressFinding
from auditor.egress.judging import Clause, Judge
from auditor.egress.lint import lint, unaudited
from auditor.egress.policy_judge import PolicyJudge
from auditor.egress.query import query_of
from auditor.egress.schema import Schema, read_schema
from auditor.egress.statements import read_statements
from auditor.model import Severity
from auditor.policies import Policies

SCHEMA = read_schema(
    b"""CREATE TABLE public.users (id UUID NOT NULL, email STRING, token STRING, token_hash STRING, "Odd" STRING,
          lower_token STRING AS (lower(token)) STORED, short STRING AS (left(token, 4)) VIRTUAL, meta JSONB,
          CONSTRAINT p PRIMARY KEY (id));
        CREATE TABLE public.sessions (session_id STRING PRIMARY KEY, data BYTES);
        CREATE TABLE public.split (id INT PRIMARY KEY, a STRING, b STRING, FAMILY "primary" (id, a), FAMILY f2 (b));
        CREATE TABLE public.hidden (id INT PRIMARY KEY, a STRING);
        ALTER TABLE public.hidden ENABLE ROW LEVEL SECURITY;""",
    "schema.sql",
    database="shop",
)
POLICY = b"""
name: shop
unknown-tables: report
tables:
  shop.public.users:
    unknown-columns: alert
    columns:
      id:
      email:
      token: {forbid: true, severity: critical}
      token_hash: {shape: sha256-hex}
      Odd:
      lower_token:
      short:
  shop.public.sessions:
    columns:
      session_id: {forbid: true}
destinations:
  internal-*:
    tables:
      shop.public.users:
        columns:
          token: {forbid: false}
"""


def judge() -> Judge:
    """Return the policies."""
    return PolicyJudge(Policies([("policy.yaml", POLICY)], ["jose.jwt"]))


def found(sql: str, *, policies: bool = False) -> dict[str, EgressFinding]:
    """Return the findings of a statement by code, and by code and column."""
    every = lint(read_statements(sql), SCHEMA, judge() if policies else None)
    return {each.code: each for each in every} | {f"{each.code} {each.column}": each for each in every if each.column}


def again(finding: EgressFinding) -> Sequence[str]:
    """Return the columns that the remedy's own statement lets out."""
    [way] = read_statements(finding.remedy)
    assert way.query is not None
    columns = SCHEMA.table(way.query.table)
    assert columns is not None
    return [reading.column for _, reading in way.query.reading(columns.names) if not reading.one_way]


def test_a_forbidden_column_of_a_whole_table() -> None:
    """It is told with table, sink, parts and severity; the remedy is the same feed as a CDC query without it."""
    sql = "CREATE CHANGEFEED FOR TABLE users INTO 'kafka://h:9092?topic_prefix=p_' WITH diff, resolved = '10s', full_table_name"
    finding = found(sql, policies=True)["forbidden-column token"]
    assert (finding.table, finding.severity) == ("shop.public.users", Severity.CRITICAL)
    assert finding.message == (
        "shop.public.users.token leaves to kafka://h:9092?topic_prefix=p_ in after, before, and is forbidden there by shop"
    )
    assert finding.remedy.splitlines()[:2] == [
        "-- Without diff: before would carry the whole row all the same.",
        (
            "CREATE CHANGEFEED INTO 'kafka://h:9092?topic_prefix=p_' WITH resolved = '10s', full_table_name, "
            "envelope = 'wrapped', cursor = '<last resolved timestamp of the old feed>' "
            'AS SELECT id, email, token_hash, "Odd", meta '
            "FROM shop.public.users;"
        ),
    ]
    assert "CANCEL JOB <job id of the old feed>;" in finding.remedy
    assert again(finding) == ["id", "email", "token_hash", "Odd", "meta"]


def test_a_copy_of_a_forbidden_column_is_forbidden() -> None:
    """A stored computed column that is no digest of it leaves with it; a virtual one is never sent."""
    every = found("CREATE CHANGEFEED FOR TABLE users INTO 'kafka://h:1'", policies=True)
    assert "forbidden-column lower_token" in every
    assert "forbidden-column short" not in every
    assert "lower(token)" not in every["virtual-column"].message
    assert "short AS (left(token, 4))" in every["virtual-column"].message


def test_a_destination_may_be_allowed() -> None:
    """What a topic may have, another may not."""
    assert "forbidden-column token" not in found(
        "CREATE CHANGEFEED FOR TABLE users INTO 'kafka://h:1?topic_name=internal-users'", policies=True
    )
    assert "forbidden-column token" in found(
        "CREATE CHANGEFEED FOR TABLE users INTO 'kafka://h:1?topic_name=partner'", policies=True
    )


def test_what_no_policy_speaks_of() -> None:
    """Tables and columns that are not in the policies are told of, where these say so."""
    every = found("CREATE CHANGEFEED FOR TABLE users, split INTO 'kafka://h:1'", policies=True)
    assert every["unmapped-table"].table == "shop.public.split"
    assert "unmapped-column meta" in every
    assert "ALTER CHANGEFEED <job id> DROP shop.public.split;" in every["unmapped-table"].remedy


def test_a_digest_may_leave() -> None:
    """A projection without the column, or with its digest alone, is clean but for what it adds by itself."""
    sql = "CREATE CHANGEFEED INTO 'kafka://h:1' AS SELECT id, sha256(token) AS h, token IS NULL AS none FROM users"
    assert not found(sql, policies=True)
    assert not found(sql)


def test_a_shape_that_nothing_checks() -> None:
    """A column for digests gets the constraint that sees to it."""
    finding = found("EXPORT INTO CSV 's3://b/p' FROM SELECT token_hash FROM users", policies=True)["shape-unchecked"]
    assert finding.severity is Severity.INFO
    assert finding.remedy == (
        "ALTER TABLE shop.public.users ADD CONSTRAINT token_hash_is_sha256 CHECK (token_hash ~ '^[0-9a-f]{64}$');"
    )


def test_names_stand_in_for_policies() -> None:
    """Without policies, columns that are named as raw secrets are told of; the digest column is ready to be added."""
    finding = found("EXPORT INTO PARQUET 's3://b/p' WITH compression = 'snappy' FROM TABLE users")["raw-looking-column token"]
    assert finding.severity is Severity.MEDIUM
    assert finding.remedy.splitlines() == [
        "EXPORT INTO PARQUET 's3://b/p' WITH compression = 'snappy' FROM SELECT id, email, token_hash, \"Odd\", meta FROM users;",
        "-- Or select sha256(token) AS token_hash in its place; or keep the digest in a column of its own:",
        "ALTER TABLE shop.public.users ADD COLUMN token_sha256 STRING AS (sha256(token)) STORED;",
        "ALTER TABLE shop.public.users ADD CONSTRAINT token_sha256_is_sha256 CHECK (token_sha256 ~ '^[0-9a-f]{64}$');",
    ]


def test_before_ignores_the_projection() -> None:
    """With diff, and with cdc_prev, columns leave that are not selected."""
    for sql in (
        "CREATE CHANGEFEED INTO 'kafka://h:1' WITH envelope = 'wrapped', diff AS SELECT id, email FROM users",
        "CREATE CHANGEFEED INTO 'kafka://h:1' AS SELECT id, email, cdc_prev AS was FROM users",
    ):
        every = found(sql)
        assert "token" in every["before-ignores-projection"].message
        assert "email," not in every["before-ignores-projection"].message
        assert "in before" in every["raw-looking-column token"].message
        assert again(every["before-ignores-projection"]) == ["id", "email"]
        [way] = read_statements(every["before-ignores-projection"].remedy)
        assert not way.has("diff")
    bare = "CREATE CHANGEFEED INTO 'kafka://h:1' WITH diff AS SELECT id, email FROM users"
    assert "before-ignores-projection" not in found(bare), "a bare row has no place for it"


def test_row_level_security_filters_no_feed() -> None:
    """The table is left out instead: a CDC query on it is refused."""
    finding = found("CREATE CHANGEFEED FOR TABLE hidden, split INTO 'kafka://h:1'")["row-level-security"]
    assert finding.table == "shop.public.hidden"
    assert "ALTER CHANGEFEED <job id> DROP shop.public.hidden;" in finding.remedy
    assert "row-level-security" not in found("EXPORT INTO CSV 's3://b/p' FROM TABLE hidden")


def test_keys_leave_whatever_is_selected() -> None:
    """key_only, and a projection without the key, still send it; the remedy is another key."""
    for sql in (
        "CREATE CHANGEFEED FOR TABLE sessions INTO 'kafka://h:1' WITH envelope = 'key_only'",
        "CREATE CHANGEFEED INTO 'kafka://h:1' AS SELECT data FROM sessions",
    ):
        finding = found(sql, policies=True)["forbidden-column session_id"]
        assert "in key" in finding.message
        assert "ALTER PRIMARY KEY USING COLUMNS (id)" in finding.remedy
    assert found("CREATE CHANGEFEED FOR TABLE sessions INTO 'kafka://h:1' WITH envelope = 'key_only'")["key-only"]
    assert "forbidden-column" not in found("CREATE CHANGEFEED INTO 's3://b/p' AS SELECT data FROM sessions", policies=True)


def test_a_column_in_headers() -> None:
    """headers_json_column_name takes a column out of the value and into the headers."""
    every = found("CREATE CHANGEFEED FOR TABLE users INTO 'kafka://h:1' WITH headers_json_column_name = 'meta'")
    assert every["column-in-headers"].column == "meta"
    assert "UNSET headers_json_column_name" in every["column-in-headers"].remedy


def test_credentials_in_settings() -> None:
    """They are named; an external connection is the remedy, and holds them by right."""
    secret = "hun" + "ter" * 4
    every = lint(
        read_statements(
            f"CREATE EXTERNAL CONNECTION k AS 'kafka://h:1?sasl_password={secret}';"
            "CREATE CHANGEFEED FOR TABLE split INTO 'external://k';"
            f"CREATE CHANGEFEED FOR TABLE split INTO 'external://k' WITH webhook_auth_header = 'Basic {secret}';"
            f"CREATE CHANGEFEED FOR TABLE split INTO 'kafka://h:1?sasl_password={secret}'"
            f" WITH webhook_auth_header = 'Basic {secret}'"
        ),
        SCHEMA,
    )
    told = [each for each in every if each.code == "secret-in-settings"]
    assert [(each.way.kind, each.severity) for each in told] == [
        ("connection", Severity.INFO),
        ("changefeed", Severity.HIGH),
        ("changefeed", Severity.HIGH),
    ]
    assert told[1].message.endswith("readable form: webhook_auth_header")
    assert told[2].message.endswith("sasl_password, webhook_auth_header")
    assert "CREATE EXTERNAL CONNECTION" in told[2].remedy
    assert secret not in repr(every)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("CREATE CHANGEFEED FOR TABLE split FAMILY f2 INTO 'kafka://h:1'", "unwatched-families"),
        ("CREATE CHANGEFEED FOR TABLE split INTO 'kafka://h:1'", "column-families"),
        ("CREATE CHANGEFEED FOR TABLE split INTO 'kafka://h:1' WITH envelope = row", "envelope-row"),
        ("CREATE CHANGEFEED FOR TABLE split INTO 'kafka://h:1'", "open-ended-columns"),
        ("CREATE CHANGEFEED INTO 'kafka://h:1' AS SELECT * FROM hidden", "open-ended-columns"),
        ("CREATE CHANGEFEED FOR DATABASE shop INTO 'kafka://h:1'", "open-ended-database"),
    ],
)
def test_traps(sql: str, code: str) -> None:
    """Each trap is told of once, and not where it does not lie."""
    assert code in found(sql)
    clean = found("CREATE CHANGEFEED FOR TABLE split FAMILY f2, split FAMILY \"primary\" INTO 'null://' WITH envelope = wrapped")
    assert code not in clean or code == "open-ended-columns"


def test_a_family_sends_its_own_columns() -> None:
    """Of a family alone, only its columns leave."""
    every = found("CREATE CHANGEFEED FOR TABLE split FAMILY f2 INTO 'kafka://h:1'")
    assert every["unwatched-families"].message.endswith("nobody sees primary through this feed")
    assert " b FROM" in every["open-ended-columns"].remedy


def test_tables_of_a_database_are_left_out_by_name() -> None:
    """EXCLUDE TABLES keeps what it had; a job is altered, a new statement is written anew."""
    sql = "CREATE CHANGEFEED FOR DATABASE shop EXCLUDE TABLES split INTO 'kafka://h:1' WITH updated"
    every = found(sql, policies=True)
    assert {each.table for each in every.values() if each.table} == {
        "shop.public.users", "shop.public.sessions", "shop.public.hidden",
    }  # fmt: skip
    remedy = every["row-level-security"].remedy
    assert remedy == (
        "CREATE CHANGEFEED FOR DATABASE shop EXCLUDE TABLES split, shop.public.hidden INTO 'kafka://h:1' WITH updated;"
    )
    [way] = read_statements(remedy)
    assert way.excluded == ("split", "shop.public.hidden")


def test_the_id_of_a_finding_is_the_same_again() -> None:
    """It is made of what the finding is about, not of when it was found."""
    sql = "CREATE CHANGEFEED FOR TABLE users INTO 'kafka://h:1'"
    assert [each.id for each in lint(read_statements(sql), SCHEMA)] == [each.id for each in lint(read_statements(sql), SCHEMA)]
    assert "raw-looking-column:changefeed:line 1:shop.public.users:token" in [
        each.id for each in lint(read_statements(sql), SCHEMA)
    ]


@pytest.mark.parametrize(
    ("sql", "audited", "open_tables"),
    [
        ("CREATE CHANGEFEED FOR TABLE users, split INTO 'kafka://h:1?topic_prefix=p_'", ["p_users"], ["shop.public.split"]),
        ("CREATE CHANGEFEED FOR TABLE users INTO 'kafka://h:1' WITH full_table_name", ["shop.public.*"], []),
        ("CREATE CHANGEFEED FOR TABLE users INTO 'kafka://h:1?topic_name=all'", ["users"], ["shop.public.users"]),
        ("CREATE CHANGEFEED FOR TABLE users INTO 'kafka://h:1?topic_name=all'", ["kafka://h:1/all"], []),
        ("CREATE CHANGEFEED FOR TABLE users INTO 's3://b/feeds/x'", ["s3://b/feeds"], []),
        ("CREATE CHANGEFEED FOR TABLE users INTO 's3://b/feeds2'", ["s3://b/feeds"], ["shop.public.users"]),
        ("EXPORT INTO CSV 's3://b/out' FROM TABLE users", [], ["shop.public.users"]),
        ("CREATE CHANGEFEED FOR TABLE users INTO 'webhook-https://h:1/p'", ["webhook://h:1/p"], []),
        ("CREATE CHANGEFEED FOR TABLE users INTO 'webhook-https://h:1/in/aB3dE5gH7'", ["webhook-https://h:1/in/aB3dE5gH7"], []),
        ("CREATE CHANGEFEED FOR TABLE users INTO 's3://b/2f3c9a1be4d5/x'", ["s3://b/2f3c9a1be4d5"], []),
        ("CREATE CHANGEFEED FOR TABLE users INTO 'confluent-cloud://h:9092?api_key=k'", ["kafka://h:9092/users"], []),
        ("CREATE CHANGEFEED FOR TABLE users INTO 'null://'", [], []),
        ("EXPERIMENTAL CHANGEFEED FOR users", ["sql"], []),
        (
            "CREATE EXTERNAL CONNECTION k AS 's3://b/feeds'; CREATE CHANGEFEED FOR TABLE users INTO 'external://k'",
            ["s3://b/feeds"],
            [],
        ),
    ],
)
def test_exits_that_nobody_audits(sql: str, audited: list[str], open_tables: list[str]) -> None:
    """Topics, prefixes and addresses that are audited cover exits; all others are told of by table."""
    every = unaudited(read_statements(sql), SCHEMA, audited)
    assert [each.table for each in every] == open_tables
    assert all(each.severity is Severity.HIGH and each.code == "unaudited-exit" for each in every)


def test_a_whole_database_that_is_not_known_is_one_exit() -> None:
    """Without the tables, the database is told of."""
    [each] = unaudited(read_statements("CREATE CHANGEFEED FOR DATABASE d INTO 'kafka://h:1'"), Schema([]), [])
    assert each.table == "d.*"


def test_a_connector_gets_lines_of_its_own() -> None:
    """Columns leave by a connector are excluded or hashed by a line of its configuration."""
    from auditor.egress.connectors import read_connectors

    ways = read_connectors(
        b'{"name": "c", "config": {"connector.class": "io.debezium.connector.postgresql.PostgresConnector",'
        b' "database.dbname": "shop", "table.include.list": "public.users", "column.exclude.list": "public.users.meta"}}'
    )
    assert ways is not None
    finding = next(each for each in lint(ways, SCHEMA, judge()) if each.column == "token")
    assert finding.remedy.splitlines()[:3] == [
        '"column.exclude.list": "public.users.meta,public\\\\.users\\\\.lower_token,public\\\\.users\\\\.token"',
        "or, to keep a digest in its place (the salt is a secret: take it from a config provider's file):",
        '"column.mask.hash.v2.SHA-256.with.salt.<salt>": "public\\\\.users\\\\.lower_token,public\\\\.users\\\\.token"',
    ]


class _Forbidding:
    """Forbids every column there is."""

    def maps(self, table: str, destinations: tuple[str, ...]) -> bool:
        return True

    def unmapped(self, table: str, columns: Sequence[str], destinations: tuple[str, ...]) -> list[str]:
        return []

    def clause(self, table: str, column: str, destinations: tuple[str, ...]) -> Clause | None:
        return Clause(forbidden=True)


@pytest.mark.parametrize("table", ["users", "split", "hidden", "unknown"])
@pytest.mark.parametrize(
    "form", ["FOR TABLE {} INTO 'kafka://h:1'", "INTO 's3://b' AS SELECT * FROM {}", "FOR DATABASE shop", "FOR {}"]
)
def test_remedies_are_statements(table: str, form: str) -> None:
    """Whatever is forbidden, what is proposed can be read; nothing stands in it that is forbidden."""
    for finding in lint(read_statements(f"CREATE CHANGEFEED {form.format(table)}"), SCHEMA, _Forbidding()):
        for way in read_statements(finding.remedy):
            assert way.query is None or finding.column not in {item.name for item in query_of(way.query.sql).items}
