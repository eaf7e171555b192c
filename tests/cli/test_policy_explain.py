"""`auditor policy explain`: every decision about a column, and about a value that is never shown."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from auditor.cli.policy import policy

POLICY = """
name: p
tables:
  shop.public.users:
    unknown-columns: alert
    columns:
      "*_hash": {shape: sha256}
      token_hash: {shape: sha256-hex, severity: critical, owner: team}
      public: {allow: [{rule: "shopify.*", reason: published on purpose}]}
      doc $.t[*]: {shape: uuid}
    rows: [{name: r, when: after.token_hash == null}]
destinations:
  partner: {tables: {users: {columns: {token_hash: {forbid: true}}}}}
"""
TOKEN = "shpat" + "_" + hashlib.sha256(b"x").hexdigest()[:32]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with a policy."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(POLICY.lstrip())


def explained(*arguments: str, value: str | None = None) -> str:
    """Run the command."""
    more = () if value is None else ("--value", "-")
    command = ["explain", "--policy", "p.yaml", *arguments, *more]
    done = CliRunner().invoke(policy, command, input=value, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def records(*arguments: str, value: str | None = None) -> list[dict[str, Any]]:
    """Run the command for programs."""
    return [json.loads(line) for line in explained(*arguments, "--format", "jsonl", value=value).splitlines()]


def test_every_decision_about_a_column_with_its_line() -> None:
    """What holds, what gives way, and the rows' conditions that look at it."""
    assert explained("shop.public.users", "token_hash").splitlines() == [
        "p.yaml:7: shape: sha256-hex",
        "p.yaml:6: shape: sha256  (gives way to a more specific clause)",
        "p.yaml:7: severity: critical",
        "p.yaml:7: owner: team",
        "p.yaml:10: row rule r: after.token_hash == null",
    ]
    assert "p.yaml:12: forbid: true" in explained("users", "token_hash", "--destination", "partner")


def test_columns_and_tables_that_no_policy_names() -> None:
    """Their presence is a breach, or no matter."""
    assert explained("users", "new") == "breaks the policy by its presence: policy.unknown-column, medium\n"
    assert explained("carts", "id").startswith("no policy is about this table")


def test_a_value_is_judged_and_never_shown() -> None:
    """Its shapes, the rules that match it, and whether it breaks the policy, in a column and inside its JSON."""
    shown = explained("users", "token_hash", value="a-home-grown-token\n")
    assert "a value of 18 characters; its shapes: none that has a name" in shown
    assert shown.endswith("breaks the policy by its value: policy.shape, critical\n")
    assert "home-grown" not in shown
    digest = hashlib.sha256(b"x").hexdigest()
    assert "breaks" not in explained("users", "token_hash", value=digest)
    assert "sha256-hex" in next(one for one in records("users", "token_hash", value=digest) if one["record"] == "value")["shapes"]
    assert "breaks the policy by its value: policy.shape, high" in explained("users", "doc $.t[*]", value="raw")


def test_rules_that_match_a_value_and_those_that_may() -> None:
    """Rule, severity and confidence; the reason where the policy allows it."""
    (rule,) = (one for one in records("users", "token_hash", value=TOKEN) if one["record"] == "rule")
    assert rule["rule_id"].startswith("shopify.")
    assert (rule["confidence"], rule["allowed"]) == ("high", None)
    shown = explained("users", "public", value=TOKEN)
    assert "; allowed here: published on purpose" in shown
    assert TOKEN not in shown
