"""What ways out ask policies: as little as will do, so that they can be judged without any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from auditor.model import Severity


class Clause(NamedTuple):
    """What a policy says of one column of a table at a destination. ``shapes`` are the names of forms that values may have."""

    forbidden: bool = False
    shapes: tuple[str, ...] = ()
    severity: Severity = Severity.HIGH
    policy: str = ""


class Judge(Protocol):
    """Says what is wanted of tables and columns. A destination may have several names."""

    def maps(self, table: str, destinations: tuple[str, ...]) -> bool:
        """Tell whether a table may go there without anything being said of it, or something is."""

    def unmapped(self, table: str, columns: Sequence[str], destinations: tuple[str, ...]) -> list[str]:
        """Return those columns of a table of which something should be said, and is not."""

    def clause(self, table: str, column: str, destinations: tuple[str, ...]) -> Clause | None:
        """Return what is said of a column there, None if nothing is."""


class NoJudge:
    """Where there are no policies: nothing is forbidden, and nothing is missing from them."""

    def maps(self, table: str, destinations: tuple[str, ...]) -> bool:
        """Tell that nothing is missing."""
        return True

    def unmapped(self, table: str, columns: Sequence[str], destinations: tuple[str, ...]) -> list[str]:
        """Return none of the columns."""
        return []

    def clause(self, table: str, column: str, destinations: tuple[str, ...]) -> Clause | None:
        """Say nothing, of any column."""
        return None
