"""The open feed: what the consumer brings, as deliveries."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from auditor.delivery import Claims, Delivery, Messages, Progress
from auditor.sources.kafka.assignment import Assignment
from auditor.sources.kafka.batches import offset_after, payloads, pieces, runs, split_errors, unseen
from auditor.sources.kafka.caught_up import CaughtUp
from auditor.sources.kafka.client import LASTING, LOG, error_of, local, make_consumer, unavailable
from auditor.sources.kafka.group_offsets import GroupOffsets
from auditor.sources.kafka.lag import Lag
from auditor.sources.kafka.outage import Outage, Troubles
from auditor.sources.kafka.place import Place, offset_of, place_of
from auditor.sources.kafka.settings import KafkaSettings

_MOST_MESSAGES = 5000
#: Seconds for which the consumer is waited for while there is nothing.
_WAIT = 0.2
#: Seconds for which `close` waits for the group to be left; brokers that do not answer are not waited for.
_LEAVE = 0.5


class _Step(NamedTuple):
    """What one look at the consumer gave, in the order in which it is handed over."""

    announced: list[Progress]
    runs: list[tuple[Place, list[Message]]]
    ends: list[Progress]


class KafkaReader:
    """See `auditor.delivery.Reader`."""

    def __init__(self, settings: KafkaSettings, claims: Claims, *, until_caught_up: bool, rescan: bool) -> None:
        """Make the consumer; it connects when it is read. Raise `ConfigError`."""
        self._settings = settings
        self._offsets = GroupOffsets()
        self._outage = Outage(settings.unavailable_after)
        self._troubles = Troubles(settings.unavailable_after)
        self._assignment = Assignment(settings, claims, self._offsets, rescan=rescan)
        self._caught_up = CaughtUp(settings, self._assignment) if until_caught_up else None
        self._closing = threading.Event()
        self._lag = Lag()
        # Held while the consumer is used: it must not be closed meanwhile.
        self._using = threading.Lock()
        self._consumer: Consumer | None = make_consumer(settings, error_cb=self._outage.noticed, on_commit=self._offsets.answered)

    def __iter__(self) -> Iterator[Delivery | None]:
        """Yield deliveries; see `auditor.delivery.Reader`."""
        with self._using:
            if self._consumer is not None:
                assignment = self._assignment
                self._consumer.subscribe(
                    list(self._settings.topics),
                    on_assign=assignment.assigned,
                    on_revoke=assignment.revoked,
                    on_lost=assignment.lost,
                )
        while (step := self._step()) is not None:
            quiet = True
            for delivery in self._deliveries(step):
                quiet = False
                yield delivery
                if self._closing.is_set():
                    return
            if self._over():
                return
            if quiet:
                yield None
            elif self._caught_up:
                self._caught_up.heard()

    def committed(self, delivery: Delivery) -> None:
        """Let the group's offset follow."""
        if not isinstance(delivery, Messages | Progress) or delivery.position is None:
            return
        self._offsets.recorded(*place_of(delivery.shard), offset_of(delivery.position))

    def refused(self, delivery: Delivery) -> None:
        """Do nothing: the group's offset follows what is recorded alone."""

    def close(self) -> None:
        """Leave the group. What is not recorded yet is not waited for: whoever reads the partitions next repeats it."""
        self._closing.set()
        # Whoever uses the consumer for longer than this closes it itself.
        if self._using.acquire(timeout=_LEAVE):
            try:
                self._leave()
            finally:
                self._using.release()

    @property
    def backlog(self) -> int | None:
        """Return by how many messages the group lags behind, as far as the brokers' answers have told."""
        return self._lag.messages

    def _leave(self) -> None:
        """Commit what is recorded, and close the consumer. Needs the lock."""
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return
        owned = set(self._assignment.places)
        self._assignment.closing = True
        self._offsets.commit(consumer, owned, now=True)
        # A broker that is frozen would hold this up for minutes.
        leaving = threading.Thread(target=consumer.close, name="kafka-close", daemon=True)
        leaving.start()
        leaving.join(_LEAVE)

    def _step(self) -> _Step | None:
        """Look at the consumer once; None when the reader is closed."""
        with self._using:
            if self._closing.is_set():
                self._leave()
            consumer = self._consumer
            if consumer is None:
                return None
            batch = self._consume(consumer)
            messages, events = split_errors(batch)
            places = self._assignment.current(consumer)
            taken = [
                (place, found)
                for topic, partition, group in runs(messages)
                if (place := places.get((topic, partition))) is not None and (found := self._taken(consumer, place, group))
            ]
            ends = [end for event in events if (end := self._event(consumer, places, event)) is not None]
            self._offsets.commit(consumer, self._assignment.places)
            self._look_around(consumer, heard=bool(messages))
            self._lag.look(consumer, places.values())
            announced, self._assignment.announced = self._assignment.announced, []
            return _Step(announced, taken, ends)

    def _over(self) -> bool:
        """Tell whether a bounded reading is at its end. The brokers may take half a second to answer: rows do not wait for it."""
        if self._caught_up is None:
            return False
        with self._using:
            return self._consumer is not None and self._caught_up.reached(self._consumer)

    def _consume(self, consumer: Consumer) -> list[Message]:
        """
        Return what there is, after waiting for the first message alone: on a quiet feed none waits for others.

        What waits in the client is bounded, so this is too.
        """
        self._assignment.begin_call()
        try:
            batch = consumer.consume(1, _WAIT)
            if batch:
                batch += consumer.consume(_MOST_MESSAGES - 1, 0)
        except KafkaException as error:
            raise unavailable(error_of(error), self._settings) from None
        return batch

    def _taken(self, consumer: Consumer, place: Place, messages: list[Message]) -> list[Message]:
        """Return the messages that are not handed over yet, and expect the one after them next."""
        messages = unseen(messages, place.next)
        if messages:
            self._troubles.passed((place.topic, place.partition))
            place.next = offset_after(messages)
            if self._caught_up and place.end < 0:
                # The end as the fetch's own answer said it, which is at or after the end when this reader was opened.
                place.end = consumer.get_watermark_offsets(place.at(0), cached=True)[1]
        return messages

    def _event(self, consumer: Consumer, places: Mapping[tuple[str, int], Place], event: Message) -> Progress | None:
        """Take what is no message. Raise what it means for the feed."""
        error = event.error()
        assert error is not None
        topic = event.topic()
        place = places.get((topic or "", event.partition() or 0))
        if error.code() == local("PARTITION_EOF"):
            return None if place is None else self._end(place, event.offset() or 0)
        if error.code() == local("AUTO_OFFSET_RESET"):
            if place is not None:
                self._assignment.gone(consumer, place)
            return None
        if error.code() == local("MAX_POLL_EXCEEDED"):
            LOG.warning("nothing was taken for max.poll.interval.ms: the group has given this instance's partitions away")
            return None
        if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART and topic is not None and topic.startswith("^"):
            # A topic may match later.
            if self._caught_up:
                self._caught_up.check_topics(consumer)
            return None
        if error.code() in LASTING or error.fatal():
            raise unavailable(error, self._settings, topic)
        LOG.warning("%s: %s", f"{topic}/{event.partition()}" if topic else self._settings.group, error.name())
        self._troubles.noticed((topic, event.partition() or 0) if topic else None, error)
        return None

    def _end(self, place: Place, offset: int) -> Progress | None:
        """
        Take notice that a partition was read to its end.

        Where that is past the last message there were markers of transactions or aborted ones, which no consumer is handed. An
        empty partition's end is recorded too, so that it is known later whether messages were missed.
        """
        place.ended = True
        if self._caught_up:
            self._caught_up.heard()
        self._outage.alive()
        self._troubles.passed((place.topic, place.partition))
        if offset <= place.next:
            return None
        place.next = offset
        return Progress(place.shard, place.position(offset))

    def _look_around(self, consumer: Consumer, *, heard: bool) -> None:
        """Raise `SourceUnavailable` if no broker has answered for too long."""
        trouble = self._troubles.over()
        if trouble is not None:
            raise unavailable(trouble[1], self._settings, trouble[0])
        if heard:
            self._outage.alive()
            return
        error = self._outage.over()
        if error is not None:
            try:
                consumer.list_topics(timeout=_LEAVE)
            except KafkaException:
                raise unavailable(error, self._settings) from None
            self._outage.alive()
        if self._caught_up:
            self._caught_up.check()

    def _deliveries(self, step: _Step) -> Iterator[Delivery]:
        """Yield a step's deliveries."""
        yield from step.announced
        for place, messages in step.runs:
            for piece in pieces(messages):
                position = place.position(offset_after(piece))
                yield Messages(place.origin, place.topic, *payloads(piece), self._settings.format, place.shard, position)
        yield from step.ends
