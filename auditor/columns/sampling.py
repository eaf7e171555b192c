"""
Which rows are decoded, and which of the decoded ones count.

Rows come with an evenly spread hash of their content. A source of rows (a table, or a stream of several) keeps the smallest
hashes that it was offered; rows up to the largest of them, and a fixed share of all others, are decoded. The largest kept hash of
a part of the rows is never below that of the whole. So every row up to the bound of the whole was decoded, in whatever parts the
rows came; a verdict looks at no others, and is a function of the set of rows alone.

Of ``n`` rows one by one, a source decodes about ``most * (1 + ln(n / most))`` up to its bound: the first ``most`` densely,
then fewer and fewer. One that is told the bounds of others (see `auditor.tally` for the same) decodes only what they left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Where rows come from: the table that all of a batch's are of, or None for a batch of several.
Source = str | None
#: Hashes that a table's rows are known by: its first rows are decoded densely up to here.
TABLE_ROWS = 320
#: Those of a source of several tables, each of which gets its share.
MIXED_ROWS = 1024
#: One more than the largest hash.
ALL = 1 << 64
#: Rows below this are always decoded, for the sake of columns that are hardly ever filled: 1 in 128.
ALWAYS = ALL >> 7
_NONE = np.zeros(0, np.uint64)


class Sample:
    """The smallest of a set of hashes, in ascending order. Merges like the sets."""

    __slots__ = ("hashes", "limit", "most")

    def __init__(self, most: int, hashes: NDArray[np.uint64] = _NONE, limit: int = ALL) -> None:
        """Keep ``most`` hashes; none of ``limit`` and above is of interest."""
        self.most, self.hashes, self.limit = most, hashes, limit
        self._trim()

    def __getstate__(self) -> tuple[int, NDArray[np.uint64], int]:
        """Go to another process as it is."""
        return self.most, self.hashes, self.limit

    def __setstate__(self, state: tuple[int, NDArray[np.uint64], int]) -> None:
        """Come back from another process."""
        self.most, self.hashes, self.limit = state

    @property
    def full(self) -> bool:
        """Tell whether there were more hashes than are kept."""
        return len(self.hashes) == self.most

    @property
    def bound(self) -> int:
        """Return one more than the largest hash that is sure to have been decoded, `ALL` where every one was."""
        return int(self.hashes[-1]) + 1 if self.full else ALL

    def add(self, hashes: NDArray[np.uint64]) -> None:
        """Add hashes to the set."""
        limit = min(self.limit, self.bound)
        new = hashes if limit == ALL else hashes[hashes < np.uint64(limit)]
        if len(new):
            together = np.sort(np.concatenate([self.hashes, new]))
            # Sorting takes a fifth of the time of numpy's own set operations.
            self.hashes = together[np.concatenate([[True], together[1:] != together[:-1]])]
            self._trim()

    def below(self, limit: int) -> int:
        """Count the kept hashes below a limit."""
        return len(self.hashes) if limit >= ALL else int(np.searchsorted(self.hashes, np.uint64(limit)))

    def _trim(self) -> None:
        """Drop all but the smallest; a copy, so that the rest is not held."""
        if len(self.hashes) > self.most:
            self.hashes = self.hashes[: self.most].copy()
