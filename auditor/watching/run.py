"""
One opening of a feed, from the first delivery to the last.

A thread reads ahead; this one inspects, and records whatever has come by then in one transaction: a quiet feed's row at once, a
busy feed's rows together. Only then is the reader told, so that a crash anywhere repeats work and loses none.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from auditor import failpoints
from auditor.blocks import ReadAhead
from auditor.column_findings import raw_columns, text_of_column
from auditor.columns.profiles import Profiles
from auditor.delivery import Delivery, Messages, Reader
from auditor.errors import AuditorError
from auditor.model import Receipt
from auditor.pipeline import Inspected
from auditor.profiling import RAW_COLUMN
from auditor.state.columns import ColumnUpdate, Judged, Told
from auditor.state.recording import FeedFacts, Recorded, Recorder
from auditor.watching.inspection import Inspection
from auditor.watching.shards import Shards

#: What is inspected is recorded after this time at the latest, and much sooner where nothing more comes.
LONGEST_GROUP = 0.2
#: Seconds between two times that what is known of columns is recorded; what comes between them is lost in a crash, and hardly
#: missed, since only a sample is kept anyway.
COLUMNS_EVERY = 10.0
#: How long more is waited for, in times of what the last delivery took to inspect: of a quiet feed a row takes a millisecond, and
#: a busy feed, whose reader takes about as long as the inspection, would otherwise have a transaction for each delivery.
_PATIENCE = 2.0


class FeedRun:
    """Runs a reader until it ends, fails or is closed."""

    def __init__(
        self,
        reader: Reader,
        shards: Shards,
        inspection: Inspection,
        recorder: Recorder,
        facts: FeedFacts,
        recorded: Callable[[list[Inspected], Recorded], None],
    ) -> None:
        """Take an open reader; ``recorded`` is told of each transaction."""
        self._reader, self._shards, self._inspection, self._recorder = reader, shards, inspection, recorder
        self._facts, self._recorded = facts, recorded
        self._waiting: list[Inspected] = []
        self._done: list[Delivery] = []
        self._since = self._patience = 0.0
        self._closing = threading.Event()
        self._ending = False
        self._columns_at = time.monotonic()
        self._receipt = Receipt("", 0, "", "", "", "", 0, 0)

    def run(self) -> None:
        """Run to the end. Whatever is raised, everything that was not recorded is refused first."""
        ahead = ReadAhead(self._shards.handing_over(self._reader))
        under_way: Delivery | None = None
        try:
            for delivery in ahead:
                if delivery is not None:
                    failpoints.reach("delivered")
                    under_way = delivery
                    self._inspect(delivery)
                    under_way = None
                    failpoints.reach("inspected")
                if self._waiting and (self._left() <= 0 or not ahead.ready(min(self._patience, self._left()))):
                    self._record()
                elif delivery is None and time.monotonic() - self._columns_at >= COLUMNS_EVERY:
                    self._record()  # what is known of columns does not wait for another row
                if self._closing.is_set():
                    break
            self._ending = True
            self._record()
        except AuditorError:
            for delivery in (*self._done, *([under_way] if under_way else ())):
                self._reader.refused(delivery)
            raise
        finally:
            self._shards.end()
            self._reader.close()

    @property
    def backlog(self) -> int | None:
        """Return how much waits at the source; see `auditor.delivery.Reader`."""
        return self._reader.backlog

    @property
    def under_way(self) -> int:
        """Return how many deliveries are read and not recorded."""
        return self._shards.under_way

    def close(self) -> None:
        """End soon: what was inspected is recorded, what was only read is left for the next time. From any thread."""
        self._closing.set()
        self._reader.close()

    def _inspect(self, delivery: Delivery) -> None:
        """Inspect a delivery; the pieces of a large one are recorded as they come."""
        began = time.monotonic()
        if not self._waiting:
            self._since = began
        for inspected in self._inspection.inspect(delivery, self._shards.events(delivery.shard)):
            self._waiting.append(inspected)
            if self._left() <= 0:
                self._record()
            if self._closing.is_set():
                break
        else:
            # Payloads are not kept until then: they would fill the memory, and the processor's caches.
            self._done.append(replace(delivery, keys=(), values=(), headers=None) if isinstance(delivery, Messages) else delivery)
        self._patience = _PATIENCE * (time.monotonic() - began)

    def _columns(self) -> ColumnUpdate | None:
        """Return what is new of columns, if it is time to record it: merging takes a tenth of a second."""
        if not self._ending and time.monotonic() - self._columns_at < COLUMNS_EVERY:
            return None
        if self._waiting:
            self._receipt = self._waiting[-1].partial.receipt
        profiles = self._inspection.profiles
        if not profiles.tables():
            return None
        self._columns_at = time.monotonic()
        tools = self._inspection.tools

        def judged(profiles: Profiles, told: Told) -> Iterator[Judged]:
            return (Judged(one, text_of_column(one)) for one in raw_columns(profiles, tools.policies, told, tools.scrub))

        return ColumnUpdate(RAW_COLUMN, self._receipt.uri, self._receipt.kind, profiles, tools.profiles, judged)

    def _left(self) -> float:
        """Return for how many seconds more what is inspected may wait to be recorded."""
        return self._since + LONGEST_GROUP - time.monotonic()

    def _record(self) -> None:
        """Record what waits, and tell the reader."""
        columns = self._columns()
        if self._waiting or columns is not None:
            digest = self._inspection.tools.digest
            facts = self._facts if self._facts.rules_digest == digest else replace(self._facts, rules_digest=digest)
            recorded = self._recorder.record(facts, self._waiting, columns)
            failpoints.reach("recorded")
            if columns is not None and columns.merged is not None:
                self._inspection.begin_sample(columns.merged)
            self._inspection.known.bounds.update(recorded.bounds)
            self._recorded(self._waiting, recorded)
            self._waiting = []
            self._since = time.monotonic()
        for delivery in self._done:
            self._reader.committed(delivery)
            self._shards.recorded(delivery)
            failpoints.reach("acknowledged")
        self._done = []
