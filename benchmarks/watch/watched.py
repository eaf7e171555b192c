"""Run `auditor watch` as an operator does, and read from its log and its state what it did and when."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml

from auditor.state import coverage
from auditor.state.database import open_database
from auditor.state.schema import FINDING

_AUDITOR = Path(sys.executable).with_name("auditor")
_KEY = "00" * 32


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did: rows, seconds from a line of its log to its last transaction, CPU seconds of the process, findings."""

    rows: int
    seconds: float
    cpu: float
    findings: int


@dataclass
class Watch:
    """A running `auditor watch`; ``lines`` are those of its log so far."""

    process: subprocess.Popen[str]
    state: str
    lines: list[dict[str, Any]] = field(default_factory=list)
    _said: threading.Condition = field(default_factory=threading.Condition)

    def follow(self) -> None:
        """Read the log to its end."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._said:
                self.lines.append(json.loads(line))
                self._said.notify_all()

    def wait_for(self, words: str, seconds: float = 60) -> datetime:
        """Wait until the log says something; return when it did."""
        with self._said:
            if not self._said.wait_for(lambda: any(words in line["event"] for line in self.lines), seconds):
                raise RuntimeError(f"the log never said {words!r}: {self.lines}")
        return next(_time(line["timestamp"]) for line in self.lines if words in line["event"])

    def end(self, *, stop: bool = True) -> float:
        """Have it end, or wait until it ends by itself; return its CPU seconds."""
        if stop:
            self.process.terminate()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode not in (0, 1, 4):
            raise RuntimeError(f"auditor watch ended with {self.process.returncode}: {self.lines}")
        return usage.ru_utime + usage.ru_stime


@contextmanager
def watching(feed: Mapping[str, object], *options: str, state: str = "", env: Mapping[str, str] | None = None) -> Iterator[Watch]:
    """Run it with one feed, on SQLite unless there is another ``state``; no alert leaves the machine, and no port is opened."""
    with TemporaryDirectory(prefix="watch") as folder:
        url = state or f"sqlite:///{folder}/state.db"
        config = Path(folder) / "auditor.yaml"
        alerts: Sequence[Mapping[str, str]] = [{"kind": "jsonl", "name": "file", "path": f"{folder}/alerts.jsonl"}]
        settings = {"state": {"url": url}, "feeds": [feed], "alerts": alerts, "server": None, "log": {"format": "json"}}
        config.write_text(yaml.safe_dump(settings), encoding="utf-8")
        process = subprocess.Popen(
            [str(_AUDITOR), "watch", "--config", str(config), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "AUDITOR_KEY": _KEY, **(env or {})},
        )
        watch = Watch(process, url)
        reader = threading.Thread(target=watch.follow, daemon=True)
        reader.start()
        try:
            yield watch
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
            reader.join()


class Recorded(NamedTuple):
    """What a state tells: rows, findings, and the time of the last transaction that had any."""

    rows: int
    findings: int
    last: datetime


def read_state(url: str) -> Recorded:
    """Read a state that nobody writes any more."""
    database = open_database(url, exclusive=False)
    try:
        tables = coverage.tables(database)
        findings = database.transact(lambda connection: len(connection.execute(FINDING.select()).all()))
    finally:
        database.close()
    return Recorded(sum(table.rows for table in tables), findings, max(_time(table.last_at) for table in tables))


def to_its_end(feed: Mapping[str, object], since: str) -> Done:
    """Run a feed until all that was there is read; time runs from the line of the log that has the words ``since``."""
    with watching(feed, "--until-caught-up") as watch:
        cpu = watch.end(stop=False)
        began = watch.wait_for(since)
        rows, findings, last = read_state(watch.state)
    return Done(rows, (last - began).total_seconds(), cpu, findings)


def _time(text: str) -> datetime:
    """Read a time of the log or of the state."""
    return datetime.fromisoformat(text)
