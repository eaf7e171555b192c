"""Throughput of Kafka feeds, JSON and Avro."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from auditor.sources.kafka.properties import reader_properties
from auditor.sources.kafka.settings import KafkaSettings
from benchmarks.watch import rows
from benchmarks.watch.avro import avro_rows
from benchmarks.watch.children import told
from benchmarks.watch.table import Work
from tests.sources import registry_stand_in

#: What the auditor sets of librdkafka for the sake of speed and memory: a bare loop may have it too.
_TUNED = ("queued.max.messages.kbytes", "fetch.max.bytes", "fetch.queue.backoff.ms")


def filled(address: str, messages: Iterable[tuple[bytes, bytes]], partitions: int = 1) -> str:
    """Make a topic, write messages to it in runs of a thousand a partition, and return its name."""
    topic = f"bench-{uuid.uuid4().hex[:12]}"
    admin = AdminClient({"bootstrap.servers": address})  # a client that is let go of drops its questions
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)
    producer = Producer({"bootstrap.servers": address, "linger.ms": 20, "queue.buffering.max.kbytes": 65536, "acks": 1})
    for number, (key, value) in enumerate(messages):
        while True:
            try:
                producer.produce(topic, value, key, partition=number // 1000 % partitions)
            except BufferError:
                producer.poll(0.05)
            else:
                break
        if not number % 1000:
            producer.poll(0)
    if producer.flush(120):
        raise RuntimeError("the broker did not take every message")
    return topic


def feed(address: str, topic: str, **more: object) -> dict[str, object]:
    """Return a feed of a consumer group of its own."""
    group = uuid.uuid4().hex
    return {"name": "bench", "kind": "kafka", "bootstrap_servers": [address], "topics": [topic], "group": group, **more}


def _bare(address: str, topic: str, count: int) -> Mapping[str, Callable[[], Any]]:
    """Return bare loops with the auditor's settings of librdkafka and with its defaults."""
    settings = reader_properties(KafkaSettings.model_validate(feed(address, topic)))
    tuned = [f"{name}={settings[name]}" for name in _TUNED]
    return {
        "consume(5000), the same client settings": lambda: told("bare", "kafka", address, topic, count, *tuned),
        "consume(5000), the client's defaults": lambda: told("bare", "kafka", address, topic, count),
    }


def json_work(broker: str, address: str, count: int, partitions: int = 1) -> Work:
    """Fill a topic with JSON."""
    topic = filled(address, rows.many(count), partitions)
    name = f"Kafka JSON, {broker}, {partitions} partition{'s' * (partitions > 1)}"
    return Work(name, count, lambda: feed(address, topic), " assigned", _bare(address, topic, count), 75, 90)


@contextmanager
def avro_work(broker: str, address: str, count: int) -> Iterator[Work]:
    """Fill a topic with Avro, and stand in for a schema registry until the block ends."""
    with registry_stand_in.running() as registry:
        different = avro_rows(registry)
        topic = filled(address, islice(cycle(different), count))
        more = {"format": "avro", "schema_registry": {"url": registry.url}}
        bare = _bare(address, topic, count)
        yield Work(f"Kafka Avro, {broker}", count, lambda: feed(address, topic, **more), " assigned", bare, 60, 85)
