"""
Post batches of rows as CockroachDB's webhook sink does: `python -m benchmarks.watch.sending PORT CA CONNECTIONS REQUESTS`.

Each connection sends its next request once the last one was answered, and one that was refused again. What is sent is put
together before. It prints one line of JSON: the seconds from the first request to the last answer, and how many were refused.
"""

from __future__ import annotations

import itertools
import json
import socket
import ssl
import sys
import threading
import time

from auditor.sample.encode.moments import hlc
from benchmarks.watch import rows

BATCH = 100
PATH = "/feed"


def requests() -> list[bytes]:
    """Return a request for each hundred of the rows that differ."""
    elements = [
        b'%s, "key": %s, "topic": "%s", "updated": "%s"}'
        % (row.value.partition(b', "updated"')[0], row.key, rows.TABLE.encode(), hlc(row.change.wall).encode())
        for row in rows.different()
    ]
    bodies = (elements[first : first + BATCH] for first in range(0, len(elements), BATCH))
    return [request(b'{"payload":[%s],"length":%d}' % (b",".join(body), len(body))) for body in bodies]


def request(body: bytes) -> bytes:
    """Return a request as Go's client sends it."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n".encode() + body


def connect(port: int, authority: str) -> ssl.SSLSocket:
    """Open a connection."""
    context = ssl.create_default_context(cafile=authority)
    plain = socket.create_connection(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def post(connection: ssl.SSLSocket, sent: bytes) -> bool:
    """Send a request; tell whether it was accepted, and not to be sent again."""
    connection.sendall(sent)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(4096)
    head, _, rest = answer.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(rest) < length:
        rest += connection.recv(4096)
    if head[9:12] not in (b"200", b"503"):
        raise RuntimeError(head.decode("latin-1"))
    return head[9:12] == b"200"


def main(port: int, authority: str, connections: int, count: int) -> None:
    """Send so many requests."""
    different = requests()
    left = itertools.islice(itertools.cycle(different), count)
    lock = threading.Lock()
    refused = 0

    def send() -> None:
        nonlocal refused
        connection = connect(port, authority)
        while True:
            with lock:
                sent = next(left, None)
            if sent is None:
                return
            while not post(connection, sent):
                refused += 1
                time.sleep(0.01)

    threads = [threading.Thread(target=send) for _ in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"seconds": time.perf_counter() - began, "refused": refused}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
