"""
A file as it was listed, and how a changefeed's files lie.

A changefeed names its files by their time, so a listing need not begin before the time up to which everything is read: a store
lists from a key on, and folders of earlier days are not walked. Everything is listed now and then all the same, for files that
are named otherwise or lie in other folders.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from auditor.hlc import Timestamp
from auditor.names import ChangefeedFile, ExportFile, ResolvedFile, digits_of
from auditor.protocols import Input

_DAY, _HOUR = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r"\d\d")


class Listed(NamedTuple):
    """
    A file as it was listed.

    ``name`` is its path below the prefix. ``modified`` is when it was last written, in seconds since 1970, and None where a store
    makes an object appear when it is whole. A file that ``grows`` is read on whenever there is more: its input's version tells
    which file it is, and nothing of its content.
    """

    name: str
    input: Input
    file: ChangefeedFile | ResolvedFile | ExportFile | None
    modified: float | None
    grows: bool = False

    @property
    def time(self) -> Timestamp | None:
        """Return the time in the name of a changefeed's file of rows."""
        return self.file.timestamp if isinstance(self.file, ChangefeedFile) else None


def partition_of(folder: str) -> str:
    """Return ``flat``, ``daily`` or ``hourly`` for the folder of a changefeed's file below the prefix, '' for any other."""
    if not folder:
        return "flat"
    day, _, hour = folder.partition("/")
    if not _DAY.fullmatch(day):
        return ""
    return "daily" if not hour else "hourly" if _HOUR.fullmatch(hour) else ""


class Since(NamedTuple):
    """Where a listing may begin: at a time, in the partition formats that were seen, which sort differently."""

    time: Timestamp
    partitions: frozenset[str]

    def first_key(self) -> str:
        """Return a path that sorts before every file from this time on; '' if that cannot be told."""
        digits = digits_of(self.time)
        day = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}"
        keys = {"flat": digits, "daily": f"{day}/{digits}", "hourly": f"{day}/{digits[8:10]}/{digits}"}
        return min((keys.get(name, "") for name in self.partitions), default="")
