"""
The replay server, which stands in for CockroachDB, in a process of its own: `python -m benchmarks.watch.replaying COUNT`.

Each changefeed gets so many rows, which are encoded once, and a resolved row. It prints its port.
"""

from __future__ import annotations

import sys

from auditor.hlc import Timestamp
from benchmarks.watch import rows
from tests.replay.cluster import Cluster, Flood, Resolved, Table
from tests.replay.server import ReplayServer

TABLE = f"shop.public.{rows.TABLE}"
#: Rows of which one holds a planted token: what comes again and again.
BLOCK = rows.DIFFERENT // rows.PLANTED
#: After every cursor, so that it comes right after an empty scan.
_LATER = Timestamp(9 * 10**18)


def main(count: int) -> None:
    """Serve until standard input is closed."""
    block = tuple((TABLE.encode(), row.key, row.value) for row in rows.different()[:BLOCK])
    cluster = Cluster(tables={TABLE: Table()})
    cluster.add(Flood(_LATER, block, count // BLOCK), Resolved(_LATER))
    with ReplayServer(cluster) as server:
        print(server.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
