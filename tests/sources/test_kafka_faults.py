"""What goes wrong with brokers, on a cluster that does it when told to."""

import signal
import threading
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from auditor.delivery import Messages, Progress
from auditor.errors import ConfigError, PositionLost, SourceUnavailable
from auditor.sources.kafka import KafkaSource
from tests.sources.feed_harness import MemoryClaims
from tests.sources.kafka_brokers import Broker, free_port, offsets, opened, recorded, running_tansu, settings_for, values_of
from tests.sources.kafka_mock import (
    COORDINATOR_NOT_AVAILABLE,
    FETCH,
    GROUP_AUTHORIZATION_FAILED,
    JOIN_GROUP,
    OFFSET_COMMIT,
    TOPIC_AUTHORIZATION_FAILED,
    UNKNOWN_SERVER_ERROR,
    MockCluster,
    mock_cluster,
)


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    with mock_cluster() as cluster:
        yield cluster


def produce(cluster: MockCluster, topic: str, values: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": cluster.address})
    for value in values:
        producer.produce(topic, value, partition=0)
    assert producer.flush(20) == 0


def test_an_offset_that_retention_took_is_a_lost_position(cluster: MockCluster):
    """It is named with the recorded and the earliest offset; rescan reads what is left and says exactly what is missing."""
    topic, claims = cluster.topic("t"), MemoryClaims({"t/0": {"offset": 3}})
    produce(cluster, topic, [b"%d" % number for number in range(20)])
    cluster.delete_before(topic, 0, 12)
    with (
        opened(settings_for(cluster.address, topic), claims) as reader,
        pytest.raises(
            PositionLost, match=r"partition t/0 .* recorded offset 3: offsets 3 to 11 are gone \(9 of them\).*earliest is 12"
        ),
    ):
        list(reader)
    with opened(settings_for(cluster.address, topic), claims, until_caught_up=True, rescan=True) as reader:
        deliveries = [recorded(claims, reader, delivery) for delivery in reader if delivery]
    assert isinstance(deliveries[0], Progress)
    assert [tuple(lost) for lost in deliveries[0].lost] == [("t/0", "offsets 3 to 11 are gone (9 of them), the earliest is 12")]
    assert deliveries[0].position == claims.positions["t/0"] | {"offset": 12}
    assert values_of(deliveries) == [b"%d" % number for number in range(12, 20)]
    assert offsets(claims.positions) == {"t/0": 20}


def test_an_offset_past_the_end_is_a_lost_position(cluster: MockCluster):
    """A partition that ends before the recorded offset was cut or made anew; rescan reads it from its beginning."""
    topic, claims = cluster.topic("t"), MemoryClaims({"t/0": {"offset": 512}})
    produce(cluster, topic, [b"a", b"b"])
    with (
        opened(settings_for(cluster.address, topic), claims) as reader,
        pytest.raises(PositionLost, match=r"offset 512 is past the end at 2.*earliest is 0"),
    ):
        list(reader)
    with opened(settings_for(cluster.address, topic), claims, until_caught_up=True, rescan=True) as reader:
        assert values_of([delivery for delivery in reader if delivery]) == [b"a", b"b"]


def test_a_broker_that_comes_back_is_no_error(cluster: MockCluster):
    """A restart that is shorter than unavailable_after is waited for, and what came meanwhile is read."""
    topic, claims = cluster.topic("t"), MemoryClaims()
    produce(cluster, topic, [b"before"])
    # A session that outlives the outage: this cluster may leave a request to join anew unanswered.
    settings = settings_for(cluster.address, topic, unavailable_after=20, properties={"session.timeout.ms": 30_000})
    with opened(settings, claims) as reader:
        stream = iter(reader)
        assert values_of([recorded(claims, reader, next(filter(None, stream)))]) == [b"before"]
        cluster.down()
        back = threading.Timer(1, cluster.up)
        back.start()
        for _ in range(5):
            assert next(stream) is None
        back.join()
        produce(cluster, topic, [b"after"])
        assert values_of([next(filter(None, stream))]) == [b"after"]


def test_brokers_that_stay_away_end_the_feed(cluster: MockCluster):
    """After unavailable_after the feed ends with an error that can be tried again."""
    topic = cluster.topic("t")
    produce(cluster, topic, [b"a"])
    with opened(settings_for(cluster.address, topic, unavailable_after=1)) as reader:
        stream = iter(reader)
        next(filter(None, stream))
        cluster.down()
        started = time.monotonic()
        with pytest.raises(SourceUnavailable, match="no broker can be reached"):
            list(stream)
        assert 0.9 < time.monotonic() - started < 8
        started = time.monotonic()
        reader.close()
        assert time.monotonic() - started < 1.2


def test_an_address_where_nobody_is(capfd: pytest.CaptureFixture[str]):
    """It is said soon, with the address and the reason; librdkafka writes nothing of its own to the terminal."""
    port = free_port()
    with (
        opened(settings_for(f"127.0.0.1:{port}", "t", unavailable_after=1)) as reader,
        pytest.raises(
            SourceUnavailable, match=rf"127\.0\.0\.1:{port}.*no broker can be reached: .*refused.*check bootstrap_servers"
        ),
    ):
        list(reader)
    assert capfd.readouterr() == ("", "")


def test_errors_that_pass_are_waited_for(cluster: MockCluster):
    """A coordinator or a fetch that fails a few times is tried again by the client."""
    topic = cluster.topic("t")
    produce(cluster, topic, [b"a", b"b"])
    cluster.fail_next(JOIN_GROUP, [COORDINATOR_NOT_AVAILABLE] * 2)
    cluster.fail_next(FETCH, [UNKNOWN_SERVER_ERROR] * 2)
    with opened(settings_for(cluster.address, topic), until_caught_up=True) as reader:
        assert values_of([delivery for delivery in reader if delivery]) == [b"a", b"b"]


def test_errors_that_do_not_pass_end_the_feed(cluster: MockCluster):
    """Fetches that fail for longer than unavailable_after end it, with the partition."""
    topic = cluster.topic("t")
    produce(cluster, topic, [b"a"])
    cluster.fail_next(FETCH, [UNKNOWN_SERVER_ERROR] * 200)
    with (
        opened(settings_for(cluster.address, topic, unavailable_after=1)) as reader,
        pytest.raises(SourceUnavailable, match=r"/t/0: Kafka says UNKNOWN"),
    ):
        list(reader)


def test_a_header_whose_name_is_no_text_is_handed_over_nameless(cluster: MockCluster):
    """What the client cannot decode stops nothing, and the header's value is still there to be scanned."""
    topic = cluster.topic("t")
    for name in (b"good", b"bad\xff", b"good", b"worse\xfe") * 5:
        cluster.produce_header(topic, name, b"of " + name[:3])
    with opened(settings_for(cluster.address, topic), until_caught_up=True) as reader:
        headers = [list(one) for delivery in reader if isinstance(delivery, Messages) for one in delivery.headers or ()]
    assert headers == [[("good", b"of goo")], [("", b"of bad")], [("good", b"of goo")], [("", b"of wor")]] * 5


def test_a_topic_that_may_not_be_read(cluster: MockCluster):
    """The topic is named, and what to grant."""
    topic = cluster.topic("secret")
    cluster.topic_error(topic, TOPIC_AUTHORIZATION_FAILED)
    with (
        opened(settings_for(cluster.address, topic)) as reader,
        pytest.raises(SourceUnavailable, match=r"/secret: the topic may not be read \(grant Read and Describe"),
    ):
        list(reader)


def test_a_group_that_may_not_be_used(cluster: MockCluster):
    """The error says what to grant."""
    topic = cluster.topic("t")
    cluster.fail_next(JOIN_GROUP, [GROUP_AUTHORIZATION_FAILED] * 5)
    with (
        opened(settings_for(cluster.address, topic)) as reader,
        pytest.raises(SourceUnavailable, match=r"the group may not be used \(grant Read on the group\)"),
    ):
        list(reader)


def test_a_group_offset_that_cannot_be_committed_stops_nothing(cluster: MockCluster):
    """It is tried again later: the state's position is the one that counts."""
    topic, claims = cluster.topic("t"), MemoryClaims()
    produce(cluster, topic, [b"a"])
    settings = settings_for(cluster.address, topic)
    cluster.fail_next(OFFSET_COMMIT, [UNKNOWN_SERVER_ERROR])
    with opened(settings, claims) as reader:
        stream = iter(reader)
        recorded(claims, reader, next(filter(None, stream)))
        started = time.monotonic()
        while time.monotonic() < started + 2.5:
            next(stream)
        produce(cluster, topic, [b"b"])
        assert values_of([next(filter(None, stream))]) == [b"b"]
        assert committed(cluster, settings.group, topic) == 1


def committed(cluster: MockCluster, group: str, topic: str) -> int:
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": cluster.address, "group.id": group})
    try:
        return int(consumer.committed([TopicPartition(topic, 0)], timeout=10)[0].offset)
    finally:
        consumer.close()


@pytest.mark.needs("tansu")
def test_a_frozen_broker_does_not_hold_up_closing():
    """`close` from another thread returns in under a second, and the iteration ends, though the broker answers nothing."""
    with running_tansu() as (address, process):
        broker = Broker(address, apache=False)
        topic, claims = broker.topic(), MemoryClaims()
        broker.produce(topic, [b"a"])
        reader = KafkaSource(broker.settings(topic)).open(claims)
        ended, read = threading.Event(), threading.Event()

        def run() -> None:
            for delivery in reader:
                if delivery is not None:
                    recorded(claims, reader, delivery)
                    read.set()
            ended.set()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert read.wait(20)
        process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        reader.close()
        assert time.monotonic() - started < 1
        assert ended.wait(1)
        thread.join(5)


def test_settings_that_the_client_refuses():
    """A certificate file that is not there is an error of the configuration, before anything is connected."""
    settings = settings_for("127.0.0.1:1", "t", tls={"ca": "/nonexistent/ca.pem"})
    with pytest.raises(ConfigError, match=r"feed: librdkafka refuses the settings: .*ca"):
        KafkaSource(settings).open(MemoryClaims())
