"""
Reading SQL statements token by token, each token with its place, so that parts can be quoted as they were written.

No parser of CockroachDB's dialect is kept up for Python; what ways out need of its grammar is small (``sql.y``:
create_changefeed_stmt, create_schedule_for_changefeed_stmt, export_stmt, create_external_connection_stmt).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from auditor.decoders.sql_lexer import Token, identifier, literal, tokens

_SKIPPED = re.compile(r"(?:\s+|--[^\n]*|/\*.*?\*/)*", re.DOTALL)


class Placed(NamedTuple):
    """A token and where it begins in its text."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Return where it ends."""
        return self.start + len(self.text)

    @property
    def word(self) -> str:
        """Return the lower-case word that it is, '' for anything else."""
        return self.text.lower() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """Return the name that it stands for, '' if it can be none."""
        return identifier(Token(self.kind, self.text)) if self.kind in ("word", "quoted") else ""

    @property
    def string(self) -> str:
        """Return the text that it stands for as a value: of a literal, or of a name where one is taken for a string."""
        return literal(Token(self.kind, self.text)) if self.kind == "string" else self.name or self.text


def placed(sql: str) -> list[Placed]:
    """Return the tokens of a text with their places."""
    found = []
    position = 0
    for token in tokens(sql):
        skipped = _SKIPPED.match(sql, position)
        assert skipped is not None
        found.append(Placed(token.kind, token.text, skipped.end()))
        position = found[-1].end
    return found


def split(parts: Sequence[Placed], mark: str) -> Iterator[Sequence[Placed]]:
    """Cut tokens at a mark that stands outside of any brackets; nothing is yielded for an empty list."""
    begin = depth = 0
    for index, token in enumerate(parts):
        depth += step(token)
        if depth == 0 and token.kind == "mark" and token.text == mark:
            yield parts[begin:index]
            begin = index + 1
    if parts:
        yield parts[begin:]


def statements(parts: Sequence[Placed]) -> Iterator[Sequence[Placed]]:
    """Cut tokens at every semicolon: a bracket that is never closed spoils its own statement alone."""
    begin = 0
    for index, token in enumerate(parts):
        if token.kind == "mark" and token.text == ";":
            yield parts[begin:index]
            begin = index + 1
    yield parts[begin:]


def step(token: Placed) -> int:
    """Return 1 for a bracket that opens, -1 for one that closes."""
    if token.kind != "mark":
        return 0
    return (token.text in "([{") - (token.text in ")]}")


def written(parts: Sequence[Placed]) -> str:
    """Return tokens as they stand in their text, on one line, without comments."""
    pieces: list[str] = []
    for index, token in enumerate(parts):
        if index and token.start > parts[index - 1].end:
            pieces.append(" ")
        pieces.append(token.text)
    return "".join(pieces)


class Reader:
    """Walks over the tokens of one statement."""

    def __init__(self, sql: str, parts: Sequence[Placed], position: int = 0) -> None:
        self.sql = sql
        self.parts = parts
        self.position = position

    def word(self, ahead: int = 0) -> str:
        """Return the word that comes, '' if none does."""
        place = self.position + ahead
        return self.parts[place].word if place < len(self.parts) else ""

    def mark(self, text: str) -> bool:
        """Step over a mark, and tell whether it was there."""
        here = self.position < len(self.parts) and self.parts[self.position].text == text
        self.position += here
        return here

    def accept(self, *words: str) -> bool:
        """Step over these words, and tell whether they were there."""
        here = all(self.word(ahead) == word for ahead, word in enumerate(words))
        self.position += len(words) if here else 0
        return here

    def take(self) -> Placed | None:
        """Step over the next token and return it; None at the end."""
        if self.position == len(self.parts):
            return None
        self.position += 1
        return self.parts[self.position - 1]

    def dotted(self) -> str:
        """Read a dotted name, '' if none comes."""
        names: list[str] = []
        while self.position < len(self.parts) and self.parts[self.position].name:
            names.append(self.parts[self.position].name)
            self.position += 1
            if not self.mark("."):
                break
        return ".".join(names)

    def bracketed(self) -> Sequence[Placed]:
        """Read what stands in the parentheses that open here."""
        begin, depth = self.position, 0
        while token := self.take():
            depth += step(token)
            if depth == 0:
                return self.parts[begin + 1 : self.position - 1]
        return self.parts[begin + 1 :]

    def until(self, *stops: tuple[str, ...]) -> Sequence[Placed]:
        """Read up to the first of these word sequences that stands outside of any brackets, or to the end."""
        begin, depth = self.position, 0
        while self.position < len(self.parts):
            if depth == 0 and any(all(self.word(ahead) == word for ahead, word in enumerate(stop)) for stop in stops):
                break
            depth += step(self.parts[self.position])
            self.position += 1
        return self.parts[begin : self.position]
