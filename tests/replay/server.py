"""
A server that speaks PostgreSQL's wire protocol and answers as CockroachDB does, as far as a changefeed's reader can tell.

What it sends is in `cluster`, which statements it takes in `statements`. Start it in a test with `with ReplayServer(cluster) as
server`, or as a process of its own with `python -m tests.replay.serve`.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from types import TracebackType
from typing import Self

from tests.replay.cluster import Cluster
from tests.replay.session import Session


class ReplayServer:
    """Listens on loopback, one thread for each connection."""

    def __init__(self, cluster: Cluster, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.cluster = cluster
        self.tls = tls
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._sessions: list[Session] = []
        self._numbers = 0
        self._open = True
        self._thread = threading.Thread(target=self._accept, name="replay", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def sessions(self) -> list[Session]:
        """Return the open connections."""
        with self._lock:
            return list(self._sessions)

    def streaming(self) -> int:
        """Return how many changefeeds run."""
        return sum("CHANGEFEED" in session.running for session in self.sessions())

    def forget(self, session: Session) -> None:
        """Take a connection out that has ended."""
        with self._lock:
            self._sessions.remove(session)

    def cancel(self, number: int, secret: bytes) -> None:
        """Cancel what runs on a connection, as the protocol's own request asks."""
        for session in self.sessions():
            if (session.number, session.secret) == (number, secret):
                session.cancelled.set()

    def break_all(self) -> None:
        """Break every connection, as the network or a killed node does."""
        for session in self.sessions():
            session.hang_up()

    def close(self) -> None:
        """Stop, and wait for every connection's thread."""
        self._open = False
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.break_all()
        for session in self.sessions():
            session.join()

    def _accept(self) -> None:
        while self._open:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._numbers += 1
                session = Session(self, connected, self._numbers)
                self._sessions.append(session)
            session.start()
