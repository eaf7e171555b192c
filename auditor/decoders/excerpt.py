"""The records of a chunk that had a hit, put end to end, so that they can be looked at together."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from auditor.decoders.framing import starts_of
from auditor.protocols import Framed

#: Fewer records are sooner decoded one by one (13 us each, and up to 40 to look for their clues) than looked at together (170 us,
#: and 10 each).
FEWEST = 6


class Excerpt(NamedTuple):
    """
    Some records of a chunk. ``bounds`` are their starts in ``data``, and its length; ``rows`` their numbers in the chunk.

    For each position asked about, ``positions`` and ``records`` say where it lies here, ``shifts`` how much further in the chunk.
    """

    data: bytes
    bounds: NDArray[np.int64]
    rows: NDArray[np.int64]
    positions: NDArray[np.int64]
    records: NDArray[np.int64]
    shifts: NDArray[np.int64]

    @classmethod
    def of(cls, framed: Framed, positions: NDArray[np.int64], rows: NDArray[np.int64]) -> Self | None:
        """Take the records of these rows, in which these positions lie; None if they are fewer than `FEWEST`."""
        ordered = np.sort(rows)
        chosen = ordered[np.diff(ordered, prepend=-1) != 0]
        if len(chosen) < FEWEST:
            return None
        begins, ends = starts_of(framed.ends)[chosen], framed.ends[chosen]
        spans = zip(begins.tolist(), ends.tolist(), strict=True)
        data = framed.data if len(chosen) == len(framed.ends) else b"".join([framed.data[begin:end] for begin, end in spans])
        bounds = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(ends - begins)))
        records = np.searchsorted(chosen, rows)
        shifts = begins[records] - bounds[records]
        return cls(data, bounds, chosen, positions - shifts, records, shifts)
