"""Shapes of columns, and of what is inside JSON."""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import time

import pytest

from auditor.model import Severity
from auditor.shapes import SHAPES
from tests.policies.policy_making import frame, policies, told, users

SHA = [hashlib.sha256(bytes([n])).hexdigest() for n in range(50)]
TOKEN = "q" + secrets.token_urlsafe(24)


def test_values_of_the_shape_pass() -> None:
    """A column of digests breaks nothing, in any part and in any of their forms."""
    policy = users("token_hash: {shape: sha256-hex}")
    for part in ("after", "before", "key", "header"):
        assert told(policy.judge([frame(part, token_hash=SHA), frame(part, token_hash=[f"\\x{one}" for one in SHA])])) == []


@pytest.mark.parametrize("part", ["after", "before", "key", "header"])
@pytest.mark.parametrize("at", [0, 7, 30, 49])
def test_one_raw_value_among_hashes_is_told(part: str, at: int) -> None:
    """The offending text is handed over, with its row, wherever it is."""
    values = [*SHA[:at], TOKEN, *SHA[at + 1 :]]
    (breach,) = users("token_hash: {shape: sha256-hex}").judge([frame(part, rows=range(100, 150), token_hash=values)])
    assert (breach.kind, breach.row, breach.part, breach.column, breach.path) == (
        "policy.shape",
        100 + at,
        part,
        "token_hash",
        "",
    )
    assert breach.value == TOKEN
    assert breach.severity is Severity.HIGH
    assert breach.table == "shop.public.users"


def test_every_bad_value_is_told() -> None:
    """A column full of raw tokens has a breach for each."""
    values = [f"{TOKEN}{index}" for index in range(100)]
    found = told(users("t: {shape: [sha256-hex, bcrypt]}").judge([frame(t=values)]))
    assert found == [("shape", index, "t", value) for index, value in enumerate(values)]


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        ("[sha256-hex, uuid]", [SHA[0], "123e4567-e89b-42d3-a456-426614174000"], ["x", ""]),
        ("one-of(active, revoked)", ["active"], ["activ", "active\nrevoked", "active\n"]),
        ("one-of(1, 2)", [1, "1", 2], [3, "3", 1.5, True]),
        ("one-of('true')", [True, "true"], [False]),
        ("regex(^[a-z]+$)", ["abc", "z"], ["abc1", "a\nb", "A", ""]),
        ("regex([^@]+@[^@]+)", ["a@b", "a\n@b"], ["a", "a@b@c"]),
        ("regex((?s).+)", ["a\nb"], [""]),
        ("['regex([a-z]+)', sha256-hex]", ["abc", SHA[1]], ["ABC"]),
        ("length(2..4)", ["ab", "abcd", "a\nb", 123], ["a", "abcde", 1]),
        ("length(2000..)", ["a" * 2000], ["a" * 1999]),
        ("snowflake", [123456789012345678, "123456789012345678"], [12, -5]),
        ("masked(*????)", ["****1234"], ["12345678"]),
        ("debezium-hash(SHA-256, 20)", [SHA[0][:20]], [SHA[0]]),
        ("pgp", ["-----BEGIN PGP MESSAGE-----\n\nabcd\n=ab12\n-----END PGP MESSAGE-----\n"], ["-----BEGIN PGP MESSAGE-----"]),
        ("decimal", [1.5, 2, "3.25"], ["x"]),
        ("rails-encrypted-attribute", [{"p": "YQ==", "h": {"iv": "YQ=="}}], [{"p": 1}, ["a"]]),
    ],
)
def test_each_form_is_checked_value_by_value(shape: str, good: list[object], bad: list[object]) -> None:
    """Good values pass, alone and among many; bad ones are told, alone and among many."""
    policy = users(f'c: {{shape: "{shape}"}}' if shape[0] != "[" else f"c: {{shape: {shape}}}")
    assert told(policy.judge([frame(c=good * 20)])) == []
    for value in bad:
        assert [found[1] for found in told(policy.judge([frame(c=[value])]))] == [0]
        assert [found[1] for found in told(policy.judge([frame(c=[*good * 20, value])]))] == [len(good) * 20]


def test_null_passes_only_if_listed() -> None:
    """A null, of SQL or of JSON, is a breach of its own: it tells an attacker nothing, so it is low."""
    nulls = [SHA[0], None, {"__crdb_json_null__": True}]
    (one, two) = users("c: {shape: sha256-hex, severity: critical}").judge([frame(c=nulls)])
    assert [(breach.row, breach.value, breach.severity) for breach in (one, two)] == [
        (1, None, Severity.LOW),
        (2, None, Severity.LOW),
    ]
    for listed in ("[sha256-hex, null]", '[sha256-hex, "null"]'):
        assert told(users(f"c: {{shape: {listed}}}").judge([frame(c=nulls)])) == []
        assert told(users(f"c: {{shape: {listed}}}").judge([frame(c=[*nulls, "x", None])])) == [("shape", 3, "c", "x")]
    assert told(users("c: {shape: null}").judge([frame(c=[None, ""])])) == [("shape", 1, "c", "")]


def test_a_column_that_is_named_must_be_there() -> None:
    """Absent is not null: without ``absent`` a named column must be among those of ``after``, once a frame; a glob names none."""
    policy = users("c: {shape: [uuid, null]}\n'*_hash': {shape: uuid}\nd: {shape: [uuid, absent]}\ne: {severity: low}")
    (breach,) = policy.judge([frame(rows=[4, 5], other=[1, 2]), frame("key", id=[1]), frame("before", id=[1])])
    assert (breach.kind, breach.row, breach.column, breach.value, breach.severity) == ("policy.shape", 4, "c", None, Severity.LOW)


def test_deletes_are_checked_by_key_and_before() -> None:
    """A row without ``after`` breaks nothing by that, and is judged by what it has."""
    policy = users("c: {shape: uuid}")
    assert told(policy.judge([frame("key", c=["x"]), frame("before", c=["y"])])) == [
        ("shape", 0, "c", "x"),
        ("shape", 0, "c", "y"),
    ]


def test_severity_owner_and_remedy_are_those_of_the_policy() -> None:
    """What the clause says of itself stands in the breach and in its text."""
    policy = users("c: {shape: sha256-hex, severity: critical, owner: me, remedy: Do this.}", head="mode: observe\n")
    (breach,) = policy.judge([frame(c=[TOKEN])])
    text = policy.text(breach.kind, breach.column, breach.path)
    assert breach.severity is Severity.CRITICAL
    assert (text.policy_id, text.owner, text.remedy, text.observed) == ("p", "me", "Do this.", True)
    assert "sha256-hex" in text.title
    assert TOKEN not in repr(text)


JSON_POLICY = """
doc $.auth.tokens[*]: {shape: sha256-hex}
doc $.auth.id: {shape: [uuid, null]}
doc $.keys.*: {shape: sha256-hex}
doc $.keys.plain: {shape: one-of(yes)}
doc $.peers.{name}: {shape: sha256-hex}
doc $["odd name"]: {shape: [length(1..3), absent], severity: low}
"""


@pytest.mark.parametrize("as_text", [False, True])
def test_values_inside_json_are_checked_by_their_path(as_text: bool) -> None:  # noqa: FBT001
    """Arrays, any member, members' names and odd names: the most specific path holds, in JSON and in its text."""
    uuid = "123e4567-e89b-42d3-a456-426614174000"
    good = {
        "auth": {"tokens": SHA[:3], "id": uuid},
        "keys": {"a": SHA[4], "plain": "yes"},
        "peers": {SHA[5]: 1},
        "odd name": "abc",
    }
    bad = {
        "auth": {"tokens": [SHA[0], "t1", None], "id": "x"},
        "keys": {"a": "k", "plain": SHA[4]},
        "peers": {"p": 1},
        "odd name": "abcd",
    }
    values: list[object] = [good, bad, None, 5, "text", []]
    policy = users(JSON_POLICY)
    found = told(policy.judge([frame(doc=[json.dumps(v) if as_text and isinstance(v, dict) else v for v in values])]))
    assert sorted(found, key=str) == sorted(
        [
            ("shape", 1, "doc$.auth.tokens[*]", "t1"),
            ("shape", 1, "doc$.auth.tokens[*]", None),
            ("shape", 1, "doc$.auth.id", "x"),
            ("shape", 1, "doc$.keys.a", "k"),
            ("shape", 1, "doc$.keys.plain", SHA[4]),
            ("shape", 1, "doc$.peers.{name}", "p"),
            ("shape", 1, 'doc$["odd name"]', "abcd"),
        ],
        key=str,
    )
    odd = next(b for b in policy.judge([frame(doc=[bad])]) if "odd" in b.path)
    assert odd.severity is Severity.LOW
    assert policy.text(odd.kind, odd.column, odd.path).title.startswith('doc $["odd name"]')


def test_a_path_must_be_there_where_its_object_is() -> None:
    """An object that lacks a named member is told once a frame; a missing object, an array's item or any member is none."""
    policy = users(
        "doc $.a.b: {shape: uuid}\ndoc $.l[*]: {shape: uuid}\ndoc $.m.*: {shape: uuid}\ndoc $.o: {shape: [uuid, absent]}"
    )
    values: list[object] = [{}, {"a": 1}, {"a": {}}, {"a": {}}, {"l": [], "m": {}}]
    assert told(policy.judge([frame(doc=values)])) == [("shape", 2, "doc$.a.b", None)]


def test_an_object_where_a_text_was_declared_is_told_as_json() -> None:
    """A value that is no text has none of the shapes of texts."""
    assert told(users("c: {shape: uuid}").judge([frame(c=[{"a": "b"}, ["x"]])])) == [
        ("shape", 0, "c", '{"a": "b"}'),
        ("shape", 1, "c", '["x"]'),
    ]


def test_odd_texts_are_judged() -> None:
    """Lone surrogates, empty texts and line feeds neither pass for another value nor fail."""
    values: list[object] = ["\ud800", "", "\n", f"{SHA[0]}\n{SHA[1]}", SHA[2]]
    assert [found[1] for found in told(users("c: {shape: sha256-hex}").judge([frame(c=values)]))] == [0, 1, 2, 3]
    assert [found[1] for found in told(users("c: {shape: 'regex([0-9a-f]*)'}").judge([frame(c=values)]))] == [0, 2, 3]
    assert [found[1] for found in told(users("c: {shape: length(1)}").judge([frame(c=values)]))] == [1, 3, 4]


@pytest.mark.parametrize("name", list(SHAPES))
def test_every_named_shape_can_be_declared(name: str) -> None:
    """A policy may name any shape, and a raw token breaks it where its letters alone do not make it one."""
    policy = users(f"c: {{shape: {name}}}")
    assert told(policy.judge([frame(c=[f"{TOKEN} é"])])) == [("shape", 0, "c", f"{TOKEN} é")]


def test_a_batch_is_checked_in_milliseconds() -> None:
    """5 checked columns of 15, 5,000 rows: 1.7 ms on one core; the bound leaves room for a busy machine."""
    rng = random.Random(1)
    columns: dict[str, list[object]] = {f"h{n}": [rng.randbytes(32).hex() for _ in range(5000)] for n in range(5)}
    columns |= {f"c{n}": [n] * 5000 for n in range(10)}
    policy = users("h*: {shape: sha256-hex}")
    judged = frame(**columns)
    best = 1.0
    for _ in range(5):
        begun = time.perf_counter()
        assert not list(policy.judge([judged]))
        best = min(best, time.perf_counter() - begun)
    assert best < 0.02


def test_a_policy_tells_which_columns_it_looks_at() -> None:
    """They are known from the names of a row's columns, before any value is decoded."""
    names = ("a", "b", "c")
    assert users("a: {shape: uuid}\nb: {severity: low}").wanted(names) == {"a"}
    assert users("a*: {shape: uuid}").wanted(("ab", *names)) == {"a", "ab"}
    assert users("a: {allow: [{rule: jwt.signed, reason: headers}]}").wanted(names) == frozenset()
    assert users("a $.x: {forbid: true}").wanted(names) == {"a"}
    assert users("a: {tags: [x]}", head="tags: {x: {shape: uuid}}\n").wanted(names) == {"a"}
    ruled = policies("name: p\ntables: {t: {rows: [{name: r, when: after.a != null && before.b == 1}]}}").for_table("t")
    assert ruled is not None
    assert ruled.wanted(names) == {"a", "b"}
