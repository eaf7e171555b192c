"""
The history of a table, from which every format is written: what became of each row, when, and what is planted in it.

The same seed gives the same changes whatever the format, so a row and its plants appear in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from auditor.sample.plan import Placement, Plan, Plant
from auditor.sample.sql_types import Row, Table

_UPDATED = 0.12
_DELETED = 0.14


class Change(NamedTuple):
    """
    One change of a row.

    ``op`` is ``c``, ``u`` or ``d``. ``row`` is the current row; for a deletion, the row that went. ``before`` is the earlier row
    of an update or deletion. ``wall`` is the commit time in nanoseconds since 1970.
    """

    table: Table
    op: str
    row: Row
    before: Row | None
    wall: int
    plants: tuple[Plant, ...]


class Clock(NamedTuple):
    """When the changes of a run commit: the n-th of each table at start + n steps and a little."""

    start: int
    step: int

    def at(self, index: int, table: Table) -> int:
        """Return the commit time of a change in nanoseconds."""
        return self.start + index * self.step + len(table.name) * 1009 + index * 7919 % (self.step >> 1)

    def after(self, index: int) -> int:
        """Return a resolved timestamp: later than change ``index - 1`` of every table, not later than change ``index``."""
        return self.start + index * self.step


def changes(table: Table, plan: Plan, clock: Clock) -> Iterator[Change]:
    """Yield the changes of a table without end."""
    rng = Random(f"{plan.seed}/{table.name}")
    index = 0
    while True:
        roll = rng.random()
        op = "u" if roll < _UPDATED else "d" if roll < _DELETED else "c"
        placements = plan.at(table.name, index)
        row = table.make(rng, index)
        wall = clock.at(index, table)
        change = Change(table, _forced(op, placements), row, None, wall, ())
        if placements:
            yield _planted(change, placements, Random(f"{plan.seed}/{index}"), plan.seed, index)
        elif op == "c":
            yield change
        else:
            yield change._replace(before=table.earlier(rng, row) if op == "u" else row)
        index += 1


def _forced(op: str, placements: Sequence[Placement]) -> str:
    """Return the op that the placements need, or the natural one where it does."""
    needs = {placement.op for placement in placements}
    for need in ("d", "u"):
        if need in needs:
            return need
    return "c" if op == "d" and "" in needs else op


def _planted(change: Change, placements: Sequence[Placement], rng: Random, seed: int, index: int) -> Change:
    """Put the plants into a change's row and its earlier version."""
    plants: list[Plant] = []
    row, op = change.row, change.op
    for placement in placements:
        if placement.shared and not placement.place.past:
            plants.extend(placement.plant(seed, index, row))
    before = None if op == "c" else change.table.earlier(rng, row) if op == "u" else row
    for placement in placements:
        if placement.place.past:
            assert before is not None
            plants.extend(placement.plant(seed, index, before))
        elif not placement.shared:
            plants.extend(placement.plant(seed, index, row))
    return change._replace(before=before, plants=tuple(plants))
