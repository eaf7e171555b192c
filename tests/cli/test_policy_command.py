"""`auditor policy init` and `check`, by their command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from auditor.cli.policy import policy
from auditor.errors import ConfigError

DDL = "CREATE TABLE public.users (id UUID PRIMARY KEY, token STRING, note STRING);"
FEED = "CREATE CHANGEFEED FOR TABLE users INTO 'kafka://h:9092?topic_prefix=p_' WITH diff;"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a schema and a feed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schema.sql").write_text(DDL)
    (tmp_path / "feed.sql").write_text(FEED)
    return tmp_path


def run(*arguments: str, code: int = 0) -> Result:
    """Run a command."""
    done = CliRunner().invoke(policy, arguments)
    if isinstance(done.exception, ConfigError):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


def test_a_policy_is_proposed_and_then_checked(folder: Path) -> None:
    """What init writes is what check takes: the tables meet it, and the feed breaks it."""
    run("init", "--ddl", "schema.sql", "--database", "shop", "--output", "policy.yaml")
    assert "token: {forbid: true}" in (folder / "policy.yaml").read_text()
    schema = ("--ddl", "schema.sql", "--database", "shop", "--policy", "policy.yaml")
    assert run("check", *schema).stdout == "0 ways out, 0 findings\n"
    shown = run("check", "feed.sql", *schema, code=1).stdout
    assert "changefeed (feed.sql:1): users -> kafka://h:9092?topic_prefix=p_" in shown
    assert "HIGH forbidden-column: shop.public.users.token leaves" in shown
    assert "    CREATE CHANGEFEED INTO 'kafka://h:9092?topic_prefix=p_'" in shown
    with pytest.raises(ConfigError, match="cannot be written"):
        run("init", "--ddl", "schema.sql", "--output", "policy.yaml")


def test_what_does_not_meet_is_told(folder: Path) -> None:
    """Tables and columns without a policy, and names of nothing, make it fail."""
    (folder / "policy.yaml").write_text("name: p\nunknown-tables: report\ntables: {shop.public.gone: {columns: {}}}\n")
    shown = run("check", "--ddl", "schema.sql", "--database", "shop", "--policy", "policy.yaml", code=1).stdout
    assert "no policy names the table shop.public.users" in shown
    assert "policy.yaml:3: no table is called shop.public.gone" in shown


def test_records_for_programs() -> None:
    """Every exit and finding is a record of its own; the severity decides on the exit code."""
    arguments = ("check", "feed.sql", "--ddl", "schema.sql", "--format", "jsonl", "--audited", "p_other")
    records = [json.loads(line) for line in run(*arguments, code=1).stdout.splitlines()]
    assert records[0] == {
        "record": "exit",
        "kind": "changefeed",
        "name": "",
        "where": "feed.sql:1",
        "destination": "kafka://h:9092?topic_prefix=p_",
        "tables": ["users"],
        "database": "",
        "columns": None,
    }
    assert [record["code"] for record in records[1:]] == ["unaudited-exit", "raw-looking-column", "open-ended-columns"]
    assert {record["severity"] for record in records[1:]} == {"high", "medium", "low"}
    run(*arguments[:-2], "--fail-on", "high")


def test_something_must_be_given() -> None:
    """Without anything to look at, the command says what it wants."""
    assert "give --ddl, --avro or --from" in run("init", code=2).output
    assert "give --policy, FILES or --changefeeds" in run("check", code=2).output
    assert "--changefeeds needs --from" in run("check", "--changefeeds", code=2).output
