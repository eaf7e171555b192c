"""How many rows a second a webhook feed takes over TLS, each request answered once it is recorded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import trustme

from benchmarks.watch.children import told
from benchmarks.watch.sending import BATCH, PATH
from benchmarks.watch.watched import Watch, read_state, watching
from tests.sources.kafka_brokers import eventually, free_port, listening


class Endpoint(NamedTuple):
    """Where to post, by which authority, and who answers."""

    port: int
    authority: Path
    watch: Watch


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Run the auditor with a webhook feed until the block ends."""
    with TemporaryDirectory(prefix="webhook") as folder:
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1")
        paths = {name: Path(folder) / f"{name}.pem" for name in ("certificate", "key", "authority")}
        paths["certificate"].write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        paths["key"].write_bytes(issued.private_key_pem.bytes())
        paths["authority"].write_bytes(authority.cert_pem.bytes())
        port = free_port()
        given = {name: str(paths[name]) for name in ("certificate", "key")}
        with watching({"name": "bench", "kind": "webhook", "port": port, "path": PATH, **given}) as watch:
            eventually(lambda: listening(port))
            yield Endpoint(port, paths["authority"], watch)


def measure(count: int, rounds: int) -> None:
    """Measure and print."""
    print("\n| webhook, batches of 100 rows, TLS | rows/s (at least 20,000, aim 60,000) | refused and sent again |")
    print("| --- | --- | --- |")
    for connections in (1, 4, 16):
        best = min((said["seconds"], said["refused"]) for said in (_once(connections, count) for _ in range(rounds)))
        plural = "s" if connections > 1 else ""
        print(f"| {connections} connection{plural} | {count / best[0]:,.0f} | {best[1]} |", flush=True)


def _once(connections: int, count: int) -> dict[str, float]:
    """Send all rows once, and see that they were recorded."""
    with endpoint() as at:
        said: dict[str, float] = told("sending", at.port, at.authority, connections, count // BATCH)
        said["cpu"] = at.watch.end()
        rows = read_state(at.watch.state).rows
    print("webhook", connections, said, rows, file=sys.stderr, flush=True)
    if rows < count // BATCH * BATCH:
        raise RuntimeError(f"{rows} rows were recorded of {count}")
    return said
