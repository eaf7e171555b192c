"""
The bare loops: read a feed to its end, touch every key and value, and do nothing with them.

`python -m benchmarks.watch.bare kafka HOST:PORT TOPIC COUNT [PROPERTY=VALUE]...` and `... sinkless PORT COUNT text|binary` print
one line of JSON: the seconds from when the first row could come to the last, and the CPU seconds of the process meanwhile.
"""

from __future__ import annotations

import json
import sys
import time
import uuid

_AT_ONCE = 5000


def kafka(address: str, topic: str, count: int, properties: dict[str, str]) -> None:
    """Consume so many messages."""
    from confluent_kafka import Consumer, KafkaException

    began: list[tuple[float, float]] = []
    fixed = {"bootstrap.servers": address, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"}
    consumer = Consumer({**fixed, "enable.auto.commit": False, **properties})
    consumer.subscribe([topic], on_assign=lambda *_: began.append((time.perf_counter(), time.process_time())))
    left = count
    while left > 0:
        for message in consumer.consume(_AT_ONCE, 1.0):
            if (error := message.error()) is not None:
                raise KafkaException(error)
            message.value()
            message.key()
            left -= 1
    _tell(*began[0])
    consumer.close()


def sinkless(port: int, count: int, *, binary: bool) -> None:
    """Stream so many rows of a changefeed, by the library's own ``cursor.stream()``."""
    import psycopg

    with psycopg.connect(f"postgresql://auditor@127.0.0.1:{port}/shop?sslmode=disable", autocommit=True) as connection:
        began = time.perf_counter(), time.process_time()
        statement = "CREATE CHANGEFEED FOR TABLE shop.public.users WITH updated, resolved = '1s'"
        for left, (_table, _key, _value) in zip(
            range(count, 0, -1), connection.cursor().stream(statement, binary=binary), strict=False
        ):
            if left == 1:
                break
        _tell(*began)
        connection.cancel()


def _tell(wall: float, cpu: float) -> None:
    """Print what has gone by since these times."""
    print(json.dumps({"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}), flush=True)


def main(kind: str, *arguments: str) -> None:
    """Run a loop."""
    if kind == "kafka":
        address, topic, count, *properties = arguments
        kafka(address, topic, int(count), dict(each.split("=", 1) for each in properties))
    else:
        port, count, form = arguments
        sinkless(int(port), int(count), binary=form == "binary")


if __name__ == "__main__":
    main(*sys.argv[1:])
