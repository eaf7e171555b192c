"""
The fallback: any text, line by line, so that nothing goes unscanned for its form. A PEM block is one record, as a key is one.

Text in UTF-16, which PowerShell's ``>`` writes, is turned to UTF-8. Of binary data the runs between line feeds and NUL bytes
are lines.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditor.decoders.framing import LINE_FEED, bytes_of, line_ends
from auditor.decoders.options import ReadOptions
from auditor.model import Cell, Row
from auditor.protocols import Framed, Gathering

#: Longer lines are cut, if possible where no token goes through.
LONGEST = 1 << 20
# How far back from there a gap between words is looked for.
_GAP_WITHIN = 1 << 16
# RFC 7468, and the header lines of RFC 1421; 16 kB hold an RSA key of 16,384 bits, with line breaks.
_PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]{1,60}-----(?:[^-]|-(?!----)){0,16384}+-----END [A-Z0-9 ]{1,60}-----")
_BEGIN, _END, _LONGEST_PEM = b"-----BEGIN ", b"-----END ", 1 << 15
_UNLISTED = "not a listed format; scanned as text lines"
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"), (codecs.BOM_UTF8, "utf-8"))


@dataclass(frozen=True, slots=True)
class TextLines:
    """The layout of lines in one encoding. ``binary`` says that NUL bytes end lines too."""

    format: str
    notes: Sequence[str]
    preamble: int = 0
    encoding: str = "utf-8"
    binary: bool = False
    columns: Sequence[str] = ()

    @property
    def splittable(self) -> bool:
        """Tell whether lines can be found in the middle: not where characters have two bytes."""
        return self.encoding == "utf-8"

    def cut(self, block: bytes, *, final: bool) -> int:
        """Cut behind the last line; a line of over `LONGEST` bytes between two words."""
        if final:
            return len(block)
        if not self.splittable:
            return _last_wide_end(block, self.encoding)
        cut = max(block.rfind(b"\n"), block.rfind(b"\0") if self.binary else -1) + 1
        begun = block.rfind(_BEGIN, max(0, cut - _LONGEST_PEM), cut)
        if begun >= 0 and block.find(_END, begun, cut) < 0:
            cut = max(block.rfind(b"\n", 0, begun), block.rfind(b"\0", 0, begun) if self.binary else -1) + 1
        return cut or (_gap_before(block, LONGEST) if len(block) > LONGEST else 0)

    def start(self, window: bytes) -> int:
        """Return the place behind the first line feed, or behind that of a PEM block which the window begins in."""
        end = window.find(_END, 0, _LONGEST_PEM)
        inside = end >= 0 and window.find(_BEGIN, 0, end) < 0
        return window.find(b"\n", end if inside else 0) + 1 or -1

    def frame(self, chunk: bytes) -> Framed:
        """Take each line for a record; of binary data, the runs between NUL bytes too."""
        data = chunk if self.splittable else chunk.decode(self.encoding, "replace").encode()
        ends = _run_ends(data) if self.binary else line_ends(data)
        return _joined(data, ends) if _BEGIN in data else Framed(data, ends, len(ends))

    def values(self, framed: Framed) -> None:
        """Tell that records must be decoded, which is no work."""
        del framed

    def gather(self, framed: Framed, rows: Sequence[int] | None, into: Gathering) -> Iterator[tuple[int, str]]:
        """Have no columns."""
        del framed, rows, into
        yield from ()

    def decode(self, record: bytes) -> Row:
        """Return the line as one cell without a column."""
        text = record.decode("utf-8", "replace").rstrip("\r\n\0")
        return Row([Cell("after", "", "", text)] if text else ())


def _joined(data: bytes, ends: NDArray[np.int64]) -> Framed:
    """Make one record of the lines of each PEM block; a record has the number of its first line."""
    inside = np.zeros(len(ends), dtype=np.bool_)
    for block in _PEM.finditer(data):
        inside |= (ends > block.start()) & (ends < block.end())
    last = np.flatnonzero(~inside)
    return Framed(data, ends[last], len(ends), np.concatenate((np.zeros(1, dtype=np.int64), last[:-1] + 1)) + 1)


def _gap_before(block: bytes, length: int) -> int:
    """Return where to cut a long line at or before ``length``: behind the last white space, quote or comma, if one is near."""
    at = max(block.rfind(mark, length - _GAP_WITHIN, length) for mark in (b" ", b"\t", b'"', b",", b"\0"))
    return at + 1 or length


def _last_wide_end(block: bytes, encoding: str) -> int:
    """Return the end of the last line of UTF-16 text, or of a too long one the last whole character that is no surrogate."""
    feed = "\n".encode(encoding)
    at = block.rfind(feed)
    while at > 0 and at % 2:
        at = block.rfind(feed, 0, at + 1)
    if at >= 0 or len(block) <= LONGEST:
        return at + 2 if at >= 0 else 0
    high = LONGEST + (encoding == "utf-16-le")
    return LONGEST if not 0xD8 <= block[high - 2] < 0xDC else LONGEST - 2


def _run_ends(data: bytes) -> NDArray[np.int64]:
    """Return the ends of the runs between line feeds and NUL bytes; several of these in a row end one run."""
    array = bytes_of(data)
    separator = (array == LINE_FEED) | (array == 0)
    last = separator.copy()
    last[:-1] &= ~separator[1:]
    last[-1:] = True
    return np.flatnonzero(last) + 1


def recognise(head: bytes, name: str, options: ReadOptions) -> TextLines:
    """Take anything, and say what it is taken for."""
    del name, options
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            unlisted = _UNLISTED if encoding == "utf-8" else f"{_UNLISTED}, from {encoding}"
            return TextLines("text", (unlisted,), len(mark), encoding)
    if b"\0" in head:
        return TextLines("binary", ("binary data of no listed format; the runs of text in it were scanned",), binary=True)
    return TextLines("text", (_UNLISTED,))
