"""An Apache Kafka of one's own, which can be killed and started again with its data."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.soak.program import ROOT, eventually
from tests.sources.kafka_brokers import listening


def apache_kafka() -> Path | None:
    """Return what starts a broker, if Java is there and the broker was fetched once."""
    return ROOT / ".ci" / "kafka" / "run" if shutil.which("java") and (ROOT / "build" / "kafka" / "pom.xml").exists() else None


class ApacheKafka:
    """A broker with its data in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = _three_free_ports()
        self.address = f"127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it listens."""
        program = apache_kafka()
        assert program is not None, 'mark the test: @pytest.mark.needs("kafka")'
        process = self._process = subprocess.Popen([str(program), str(self._port), str(self._folder)])
        eventually(lambda: listening(self._port) or process.poll() is not None, 120)
        assert process.poll() is None, "Apache Kafka did not start"

    def kill(self) -> None:
        """Kill it; what it had acknowledged is on the disk."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _three_free_ports() -> int:
    """
    Return the first of three ports that are free: for clients, for the controller, and the one that asks for logins.

    They lie below those that systems give to connections, which come and go.
    """
    while True:
        port = random.randrange(20_000, 30_000)
        if not any(listening(port + more) for more in range(3)):
            return port


@contextmanager
def running_apache_kafka(folder: Path) -> Iterator[ApacheKafka]:
    """Run a broker for as long as a block lasts."""
    broker = ApacheKafka(folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
