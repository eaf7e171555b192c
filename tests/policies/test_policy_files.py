"""Policy files: what they may say, and that each mistake is told with its line."""

from __future__ import annotations

import pickle
from pathlib import Path

import jsonschema
import pytest
import yaml

from auditor.errors import ConfigError
from auditor.policies import Policies, policy_schema
from auditor.policies.examples import example_policies
from tests.policies.policy_making import RULES, frame, policies, told

COLUMNS = "name: p\ntables:\n  t:\n    columns:\n"


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("name: p\ntables: a: b", "a.yaml:2", "not valid YAML"),
        ("name: p\ncolour: red", "a.yaml:2", "Extra inputs"),
        ("name: P", "a.yaml:1", "name"),
        ("tables: {}", "a.yaml:1", "name: Field required"),
        (f"{COLUMNS}      a: {{shape: sha257-hex}}", "a.yaml:5", "did you mean sha"),
        (f"{COLUMNS}      a:\n        shape:\n        - uuid\n        - nope", "a.yaml:8", "there is no shape nope"),
        (f"{COLUMNS}      a: {{shape: [uuid, uuid]}}", "a.yaml:5", "listed twice"),
        (f"{COLUMNS}      a: {{shape: []}}", "a.yaml:5", "at least 1"),
        (f"{COLUMNS}      a: {{shape: 'regex([)'}}", "a.yaml:5", "RE2 does not take"),
        (f"{COLUMNS}      a: {{severity: huge}}", "a.yaml:5", "severity"),
        (f"{COLUMNS}      a:\n        shape: uuid\n        forbid: true", "a.yaml:7", "has a shape in a.yaml:6"),
        (f"{COLUMNS}      a: {{shape: uuid}}\n      b:\n      a: {{shape: ulid}}", "a.yaml:7", "stands here and in line 5"),
        (f"{COLUMNS}      a: {{allow: [{{rule: no.such, reason: because}}]}}", "a.yaml:5", "there is no rule no.such"),
        (f"{COLUMNS}      a: {{allow: [{{rule: jwt.signed}}]}}", "a.yaml:5", "reason: Field required"),
        (f"{COLUMNS}      a: {{tags: [odd]}}", "a.yaml:5", "there is no tag odd"),
        (f"{COLUMNS}      'a $.b c': {{}}", "a.yaml:5", "is no column"),
        (f"{COLUMNS}      'a $': {{}}", "a.yaml:5", "is no column"),
        (f"{COLUMNS}      'a $.{{name}}.b': {{}}", "a.yaml:5", "is no column"),
        ("name: p\ntables:\n  a.b.c.d: {}", "a.yaml:3", "no name of a table"),
        ("name: p\ntables:\n  a..c: {}", "a.yaml:3", "no name of a table"),
        ("name: p\ntables:\n  t:\n    rows:\n    - name: r\n      when: after.", "a.yaml:6", "not CEL"),
        ("name: p\ntables:\n  t:\n    rows:\n    - name: r\n      when: row.a == 1", "a.yaml:6", "names row"),
        ("name: p\ntables:\n  t:\n    rows:\n    - name: r\n      when: has(after.a) && x.y == 1", "a.yaml:6", "names x"),
        ("name: p\ntables:\n  t:\n    rows:\n    - name: r\n      when: frobnicate(op)", "a.yaml:6", "frobnicate"),
        (
            "name: p\ntables:\n  t:\n    rows:\n    - {name: r, when: 'true'}\n    - {name: r, when: 'false'}",
            "a.yaml:6",
            "stands in a.yaml:5",
        ),
        (
            "name: p\ntables:\n  t:\n    rows:\n    - {name: r, when: 'true', effect: low, severity: low}",
            "a.yaml:5",
            "effect and a sev",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, where: str, message: str) -> None:
    """What a file may not say is refused, naming file and line."""
    with pytest.raises(ConfigError) as caught:
        policies(text)
    assert message in caught.value.what
    assert caught.value.where == where


def test_two_equally_specific_clauses_that_disagree_are_refused_with_both_lines() -> None:
    """Nobody could tell which of two globs holds for a column that both mean."""
    with pytest.raises(ConfigError, match=r"a.yaml:6.*shape says another thing than a.yaml:5"):
        policies(f"{COLUMNS}      tok*: {{shape: uuid}}\n      '*ken': {{shape: ulid}}")


@pytest.mark.parametrize(
    "columns",
    [
        "tok*: {shape: uuid}\n      '*ken': {shape: uuid}",
        "tok*: {shape: uuid}\n      '*ken': {severity: low}",
        "tok*: {shape: uuid}\n      'x*y': {shape: ulid}\n      'abc*': {shape: ulid}",
        "token: {shape: uuid}\n      '*': {shape: ulid}",
        "a $.x: {shape: uuid}\n      a $.y: {shape: ulid}",
        "a $.x[*]: {shape: uuid}\n      a $.x.*: {shape: ulid}",
    ],
)
def test_clauses_that_agree_or_are_about_different_things_stand_together(columns: str) -> None:
    """Only a contradiction is refused."""
    policies(f"{COLUMNS}      {columns}")


def test_contradictions_are_found_across_tables_and_files() -> None:
    """Two files, or two globs of tables, that disagree are refused with both places."""
    one = "name: one\ntables:\n  shop.*.users: {columns: {a: {forbid: true}}}"
    two = "name: two\ntables:\n  shop.*.users: {columns: {a: {forbid: false}}}"
    with pytest.raises(ConfigError, match=r"b.yaml:3.*than a.yaml:3"):
        policies(one, two)
    with pytest.raises(ConfigError, match=r"a.yaml:4.*than a.yaml:3"):
        policies(
            "name: p\ntables:\n  shop.*.users: {columns: {a: {forbid: true}}}\n  '*.shop.users': {columns: {a: {forbid: false}}}"
        )
    with pytest.raises(ConfigError, match=r"b.yaml:2.*unknown-tables says another thing than a.yaml:2"):
        policies("name: one\nunknown-tables: alert", "name: two\nunknown-tables: allow")
    with pytest.raises(ConfigError, match=r"unknown-columns says another thing"):
        policies("name: p\ntables:\n  'a*.b.c': {unknown-columns: alert}\n  '*a.b.c': {unknown-columns: allow}")
    with pytest.raises(ConfigError, match=r"row rule r says another thing than a.yaml:3"):
        policies("name: p\ntables:\n  'a*': {rows: [{name: r, when: 'true'}]}\n  '*a': {rows: [{name: r, when: 'false'}]}")
    with pytest.raises(ConfigError, match="named one"):
        policies("name: one", "name: one")
    with pytest.raises(ConfigError, match=r"tag x stands in a.yaml:2"):
        policies("name: one\ntags: {x: {severity: low}}", "name: two\ntags: {x: {severity: low}}")
    with pytest.raises(ConfigError, match="two tags disagree about severity"):
        policies("name: p\ntags: {x: {severity: low}, y: {severity: high}}\ntables: {t: {columns: {a: {tags: [x, y]}}}}")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file is an error of the configuration."""
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        Policies.load([tmp_path / "none.yaml"], RULES)


def test_what_is_about_nothing_that_exists_is_told_with_its_line() -> None:
    """Globs of tables and columns, row rules and tags that no table fits are dead."""
    loaded = policies(
        """
        name: p
        tags:
          used: {severity: low}
          unused: {severity: low}
        tables:
          shop.public.users:
            columns:
              id: {tags: [used]}
              tokn: {shape: uuid}
              gone: {forbid: true}
              optional: {shape: [uuid, absent]}
              "x_*":
            rows:
              - {name: r, when: after.id != null && after.nme == null}
          shop.public.orders:
        """.replace("orders:", "orders: {}")
    )
    found = [(error.where, error.what) for error in loaded.dead({"shop.public.users": ["id", "name"], "other": ["x"]})]
    assert found == [
        ("a.yaml:15", "no table is called shop.public.orders"),
        ("a.yaml:9", "no column is called tokn"),
        ("a.yaml:12", "no column is called x_*"),
        ("a.yaml:14", "row rule r asks for nme, which no table has"),
        ("a.yaml:4", "no column has the tag unused"),
    ]


def test_the_digest_tells_contents_apart() -> None:
    """Equal files have one digest, others another."""
    assert policies("name: p").digest == policies("name: p").digest != policies("name: q").digest


def test_policies_go_to_another_process() -> None:
    """What was loaded and used can be pickled, and judges as before."""
    loaded = policies(f"{COLUMNS}      a: {{shape: 'regex([a-z]+)'}}\n    rows: [{{name: r, when: after.a == 'z'}}]")
    judged = frame(table="t", a=["a", "1", "z"])
    before = loaded.for_table("t")
    after = pickle.loads(pickle.dumps(loaded)).for_table("t")  # noqa: S301 - what was just dumped
    assert before is not None
    assert told(before.judge([judged])) == told(after.judge([judged])) == [("shape", 1, "a", "1"), ("row.r", 2, "", None)]


@pytest.mark.parametrize("name", list(example_policies()))
def test_the_examples_are_policies(name: str) -> None:
    """Each example loads, is valid by the schema, and stands in the documentation as it is."""
    text = example_policies()[name]
    Policies([(name, text.encode())], RULES)
    shown = yaml.safe_load(text.replace("2030-01-01", "'2030-01-01'"))
    jsonschema.validate(shown, policy_schema())
    page = (Path(__file__).parents[2] / "docs/how-to/write-a-policy.md").read_text("utf-8")
    assert f"```yaml\n{text}```" in page


def test_the_examples_stand_together() -> None:
    """All examples can be loaded at once."""
    loaded = Policies([(name, text.encode()) for name, text in example_policies().items()], RULES)
    assert loaded.names == ("shop.hashes", "shop.partners", "shop.rows")
