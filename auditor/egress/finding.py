"""The noun: something wrong with a way out."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.egress.exits import Exit
from auditor.model import Severity


@dataclass(frozen=True, slots=True)
class EgressFinding:
    """Something wrong with a way out. ``table`` and ``column`` are '' where it is about all of it; ``code`` names the kind."""

    code: str
    severity: Severity
    way: Exit
    message: str
    remedy: str
    table: str = ""
    column: str = ""

    @property
    def id(self) -> str:
        """Return what tells it from others, and stays the same from run to run."""
        named = (self.code, self.way.kind, self.way.name or self.way.where, self.table, self.column)
        return ":".join(part for part in named if part)
