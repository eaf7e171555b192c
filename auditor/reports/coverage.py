"""What was looked at in a table, said in as few words as are true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.reports.wording import counted, printable

#: Column names that a list shows before it says how many more there are.
_NAMES = 12


@dataclass(frozen=True, slots=True)
class ColumnCoverage:
    """
    The columns of a table, told apart by what happened to them.

    ``scanned`` is how many were scanned, ``others`` maps each reason why not to the names, most frequent first. ``every_member``
    says that the format (JSON) scans whatever members a row has.
    """

    scanned: int
    others: Mapping[str, list[str]]
    every_member: bool

    @classmethod
    def of(cls, columns: Mapping[str, str]) -> ColumnCoverage:
        """Sort the columns of a receipt or a table."""
        others: dict[str, list[str]] = {}
        for name, reason in columns.items():
            if reason:
                others.setdefault(reason, []).append(name)
        scanned = sum(1 for name, reason in columns.items() if not reason and name != "*")
        ranked = dict(sorted(others.items(), key=lambda item: (-len(item[1]), item[0])))
        return cls(scanned, ranked, every_member=columns.get("*") == "")

    def words(self) -> str:
        """Say how many columns were scanned."""
        if self.every_member:
            return "every member of every row" + (f", {counted(self.scanned, 'named column')}" if self.scanned else "")
        total = self.scanned + sum(map(len, self.others.values()))
        return f"{self.scanned:,} of {counted(total, 'column')}" if total else "whole rows"

    def other_words(self) -> list[str]:
        """Say for each reason which columns were not scanned: ``no text: id, qty``."""
        return [f"{printable(reason)}: {_listed(names)}" for reason, names in self.others.items()]


def _listed(names: list[str]) -> str:
    """List names, the first dozen of them."""
    shown = ", ".join(printable(name) for name in names[:_NAMES])
    return shown if len(names) <= _NAMES else f"{shown} and {len(names) - _NAMES:,} more"
