"""
Files that are compressed as a whole: gzip and zstd, told by their first bytes and undone as a stream.

Memory is bounded whatever a stream expands to. A stream that is cut off or damaged is delivered up to the damage before it is
called so. Parquet compresses inside: its files begin with ``PAR1`` whatever they are called.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from auditor.blocks import Readable
from auditor.errors import DecodeError

_ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP = b"\x1f\x8b"


def recognise(head: bytes) -> str:
    """Return ``gzip``, ``zstd`` or '' (not compressed as a whole) from the first four bytes or more."""
    return "gzip" if head.startswith(_GZIP) else "zstd" if head.startswith(_ZSTD) else ""


def open_decompressed(file: Readable, compression: str) -> BinaryIO:
    """
    Return a reader of what a ``gzip`` or ``zstd`` file holds, from its present place on.

    Its ``read`` returns fewer bytes than asked only at the end or before damage, which the next call raises as `DecodeError`
    with the uncompressed offset. Give it the file itself, if that can be sought in: gzip then goes twice as fast.
    """
    if compression == "gzip":
        from auditor.decoders.gzip_members import decompressed_members as decompressed
    else:
        from auditor.decoders.zstd_frames import decompressed_frames as decompressed
    return cast("BinaryIO", _Decompressed(decompressed(file)))


class _Decompressed(io.RawIOBase):
    """A stream of the pieces that a decompressor yields."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")
        self._offset = 0
        self._damage: DecodeError | None = None

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        """Return the uncompressed offset."""
        return self._offset

    def read(self, size: int | None = -1, /) -> bytes:
        """Read so many bytes, or all; fewer only at the end, or before damage."""
        left = sys.maxsize if size is None or size < 0 else size
        parts: list[memoryview] = []
        while left and self._more(raising=not parts):
            part = self._piece[:left]
            self._piece = self._piece[left:]
            self._offset += len(part)
            left -= len(part)
            parts.append(part)
        return b"".join(parts)

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer."""
        target = memoryview(buffer).cast("B")
        data = self.read(len(target))
        target[: len(data)] = data
        return len(data)

    def _more(self, *, raising: bool) -> bool:
        """Have a piece at hand; False at the end. Damage is raised only if asked, else kept for the next call."""
        while not self._piece and self._damage is None:
            try:
                piece = next(self._pieces, None)
            except DecodeError as error:
                fix = error.fix or "fetch or export the file again"
                self._damage = DecodeError(f"{error.what} at uncompressed byte {self._offset:,}", fix=fix)
                break
            if piece is None:
                return False
            self._piece = memoryview(piece)
        if self._damage is not None and raising and not self._piece:
            raise self._damage
        return bool(self._piece)
