"""The program under test: real processes of `auditor watch`, one after another on the same state, killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from auditor.identity import AuditKey, key_from_text

ROOT = Path(__file__).parent.parent.parent
KEY = "5a" * 32


class Program:
    """
    One configured auditor. Everything that it writes lies in ``folder``: state, alerts, and what it says in ``log``.

    ``environment`` is set on top of this process's own.
    """

    def __init__(
        self,
        folder: Path,
        feeds: Sequence[Mapping[str, Any]],
        *,
        state: str = "",
        name: str = "auditor",
        alerts: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.state = state or f"sqlite:///{folder}/state.db"
        self.config = folder / f"{name}.yaml"
        self.alerts = alerts or folder / f"{name}.jsonl"
        self.log = folder / f"{name}.log"
        self.starts = 0
        self._before = 0
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.configure(feeds)

    def configure(self, feeds: Sequence[Mapping[str, Any]], **more: Any) -> None:
        """Write the configuration."""
        alerts = [{"kind": "jsonl", "path": str(self.alerts)}]
        config = {"state": {"url": self.state}, "server": None, "feeds": list(feeds), "alerts": alerts, **more}
        self.config.write_text(yaml.safe_dump(config))

    @property
    def key(self) -> AuditKey:
        """Return the key that it is run with."""
        return key_from_text(KEY)

    @property
    def pid(self) -> int:
        """Return the number of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    def start(self, failpoint: str = "") -> None:
        """Start a process; with a failpoint it kills itself there."""
        assert not self.alive
        own = {"AUDITOR_KEY": KEY, "AUDITOR_FAILPOINT": failpoint, "PYTHONPATH": str(ROOT), **self._environment}
        with self.log.open("ab") as log:
            self._before = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "auditor", "watch", "--config", str(self.config)],
                env={**os.environ, **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.starts += 1

    @property
    def alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int | None:
        """Wait for the end of the process; return how it ended, None if it did not."""
        assert self._process is not None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """Kill the process as the kernel does where memory is short."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """End the process as an operator does, once it is up; return how it ended."""
        self.heard(": started")
        self.signal(signal.SIGTERM)
        code = self.wait(10)
        assert code is not None, f"it did not end within ten seconds of SIGTERM: {self.said()[-2000:]}"
        return code

    def said(self) -> str:
        """Return everything that its processes have said."""
        return self.log.read_text() if self.log.exists() else ""

    def heard(self, text: str, seconds: float = 20.0) -> None:
        """Wait until the process that was started last has said something."""
        eventually(
            lambda: text in self.said()[self._before :],
            seconds,
            lambda: f"it never said {text!r}: {self.said()[-2000:]}",
        )


def eventually(condition: Callable[[], Any], seconds: float = 20.0, otherwise: Callable[[], str] = lambda: "in vain") -> Any:
    """Wait for something that another process is about to do, and return it."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, otherwise()
        time.sleep(0.05)
    return value
