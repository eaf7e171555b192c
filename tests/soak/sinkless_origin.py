"""A cluster whose changefeed is read over SQL: the replay server, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.soak.program import ROOT
from tests.soak.rows import TABLE, Rows


class SinklessOrigin:
    """See `tests.soak.origins.Origin`. What follows the last resolved timestamp is read and counted again after a kill."""

    kind = "sinkless"
    exact = False

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self._server = server
        assert server.stdout is not None
        self._port = int(server.stdout.readline())
        self._sent = (0, -1)

    @property
    def settings(self) -> dict[str, Any]:
        address = {"host": "127.0.0.1", "port": self._port, "user": "auditor", "database": "shop", "sslmode": "disable"}
        return {"kind": "sinkless", "name": "soak", "tables": [TABLE], "resolved": 0.5, **address}

    def send(self, rows: range) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._sent = (rows.stop, rows.stop - 1)
        self._server.stdin.write(f"{rows.start} {rows.stop}\n")
        self._server.stdin.flush()
        assert self._server.stdout.readline() == "done\n"

    def settled(self) -> bool:
        return True

    def handed_over(self) -> tuple[int, int]:
        return self._sent

    def in_shard(self, number: int, shard: str) -> bool:
        return True

    def counted(self, positions: dict[str, dict[str, Any]]) -> int | None:
        return None


@contextmanager
def sinkless_origin(rows: Rows, folder: Path) -> Iterator[SinklessOrigin]:
    """Run a server."""
    command = [sys.executable, "-m", "tests.soak.sinkless_cluster", str(rows.count), str(rows.tokens), str(rows.seed)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield SinklessOrigin(server)
        finally:
            assert server.stdin is not None
            server.stdin.close()
            server.wait(20)
