"""
A labelled set of column kinds: what each is called, in which table, beside which columns, and how its values are made.

`RAW` kinds hold raw tokens. `OTHER` kinds must raise no alarm. `EITHER` kinds may be called tokens or not: an invite code opens
something, and often is printed on a poster; these are not counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from zlib import crc32

import numpy as np

from auditor.columns import Profiles, Verdict
from auditor.identity import AuditKey
from auditor.protocols import Frame
from tests.columns.value_makers import Make, email, integer, moment, person, uuid4


@dataclass(frozen=True)
class Kind:
    """
    One kind of column. ``places`` are the tables and columns that it may stand in, as ``schema.table.column``.

    ``path`` is where in the column's JSON the value is, '' if it is the column's own. ``beside`` are columns of the same table.
    """

    places: tuple[str, ...]
    make: Make
    path: str = ""
    beside: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name the kind by its first place."""
        return self.places[0] + self.path


def kind(places: str, make: Make, path: str = "", beside: str = "") -> Kind:
    """Describe a kind."""
    return Kind(tuple(places.split()), make, path, tuple(beside.split()))


@dataclass(frozen=True)
class Sample:
    """One generated column of a kind: so many rows, so many of them without a value."""

    kind: Kind
    place: str
    rows: int
    nulls: float
    seed: int


def sample_of(one: Kind, seed: int) -> Sample:
    """Choose place, rows and nulls of a column by its seed."""
    rng = Random(crc32(f"{one.name} {seed}".encode()))
    rows = int(300 * (5000 / 300) ** rng.random())
    return Sample(one, rng.choice(one.places), rows, rng.choice([0.0, 0.0, 0.05, 0.3, 0.6]), seed)


def verdict_on(sample: Sample, key: AuditKey) -> Verdict:
    """Generate a column, with its neighbours, and return what is said of it."""
    table, _, column = sample.place.rpartition(".")
    rng = np.random.default_rng(crc32(f"{sample.kind.name} {sample.seed} rows".encode()))
    hashes = rng.integers(0, 2**64 - 1, sample.rows, np.uint64)
    profiles = Profiles(key)
    chosen = profiles.wanted(table, hashes)
    rows = list(range(sample.rows)) if chosen is None else chosen.tolist()
    columns: dict[str, list[object]] = {column: list(_values(sample, rows))}
    for name in sample.kind.beside:
        columns.setdefault(name, [_neighbour(name)(_rng(sample, row, name), row) for row in rows])
    profiles.add(table, [Frame(table, "after", rows, columns)], hashes)
    (found,) = [one for one in profiles.judge(table) if one.column == column and one.path == sample.kind.path]
    return found


def _rng(sample: Sample, row: int, name: str) -> Random:
    """Return the generator of one value: the same whichever rows are looked at."""
    return Random(hashlib.blake2b(f"{sample.kind.name} {sample.seed} {row} {name}".encode(), digest_size=8).digest())


def _values(sample: Sample, rows: list[int]) -> Iterator[object]:
    """Make the values of some rows."""
    for row in rows:
        rng = _rng(sample, row, "")
        yield None if rng.random() < sample.nulls else sample.kind.make(rng, row)


def _neighbour(name: str) -> Make:
    """Return what makes a column that only stands beside another."""
    if name.endswith("_at"):
        return moment
    if name in {"id", "user_id"} or name.endswith("_id"):
        return uuid4
    return {"email": email, "name": person}.get(name, integer(1, 9))
