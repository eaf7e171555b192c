"""One listing, taken in as it comes: what is new, still there, missing. It holds no more than one round's files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from auditor.errors import ConfigError
from auditor.hlc import Timestamp
from auditor.names import ChangefeedFile, ResolvedFile
from auditor.sources.follow.known import MOST_OTHERS, Known, file_digest, place_key
from auditor.sources.follow.listed import Listed, partition_of

#: Files of one round, of 1.2 kB each and for a moment twice as many; where more are new, the rest is listed again after them.
MOST_ROUND = 10_000

_START = Timestamp(0)


@dataclass
class Gathered:
    """
    What a listing says.

    ``unread`` are the earliest files that were not read, in the order to read them. ``beyond`` is the earliest time among those
    left for the next round, if ``more`` are. ``timed`` and ``others`` are for `Known.keep`; ``files`` are a changefeed's that are
    known one by one, or unread; ``newest`` the last of each session. ``marks`` are the times of ``.RESOLVED`` files. ``growing``
    are files to read as they grow. Of files that are gone, ``missing`` are names that were expected, ``places`` keys of places.
    ``partitions`` are the partition formats that a changefeed's files lie by, '' if one lies by none; ``latest`` is the newest
    time of all.
    """

    everything: bool
    unread: list[Listed] = field(default_factory=list)
    more: bool = False
    beyond: Timestamp | None = None
    timed: dict[bytes, Timestamp] = field(default_factory=dict)
    others: set[bytes] = field(default_factory=set)
    files: list[ChangefeedFile] = field(default_factory=list)
    newest: dict[str, tuple[Timestamp, int]] = field(default_factory=dict)
    marks: set[Timestamp] = field(default_factory=set)
    growing: list[Listed] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    partitions: set[str] = field(default_factory=set)
    latest: Timestamp = _START


def order_of(listed: Listed) -> tuple[Timestamp, str]:
    """Return what files are read in the order of: a changefeed's by time, after those that have none."""
    return listed.time or _START, listed.name


def gather(
    listing: Iterable[Listed],
    known: Known,
    *,
    everything: bool,
    expected: Iterable[str] = (),
    places: Iterable[str] = (),
    most: int = MOST_ROUND,
) -> Gathered:
    """
    Take in a listing.

    ``expected`` are the names of files that should be there, ``places`` the keys of places that are kept. Raise `ConfigError` if
    more files are there that no changefeed named than can be told apart.
    """
    found = Gathered(everything, missing=set(expected), places=set(places))
    for listed in listing:
        if isinstance(listed.file, ResolvedFile):
            found.marks.add(listed.file.timestamp)
            continue
        found.missing.discard(listed.name)
        found.places.discard(place_key(listed))
        if listed.grows:
            found.growing.append(listed)
            continue
        _take(found, listed, known)
        if len(found.unread) >= 2 * most:
            _cut(found, most)
        if len(found.others) > MOST_OTHERS:
            what = f"over {MOST_OTHERS:,} files lie there that no changefeed has named, and can only be told apart one by one"
            raise ConfigError(what, fix="follow their folders as feeds of their own, or move away what was read")
    _cut(found, most)
    found.files += [listed.file for listed in found.unread if isinstance(listed.file, ChangefeedFile)]
    found.growing.sort(key=order_of)
    return found


def _take(found: Gathered, listed: Listed, known: Known) -> None:
    """Count a file as read or unread."""
    file = listed.file
    read = known.has(listed)
    if isinstance(file, ChangefeedFile):
        folder, _, _ = listed.name.rpartition("/")
        found.partitions.add(partition_of(folder))
        found.latest = max(found.latest, file.timestamp)
        found.newest[file.session] = max(found.newest.get(file.session, (_START, -1)), (file.timestamp, file.file))
        if read and (known.floor is None or file.timestamp >= known.floor):
            found.files.append(file)
            found.timed[file_digest(listed)] = file.timestamp
    else:
        found.others.add(file_digest(listed))
    if not read:
        found.unread.append(listed)


def _cut(found: Gathered, most: int) -> None:
    """Keep the earliest unread files, in their order."""
    found.unread.sort(key=order_of)
    for left in found.unread[most:]:
        found.more = True
        if left.time is not None:
            found.beyond = left.time if found.beyond is None else min(found.beyond, left.time)
    del found.unread[most:]
