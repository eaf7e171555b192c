"""The whole audit: a sample with planted tokens, through the command line, to its reports."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor import plan as planning
from auditor.audit import Audit, Job
from auditor.baseline import Baseline
from auditor.decoders.options import ReadOptions
from auditor.identity import AuditKey
from auditor.model import Finding, FindingText, Severity
from auditor.record.findings import FindingReader
from auditor.record.ledger import Ledger
from auditor.sample.score import score
from auditor.sources import find_inputs
from auditor.toolkit import Toolkit
from auditor.unit import Unit, scan_unit

KEY = AuditKey(b"k" * 32)


def auditor(*arguments: str | Path, home: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line with a home of its own."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(home / "config"), "XDG_CACHE_HOME": str(home / "cache")}
    environment.pop("AUDITOR_KEY", None)
    command = [sys.executable, "-m", "auditor", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300, **more)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home folder that every run of the command line shares."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """Write a small sample in every format; its truth file lies beside it."""
    folder = tmp_path_factory.mktemp("sample") / "d"
    done = auditor("sample", folder, "--rows", "60", home=home)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def reports(sample: Path, tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """Scan the sample into a report of every kind."""
    folder = tmp_path_factory.mktemp("reports")
    kinds = ("jsonl", "csv", "sarif", "junit", "html", "text")
    options = [f"--report={kind}={folder / kind}" for kind in kinds]
    done = auditor("scan", sample, *options, "--resume", folder / "record", home=home)
    (folder / "stdout").write_text(done.stdout)
    (folder / "stderr").write_text(done.stderr)
    assert done.returncode == 1, done.stderr
    return folder


@pytest.fixture(scope="session")
def shipped() -> Toolkit:
    """Compile the shipped rules."""
    return Toolkit.load([], "", KEY)


def test_changefeeds_are_told_from_exports(sample: Path, shipped: Toolkit) -> None:
    """A changefeed's files are known by their messages, their own columns or their names; all else is none."""
    for folder, feed in (("changefeed", True), ("captures/row", True), ("exports", False)):
        for source in find_inputs(str(sample / folder)):
            receipt = scan_unit(Unit(source, ReadOptions()), shipped, lambda _size: None).receipt
            if receipt.rows and not source.name.startswith(("result", "schema")):
                assert receipt.feed is feed, source.name


def test_finds_what_was_planted_in_every_format(sample: Path, reports: Path) -> None:
    """Every planted token that has a rule is found with the right row, column and part, and nothing else is."""
    result = score(reports / "jsonl", sample.with_name("d.truth.jsonl"))
    assert result.recall >= 0.98
    assert result.precision >= 0.98


def test_no_report_holds_a_planted_value(sample: Path, reports: Path) -> None:
    """No output holds a planted secret, raw, in base64 (any alignment) or in hex."""
    outputs = {path.name: path.read_bytes() for path in reports.iterdir()}
    secrets = {json.loads(line)["secret"] for line in sample.with_name("d.truth.jsonl").read_text().splitlines()}
    for secret in secrets:
        if len(secret) < 12:
            continue
        raw = secret.encode()
        forms = [raw, raw.hex().encode(), raw.hex().upper().encode(), json.dumps(secret)[1:-1].encode()]
        forms += [base64.b64encode(b"\0" * skip + raw)[4 * bool(skip) : -4] for skip in range(3) if len(raw) > 14]
        for name, content in outputs.items():
            assert not any(form in content for form in forms), f"a planted secret is in {name}"


def test_the_summary_covers_every_file(sample: Path, reports: Path) -> None:
    """Coverage names every file of the sample, and no listed format fell back to text."""
    summary = json.loads((reports / "jsonl").read_text().splitlines()[-1])
    assert summary["record"] == "summary"
    files = sum(1 for path in sample.rglob("*") if path.is_file())
    assert summary["inputs"] == files
    assert not any(name.startswith("text") for name in summary["formats"]) or summary["formats"].get("text") == 1, (
        "only schema.sql is text"
    )
    assert summary["gaps_total"] == 0


def jsonl(findings: Iterator[Finding]) -> str:
    """Return the findings as a jsonl report without its summary."""
    from auditor.reports.record import finding_record

    return "".join(json.dumps(finding_record(finding)) + "\n" for finding in findings)


def reader(ledger: Ledger, tools: Toolkit) -> FindingReader:
    """Return the findings of a record, with fixed texts and time."""

    def describe(rule_id: str, *_place: str) -> FindingText:
        rule = tools.rulebook.by_id[rule_id].rule
        return FindingText(rule.name, rule.kind.value, rule.gains, rule.remedy)

    return FindingReader(ledger, KEY, describe=describe, suppression=lambda _id: None, seen_at="2026-01-01T00:00:00Z")


def test_one_process_equals_shuffled_units(sample: Path, shipped: Toolkit) -> None:
    """The sample cut into over a hundred units, scanned and merged in any order, gives the same report byte for byte."""
    sources = list(find_inputs(str(sample)))
    whole = [Unit(source, ReadOptions()) for source in sources]
    pieces = [unit for source in sources for unit in planning.plan(source, ReadOptions(), size=40_000)]
    assert len(pieces) > len(whole) > 100
    random.Random(7).shuffle(pieces)
    texts = []
    for units in (whole, pieces):
        ledger = Ledger.open(None, identity={})
        for unit in units:
            ledger.add(scan_unit(unit, shipped, lambda _size: None), uri=unit.source.uri, version=unit.source.version)
        texts.append(jsonl(iter(reader(ledger, shipped))))
        ledger.close()
    assert texts[0] == texts[1]
    assert texts[0]


def test_two_jobs_equal_one(sample: Path, tmp_path: Path, home: Path) -> None:
    """Worker processes change nothing in the report but its times."""
    lines = []
    for jobs in ("1", "2"):
        done = auditor("scan", sample / "changefeed", "--jobs", jobs, "--quiet", f"--report=jsonl={tmp_path / jobs}", home=home)
        assert done.returncode == 1, done.stderr
        records = [json.loads(line) for line in (tmp_path / jobs).read_text().splitlines()]
        for record in records:
            for name in ("first_seen", "last_seen", "started_at", "finished_at"):
                record.pop(name, None)
        lines.append(records)
    assert lines[0] == lines[1]


def test_an_interrupted_audit_is_resumed(sample: Path, tmp_path: Path, shipped: Toolkit) -> None:
    """After an interruption the report says what was not finished; resuming finds the rest, as if nothing had happened."""
    folder = str(sample / "changefeed" / "wrapped")

    def run(resume: Path, stop_after: int | None) -> tuple[list[str], str, int]:
        audit = Audit(Job([folder], ReadOptions(), resume=resume), shipped, Baseline(KEY.key_id))
        read = 0

        def progress(size: int) -> None:
            nonlocal read
            read += size
            if stop_after is not None and read > stop_after:
                raise KeyboardInterrupt

        audit.scan(progress)
        summary = audit.summary(Severity.LOW)
        ids = [finding.finding_id for finding in audit.findings()]
        audit.close()
        return ids, summary.partial, summary.gaps_total

    cut, partial, gaps = run(tmp_path / "record", 200_000)
    assert partial == "interrupted"
    assert gaps > 0
    resumed, partial, gaps = run(tmp_path / "record", None)
    assert (partial, gaps) == ("", 0)
    whole, _, _ = run(tmp_path / "other", None)
    assert resumed == whole
    assert set(cut) < set(whole)


def test_a_resumed_run_tells_of_its_own_inputs_alone(sample: Path, tmp_path: Path, home: Path) -> None:
    """With fewer inputs than the record has, and without scanning again, the report is that of a run of its own."""

    def records(inputs: Path, record: Path) -> list[Any]:
        report = tmp_path / "report"
        done = auditor("scan", inputs, "--resume", record, "--quiet", f"--report=jsonl={report}", home=home)
        assert done.returncode == 1, done.stderr
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        return [{name: value for name, value in line.items() if not name.endswith(("_seen", "_at"))} for line in lines]

    everything = records(sample / "changefeed", tmp_path / "record")
    part = records(sample / "changefeed" / "wrapped", tmp_path / "record")
    assert part == records(sample / "changefeed" / "wrapped", tmp_path / "other")
    assert part != everything
    assert everything == records(sample / "changefeed", tmp_path / "record")


MALFORMED = {
    "empty.ndjson": b"",
    "truncated.ndjson": b'{"after": {"a": "x"}, "key": [1]}\n{"after": {"a": "',
    "mixed.ndjson": b'{"after": {"a": "x"}}\nplain text\n{"after": {"a": "y"}}\n',
    "latin1.ndjson": b'{"after": {"a": "caf\xe9"}}\n',
    "ragged.csv": b"1,2,3\n1,2,3\n1,2\n1,2,3\n",
    "open-quote.csv": b'1,2,3\n1,"2,3\n1,2,3\n',
    "broken.parquet": b"PAR1" + b"\0" * 200 + b"\x10\0\0\0PAR1",
    "short.parquet": b"PAR1",
    "cut.ndjson.gz": gzip.compress(b'{"after": {"a": "x"}}\n' * 5000)[:-30],
    "junk.gz": b"\x1f\x8b" + b"junk" * 10,
    "binary.dat": bytes(range(256)) * 8,
}


@pytest.mark.parametrize("name", sorted(MALFORMED))
def test_malformed_input_is_located_and_costs_nothing_else(name: str, tmp_path: Path, home: Path) -> None:
    """A damaged, mixed or empty input is named in a gap or note, and the file beside it is still found in."""
    token = "ghp" + "_" + "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o" + "AAAAAA"
    (tmp_path / name).write_bytes(MALFORMED[name])
    (tmp_path / "good.ndjson").write_text(json.dumps({"after": {"tok": token}}) + "\n")
    done = auditor("scan", tmp_path, "--quiet", "--report=jsonl=-", home=home)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    summary = records[-1]
    assert any(record["record"] == "finding" and record["column"] == "tok" for record in records), done.stderr
    told = [gap["uri"] for gap in summary["gaps"]] + [note["uri"] for note in summary["notes"]]
    assert any(uri.endswith(name) for uri in told) or name == "latin1.ndjson"
    assert "Traceback" not in done.stderr
    assert token not in done.stdout


def test_exit_codes(tmp_path: Path, home: Path) -> None:
    """Clean is 0, a wrong option 2, a missing input 3, and what could not be scanned 4."""
    (tmp_path / "clean.ndjson").write_text('{"after": {"a": "nothing here"}}\n')
    (tmp_path / "cut.ndjson").write_text('{"after": {"a": "noth')
    assert auditor("scan", tmp_path / "clean.ndjson", home=home).returncode == 0
    assert auditor("scan", tmp_path / "clean.ndjson", "--fail-on", "terrible", home=home).returncode == 2
    assert auditor("scan", tmp_path / "nowhere", home=home).returncode == 3
    assert auditor("scan", tmp_path / "cut.ndjson", home=home).returncode == 4


def test_standard_input_is_scanned(home: Path) -> None:
    """A dash reads standard input."""
    token = "ghp" + "_" + "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o" + "AAAAAA"
    done = auditor("scan", "-", "--quiet", "--report=jsonl=-", home=home, input=json.dumps({"after": {"tok": token}}) + "\n")
    record = json.loads(done.stdout.splitlines()[0])
    assert (record["rule_id"], record["confidence"], record["source"]["kind"]) == ("github.pat-classic", "low", "stdin")


def test_a_baseline_accepts_what_is_known(sample: Path, tmp_path: Path, home: Path) -> None:
    """After accepting a report's findings, the same scan ends with 0 or 4, and a new token with 1."""
    feed = tmp_path / "feed.ndjson"
    lines = [json.dumps({"after": {"tok": "shpat" + "_" + hashlib.sha256(name).hexdigest()[:32]}}) for name in (b"one", b"two")]
    feed.write_text(lines[0] + "\n")
    report, known = tmp_path / "report", tmp_path / "known"
    assert auditor("scan", feed, "--quiet", f"--report=jsonl={report}", home=home).returncode == 1
    made = auditor("baseline", "create", report, "-o", known, "--reason", "test data", "--owner", "qa", home=home)
    assert made.returncode == 0, made.stderr
    assert auditor("scan", feed, "--quiet", "--baseline", known, home=home).returncode == 0
    feed.write_text("\n".join(lines) + "\n")
    assert auditor("scan", feed, "--quiet", "--baseline", known, home=home).returncode == 1
