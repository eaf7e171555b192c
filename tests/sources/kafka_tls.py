"""TLS in front of a broker that speaks none."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def tls_front(port: int, target: int, context: ssl.SSLContext) -> Iterator[None]:
    """Take TLS connections on a port and pass what they say on to another, until the end of the block."""
    listener = socket.create_server(("127.0.0.1", port))
    open_sockets: list[socket.socket] = [listener]

    def pass_on(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for side in (source, sink):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def serve(plain: socket.socket) -> None:
        try:
            secured = context.wrap_socket(plain, server_side=True)
        except OSError:
            plain.close()
            return
        behind = socket.create_connection(("127.0.0.1", target))
        open_sockets.extend((secured, behind))
        threading.Thread(target=pass_on, args=(secured, behind), daemon=True).start()
        pass_on(behind, secured)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        for one in open_sockets:
            one.close()
        thread.join(5)
