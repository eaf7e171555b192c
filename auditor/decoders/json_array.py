"""
JSON that is no line a message: an array of messages (``cockroach sql --format=json``), or documents printed over several lines.

Framed by the brackets outside strings, found by masks as for csv: `auditor.decoders.bits`. What one element holds is decided as
for JSON lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import orjson
from numpy.typing import NDArray

from auditor.decoders import bits, envelope
from auditor.decoders.framing import BACKSLASH, LINE_FEED, bytes_of, escaped_places, line_ends
from auditor.decoders.gathering import records_of
from auditor.decoders.members import members_of
from auditor.decoders.options import ReadOptions
from auditor.decoders.sequential import Sequential
from auditor.errors import DecodeError
from auditor.model import Row
from auditor.protocols import Framed, Gathering, Layout

_QUOTE, _COMMA = b'",'
_SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"


class JsonArray(Sequential):
    """
    The layout of one array, or of documents one after another.

    In an array each element is a record up to its comma; else each document up to its closing bracket.
    """

    def __init__(self, preamble: int, *, array: bool) -> None:
        """Take where the first element or document begins."""
        self.format = "json array" if array else "json documents"
        self.preamble = preamble
        self._array = array

    def cut(self, block: bytes, *, final: bool) -> int:
        """Cut behind the last element, comma included, or document; in broken JSON behind a line feed."""
        if final:
            return len(block)
        ends = self._ends(block)
        if ends is None:
            return block.rfind(b"\n") + 1
        if self._array:
            # Behind a closing bracket another array may begin, and only a comma says that this one goes on.
            ends = ends[bytes_of(block)[ends - 1] == _COMMA]
        return int(ends[-1]) if len(ends) else 0

    def frame(self, chunk: bytes) -> Framed:
        """Find the elements or documents; where a string holds a raw line feed, which JSON forbids, take the lines instead."""
        ends = self._ends(chunk)
        if ends is None:
            ends = line_ends(chunk)
            return Framed(chunk, ends, len(ends), None, [(0, "a string is not closed; from here on lines are read one by one")])
        if len(ends) and chunk[: int(ends[0])].strip(_SPACE) == b"]":
            # The end of an array without elements.
            ends = ends[1:]
        whole = int(ends[-1]) if len(ends) else 0
        if whole == len(chunk):
            return Framed(chunk, ends, len(ends))
        if not chunk[whole:].strip(_SPACE + b"]"):
            # White space, or an array that is closed after its last comma's element: no record of its own.
            ends[-1:] = len(chunk)
            return Framed(chunk, ends, len(ends))
        ends = np.append(ends, len(chunk))
        return Framed(chunk, ends, len(ends), None, [(len(ends) - 1, "the JSON ends before its last bracket")])

    def _ends(self, data: bytes) -> NDArray[np.int64] | None:
        """Return where elements or documents end, None if a line feed stands in a string."""
        array = bytes_of(data)
        quotes = bits.where(array, _QUOTE)
        if BACKSLASH in data:
            quotes &= ~_marked(escaped_places(array), len(array))
        inside = bits.running_parity(quotes)
        if (bits.where(array, LINE_FEED) & inside).any():
            return None
        opening = bits.from_bools((array | 0x20) == ord("{")) & ~inside
        closing = bits.from_bools((array | 0x20) == ord("}")) & ~inside
        closed = bits.positions(closing)
        depth = bits.rank(opening, closed) - np.arange(1, len(closed) + 1)
        if not self._array:
            documents: NDArray[np.int64] = closed[depth == 0] + 1
            return documents
        commas = bits.positions(bits.where(array, _COMMA) & ~inside)
        commas = commas[bits.rank(opening, commas) == bits.rank(closing, commas)]
        return np.sort(np.concatenate((commas, closed[depth == -1]))) + 1

    def decode(self, record: bytes) -> Row:
        """Parse one element or document, without the comma and the array's own brackets around it."""
        return envelope.row(_parsed(record))

    def gather(self, framed: Framed, rows: Sequence[int] | None, into: Gathering) -> Iterator[tuple[int, str]]:
        """Gather the columns of elements or documents."""
        for index, record in records_of(framed, rows):
            try:
                into.add(index, members_of(_parsed(record)))
            except DecodeError as error:
                yield index, error.what


def _parsed(record: bytes) -> object:
    """Parse one element or document."""
    text = record.strip(_SPACE).removeprefix(b"]").strip(_SPACE).removesuffix(b",")
    for candidate in (text, text.removesuffix(b"]"), text.removeprefix(b"["), text.removeprefix(b"[").removesuffix(b"]")):
        try:
            return orjson.loads(candidate.decode("utf-8", "replace"))
        except orjson.JSONDecodeError:
            continue
    raise DecodeError("invalid JSON")


def _marked(places: NDArray[np.int64], length: int) -> bits.Bits:
    """Mark these places, those beyond the end left out."""
    marks = np.zeros(length, dtype=np.bool_)
    marks[places[places < length]] = True
    return bits.from_bools(marks)


def recognise(head: bytes, name: str, options: ReadOptions) -> Layout | None:
    """
    Recognise an array by its bracket, documents by a second line that goes on with the first.

    One whole JSON value in the first line is left to JSON lines, unless it is an array and all there is.
    """
    del name
    begin = len(_BOM) if head.startswith(_BOM) else 0
    begin += len(head[begin:]) - len(head[begin:].lstrip(_SPACE))
    first, feed, rest = head[begin:].partition(b"\n")
    if not first.startswith((b"[", b"{")):
        return JsonArray(begin, array=False) if options.input_format else None
    array = first.startswith(b"[")
    if _is_json(first.strip()):
        if array and not rest.strip():
            return JsonArray(begin + 1, array=True)
        return JsonArray(begin, array=False) if options.input_format else None
    if array:
        # A word or number behind the bracket would be as well the tags of a log or a section of an INI file.
        sure = options.input_format or head[begin + 1 :].lstrip(_SPACE).startswith((b"{", b"[", b'"', b"]"))
        return JsonArray(begin + 1, array=True) if sure else None
    following = rest.lstrip(b"\r\n")
    if options.input_format or (feed and following[:1] in (b" ", b"\t", b'"', b"}")):
        return JsonArray(begin, array=False)
    return None


def _is_json(text: bytes) -> bool:
    """Tell whether a text is one whole JSON value."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
