"""A hash of each record's content, from a part of its bytes: what samples of rows are chosen by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auditor.decoders.framing import LINE_FEED, bytes_of, starts_of

#: Runs of eight bytes that are looked at, spread evenly over a record: a tenth of most rows. Rows that are taken for equal by it
#: are in a sample or out of it together.
_RUNS, _RUN = 8, 8
# SplitMix64 (Steele, Lea, Flood 2014): its multipliers mix every bit into every other.
_STEP, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def record_hashes(data: bytes, ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the hash of each record of a buffer, without its line feed."""
    if not len(ends):
        return np.zeros(0, dtype=np.uint64)
    starts = starts_of(ends)
    lengths = ends - starts - (bytes_of(data)[ends - 1] == LINE_FEED)
    hashes = lengths.astype(np.uint64)
    if len(data) >= _RUN:
        # Every run of eight bytes of the buffer, as numbers that overlap.
        runs = np.ndarray((len(data) - _RUN + 1,), dtype="<u8", buffer=data, strides=(1,))
        room = np.maximum(lengths - _RUN, 0)
        last = len(runs) - 1
        for number in range(_RUNS):
            hashes *= _STEP
            hashes ^= hashes >> np.uint64(29)
            hashes ^= runs[np.minimum(starts + room * number // (_RUNS - 1), last)]
    for index in np.flatnonzero(lengths < _RUN).tolist():
        start = int(starts[index])
        hashes[index] = int.from_bytes(data[start : start + max(0, int(lengths[index]))], "little")
    return mixed(hashes)


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread numbers over all 64 bits."""
    numbers = numbers + _STEP
    numbers = (numbers ^ (numbers >> np.uint64(30))) * _FIRST
    numbers = (numbers ^ (numbers >> np.uint64(27))) * _SECOND
    return numbers ^ (numbers >> np.uint64(31))
