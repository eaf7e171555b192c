"""Which partitions this instance reads, and from where: what happens when the group shares them out anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from auditor.delivery import Claims, Lost, Position, Progress
from auditor.errors import PositionLost
from auditor.sources.kafka.client import LOG, error_of, topic_ids, unavailable
from auditor.sources.kafka.group_offsets import GroupOffsets
from auditor.sources.kafka.place import Place, offset_of, shard_of, topic_id_of
from auditor.sources.kafka.settings import KafkaSettings

#: Seconds for a question to the brokers in the middle of a rebalance.
_ANSWER = 5.0


class Assignment:
    """
    The partitions in hand. All of it runs on the thread that consumes, the callbacks inside `Consumer.consume`.

    ``announced`` are deliveries without messages that are to be handed over before anything else. ``settled`` says that the group
    has given this instance its share at least once.
    """

    def __init__(self, settings: KafkaSettings, claims: Claims, offsets: GroupOffsets, *, rescan: bool) -> None:
        """Begin with no partition."""
        self._settings, self._claims, self._offsets, self._rescan = settings, claims, offsets, rescan
        self.places: dict[tuple[str, int], Place] = {}
        self.announced: list[Progress] = []
        self.settled = False
        self.closing = False
        self._taken: set[tuple[str, int]] = set()
        self._back: set[tuple[str, int]] = set()

    def assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """
        Claim partitions and begin each where the state has recorded it.

        The group's own offset is never asked for: where it runs behind it would only repeat, and where it runs ahead (a state
        that was restored from a backup, another program in the group) it would skip rows that no state has seen.
        """
        if self.closing:
            return
        first, self.settled = not self.settled, True
        if not partitions:
            return
        recorded = self._claims.claim([shard_of(one.topic, one.partition) for one in partitions])
        ids = topic_ids(self._settings, {one.topic for one in partitions}, _ANSWER)
        # A partition that appears later, or beside recorded ones, is new: all of it came after this feed began.
        at_end = self._settings.start == "latest" and first and not recorded
        server = self._settings.bootstrap_servers[0]
        starts: list[TopicPartition] = []
        for one in partitions:
            origin = f"kafka://{server}/{one.topic}/{one.partition}"
            place = Place(one.topic, one.partition, ids.get(one.topic, ""), origin)
            start = self._start(consumer, place, recorded.get(place.shard), at_end=at_end)
            self.places[one.topic, one.partition] = place
            starts.append(place.at(start))
        self._back.update(self._taken.intersection((one.topic, one.partition) for one in partitions))
        LOG.info("%d partitions assigned, %d in hand", len(partitions), len(self.places))
        consumer.incremental_assign(starts)

    def revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Give partitions away once what was handed over of them is recorded, so that their next owner repeats nothing."""
        owned = self._forget(partitions)
        if owned and not self.closing:
            LOG.info("%d partitions are given away", len(owned))
            self._claims.release([place.shard for place in owned])
            self._offsets.commit(consumer, [*self.places, *((place.topic, place.partition) for place in owned)], now=True)

    def lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Drop partitions that the group gave to others without asking: they go on from the state's positions."""
        owned = self._forget(partitions)
        if owned and not self.closing:
            LOG.warning("%d partitions were lost: the group has not heard of this instance for too long", len(owned))
            self._claims.release([place.shard for place in owned])

    def begin_call(self) -> None:
        """Take notice that the consumer is about to be asked."""
        self._taken.clear()

    def current(self, consumer: Consumer) -> Mapping[tuple[str, int], Place]:
        """
        Return the places whose messages, as the call returned them, may be handed over.

        Of a partition that was given away and came back within one call they may be of before or after: it is begun again.
        """
        if not self._back:
            return self.places
        back, self._back = self._back, set()
        for key in back & self.places.keys():
            place = self.places[key]
            self.move(consumer, place, place.next if place.next >= 0 else OFFSET_BEGINNING)
        return {key: place for key, place in self.places.items() if key not in back}

    def move(self, consumer: Consumer, place: Place, offset: int) -> None:
        """Go on at another offset."""
        consumer.incremental_unassign([place.at(offset)])
        consumer.incremental_assign([place.at(offset)])

    def gone(self, consumer: Consumer, place: Place) -> None:
        """
        Decide what to do where the next offset is not there (any more).

        Raise `PositionLost`, or with ``rescan`` go on at the earliest there is and say what is missing.
        """
        earliest, end = self._watermarks(consumer, place)
        wanted = place.next
        if earliest <= wanted <= end:
            self.move(consumer, place, wanted)
            return
        if wanted < earliest:
            reason = f"offsets {wanted} to {earliest - 1} are gone ({earliest - wanted} of them), the earliest is {earliest}"
        else:
            reason = f"offset {wanted} is past the end at {end}: the topic was made anew or cut; the earliest is {earliest}"
        self._give_up(place, earliest, reason)
        self.move(consumer, place, earliest)

    def _start(self, consumer: Consumer, place: Place, position: Position | None, *, at_end: bool) -> int:
        """Return the offset to begin at; set what the place expects next."""
        if position is None:
            if at_end:
                place.next = self._watermarks(consumer, place)[1]
                # Recorded at once: a restart before the first message would begin at a later end.
                self.announced.append(Progress(place.shard, place.position(place.next)))
            return place.next if at_end else OFFSET_BEGINNING
        place.next = offset_of(position)
        known = topic_id_of(position)
        if not place.topic_id:
            # The brokers did not say; what is known already is kept.
            place.topic_id = known
        elif known and known != place.topic_id:
            earliest, _ = self._watermarks(consumer, place)
            what = f"the topic was made anew: what followed offset {place.next - 1} of the old one is gone"
            self._give_up(place, earliest, f"{what}; the earliest of the new one is {earliest}")
        return place.next

    def _give_up(self, place: Place, earliest: int, reason: str) -> None:
        """Raise `PositionLost`, or announce what is lost and expect the earliest offset next."""
        if not self._rescan:
            raise PositionLost(
                f"partition {place.shard} cannot be continued at its recorded offset {place.next}: {reason}",
                where=place.origin,
                fix="on_position_lost: rescan reads what is still there and reports the rest as lost",
            )
        place.next = earliest
        self.announced.append(Progress(place.shard, place.position(earliest), lost=[Lost(place.shard, reason)]))

    def _watermarks(self, consumer: Consumer, place: Place) -> tuple[int, int]:
        """Return the earliest offset and the one after the last, as the brokers say. Raise `SourceUnavailable`."""
        try:
            return consumer.get_watermark_offsets(place.at(0), timeout=_ANSWER)
        except KafkaException as error:
            raise unavailable(error_of(error), self._settings, place.topic) from None

    def _forget(self, partitions: Sequence[TopicPartition]) -> list[Place]:
        """Take partitions out of hand."""
        keys = [(one.topic, one.partition) for one in partitions]
        self._taken.update(keys)
        return [self.places.pop(key) for key in keys if key in self.places]
