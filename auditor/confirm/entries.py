"""
The names of all known fingerprints, in memory: 16 bytes each, and one bit in a filter of 8 to 16 bits an entry.

10 million take 185 MB. The names are codes under a key, so they are evenly spread: their first byte divides them into 256 shards
of one size, and their first bits are as good as any hash.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Changes of a shard that are kept beside its arrays until they are worked in: 0.2 ms for 40,000 entries, 8 MB for all shards.
_MOST_CHANGES = 256
_SHARDS = 256
_SMALLEST_FILTER = 16
_STEP = 4096
_Words = NDArray[np.uint64]


class _Shard(NamedTuple):
    """Names as two numbers, ascending, their memory to be read one by one, and what has changed since."""

    high: _Words
    low: _Words
    highs: memoryview
    lows: memoryview
    added: set[bytes]
    removed: set[bytes]


class Entries:
    """
    A set of names of 16 bytes. One thread changes it; others may look things up meanwhile.

    What is looked up while it changes is answered as before or as after the change.
    """

    def __init__(self, count: int = 0, names: Iterable[bytes] = ()) -> None:
        """Take about so many names: different ones, ascending, any number of them joined at a time."""
        self._filter = _filter(count)
        self._count = 0
        parts: list[list[NDArray[np.uint64]]] = [[] for _ in range(_SHARDS)]
        for joined in names:
            words = np.frombuffer(joined, dtype=">u8").reshape(-1, 2).astype(np.uint64)
            _mark(self._filter, words[:, 0])
            self._count += len(words)
            edges = np.searchsorted(words[:, 0], np.arange(_SHARDS, dtype=np.uint64) << np.uint64(56)).tolist()
            for number, (first, last) in enumerate(zip(edges, [*edges[1:], len(words)], strict=True)):
                if last > first:
                    parts[number].append(words[first:last].copy())
        self._shards = []
        for part in parts:
            high, low = (
                np.concatenate([words[:, column] for words in part], out=_empty(sum(map(len, part)))) if part else _empty(0)
                for column in (0, 1)
            )
            part.clear()
            self._shards.append(_shard(high, low))

    def __len__(self) -> int:
        """Return how many names there are."""
        return self._count

    def __contains__(self, name: bytes) -> bool:
        """Tell whether a name is there."""
        shard = self._shards[name[0]]
        return name in shard.added or (_is_sorted(shard, name) and name not in shard.removed)

    def found(self, names: Sequence[bytes]) -> list[int]:
        """Return the indexes of the names that are there, ascending."""
        if not names:
            return []
        filter_, bits = self._filter
        heads = np.frombuffer(b"".join(names), dtype=">u8")[::2] >> np.uint64(64 - bits)
        hits = filter_.take((heads >> np.uint64(3)).astype(np.int64)) >> (heads & np.uint64(7)).astype(np.uint8)
        return [index for index in np.flatnonzero(hits & 1).tolist() if names[index] in self]

    def add(self, name: bytes) -> None:
        """Add a name, if it is not there."""
        shard = self._shards[name[0]]
        if name in shard.removed:
            shard.removed.discard(name)
        elif name not in shard.added and not _is_sorted(shard, name):
            shard.added.add(name)
            filter_, bits = self._filter
            head = int.from_bytes(name[:8], "big") >> (64 - bits)
            filter_[head >> 3] |= 1 << (head & 7)
        else:
            return
        self._count += 1
        self._work_in(name[0])

    def discard(self, name: bytes) -> None:
        """Remove a name, if it is there."""
        shard = self._shards[name[0]]
        if name in shard.added:
            shard.added.discard(name)
        elif name not in shard.removed and _is_sorted(shard, name):
            shard.removed.add(name)
        else:
            return
        self._count -= 1
        self._work_in(name[0])

    def _work_in(self, number: int) -> None:
        """Work the changes of a shard into its arrays once there are many; make the filter larger once it is too full."""
        shard = self._shards[number]
        if len(shard.added) + len(shard.removed) >= _MOST_CHANGES:
            self._shards[number] = _worked_in(shard)
        if self._count << 3 > 1 << self._filter[1]:
            larger = _filter(self._count)
            for one in self._shards:
                _mark(larger, one.high)
                _mark(larger, _words(one.added)[:, 0])
            self._filter = larger


def _filter(count: int) -> tuple[NDArray[np.uint8], int]:
    """Return an empty filter for twice as many names at most, and how many bits of a name lead into it."""
    bits = max(_SMALLEST_FILTER, count.bit_length() + 3)
    return np.zeros(1 << (bits - 3), dtype=np.uint8), bits


def _mark(filter_: tuple[NDArray[np.uint8], int], high: _Words) -> None:
    """Set the bits of names in a filter."""
    heads = high >> np.uint64(64 - filter_[1])
    np.bitwise_or.at(
        filter_[0], (heads >> np.uint64(3)).astype(np.int64), np.left_shift(1, heads & np.uint64(7)).astype(np.uint8)
    )


def _shard(high: _Words, low: _Words) -> _Shard:
    """Make a shard of sorted names."""
    return _Shard(high, low, memoryview(high.data), memoryview(low.data), set(), set())


def _place(shard: _Shard, name: bytes) -> int:
    """Return the place of a name in a shard's arrays, -1 if it is not there."""
    high, low = int.from_bytes(name[:8], "big"), int.from_bytes(name[8:], "big")
    place = bisect_left(shard.highs, high)
    while place < len(shard.highs) and shard.highs[place] == high:
        if shard.lows[place] == low:
            return place
        place += 1
    return -1


def _is_sorted(shard: _Shard, name: bytes) -> bool:
    """Tell whether a name is in a shard's arrays."""
    return _place(shard, name) >= 0


def _words(names: set[bytes]) -> _Words:
    """Return names as pairs of numbers, ascending."""
    return np.frombuffer(b"".join(sorted(names)), dtype=">u8").reshape(-1, 2).astype(np.uint64)


def _worked_in(shard: _Shard) -> _Shard:
    """Return a shard with its changes in the arrays."""
    high, low = shard.high, shard.low
    if shard.removed:
        gone = [_place(shard, name) for name in shard.removed]
        high, low = np.delete(high, gone), np.delete(low, gone)
    words = _words(shard.added)
    at = np.searchsorted(high, words[:, 0])
    for index in np.flatnonzero(np.append(high, np.uint64(0))[at] == words[:, 0]).tolist():
        # Another name begins with the same 8 bytes.
        while at[index] < len(high) and high[at[index]] == words[index, 0] and low[at[index]] < words[index, 1]:
            at[index] += 1
    return _shard(_inserted(high, at, words[:, 0]), _inserted(low, at, words[:, 1]))


def _inserted(old: _Words, at: NDArray[np.int64], new: _Words) -> _Words:
    """Return an array with numbers inserted at places of the old one, ascending."""
    size = len(old) + len(new)
    result = _empty(size)
    places = at + np.arange(len(at))
    kept = np.full(size, True)
    kept[places] = False
    result[kept] = old
    result[places] = new
    return result


def _empty(size: int) -> _Words:
    """Return an array; memory is taken in steps, so that what one shard gives back is what the next one takes."""
    return np.empty(-(-size // _STEP) * _STEP, dtype=np.uint64)[:size]
