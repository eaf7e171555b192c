"""The first pass: where in a batch something may be, and which rules may find it there."""

from __future__ import annotations

from functools import lru_cache
from re import _parser  # type: ignore[attr-defined]  # nothing public tells a pattern's shortest match, nor does the binding
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auditor.detect.encoded import encoded_positions, run_around
from auditor.detect.rulebook import Rulebook
from auditor.model import Cell, Row
from auditor.protocols import Engine, Haystack, RowBatch

_UNKNOWN = -1
#: Stands for "an encoded run" where an expression's number stands.
_ENCODED = -1
#: Characters of a clue: enough to tell cells apart, few enough for the shortest expression.
_CLUE = 8


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

    ``row`` is its number in the batch. ``located`` has its table and the cells of the ``spots``, in their order. Where only
    decoding the row can tell, or a rule wants all of it, that is None: ``clues`` are a few characters each to know cells by.
    """

    row: int
    located: Row | None
    spots: list[Spot]
    clues: list[tuple[str, Spot]]


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
                hits[-1] = _merged(hits[-1], hit)
            else:
                hits.append(hit)
        return hits

    def _search(self, haystack: Haystack) -> list[Hit]:
        """Return the rows in which something may be in one buffer."""
        events = np.array(self._engine.search(haystack.data), dtype=np.int64).reshape(-1, 2)
        encoded = encoded_positions(haystack.data)
        numbers = np.concatenate((events[:, 0], np.full(len(encoded), _ENCODED)))
        positions = np.concatenate((events[:, 1], encoded))
        if not len(positions):
            return []
        which, rows = haystack.rows(positions)
        numbers, positions = numbers[which], positions[which]
        starts = haystack.values.starts(positions, rows) if haystack.values else np.full(len(rows), _UNKNOWN)
        if haystack.adjacent:
            within = positions - self._widths_of(numbers) + 1 >= starts
            numbers, positions, rows, starts = numbers[within], positions[within], rows[within], starts[within]
        order = np.argsort(rows, kind="stable")
        numbers, positions, rows, starts = numbers[order], positions[order], rows[order], starts[order]
        edges = np.flatnonzero(np.diff(rows, prepend=-1, append=-1)).tolist()
        found = (numbers.tolist(), positions.tolist(), starts.tolist())
        return [
            self._hit(haystack, row, *(values[first:last] for values in found))
            for row, first, last in zip(rows[edges[:-1]].tolist(), edges[:-1], edges[1:], strict=True)
        ]

    def _hit(self, haystack: Haystack, row: int, numbers: list[int], positions: list[int], starts: list[int]) -> Hit:
        """Put together what was found in one row: where its values begin if that is known, else clues."""
        by_start: dict[int, set[int]] = {}
        for number, start in zip(numbers, starts, strict=True):
            known = by_start.get(start)
            if known is None:
                by_start[start] = {number}
            else:
                known.add(number)
        if haystack.values is not None and _UNKNOWN not in by_start:
            begins = sorted(by_start)
            spots = [self.spot(frozenset(by_start[start])) for start in begins]
            if not any(spot.whole_row for spot in spots) and (located := haystack.values.row(row, begins)) is not None:
                # Another buffer may hold more of this row, and not tell where.
                clues = self._clues(haystack.data, numbers, positions) if haystack.adjacent else []
                return Hit(row, located, spots, clues)
        return Hit(row, None, [], self._clues(haystack.data, numbers, positions))

    def _clues(self, data: bytes, numbers: list[int], positions: list[int]) -> list[tuple[str, Spot]]:
        """Return what to try where the clues are that these matches left."""
        by_clue: dict[str, set[int]] = {}
        for number, position in zip(numbers, positions, strict=True):
            by_clue.setdefault(self._clue(data, number, position), set()).add(number)
        return [(clue, self.spot(frozenset(found))) for clue, found in by_clue.items()]

    def _clue(self, data: bytes, number: int, position: int) -> str:
        """
        Return the last characters of a match, or the nearest ones of an encoded run.

        An expression never holds what a format escapes, so the end of its match is in the decoded cell as it is in the buffer.
        """
        if number == _ENCODED:
            return run_around(data, position).decode("ascii")
        return data[position + 1 - min(_CLUE, self._width(number)) : position + 1].decode("utf-8", "replace")

    def _spot(self, numbers: frozenset[int]) -> Spot:
        """Return what to try where expressions of these numbers matched."""
        found = {rule for number in numbers if number != _ENCODED for rule in self._rulebook.owners[number]}
        return self._spot_of(found, encoded=_ENCODED in numbers)

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
            numbers[owner].add(_ENCODED)
        return [self.spot(frozenset(found)) for found in numbers]

    def _widths_of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the length of each expression's shortest match."""
        return np.array([self._width(number) for number in numbers.tolist()], dtype=np.int64)

    def _width(self, number: int) -> int:
        """Return the length of an expression's shortest match; of an encoded run, one."""
        width = self._widths.get(number)
        if width is None:
            width = 1 if number == _ENCODED else int(_parser.parse(self._rulebook.expressions[number]).getwidth()[0])
            self._widths[number] = width
        return width


def _merged(one: Hit, other: Hit) -> Hit:
    """Join what was found of one row in two buffers."""
    clues = one.clues + other.clues
    if one.located is None or other.located is None:
        return Hit(one.row, None, [], clues)
    cells: list[Cell] = [*one.located.cells, *other.located.cells]
    return Hit(one.row, one.located._replace(cells=cells), one.spots + other.spots, clues)
