"""When a local file is whole: nobody says so, but a changefeed writes one file of a session after another."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from auditor.hlc import Timestamp
from auditor.names import ChangefeedFile
from auditor.sources.follow.listed import Listed


class _Seen(NamedTuple):
    """A version of a file, and when it was seen first, by a clock that only goes forward."""

    version: str
    since: float


class Settling:
    """Watches files that may be half written."""

    def __init__(
        self, seconds: float, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        """Take how long a file must have stood still."""
        self._seconds, self._clock, self._wall = seconds, clock, wall
        self._seen: dict[str, _Seen] = {}

    def split(self, unread: Sequence[Listed], newest: Mapping[str, tuple[Timestamp, int]]) -> tuple[list[Listed], list[Listed]]:
        """
        Part unread files into those that are whole, and those that may not be.

        ``newest`` has, by session, the time and number of the last file that its changefeed has begun.
        """
        now, wall = self._clock(), self._wall()
        seen, self._seen = self._seen, {}
        whole: list[Listed] = []
        unsettled: list[Listed] = []
        for listed in unread:
            file = listed.file
            followed = isinstance(file, ChangefeedFile) and newest[file.session] > (file.timestamp, file.file)
            if listed.modified is None or followed:
                whole.append(listed)
                continue
            known = seen.get(listed.name)
            if known is None or known.version != listed.input.version:
                known = _Seen(listed.input.version, now)
            # What was last written long ago need not be watched first; a second more, since file systems' clocks are coarse.
            if now - known.since >= self._seconds or wall - listed.modified >= self._seconds + 1:
                whole.append(listed)
            else:
                self._seen[listed.name] = known
                unsettled.append(listed)
        return whole, unsettled
