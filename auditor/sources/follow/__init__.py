"""A folder or bucket, followed as files appear in it: the cloud storage sink of a changefeed, or any files."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.delivery import Check, Claims, Position
from auditor.sources.follow.listed import Listed
from auditor.sources.follow.listing import lister_of
from auditor.sources.follow.reader import FollowReader
from auditor.sources.follow.settings import FollowSettings


class FollowSource:
    """See `auditor.delivery.Source`."""

    def __init__(self, settings: FollowSettings) -> None:
        """Take the settings; nothing is opened yet."""
        self._settings = settings
        self._pending: dict[str, Listed] = {}

    def open(self, claims: Claims, *, until_caught_up: bool = False, rescan: bool = False) -> FollowReader:
        """Continue after the recorded position."""
        lister = lister_of(self._settings)
        return FollowReader(self._settings, lister, claims, self._pending, until_caught_up=until_caught_up, rescan=rescan)

    def checks(self, position: Position | None = None) -> Iterator[Check]:
        """Look whether the feed can be listed and read, and what will be read of it."""
        from auditor.sources.follow.checks import checks

        return checks(self._settings)
