"""A local folder, listed. Files are known by time of change and size, growing ones by what the file system calls them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from auditor.errors import SourceUnavailable
from auditor.hlc import Timestamp
from auditor.names import ResolvedFile, data_suffix, digits_of, parse
from auditor.sources.files import FileInput
from auditor.sources.follow.listed import Listed

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
# How a changefeed's files begin: told without reading the rest of the name, since a folder may hold many thousands.
_TIMED = re.compile(r"\d{33}[-.]", re.ASCII)
_NOT_GROWING = (".gz", ".gzip", ".zst", ".zstd")


@dataclass(slots=True)
class PinnedFile(FileInput):
    """A file that is read only as long as it is the one that was listed."""

    def open(self) -> BinaryIO:
        """Open it; raise `SourceUnavailable` if it is gone or was changed since."""
        file = FileInput.open(self)
        if version_of(os.fstat(file.fileno())) != self.version:
            file.close()
            raise SourceUnavailable("it was changed while it was to be read", where=self.uri)
        return file


def version_of(status: os.stat_result) -> str:
    """Return what tells a file from a later one of the same name."""
    return f"{status.st_mtime_ns}-{status.st_size}"


def identity_of(status: os.stat_result) -> str:
    """Return what a file is known by while it grows."""
    return f"{status.st_dev}-{status.st_ino}"


def may_grow(name: str) -> bool:
    """Tell whether a file can be read line by line while it grows."""
    return not name.lower().endswith(_NOT_GROWING) and data_suffix(name) != "parquet"


def listed_folder(folder: str, since: Timestamp | None, *, growing: bool) -> Iterator[Listed]:
    """
    Yield the files of a folder and all folders in it, links included.

    Files and folders of a changefeed that are named by an earlier time than ``since`` are left out. Raise `SourceUnavailable` if
    a folder cannot be listed.
    """
    first = "" if since is None else digits_of(since)
    first_day = f"{first[:4]}-{first[4:6]}-{first[6:8]}"
    waiting: list[tuple[str, str, frozenset[tuple[int, int]]]] = [(folder, "", frozenset())]
    while waiting:
        path, below, above = waiting.pop()
        try:
            status = os.stat(path)  # noqa: PTH116 - many thousand times
            identity = (status.st_dev, status.st_ino)
            if identity in above:
                continue  # a link back to a folder that it lies in
            with os.scandir(path) as entries:
                for entry in entries:
                    name = below + os.fsencode(entry.name).decode("utf-8", "backslashreplace")
                    if _is_folder(entry):
                        if not (first and _DAY.fullmatch(name) and name < first_day):
                            waiting.append((entry.path, f"{name}/", above | {identity}))
                    elif not (entry.name[:33] < first and _TIMED.match(entry.name)) and (
                        listed := _listed(entry, name, growing=growing)
                    ):
                        yield listed
        except OSError as error:
            if below and isinstance(error, FileNotFoundError):
                continue  # removed since its parent was listed
            where = os.fsencode(path).decode("utf-8", "backslashreplace")
            raise SourceUnavailable(f"the folder cannot be listed: {error.strerror}", where=where) from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _listed(entry: os.DirEntry[str], name: str, *, growing: bool) -> Listed | None:
    """Look at a file; None if it is gone or is no file. One that cannot be looked at says so when it is opened."""
    file = parse(entry.name)
    uri = os.fsencode(entry.path).decode("utf-8", "backslashreplace")
    folder, _, last = uri.rpartition("/")
    if isinstance(file, ResolvedFile):
        return Listed(name, FileInput(entry.path, uri, folder, last), file, None)
    try:
        status = entry.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Listed(name, FileInput(entry.path, uri, folder, last, problem=f"cannot be read: {error.strerror}"), file, 0.0)
    if not stat.S_ISREG(status.st_mode):
        return None
    if growing and may_grow(name):
        grown = FileInput(entry.path, uri, folder, last, status.st_size, identity_of(status))
        return Listed(name, grown, file, status.st_mtime, grows=True)
    return Listed(name, PinnedFile(entry.path, uri, folder, last, status.st_size, version_of(status)), file, status.st_mtime)
