"""
Databases that a test can be run against, by the same few verbs: the replay server, and a real CockroachDB where there is one.

AUDITOR_TEST_COCKROACH says where: ``postgresql://root@127.0.0.1:26257/defaultdb?sslmode=disable`` (a user that may create
databases), or ``docker`` for a container that testcontainers starts.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import psycopg

from auditor.sources.sinkless.settings import SinklessSettings
from tests.replay.cluster import Change, Cluster, Table
from tests.replay.server import ReplayServer

ADDRESS = os.environ.get("AUDITOR_TEST_COCKROACH", "")
#: What a fixture is parametrised with.
KINDS = ["replay", "cockroach"] if ADDRESS else ["replay"]
_IMAGE = "cockroachdb/cockroach:v26.1.6"


class Database(Protocol):
    """What a test does to a database. Tables have an integer key and a text."""

    def create(self, name: str, *, families: int = 1) -> str:
        """Make a table and return its full name."""

    def put(self, table: str, number: int, text: str) -> None:
        """Write a row."""

    def remove(self, table: str, number: int) -> None:
        """Delete a row."""

    def cancel(self) -> int:
        """Cancel every changefeed; return how many there were."""

    def settings(self, *tables: str, **fields: object) -> SinklessSettings:
        """Return the settings of a feed of tables."""


class ReplayDatabase:
    """The replay server as a database."""

    def __init__(self, server: ReplayServer) -> None:
        self._server = server
        self._cluster = server.cluster
        self._texts: dict[tuple[str, int], str] = {}

    def create(self, name: str, *, families: int = 1) -> str:
        table = f"shop.public.{name}"
        self._cluster.tables[table] = Table(families=("primary", "secondary")[:families])
        return table

    def put(self, table: str, number: int, text: str) -> None:
        before = self._texts.get((table, number))
        self._texts[table, number] = text
        self._changed(table, number, self._shown(number, text), self._shown(number, before))

    def remove(self, table: str, number: int) -> None:
        self._changed(table, number, "null", self._shown(number, self._texts.pop((table, number), None)), live=False)

    def cancel(self) -> int:
        with psycopg.connect(host="127.0.0.1", port=self._server.port, user="root", sslmode="disable", autocommit=True) as other:
            return cancel_all(other)

    def settings(self, *tables: str, **fields: object) -> SinklessSettings:
        address = {"host": "127.0.0.1", "port": self._server.port, "user": "auditor", "database": "shop", "sslmode": "disable"}
        return SinklessSettings.model_validate({"name": "shop", "tables": tables, "resolved": 0.5, **address, **fields})

    def _changed(self, table: str, number: int, after: str, before: str, *, live: bool = True) -> None:
        with self._cluster.changed:
            at = self._cluster.clock()
            value = f'{{"after": {after}, "before": {before}, "mvcc_timestamp": "{at}", "updated": "{at}"}}'
            self._cluster.add(Change(at, table, f"[{number}]".encode(), value.encode(), live))

    @staticmethod
    def _shown(number: int, text: str | None) -> str:
        return "null" if text is None else f'{{"id": {number}, "text": "{text}"}}'


class CockroachDatabase:
    """A real one, in a database of its own."""

    def __init__(self, address: str, folder: Path) -> None:
        self._address = address
        self._name = f"auditor_{uuid.uuid4().hex}"
        self._connection = psycopg.connect(address, autocommit=True)
        self._connection.execute("SET CLUSTER SETTING kv.rangefeed.enabled = true")
        self._connection.execute(f"CREATE DATABASE {self._name}")
        self._secret = folder / "password"

    def create(self, name: str, *, families: int = 1) -> str:
        table = f"{self._name}.public.{name}"
        split = ", FAMILY a (id), FAMILY b (text)" if families > 1 else ""
        self._connection.execute(f"CREATE TABLE {table} (id INT PRIMARY KEY, text STRING{split})")
        return table

    def put(self, table: str, number: int, text: str) -> None:
        self._connection.execute(f"UPSERT INTO {table} VALUES (%s, %s)", (number, text))

    def remove(self, table: str, number: int) -> None:
        # The name is the test's own.
        self._connection.execute(f"DELETE FROM {table} WHERE id = %s", (number,))  # noqa: S608

    def cancel(self) -> int:
        return cancel_all(self._connection)

    def settings(self, *tables: str, **fields: object) -> SinklessSettings:
        parts = urlsplit(self._address)
        address: dict[str, object] = {}
        if parts.password is not None:
            self._secret.write_text(unquote(parts.password))
            address["password"] = {"file": str(self._secret)}
        bare = parts._replace(netloc=f"{parts.username}@{parts.hostname}:{parts.port or 26257}", path=f"/{self._name}")
        return SinklessSettings.model_validate(
            {"name": "shop", "dsn": bare.geturl(), "tables": tables, "resolved": 0.5, **address, **fields}
        )

    def drop(self) -> None:
        """Leave nothing behind."""
        self._connection.execute(f"DROP DATABASE {self._name} CASCADE")
        self._connection.close()


def cancel_all(connection: psycopg.Connection) -> int:
    """Cancel every changefeed that runs."""
    query = "SELECT query_id FROM [SHOW STATEMENTS] WHERE query ~ 'CHANGEFEED' AND query !~ 'SHOW'"
    found = connection.execute(query).fetchall()
    for (query_id,) in found:
        connection.execute(f"CANCEL QUERY '{query_id}'")
    return len(found)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[Database]:
    """Give a database of one of `KINDS`."""
    if kind == "replay":
        with ReplayServer(Cluster(beats=True)) as server:
            yield ReplayDatabase(server)
        return
    with _address() as address:
        real = CockroachDatabase(address, folder)
        try:
            yield real
        finally:
            real.drop()


@contextmanager
def _address() -> Iterator[str]:
    """Give the address of a real CockroachDB, started if asked for."""
    if ADDRESS != "docker":
        yield ADDRESS
        return
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.waiting_utils import wait_for_logs

    command = "start-single-node --insecure --store=type=mem,size=0.25"
    with DockerContainer(_IMAGE).with_command(command).with_exposed_ports(26257) as container:
        wait_for_logs(container, "node starting", timeout=60)
        host, port = container.get_container_host_ip(), container.get_exposed_port(26257)
        yield f"postgresql://root@{host}:{port}/defaultdb?sslmode=disable"
