"""
The replay server in a process of its own, with the rows of a soak, which are written when it is told so.

``python -m tests.soak.sinkless_cluster ROWS TOKENS SEED`` prints its port. A line ``START STOP`` on standard input writes these
rows and resolves them, and is answered with ``done``. Several times a second all is resolved that was written by then.
"""

from __future__ import annotations

import sys
import threading

from tests.replay.cluster import Change, Cluster, Resolved, Table
from tests.replay.server import ReplayServer
from tests.soak.rows import TABLE, Rows, moment


class Written:
    """How far the cluster is. Its clock stands at the last row that was written, and ticks with each resolved timestamp."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._now = moment(-1)
        self.cluster = Cluster(tables={TABLE: Table()}, clock=lambda: self._now)

    def write(self, written: range) -> None:
        """Write rows, and resolve them."""
        changes = [Change(moment(number), TABLE, self._rows.key(number), self._rows.value(number)) for number in written]
        with self.cluster.changed:
            self._now = moment(written.stop - 1)
            self.cluster.add(*changes, Resolved(self._now))

    def beat(self) -> None:
        """Resolve all that was written, for feeds that have begun since."""
        with self.cluster.changed:
            self._now = self._now._replace(logical=self._now.logical + 1)
            self.cluster.add(Resolved(self._now))


def main() -> None:
    """Serve until standard input is closed."""
    written = Written(Rows(*map(int, sys.argv[1:4])))
    ended = threading.Event()

    def beats() -> None:
        while not ended.wait(0.3):
            written.beat()

    heart = threading.Thread(target=beats)
    with ReplayServer(written.cluster) as server:
        heart.start()
        print(server.port, flush=True)  # noqa: T201 - whoever started it waits for this line
        for line in sys.stdin:
            written.write(range(*map(int, line.split())))
            print("done", flush=True)  # noqa: T201 - ditto
        ended.set()
        heart.join()


if __name__ == "__main__":
    main()
