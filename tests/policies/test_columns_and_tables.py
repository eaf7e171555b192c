"""Columns and tables that ought not to be there, by table, by destination, by tag; and rules that may match."""

from __future__ import annotations

from datetime import date

import pytest

from auditor.model import Severity
from auditor.policies import Decision
from tests.policies.policy_making import frame, policies, told, users

TODAY = date(2026, 6, 1)


@pytest.mark.parametrize("part", ["after", "before", "key", "header"])
def test_a_forbidden_column_is_told_in_every_part(part: str) -> None:
    """That it is there is told once a frame, each of its values besides; nulls are no values."""
    policy = users("ssn: {forbid: true, severity: critical}")
    found = list(policy.judge([frame(part, rows=[3, 5, 8], ssn=["a", None, 7]), frame(part, rows=[9], ssn=[None])]))
    assert told(found) == [
        ("forbidden-column", 3, "ssn", None),
        ("forbidden-column", 3, "ssn", "a"),
        ("forbidden-column", 8, "ssn", "7"),
        ("forbidden-column", 9, "ssn", None),
    ]
    assert {breach.severity for breach in found} == {Severity.CRITICAL}
    assert {breach.part for breach in found} == {part}
    assert told(policy.judge([frame(part, other=["a"])])) == []


def test_a_forbidden_path_is_told_where_it_is() -> None:
    """A member that must not leave is told with its values, and only it."""
    policy = users("doc $.card: {forbid: true}\ndoc $.*: {severity: low}")
    assert told(policy.judge([frame(doc=[{"card": {"n": 1}}, {"other": 1}, {"card": None}])])) == [
        ("forbidden-column", 0, "doc$.card", None),
        ("forbidden-column", 0, "doc$.card", '{"n": 1}'),
    ]
    assert told(policy.judge([frame(doc=[{"a": "card"}])])) == []


@pytest.mark.parametrize(("level", "severity"), [("report", Severity.INFO), ("alert", Severity.MEDIUM)])
def test_an_unknown_column_is_told_once_a_frame(level: str, severity: Severity) -> None:
    """A column that no name fits is told with the frame's first row, in rows and their keys; headers have none."""
    policy = users("id:\n'c_*':", more=f"unknown-columns: {level}\n")
    found = list(policy.judge([frame(rows=[2, 3], id=[1, 2], c_x=[1, 2], new=["a", "b"]), frame("header", trace=["x"])]))
    assert told(found) == [("unknown-column", 2, "new", None)]
    assert found[0].severity is severity
    assert policy.text(found[0].kind, "new", "").title == "new is in no policy"
    assert [breach.part for breach in policy.judge([frame("before", x=[1]), frame("key", y=[1])])] == ["before", "key"]


def test_unknown_columns_are_allowed_unless_said() -> None:
    """Nothing is told of other columns by default, or where the more specific table allows them."""
    assert told(users("id:").judge([frame(new=[1])])) == []
    loaded = policies("name: p\ntables:\n  '*': {unknown-columns: alert}\n  shop.public.users: {unknown-columns: allow}")
    for table, count in (("shop.public.users", 0), ("orders", 1)):
        policy = loaded.for_table(table)
        assert policy is not None
        assert len(told(policy.judge([frame(table=table, new=[1])]))) == count


@pytest.mark.parametrize(("level", "severity"), [("report", Severity.INFO), ("alert", Severity.MEDIUM)])
def test_an_unknown_table_is_told_once_a_frame(level: str, severity: Severity) -> None:
    """A table that no name fits is told; one that has any clause is known."""
    loaded = policies(f"name: p\nunknown-tables: {level}\ntables: {{users: {{}}}}")
    unknown = loaded.for_table("shop.public.orders")
    assert unknown is not None
    assert unknown.wanted(("a",)) == frozenset()
    (breach,) = unknown.judge([frame(table="shop.public.orders", rows=[5, 6], a=[1, 2])])
    assert (breach.kind, breach.row, breach.table, breach.severity) == ("policy.unknown-table", 5, "shop.public.orders", severity)
    assert unknown.text(breach.kind, "", "").policy_id == "p"
    known = loaded.for_table("shop.public.users")
    assert known is not None
    assert told(known.judge([frame(a=[1])])) == []


def test_tables_without_policy_cost_nothing() -> None:
    """Where nothing applies and unknown tables are allowed there is no policy."""
    loaded = policies("name: p\ntables: {users: {columns: {a: {shape: uuid}}}}")
    assert loaded.for_table("orders") is None
    assert loaded.for_table("users") is loaded.for_table("users")


@pytest.mark.parametrize(
    ("glob", "table", "fits"),
    [
        ("shop.public.users", "shop.public.users", True),
        ("shop.public.users", "public.users", True),
        ("shop.public.users", "users", True),
        ("shop.public.users", "other.public.users", False),
        ("users", "shop.public.users", True),
        ("public.users", "shop.public.users", True),
        ("private.users", "shop.public.users", False),
        ("shop.*.users", "shop.x.users", True),
        ("shop.*.users", "shop.x.y.users", False),
        ("shop.public.*", "shop.public.users", True),
        ("shop.public.*", "users", True),
        ("*", "shop.public.users", True),
        ("*s", "users", True),
        ("user?", "users", True),
        ("user?", "user", False),
        ("Users", "users", False),
        ("users", "prefix.shop.public.users", True),
        ("a.b.c", "x.a.b.c", True),
        ("*", "", True),
        ("users", "", False),
    ],
)
def test_tables_are_compared_from_their_ends(glob: str, table: str, fits: bool) -> None:  # noqa: FBT001
    """A name may come incomplete on either side; a star crosses no dot."""
    loaded = policies(f"name: p\ntables: {{'{glob}': {{columns: {{a: {{shape: uuid}}}}}}}}")
    assert (loaded.for_table(table) is not None) is fits


def test_a_star_in_a_column_crosses_no_dot() -> None:
    """A dot in a column's name is no character of a star."""
    policy = users("'a*': {shape: uuid}")
    assert [found[2] for found in told(policy.judge([frame(ab=["x"]), frame(**{"a.b": ["x"]})]))] == ["ab"]


SPECIFIC = """
name: p
tables:
  "*":
    columns:
      "*": {severity: low, owner: all}
      "t*": {shape: uuid}
  shop.*.users:
    columns:
      "tok*": {shape: ulid, severity: medium}
      token: {severity: high, tags: [t]}
  shop.public.users:
    columns:
      "tok*": {owner: team}
tags:
  t: {severity: critical, shape: ksuid, remedy: By the tag.}
"""


def test_the_most_specific_clause_wins_key_by_key() -> None:
    """Table before column, a clause before the tags it names; what the winner does not say comes from the next."""
    policy = policies(SPECIFIC).for_table("shop.public.users")
    assert policy is not None
    held = {decision.key: (decision.value, decision.where) for decision in policy.decisions("token") if decision.holds}
    assert held == {
        "shape": (("ksuid",), "a.yaml:15"),
        "severity": (Severity.HIGH, "a.yaml:10"),
        "owner": ("team", "a.yaml:13"),
        "remedy": ("By the tag.", "a.yaml:15"),
        "tags": (("t",), "a.yaml:10"),
    }
    assert Decision("shape", ("uuid",), "a.yaml:6", holds=False) in list(policy.decisions("token"))
    (breach,) = policy.judge([frame(tokens=["x"], token=["2" * 27])])
    assert (breach.column, breach.severity) == ("tokens", Severity.MEDIUM)
    text = policy.text(breach.kind, "tokens", "")
    assert (text.owner, "ulid" in text.title) == ("team", True)


def test_a_column_can_be_exempted() -> None:
    """What a glob forbids, an exact name can permit."""
    policy = users("'*_raw': {forbid: true}\ncsv_raw: {forbid: false}")
    assert {found[2] for found in told(policy.judge([frame(csv_raw=["a"], x_raw=["b"])]))} == {"x_raw"}


PARTNERS = """
name: p
unknown-tables: allow
tables:
  users: {columns: {email: {shape: email}, phone: {}}}
destinations:
  "s3://partner-*":
    unknown-tables: alert
    tables:
      users:
        unknown-columns: report
        columns: {email: {forbid: true}}
  "s3://partner-good/*":
    tables: {users: {columns: {email: {forbid: false}}}}
  "internal.*":
    tables: {users: {columns: {email: {shape: [email, "null"]}}}}
"""


@pytest.mark.parametrize(
    ("destination", "kinds"),
    [
        ("", ["shape"]),
        ("s3://elsewhere/x", ["shape"]),
        ("s3://partner-a/users/", ["forbidden-column", "unknown-column"]),
        (("feed", "s3://partner-a/users/"), ["forbidden-column", "unknown-column"]),
        ("s3://partner-good/users/", ["shape", "unknown-column"]),
        ("internal.shop.users", []),
    ],
)
def test_a_destination_overrides_what_is_said_for_all(destination: str | tuple[str, ...], kinds: list[str]) -> None:
    """The same column may be fine in an internal topic and forbidden in a partner's bucket."""
    policy = policies(PARTNERS).for_table("users", destination)
    assert policy is not None
    assert sorted({found[0] for found in told(policy.judge([frame(email=[None], other=[1])]))}) == kinds


def test_unknown_tables_are_those_of_the_destination() -> None:
    """A destination may be stricter about tables, too."""
    loaded = policies(PARTNERS)
    assert loaded.for_table("orders") is None
    assert loaded.for_table("orders", "s3://partner-a/") is not None


def test_a_schema_is_judged_before_any_row() -> None:
    """Unknown, forbidden and missing columns, and unknown tables, follow from the columns' names."""
    loaded = policies(
        """
        name: p
        unknown-tables: alert
        tables:
          users:
            unknown-columns: alert
            columns: {id: {shape: uuid}, ssn: {forbid: true}, ok: {}}
        """
    )
    assert told(loaded.judge_columns("users", ["ok", "ssn", "new"])) == [
        ("unknown-column", 0, "new", None),
        ("forbidden-column", 0, "ssn", None),
        ("shape", 0, "id", None),
    ]
    assert told(loaded.judge_columns("users", ["id", "ok"])) == []
    assert told(loaded.judge_columns("orders", ["id"])) == [("unknown-table", 0, "", None)]


ALLOW = """
cert: {allow: [{rule: key.*, reason: public part}, {rule: jwt.signed, reason: until it is gone, expires: 2026-06-02}]}
doc: {allow: [{rule: jwt.signed, reason: headers}]}
doc $.raw: {allow: []}
"""


@pytest.mark.parametrize(
    ("rule", "column", "path", "today", "reason"),
    [
        ("key.openssh", "cert", "", TODAY, "public part"),
        ("jwt.signed", "cert", "", TODAY, "until it is gone"),
        ("jwt.signed", "cert", "", date(2026, 6, 2), None),
        ("jwt.encrypted", "cert", "", TODAY, None),
        ("key.openssh", "other", "", TODAY, None),
        ("jwt.signed", "doc", "$.a.b[*]", TODAY, "headers"),
        ("jwt.signed", "doc", "$.a.{name}", TODAY, "headers"),
        ("jwt.signed", "doc", "$.raw.x", TODAY, None),
    ],
)
def test_a_rule_may_match_where_its_owner_says_so(rule: str, column: str, path: str, today: date, reason: str | None) -> None:
    """The reason is given for the column and what is inside it, until it expires, unless a more specific place says otherwise."""
    assert users(ALLOW).allows(rule, column, path, today) == reason


def test_texts_of_scrubbed_places_are_still_the_policys() -> None:
    """A place whose name no longer fits any clause, since it held a secret, has a text nonetheless."""
    text = users("c: {shape: uuid}").text("policy.shape", "...", "$....", scrubbed=True)
    assert text.policy_id == "p"


def test_names_from_data_are_not_remembered_without_end() -> None:
    """Tables, columns, member sets and paths are named by data, and memory stays bounded."""
    loaded = policies("name: p\nunknown-tables: alert\ntables: {t: {columns: {'*': {shape: uuid}, 'd $.*': {shape: uuid}}}}")
    policy = loaded.for_table("t")
    assert policy is not None
    for index in range(5000):
        assert len(told(policy.judge([frame(table="t", **{f"c{index}": ["x"], "d": [{f"m{index}": "x"}]})]))) == 3
        loaded.for_table(f"t{index}")
    assert len(loaded._tables) <= 4096
    assert len(policy._plans) <= 1024
    assert len(policy._clauses._columns) <= 4096
