"""What a feed through Kafka hands over, on each broker at hand."""

import time
import uuid

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from auditor.delivery import Messages, Progress
from auditor.errors import PositionLost, SourceUnavailable
from tests.sources.feed_harness import MemoryClaims
from tests.sources.kafka_brokers import Broker, eventually, offsets, opened, recorded, shared_broker, values_of

pytestmark = pytest.mark.needs("tansu")
broker = shared_broker


def numbered(count: int, first: int = 0) -> list[bytes]:
    return [b'{"after": {"id": %d}}' % number for number in range(first, first + count)]


def test_messages_come_as_they_are(broker: Broker):
    """Keys, values, headers and offsets are handed over untouched, with the partition and the position after them."""
    topic = broker.topic()
    broker.produce(topic, [b"\x00\xff{", None, b""], key=b"[1]", headers=[("trace", b"\xfe")])
    claims = MemoryClaims()
    deliveries = broker.read(topic, claims=claims, format="json")
    messages = [delivery for delivery in deliveries if isinstance(delivery, Messages)]
    assert [value or b"" for value in values_of(messages)] == [b"\x00\xff{", b"", b""], "null and b'' are both nothing"
    assert [key for delivery in messages for key in delivery.keys] == [b"[1]"] * 3
    assert [number for delivery in messages for number in delivery.numbers] == [0, 1, 2]
    assert [list(headers) for delivery in messages for headers in delivery.headers or ()] == [[("trace", b"\xfe")]] * 3
    first = messages[0]
    assert (first.topic, first.shard, first.format) == (topic, f"{topic}/0", "json")
    assert first.origin == f"kafka://{broker.address}/{topic}/0"
    assert offsets(claims.positions) == {f"{topic}/0": 3}


def test_headers_are_none_where_no_message_has_any(broker: Broker):
    """Messages without headers bring no empty ones along, and no key is no key."""
    topic = broker.topic()
    broker.produce(topic, [b"a"])
    messages = next(delivery for delivery in broker.read(topic) if isinstance(delivery, Messages))
    assert messages.headers is None
    assert messages.keys == [None]


def test_the_state_says_where_to_go_on(broker: Broker):
    """Reading goes on after the recorded position, wherever the group's own offset is."""
    topic, group = broker.topic(), uuid.uuid4().hex
    broker.produce(topic, numbered(10))
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 0, 8)], asynchronous=False)
    consumer.close()
    behind = MemoryClaims({f"{topic}/0": {"offset": 3}})
    assert values_of(broker.read(topic, claims=behind, group=group)) == numbered(7, first=3)
    assert behind.held == {f"{topic}/0"}


def test_without_a_recorded_position_everything_is_read(broker: Broker):
    """A group's offset alone is no proof that anything was read: the state has not seen it."""
    topic, group = broker.topic(), uuid.uuid4().hex
    broker.produce(topic, numbered(5))
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 0, 4)], asynchronous=False)
    consumer.close()
    assert values_of(broker.read(topic, group=group)) == numbered(5)


def test_reading_until_caught_up_ends(broker: Broker):
    """It reads every partition, does not hang on empty ones, and records where those ended; a second run has nothing to read."""
    topic, claims = broker.topic(3), MemoryClaims()
    broker.produce(topic, numbered(2000), partition=1)
    deliveries = broker.read(topic, claims=claims)
    assert values_of(deliveries) == numbered(2000)
    assert offsets(claims.positions) == {f"{topic}/0": 0, f"{topic}/1": 2000, f"{topic}/2": 0}
    broker.produce(topic, numbered(1), partition=2)
    assert values_of(broker.read(topic, claims=claims)) == numbered(1)


def test_what_transactions_leave_behind_is_passed_over(broker: Broker):
    """Markers and aborted messages at the end of a partition move the position and hang nothing."""
    topic, claims = broker.topic(), MemoryClaims()
    producer = Producer({"bootstrap.servers": broker.address, "transactional.id": topic})
    producer.init_transactions(30)
    for end in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        producer.produce(topic, b"in a transaction", partition=0)
        producer.flush(10)
        end(30)
    deliveries = broker.read(topic, claims=claims)
    # Tansu hands out what was aborted too.
    assert values_of(deliveries) == [b"in a transaction"] * (1 if broker.apache else 2)
    assert offsets(claims.positions) == {f"{topic}/0": 4}
    assert isinstance(deliveries[-1], Progress)
    assert broker.read(topic, claims=claims) == []


def test_deliveries_are_of_bounded_size(broker: Broker):
    """Many large messages come in deliveries of at most 4 MiB; one that is larger comes alone."""
    topic = broker.topic(**{"max.message.bytes": "8000000"} if broker.apache else {})
    sizes = [900_000] * 9 + ([5_000_000, 10] if broker.apache else [])
    for size in sizes:
        broker.produce(topic, [b"x" * size])
    deliveries = [delivery for delivery in broker.read(topic) if isinstance(delivery, Messages)]
    assert [len(value or b"") for value in values_of(deliveries)] == sizes
    assert all(sum(map(len, filter(None, one.values))) <= 4 << 20 or len(one.values) == 1 for one in deliveries)
    assert [one.position["offset"] for one in deliveries] == [one.numbers[-1] + 1 for one in deliveries]


def test_topics_that_match_later_are_read_too(broker: Broker):
    """A regular expression stands for topics that come into being while the feed is open."""
    prefix = f"m{uuid.uuid4().hex}"
    first = broker.topic(name=f"{prefix}_a")
    broker.topic(name=f"x{prefix}_b")
    broker.produce(first, [b"first"])
    seen: list[bytes | None] = []
    with broker.reading(f"^{prefix}_") as reader:
        started = time.monotonic()
        for delivery in reader:
            seen += values_of([delivery] if delivery else [])
            if seen == [b"first"]:
                seen.append(None)
                broker.produce(broker.topic(name=f"{prefix}_later"), [b"later"])
            assert time.monotonic() < started + 20
            if b"later" in seen:
                break
    assert seen == [b"first", None, b"later"]


def test_a_feed_can_begin_at_the_end(broker: Broker):
    """With start: latest nothing older is read, and the place is recorded before the first message comes."""
    topic, claims = broker.topic(), MemoryClaims()
    broker.produce(topic, [b"old"])
    with broker.reading(topic, claims=claims, start="latest") as reader:
        stream = iter(reader)
        begin = next(filter(None, stream))
        assert isinstance(begin, Progress)
        assert begin.position is not None
        assert begin.position["offset"] == 1
        recorded(claims, reader, begin)
    broker.produce(topic, [b"new"])
    assert values_of(broker.read(topic, claims=claims, start="latest")) == [b"new"]


def test_a_topic_that_is_not_there_is_said(broker: Broker):
    """A topic of the list that does not exist ends the feed with its name and a fix; so does an expression that matches none."""
    name = f"none-{uuid.uuid4().hex}"
    with pytest.raises(SourceUnavailable, match=rf"{name}: there is no such topic \(correct topics"):
        broker.read(name, broker.topic())
    with pytest.raises(SourceUnavailable, match="no topic matches"):
        broker.read(f"^{name}")


def test_a_topic_that_was_made_anew_is_a_lost_position(broker: Broker):
    """Offsets of a deleted topic mean nothing in the next of its name, even where they exist there; rescan reads it all."""
    topic, claims = broker.topic(), MemoryClaims()
    broker.produce(topic, numbered(5))
    broker.read(topic, claims=claims)
    broker.delete(topic)
    broker.topic(name=topic)
    broker.produce(topic, numbered(20, first=100))
    with pytest.raises(PositionLost, match=rf"{topic}/0.* recorded offset 5.*made anew.*earliest of the new one is 0"):
        broker.read(topic, claims=claims)
    assert offsets(claims.positions) == {f"{topic}/0": 5}
    deliveries = broker.read(topic, claims=claims, rescan=True)
    assert isinstance(deliveries[0], Progress)
    assert [(lost.shard, lost.reason.partition(":")[0]) for lost in deliveries[0].lost] == [
        (f"{topic}/0", "the topic was made anew")
    ]
    assert values_of(deliveries) == numbered(20, first=100)


def test_the_groups_offset_follows_what_is_recorded(broker: Broker):
    """It is committed after the state has recorded a delivery, never before, and at the latest when the reader is closed."""
    topic, claims = broker.topic(), MemoryClaims()
    broker.produce(topic, numbered(4))
    settings = broker.settings(topic)
    group = Consumer({"bootstrap.servers": broker.address, "group.id": settings.group})

    def committed() -> int:
        return int(group.committed([TopicPartition(topic, 0)], timeout=10)[0].offset)

    with opened(settings, claims) as reader:
        stream = iter(reader)
        messages = next(filter(None, stream))
        started = time.monotonic()
        while time.monotonic() < started + 1.5:
            next(stream)
        assert committed() < 0
        recorded(claims, reader, messages)
        eventually(lambda: (next(stream), committed() == 4)[1])
        broker.produce(topic, numbered(1))
        recorded(claims, reader, next(filter(None, stream)))
    assert eventually(lambda: committed() == 5)
    group.close()


def test_a_single_row_is_not_kept_waiting(broker: Broker):
    """On a quiet feed a message is handed over at once, and an idle one says so at least once a second."""
    topic = broker.topic()
    delays = []
    with broker.reading(topic) as reader:
        stream = iter(reader)
        next(filter(None, stream))
        for _ in range(3):
            started = time.monotonic()
            next(item for item in stream if item is None)
            assert time.monotonic() - started < 1
            broker.produce(topic, [b"row"])
            produced = time.monotonic()
            assert values_of([next(filter(None, stream))]) == [b"row"]
            delays.append(time.monotonic() - produced)
    assert min(delays) < 0.3


def test_a_reader_that_is_left_in_the_middle_closes_at_once(broker: Broker):
    """A suspended iteration does not hold up `close`, which may be called twice, and ends the iteration."""
    topic = broker.topic()
    broker.produce(topic, numbered(10))
    with broker.reading(topic) as reader:
        stream = iter(reader)
        next(filter(None, stream))
        started = time.monotonic()
        reader.close()
        reader.close()
        assert time.monotonic() - started < 1
        assert list(stream) == []
