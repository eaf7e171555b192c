"""One row of a table of throughput: the auditor and a bare loop in turn, several times, the best of each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from benchmarks.watch.rows import PLANTED
from benchmarks.watch.watched import Done, to_its_end


class Work(NamedTuple):
    """Something to measure. Each of the ``bare`` loops says its ``seconds`` and ``cpu``."""

    name: str
    rows: int
    feed: Callable[[], Mapping[str, object]]
    since: str
    bare: Mapping[str, Callable[[], Any]]
    least: int
    aim: int
    findings: int = PLANTED


def measure(work: Work, rounds: int) -> None:
    """Measure and print."""
    audited: list[Done] = []
    bare: dict[str, list[tuple[float, float]]] = {name: [] for name in work.bare}
    for _ in range(rounds):
        for name, loop in work.bare.items():
            said = loop()
            bare[name].append((said["seconds"], said["cpu"]))
        done = to_its_end(work.feed(), work.since)
        if done.rows != work.rows or done.findings < work.findings:
            raise RuntimeError(f"{work.name}: {done} where there are {work.rows} rows")
        audited.append(done)
        print(work.name, bare, audited, file=sys.stderr, flush=True)
    best = min(audited, key=lambda done: done.seconds)
    for name, times in bare.items():
        seconds, cpu = min(times)
        share = seconds / best.seconds
        costs = f"{cpu / work.rows * 1e6:.2f} | {best.cpu / work.rows * 1e6:.2f}"
        print(
            f"| {work.name} | {name} | {work.rows / seconds:,.0f} | {work.rows / best.seconds:,.0f} | {share:.0%} "
            f"(at least {work.least} %, aim {work.aim} %) | {costs} |",
            flush=True,
        )


def head() -> None:
    """Print the head of the table."""
    print("\n| work | bare loop | bare rows/s | auditor rows/s | share | bare CPU us/row | auditor CPU us/row |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
