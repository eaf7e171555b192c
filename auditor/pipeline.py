"""The loop: batches through inspectors into a tally. Knows protocols and nouns only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from auditor.columns.profiles import Profiles
from auditor.delivery import ALL, Lost, Position
from auditor.hlc import Timestamp
from auditor.model import Gap, Note, Receipt
from auditor.protocols import Inspector, RowBatch
from auditor.tally import Tally

#: Gaps of one unit that are kept with their place; beyond, they are only counted.
MOST_GAPS = 1000


@dataclass
class Partial:
    """
    What one unit of work yields: picklable, without plaintext, and mergeable in any order.

    Row numbers in it count from 1 at the unit's first record; whoever merges adds the rows of the units before it.
    """

    receipt: Receipt
    tally: Tally = field(default_factory=Tally)
    gaps: list[Gap] = field(default_factory=list)
    gaps_total: int = 0
    notes: list[Note] = field(default_factory=list)
    stated: list[tuple[str, int]] = field(default_factory=list)
    profiles: Profiles | None = None
    _gap_places: set[tuple[int | None, str | None]] = field(default_factory=set, repr=False)

    def gap(self, gap: Gap) -> None:
        """Record what could not be scanned; see `auditor.protocols.Problems`."""
        place = (gap.row, gap.column)
        if gap.row is not None and place in self._gap_places:
            return  # framing and decoding may both stumble over one record
        self._gap_places.add(place)
        self.gaps_total += 1
        if len(self.gaps) < MOST_GAPS:
            self.gaps.append(gap)

    def note(self, note: Note) -> None:
        """Record what is worth saying, once."""
        if note not in self.notes:
            self.notes.append(note)


class Occurrence(NamedTuple):
    """An event that held a secret: a keyed digest of what it is known by, and when its version was written."""

    event: str
    written: Timestamp


@dataclass
class Inspected:
    """
    What came of one delivery of a running feed, to be recorded in one transaction with the position after it.

    Each sighting is in one tally: the partial's own; ``resent`` if its event was counted before; ``debt`` if the row was written
    before the moment from which the operator wants to hear of every single one. ``rows`` counts rows by table where they are of
    several; else all are of the receipt's.
    """

    partial: Partial
    shard: str = ALL
    resent: Tally = field(default_factory=Tally)
    debt: Tally = field(default_factory=Tally)
    occurrences: list[Occurrence] = field(default_factory=list)
    position: Position | None = None
    resolved: Timestamp | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    lost: Sequence[Lost] = ()


def run(batches: Iterable[RowBatch], inspectors: Sequence[Inspector], partial: Partial, progress: Callable[[int], None]) -> None:
    """Take every batch through every inspector; ``progress`` is told the rows of each batch."""
    for batch in batches:
        for inspector in inspectors:
            for sighting in inspector.inspect(batch):
                partial.tally.add(sighting)
        progress(len(batch))
