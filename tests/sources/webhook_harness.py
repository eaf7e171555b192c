"""A webhook endpoint that runs, with somebody who records its deliveries, and a sender over real TLS."""

from __future__ import annotations

import functools
import http.client
import json
import queue
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import trustme

from auditor.delivery import Messages
from auditor.sources.webhook import WebhookSource
from auditor.sources.webhook.reader import WebhookReader
from auditor.sources.webhook.settings import WebhookSettings
from tests.sources.feed_harness import MemoryClaims

PATH = "/feed"
Recorder = Callable[[WebhookReader, Messages], None]


class Reply(NamedTuple):
    """An answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@functools.cache
def authority(name: str) -> trustme.CA:
    """Return an authority, made once for all tests."""
    return trustme.CA(organization_name=name)


def pem(folder: Path, name: str = "server", host: str = "127.0.0.1", **more: Any) -> dict[str, Path]:
    """Write a certificate of an authority and its key; return them as settings."""
    issued = authority(name).issue_cert(host, **more)
    paths = {"certificate": folder / f"{name}.pem", "key": folder / f"{name}.key"}
    paths["certificate"].write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    paths["key"].write_bytes(issued.private_key_pem.bytes())
    return paths


def trusting(name: str = "server") -> ssl.SSLContext:
    """Return a client's context that trusts an authority alone."""
    context = ssl.create_default_context()
    authority(name).configure_trust(context)
    return context


def commit(reader: WebhookReader, delivery: Messages) -> None:
    """Record at once."""
    reader.committed(delivery)


class Running:
    """An open endpoint. ``deliveries`` are in the order in which they were handed over."""

    def __init__(self, reader: WebhookReader, record: Recorder, context: ssl.SSLContext | None) -> None:
        """Begin to read on a thread, and to record on another, as the watching part does."""
        self.reader, self.context = reader, context
        self.port = reader.port
        self.deliveries: list[Messages] = []
        self.ended = threading.Event()
        self._record = record
        self._queue: queue.SimpleQueue[Messages | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._commit)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        for delivery in self.reader:
            if isinstance(delivery, Messages):
                self.deliveries.append(delivery)
                self._queue.put(delivery)
        self.ended.set()
        self._queue.put(None)

    def _commit(self) -> None:
        while (delivery := self._queue.get()) is not None:
            self._record(self.reader, delivery)

    @property
    def bodies(self) -> list[bytes]:
        """Return all bodies that were handed over."""
        return [value or b"" for delivery in self.deliveries for value in delivery.values]

    def connection(self, context: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
        """Return a connection that stays open between requests."""
        chosen = context or self.context
        if chosen is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=chosen)

    def post(
        self, body: bytes = b"{}", headers: Mapping[str, str] | None = None, path: str = PATH, method: str = "POST"
    ) -> Reply:
        """Send one request on a connection of its own."""
        connection = self.connection()
        try:
            return send(connection, body, headers, path, method)
        finally:
            connection.close()

    def close(self) -> None:
        """Close the endpoint and wait for the threads."""
        self.reader.close()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()


def send(
    connection: http.client.HTTPConnection,
    body: bytes = b"{}",
    headers: Mapping[str, str] | None = None,
    path: str = PATH,
    method: str = "POST",
) -> Reply:
    """Send a request as the sink does."""
    connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    return Reply(response.status, response.read(), {name.lower(): value for name, value in response.getheaders()})


@contextmanager
def running(folder: Path | None = None, record: Recorder = commit, count: int = 0, **more: Any) -> Iterator[Running]:
    """Run an endpoint: with TLS if there is a folder for its certificate, else over plain HTTP."""
    tls: dict[str, Any] = pem(folder) if folder else {}
    settings = WebhookSettings(name="feed", port=0, path=PATH, **{**tls, **more})
    claims = MemoryClaims({"": {"requests": count}} if count else {})
    endpoint = Running(WebhookSource(settings).open(claims), record, trusting() if folder else None)
    try:
        yield endpoint
    finally:
        endpoint.close()


def batch(rows: Sequence[int] | range, topic: str = "users") -> bytes:
    """Return a body as the sink glues it."""
    elements = [json.dumps({"after": {"id": row, "name": f"name {row}"}, "key": [row], "topic": topic}) for row in rows]
    return b'{"payload":[%s],"length":%d}' % (",".join(elements).encode(), len(elements))


def eventually(condition: Callable[[], object], within: float = 5.0) -> None:
    """Wait for something that another thread is about to do."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)
