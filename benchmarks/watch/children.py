"""Processes beside the one that is measured: bare loops, servers, senders. Each says one line of JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.data import ROOT


def told(module: str, *arguments: object) -> Any:
    """Run a module to its end and return what it says."""
    command = [sys.executable, "-m", f"benchmarks.watch.{module}", *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout)


@contextmanager
def serving(module: str, *arguments: object) -> Iterator[Any]:
    """Run a module until the block ends, when its standard input is closed; give what it says when it is ready."""
    command = [sys.executable, "-m", f"benchmarks.watch.{module}", *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
            process.wait(30)
