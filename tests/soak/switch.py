"""A connection to a server that can be cut: what it leads to is then not there, whoever asks."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Switch:
    """Passes connections to a port on, while it is on."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._target = port
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.on()

    def on(self) -> None:
        """Let connections through."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._sockets = [listener]
        self._threads = [threading.Thread(target=self._accept, args=(listener,))]
        self._threads[0].start()

    def off(self) -> None:
        """Refuse new connections and break those that there are; again does nothing."""
        # What comes while this goes on belongs to the listener, which goes first.
        while self._threads:
            with self._lock:
                sockets, threads = list(self._sockets), list(self._threads)
            for one in sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
            for one in sockets:
                one.close()
            with self._lock:
                self._sockets, self._threads = self._sockets[len(sockets) :], self._threads[len(threads) :]

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target), 5)
                with self._lock:
                    self._sockets += (client, server)
                    for ends in ((client, server), (server, client)):
                        self._threads.append(threading.Thread(target=_pass_on, args=ends))
                        self._threads[-1].start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def switch_before(port: int) -> Iterator[Switch]:
    """Stand before a port for as long as a block lasts."""
    switch = Switch(port)
    try:
        yield switch
    finally:
        switch.off()
