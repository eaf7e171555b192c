"""Every kind of policy, broken and kept, in every format, cut in every way: the same rows give the same findings."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor import plan as planning
from auditor.decoders.options import ReadOptions
from auditor.delivery import Messages
from auditor.feed_settings import FeedSettings
from auditor.identity import AuditKey
from auditor.model import Severity
from auditor.policies import Policies
from auditor.record.findings import FindingReader
from auditor.record.ledger import Ledger
from auditor.reports.record import finding_record
from auditor.sources import find_inputs
from auditor.tally import Tally
from auditor.toolkit import Toolkit
from auditor.unit import Unit, scan_unit
from auditor.watching.events import Events
from auditor.watching.inspection import Inspection
from tests.policies.feed_formats import FORMATS, TABLE, Avro, Change, Format, kafka_json, kafka_protobuf
from tests.policies.policy_making import frames_of

KEY = AuditKey(b"k" * 32)
RULE = "shopify.*"
POLICY = """
name: everywhere
unknown-tables: report
tags:
  credential: {severity: critical, owner: identity-team}
tables:
  shop.public.users:
    unknown-columns: alert
    columns:
      id: {shape: uuid}
      number: {shape: integer}
      hash: {shape: sha256-hex, severity: critical, owner: team, remedy: Store the hash}
      maybe: {shape: [sha256-hex, "null"], tags: [credential]}
      never_null: {shape: [uuid, 'one-of(a, b)']}
      optional: {shape: [uuid, absent]}
      tenant: {forbid: true}
      x-session: {forbid: true}
      trace: {shape: ['regex([0-9a-f]{8})', absent]}
      public: {allow: [{rule: "RULE", reason: published on purpose}]}
      expired: {allow: [{rule: "RULE", reason: was published, expires: 2020-01-01}]}
      revoked:
      doc $.tokens[*]: {shape: sha256-hex}
      doc $.secret: {forbid: true}
      doc $.must: {shape: uuid}
    rows:
      - {name: raw-beside-hash, when: after.maybe != null && after.never_null == null, severity: high, owner: rows-team}
      - {name: past, when: before.hash != null && op == 'upsert'}
      - {name: revoked, when: after.revoked == 'yes', effect: low}
      - {name: odd, when: int(after.expired) > 3}
destinations:
  "partner*":
    tables:
      "*.*.users":
        columns:
          number: {forbid: true, severity: critical}
""".replace("RULE", RULE)


def sha(text: str) -> str:
    """Return a digest."""
    return hashlib.sha256(text.encode()).hexdigest()


def uuid(number: int) -> str:
    """Return a UUID."""
    return f"00000000-0000-4000-8000-{number:012d}"


def token(name: str) -> str:
    """Return what a rule finds."""
    return "shpat" + "_" + hashlib.sha256(name.encode()).hexdigest()[:32]


def row(number: int, **other: Any) -> dict[str, Any]:
    """Return a row that breaks nothing but what every row breaks: a forbidden column and one that is unknown."""
    return {
        "id": uuid(number),
        "number": number,
        "hash": sha(f"h{number}"),
        "maybe": None,
        "never_null": "a",
        "optional": uuid(101),
        "tenant": f"tenant{number}",
        "public": "x",
        "expired": "1",
        "revoked": "no",
        "doc": {"tokens": [sha("t")], "must": uuid(2)},
        "surprise": "new",
        **other,
    }


def changes() -> list[Change]:
    """Return changes that break, and keep, each kind of clause."""
    rows = [
        row(0),
        row(1, hash="home-grown-token-1"),
        row(2, hash="home-grown-token-2", revoked="yes"),
        row(3, maybe=sha("m")),
        row(4, maybe="not a digest", never_null="c"),
        row(5, never_null=None),
        row(6, maybe=sha("m"), never_null=None),
        row(7, public=token("public"), expired=token("expired")),
        row(8, expired=token("low"), revoked="yes"),
        row(9, doc={"tokens": [sha("t"), "raw one", "raw two"], "secret": "inside", "must": None}),
        row(10, doc={"tokens": []}),
        row(11, hash=token("in place of a hash")),
        row(12, id="no-uuid"),
    ]
    found = [Change(one, None, [one["id"]]) for one in rows]
    found.append(Change(row(13), row(13, hash="only in the past"), [uuid(13)], {"x-session": "s1", "trace": "0123abcd"}))
    found.append(Change(row(14, hash="the same"), row(14, hash="the same"), [uuid(14)], {"trace": "no trace"}))
    found.append(Change(None, row(15, hash="deleted"), [uuid(15)]))
    return found


VALUES_TOLD = (
    *("home-grown-token-1", "home-grown-token-2", "only in the past", "the same", "deleted", "not a digest", "c"),
    *("raw one", "raw two", "inside", "no-uuid"),
)
Facts = dict[tuple[str, str, str, str, str], tuple[int, Severity]]


def facts_of(tallies: Iterable[Tally]) -> Facts:
    """Return what was found: rule, column, path, part, secret -> how often, how severe."""
    facts: dict[tuple[str, str, str, str, str], tuple[int, Severity]] = {}
    for tally in tallies:
        for key, place in tally.places():
            for part, secrets in place.secrets.items():
                for secret_id, seen in secrets.items():
                    at = key.rule_id, key.column, key.path, part, secret_id
                    count, severity = facts.get(at, (0, Severity.INFO))
                    facts[at] = count + seen.count, max(severity, seen.severity)
    return facts


def expected(given_: Sequence[Change], parts: Iterable[str], policies: Policies, *, text: bool = False) -> Facts:
    """Return what the policy says of the rows by themselves, as far as a format holds them."""
    held = {"after", *parts}

    def columns(part: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if part is None or not text:
            return part
        return {name: None if one is None else json.dumps(one) if type(one) is dict else str(one) for name, one in part.items()}

    rows = [
        {
            "after": columns(one.after),
            "before": columns(one.before) if "before" in held else None,
            "key": {"id": one.key[0]} if "key" in held else None,
            "header": dict(one.headers) or None if "header" in held else None,
        }
        for one in given_
    ]
    policy = policies.for_table(TABLE)
    assert policy is not None
    breaches = list(policy.judge(frames_of(rows, TABLE)))
    current = {(one.kind, one.row, one.column, one.path, one.value) for one in breaches if one.part == "after"}
    facts: defaultdict[tuple[str, str, str, str, str], tuple[int, Severity]] = defaultdict(lambda: (0, Severity.INFO))
    for one in breaches:
        if one.part == "before" and one.value is not None and (one.kind, one.row, one.column, one.path, one.value) in current:
            continue
        if one.kind == "policy.shape" and (one.value or "").startswith("shpat"):
            continue  # a token rule's
        at = one.kind, one.column, one.path, one.part, KEY.secret_id("\0" if one.value is None else one.value)
        count, severity = facts[at]
        facts[at] = count + one.rows, max(severity, one.severity)
    return dict(facts)


@pytest.fixture(scope="module", name="tools")
def tools_fixture(tmp_path_factory: pytest.TempPathFactory) -> Toolkit:
    """Compile the shipped rules and the policy."""
    path = tmp_path_factory.mktemp("policy") / "p.yaml"
    path.write_text(POLICY)
    return Toolkit.load([], "", KEY, [path])


def scanned(path: Path, body: bytes, form: Format, tools: Toolkit, size: int | None = None) -> list[Tally]:
    """Scan a file, in units of about ``size`` bytes."""
    path.write_bytes(body)
    (source,) = find_inputs(str(path))
    units = [Unit(source, form.options)] if size is None else list(planning.plan(source, form.options, size=size))
    partials = [scan_unit(unit, tools, lambda _size: None) for unit in units]
    assert not [gap for partial in partials for gap in partial.gaps]
    return [partial.tally for partial in partials]


def policy_facts(facts: Facts) -> Facts:
    """Return what policies found."""
    return {at: what for at, what in facts.items() if at[0].startswith("policy.")}


def kept(form: Format) -> list[Change]:
    """Return the changes that a format can hold."""
    return [change for change in changes() if form.deletes or change.after is not None]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_of_files_gives_the_same_breaches(name: str, tmp_path: Path, tools: Toolkit) -> None:
    """What breaks the policy is that of the rows by themselves, in the parts that the format holds, as often and as severe."""
    form = FORMATS[name]
    assert tools.policies is not None
    facts = facts_of(scanned(tmp_path / f"users.{form.suffix}", form.write(kept(form)), form, tools))
    assert policy_facts(facts) == expected(kept(form), form.parts, tools.policies)


@pytest.mark.parametrize("name", FORMATS)
def test_token_rules_and_policies_share_out_what_they_find(name: str, tmp_path: Path, tools: Toolkit) -> None:
    """A token where it is allowed is not told; after the day of expiry it is; in place of a digest only by its own rule."""
    form = FORMATS[name]
    facts = facts_of(scanned(tmp_path / f"users.{form.suffix}", form.write(kept(form)), form, tools))
    tokens = {(column, secret): severity for (rule, column, *_, secret), (_, severity) in facts.items() if rule[:7] == "shopify"}
    assert {column for column, _ in tokens} == {"expired", "hash"}
    assert tokens["expired", KEY.secret_id(token("low"))] is Severity.LOW
    assert tokens["expired", KEY.secret_id(token("expired"))] > Severity.LOW
    assert ("policy.shape", "hash", "", "after", KEY.secret_id(token("in place of a hash"))) not in facts


def test_what_breaks_and_what_keeps_each_kind_of_clause(tmp_path: Path, tools: Toolkit) -> None:
    """The list of what is found, by hand."""
    form = FORMATS["key_in_value"]
    facts = policy_facts(facts_of(scanned(tmp_path / "users.ndjson", form.write(kept(form)), form, tools)))
    none = KEY.secret_id("\0")
    values = {KEY.secret_id(value): value for value in VALUES_TOLD} | {none: ""}
    told = {
        (rule.removeprefix("policy."), column + path, part, values[secret]): (count, severity.label)
        for (rule, column, path, part, secret), (count, severity) in facts.items()
        if secret in values
    }
    assert told == {
        ("shape", "hash", "after", "home-grown-token-1"): (1, "critical"),
        ("shape", "hash", "after", "home-grown-token-2"): (1, "low"),
        ("shape", "hash", "before", "only in the past"): (1, "critical"),
        ("shape", "hash", "after", "the same"): (1, "critical"),
        ("shape", "hash", "before", "deleted"): (1, "critical"),
        ("shape", "maybe", "after", "not a digest"): (1, "critical"),
        ("shape", "never_null", "after", "c"): (1, "high"),
        ("shape", "never_null", "after", ""): (2, "low"),
        ("shape", "id", "after", "no-uuid"): (1, "high"),
        ("shape", "id", "key", "no-uuid"): (1, "high"),
        ("shape", "doc$.tokens[*]", "after", "raw one"): (1, "high"),
        ("shape", "doc$.tokens[*]", "after", "raw two"): (1, "high"),
        ("shape", "doc$.must", "after", ""): (2, "low"),
        ("forbidden-column", "doc$.secret", "after", "inside"): (1, "high"),
        ("forbidden-column", "doc$.secret", "after", ""): (1, "high"),
        ("forbidden-column", "tenant", "after", ""): (15, "high"),
        ("forbidden-column", "tenant", "before", ""): (3, "high"),
        ("unknown-column", "surprise", "after", ""): (15, "medium"),
        ("unknown-column", "surprise", "before", ""): (3, "medium"),
        ("row.raw-beside-hash", "", "after", ""): (1, "high"),
        ("row.past", "", "after", ""): (2, "medium"),
        ("row-error.odd", "", "after", ""): (2, "info"),
    }
    tenants = {at[3]: 0 for at in facts}
    for (rule, column, _, part, secret), (count, _) in facts.items():
        if rule == "policy.forbidden-column" and column == "tenant" and secret != none:
            tenants[part] += count
    assert tenants == {"after": 15, "before": 1, "key": 0}


def inspected(deliveries: Iterable[Messages], tools: Toolkit, form: str, schemas: Any, **more: Any) -> Facts:
    """Return what a running feed finds in deliveries."""
    settings = FeedSettings(**{"name": "feed", "database": "shop", "schema": "public", **more})
    inspection = Inspection(tools, settings, kind="kafka", form=form, schemas=schemas)
    events = Events(KEY, None, [], None)
    found = [one for delivery in deliveries for one in inspection.inspect(delivery, events)]
    assert not [gap for one in found for gap in one.partial.gaps]
    return facts_of(one.partial.tally for one in found)


@pytest.mark.parametrize("form", ["json", "avro", "protobuf"])
def test_every_encoding_of_messages_gives_the_same_breaches(form: str, tools: Toolkit) -> None:
    """Keys and headers too: the row, its past, its key and what stands beside it, in one delivery and one by one."""
    avro = Avro(changes())
    encode: Any = {"json": kafka_json, "avro": avro, "protobuf": kafka_protobuf}[form]
    assert tools.policies is not None
    wanted = expected(changes(), ("before", "key", "header"), tools.policies)
    assert policy_facts(inspected([encode(changes())], tools, form, avro.registry)) == wanted
    alone = [encode([change], index) for index, change in enumerate(changes())]
    assert policy_facts(inspected(alone, tools, form, avro.registry)) == wanted
    headers = {(at[0], at[1]): severity for at, (_, severity) in wanted.items() if at[3] == "header"}
    assert headers == {("policy.forbidden-column", "x-session"): Severity.HIGH, ("policy.shape", "trace"): Severity.HIGH}


@pytest.mark.parametrize("form", ["json", "avro", "protobuf"])
def test_a_column_may_be_forbidden_at_one_destination(form: str, tools: Toolkit) -> None:
    """A feed of another name has what is said of it; its finding's text is that of the clause."""
    avro = Avro(changes())
    encode: Any = {"json": kafka_json, "avro": avro, "protobuf": kafka_protobuf}[form]
    there = inspected([encode(changes())], tools, form, avro.registry, name="partner-1")
    here = inspected([encode(changes())], tools, form, avro.registry)
    assert {at[:3] for at in there.keys() - here.keys()} == {("policy.forbidden-column", "number", "")}
    assert tools.describe("policy.forbidden-column", TABLE, "number", "").policy_id == "everywhere"


def test_texts_of_findings_are_the_owners(tools: Toolkit) -> None:
    """Owner and remedy are those of the clause, of its tag, of the row rule."""
    owners = {
        ("policy.shape", "hash"): ("team", "Store the hash"),
        ("policy.shape", "maybe"): ("identity-team", None),
        ("policy.row.raw-beside-hash", ""): ("rows-team", None),
    }
    for (rule, column), (owner, remedy) in owners.items():
        text = tools.describe(rule, TABLE, column, "")
        assert (text.policy_id, text.owner, text.observed) == ("everywhere", owner, False)
        assert remedy is None or text.remedy == remedy


UNLISTED = [Change({"id": str(number)}, {"id": "0"} if number % 3 else None, [str(number)]) for number in range(9)]


@pytest.mark.parametrize("name", FORMATS)
def test_a_table_that_no_policy_names_is_told(name: str, tmp_path: Path, tools: Toolkit) -> None:
    """Once for each record, whatever parts it has."""
    form = FORMATS[name]
    body = form.write(UNLISTED).replace(b"users", b"carts")
    options = form.options if not form.options.table else ReadOptions(table="shop.public.carts", header=form.options.header)
    for size in (None, 100):
        facts = facts_of(scanned(tmp_path / f"carts.{form.suffix}", body, form._replace(options=options), tools, size))
        records = 6 if name == "webhook" else 9
        assert facts == {("policy.unknown-table", "", "", "after", KEY.secret_id("\0")): (records, Severity.INFO)}


def test_a_name_in_a_value_changes_nothing(tmp_path: Path, tools: Toolkit) -> None:
    """A chunk in which something looks like a table's name is read more closely, and counts as before."""
    lines = [{"after": {"id": "1"}}, {"after": None, "before": {"id": "2"}}, {"after": {"id": '"topic"'}}, {"resolved": "1.0"}]
    body = "".join(json.dumps(line) + "\n" for line in [*lines, {"after": {"topic": "x"}}]).encode()
    form = Format(frozenset(), "ndjson", lambda _changes: b"", ReadOptions(table="shop.public.carts"))
    whole = facts_of(scanned(tmp_path / "carts.ndjson", body, form, tools))
    assert whole == facts_of(scanned(tmp_path / "carts.ndjson", body, form, tools, 20))
    assert list(whole.values()) == [(5, Severity.INFO)]


def report(units: Iterable[Unit], tools: Toolkit) -> str:
    """Return the findings of units as they stand in a report."""
    ledger = Ledger.open(None, identity={})
    for unit in units:
        ledger.add(scan_unit(unit, tools, lambda _size: None), uri=unit.source.uri, version=unit.source.version)
    reader = FindingReader(ledger, KEY, describe=tools.describe, suppression=None, seen_at="2026-01-01T00:00:00Z")
    text = "".join(json.dumps(finding_record(finding)) + "\n" for finding in reader)
    ledger.close()
    return text


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1_000, 20_000), order=st.randoms(use_true_random=False))
def test_any_cut_into_units_gives_the_same_report(name: str, tmp_path: Path, tools: Toolkit, size: int, order: Any) -> None:
    """Byte for byte: ids, counts, severities, first rows and keys."""
    form = FORMATS[name]
    path = tmp_path / f"users.{form.suffix}"
    if not path.exists():
        path.write_bytes(form.write(kept(form) * 3))
    (source,) = find_inputs(str(path))
    units = list(planning.plan(source, form.options, size=size))
    order.shuffle(units)
    assert report(units, tools) == report([Unit(source, form.options)], tools)


VALUES = st.sampled_from([None, "", sha("x"), uuid(3), "a", "k", "other", "yes", token("cut"), "1", "7"])
COLUMNS = ("id", "hash", "maybe", "never_null", "optional", "tenant", "public", "expired", "revoked", "more")
ROWS = st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, VALUES))
CHANGES = st.lists(
    st.builds(Change, st.one_of(st.none(), ROWS), st.one_of(st.none(), ROWS), st.just(["k"]), st.just({"trace": "x"})),
    min_size=1,
    max_size=30,
)


@settings(max_examples=40)
@given(given_=CHANGES, data=st.data())
def test_any_cut_into_deliveries_finds_the_same(tools: Toolkit, given_: list[Change], data: st.DataObject) -> None:
    """Rows of any columns and values, cut anywhere: the same secrets, as often, as severe."""
    cuts = sorted(data.draw(st.sets(st.integers(1, len(given_)), max_size=6)) - {len(given_)})
    pieces = list(zip([0, *cuts], [*cuts, len(given_)], strict=True))
    parts = [kafka_json(given_[begin:end], begin) for begin, end in pieces]
    assert inspected(parts, tools, "json", None) == inspected([kafka_json(given_)], tools, "json", None)


def test_two_jobs_equal_one(tmp_path: Path) -> None:
    """The command line: policies go to worker processes, and the reports are the same but for their times."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    inputs = tmp_path / "in"
    inputs.mkdir()
    for name in ("wrapped", "csv", "parquet with before"):
        form = FORMATS[name]
        (inputs / f"users.{form.suffix}").write_bytes(form.write(kept(form) * 20))
    environment = {**os.environ, "AUDITOR_KEY": "", "XDG_CONFIG_HOME": str(tmp_path / "c"), "XDG_CACHE_HOME": str(tmp_path / "k")}
    environment.pop("AUDITOR_KEY")
    lines = []
    for jobs in ("1", "2"):
        options = ["--policy", tmp_path / "policy.yaml", "--table", TABLE, "--header", "--quiet", "--jobs", jobs]
        command = [sys.executable, "-m", "auditor", "scan", inputs, *options, f"--report=jsonl={tmp_path / jobs}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)
        assert done.returncode == 1, done.stderr
        records = [json.loads(line) for line in (tmp_path / jobs).read_text().splitlines()]
        lines.append([{name: of for name, of in record.items() if not name.endswith(("_seen", "_at"))} for record in records])
    assert lines[0] == lines[1]
    assert any(record.get("rule_id") == "policy.shape" for record in lines[0])


def test_observed_policies_alert_nobody(tmp_path: Path) -> None:
    """What they find stands in the report, suppressed, for a destination alone, too."""
    path = tmp_path / "p.yaml"
    path.write_text(
        "name: seen\nmode: observe\ntables:\n  users:\n    columns:\n      hash: {shape: sha256-hex}\n"
        "destinations:\n  partner:\n    tables:\n      carts:\n        columns:\n          id: {forbid: true}\n"
    )
    tools = Toolkit.load([], "", KEY, [path])
    assert tools.describe("policy.shape", TABLE, "hash", "").observed
    assert tools.describe("policy.forbidden-column", "shop.public.carts", "id", "").observed
    form = FORMATS["wrapped"]
    (tmp_path / "users.ndjson").write_bytes(form.write(kept(form)))
    (source,) = find_inputs(str(tmp_path / "users.ndjson"))
    records = [json.loads(line) for line in report([Unit(source, form.options)], tools).splitlines()]
    shapes = [record for record in records if record["rule_id"] == "policy.shape"]
    assert shapes
    assert all(record["suppressed"] for record in shapes)
