"""The first pass: where in a batch something may be, and which rules may find it there."""

from __future__ import annotations

from functools import lru_cache
from re import _parser  # type: ignore[attr-defined]  # the standard library's own reading of a pattern
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auditor.detect.encoded import encoded_positions
from auditor.detect.rulebook import Rulebook
from auditor.model import Cell, Row
from auditor.protocols import Engine, Haystack, RowBatch

_UNKNOWN = -1
#: Stands for "an encoded run" where an expression's number stands.
ENCODED = -1
#: Values are kept by row and start in one number.
_START_BITS = 40
_START = (1 << _START_BITS) - 1


class Spot(NamedTuple):
    """
    What to try on one value: rules, the most specific first, and whether it holds a run that may be encoded text.

    ``whole_row`` tells that one of the rules is for the row as a whole.
    """

    rules: tuple[int, ...]
    encoded: bool
    whole_row: bool


class Hit(NamedTuple):
    """
    A row in which something may be.

    ``row`` is its number in the batch. ``located`` has its table and the cells of the ``spots``, in their order; where only
    decoding the row can tell, it is None.
    """

    row: int
    located: Row | None
    spots: list[Spot]


class Prefilter:
    """Runs the engine and the encoded-run stage over batches."""

    def __init__(self, rulebook: Rulebook, engine: Engine) -> None:
        """Take the engine that was made from the rulebook's expressions."""
        self._engine = engine
        self._rulebook = rulebook
        self._widths: dict[int, int] = {}
        #: Return what to try where expressions of these numbers matched.
        self.spot = lru_cache(maxsize=4096)(self._spot)
        #: Return what to try where all of some spots may be.
        self.joined = lru_cache(maxsize=4096)(self._joined)

    def hits(self, batch: RowBatch) -> list[Hit]:
        """Return the rows in which something may be, ascending."""
        buffers = [self._search(haystack) for haystack in batch.haystacks()]
        if len(buffers) == 1:
            return buffers[0]
        found = [hit for hits in buffers for hit in hits]
        found.sort(key=lambda hit: hit.row)
        hits: list[Hit] = []
        for hit in found:
            if hits and hits[-1].row == hit.row:
                hits[-1] = _joined(hits[-1], hit)
            else:
                hits.append(hit)
        return hits

    def _search(self, haystack: Haystack) -> list[Hit]:
        """Return the rows in which something may be in one buffer."""
        events = np.array(self._engine.search(haystack.data), dtype=np.int64).reshape(-1, 2)
        encoded = encoded_positions(haystack.data)
        numbers = np.concatenate((events[:, 0], np.full(len(encoded), ENCODED)))
        positions = np.concatenate((events[:, 1], encoded))
        if not len(positions):
            return []
        which, rows = haystack.rows(positions)
        numbers, positions = numbers[which], positions[which]
        starts = haystack.values.starts(positions, rows) if haystack.values else np.full(len(rows), _UNKNOWN)
        if haystack.adjacent:
            within = positions - self._widths_of(numbers) + 1 >= starts
            numbers, rows, starts = numbers[within], rows[within], starts[within]
        values = (rows << _START_BITS) + starts + 1
        # A token of 200 characters holds ten places of an encoded run, side by side: one of them will do.
        new = (np.diff(values, prepend=-1) != 0) | (numbers != ENCODED) | (np.diff(numbers, prepend=0) != 0)
        by_value: dict[int, set[int]] = {}
        for number, value in zip(numbers[new].tolist(), values[new].tolist(), strict=True):
            known = by_value.get(value)
            if known is None:
                by_value[value] = {number}
            else:
                known.add(number)
        return self._located(haystack, by_value)

    def _located(self, haystack: Haystack, by_value: dict[int, set[int]]) -> list[Hit]:
        """Find the cells of values, each with the expressions that matched in it."""
        by_row: dict[int, tuple[list[int], list[Spot]]] = {}
        for value in sorted(by_value):
            starts, spots = by_row.setdefault(value >> _START_BITS, ([], []))
            starts.append((value & _START) - 1)
            spots.append(self.spot(frozenset(by_value[value])))
        values = haystack.values
        return [
            Hit(row, None if values is None or starts[0] == _UNKNOWN else values.row(row, starts), spots)
            for row, (starts, spots) in by_row.items()
        ]

    def _spot(self, numbers: frozenset[int]) -> Spot:
        """Return what to try where expressions of these numbers matched."""
        found = {rule for number in numbers if number != ENCODED for rule in self._rulebook.owners[number]}
        if ENCODED in numbers:
            found |= self._rulebook.of_encoded
        return self._spot_of(found, encoded=ENCODED in numbers)

    def _joined(self, spots: tuple[Spot, ...]) -> Spot:
        """Return what to try where all of these spots may be."""
        return self._spot_of({rule for spot in spots for rule in spot.rules}, encoded=any(spot.encoded for spot in spots))

    def _spot_of(self, found: set[int], *, encoded: bool) -> Spot:
        """Put rules in order."""
        rules = self._rulebook.rules
        ordered = tuple(sorted(found, key=lambda rule: (-rules[rule].rank, rule)))
        return Spot(ordered, encoded, any(rules[rule].whole_row for rule in ordered))

    def spots(self, texts: list[str]) -> list[Spot]:
        """Return what to try on each of these texts."""
        raw = [text.encode("utf-8", "replace") for text in texts]
        ends = np.cumsum(np.fromiter((len(part) + 1 for part in raw), dtype=np.int64, count=len(raw)))
        joined = b"\n".join(raw) + b"\n"
        numbers: list[set[int]] = [set() for _ in texts]
        events = self._engine.search(joined)
        if events:
            owners = np.searchsorted(ends, np.array([position for _, position in events], dtype=np.int64), side="right")
            for (number, _), owner in zip(events, owners.tolist(), strict=True):
                numbers[owner].add(number)
        for owner in np.searchsorted(ends, encoded_positions(joined), side="right").tolist():
            numbers[owner].add(ENCODED)
        return [self.spot(frozenset(found)) for found in numbers]

    def _widths_of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the length of each expression's shortest match; of an encoded run, one."""
        for number in set(numbers.tolist()) - self._widths.keys():
            expression = "." if number == ENCODED else self._rulebook.expressions[number]
            self._widths[number] = int(_parser.parse(expression).getwidth()[0])
        return np.array([self._widths[number] for number in numbers.tolist()], dtype=np.int64)


def _joined(one: Hit, other: Hit) -> Hit:
    """Join what was found of one row in two buffers."""
    spots = one.spots + other.spots
    if one.located is None or other.located is None:
        return Hit(one.row, None, spots)
    cells: list[Cell] = [*one.located.cells, *other.located.cells]
    return Hit(one.row, one.located._replace(cells=cells), spots)
