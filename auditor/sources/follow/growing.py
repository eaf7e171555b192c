"""A local file of lines that grows: read up to its last whole line, and on from there when there is more."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from auditor.errors import SourceUnavailable
from auditor.sources.files import FileInput
from auditor.sources.follow.known import Standing

#: What a file is recognised by beside its number in the file system, which another file may have after it.
_HEAD = 1024
_BACK = 64 << 10
_BUFFER = 256 << 10


@dataclass(slots=True)
class GrownFile(FileInput):
    """A file up to a place: its size is where the last whole line ends."""

    def open(self) -> BinaryIO:
        """Open it; what comes after that place cannot be read."""
        assert self.size is not None
        return cast("BinaryIO", io.BufferedReader(_UpTo(FileInput.open(self), self.size), _BUFFER))


class _UpTo(io.RawIOBase):
    """The beginning of a file."""

    def __init__(self, file: BinaryIO, end: int) -> None:
        self._file, self._end = file, end

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._file.tell(), io.SEEK_END: self._end}[whence]
        return self._file.seek(base + offset)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        data = self._file.read(max(0, min(len(target), self._end - self._file.tell())))
        target[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def grown(file: FileInput, before: Standing | None, *, whole: bool) -> tuple[GrownFile, Standing] | None:
    """
    Return a file up to its last whole line, and where reading it stands; None if there is nothing new.

    With ``whole`` what stands behind the last line end is read, too. A file that is shorter than what was read of it, or begins
    otherwise, is another one. Raise `SourceUnavailable`.
    """
    with file.open() as opened:
        try:
            size = opened.seek(0, io.SEEK_END)
            same = before is not None and size >= before.offset and _version(opened, file, _length(before)) == before.version
            start = before if same and before is not None else Standing("", 0, 0, "")
            end = size if whole else _last_end(opened, start.offset, size)
            if end <= start.offset:
                return None
            version = _version(opened, file, min(_HEAD, end))
        except OSError as error:
            raise SourceUnavailable(f"cannot be read: {error.strerror}", where=file.uri) from None
    return GrownFile(file.path, file.uri, file.folder, file.name, end, file.version), start._replace(version=version)


def _version(opened: BinaryIO, file: FileInput, length: int) -> str:
    """Return what a file is known by: its number in the file system, and how it begins."""
    opened.seek(0)
    return f"{file.version}-{length}-{hashlib.blake2b(opened.read(length), digest_size=8).hexdigest()}"


def _length(standing: Standing) -> int:
    """Return how much of a file its version is made from."""
    length = standing.version.split("-")[-2:-1]
    return int(length[0]) if length and length[0].isdecimal() else 0


def _last_end(opened: BinaryIO, start: int, end: int) -> int:
    """Return where the last line ends between two places, or the first of them."""
    while end > start:
        begin = max(start, end - _BACK)
        opened.seek(begin)
        at = opened.read(end - begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return start
