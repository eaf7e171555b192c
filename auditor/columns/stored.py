"""
How profiles are stored: a JSON header of their names and counts, then the arrays as they lie in memory.

Nothing in it is a value, and reading it back runs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from auditor.columns.features import ENTRY
from auditor.columns.profile import Leaf, Profile
from auditor.columns.sampling import TABLE_ROWS, Sample, Source
from auditor.errors import StateError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Goes up whenever a feature means something else: profiles of two formats do not mix.
FORMAT = 1
_HASH = np.dtype("<u8")
Keyed = Mapping[tuple[str, Source], Profile]


def stored(profiles: Keyed, offered: Mapping[Source, Sample], key_id: str) -> bytes:
    """Return profiles, and what their sources were offered, as bytes."""
    arrays: list[bytes] = []
    described = []
    for (table, source), profile in profiles.items():
        hashes = offered[source].hashes if source in offered else np.zeros(0, np.uint64)
        arrays += [hashes.astype(_HASH).tobytes(), profile.rows.hashes.astype(_HASH).tobytes()]
        arrays += [entries.tobytes() for entries in profile.leaves.values()]
        described.append(
            {
                "table": table,
                "source": source,
                "offered": len(hashes),
                "rows": len(profile.rows.hashes),
                "horizons": profile.horizons,
                "leaves": [(*leaf, len(entries)) for leaf, entries in profile.leaves.items()],
            }
        )
    header = json.dumps({"format": FORMAT, "key": key_id, "profiles": described}).encode()
    return b"".join([len(header).to_bytes(4, "big"), header, *arrays])


def loaded(data: bytes) -> tuple[str, dict[Source, NDArray[np.uint64]], dict[tuple[str, Source], Profile]]:
    """Return the key's id, what sources were offered, and profiles. Raise `StateError` for what `stored` did not write."""
    try:
        size = 4 + int.from_bytes(data[:4], "big")
        header = json.loads(data[4:size])
        if header["format"] != FORMAT:
            raise StateError("column profiles were stored by another release", fix="start them anew")
        reader = _Reader(data, size)
        offered: dict[Source, NDArray[np.uint64]] = {}
        profiles: dict[tuple[str, Source], Profile] = {}
        for one in header["profiles"]:
            offered[one["source"]] = reader.hashes(one["offered"])
            profile = profiles[one["table"], one["source"]] = Profile()
            profile.rows = Sample(TABLE_ROWS, reader.hashes(one["rows"]))
            profile.horizons = one["horizons"]
            profile.leaves = {Leaf(column, path): reader.entries(count) for column, path, count in one["leaves"]}
        return header["key"], offered, profiles
    except (ValueError, KeyError, TypeError):
        raise StateError("stored column profiles cannot be read", fix="start them anew") from None


class _Reader:
    """Takes arrays off bytes, one after another."""

    def __init__(self, data: bytes, offset: int) -> None:
        self._data, self._offset = data, offset

    def hashes(self, count: int) -> NDArray[np.uint64]:
        """Return the next row hashes."""
        array = np.frombuffer(self._data, _HASH, count, self._offset).astype(np.uint64)
        self._offset += array.nbytes
        return array

    def entries(self, count: int) -> NDArray[np.void]:
        """Return the next entries."""
        array = np.frombuffer(self._data, ENTRY, count, self._offset).copy()
        self._offset += array.nbytes
        return array
