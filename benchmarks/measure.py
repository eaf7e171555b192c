"""What a command costs, as the median of several runs on given CPUs."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_LAUNCH = Path(__file__).with_name("launch.py")


class Cost(NamedTuple):
    """Seconds of CPU (user and system, with waited-for children), seconds of wall clock, bytes at the peak of one process."""

    cpu: float
    wall: float
    peak: int


def cpus(count: int) -> Sequence[int]:
    """Name the last so many CPUs that this process may use: the first is where the system's own work tends to be."""
    return sorted(os.sched_getaffinity(0))[-count:]


def cost(command: Sequence[str], *, cores: int = 1, runs: int = 1, accept: Sequence[int] = (0,), log: Path) -> Cost:
    """
    Run a command and return the median of each number.

    Raise `RuntimeError`, with the end of what it printed, if it ends with an exit code that is not accepted.
    """
    pinned = ",".join(map(str, cpus(cores)))
    costs = []
    for _ in range(runs):
        launched = subprocess.run(
            [sys.executable, "-I", "-S", str(_LAUNCH), pinned, str(log), *command], check=True, capture_output=True, text=True
        )
        told = json.loads(launched.stdout)
        if told["exit_code"] not in accept:
            end = log.read_text("utf-8", "replace")[-2000:]
            raise RuntimeError(f"{' '.join(command)} ended with {told['exit_code']}:\n{end}")
        costs.append(Cost(told["cpu"], told["wall"], told["peak"]))
    return Cost(
        statistics.median(each.cpu for each in costs),
        statistics.median(each.wall for each in costs),
        int(statistics.median(each.peak for each in costs)),
    )
