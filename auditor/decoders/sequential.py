"""What the layouts share that can be read from the front of the input alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from auditor.decoders.gathering import gather_cells
from auditor.model import Row
from auditor.protocols import Framed, Gathering


class _Decodes(Protocol):
    """The part of a layout that gathering its columns needs."""

    def decode(self, record: bytes) -> Row:
        """Decode one record."""


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

    def gather(self: _Decodes, framed: Framed, rows: Sequence[int] | None, into: Gathering) -> Iterator[tuple[int, str]]:
        """Gather the columns of decoded records."""
        return gather_cells(self.decode, framed, rows, into)
