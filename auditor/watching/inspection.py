"""From a delivery to what is to be recorded of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from auditor.columns.profiles import Profiles
from auditor.decoders.messages import codec_of
from auditor.decoders.messages.batch import MessageBatch
from auditor.decoders.names_batch import NamesBatch
from auditor.decoders.options import ReadOptions
from auditor.delivery import Arrival, Delivery, Lost, Messages, Progress, Schemas
from auditor.feed_settings import FeedSettings
from auditor.hlc import Timestamp
from auditor.model import Cell, Gap, Note, Receipt, Row, Sighting
from auditor.names import table_from_topic, unescaped_topic
from auditor.pipeline import Inspected, Partial
from auditor.policing import Outlet
from auditor.profiling import Profiling
from auditor.protocols import Codec
from auditor.tally import Tally
from auditor.toolkit import Toolkit
from auditor.unit import Known, Place, Unit, scan_pieces
from auditor.watching.events import Events
from auditor.watching.naming import naming_of

#: Bytes of a file after which its findings and the place in it are recorded: half a second of work.
PIECE = 64 << 20
_MOST_NAMES = 4096


def _unheeded(_size: int) -> None:
    """Show no progress."""


class Inspection:
    """
    Inspects the deliveries of one feed, on one thread.

    ``known`` says what need not be described or decoded any more; the recorder's bounds of full columns go into it. ``profiles``
    are those of the columns of all rows so far.
    """

    def __init__(self, tools: Toolkit, settings: FeedSettings, *, kind: str, form: str, schemas: Schemas | None) -> None:
        """Take the rules, and how the feed's messages are encoded."""
        self.tools = tools
        self.known = Known()
        self.profiles = tools.profiles()
        self._settings, self._kind, self._schemas = settings, kind, schemas
        self._codec = codec_of(form, settings.envelope, schemas)
        self._codecs: dict[str, Codec] = {"": self._codec}
        self._canonical = naming_of(settings)
        self._topics: set[str] = set()
        self._names: dict[tuple[str, str], str] = {}

    def begin_sample(self, recorded: Profiles) -> None:
        """Sample anew, leaving out what could not be kept beside what is recorded."""
        self.known.horizons.update(recorded.bounds())
        self.profiles = self.tools.profiles(self.known.horizons)

    def inspect(self, delivery: Delivery, events: Events) -> Iterator[Inspected]:
        """
        Yield what came of a delivery, in pieces that may be recorded one by one.

        Raise `SourceUnavailable` where a schema cannot be had for now: the delivery must be handed over again.
        """
        if isinstance(delivery, Messages):
            yield self._messages(delivery, events)
        elif isinstance(delivery, Arrival):
            yield from self._arrival(delivery, events)
        else:
            yield self._progress(delivery)

    def _messages(self, messages: Messages, events: Events) -> Inspected:
        """Inspect messages, and note the newest resolved timestamp among them."""
        codec = self._codec_for(messages.format)
        table = table_from_topic(messages.topic) if messages.topic else self._settings.table
        carried, resolved = _resolved(messages, codec)
        rows = sum(carried.values())
        uri, shown = self._shown(messages.origin), self._shown(table)
        receipt = Receipt(uri, 0, self._kind, codec.format, "", shown, rows, 0, {"*": ""}, feed=True)
        inspected = Inspected(
            Partial(receipt, Tally(self.known.bounds)),
            messages.shard,
            position=messages.position,
            lost=self._scrubbed(messages.lost),
        )
        partial = inspected.partial
        batch = MessageBatch(messages, codec, uri=uri, table=table, problems=partial)
        partial.receipt = replace(receipt, bytes=batch.size)
        detector = self.tools.detector(messages.origin, partial, partial.tally.tells)
        outlet = Outlet((self._settings.name, *((messages.topic,) if messages.topic else ()), messages.origin), self._canonical)
        inspector = self.tools.inspector(detector, tells=partial.tally.tells, outlet=outlet)
        if codec.format == "csv":
            partial.gap(Gap(uri, "csv without line ends between rows is scanned as text: rows cannot be told apart"))
        found = Profiling(inspector, self.profiles, self._canonical).inspect(batch)
        if messages.topic and messages.topic not in self._topics:
            self._topics.add(messages.topic)
            topic = NamesBatch(Row([Cell("topic", "", "", unescaped_topic(messages.topic))]), table)
            found = chain(found, detector.inspect(topic))
        for sighting in found:
            if events.is_new(sighting, inspected):
                partial.tally.add(sighting)
        self.profiles.forget_texts()
        if carried.keys() - {""}:
            inspected.rows = {detector.scrub(table_from_topic(topic) if topic else table): n for topic, n in carried.items()}
        if resolved is not None:
            inspected.resolved = resolved
            events.advance(resolved)
        return inspected

    def _arrival(self, arrival: Arrival, events: Events) -> Iterator[Inspected]:
        """Inspect an object piece by piece, each with the place after it; one that breaks off is tried again from there."""
        inspected: Inspected | None = None

        def is_new(partial: Partial, sighting: Sighting) -> bool:
            nonlocal inspected
            if inspected is None or inspected.partial is not partial:
                inspected = Inspected(partial, arrival.shard)
            return events.is_new(sighting, inspected)

        unit = Unit(arrival.input, ReadOptions(table=self._settings.table))
        start = Place(arrival.offset, arrival.row)
        outlet = Outlet((self._settings.name, arrival.input.uri), self._canonical)
        pieces = scan_pieces(
            unit, self.tools, _unheeded, every=PIECE, start=start, known=self.known, counts=is_new, outlet=outlet
        )
        for piece in pieces:
            if piece.broken is not None:
                raise piece.broken
            if inspected is None or inspected.partial is not piece.partial:
                inspected = Inspected(piece.partial, arrival.shard)
            if piece.partial.profiles is not None:
                self.profiles.merge(piece.partial.profiles)
            inspected.position = arrival.position(piece.offset, piece.row, piece.done)
            yield inspected

    def _codec_for(self, form: str) -> Codec:
        """Return the feed's codec, or that of a delivery which says that it is different."""
        if form not in self._codecs:
            self._codecs[form] = codec_of(form, self._settings.envelope, self._schemas)
        return self._codecs[form]

    def _progress(self, progress: Progress) -> Inspected:
        """Have nothing to inspect."""
        partial = Partial(Receipt("", 0, self._kind, "", "", "", 0, 0, feed=True))
        if progress.note:
            partial.note(Note("", self.tools.scrub(progress.note)))
        lost = self._scrubbed(progress.lost)
        return Inspected(partial, progress.shard, position=progress.position, resolved=progress.resolved, lost=lost)

    def _shown(self, name: str) -> str:
        """Return an address or a table's name without secrets. There are few, and looking at one takes as long as at 300 rows."""
        key = self.tools.digest, name
        if key not in self._names:
            if len(self._names) >= _MOST_NAMES:
                self._names.clear()
            self._names[key] = self.tools.scrub(name)
        return self._names[key]

    def _scrubbed(self, lost: Sequence[Lost]) -> Sequence[Lost]:
        """Return what was lost; its reason may name a file."""
        return [one._replace(reason=self.tools.scrub(one.reason)) for one in lost]


def _resolved(messages: Messages, codec: Codec) -> tuple[Counter[str], Timestamp | None]:
    """Return how many rows messages carry, by the topic that they name, and the newest resolved timestamp among them."""
    values, keys = messages.values, messages.keys
    if all(keys):
        return Counter({"": len(values)}), None
    rows: Counter[str] = Counter()
    newest: Timestamp | None = None
    for key, value in zip(keys, values, strict=True):
        stamp = codec.resolved(value) if value and not key else None
        if stamp is not None:
            newest = stamp if newest is None else max(newest, stamp)
        elif key or not value:
            rows[""] += 1
        else:
            rows.update(codec.carried(value))
    return rows, newest
