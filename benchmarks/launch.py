"""
Run one command on given CPUs, and print what it cost as one line of JSON.

A process of its own, because Linux counts the peak memory of whoever starts a program as that program's: this one stays
at some 10 MB however large its caller is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time


def main(cpus: str, output: str, command: list[str]) -> None:
    """Start the command with its output in a file, wait, and tell its CPU seconds, wall seconds, peak bytes and exit code."""
    os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})
    with open(output, "wb") as log:  # noqa: PTH123 - pathlib would double the memory of this process
        start = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    cost = {
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": wall,
        "peak": usage.ru_maxrss * 1024,
        "exit_code": child.returncode,
    }
    print(json.dumps(cost))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
