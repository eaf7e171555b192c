"""The inspector that gathers column profiles: it lets every other one speak first, and decodes a sample of rows for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from auditor.columns.profiles import Profiles
from auditor.model import Sighting
from auditor.protocols import Inspector, RowBatch

#: What a column's finding is called by.
RAW_COLUMN = "column.raw-token"
#: The part that is sampled. Values of `before` were in it once, and those of a key are in it, too.
_PART = "after"


class Profiling:
    """See `auditor.protocols.Inspector`. It finds nothing itself: columns are judged once their profiles are merged."""

    def __init__(self, inner: Inspector, profiles: Profiles, canonical: Callable[[str], str] = str) -> None:
        """Take what inspects the rows, what their sample goes into, and what completes a table's name."""
        self._inner, self._profiles, self._canonical = inner, profiles, canonical

    def inspect(self, batch: RowBatch) -> Iterator[Sighting]:
        """Yield what the other inspector does, then sample."""
        yield from self._inner.inspect(batch)
        hashes = batch.hashes()
        source = self._canonical(batch.table) or None
        wanted = self._profiles.wanted(source, hashes)
        if wanted is not None and not len(wanted):
            return
        for frames in batch.frames(None if wanted is None else wanted.tolist()):
            named = [frame._replace(table=self._canonical(frame.table)) for frame in frames if frame.part == _PART]
            self._profiles.add(source, named, hashes)
