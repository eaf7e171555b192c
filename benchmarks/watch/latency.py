"""
From a row's arrival to its finding in the state, on feeds where a row comes four times a second.

Each row holds a secret of its own. A second connection to the state asks for the number of findings every half millisecond.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from itertools import islice

from confluent_kafka import Consumer, Producer

from auditor.sample.tokens.catalogue import kind_named
from benchmarks.watch import kafka, rows
from benchmarks.watch.sending import BATCH, connect, post, request
from benchmarks.watch.watched import watching
from benchmarks.watch.webhook import endpoint

_EVERY = 0.25
_SLEEP = 0.0005
_LONGEST = 10.0


def secrets() -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of rows, each with a token of its own."""
    kind = kind_named("gitlab-pat")
    rng = random.Random(8)
    for row in rows.different():
        if b'"remember_token": null' in row.value:
            token = kind.make(rng).text.encode()
            yield row.key, row.value.replace(b'"remember_token": null', b'"remember_token": "%s"' % token)


def head() -> None:
    """Print the head of the table."""
    print(
        "\n| quiet feed, milliseconds (p99: at least 200, aim 50) | median | p99 | most | the source's own delay, median | p99 |"
    )
    print("| --- | --- | --- | --- | --- | --- |")


def of_kafka(broker: str, address: str, count: int) -> None:
    """Measure a Kafka feed and print."""
    seen, own = _kafka(address, count)
    _print(f"Kafka, {broker}", seen, [statistics.median(own), _p99(own)])


def of_webhook(count: int) -> None:
    """Measure a webhook feed and print; it has no delay of its own."""
    _print("webhook, TLS", _webhook(count), [0, 0])


def _print(name: str, seen: list[float], own: list[float]) -> None:
    """Print a row."""
    delays = [f"{value * 1000:.1f}" for value in (statistics.median(seen), _p99(seen), max(seen), *own)]
    print(f"| {name}, {len(seen)} rows | {' | '.join(delays)} |", flush=True)


def _kafka(address: str, count: int) -> tuple[list[float], list[float]]:
    """Return how long findings took, and how long messages took to a bare consumer."""
    producer = Producer({"bootstrap.servers": address, "linger.ms": 0, "acks": 1})
    waiting = secrets()
    topic = kafka.filled(address, islice(waiting, 1))
    arrived: list[float] = []

    def send(row: tuple[bytes, bytes]) -> None:
        producer.produce(topic, row[1], row[0])
        producer.poll(0)

    with watching(kafka.feed(address, topic)) as watch:
        watch.wait_for(" assigned")
        consumer = Consumer({"bootstrap.servers": address, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"})
        consumer.subscribe([topic])
        if not consumer.consume(1, 30):
            raise RuntimeError("a bare consumer got nothing")
        bare = threading.Thread(target=lambda: arrived.extend(_arrivals(consumer, count)))
        bare.start()
        sent, seen = _delays(watch.state, islice(waiting, count), send)
        producer.flush(_LONGEST)
        bare.join(_LONGEST)
        consumer.close()
    return seen, [at - since for at, since in zip(arrived, sent, strict=True)]


def _arrivals(consumer: Consumer, count: int) -> Iterator[float]:
    """Yield when each message came."""
    left = count
    while left:
        for _ in consumer.consume(1, 1):
            left -= 1
            yield time.perf_counter()


def _webhook(count: int) -> list[float]:
    """Return how long findings took. Each comes in a request with 99 rows that hold none."""
    others = b",".join(row.value for row in rows.different()[: BATCH - 1])
    with endpoint() as at:
        connection = connect(at.port, str(at.authority))

        def send(row: tuple[bytes, bytes]) -> None:
            if not post(connection, request(b'{"payload":[%s,%s],"length":%d}' % (others, row[1], BATCH))):
                raise RuntimeError("a request on a quiet feed was refused")

        _, seen = _delays(at.watch.state, islice(secrets(), count), send)
    return seen


def _delays(
    state: str, sent: Iterator[tuple[bytes, bytes]], send: Callable[[tuple[bytes, bytes]], None]
) -> tuple[list[float], list[float]]:
    """Send rows; return when each was sent, and how long its finding took from then."""
    moments: list[float] = []
    delays: list[float] = []
    with sqlite3.connect(f"file:{state.removeprefix('sqlite:///')}?mode=ro", uri=True) as reading:
        for row in sent:
            time.sleep(_EVERY)
            known = _findings(reading)
            moments.append(time.perf_counter())
            sending = threading.Thread(target=send, args=(row,))
            sending.start()
            while _findings(reading) == known:
                if time.perf_counter() - moments[-1] > _LONGEST:
                    raise RuntimeError(f"after {_LONGEST} s there is no finding")
                time.sleep(_SLEEP)
            delays.append(time.perf_counter() - moments[-1])
            sending.join()
    print("latency", [round(delay * 1000, 1) for delay in delays], file=sys.stderr, flush=True)
    return moments, delays


def _findings(reading: sqlite3.Connection) -> int:
    """Return how many findings there are."""
    return int(reading.execute("SELECT count(*) FROM finding").fetchone()[0])


def _p99(values: list[float]) -> float:
    """Return what all but one in a hundred are below."""
    return statistics.quantiles(values, n=100)[-1]
