"""Local confirmation in a scan: a live token is told wherever it lies, with the row that holds its hash."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.audit import Audit, Job
from auditor.baseline import Baseline
from auditor.confirming import LIVE_TOKEN, fresh_confirmer, open_confirmer
from auditor.decoders.options import ReadOptions
from auditor.identity import AuditKey
from auditor.model import Confidence, Finding, Severity, Summary
from auditor.toolkit import Toolkit

KEY = AuditKey(b"k" * 32)
FORMATS = ("csv", "ndjson", "parquet")
SETTINGS: dict[str, Any] = {
    "table": "*.*.sessions",
    "column": "token_hash",
    "key": ["tenant", "id"],
    "recipe": {"hash": "sha256"},
    "live_when": {"revoked_at": [None, ""]},
}
SESSIONS = {name: f"202607230000000000000000000000000-aaaa-1-2-0000000{at}-sessions-1.{name}" for at, name in enumerate(FORMATS)}
LOGS = {name: f"202607230000000000000000000000000-aaaa-1-2-0000000{at}-logs-1.{name}" for at, name in enumerate(FORMATS)}


def token(number: int) -> str:
    """Return a token that no rule knows."""
    return hashlib.sha512(f"session {number}".encode()).hexdigest()[:36]


def session(number: int, *, revoked: str | None = None) -> dict[str, object]:
    """Return the row that holds the hash of a token."""
    hashed = hashlib.sha256(token(number).encode()).hexdigest()
    return {"tenant": 7, "id": number, "token_hash": hashed, "revoked_at": revoked}


def log(number: int, text: str) -> dict[str, object]:
    """Return a row of a log."""
    return {"id": number, "message": text}


def write(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write rows as a changefeed does, in the format that the file's name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        names = list(rows[0])
        types = [pa.int64() if isinstance(rows[0][name], int) else pa.string() for name in names]
        columns = {name: pa.array([row[name] for row in rows], kind) for name, kind in zip(names, types, strict=True)}
        pq.write_table(pa.table({**columns, "__crdb__event_type": pa.array(["c"] * len(rows))}), path)
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(rows[0])
            writer.writerows(row.values() for row in rows)
    else:
        path.write_text("".join(json.dumps({"after": row, "key": [row["id"]]}) + "\n" for row in rows))
    return path


def declare(folder: Path, **more: Any) -> Path:
    """Write a file of fingerprints."""
    path = folder / "fingerprints.yaml"
    path.write_text(json.dumps({"fingerprints": [{**SETTINGS, **more}]}))
    return path


def scan(
    inputs: Iterable[Path], settings: Path | None, *, policies: Sequence[Path] = (), resume: Path | None = None
) -> tuple[list[Finding], Summary]:
    """Scan in this process; return all findings that are of a whole secret, and the summary."""
    job = Job([str(each) for each in inputs], ReadOptions(header=True), fingerprints=settings, resume=resume)
    with fresh_confirmer(settings, KEY) as confirmer:
        audit = Audit(job, Toolkit.load([], "", KEY, policies, confirmer), Baseline(KEY.key_id))
        audit.scan(lambda _size: None)
        findings, summary = list(audit.findings()), audit.summary(Severity.LOW)
        audit.close()
    return [finding for finding in findings if finding.secret_id], summary


def live(findings: Iterable[Finding]) -> dict[str, tuple[str, ...]]:
    """Return what holds the fingerprints of live tokens, by the ids of their secrets."""
    return {one.secret_id: one.evidence.held_by for one in findings if one.confidence is Confidence.CONFIRMED_LIVE}


@pytest.mark.parametrize("first", ["sessions", "logs"])
@pytest.mark.parametrize("logged", FORMATS)
@pytest.mark.parametrize("held", FORMATS)
def test_a_live_token_in_a_log_is_confirmed_with_its_holder(held: str, logged: str, first: str, tmp_path: Path) -> None:
    """In any format, and in any order of the inputs; one that is revoked, or of no row, is not."""
    sessions = write(tmp_path / SESSIONS[held], [session(1), session(2, revoked="2026-07-01"), session(3)])
    texts = [f"failed for {token(number)} at once" for number in (1, 2, 4)]
    logs = write(tmp_path / LOGS[logged], [log(number, text) for number, text in enumerate(texts, 1)])
    inputs = [sessions, logs] if first == "sessions" else [logs, sessions]
    findings, _ = scan(inputs, declare(tmp_path))
    assert live(findings) == {KEY.secret_id(token(1)): ("sessions.token_hash tenant=7, id=1",)}
    (one,) = (finding for finding in findings if finding.confidence is Confidence.CONFIRMED_LIVE)
    assert (one.rule_id, one.severity, one.table, one.column) == (LIVE_TOKEN, Severity.CRITICAL, "logs", "message")
    assert (one.exposures[0].row, one.evidence.length, one.title) == (1, 36, "Live token")


def test_values_that_lie_back_to_back_are_told_apart(tmp_path: Path) -> None:
    """A column of Parquet that holds nothing but tokens: each is one value."""
    sessions = write(tmp_path / SESSIONS["csv"], [session(number) for number in range(50)])
    logs = write(tmp_path / LOGS["parquet"], [log(number, token(number)) for number in range(50)])
    findings, _ = scan([logs, sessions], declare(tmp_path))
    assert set(live(findings)) == {KEY.secret_id(token(number)) for number in range(50)}


def test_an_interrupt_while_learning_leaves_nothing_out_unsaid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every input is then a gap."""

    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("auditor.audit.learn_unit", interrupted)
    inputs = [write(tmp_path / LOGS["csv"], [log(1, "x")]), write(tmp_path / SESSIONS["csv"], [session(1)])]
    findings, summary = scan(inputs, declare(tmp_path))
    assert (findings, summary.partial, summary.gaps_total) == ([], "interrupted", 2)


def test_what_a_rule_found_is_raised_and_not_told_twice(tmp_path: Path) -> None:
    """Its severity is at least high, and it names the holder."""
    sessions = write(tmp_path / SESSIONS["ndjson"], [session(1)])
    logs = write(tmp_path / LOGS["ndjson"], [log(1, f"Authorization: Bearer {token(1)}"), log(2, f"Bearer {token(2)}")])
    without = {(one.rule_id, one.secret_id) for one in scan([logs], None)[0]}
    findings, _ = scan([logs, sessions], declare(tmp_path))
    assert {(one.rule_id, one.secret_id) for one in findings} == without
    (raised,) = (one for one in findings if one.secret_id == KEY.secret_id(token(1)))
    assert raised.confidence is Confidence.CONFIRMED_LIVE
    assert raised.severity >= Severity.HIGH
    assert raised.evidence.held_by == ("sessions.token_hash tenant=7, id=1",)


@pytest.mark.parametrize("mode", ["observe", "alert"])
def test_a_policy_that_speaks_of_a_live_token_does_not_hide_it(mode: str, tmp_path: Path) -> None:
    """What breaks a policy is confirmed, too, and the token is told by itself, since a policy may only observe."""
    policy = tmp_path / "policy.yaml"
    clause = {"shape": "sha256-hex"}
    policy.write_text(json.dumps({"name": "p", "mode": mode, "tables": {"*.*.logs": {"columns": {"message": clause}}}}))
    sessions = write(tmp_path / SESSIONS["csv"], [session(1)])
    message = {**log(1, token(1)), "other": token(1)}
    logs = tmp_path / LOGS["ndjson"]
    logs.write_text(json.dumps({"after": message, "before": message, "key": [1]}) + "\n")
    findings, _ = scan([sessions, logs], declare(tmp_path), policies=[policy])
    told = sorted((one.rule_id, one.column, one.confidence, one.occurrences, one.suppressed is None) for one in findings)
    sure = Confidence.CONFIRMED_LIVE
    assert told == [
        (LIVE_TOKEN, "message", sure, 1, True),
        (LIVE_TOKEN, "other", sure, 1, True),
        ("policy.shape", "message", sure, 1, mode == "alert"),
    ]


def test_deleted_and_replaced_tokens_are_not_live(tmp_path: Path) -> None:
    """The deletion of a row whose key is an array of two numbers counts, and the newest version by its time."""

    def message(after: object, number: int, time: int) -> str:
        return json.dumps({"after": after, "key": [7, number], "mvcc_timestamp": f"178475897507171427{time}.0000000000"})

    replaced = {**session(2), "token_hash": session(3)["token_hash"]}
    versions = [(session(1), 1, 1), (None, 1, 2), (replaced, 2, 3), (session(2), 2, 1), (session(4), 4, 1)]
    lines = [message(*version) for version in versions]
    sessions = tmp_path / SESSIONS["ndjson"]
    sessions.write_text("\n".join(lines) + "\n")
    logs = write(tmp_path / LOGS["csv"], [log(number, f"about {token(number)}.") for number in range(1, 5)])
    findings, _ = scan([logs, sessions], declare(tmp_path))
    assert set(live(findings)) == {KEY.secret_id(token(3)), KEY.secret_id(token(4))}


def test_a_live_token_in_a_name_or_a_key_is_not_shown(tmp_path: Path) -> None:
    """A member that is called by a token, and a UUID that is a token and a primary key, too."""
    plain = hashlib.sha256(b"session").hexdigest()
    uuid = f"{plain[:8]}-{plain[8:12]}-4{plain[13:16]}-a{plain[17:20]}-{plain[20:32]}"
    rows = [session(1), {**session(2), "token_hash": hashlib.sha256(uuid.encode()).hexdigest()}]
    sessions = write(tmp_path / SESSIONS["ndjson"], rows)
    logs = tmp_path / LOGS["ndjson"]
    logs.write_text(json.dumps({"after": {"id": uuid, "data": {token(1): {"copy": token(1)}}}, "key": [uuid]}) + "\n")
    findings, _ = scan([logs, sessions], declare(tmp_path))
    assert set(live(findings)) == {KEY.secret_id(token(1)), KEY.secret_id(uuid)}
    assert token(1) not in repr(findings)
    assert uuid not in repr(findings)


def test_no_output_holds_the_token_and_two_processes_find_what_one_does(tmp_path: Path) -> None:
    """Neither as it is, nor in hex or base64, in any report, on the terminal, or in the record; the store is gone at the end."""
    write(tmp_path / "d" / SESSIONS["parquet"], [session(number) for number in range(200)])
    for at in range(3):
        rows = [log(number, f"{number} [{token(number)}] failed") for number in range(at * 40, at * 40 + 40)]
        write(tmp_path / "d" / str(at) / LOGS["ndjson"], rows)
    settings = declare(tmp_path)
    found = []
    for jobs in (1, 2):
        out = tmp_path / f"out{jobs}"
        (out / "tmp").mkdir(parents=True)
        kinds = ("jsonl", "csv", "sarif", "junit", "html", "text")
        options = [f"--report={kind}={out / kind}" for kind in kinds]
        command = [sys.executable, "-m", "auditor", "scan", str(tmp_path / "d"), f"--fingerprints={settings}", f"--jobs={jobs}"]
        environment = {**os.environ, "AUDITOR_KEY": "6b" * 32, "TMPDIR": str(out / "tmp")}
        done = subprocess.run(
            [*command, *options, f"--resume={out / 'record'}"], capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 1, done.stderr
        assert list((out / "tmp").iterdir()) == []
        (out / "terminal").write_text(done.stdout + done.stderr)
        records = [json.loads(line) for line in (out / "jsonl").read_text().splitlines()]
        confirmed = {
            one["secret_id"]: one["evidence"]["held_by"]
            for one in records
            if one["record"] == "finding" and one["confidence"] == "confirmed-live"
        }
        assert confirmed == {KEY.secret_id(token(at)): [f"sessions.token_hash tenant=7, id={at}"] for at in range(120)}
        found.append(sorted(one["finding_id"] for one in records if one["record"] == "finding"))
        whole = b"".join(path.read_bytes() for path in out.iterdir() if path.is_file())
        assert b"tenant=7, id=5" in whole
        for number in (0, 5, 119):
            raw = token(number).encode()
            for form in (raw, raw.hex().encode(), base64.b64encode(raw).rstrip(b"="), session(number)["token_hash"].encode()):
                assert form not in whole
    assert found[0] == found[1]


def test_without_fingerprints_nothing_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No row is read twice, nothing is confirmed, and no buffer is searched."""
    monkeypatch.setattr("auditor.confirming.Confirmer", None)
    logs = write(tmp_path / LOGS["csv"], [log(1, f"about {token(1)}.")])
    findings, summary = scan([logs, write(tmp_path / SESSIONS["csv"], [session(1)])], None)
    assert findings == []
    assert summary.notes == []


def test_only_tables_that_are_declared_are_decoded_to_learn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is not concerned teaches nothing; that none was learned is said."""
    learned: list[str] = []
    monkeypatch.setattr(
        "auditor.confirm.confirmer.Confirmer.learn", lambda _self, frames, _written: learned.extend(one.table for one in frames)
    )
    inputs = [write(tmp_path / LOGS["csv"], [log(1, "x")]), write(tmp_path / SESSIONS["csv"], [session(1)])]
    _, summary = scan(inputs, declare(tmp_path))
    assert set(learned) == {"sessions"}
    assert [note.text for note in summary.notes if note.uri == "fingerprints"] == [
        "none were learned: no input has a live row of the declared tables"
    ]


def test_a_recipe_that_does_not_fit_is_said(tmp_path: Path) -> None:
    """How many rows hold something else is a note."""
    sessions = write(tmp_path / SESSIONS["csv"], [session(1), session(2)])
    _, summary = scan([sessions], declare(tmp_path, recipe={"hash": "sha512"}))
    assert "sessions.token_hash: 2 rows without a key, or none of the recipe" in [note.text for note in summary.notes]


def test_what_was_scanned_before_a_fingerprint_was_known_is_scanned_again(tmp_path: Path) -> None:
    """A run that is resumed with one more input confirms what the earlier run could not."""
    settings, record = declare(tmp_path), tmp_path / "record"
    logs = write(tmp_path / LOGS["csv"], [log(1, f"about {token(1)}.")])
    assert live(scan([logs], settings, resume=record)[0]) == {}
    sessions = write(tmp_path / SESSIONS["csv"], [session(1)])
    assert set(live(scan([logs, sessions], settings, resume=record)[0])) == {KEY.secret_id(token(1))}


def test_a_worker_that_inherits_nothing_reads_the_store(tmp_path: Path) -> None:
    """What one process learned and committed, another one knows; its file is for its owner alone."""
    settings, store = declare(tmp_path), tmp_path / "store"
    with fresh_confirmer(settings, KEY) as one:
        assert one is not None
        digest = one.digest
    sessions = write(tmp_path / SESSIONS["csv"], [session(1), session(2)])
    one = open_confirmer(settings, KEY, store)
    audit = Audit(Job([str(sessions)], ReadOptions(header=True)), Toolkit.load([], "", KEY, (), one), Baseline(KEY.key_id))
    audit.scan(lambda _size: None)
    audit.close()
    other = open_confirmer(settings, KEY, store)
    assert (len(other), other.learnt(), other.digest) == (2, one.learnt(), digest)
    assert other.scrub(f"a {token(1)} b {token(3)}") == f"a ... b {token(3)}"
    assert store.stat().st_mode & 0o777 == 0o600
    one.close()
    other.close()
