"""
One JSON message a line: changefeed files of every envelope, webhook bodies, Pub/Sub and Pulsar messages, the CLI's ndjson.

Lines are scanned as they lie and parsed only where something was found, so this file decides little: where a line ends, and
what its first message says about the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import orjson

from auditor.decoders import envelope
from auditor.decoders.framing import line_ends
from auditor.decoders.gathering import gather_json
from auditor.decoders.json_values import JsonValues
from auditor.decoders.options import ReadOptions
from auditor.errors import DecodeError
from auditor.model import Row
from auditor.protocols import Framed, Gathering, Layout, Values

_BOM = b"\xef\xbb\xbf"
_BRACE, _CLOSE, _BRACKET = ord("{"), ord("}"), ord("]")


class JsonLines:
    """The layout of a file of JSON lines. ``format`` names the envelope of the first message."""

    splittable = True
    columns: Sequence[str] = ()
    notes: Sequence[str] = ()

    def __init__(self, shape: str, preamble: int = 0) -> None:
        """Take the shape of the first message, as `envelope.shape_of` names it, and the length of a byte order mark."""
        self.format = f"ndjson ({shape})"
        self.preamble = preamble

    def cut(self, block: bytes, *, final: bool) -> int:
        """Cut after the last line feed."""
        return len(block) if final else block.rfind(b"\n") + 1

    def start(self, window: bytes) -> int:
        """Return the place behind the first line feed."""
        return window.find(b"\n") + 1 or -1

    def frame(self, chunk: bytes) -> Framed:
        """
        Take each line for a record; name those that do not begin with ``{`` and end with ``}`` (or brackets).

        Only the first and last byte of a line are looked at: parsing every line would cost more than scanning it.
        """
        ends = line_ends(chunk)
        if not len(ends):
            return Framed(chunk, ends, 0)
        data = np.frombuffer(chunk, dtype=np.uint8)
        starts = np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1]))
        first = data[np.minimum(starts, len(data) - 1)]
        last = data[np.maximum(ends - 2, 0)]
        suspects = np.flatnonzero((first != _BRACE) | (last != _CLOSE))
        bad = [
            (int(index), "the line is not a JSON object; it was scanned as text")
            for index in suspects
            if not _is_object_or_blank(chunk[starts[index] : ends[index]])
        ]
        return Framed(chunk, ends, len(ends), None, bad)

    def decode(self, record: bytes) -> Row:
        """Parse one line and read its envelope. Invalid UTF-8 is replaced before it is given up."""
        try:
            return envelope.row(orjson.loads(record))
        except orjson.JSONDecodeError:
            pass
        try:
            return envelope.row(orjson.loads(record.decode("utf-8", "replace")))
        except orjson.JSONDecodeError as error:
            raise DecodeError(f"invalid JSON at character {error.pos}") from None

    def values(self, framed: Framed) -> Values | None:
        """Find texts by the quotes and brackets of their messages."""
        return JsonValues(framed)

    def gather(self, framed: Framed, rows: Sequence[int] | None, into: Gathering) -> Iterator[tuple[int, str]]:
        """Gather the columns of messages."""
        return gather_json(framed, rows, into)


def _is_object_or_blank(line: bytes) -> bool:
    """Tell whether a line that looked odd is all right: blank, padded by spaces, without its line feed, or an array."""
    text = line.strip()
    return not text or (text[:1] + text[-1:]) in (b"{}", b"[]")


def recognise(head: bytes, name: str, options: ReadOptions) -> Layout | None:
    """Take the input if its first non-blank line is a JSON object (whole, or cut by the end of ``head``)."""
    del name, options
    preamble = len(_BOM) if head.startswith(_BOM) else 0
    for line in head.lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 2)[:2]:
        try:
            message = orjson.loads(line.strip())
        except orjson.JSONDecodeError:
            continue
        return JsonLines(envelope.shape_of(message), preamble) if type(message) is dict else None
    stripped = head[preamble:].lstrip()
    if stripped.startswith(b'{"') and b"\n" not in stripped:
        return JsonLines("long lines", preamble)
    return None
