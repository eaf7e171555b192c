"""The first pass: where in a batch something may be, and a few bytes of it to know the cell by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from re import _parser  # type: ignore[attr-defined]  # the standard library's own reading of a pattern
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from auditor.detect.encoded import encoded_positions, holds_text, run_end
from auditor.detect.rulebook import Rulebook
from auditor.protocols import Engine, Haystack, RowBatch

#: Stands for "an encoded run" where a clue has a rule's index.
ENCODED = -1
_MOST = 12
_WORD = 8


class Clue(NamedTuple):
    """The rule that may match (or `ENCODED`), and the last characters of what its prefilter matched."""

    rule: int
    text: str


class Clues:
    """
    Runs the prefilter and the encoded-run stage over batches.

    A prefilter expression never holds what a format escapes, so the end of its match is in the decoded cell as it is in the
    buffer.
    """

    def __init__(self, rulebook: Rulebook, engine: Engine) -> None:
        """Take the engine that was made from the rulebook's expressions."""
        self._engine = engine
        self._rulebook = rulebook
        self._widths: dict[int, int] = {}

    def of(self, batch: RowBatch) -> Iterator[tuple[int, list[Clue]]]:
        """Yield the rows in which something may be, ascending, with what may be there."""
        by_row: dict[int, dict[Clue, None]] = {}
        for haystack in batch.haystacks():
            self._search(haystack, by_row)
        for row in sorted(by_row):
            yield row, list(by_row[row])

    def _search(self, haystack: Haystack, by_row: dict[int, dict[Clue, None]]) -> None:
        """Search one buffer."""
        data = haystack.data
        events = self._engine.search(data)
        if events and haystack.starts is not None:
            events = self._within_values(events, haystack.starts)
        if events:
            which, rows = haystack.rows(np.array([position for _, position in events], dtype=np.int64))
            for number, row in zip(which.tolist(), rows.tolist(), strict=True):
                expression, position = events[number]
                text = data[position + 1 - min(_MOST, self._width(expression)) : position + 1].decode("utf-8", "replace")
                clues = by_row.setdefault(row, {})
                for rule in self._rulebook.owners[expression]:
                    clues[Clue(rule, text)] = None
        encoded = encoded_positions(data)
        if len(encoded):
            which, rows = haystack.rows(encoded)
            known_row = known_end = -1  # a run that is known to hold text need not be looked at again
            for position, row in zip(encoded[which].tolist(), rows.tolist(), strict=True):
                if row == known_row and position < known_end:
                    continue
                if holds_text(data, position):
                    known_row, known_end = row, run_end(data, position)
                    by_row.setdefault(row, {})[Clue(ENCODED, data[position : position + _WORD].decode("latin-1"))] = None

    def _within_values(
        self, events: Sequence[tuple[int, int]], starts: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    ) -> list[tuple[int, int]]:
        """Drop the matches that began in the value before."""
        ends = np.array([position for _, position in events], dtype=np.int64)
        widths = np.array([self._width(expression) for expression, _ in events], dtype=np.int64)
        return [events[index] for index in np.flatnonzero(ends - widths + 1 >= starts(ends)).tolist()]

    def _width(self, expression: int) -> int:
        """Return how long an expression's shortest match is: a clue must lie inside it."""
        width = self._widths.get(expression)
        if width is None:
            width = int(_parser.parse(self._rulebook.expressions[expression]).getwidth()[0])
            self._widths[expression] = width
        return width
