"""The first pass: where in a batch something may be, and which rules may find it there."""

from __future__ import annotations

from re import _parser  # type: ignore[attr-defined]  # the standard library's own reading of a pattern
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auditor.detect.encoded import encoded_positions, holds_text, run_end
from auditor.detect.rulebook import Rulebook
from auditor.model import Row
from auditor.protocols import Engine, Haystack, RowBatch

_UNKNOWN = -1
#: Stands for "an encoded run" where an expression's number stands.
_ENCODED = -1


class Spot(NamedTuple):
    """What to try on one value: rules, and whether it holds a run that may be encoded text."""

    rules: set[int]
    encoded: bool


class Hit(NamedTuple):
    """
    A row in which something may be.

    ``row`` is its number in the batch. ``located`` has its table and the cells of the ``spots``, in their order; it is None where
    only decoding the row can tell.
    """

    row: int
    located: Row | None
    spots: list[Spot]


#: For each row, by where its values begin, the numbers of the expressions that matched there.
_Found = dict[int, dict[int, set[int]]]


class Prefilter:
    """Runs the engine and the encoded-run stage over batches."""

    def __init__(self, rulebook: Rulebook, engine: Engine) -> None:
        """Take the engine that was made from the rulebook's expressions."""
        self._engine = engine
        self._rulebook = rulebook
        self._widths: dict[int, int] = {}

    def hits(self, batch: RowBatch) -> list[Hit]:
        """Return the rows in which something may be, ascending."""
        found = [(haystack, by_row) for haystack in batch.haystacks() if (by_row := self._search(haystack))]
        if len(found) == 1:
            ((haystack, by_row),) = found
            return [self._hit(index, [(haystack, by_row[index])]) for index in sorted(by_row)]
        rows = sorted({index for _, by_row in found for index in by_row})
        return [self._hit(index, [(haystack, by_row[index]) for haystack, by_row in found if index in by_row]) for index in rows]

    def _hit(self, index: int, found: list[tuple[Haystack, dict[int, set[int]]]]) -> Hit:
        """Put together what was found in one row."""
        spots: list[Spot] = []
        whole: Row | None = None
        for haystack, by_start in found:
            starts = sorted(by_start)
            if haystack.values is None or starts[0] == _UNKNOWN or (row := haystack.values.row(index, starts)) is None:
                return Hit(index, None, [])
            whole = row if whole is None else whole._replace(cells=[*whole.cells, *row.cells])
            spots += [self._spot(by_start[start]) for start in starts]
        return Hit(index, whole, spots)

    def _spot(self, expressions: set[int]) -> Spot:
        """Return what to try on a value in which these expressions matched."""
        owners = self._rulebook.owners
        return Spot({rule for number in expressions if number != _ENCODED for rule in owners[number]}, _ENCODED in expressions)

    def _search(self, haystack: Haystack) -> _Found:
        """Search one buffer."""
        events = np.array(self._engine.search(haystack.data), dtype=np.int64).reshape(-1, 2)
        numbers, positions = events[:, 0], events[:, 1]
        which, rows = haystack.rows(positions) if len(positions) else (positions, positions)
        encoded, encoded_rows = self._encoded(haystack, set(rows.tolist()))
        numbers = np.concatenate((numbers[which], np.full(len(encoded), _ENCODED)))
        positions, rows = np.concatenate((positions[which], encoded)), np.concatenate((rows, encoded_rows))
        if not len(rows):
            return {}
        starts = haystack.values.starts(positions, rows) if haystack.values else np.full(len(rows), _UNKNOWN)
        if haystack.adjacent:
            within = positions - self._widths_of(numbers) + 1 >= starts
            numbers, rows, starts = numbers[within], rows[within], starts[within]
        found: _Found = {}
        for number, row, start in zip(numbers.tolist(), rows.tolist(), starts.tolist(), strict=True):
            found.setdefault(row, {}).setdefault(start, set()).add(number)
        return found

    def _encoded(self, haystack: Haystack, hit_rows: set[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return positions in runs that may be encoded text, and their rows; a row with other hits is looked at anyway."""
        positions = encoded_positions(haystack.data)
        if not len(positions):
            return positions, positions
        which, rows = haystack.rows(positions)
        positions = positions[which]
        kept: list[int] = []
        known_row = known_end = -1  # of a run that is known, one position is enough
        for number, (position, row) in enumerate(zip(positions.tolist(), rows.tolist(), strict=True)):
            if row == known_row and position < known_end:
                continue
            if row in hit_rows or holds_text(haystack.data, position):
                known_row, known_end = row, run_end(haystack.data, position)
                kept.append(number)
        return positions[kept], rows[kept]

    def _widths_of(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the length of each expression's shortest match; of an encoded run, one."""
        for number in set(numbers.tolist()) - self._widths.keys():
            expression = "." if number == _ENCODED else self._rulebook.expressions[number]
            self._widths[number] = int(_parser.parse(expression).getwidth()[0])
        return np.array([self._widths[number] for number in numbers.tolist()], dtype=np.int64)
