"""Inputs that are read once, as a feed that ends."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.delivery import Check, Claims, Position
from auditor.sources.files_feed.inputs import checks, find_all
from auditor.sources.files_feed.reader import FilesReader
from auditor.sources.files_feed.settings import FilesSettings


class FilesSource:
    """See `auditor.delivery.Source`."""

    def __init__(self, settings: FilesSettings) -> None:
        """Take the settings; nothing is opened yet."""
        self._settings = settings

    def open(self, claims: Claims, *, until_caught_up: bool = False, rescan: bool = False) -> FilesReader:
        """Continue after the recorded position, and end after the last input."""
        return FilesReader(lambda: find_all(self._settings.inputs), claims)

    def checks(self, position: Position | None = None) -> Iterator[Check]:
        """Look whether the inputs are there and can be read."""
        return checks(self._settings.inputs)
