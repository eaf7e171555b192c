"""
The texts of changefeed messages, found without parsing them.

In a column full of secrets every row has a hit, and parsing each message for one value would be most of the work. Whatever is not
plainly so (a member's name, a key, an envelope whose columns lie elsewhere, an odd number of quotes) is left to the parser: this
must never guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import orjson
from numpy.typing import NDArray

from auditor.decoders import envelope
from auditor.decoders.excerpt import Excerpt
from auditor.decoders.json_structure import JsonStructure
from auditor.decoders.names import table_from_topic
from auditor.leaves import WHOLE, member
from auditor.model import Cell, Row
from auditor.protocols import Framed

_ARRAY = ord("[")
_CREDENTIAL = re.compile(rb'"(?:%b)"' % "|".join(sorted(WHOLE)).encode())


class JsonValues:
    """Finds texts in a chunk with one message a record, for one search; see `auditor.protocols.Values`."""

    def __init__(self, framed: Framed, part: str = "") -> None:
        """Take the chunk; with a ``part``, a message is no more than the columns of that part."""
        self._framed, self._part = framed, part

    def starts(self, positions: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where the text around each position begins, -1 where only parsing its message can tell."""
        excerpt = Excerpt.of(self._framed, positions, rows)
        self._data = excerpt.data
        self._bounds = excerpt.bounds.tolist()
        self._messages = {row: number for number, row in enumerate(excerpt.rows.tolist())}
        self._structure = JsonStructure(excerpt.data, excerpt.bounds[:-1])
        texts = self._structure.texts(excerpt.positions, excerpt.records)
        found: NDArray[np.int64] = np.where(texts.begins >= 0, texts.begins + excerpt.shifts, -1)
        self._numbers = {start: number for number, start in enumerate(found.tolist())}
        self._begins, self._ends = texts.begins.tolist(), texts.ends.tolist()
        self._names, self._depths, self._around = texts.names.tolist(), texts.depths.tolist(), texts.around.tolist()
        self._brackets, self._bracket_names = self._structure.brackets.tolist(), self._structure.names.tolist()
        self._has_credentials = _CREDENTIAL.search(self._data) is not None
        return found

    def row(self, index: int, starts: Sequence[int]) -> Row | None:
        """Return a message's table and the cells of the texts that begin at ``starts``; None if only parsing it can tell."""
        message = self._messages[index]
        begin, end = self._bounds[message : message + 2]
        if self._has_credentials and _CREDENTIAL.search(self._data, begin, end):
            return None  # an object that is offered whole, too
        shape, table = ("bare", None) if self._part else self._envelope(message, begin, end)
        cells: list[Cell] = []
        for start in starts:
            cell = self._cell(self._numbers[start], shape)
            if cell is None:
                return None
            cells.append(cell)
        return Row(cells, table)

    def _envelope(self, message: int, begin: int, end: int) -> tuple[str, str | None]:
        """Return the shape and the table of a message, by what is left of it when its objects and arrays are emptied."""
        data = self._data
        pieces: list[bytes] = []
        for opens, closes in zip(*self._structure.inner_spans(message), strict=True):
            pieces.append(data[begin : opens + 1])
            begin = closes
        pieces.append(data[begin:end])
        try:
            emptied = orjson.loads(b"".join(pieces))
        except orjson.JSONDecodeError:
            return "", None
        topic = emptied.get("topic")
        shape = envelope.shape_of(emptied)
        if shape != "wrapped" or "source" in emptied:
            return ("bare" if shape == "bare" and "__crdb__" not in emptied else ""), None
        return shape, table_from_topic(topic) if topic and type(topic) is str else None

    def _cell(self, number: int, shape: str) -> Cell | None:
        """Return the cell of a text by the names around it."""
        around = self._around[number][: self._depths[number]]
        part = self._part or "after"
        if shape == "wrapped":
            if len(around) < 2:
                return None
            name = self._name(self._bracket_names[around[1]])
            if name not in ("after", "before") or self._data[self._brackets[around[1]]] == _ARRAY:
                return None
            part, around = name, around[1:]
        elif shape != "bare":
            return None
        names = [self._bracket_names[bracket] for bracket in around[1:]] + [self._names[number]]
        column = self._name(names[0])
        path = ""
        for bracket, span in zip(around[1:], names[1:], strict=True):
            if self._data[self._brackets[bracket]] == _ARRAY:
                path = f"{path or '$'}[*]"
            elif name := self._name(span):
                path = member(path or "$", name)
            else:
                return None
        text = self._text(self._begins[number], self._ends[number])
        return None if column is None or text is None else Cell(part, column, path, text)

    def _name(self, span: Sequence[int]) -> str | None:
        """Return a member's name, None if there is none."""
        return self._text(*span) if span[0] >= 0 else None

    def _text(self, begin: int, end: int) -> str | None:
        """Return the text between two quotes, None if it is no UTF-8 or wrongly escaped."""
        raw = self._data[begin:end]
        try:
            return orjson.loads(self._data[begin - 1 : end + 1]) if b"\\" in raw else raw.decode()
        except (UnicodeDecodeError, orjson.JSONDecodeError):
            return None
