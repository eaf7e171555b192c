"""What a policy finds is the same however rows are cut into batches and frames."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.policies import Breach, TablePolicy
from auditor.protocols import Frame
from tests.policies.policy_making import USERS, frames_of, policies

POLICY = """
name: p
tables:
  users:
    unknown-columns: report
    columns:
      hash: {shape: [sha256-hex, "null"]}
      id: {shape: [uuid, length(1..3)]}
      free: {shape: ['regex([a-z]+)', bcrypt, absent]}
      gone: {forbid: true}
      doc $.t[*]: {shape: sha256-hex}
      doc $.x: {forbid: true}
      doc $.h: {shape: [uuid, absent]}
    rows:
    - {name: both, when: after.hash != null && after.free == null}
    - {name: past, when: before.hash != null && op == 'upsert'}
    - {name: low, when: after.id == 'low', effect: low}
"""
SHA = [hashlib.sha256(bytes([n])).hexdigest() for n in range(4)]
TEXT = st.one_of(st.sampled_from([*SHA, "abc", "low", "a\nb", "", f"{SHA[0]}\n{SHA[1]}", "x" * 40]), st.text(max_size=5))
VALUE = st.one_of(st.none(), TEXT, st.integers(), st.booleans(), st.floats(allow_nan=False))
DOC = st.one_of(VALUE, st.fixed_dictionaries({}, optional={"t": st.lists(VALUE, max_size=3), "x": VALUE, "h": VALUE}))
PART = st.fixed_dictionaries({}, optional={"hash": VALUE, "id": VALUE, "free": VALUE, "gone": VALUE, "doc": DOC, "new": VALUE})
ROW = st.fixed_dictionaries({}, optional={"after": PART, "before": PART, "key": PART, "header": PART}).filter(bool)


def judged(policy: TablePolicy, rows: Sequence[dict[str, Any]], cuts: Sequence[int]) -> list[Breach]:
    """Judge rows in batches that end at the cuts; rows keep their numbers."""
    found = []
    for begin, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        batch = [frame for frame in frames_of(rows[begin:end], USERS) if frame.columns]
        found += [breach._replace(row=breach.row + begin) for breach in policy.judge(batch)]
    return found


def values(breaches: Sequence[Breach]) -> list[Any]:
    """Return what was found in values and rows, and where."""
    return sorted((breach for breach in breaches if breach.value is not None or ".row." in breach.kind), key=repr)


def names(breaches: Sequence[Breach]) -> set[Any]:
    """Return what was found of columns, wherever it was first."""
    return {(b.kind, b.part, b.column, b.path) for b in breaches if b.value is None and ".row." not in b.kind}


@settings(max_examples=200)
@given(rows=st.lists(ROW, min_size=1, max_size=40), data=st.data())
def test_any_cutting_finds_the_same(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    """All in one batch, each row alone, and cut anywhere: the same values and rows, the same columns, as severe."""
    policy = policies(POLICY).for_table(USERS)
    assert policy is not None
    whole = judged(policy, rows, [])
    cuts = sorted(data.draw(st.sets(st.integers(1, len(rows)), max_size=5)) - {len(rows)})
    for other in (judged(policy, rows, range(1, len(rows))), judged(policy, rows, cuts)):
        assert values(other) == values(whole)
        assert names(other) == names(whole)


@settings(max_examples=100)
@given(column=st.lists(VALUE, min_size=1, max_size=60), at=st.integers(0, 60))
def test_a_value_is_judged_by_itself(column: list[object], at: int) -> None:
    """What stands beside a value changes nothing about it."""
    policy = policies(POLICY).for_table(USERS)
    assert policy is not None

    def bad(values: Sequence[object], name: str) -> list[str | None]:
        frame = Frame(USERS, "before", range(len(values)), {name: values})
        return [breach.value for breach in policy.judge([frame]) if breach.kind == "policy.shape"]

    for name in ("hash", "id", "free"):
        assert bad(column, name) == bad(column[:at], name) + bad(column[at:], name)
        assert bad(column, name) == [value for one in column for value in bad([one], name)]
