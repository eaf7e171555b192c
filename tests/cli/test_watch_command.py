"""`auditor watch` and the verbs that look into its state, as real processes on the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

KEY = "ab" * 32
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs `auditor` with a key, in a folder of the test."""

    def run(*arguments: str, code: Sequence[int] = (0,), **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "auditor", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env={**os.environ, "AUDITOR_KEY": KEY, **environment},
            check=False,
        )
        assert done.returncode in code, done.stderr
        return done

    return run


def write_feed(folder: Path, *texts: str) -> None:
    """Write a file of a changefeed with these notes, and the RESOLVED file after it."""
    day = folder / "2026-11-02"
    day.mkdir(parents=True, exist_ok=True)
    rows = "".join(
        f'{{"after": {{"id": {number}, "note": "{text}"}}, "key": [{number}], "mvcc_timestamp": "1793659200000000{number:03d}'
        f'.0000000000", "updated": "1793659200000000{number:03d}.0000000000"}}\n'
        for number, text in enumerate(texts, 1)
    )
    (day / "202611022240000000000000000000001-56087568dba1e6b8-1-72-00000000-shop.public.users-1.ndjson").write_text(rows)
    (day / "202611022250000000000000000000000.RESOLVED").write_text('{"resolved":"1793659800000000000.0000000000"}')
    past = time.time() - 60
    for path in day.iterdir():
        os.utime(path, (past, past))


def token(number: int = 0) -> str:
    """Return a made-up GitLab token."""
    return "gl" + "pat-" + f"A1b2C3d4E5f6G7h8I{number:03d}"


def test_a_bounded_watch_ends_with_the_exit_codes_of_a_scan(run: Run, tmp_path: Path) -> None:
    """With --until-caught-up: 0 if clean, 1 with findings, and reports from the state, which show no secret."""
    write_feed(tmp_path / "clean", "nothing")
    run("watch", f"file://{tmp_path}/clean", "--state", "sqlite:///clean.db", "--until-caught-up")
    write_feed(tmp_path / "feed", f"use {token()}", "nothing")
    arguments = (
        "watch",
        f"file://{tmp_path}/feed",
        "--state",
        "sqlite:///s.db",
        "--until-caught-up",
        "--report",
        "jsonl=r.jsonl",
    )
    done = run(*arguments, code=[1])
    assert "GitLab" in done.stdout
    finding, summary = map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())
    assert (finding["rule_id"], finding["table"], finding["row_key"]) == ("gitlab.pat", "shop.public.users", "1")
    assert (summary["rows"], summary["gaps_total"], summary["exit_code"]) == (2, 0, 1)
    again = run(*arguments, code=[1])
    assert again.stdout == "", "what was read before is not read again, and told once"
    assert json.loads((tmp_path / "r.jsonl").read_text().splitlines()[-1])["rows"] == 2
    for path in tmp_path.glob("s.db*"):
        assert token().encode() not in path.read_bytes()


def test_findings_are_decided_on_from_the_command_line(run: Run, tmp_path: Path) -> None:
    """A finding is listed, shown, acknowledged, resolved and ignored; each decision needs what makes it one."""
    write_feed(tmp_path / "feed", token())
    state = ("--state", "sqlite:///s.db")
    run("watch", f"file://{tmp_path}/feed", *state, "--until-caught-up", code=[1])
    [line] = run("findings", "list", *state, "--format", "jsonl").stdout.splitlines()
    finding_id = json.loads(line)["finding_id"]
    assert finding_id[:20] in run("findings", "list", *state).stdout
    shown = run("findings", "show", finding_id[:20], *state).stdout
    assert "glpat-..." in shown
    assert token() not in shown
    run("findings", "ack", finding_id, *state, "--reason", "looking")
    assert "acknowledged" in run("findings", "list", *state).stdout
    refused = run("findings", "resolve", finding_id, *state, "--reason", "because", code=[2])
    assert "fixed, revoked or row-deleted" in refused.stderr
    run("findings", "resolve", finding_id, *state, "--reason", "revoked: ticket 7", "--by", "ann")
    assert run("findings", "list", *state).stdout == "no findings\n"
    assert "resolved by ann: revoked: ticket 7" in run("findings", "show", finding_id, *state).stdout
    assert "--until" in run("findings", "ignore", finding_id, *state, "--reason", "test data", code=[2]).stderr
    run("findings", "ignore", finding_id, *state, "--reason", "test data", "--until", "2099-01-01")
    assert json.loads(run("findings", "list", *state, "--all", "--format", "jsonl").stdout)["status"] == "ignored"
    run("findings", "reopen", finding_id, *state, "--reason", "not so")
    assert json.loads(run("findings", "list", *state, "--format", "jsonl").stdout)["status"] == "open"
    assert "there is no such finding" in run("findings", "show", "fnd_0", *state, code=[2]).stderr


def test_coverage_tells_what_was_read(run: Run, tmp_path: Path) -> None:
    """Rows by feed and table with the digest of the rules, spans, and gaps."""
    write_feed(tmp_path / "feed", "one", "two")
    state = ("--state", "sqlite:///s.db")
    run("watch", f"file://{tmp_path}/feed", *state, "--until-caught-up")
    records = [json.loads(line) for line in run("coverage", *state, "--format", "jsonl").stdout.splitlines()]
    [table] = [record for record in records if record["record"] == "table"]
    assert (table["table"], table["rows"], table["all_read_up_to"]) == ("shop.public.users", 2, "2026-11-02T22:50:00Z")
    assert "shop.public.users" in run("coverage", *state, "--rules", table["rules"]).stdout
    assert "nothing was read" in run("coverage", *state, "--rules", "0000").stdout


def test_verbs_want_one_state_that_is_there(run: Run) -> None:
    """Which state, and that it exists, is said before anything is made."""
    assert "give either --state URL or --config FILE" in run("findings", "list", code=[2]).stderr
    assert "there is no state" in run("coverage", "--state", "sqlite:///no.db", code=[2]).stderr


def config_file(tmp_path: Path, feed: str = "feed", **more: object) -> Path:
    """Write a configuration with one folder feed."""
    settings = {
        "state": {"url": f"sqlite:///{tmp_path}/s.db"},
        "feeds": [{"kind": "follow", "name": feed, "uri": f"file://{tmp_path}/feed", "poll": 0.1}],
        "alerts": [{"kind": "jsonl", "path": str(tmp_path / "alerts.jsonl")}],
        "server": {"port": 0},
        **more,
    }
    path = tmp_path / "auditor.yaml"
    path.write_text(json.dumps(settings))  # JSON is YAML
    return path


def test_a_configuration_is_checked_with_file_line_and_path(run: Run, tmp_path: Path) -> None:
    """A good one is summed up; a bad one names where it is wrong."""
    path = config_file(tmp_path)
    assert "Feeds: feed (follow). Alerts to: jsonl (jsonl)." in run("config", "check", str(path)).stdout
    path.write_text(path.read_text().replace('"poll"', '"pole"'))
    assert re.search(r"auditor\.yaml:1: feeds\[0\].*pole.*not permitted", run("config", "check", str(path), code=[2]).stderr)
    assert json.loads(run("config", "schema").stdout)["title"] == "Config"


def test_doctor_names_each_trouble_with_its_fix(run: Run, tmp_path: Path) -> None:
    """Everything in order ends with 0; a folder that is missing, and a key that is, end with 1."""
    write_feed(tmp_path / "feed", "x")
    path = config_file(tmp_path)
    assert "FAIL" not in run("doctor", "--config", str(path)).stdout
    broken = config_file(tmp_path, feeds=[{"kind": "follow", "name": "gone", "uri": f"file://{tmp_path}/nowhere"}])
    done = run("doctor", "--config", str(broken), code=[1], AUDITOR_KEY="")
    assert "FAIL auditor: key: there is no key" in done.stdout
    assert "FAIL gone:" in done.stdout


def start(tmp_path: Path, path: Path) -> subprocess.Popen[str]:
    """Start the service."""
    return subprocess.Popen(
        [sys.executable, "-m", "auditor", "watch", "--config", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "AUDITOR_KEY": KEY},
    )


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


def test_the_service_runs_reloads_and_ends_when_told(run: Run, tmp_path: Path) -> None:
    """It alerts on what comes, keeps the last good configuration, refuses a second process, and ends within ten seconds."""
    write_feed(tmp_path / "feed", token(1))
    path = config_file(tmp_path)
    alerts = tmp_path / "alerts.jsonl"
    service = start(tmp_path, path)
    try:
        wait_for(alerts.exists)
        second = run("watch", "--config", str(path), code=[2])
        assert "another process uses this state" in second.stderr
        good = path.read_text()
        path.write_text("{broken")
        service.send_signal(signal.SIGHUP)
        time.sleep(1)
        day = tmp_path / "feed" / "2026-11-02"
        row = f'{{"after": {{"id": 9, "note": "{token(2)}"}}, "key": [9], "updated": "1793660000000000000.0000000000"}}\n'
        (day / "202611022255000000000000000000001-56087568dba1e6b8-1-72-00000001-shop.public.users-1.ndjson").write_text(row)
        wait_for(lambda: len(alerts.read_text().splitlines()) == 2)
        path.write_text(good.replace('"name": "feed"', '"name": "other"'))
        began = time.monotonic()
        time.sleep(3)
    finally:
        service.terminate()
        _, errors = service.communicate(timeout=20)
    assert time.monotonic() - began < 13
    assert service.returncode == 0
    assert "the configuration was not reloaded, and what ran goes on" in errors
    assert "feed other: started" in errors
    assert "feed feed: stopped" in errors
    assert token(1) not in errors + alerts.read_text()
