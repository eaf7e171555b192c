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
from auditor.decoders.json_structure import IN_ARRAY, JsonStructure
from auditor.leaves import WHOLE, member
from auditor.model import Cell, Row
from auditor.names import table_from_topic
from auditor.protocols import Framed

_ARRAY_MARK = b"[*]"
_CREDENTIAL = re.compile(rb'"(?:%b)"' % "|".join(sorted(WHOLE)).encode())
#: A wrapped message as CockroachDB writes it, its objects and arrays emptied.
_WRAPPED = re.compile(
    rb'\{"after": (?:null|\{\})(?:, "before": (?:null|\{\}))?(?:, "key": \[\])?'
    rb'(?:, "mvcc_timestamp": "[0-9.]*")?(?:, "topic": "([^"\\]*)")?(?:, "updated": "[0-9.]*")?\}\s*'
)
_new = tuple.__new__  # a named tuple's own constructor takes three times as long, and this runs for every hit


class JsonValues:
    """Finds texts in a chunk with one message a record, for one search; see `auditor.protocols.Values`."""

    def __init__(self, framed: Framed, part: str = "") -> None:
        """Take the chunk; with a ``part``, a message is no more than the columns of that part."""
        self._framed, self._part = framed, part

    def starts(self, positions: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where the text around each position begins, -1 where only parsing its message can tell, or is sooner done."""
        excerpt = Excerpt.of(self._framed, positions, rows)
        if excerpt is None:
            return np.full(len(positions), -1)
        self._data = excerpt.data
        self._bounds = excerpt.bounds.tolist()
        self._messages = {row: number for number, row in enumerate(excerpt.rows.tolist())}
        self._structure = JsonStructure(excerpt.data, excerpt.bounds[:-1])
        texts = self._structure.texts(excerpt.positions, excerpt.records)
        begins = texts.begins[texts.which]
        found: NDArray[np.int64] = np.where(begins >= 0, begins + excerpt.shifts, -1)
        self._numbers = dict(zip(found.tolist(), texts.which.tolist(), strict=True))
        self._begins, self._ends, self._names = texts.begins.tolist(), texts.ends.tolist(), texts.names.tolist()
        self._has_credentials = _CREDENTIAL.search(self._data) is not None
        self._places: dict[bytes, tuple[str, str, str] | None] = {}
        return found

    def row(self, index: int, starts: Sequence[int]) -> Row | None:
        """Return a message's table and the cells of the texts that begin at ``starts``; None if only parsing it can tell."""
        message = self._messages[index]
        begin, end = self._bounds[message], self._bounds[message + 1]
        if self._has_credentials and _CREDENTIAL.search(self._data, begin, end):
            return None  # an object that is offered whole, too
        shape, table = ("bare", None) if self._part else self._envelope(message, begin, end)
        cells: list[Cell] = []
        for start in starts:
            number = self._numbers[start]
            names = self._names_around(number)
            key = b'"'.join((shape.encode(), *names))
            place = self._places.get(key)
            if place is None and key not in self._places:
                place = self._places[key] = self._place(shape, names)
            text = self._text(self._data[self._begins[number] - 1 : self._ends[number] + 1])
            if place is None or text is None:
                return None
            cells.append(_new(Cell, (*place, text)))
        return Row(cells, table)

    def _envelope(self, message: int, begin: int, end: int) -> tuple[str, str | None]:
        """Return the shape and the table of a message, by what is left of it when its objects and arrays are emptied."""
        data = self._data
        emptied = b""
        for opens, closes in zip(*self._structure.inner_spans(message), strict=True):
            emptied += data[begin : opens + 1]
            begin = closes
        emptied += data[begin:end]
        usual = _WRAPPED.fullmatch(emptied)
        if usual:
            return "wrapped", table_from_topic(usual[1].decode()) if usual[1] else None
        try:
            parsed = orjson.loads(emptied)
        except orjson.JSONDecodeError:
            return "", None
        shape, topic = envelope.shape_of(parsed), parsed.get("topic")
        if shape != "wrapped" or "source" in parsed:
            return ("bare" if shape == "bare" and "__crdb__" not in parsed else ""), None
        return shape, table_from_topic(topic) if topic and type(topic) is str else None

    def _names_around(self, number: int) -> list[bytes]:
        """Return the names of the objects around a text, outermost first, and its own; of what lies in an array, ``[*]``."""
        data = self._data
        names: list[bytes] = []
        spans = self._names[number]
        for place in (*range(2, len(spans), 2), 0):
            begin = spans[place]
            if begin >= 0:
                names.append(data[begin - 1 : spans[place + 1] + 1])
            elif begin == IN_ARRAY:
                names.append(_ARRAY_MARK)
            elif not place:
                names.append(b"")  # no name where one should be
        return names

    def _place(self, shape: str, names: Sequence[bytes]) -> tuple[str, str, str] | None:
        """Return part, column and path of a text with these names around it, still quoted; None if only parsing can tell."""
        part = self._part or "after"
        if shape == "wrapped":
            if len(names) < 2 or names[0] not in (b'"after"', b'"before"'):
                return None
            part = names[0][1:-1].decode()
        elif shape != "bare":
            return None
        column, *inner = names[1:] if shape == "wrapped" else names
        path = ""
        for name in inner:
            if name == _ARRAY_MARK:
                path = f"{path or '$'}[*]"
            elif (plain := self._text(name)) is not None:
                path = member(path or "$", plain)
            else:
                return None
        named = None if column == _ARRAY_MARK else self._text(column)
        return None if named is None else (part, named, path)

    def _text(self, quoted: bytes) -> str | None:
        """Return what a quoted text says, None if it is none, no UTF-8 or wrongly escaped."""
        if not quoted:
            return None
        try:
            return orjson.loads(quoted) if b"\\" in quoted else quoted[1:-1].decode()
        except (UnicodeDecodeError, orjson.JSONDecodeError):
            return None
