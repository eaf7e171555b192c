"""
Measure what is claimed about the speed and memory of the running consumer, and print it as markdown: `make bench-watch`.

BENCH_WATCH names the parts to measure (default: kafka avro sinkless webhook latency memory), BENCH_ROWS (default 2,000,000) is the size of each
feed, BENCH_ROUNDS (default 5) how often each side of a comparison runs, in turn; the best of each counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from benchmarks.watch import kafka, table
from tests.sources.kafka_brokers import running_tansu

_PARTS = os.environ.get("BENCH_WATCH", "kafka avro sinkless webhook latency memory").split()
_ROWS = int(os.environ.get("BENCH_ROWS", "2000000"))
_ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))


def throughput() -> None:
    """Print how near the auditor comes to bare loops."""
    table.head()
    if "kafka" in _PARTS:
        for name, address in _brokers():
            for partitions in (1, 6):
                table.measure(kafka.json_work(name, address, _ROWS, partitions), _ROUNDS)
    if "avro" in _PARTS:
        for name, address in _brokers():
            with kafka.avro_work(name, address, _ROWS) as work:
                table.measure(work, _ROUNDS)


def _brokers() -> Iterator[tuple[str, str]]:
    """Yield a Tansu, and the Apache Kafka that AUDITOR_TEST_KAFKA names."""
    with running_tansu() as (address, _):
        yield "Tansu", address
    if apache := os.environ.get("AUDITOR_TEST_KAFKA"):
        yield "Apache Kafka", apache


def main() -> None:
    """Measure."""
    throughput()


if __name__ == "__main__":
    main()
