"""Many payloads as one buffer: how they are scanned, and the cheapest way to hand them from thread to thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np


class Joined(Sequence[bytes]):
    """
    Payloads one after another in ``data``, a line feed behind each, so that no expression matches across one. None becomes b''.

    ``ends`` are their exclusive ends, line feeds included. Made where payloads come to be, they need not stay alive one by one:
    freeing 600 bytes that another thread has allocated takes as long as copying them.
    """

    __slots__ = ("data", "ends")

    def __init__(self, payloads: Sequence[bytes | None]) -> None:
        """Copy payloads. Above 1 MiB this lets go of the GIL."""
        # The last line feed comes by an empty part: adding it to what is joined would copy all of it.
        parts: list[Any] = [*payloads, b""]
        try:
            self.data = b"\n".join(parts)
        except TypeError:  # mostly there is no None: trying is cheaper than looking
            parts = [part or b"" for part in parts]
            self.data = b"\n".join(parts)
        del parts[-1]
        ends = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
        ends += 1
        self.ends = np.cumsum(ends, out=ends)

    @property
    def size(self) -> int:
        """Return the bytes of all payloads."""
        return len(self.data) - len(self)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.ends)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        """Return a copy of one payload, or of several."""
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        return self.data[int(self.ends[number - 1]) if number else 0 : int(self.ends[number]) - 1]
