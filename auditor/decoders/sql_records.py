"""
One line a column, as ``cockroach sql --format=records`` prints rows.

Facts: ``pkg/cli/clisqlexec/format_table.go`` and its tests. A ``+`` behind a value says that its next line follows; names of
several lines are marked by a ``+`` before the bar.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from auditor.decoders.framing import lines_beginning
from auditor.decoders.options import ReadOptions
from auditor.decoders.sequential import Sequential
from auditor.errors import DecodeError
from auditor.model import Cell, Row
from auditor.protocols import Framed, Layout

# Lines of other output (``SET``, a prompt) that may come before the first record.
_LINES_BEFORE = 10
_START = b"-[ RECORD "


class SqlRecords(Sequential):
    """The layout of printed records. Each names its own columns."""

    format = "records"

    def __init__(self, preamble: int) -> None:
        """Take where the first record begins."""
        self.preamble = preamble

    def cut(self, block: bytes, *, final: bool) -> int:
        """Cut before the last record: it ends where another begins."""
        return len(block) if final else block.rfind(b"\n" + _START) + 1

    def frame(self, chunk: bytes) -> Framed:
        """Find the lines that begin a record."""
        starts = lines_beginning(chunk, (_START,))
        ends = np.array([*starts[1:], len(chunk)] if chunk else [], dtype=np.int64)
        return Framed(chunk, ends, len(ends))

    def decode(self, record: bytes) -> Row:
        """Put names and values together. Raise `DecodeError` if the lines have no common border."""
        lines = record.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n").split("\n")[1:]
        bar = _bar(lines)
        if bar < 0:
            raise DecodeError("the lines of the record have no border in common")
        names: list[str] = []
        values: list[list[str]] = []
        more_name = False
        for line in lines:
            label, text = line[: bar - 1].rstrip(), line[bar + 2 :]
            if line[bar + 1 :] == "" and more_name:
                # Cockroach repeats the rest of a name behind every line of the value.
                if len(values[-1]) == 1:
                    names[-1] += f"\n{label}"
            elif values and not label and values[-1][-1].endswith("+"):
                values[-1][-1] = values[-1][-1][:-1]
                values[-1].append(text)
            else:
                names.append(label)
                values.append([text])
            more_name = line[bar - 1 : bar] == "+"
        return Row(
            [Cell("after", name, "", text) for name, value in zip(names, values, strict=True) if (text := "\n".join(value))]
        )


def _bar(lines: Sequence[str]) -> int:
    """Return the index of the border: the first bar in all lines with a blank or ``+`` before it and no text close behind."""
    if not lines:
        return -1
    for match in re.finditer(r"\|", lines[0]):
        at = match.start()
        if at and all(line[at - 1 : at] in (" ", "+") and line[at : at + 2] in ("| ", "|") for line in lines):
            return at
    return -1


def recognise(head: bytes, name: str, options: ReadOptions) -> Layout | None:
    """Recognise records by the line that begins the first, near the front of the input."""
    del name
    starts = lines_beginning(head, (_START,))
    if not starts or (head.count(b"\n", 0, starts[0]) > _LINES_BEFORE and not options.input_format):
        return None
    return SqlRecords(starts[0])
