"""
Undo zstd block by block, by the frame format of RFC 8878.

Every block is at most 128 KiB of output: handed over one at a time, a stream that expands without end costs no memory, the blocks
before damage are not lost, and a frame that is cut off is noticed (the library's own reader takes it for the end).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import zstandard

from auditor.blocks import Readable
from auditor.errors import DecodeError

MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"
_SKIPPED_AT_ONCE = 64 << 10
#: The limit of the zstd command without --long.
_LARGEST_WINDOW = 128 << 20
_LARGEST_BLOCK = 128 << 10
_RLE, _RESERVED = 1, 3


def decompressed_frames(file: Readable) -> Iterator[bytes]:
    """Yield what the frames of a file hold, block by block. Raise `DecodeError` where it is cut off or damaged."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    while magic := _up_to(file, 4):
        if magic == MAGIC:
            yield from _frame(file, decompressor.decompressobj())
        elif len(magic) == 4 and magic[1:] == _SKIPPABLE and magic[0] >> 4 == 5:
            left = int.from_bytes(_exactly(file, 4), "little")
            while left:
                left -= len(_exactly(file, min(left, _SKIPPED_AT_ONCE)))
        else:
            raise DecodeError("the zstd data is followed by something else")


def _frame(file: Readable, decompressor: Any) -> Iterator[bytes]:
    """Yield the blocks of one frame, after its magic number."""
    descriptor = _exactly(file, 1)
    single, checked, dictionary = descriptor[0] >> 5 & 1, descriptor[0] >> 2 & 1, descriptor[0] & 3
    if dictionary:
        raise DecodeError("the zstd data was made with a dictionary", fix="decompress it with that dictionary first")
    sized = (single, 2, 4, 8)[descriptor[0] >> 6]
    yield from _fed(decompressor, MAGIC + descriptor + _exactly(file, (not single) + sized))
    last = False
    while not last:
        header = _exactly(file, 3)
        fields = int.from_bytes(header, "little")
        last, kind, size = bool(fields & 1), fields >> 1 & 3, fields >> 3
        if kind == _RESERVED or size > _LARGEST_BLOCK:
            raise DecodeError("the zstd data is damaged")
        yield from _fed(decompressor, header + _exactly(file, 1 if kind == _RLE else size))
    if checked:
        yield from _fed(decompressor, _exactly(file, 4))


def _fed(decompressor: Any, data: bytes) -> Iterator[bytes]:
    """Feed the decompressor; yield what comes out."""
    try:
        piece = decompressor.decompress(data)
    except zstandard.ZstdError:
        reason = f"the zstd data is damaged, or needs more than {_LARGEST_WINDOW >> 20} MiB of memory"
        raise DecodeError(reason) from None
    if piece:
        yield piece


def _exactly(file: Readable, size: int) -> bytes:
    """Read so many bytes."""
    data = _up_to(file, size)
    if len(data) < size:
        raise DecodeError("the zstd data is cut off")
    return data


def _up_to(file: Readable, size: int) -> bytes:
    """Read so many bytes, fewer only at the end."""
    data = file.read(size)
    while len(data) < size and (more := file.read(size - len(data))):
        data += more
    return data
