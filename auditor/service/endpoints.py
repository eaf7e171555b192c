"""/healthz, /readyz and /metrics, for whoever keeps the service running."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson

from auditor.errors import ConfigError
from auditor.service.metrics import CONTENT_TYPE


class Endpoints:
    """A small HTTP server on a thread of its own. It reads no body, and tells nothing of rows or findings."""

    def __init__(self, host: str, port: int, *, ready: Callable[[], dict[str, str]], metrics: Callable[[], bytes]) -> None:
        """
        Listen; port 0 takes a free one.

        ``ready`` gives what is not as it should be, by name; nothing means ready. Raise `ConfigError` if the port is taken.
        """
        handler = _handler(ready, metrics)
        try:
            self._server = ThreadingHTTPServer((host, port), handler)
        except OSError as error:
            raise ConfigError(
                f"cannot listen: {error.strerror}", where=f"server {host}:{port}", fix="choose another port"
            ) from None
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="endpoints", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _handler(ready: Callable[[], dict[str, str]], metrics: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    """Return the handler of requests."""

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "auditor", ""
        timeout = 10

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/healthz":
                self._answer(200, "text/plain", b"ok\n")
            elif path == "/readyz":
                problems = ready()
                self._answer(503 if problems else 200, "application/json", orjson.dumps(problems) + b"\n")
            elif path == "/metrics":
                self._answer(200, CONTENT_TYPE, metrics())
            else:
                self._answer(404, "text/plain", b"there are /healthz, /readyz and /metrics\n")

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            """Log no request."""

    return Handler
