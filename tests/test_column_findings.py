"""Which verdicts on columns are told: none where a policy or a rule speaks for the column already."""

from __future__ import annotations

import secrets
from pathlib import Path

import numpy as np
import pytest

from auditor.column_findings import raw_columns
from auditor.columns.profiles import Profiles
from auditor.identity import AuditKey
from auditor.policies import Policies
from auditor.protocols import Frame
from auditor.toolkit import Toolkit

KEY = AuditKey(b"k" * 32)
ROWS = 200


def profiles() -> Profiles:
    """Return the profiles of a table with a column of random tokens."""
    made = Profiles(KEY)
    hashes = np.arange(ROWS, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    tokens = [secrets.token_urlsafe(32) for _ in range(ROWS)]
    made.wanted("sessions", hashes)
    made.add("sessions", [Frame("sessions", "after", range(ROWS), {"session_token": tokens})], hashes)
    return made


def policies(folder: Path, clause: str) -> Policies | None:
    """Load a policy of the column, as a scan does."""
    path = folder / "policy.yaml"
    path.write_text(f"name: p\ntables:\n  sessions:\n    columns:\n      session_token: {clause}\n", encoding="utf-8")
    return Toolkit.load((), "", KEY, (path,)).policies


def test_a_column_of_raw_tokens_is_told() -> None:
    """Without a policy, and with few of its values told by rules."""
    (verdict,) = raw_columns(profiles(), None, {("sessions", "session_token", ""): ROWS // 4}, str)
    assert (verdict.table, verdict.column) == ("sessions", "session_token")


def test_a_column_whose_values_rules_have_told_is_not() -> None:
    """Half of them are enough."""
    assert list(raw_columns(profiles(), None, {("sessions", "session_token", ""): ROWS // 2}, str)) == []


@pytest.mark.parametrize(
    ("clause", "told"),
    [
        ("{shape: sha256}", 0),
        ("{allow: [{rule: column.raw-token, reason: these are invitations}]}", 0),
        ("{allow: [{rule: column.raw-token, reason: until it is mended, expires: 2020-01-01}]}", 1),
        ("{severity: low}", 1),
    ],
    ids=["declared", "allowed", "no longer allowed", "of no matter"],
)
def test_a_policy_speaks_for_its_columns(tmp_path: Path, clause: str, told: int) -> None:
    """By the form that it declares, or by allowing raw tokens there."""
    assert len(list(raw_columns(profiles(), policies(tmp_path, clause), {}, str))) == told
