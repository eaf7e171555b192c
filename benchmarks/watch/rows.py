"""
The rows of every feed here: changes of the sample's table of users as a changefeed sends them, made from a seed.

A row in 10,000 holds a planted token. There are 100,000 rows; a feed of more sends them again and again, as one does that resends
after a restart: what is inspected of them is the same each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice
from typing import NamedTuple

from auditor.sample import plan
from auditor.sample.changes import Change, Clock, changes
from auditor.sample.encode.moments import hlc
from auditor.sample.formats.envelopes import encoder
from auditor.sample.sql_types import Column, Table
from auditor.sample.tables import TABLES
from auditor.sample.tokens.kinds import Expect

TABLE = "users"
#: Rows that differ, and how many of them hold a planted token.
DIFFERENT, PLANTED = 100_000, 10
#: The one column that is left out, so that a value has 570 bytes on average.
_WITHOUT = "signup_ip"
_SEED, _WINDOW = 3, 2000
_CLOCK = Clock(1_793_659_200_000_000_000, 1_000_000)


class Row(NamedTuple):
    """A change, and its key and value as JSON: wrapped, with ``updated``."""

    change: Change
    key: bytes
    value: bytes


@cache
def different() -> list[Row]:
    """Make the rows: 4 s."""
    table = next(table for table in TABLES if table.name == TABLE)
    encode = encoder(TABLE, tuple(column.name for column in columns(table)))
    rows: list[Row] = []
    planted = 0
    for change in changes(table, plan.spread(_SEED, _WINDOW), _CLOCK):
        if change.plants and not (_found(change) and planted <= len(rows) * PLANTED // DIFFERENT):
            continue
        after = "null" if change.op == "d" else encode.object(change.row)
        value = f'{{"after": {after}, "updated": "{hlc(change.wall)}"}}'.encode()
        planted += bool(change.plants)
        rows.append(Row(change, encode.key(change.row).encode(), value))
        if len(rows) == DIFFERENT:
            return rows
    raise AssertionError  # a table's changes have no end


def columns(table: Table) -> list[Column]:
    """Return the columns of a row."""
    return [column for column in table.columns if column.name != _WITHOUT]


def _found(change: Change) -> bool:
    """Tell whether all that is planted in a change has a published form."""
    return all(plant.expect is Expect.FOUND for plant in change.plants)


def many(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield so many keys and values."""
    return ((row.key, row.value) for row in islice(cycle(different()), count))
