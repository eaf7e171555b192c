"""The grid of a table that the CLI prints: where its columns are, and cutting lines into values there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from auditor.errors import DecodeError

#: A horizontal line of a table.
RULE = re.compile(rb"\+?-{2,}(?:\+-{2,})*\+?[ \t]*\r?\n?")


@dataclass(frozen=True, slots=True)
class Grid:
    """Names of the columns, display columns of the borders between them, and whether rows have borders on the outside too."""

    names: tuple[str, ...]
    inner: tuple[int, ...]
    outside: bool

    def values(self, lines: Sequence[str]) -> list[str]:
        """
        Cut the lines of one row into values, without their padding.

        Raise `DecodeError` if a line has no border where the header has one.
        """
        values = []
        for number, pieces in enumerate(zip(*map(self.cut, lines), strict=True)):
            # Cells are padded by a space, the first column without outer borders by two.
            pad = 1 if number or self.outside else 2
            kept = [piece[pad:].rstrip() if piece[:pad].isspace() else piece.strip() for piece in pieces]
            while len(kept) > 1 and not kept[-1]:
                del kept[-1]
            values.append("\n".join(kept) if len(kept) > 1 else kept[0].strip())
        return values

    def cut(self, line: str) -> list[str]:
        """Cut one line at the borders, padding and all."""
        if self.outside:
            line = line.rstrip().removesuffix("|")
        at = self.inner if line.isascii() else _indexes(line, self.inner)
        if any(index < len(line) and line[index] != "|" for index in at):
            pieces = line.split(" | ")
            if len(pieces) != len(self.inner) + 1:
                raise DecodeError("a line of the table has no border where its header has one")
        else:
            pieces = [line[start:end] for start, end in zip((0, *(index + 1 for index in at)), (*at, None), strict=True)]
        if self.outside:
            pieces[0] = pieces[0].removeprefix("|")
        return pieces


class Header(NamedTuple):
    """The header of a table: its grid, the number of its first line, and of the first line after it."""

    grid: Grid
    first: int
    after: int


def find_header(lines: Sequence[bytes]) -> Header | None:
    """Find the first header among lines: names above a rule, or between two rules."""
    for number, line in enumerate(lines):
        if not RULE.fullmatch(line):
            continue
        outside = line.startswith(b"+") and lines[number + 1 : number + 2] and lines[number + 1].startswith(b"|")
        first, last = number, number
        if outside:
            last = next((later for later in range(number + 1, len(lines)) if RULE.fullmatch(lines[later])), number)
        else:
            while first and lines[first - 1].startswith(b" ") and lines[first - 1].strip():
                first -= 1
        if first == last:
            continue
        rule = line.decode().rstrip()
        inner = tuple(match.start() for match in re.finditer(r"\+", rule) if 0 < match.start() < len(rule) - 1)
        grid = Grid((), inner, bool(outside))
        try:
            rows = [grid.cut(text.decode("utf-8", "replace").rstrip("\r\n")) for text in lines[first + bool(outside) : last]]
        except DecodeError:
            continue
        names = tuple("\n".join(filter(None, map(str.strip, pieces))) for pieces in zip(*rows, strict=True))
        return Header(Grid(names, inner, bool(outside)), first, last + 1)
    return None


def _indexes(line: str, columns: Sequence[int]) -> list[int]:
    """Map display columns to indexes of a line in which characters may take no column, or two (East Asian Width, UAX #11)."""
    found: list[int] = []
    column = 0
    for index, character in enumerate(line):
        while len(found) < len(columns) and column >= columns[len(found)]:
            found.append(index)
        if not unicodedata.combining(character):
            column += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return found + [len(line)] * (len(columns) - len(found))
