"""
The texts of binary messages, found where they lie: what Avro and Protobuf have in common.

A text lies in such a message as it is, but what stands before it is its length, and that may be a letter (``B`` for 33 characters
in Avro): it joins the run that the text begins with, and no cell holds a clue that is cut from there. So a message that had a hit
is walked once, value by value, which also spares a column full of secrets the making of all other cells.
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from auditor.decoders.framing import starts_of
from auditor.leaves import leaves
from auditor.model import Cell, Row
from auditor.protocols import Framed

_OPENING, _OPENING_BYTES = ("{", "["), (b"{", b"[")


class Json(enum.Enum):
    """Whether a text is JSON that a column held as such: then its leaves are the cells, as in a JSON changefeed."""

    NO = enum.auto()
    IF_OBJECT = enum.auto()  # the format does not tell: what reads as an object or an array is taken for one
    YES = enum.auto()


class Place(NamedTuple):
    """Where a text belongs; see `auditor.model.Cell`."""

    part: str
    column: str
    path: str
    json: Json = Json.NO


class Span(NamedTuple):
    """A text of a message: where it begins and ends, and where it belongs."""

    begin: int
    end: int
    place: Place


class Walked(NamedTuple):
    """The texts of a message in the order they lie in, and its row without the cells."""

    spans: Sequence[Span]
    row: Row


def as_text(value: bytes) -> str:
    """Return bytes as text. Where they are no UTF-8 there is U+FFFD; ASCII beside it stays."""
    return value.decode("utf-8", "replace")


def json_value(text: str) -> object:
    """Return what JSON says, and what is none as it is."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def cells_of(message: bytes, span: Span) -> list[Cell]:
    """Return the cells of a text."""
    part, column, path, json = span.place
    text = as_text(message[span.begin : span.end])
    if json is Json.YES or (json is Json.IF_OBJECT and text[:1] in _OPENING):
        return list(leaves(part, column, json_value(text), path))
    return [Cell(part, column, path, text)]


class LocatedValues:
    """Finds texts in payloads that lie one after another, for one search; see `auditor.protocols.Values`."""

    def __init__(self, framed: Framed, walk: Callable[[bytes], Walked | None]) -> None:
        """Take the payloads, a line feed behind each, and what walks one; it returns None where only decoding can tell."""
        self._framed, self._walk = framed, walk
        self._found: dict[int, tuple[bytes, Walked]] = {}
        self._spans: dict[int, Span] = {}

    def starts(self, positions: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where the text around each position begins, be it on the last byte of the text's length; -1 between texts."""
        begins, ends = starts_of(self._framed.ends)[rows].tolist(), self._framed.ends[rows].tolist()
        found: list[int] = []
        places: dict[int, list[int]] = {}
        for position, row, begin, end in zip(positions.tolist(), rows.tolist(), begins, ends, strict=True):
            if row not in places:
                message = self._framed.data[begin : end - 1]
                walked = self._walk(message)
                places[row] = [span.begin for span in walked.spans] if walked else []
                if walked:
                    self._found[row] = (message, walked)
            span = self._around(position - begin, places[row], row)
            if span is not None:
                self._spans[begin + span.begin] = span
            found.append(-1 if span is None else begin + span.begin)
        return np.array(found, dtype=np.int64)

    def _around(self, position: int, begins: Sequence[int], row: int) -> Span | None:
        """Return the text around a position of a message, or directly behind it."""
        if not begins:
            return None
        spans = self._found[row][1].spans
        after = bisect_right(begins, position)
        if after and position < spans[after - 1].end:
            return spans[after - 1]
        return spans[after] if after < len(begins) and begins[after] == position + 1 else None

    def row(self, index: int, starts: Sequence[int]) -> Row | None:
        """
        Return a message's row with the cells of the texts that begin at ``starts``.

        None where one is JSON: to find the leaf by its clue is sooner done than to search all of them.
        """
        message, walked = self._found[index]
        cells: list[Cell] = []
        for start in starts:
            span = self._spans[start]
            if span.place.json is not Json.NO and message[span.begin : span.begin + 1] in _OPENING_BYTES:
                return None
            cells += cells_of(message, span)
        return walked.row._replace(cells=cells) if len(cells) == len(starts) else None
