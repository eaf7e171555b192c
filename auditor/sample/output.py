"""An output file: text in large blocks, compressed on the way if asked, the same bytes for the same text."""

from __future__ import annotations

import gzip
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

_BLOCK = 1 << 20

#: compression -> what it adds to a file's name
SUFFIXES = {"none": "", "gzip": ".gz", "zstd": ".zst"}


class TextOutput:
    """
    A text file that is written once, from its beginning.

    ``size`` counts the bytes of the text, before compression.
    """

    def __init__(self, path: Path, compression: str = "none") -> None:
        """Create the file and its folders."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.size = path, 0
        self._file = path.open("wb")
        self._sink: IO[bytes] = _compressed(self._file, compression)
        self._texts: list[str] = []
        self._waiting = 0

    def write(self, text: str) -> None:
        """Append text."""
        self._texts.append(text)
        self._waiting += len(text)
        if self._waiting >= _BLOCK:
            self.flush()

    def flush(self) -> None:
        """Hand over what waits, and bring ``size`` up to date."""
        block = "".join(self._texts).encode()
        self._texts.clear()
        self._waiting = 0
        self.size += len(block)
        self._sink.write(block)

    def reached(self, size: int) -> bool:
        """Tell whether the file has about this many bytes, to within what a few characters of other scripts take."""
        return self.size + self._waiting >= size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.flush()
        if self._sink is not self._file:
            self._sink.close()
        self._file.close()


def _compressed(file: IO[bytes], compression: str) -> IO[bytes]:
    """Return what compresses into a file, with no time or name in its header."""
    if compression == "gzip":
        return cast("IO[bytes]", gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6))
    if compression == "zstd":
        import zstandard

        return cast("IO[bytes]", zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False))
    return file
