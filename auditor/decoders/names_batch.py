"""What is said once for many rows: the name of a file or a topic, a header, the names of columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from auditor.model import Row
from auditor.protocols import Frame, Haystack, Wanted


class NamesBatch:
    """A batch of one row, numbered 0; see `auditor.protocols.RowBatch`."""

    first_row = 0

    def __init__(self, row: Row, table: str) -> None:
        """Take the names as the cells of one row."""
        self._row, self._table = row, table

    def __len__(self) -> int:
        """Return one."""
        return 1

    def row_number(self, index: int) -> int:
        """Return 0: names stand before the first row."""
        return index

    def haystacks(self) -> Iterable[Haystack]:
        """Return the names, one a line."""
        text = "\n".join(cell.text for cell in self._row.cells).encode("utf-8", "replace")
        return (Haystack(text, lambda positions: (np.arange(len(positions)), positions * 0)),)

    def decode(self, index: int) -> Row:
        """Return the names."""
        del index
        return self._row

    def table_of(self, row: Row) -> str:
        """Return the table that the names are of."""
        del row
        return self._table

    @property
    def table(self) -> str:
        """Return the table that the names are of."""
        return self._table

    def names_tables(self) -> bool:
        """Tell that no row does: there is none."""
        return False

    def frames(self, rows: Sequence[int] | None = None, wanted: Wanted = frozenset) -> Iterable[Sequence[Frame]]:
        """Have no values."""
        del rows, wanted
        return ()

    def hashes(self) -> NDArray[np.uint64]:
        """Never be part of a sample."""
        return np.full(1, np.iinfo(np.uint64).max, dtype=np.uint64)
