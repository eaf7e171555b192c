"""
The replay server as a process of its own: for benchmarks, and for tests that kill the program.

``python -m tests.replay.serve --rows 1000000 --bytes 570`` prints its port and sends so many rows to each changefeed without a
cursor, encoded before, and then a resolved row. ``--transcript NAME`` plays one of `transcripts/` instead.
"""

from __future__ import annotations

import argparse
import sys

from auditor.hlc import Timestamp
from tests.replay.cluster import Cluster, Flood, Resolved, Table, load
from tests.replay.server import ReplayServer

_TABLE = "shop.public.users"
_BLOCK = 100


def flooding(rows: int, size: int) -> Cluster:
    """Return a cluster that sends so many rows, each with a value of so many bytes."""
    block = []
    for number in range(_BLOCK):
        before = f'{{"after": {{"id": {number:08d}, "note": "'
        after = '"}, "before": null, "updated": "1784758975071714277.0000000000"}'
        block.append(
            (_TABLE.encode(), f"[{number}]".encode(), f"{before}{'x' * (size - len(before) - len(after))}{after}".encode())
        )
    cluster = Cluster(tables={_TABLE: Table()})
    # A moment that no cursor of a test is after, so that it comes right after an empty scan.
    later = Timestamp(9 * 10**18)
    cluster.add(Flood(later, tuple(block), rows // _BLOCK), Resolved(later))
    return cluster


def main() -> None:
    """Serve until standard input is closed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--bytes", type=int, default=570)
    parser.add_argument("--transcript")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    cluster = load(options.transcript) if options.transcript else flooding(options.rows, options.bytes)
    with ReplayServer(cluster, port=options.port) as server:
        print(server.port, flush=True)  # noqa: T201 - whoever started it waits for this line
        _wait_for_end()


def _wait_for_end() -> None:
    """Return when whoever started this process is gone."""
    while sys.stdin.read(1):
        pass


if __name__ == "__main__":
    main()
