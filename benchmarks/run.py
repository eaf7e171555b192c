"""
Measure everything that is claimed about speed and memory, and print it as markdown: `make bench`.

BENCH_MB (default 1000) is the size of each data set in millions of bytes, BENCH_LARGE=1 adds one of ten times that, BENCH_RUNS
(default 3) is how often each command runs; its median counts. CPU seconds are user and system of the whole process, less those of
a run on an empty file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import data, machine, policies, quality
from benchmarks.data import BENCH, Data
from benchmarks.measure import Cost, cost
from benchmarks.peers import PEERS, Peer

MB = 1_000_000
_AUDITOR = Path(sys.executable).with_name("auditor")
_LOG = BENCH / "log"
_REPORT = BENCH / "found.jsonl"
_KEY = BENCH / "key"
_SIZE = int(os.environ.get("BENCH_MB", "1000")) * MB
_RUNS = int(os.environ.get("BENCH_RUNS", "3"))
# Found, clean, or not all could be read: a feed with planted tokens may hold any.
_ENDS = (0, 1, 4)


def scan(scanned: Data, more: Sequence[str] = (), *, jobs: int = 1, cores: int = 1, runs: int = _RUNS) -> Cost:
    """Measure `auditor scan` on a data set, with every finding reported."""
    files = list(map(str, scanned.files))
    options = [*more, "--report", f"jsonl={_REPORT}", "--quiet", "--key-file", str(_KEY), "--jobs", str(jobs)]
    return cost([str(_AUDITOR), "scan", *files, *options], cores=cores, runs=runs, accept=_ENDS, log=_LOG)


def scan_with(peer: Peer, scanned: Data, *, runs: int = _RUNS) -> Cost:
    """Measure a peer on a data set, on one core."""
    _REPORT.unlink(missing_ok=True)
    return cost(peer.command(scanned.files, _REPORT), runs=runs, accept=peer.accept, log=_LOG)


def one_core(works: Sequence[tuple[str, Data, int, int]]) -> None:
    """Print speed and quality of every scanner on each data set: (name, data, least and aimed multiple of the first peer)."""
    nothing = data.empty()
    idle = scan(nothing)
    # The first run of a peer may compile and keep its rules.
    idle_peers = {peer.name: (scan_with(peer, nothing, runs=1), scan_with(peer, nothing))[1] for peer in PEERS}
    print("\n| work | scanner | MB/s/core | x | peak MB | recall | precision | false findings per million rows |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for work, scanned, least, aim in works:
        peers = []
        for peer in PEERS:
            part = data.beginning(scanned, peer.share)
            spent = scan_with(peer, part, runs=_RUNS if peer.share == 1 else 1)
            rate = part.size / MB / (spent.cpu - idle_peers[peer.name].cpu)
            judged = quality.of_peer(part, peer.found(_REPORT))
            peers.append((peer.label, rate, spent.peak, judged))
        spent = scan(scanned)
        rate = scanned.size / MB / (spent.cpu - idle.cpu)
        judged = quality.of_auditor(scanned, _REPORT)
        multiple = f"{rate / peers[0][1]:.1f} (at least {least}, aim {aim})"
        print(f"| {work} | auditor | {rate:.0f} | {multiple} | {spent.peak / MB:.0f} | {judged.cells} |")
        for label, rate, peak, judged in peers:
            print(f"| {work} | {label} | {rate:.1f} | {rate / peers[0][1]:.1f} | {peak / MB:.0f} | {judged.cells} |", flush=True)


def against_mere_reading(works: Sequence[tuple[str, Data]]) -> None:
    """Print how near scanning on two cores comes to reading on one thread, by the wall clock."""
    read = [sys.executable, "-m", "benchmarks.mere_read"]
    idle = scan(data.empty(), cores=2)
    idle_read = cost([*read, *map(str, data.empty().files)], runs=_RUNS, log=_LOG)
    print("\n| work, wall clock, 2 cores | mere read s | auditor s | share (at least 80 %, aim 95 %) |")
    print("| --- | --- | --- | --- |")
    for work, scanned in works:
        reading = cost([*read, *map(str, scanned.files)], runs=_RUNS, log=_LOG).wall - idle_read.wall
        scanning = scan(scanned, cores=2).wall - idle.wall
        print(f"| {work} | {reading:.2f} | {scanning:.2f} | {reading / scanning:.0%} |", flush=True)


def jobs(scanned: Data) -> None:
    """Print what a second process brings."""
    one, two = (scan(scanned, jobs=count, cores=2).wall for count in (1, 2))
    print("\n| jobs, wall clock, 2 cores | s | x (at least 1.7, aim 1.9) |")
    print("| --- | --- | --- |")
    print(f"| 1 | {one:.2f} | 1.0 |\n| 2 | {two:.2f} | {one / two:.2f} |", flush=True)


def memory(works: Sequence[tuple[str, Data]]) -> None:
    """Print the peak memory of one process on each data set."""
    print("\n| peak memory | input MB | MB (under 250, aim 150) |")
    print("| --- | --- | --- |")
    for work, scanned in works:
        print(f"| {work} | {scanned.size / MB:.0f} | {scan(scanned, runs=1).peak / MB:.0f} |", flush=True)


def starting() -> None:
    """Print what it takes to start."""
    version = cost([str(_AUDITOR), "--version"], runs=2 * _RUNS, log=_LOG)
    print("\n| start, wall clock | s | at least | aim |")
    print("| --- | --- | --- | --- |")
    print(f"| `auditor --version` | {version.wall:.2f} | 0.3 | 0.15 |")
    print(f"| an empty file | {scan(data.empty(), runs=2 * _RUNS).wall:.2f} | 0.8 | 0.4 |", flush=True)


def main() -> None:
    """Make the data, run everything, print the tables."""
    BENCH.mkdir(parents=True, exist_ok=True)
    _KEY.write_text("00" * 32, encoding="ascii")
    one_file, five_files = ("--size", str(_SIZE)), ("--size", str(_SIZE // 5))
    # A file a table: of files over 256 MB kingfisher tells no lines, so what it finds could not be judged.
    ndjson = data.sample("ndjson", "--format", "wrapped", *five_files)
    crowded = data.sample("every-row", "--format", "wrapped", "--token-every-row", "jwt-signed", *five_files)
    csv = data.sample("csv", "--format", "export-csv", *five_files)
    parquet = data.sample("parquet", "--format", "export-parquet", *five_files)
    feed = data.sample("feed", "--format", "wrapped-mixed", *one_file)
    gzip = data.sample("gzip", "--format", "wrapped-mixed", "--compression", "gzip", *one_file)
    # Arrow alone cannot open the orders: their DECIMAL has no precision, and CockroachDB writes that as 2**31 - 1.
    parquet = replace(parquet, without="/orders/")
    print(machine.described(peer.label for peer in PEERS))
    starting()  # first, while nothing is being written to the disk
    one_core([("ndjson, wrapped", ndjson, 8, 15), ("csv", csv, 6, 10), ("a token in every row", crowded, 2, 4)])
    whole = policies.Work("parquet", replace(parquet, without="no table"), (), "60 %")
    ddl = ("--ddl", str(csv.folder / "exports" / "schema.sql"))
    judged = [policies.Work("ndjson, wrapped", ndjson, (), "200 MB/s, aim 300"), policies.Work("csv", csv, ddl, "60 %"), whole]
    policies.with_and_without(judged, data.empty(), scan)
    against_mere_reading([("parquet", parquet), ("ndjson.gz", gzip)])
    jobs(feed)
    large = []
    if os.environ.get("BENCH_LARGE") == "1":
        large.append(("ndjson, one large file", data.sample("large", "--format", "wrapped-mixed", "--size", str(10 * _SIZE))))
    memory([("ndjson, one file", feed), *large, ("a million findings", data.million_findings())])


if __name__ == "__main__":
    main()
