"""A webhook sink: batches over TLS from several workers, each sent again until it is answered with 2xx."""

from __future__ import annotations

import contextlib
import http.client
import queue
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.soak.rows import Rows, pieces
from tests.sources.kafka_brokers import free_port
from tests.sources.webhook_harness import PATH, pem, trusting

WORKERS = 3
#: Rows of one request.
BATCH = 50
#: `webhook_client_timeout`.
_TIMEOUT = 3.0
#: The sink waits for half a second at first; less makes for more attempts.
_FIRST_WAIT, _LONGEST_WAIT = 0.02, 0.5


class WebhookOrigin:
    """
    See `tests.soak.origins.Origin`.

    A resolved timestamp is sent only once everything before it was answered with 2xx, as the sink does.
    """

    kind = "webhook"
    exact = False

    def __init__(self, rows: Rows, folder: Path, *, port: int = 0, timeout: float = _TIMEOUT) -> None:
        self._rows, self._timeout = rows, timeout
        self.port = port or free_port()
        self._tls = pem(folder)
        self._context = trusting()
        self._stretches: queue.SimpleQueue[range | None] = queue.SimpleQueue()
        self._batches: queue.Queue[bytes | None] = queue.Queue(WORKERS)
        self._lock = threading.Lock()
        self._sent = (0, -1)
        self._unsettled = 0
        self._closed = threading.Event()
        self.posts = self.again = 0
        self._threads = [threading.Thread(target=self._work, name=f"sink {number}") for number in range(WORKERS)]
        self._threads.append(threading.Thread(target=self._hand_out, name="sink"))
        for thread in self._threads:
            thread.start()

    @property
    def settings(self) -> dict[str, Any]:
        tls = {name: str(path) for name, path in self._tls.items()}
        return {"kind": "webhook", "name": "soak", "port": self.port, "path": PATH, **tls}

    def send(self, rows: range) -> None:
        with self._lock:
            self._unsettled += 1
        self._stretches.put(rows)

    def settled(self) -> bool:
        with self._lock:
            return self._unsettled == 0

    def handed_over(self) -> tuple[int, int]:
        with self._lock:
            return self._sent

    def in_shard(self, number: int, shard: str) -> bool:
        return True

    def counted(self, positions: dict[str, dict[str, Any]]) -> int | None:
        return None

    def close(self) -> None:
        """End the threads, whether everything was sent or not."""
        self._closed.set()
        self._stretches.put(None)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _hand_out(self) -> None:
        """Give stretches of rows to the workers, and send a resolved timestamp after each."""
        while (stretch := self._stretches.get()) is not None and not self._closed.is_set():
            for rows in pieces(stretch, BATCH):
                with self._lock:
                    self._sent = (rows.stop, self._sent[1])
                elements = ",".join(map(self._rows.element, rows))
                self._batches.put(f'{{"payload":[{elements}],"length":{len(rows)}}}'.encode())
            self._batches.join()
            if not self._closed.is_set():
                with self._lock:
                    self._sent = (stretch.stop, stretch.stop - 1)
                self._batches.put(self._rows.resolved(stretch.stop - 1))
                self._batches.join()
            with self._lock:
                self._unsettled -= 1
        for _ in range(WORKERS):
            self._batches.put(None)

    def _work(self) -> None:
        """Send what is handed out."""
        connection: http.client.HTTPSConnection | None = None
        while (body := self._batches.get()) is not None:
            wait = _FIRST_WAIT
            while not self._closed.is_set():
                connection, done = self._post(connection, body)
                if done:
                    break
                with self._lock:
                    self.again += 1
                self._closed.wait(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
            self._batches.task_done()
        if connection is not None:
            connection.close()

    def _post(
        self, connection: http.client.HTTPSConnection | None, body: bytes
    ) -> tuple[http.client.HTTPSConnection | None, bool]:
        """Send one request; return the connection if it can be used again, and whether the answer was 2xx."""
        with self._lock:
            self.posts += 1
        try:
            if connection is None:
                connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=self._timeout, context=self._context)
            connection.request("POST", PATH, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException, ssl.SSLError):
            if connection is not None:
                with contextlib.suppress(OSError):
                    connection.close()
            return None, False
        return connection, 200 <= response.status < 300


@contextmanager
def webhook_origin(rows: Rows, folder: Path, **more: Any) -> Iterator[WebhookOrigin]:
    """Send to a webhook."""
    folder.mkdir(parents=True, exist_ok=True)
    origin = WebhookOrigin(rows, folder, **more)
    try:
        yield origin
    finally:
        origin.close()


def quiet(origin: WebhookOrigin, seconds: float) -> None:
    """Wait until everything was answered."""
    until = time.monotonic() + seconds
    while not origin.settled():
        assert time.monotonic() < until, "the sink could not get rid of its rows"
        time.sleep(0.05)
