"""
The HTTPS server: a thread with an event loop, on which uvicorn's HTTP/1.1 protocol runs.

uvicorn is imported here and nowhere else. Its `Server` is not used: that one knows no limits on handshakes and on the heads of
requests, and takes 0.1 s and more to end.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
import threading
from collections.abc import Callable
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Protocol, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from auditor.sources.webhook.tls import Certificate

if TYPE_CHECKING:
    from starlette.types import ASGIApp

#: Seconds for a handshake, for the head of a request, for the rest of a body that was answered early, and for closing.
_PATIENCE = 10.0
#: Longer than Go's clients keep an idle connection (90 s): it is they who close it, never while a request is on its way.
_IDLE = 120
_LARGEST_HEAD = 64 << 10
#: Between two looks at the files of the certificate.
_TICK = 1.0
#: Seconds that connections have for their last answers.
_FAREWELL = 0.3
_log = logging.getLogger(__name__)


class GuardedProtocol(H11Protocol):
    """One connection: uvicorn's, with bounds on how many there are and on how long a request may take to arrive."""

    def __init__(self, *, most: int, **of_uvicorn: Any) -> None:
        """Take the greatest number of connections."""
        super().__init__(**of_uvicorn)
        # Its line would hold the query. The configuration alone does not keep it off where somebody set that logger up.
        self.access_log = False
        self._most = most
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > self._most:
            transport.abort()
            return
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take bytes; while a request is not complete and nobody reads it, time runs."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._stop_watching()

    def _watch(self) -> None:
        """Start or stop the clock. While a request is being answered it is the application that watches the time."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        answering = cycle is not None and not cycle.response_complete
        idle = cycle is not None and self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]
        if answering or idle:
            self._stop_watching()
            if idle and not answering and self.timeout_keep_alive_task is None:
                self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
        elif self._patience is None:
            self._patience = self.loop.call_later(_PATIENCE, self.transport.abort)

    def _stop_watching(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class Served(Protocol):
    """What a server serves."""

    def app(self) -> ASGIApp:
        """Return the application."""

    async def close(self) -> None:
        """Let go of what it holds; on the server's event loop, at its end."""


class Server:
    """Serves an application on a bound socket until it is stopped."""

    def __init__(self, listening: socket.socket, certificate: Certificate | None, most_connections: int) -> None:
        """Take a bound socket, which the server closes; without a certificate it speaks plain HTTP."""
        self._listening, self._certificate, self._most = listening, certificate, most_connections
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_without_details)
        self._stopping = asyncio.Event()
        self._thread: threading.Thread | None = None
        self._state = ServerState()

    def start(self, served: Served, ended: Callable[[], object]) -> None:
        """Start the thread. ``ended`` is called on it when no request can be recorded any more, also if it ends by itself."""
        self._thread = threading.Thread(target=self._run, args=(served, ended), name="webhook", daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], object]) -> None:
        """Have something done on the server's thread; nothing once that has ended."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)

    def stop(self) -> None:
        """Send the answers that are due, close everything and wait for it: half a second at most."""
        self.call(self._stopping.set)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_FAREWELL + 0.5)

    def _run(self, served: Served, ended: Callable[[], object]) -> None:
        """Run the event loop."""
        try:
            self._loop.run_until_complete(self._serve(served, ended))
        except Exception as error:  # noqa: BLE001 - whatever it is, its text could quote a request
            _log.error("the server has ended: %s", type(error).__name__)
        finally:
            ended()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
            self._listening.close()

    async def _serve(self, served: Served, ended: Callable[[], object]) -> None:
        """Serve until stopped."""
        config = Config(
            served.app(),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_IDLE,
            h11_max_incomplete_event_size=_LARGEST_HEAD,
        )
        config.load()
        self._date()
        protocol = functools.partial(GuardedProtocol, config=config, server_state=self._state, app_state={}, most=self._most)
        server = await self._loop.create_server(
            protocol,
            sock=self._listening,
            ssl=self._certificate.context if self._certificate else None,
            ssl_handshake_timeout=_PATIENCE if self._certificate else None,
            ssl_shutdown_timeout=_PATIENCE if self._certificate else None,
        )
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TICK)
            self._date()
            if self._certificate and self._certificate.refresh():
                _log.info("the certificate was loaded again")
        server.close()
        await self._say_farewell(ended)
        await served.close()

    def _date(self) -> None:
        """Set the header that every answer carries (RFC 9110 §6.6.1)."""
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]

    async def _say_farewell(self, ended: Callable[[], object]) -> None:
        """Let what is being recorded be answered so, all else be refused, then cut every connection."""
        for connection in list(self._state.connections):
            with contextlib.suppress(h11.LocalProtocolError):
                connection.shutdown()
        tasks = list(self._state.tasks)
        await _wait(tasks, _FAREWELL)
        ended()
        await _wait(tasks, _FAREWELL / 3)
        for task in tasks:
            task.cancel()
        await _wait(tasks, _FAREWELL / 3)
        # What was written is on its way to the kernel.
        await asyncio.sleep(_FAREWELL / 10)
        for connection in list(self._state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


async def _wait(tasks: list[asyncio.Task[None]], patience: float) -> None:
    """Wait for tasks, if there are any."""
    if tasks:
        await asyncio.wait(tasks, timeout=patience)


def _without_details(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log that something went wrong on the loop, and nothing that could hold a value."""
    error = context.get("exception")
    _log.error("the server met an error: %s", type(error).__name__ if error else "unknown")
