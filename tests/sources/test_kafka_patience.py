"""How long errors are waited for, and which offsets the group is told."""

from collections.abc import Sequence

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from auditor.sources.kafka.client import LOG, local
from auditor.sources.kafka.group_offsets import GroupOffsets
from auditor.sources.kafka.outage import Outage, Troubles

ALL_DOWN, ONE_DOWN, REFUSED = (KafkaError(local(name)) for name in ("ALL_BROKERS_DOWN", "TRANSPORT", "AUTHENTICATION"))


class Clock:
    """A clock that goes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_one_broker_of_several_is_no_outage(clock: Clock):
    """Only all of them are; the reason is what was said of one of them."""
    outage = Outage(30, clock)
    outage.alive()
    outage.noticed(ONE_DOWN)
    clock.now = 100
    assert outage.over() is None
    outage.noticed(ALL_DOWN)
    clock.now = 129
    assert outage.over() is None
    clock.now = 130
    assert outage.over() is ONE_DOWN


def test_an_answer_ends_an_outage(clock: Clock):
    """The next one is counted from its own beginning."""
    outage = Outage(30, clock)
    outage.noticed(ALL_DOWN)
    outage.alive()
    clock.now = 100
    assert outage.over() is None
    outage.noticed(ALL_DOWN)
    clock.now = 120
    assert outage.over() is None


def test_a_feed_that_was_never_connected_is_given_up_sooner(clock: Clock):
    """A wrong address shows within five seconds, a refused login at once; one that worked before is tried for longer."""
    outage = Outage(30, clock)
    outage.noticed(ALL_DOWN)
    clock.now = 5
    assert outage.over() is ALL_DOWN
    refused = Outage(30, clock)
    refused.noticed(REFUSED)
    assert refused.over() is REFUSED
    worked = Outage(30, clock)
    worked.alive()
    worked.noticed(REFUSED)
    assert worked.over() is None
    clock.now = 35
    assert worked.over() is REFUSED


def test_a_trouble_of_one_partition_is_not_hidden_by_others(clock: Clock):
    """Each partition's trouble passes with its own next message; the group's with anybody's."""
    troubles = Troubles(30, clock)
    troubles.noticed(("t", 0), ONE_DOWN)
    troubles.noticed(None, ONE_DOWN)
    troubles.passed(("t", 1))
    clock.now = 30
    assert troubles.over() == ("t/0", ONE_DOWN)
    troubles.passed(("t", 0))
    assert troubles.over() is None
    troubles.noticed(None, ALL_DOWN)
    clock.now = 60
    assert troubles.over() == ("", ALL_DOWN)


class Commits:
    """A consumer that keeps what is committed."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.made: list[dict[tuple[str, int], int]] = []

    def commit(self, *, offsets: Sequence[TopicPartition], asynchronous: bool) -> None:
        assert asynchronous, "nothing waits for it"
        if self.fails:
            raise KafkaException(KafkaError(local("STATE")))
        self.made.append({(one.topic, one.partition): one.offset for one in offsets})


def test_offsets_are_committed_together():
    """Many deliveries within a second are one commit, of the newest offsets of the partitions that are owned."""
    offsets, consumer = GroupOffsets(), Commits()
    for offset in range(100):
        offsets.recorded("t", 0, offset)
        offsets.recorded("t", 1, offset)
    owned = {("t", 0)}
    offsets.commit(consumer, owned)
    assert consumer.made == [{("t", 0): 99}]
    offsets.recorded("t", 0, 100)
    offsets.commit(consumer, owned)
    assert len(consumer.made) == 1
    offsets.commit(consumer, owned, now=True)
    assert consumer.made[1:] == [{("t", 0): 100}]


def test_a_commit_that_fails_is_made_again():
    """With a newer offset if there is one by then."""
    offsets, consumer = GroupOffsets(), Commits(fails=True)
    offsets.recorded("t", 0, 5)
    offsets.commit(consumer, {("t", 0), ("t", 1)}, now=True)
    consumer.fails = False
    offsets.commit(consumer, {("t", 0), ("t", 1)}, now=True)
    assert consumer.made == [{("t", 0): 5}]
    offsets.recorded("t", 1, 8)
    offsets.answered(KafkaError(KafkaError.REQUEST_TIMED_OUT), [TopicPartition("t", 0, 5), TopicPartition("t", 1, 7)])
    offsets.commit(consumer, {("t", 0), ("t", 1)}, now=True)
    assert consumer.made[1:] == [{("t", 0): 5, ("t", 1): 8}]


def test_the_client_does_not_repeat_itself(caplog: pytest.LogCaptureFixture):
    """While no broker answers it says the same thing many times a second, but for a count and its own number."""
    for number in range(5):
        LOG.error("FAIL [auditor#consumer-%d]: refused (after %dms in state CONNECT)", number, number)
    LOG.error("FAIL [auditor#consumer-1]: another thing")
    said = [record.getMessage() for record in caplog.records if "FAIL" in record.getMessage()]
    assert len(said) == 2
