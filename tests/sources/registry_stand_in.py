"""A schema registry on a thread: what changefeeds and their readers use of the Confluent API, and what can go wrong with it."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote
from urllib.request import Request, urlopen


class StandIn:
    """What is registered, what is asked for, and how the next answers are spoiled."""

    def __init__(self) -> None:
        self.schemas: list[dict[str, Any]] = []
        self.subjects: dict[str, list[int]] = {}
        self.asked: list[str] = []
        #: (status, body) of the next answers, before it answers truly again.
        self.spoiled: list[tuple[int, bytes]] = []
        self.headers: dict[str, str] = {}
        self.delay = 0.0
        self.drip = 0.0
        self.authorization = ""
        self.url = ""

    def answer(self, path: str, authorization: str) -> tuple[int, bytes]:
        """Return status and body of a GET."""
        self.asked.append(path)
        time.sleep(self.delay)
        if self.spoiled:
            return self.spoiled.pop(0)
        if self.authorization and authorization != self.authorization:
            return 401, json.dumps({"error_code": 401, "message": "Unauthorized"}).encode()
        match path.strip("/").split("/"):
            case ["schemas", "ids", number] if int(number) <= len(self.schemas):
                return 200, json.dumps(self.schemas[int(number) - 1]).encode()
            case ["schemas", "ids", _]:
                return 404, json.dumps({"error_code": 40403, "message": "Schema not found"}).encode()
            case ["subjects", subject, "versions", version]:
                number = self.subjects[unquote(subject)][int(version) - 1]
                return 200, json.dumps({"id": number, **self.schemas[number - 1]}).encode()
        return 404, json.dumps({"error_code": 404, "message": "HTTP 404 Not Found"}).encode()

    def register(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        """Return status and body of a POST."""
        subject = unquote(path.split("/")[-2])
        self.schemas.append(body)
        self.subjects.setdefault(subject, []).append(len(self.schemas))
        return 200, json.dumps({"id": len(self.schemas)}).encode()


class _Handler(BaseHTTPRequestHandler):
    """Asks the stand-in of its server."""

    server: _Server

    def do_GET(self) -> None:
        self._send(*self.server.stand_in.answer(self.path, self.headers.get("Authorization", "")))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._send(*self.server.stand_in.register(self.path, json.loads(body)))

    def _send(self, status: int, body: bytes) -> None:
        stand_in = self.server.stand_in
        try:
            self.send_response(status)
            for name, value in stand_in.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for byte in body if stand_in.drip else ():
                time.sleep(stand_in.drip)
                self.wfile.write(bytes((byte,)))
            if not stand_in.drip:
                self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the client has had enough

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class _Server(ThreadingHTTPServer):
    """Has a stand-in, and leaves handshakes that fail to the client."""

    daemon_threads = True

    def __init__(self, stand_in: StandIn) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stand_in = stand_in

    def handle_error(self, *_: object) -> None:
        """Stay silent."""


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[StandIn]:
    """Run a stand-in on a free port of the loopback."""
    stand_in = StandIn()
    server = _Server(stand_in)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    stand_in.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def register(url: str, subject: str, schema: object, references: list[dict[str, Any]] | None = None) -> int:
    """Register a schema as CockroachDB does; return its number."""
    body = {"schema": json.dumps(schema)} | ({"references": references} if references else {})
    request = Request(
        f"{url}/subjects/{subject}/versions",
        json.dumps(body).encode(),
        {"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    with urlopen(request, timeout=10) as answer:
        return int(json.load(answer)["id"])


def basic(username: str, password: str) -> str:
    """Return the header of basic authentication."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"
