"""What a policy on every table costs: `make bench` runs the same files with it and without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.data import Data
from benchmarks.measure import Cost

POLICY = Path(__file__).with_name("policy.yaml")
_MB = 1_000_000
#: Runs `auditor scan` on a data set with more options.
Scan = Callable[[Data, Sequence[str]], Cost]


class Work(NamedTuple):
    """Files to scan, the options that they need with and without a policy, and what is asked of the speed with one."""

    name: str
    data: Data
    options: Sequence[str]
    asked: str


def with_and_without(works: Sequence[Work], nothing: Data, scan: Scan) -> None:
    """Print speed and peak memory without a policy and with one on every table, less what starting costs in the same way."""
    policy = ("--policy", str(POLICY))
    idle, idle_with = (scan(nothing, options).cpu for options in ((), policy))
    print("\n| policies | MB/s/core without | with | share | asked | peak MB without | with |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for work in works:
        without, judged = scan(work.data, work.options), scan(work.data, (*work.options, *policy))
        size = work.data.size / _MB
        rate, rate_with = size / (without.cpu - idle), size / (judged.cpu - idle_with)
        peaks = f"{without.peak / _MB:.0f} | {judged.peak / _MB:.0f}"
        print(f"| {work.name} | {rate:.0f} | {rate_with:.0f} | {rate_with / rate:.0%} | {work.asked} | {peaks} |", flush=True)
