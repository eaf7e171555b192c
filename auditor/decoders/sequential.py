"""What the layouts share that can be read from the front of the input alone."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.protocols import Framed


class Sequential:
    """A layout that cannot be cut into ranges: what a record is, or its number, follows from all that lies before it."""

    splittable = False
    columns: Sequence[str] = ()
    notes: Sequence[str] = ()

    def start(self, window: bytes) -> int:
        """Tell that no record's start can be found in the middle."""
        del window
        return -1

    def values(self, framed: Framed) -> None:
        """Tell that records must be decoded."""
        del framed
