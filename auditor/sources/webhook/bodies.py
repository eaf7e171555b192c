"""
Undo the ``Content-Encoding`` of a request's body, piece by piece, so that whoever takes the pieces can stop.

Pure functions over bytes in memory. An end that is missing is told from a body that ended: nothing half is ever taken for whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

#: The encodings that CockroachDB's ``compression`` option has.
ENCODINGS = ("", "gzip", "zstd")
_PIECE = 256 << 10
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"
#: The largest window of any preset of the sink's encoder (klauspost/compress); RFC 9659 asks for 8 MiB.
_WINDOW = 32 << 20
#: A block of four bytes can stand for 128 KiB (RFC 8878 §3.1.1.2): so much input is at most 2 MiB of output at once.
_FED = 64


class DamagedBody(Exception):
    """A body is not what its ``Content-Encoding`` says, or not all of it. Its text holds nothing of the body."""


def decompressed(body: bytes, encoding: str) -> Iterator[bytes]:
    """Yield the content in pieces of at most 2 MiB; ``encoding`` is one of `ENCODINGS`. Raise `DamagedBody`."""
    if not encoding:
        return iter((body,))
    return _gunzipped(body) if encoding == "gzip" else _unzstd(body)


def _gunzipped(body: bytes) -> Iterator[bytes]:
    """Yield what the members hold, of which there is at least one (RFC 1952 §2.2); nothing else may follow."""
    rest = body
    while rest or rest is body:
        if not rest.startswith(_GZIP):
            raise DamagedBody("the body is not gzip, or is followed by something else")
        inflate = zlib.decompressobj(31)
        data = rest
        while not inflate.eof:
            try:
                piece = inflate.decompress(data, _PIECE)
            except zlib.error:
                raise DamagedBody("the gzip body is damaged") from None
            data = inflate.unconsumed_tail
            if piece:
                yield piece
            elif not data and not inflate.eof:
                raise DamagedBody("the gzip body is cut off")
        rest = inflate.unused_data


def _unzstd(body: bytes) -> Iterator[bytes]:
    """Yield what the frames hold, of which there is at least one; skippable frames are skipped (RFC 8878 §3.1)."""
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    at, frames = 0, 0
    while at < len(body) or not frames:
        magic = body[at : at + 4]
        if len(magic) == 4 and magic[1:] == _SKIPPABLE and magic[0] >> 4 == 5 and at + 8 <= len(body):
            at += 8 + int.from_bytes(body[at + 4 : at + 8], "little")
            if at > len(body):
                raise DamagedBody("the zstd body is cut off")
            continue
        if magic != _ZSTD:
            raise DamagedBody("the body is not zstd, or is followed by something else")
        frames += 1
        frame = decompressor.decompressobj()
        while not frame.eof:
            fed = body[at : at + _FED]
            if not fed:
                raise DamagedBody("the zstd body is cut off")
            try:
                piece = frame.decompress(fed)
            except zstandard.ZstdError:
                raise DamagedBody("the zstd body is damaged, or wants more than 32 MiB of memory") from None
            at += len(fed)
            if piece:
                yield piece
        at -= len(frame.unused_data)
