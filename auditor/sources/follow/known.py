"""
What was read: the position of a feed of files, and how a file is told to be new.

Files of a changefeed whose time is before ``floor`` count as read. Of later ones, and of files that are named otherwise, those
that were read are known by eight bytes each, over name and version, so a file that was changed is new. Names themselves are not
kept: they may hold anything. ``places`` says, by a digest of its name, where reading stands in a file that is under way or grows.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from auditor.delivery import Position
from auditor.hlc import Timestamp
from auditor.sources.follow.listed import Listed

_DIGEST = 8
#: Files of a changefeed that are known one by one; where more come within the grace, it is cut short.
MOST_TIMED = 10_000
#: Files named otherwise that can be told apart: 110 kB of the position.
MOST_OTHERS = 10_000


class Standing(NamedTuple):
    """
    Where reading stands in a file.

    ``hint`` is as much of its name as cannot hold a secret: that of a changefeed's file up to the table.
    """

    version: str
    offset: int
    row: int
    hint: str


def digest_of(*parts: str) -> bytes:
    """Return what texts are known by."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest()


def file_digest(listed: Listed) -> bytes:
    """Return what this version of a file is known by."""
    return digest_of(listed.name, listed.input.version)


def place_key(listed: Listed) -> str:
    """Return what a place is kept under: the file's name, or which file it is, where that goes on growing under another name."""
    return digest_of(listed.input.version if listed.grows else listed.name).hex()


def hint_of(listed: Listed) -> str:
    """Return the part of a name that a changefeed's clock and counters made, '' if nothing is known of it."""
    last = listed.name.rpartition("/")[2]
    return "-".join(last.split("-", 5)[:5]) if listed.time is not None else ""


class Known:
    """What was read, or handed over. Not for several threads."""

    def __init__(self, grace: float, position: Position | None = None) -> None:
        """
        Begin empty, or with a position; one that cannot be read is none, so everything is read again.

        Which digest is of a changefeed's file shows at the first listing: see `keep`.
        """
        self.floor: Timestamp | None = None
        self._grace = int(grace * 1e9)
        self._front = Timestamp(0)
        self._timed: dict[bytes, Timestamp] = {}
        self._others: set[bytes] = set()
        self.places: dict[str, Standing] = {}
        self._joined: bytes | None = None
        try:
            self._read(position or {})
        except (KeyError, ValueError, TypeError, IndexError):
            self._others, self.places, self.floor = set(), {}, None

    def _read(self, position: Position) -> None:
        """Take over a position."""
        floor, digests, places = position["floor"], position["known"], position["places"]
        if not (isinstance(floor, str) and isinstance(digests, str) and isinstance(places, Mapping)):
            raise TypeError
        raw = base64.b64decode(digests, validate=True)
        self.floor = Timestamp.parse(floor) if floor else None
        self._others = {raw[start : start + _DIGEST] for start in range(0, len(raw), _DIGEST)}
        self.places = {str(name): Standing(str(one[0]), int(one[1]), int(one[2]), str(one[3])) for name, one in places.items()}

    @property
    def crowded(self) -> bool:
        """Tell whether so much is known one by one that nothing may hold up the floor any longer."""
        return len(self._timed) > 2 * MOST_TIMED

    def digests(self) -> bytes:
        """Return all digests, one after another."""
        if self._joined is None:
            self._joined = b"".join((*self._timed, *self._others))
        return self._joined

    def has(self, listed: Listed) -> bool:
        """Tell whether this version of a file was read, or counts as read."""
        if listed.time is not None and self.floor is not None and listed.time < self.floor:
            return True
        digest = file_digest(listed)
        return digest in self._timed or digest in self._others

    def add(self, listed: Listed) -> None:
        """Count this version of a file as read."""
        digest = file_digest(listed)
        self._joined = self.digests() + digest
        if listed.time is None:
            self._others.add(digest)
        else:
            self._timed[digest] = listed.time
            self._front = max(self._front, listed.time)

    def keep(self, timed: Mapping[bytes, Timestamp], others: AbstractSet[bytes], *, everything: bool) -> None:
        """
        Forget files that are not there any more: of those named otherwise only if everything was listed.

        ``timed`` are those of the known files that are there and have a time, ``others`` all that have none.
        """
        self._others = self._others & others if everything else self._others - timed.keys()
        self._timed = dict(timed)
        self._joined = None
        self._front = max(timed.values(), default=self._front)

    def advance(self, before: Timestamp | None) -> None:
        """
        Raise the floor to what came ``grace`` before the newest file, but no further than a time that is still to be read.

        Where too much is known one by one, the older half is dropped.
        """
        wanted = Timestamp(max(0, self._front.wall - self._grace))
        full = len(self._timed) > MOST_TIMED
        if full:
            wanted = max(wanted, sorted(self._timed.values())[len(self._timed) // 2])
        floor = wanted if before is None else min(wanted, before)
        # In steps, since each looks at all that is known.
        step = self._grace // 16
        if floor > (self.floor or Timestamp(0)) and (full or self.floor is None or floor.wall >= self.floor.wall + step):
            self.floor, self._joined = floor, None
            self._timed = {digest: time for digest, time in self._timed.items() if time >= floor}


def position_of(uri: str, floor: Timestamp | None, digests: bytes, places: Mapping[str, Standing]) -> Position:
    """Return a position as it is kept."""
    return {
        "uri": uri,
        "floor": str(floor) if floor else "",
        "known": base64.b64encode(digests).decode(),
        "places": {name: list(standing) for name, standing in places.items()},
    }
