"""Conditions across the columns of a row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.model import Severity
from auditor.policies import TablePolicy
from auditor.policies.row_rules import Rows, Seen
from auditor.protocols import Frame
from tests.policies.policy_making import USERS, frame, frames_of, policies, told


def ruled(when: str, more: str = "") -> TablePolicy:
    policy = policies(f"name: p\ntables:\n  users:\n    rows:\n    - name: r\n      when: {json.dumps(when)}\n{more}").for_table(
        USERS
    )
    assert policy is not None
    return policy


def rows_met(when: str, *rows: Mapping[str, Any]) -> list[int]:
    return [breach.row for breach in ruled(when).judge(frames_of(rows)) if breach.kind == "policy.row.r"]


def after(**columns: object) -> Mapping[str, Any]:
    return {"after": columns, "key": {"id": 1}}


@pytest.mark.parametrize(
    ("when", "yes", "no"),
    [
        ("after.h != null && after.t != null", [after(h="a", t="b")], [after(h="a", t=None), after(h=None, t="b"), after(h="a")]),
        ("has(after.t)", [after(t=None), after(t=1)], [after(h=1)]),
        ("!has(after.t)", [after(h=1)], [after(t=None)]),
        ("after.s == 'revoked'", [after(s="revoked")], [after(s="active"), after(s=None), after(x=1)]),
        ("after.s in ['a', 'b']", [after(s="a"), after(s="b")], [after(s="c")]),
        ("after['odd name'] == null", [after(**{"odd name": None})], [after(**{"odd name": 1})]),
        ("int(after.n) > 5", [after(n=6), after(n="6")], [after(n=5), after(n="5")]),
        ("after.n == 1", [after(n=1), after(n=1.0)], [after(n=2)]),
        ("after.n == true", [after(n=True)], [after(n=1)]),
        ("after.d.live == true", [after(d={"live": True})], [after(d={"live": False}), after(d={})]),
        ("'a.b' == after.s || after.s == '(after.x'", [after(s="a.b"), after(s="(after.x")], [after(s="x")]),
        ("size(after) > 2", [after(a=1, b=2, c=3)], [after(a=1)]),
        ("after.exists(name, name.endsWith('_raw'))", [after(a_raw=1)], [after(a=1)]),
        ("after.t.matches('^q[0-9]+$')", [after(t="q1")], [after(t="r1")]),
        ("op == 'delete'", [{"key": {"id": 1}}, {"key": {"id": 1}, "before": {"a": 1}}], [after(a=1)]),
        (
            "op == 'delete' && before.t != null",
            [{"key": {"id": 1}, "before": {"t": 1}}],
            [{"key": {"id": 1}, "before": {"t": None}}],
        ),
        ("before.t == after.t", [{"before": {"t": 1}, "after": {"t": 1}}], [{"before": {"t": 1}, "after": {"t": 2}}, after(t=1)]),
        (
            "key.id == 'x' && after.t != null",
            [{"key": {"id": "x"}, "after": {"t": 1}}],
            [{"key": {"id": "y"}, "after": {"t": 1}}],
        ),
        ("before == {} && after.t != null", [after(t=1)], [{"before": {"t": 1}, "after": {"t": 1}}]),
    ],
)
def test_a_condition_is_met_by_the_rows_that_it_says(when: str, yes: list[Any], no: list[Any]) -> None:
    """Rows that meet it are breaches, alone and among others; the rest is none."""
    for row in yes:
        assert rows_met(when, row) == [0]
        assert rows_met(when, *no, row, *no) == [len(no)]
    assert rows_met(when, *no) == []


def test_a_breach_says_what_the_rule_says() -> None:
    """Severity, message, owner and remedy are the rule's; without a message its name stands for it."""
    policy = ruled("after.t != null", "      message: Too much\n      severity: critical\n      owner: me\n      remedy: Do it.")
    (breach,) = policy.judge([frame(table="users", t=["x"])])
    assert breach.table == "users"
    assert (breach.kind, breach.part, breach.column, breach.value, breach.severity) == (
        "policy.row.r", "after", "", None, Severity.CRITICAL,
    )  # fmt: skip
    text = policy.text(breach.kind, "", "")
    assert (text.title, text.owner, text.remedy, text.policy_id) == ("Too much", "me", "Do it.", "p")
    plain = ruled("after.t != null")
    assert [breach.severity for breach in plain.judge([frame(t=["x"])])] == [Severity.MEDIUM]
    assert plain.text("policy.row.r", "", "").title == "r"


def test_a_condition_that_cannot_be_evaluated_is_told_once() -> None:
    """A type that does not fit is no silence: which rows would have been breaches is not known."""
    policy = ruled("after.n > 5")
    found = list(policy.judge([frame(n=[1, "7", "8", 9])]))
    assert told(found) == [("row-error.r", 1, "", None), ("row.r", 3, "", None)]
    assert found[0].severity is Severity.INFO
    assert "cannot be evaluated" in policy.text(found[0].kind, "", "").title
    assert told(ruled("after.n").judge([frame(n=[5])])) == [("row-error.r", 0, "", None)]


CAPPED = """
name: p
tables:
  users:
    columns: {t: {shape: uuid, severity: critical}}
    rows:
    - {name: revoked, when: after.revoked_at != null, effect: low}
    - {name: old, when: after.old == true, effect: medium}
    - {name: beside, when: has(after.t), severity: high}
"""


def test_an_effect_lowers_what_is_found_in_the_row() -> None:
    """Breaches in a revoked row are low at most, of columns and of rows; the lowest of several effects holds."""
    policy = policies(CAPPED).for_table("users")
    assert policy is not None
    judged = [frame(t=["a", "b", "c", "d"], revoked_at=[None, "now", None, "now"], old=[False, False, True, True])]
    severities = {(breach.kind, breach.row): breach.severity.label for breach in policy.judge(judged)}
    assert severities == {
        ("policy.shape", 0): "critical",
        ("policy.shape", 1): "low",
        ("policy.shape", 2): "medium",
        ("policy.shape", 3): "low",
        ("policy.row.beside", 0): "high",
        ("policy.row.beside", 1): "low",
        ("policy.row.beside", 2): "medium",
        ("policy.row.beside", 3): "low",
    }
    assert policy.caps(judged) == {1: Severity.LOW, 2: Severity.MEDIUM, 3: Severity.LOW}


def test_the_more_specific_rule_of_a_name_holds() -> None:
    """A table of its own can replace a rule that stands for many."""
    loaded = policies(
        "name: p\ntables:\n  '*': {rows: [{name: r, when: 'true'}]}\n  users: {rows: [{name: r, when: 'false'}]}\n  orders: {}"
    )
    counts = {}
    for table in ("users", "orders"):
        policy = loaded.for_table(table)
        assert policy is not None
        counts[table] = len(told(policy.judge([frame(table=table, a=[1])])))
    assert counts == {"users": 0, "orders": 1}


@pytest.mark.parametrize(
    ("when", "seen"),
    [
        ("after.a != null && after.b == null", {Seen("after", "a", True), Seen("after", "b", True)}),
        ("has(after.a) || (before.a == null)", {Seen("after", "a", True), Seen("before", "a", True)}),
        ("after.a == null ? after.b == null : false", {Seen("after", "a", True), Seen("after", "b", True)}),
        ("after.a == 'x' && after.a != null", {Seen("after", "a", False)}),
        ("after.a.b == null", {Seen("after", "a", False)}),
        ("true == after.a == null", {Seen("after", "a", False)}),
        ("after.a == null == after.b", {Seen("after", "a", False), Seen("after", "b", False)}),
        ("!after.a == null", {Seen("after", "a", False)}),
        ("null == after.a", {Seen("after", "a", False)}),
        ("after['a'] == null", {Seen("after", "a", True)}),
        ("after['a\\\\x'] == null", {Seen("after", None, False)}),
        ("after == before", {Seen("after", None, False), Seen("before", None, False)}),
        ("'after.a == null' == key.id", {Seen("key", "id", False)}),
        ("op == 'delete'", set()),
    ],
)
def test_what_a_condition_sees_is_read_from_its_text(when: str, seen: set[Seen]) -> None:
    """Columns that are only asked for null are told from those whose values matter."""
    (condition,) = ruled(when)._rules
    assert set(condition.seen) == seen


VALUES = st.one_of(st.none(), st.sampled_from(["a", "b", 1, 1.0, True, False, 0]))
COLUMNS = st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1)
CONDITIONS = (
    "after.a != null && after.b == null",
    "after.a == 'a' || has(before.b)",
    "before.a == after.a",
    "key.a == 1 || after.c != null",
    "op == 'delete' && before.a != null",
    "after == before",
    "has(key.c) ? after.a == null : after.b == true",
    "!has(after.a) && after.b != null",
)


@settings(max_examples=200)
@given(
    when=st.sampled_from(CONDITIONS),
    rows=st.lists(
        st.one_of(
            st.fixed_dictionaries({"after": COLUMNS}, optional={"before": COLUMNS, "key": COLUMNS}),
            st.fixed_dictionaries({"key": COLUMNS}, optional={"before": COLUMNS}),
        ),
        min_size=1,
        max_size=12,
    ),
)
def test_rows_put_together_are_decided_as_each_by_itself(when: str, rows: list[dict[str, Any]]) -> None:
    """The columns' way of deciding agrees with evaluating the condition for every row."""
    policy = ruled(when)
    (condition,) = policy._rules
    expected = []
    for index, row in enumerate(rows):
        whole = {
            "op": "upsert" if "after" in row else "delete",
            **{part: row.get(part, {}) for part in ("after", "before", "key")},
        }
        if condition.met(whole):
            expected.append(index)
    assert sorted(breach.row for breach in policy.judge(frames_of(rows)) if breach.kind == "policy.row.r") == expected


def several(part: str, rows: list[int], **columns: list[object]) -> Frame:
    return Frame(USERS, part, rows, columns)


def test_rows_of_one_record_are_told_apart_by_their_order() -> None:
    """A record that carries several rows is joined row by row where every part has them all."""
    policy = ruled("before.t != null && after.t == null")
    found = policy.judge([several("after", [0, 0, 1], t=[None, "x", None]), several("before", [0, 0, 1], t=["a", "b", None])])
    assert told(found) == [("row.r", 0, "", None)]


def test_rows_that_cannot_be_joined_are_told() -> None:
    """Where a part lacks some rows of a record it is not known which; a condition on one part is decided all the same."""
    muddled = [several("after", [0, 0, 1], t=[None, None, None]), several("before", [0, 1], t=["a", "b"])]
    assert told(ruled("before.t != null && after.t == null").judge(muddled)) == [
        ("row-error.r", 0, "", None),
        ("row.r", 1, "", None),
    ]
    assert [found[1] for found in told(ruled("after.t == null").judge(muddled))] == [0, 0, 1]


def test_a_record_is_capped_only_if_all_its_rows_are() -> None:
    """One live row among revoked ones keeps the record's findings as severe as they are."""
    policy = policies(CAPPED).for_table("users")
    assert policy is not None
    judged = several("after", [0, 0, 1, 1], t=["a"] * 4, revoked_at=["x", None, "x", "x"], old=[False] * 3 + [True])
    assert policy.caps([judged]) == {1: Severity.LOW}


def test_rows_of_no_condition_are_not_joined() -> None:
    """Headers are no part of a row."""
    assert not list(Rows([frame("header", a=[1])]).met(ruled("true")._rules[0]))
