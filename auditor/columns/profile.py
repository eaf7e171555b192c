"""The profile of one table's rows from one source: a bounded sample of entries for each column and path. Holds no value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.columns.features import ENTRY
from auditor.columns.sampling import ALL, TABLE_ROWS, Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Entries of one column and path: 4 KiB. With twice as many, verdicts on the labelled set are the same, and take 60 % more time.
MOST_ENTRIES = 128
#: Paths of one column, and columns of one table, that are told apart; see `Profile.trim`.
MOST_PATHS = 200
MOST_COLUMNS = 1000
NOTHING = np.zeros(0, ENTRY)


class Leaf(NamedTuple):
    """A column, or a path inside its JSON."""

    column: str
    path: str


def smallest(entries: NDArray[np.void], most: int = MOST_ENTRIES) -> NDArray[np.void]:
    """Return the set of entries, ordered by row and digest, and of it the smallest."""
    if not len(entries):
        return entries
    order = np.lexsort((entries["digest"], entries["row"]))
    rows, digests = entries["row"][order], entries["digest"][order]
    fresh = np.concatenate([[True], (rows[1:] != rows[:-1]) | (digests[1:] != digests[:-1])])
    chosen: NDArray[np.void] = entries[order[fresh][:most]]
    return chosen


class Profile:
    """
    Entries by column and path, and the rows that they come from.

    ``horizons`` says for a column (or, under '', for all of the table) from which row hash on nothing is kept.
    """

    __slots__ = ("horizons", "leaves", "rows")

    def __init__(self) -> None:
        """Start empty."""
        self.rows = Sample(TABLE_ROWS)
        self.leaves: dict[Leaf, NDArray[np.void]] = {}
        self.horizons: dict[str, int] = {}

    def __getstate__(self) -> tuple[Sample, dict[Leaf, NDArray[np.void]], dict[str, int]]:
        """Go to another process as it is."""
        return self.rows, self.leaves, self.horizons

    def __setstate__(self, state: tuple[Sample, dict[Leaf, NDArray[np.void]], dict[str, int]]) -> None:
        """Come back from another process."""
        self.rows, self.leaves, self.horizons = state

    def limit(self, leaf: Leaf) -> int:
        """Return from which row hash on an entry of a leaf could not be kept."""
        limit = min(self.horizons.get(leaf.column, ALL), self.horizons.get("", ALL)) if self.horizons else ALL
        held = self.leaves.get(leaf)
        if held is not None and len(held) == MOST_ENTRIES:
            limit = min(limit, int(held["row"][-1]) + 1)
        return limit

    def add(self, entries: Mapping[Leaf, NDArray[np.void]], horizons: Mapping[str, int] | None = None) -> None:
        """Add entries, and what another profile of the same table has cut off."""
        for name, horizon in (horizons or {}).items():
            self.horizons[name] = min(horizon, self.horizons.get(name, ALL))
        for leaf, new in entries.items():
            held = self.leaves.get(leaf)
            self.leaves[leaf] = smallest(new if held is None else np.concatenate([held, new]))
        self.trim({leaf.column for leaf in entries})

    def trim(self, columns: Iterable[str]) -> None:
        """
        Bound the number of leaves: where there are too many, fewer rows are kept, down to those that have not too many.

        A column with more than `MOST_PATHS` paths is cut off at the first row (in order of hashes) of the path that is one too
        many, a table at that of such a column. Of a larger set of rows, that row's hash is never larger: so profiles of parts
        keep whatever that of the whole does.
        """
        paths: dict[str, list[Leaf]] = {}
        for leaf in self.leaves:
            paths.setdefault(leaf.column, []).append(leaf)
        for column in columns:
            leaves = paths[column]
            if len(leaves) > MOST_PATHS:
                firsts = sorted(int(self.leaves[leaf]["row"][0]) for leaf in leaves)
                self.horizons[column] = min(firsts[MOST_PATHS], self.horizons.get(column, ALL))
        if len(paths) > MOST_COLUMNS:
            firsts = sorted(min(int(self.leaves[leaf]["row"][0]) for leaf in leaves) for leaves in paths.values())
            self.horizons[""] = min(firsts[MOST_COLUMNS], self.horizons.get("", ALL))
        if self.horizons:
            self._cut()

    def _cut(self) -> None:
        """Drop what lies behind the horizons."""
        whole = self.horizons.get("", ALL)
        for leaf, entries in list(self.leaves.items()):
            horizon = min(whole, self.horizons.get(leaf.column, ALL))
            if horizon < ALL and int(entries["row"][-1]) >= horizon:
                kept = entries[: int(np.searchsorted(entries["row"], np.uint64(horizon)))]
                if len(kept):
                    self.leaves[leaf] = kept.copy()
                else:
                    del self.leaves[leaf]
        columns = {leaf.column for leaf in self.leaves}
        for column in [name for name in self.horizons if name and name not in columns and self.horizons[name] >= whole]:
            del self.horizons[column]

    def merge(self, other: Profile) -> None:
        """Add another profile of the same table and source."""
        self.rows.add(other.rows.hashes)
        self.add(other.leaves, other.horizons)

    @property
    def nbytes(self) -> int:
        """Return the bytes of all entries."""
        return sum(entries.nbytes for entries in self.leaves.values())
