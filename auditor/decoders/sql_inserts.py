"""
``INSERT`` statements: what ``cockroach sql --format=sql`` prints, and dumps.

Facts: ``pkg/cli/clisqlexec/format_sql.go``, ``pkg/sql/lexbase/encode.go``. The CLI prints one row a statement, all values as
strings with their line feeds escaped, behind a CREATE TABLE for the made-up table ``results``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from auditor.decoders.ddl import created_tables
from auditor.decoders.framing import lines_beginning
from auditor.decoders.options import ReadOptions
from auditor.decoders.sequential import Sequential
from auditor.decoders.sql_lexer import Token, identifier, is_unclosed, literal, tokens
from auditor.errors import DecodeError
from auditor.model import Cell, Row
from auditor.protocols import Framed, Layout

_INSERTS = (b"INSERT INTO ", b"UPSERT INTO ")
_CREATE = b"CREATE TABLE "
_FIRST_WORD = re.compile(rb"(?:\s|--[^\n]*\n)*+(?:INSERT|UPSERT|CREATE|SET|BEGIN|USE|ALTER)\b")
# An INSERT without a list of columns: what to keep (1), the table as written (2).
_UNLISTED = re.compile(rb'((?:INSERT|UPSERT) INTO ([\w."]+)) VALUES')
# A statement to its end, comment lines (the CLI's number of rows) behind it.
_WHOLE = re.compile(rb";\s*(?:--[^\n]*\s*)*\Z")
_RESULTS = "results"


class SqlInserts(Sequential):
    """
    The layout of statements, one INSERT a record. ``columns`` are those of the CLI's first result.

    ``frame`` takes chunks in the order of the input: it remembers the columns of the tables that were created.
    """

    format = "sql"

    def __init__(self, columns: Sequence[str], preamble: int) -> None:
        """Take the columns of the CLI's first result and where its first INSERT begins; () and 0 for other input."""
        self.columns = columns
        self.preamble = preamble
        self._lists: dict[str, bytes] = {}

    def cut(self, block: bytes, *, final: bool) -> int:
        """Cut before the last INSERT, or the CREATE TABLE that goes with it: it ends where another statement begins."""
        if final:
            return len(block)
        last = _last_insert(block, len(block))
        before = _last_insert(block, max(0, last))
        if last < 0 or before < 0:
            return 0
        return block.find(b"\n" + _CREATE, before, last) + 1 or last

    def frame(self, chunk: bytes) -> Framed:
        """
        Take each INSERT for a record, with a CREATE TABLE before it and comments behind.

        One without a list of columns is given that of its CREATE TABLE, so that it names its own.
        """
        starts = lines_beginning(chunk, (*_INSERTS, _CREATE))
        if starts and (self._lists or any(chunk.startswith(_CREATE, start) for start in starts)):
            return self._listed(chunk, starts)
        return _framed(chunk, np.array([*starts[1:], len(chunk)] if chunk else [], dtype=np.int64))

    def _listed(self, chunk: bytes, starts: Sequence[int]) -> Framed:
        """Give each INSERT the columns that a CREATE TABLE of its table has listed."""
        pieces: list[bytes] = []
        before = chunk[: starts[0]]
        for start, end in pairwise([*starts, len(chunk)]):
            piece = chunk[start:end]
            if piece.startswith(_CREATE):
                for table, columns in created_tables(piece.decode("utf-8", "replace")):
                    names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
                    self._lists[table] = f" ({names}) VALUES".encode()
                before += piece
                continue
            if unlisted := _UNLISTED.match(piece):
                table = ".".join(_names(list(tokens(unlisted[2].decode("utf-8", "replace")))))
                piece = unlisted[1] + self._lists.get(table, b" VALUES") + piece[unlisted.end() :]
            pieces.append(before + piece)
            before = b""
        if before:
            pieces.append(before)
        ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
        return _framed(b"".join(pieces), ends)

    def decode(self, record: bytes) -> Row:
        """
        Read the values of a statement; further rows of the statement are in `Row.also`.

        Strings of a CREATE TABLE before it (defaults, checks) come first, without a column. Raise `DecodeError` if the
        statement is not whole.
        """
        stream = list(tokens(record.decode("utf-8", "replace")))
        if any(map(is_unclosed, stream)):
            raise DecodeError("a string of the statement is not closed")
        words = [token.text.lower() if token.kind == "word" else "" for token in stream]
        insert = next(
            (at for at, pair in enumerate(pairwise(words)) if pair in (("insert", "into"), ("upsert", "into"))), len(words)
        )
        created = [Cell("after", "", "", literal(token)) for token in stream[:insert] if token.kind == "string"]
        if insert == len(words):
            return Row(created)
        if "values" not in words[insert:]:
            raise DecodeError("an INSERT without values")
        values = words.index("values", insert)
        listed = next((at for at in range(insert, values) if stream[at].text == "("), values)
        table = ".".join(_names(stream[insert + 2 : listed]))
        columns = _names(stream[listed:values]) or self.columns
        rows = [Row(list(_cells(row, columns)), None if table == _RESULTS else table) for row in _tuples(stream[values + 1 :])]
        if not rows:
            raise DecodeError("an INSERT without values")
        return rows[0]._replace(cells=[*created, *rows[0].cells], also=rows[1:])


def _last_insert(block: bytes, end: int) -> int:
    """Return where the last line starts, before ``end``, that begins an INSERT; -1 if none does."""
    found = max(block.rfind(b"\n" + word, 0, end) for word in _INSERTS) + 1
    return found if found or (end and block.startswith(_INSERTS)) else -1


def _framed(data: bytes, ends: NDArray[np.int64]) -> Framed:
    """Frame statements; the last is checked for its semicolon, since the input may have been cut off."""
    last = data[int(ends[-2]) if len(ends) > 1 else 0 :]
    bad = [] if not len(ends) or _WHOLE.search(last) else [(len(ends) - 1, "the statement does not end")]
    return Framed(data, ends, len(ends), None, bad)


def _names(stream: Sequence[Token]) -> list[str]:
    """Return the names among some tokens."""
    return [identifier(token) for token in stream if token.kind in ("word", "quoted")]


def _tuples(stream: Sequence[Token]) -> Iterator[list[list[Token]]]:
    """Split the tokens behind VALUES into rows of values; what follows the last row is left out."""
    values: list[list[Token]] = []
    depth = 0
    for token in stream:
        opens, closes = token.text in ("(", "["), token.text in (")", "]")
        if depth == 0 and not opens and token.text != ",":
            return
        depth += opens - closes
        if depth == 1 and opens:
            values = [[]]
        elif depth == 1 and token.text == ",":
            values.append([])
        elif depth == 0 and closes:
            yield values
        elif depth:
            values[-1].append(token)


def _cells(values: Sequence[Sequence[Token]], columns: Sequence[str]) -> Iterator[Cell]:
    """Yield the strings of one row: a value's own, or those inside it where it is an array or an expression."""
    names = columns if len(columns) == len(values) else [f"col{number}" for number in range(1, len(values) + 1)]
    for name, value in zip(names, values, strict=True):
        path = "" if value and value[0].kind == "string" else "$[*]"
        for token in value:
            if token.kind == "string" and (text := literal(token)):
                yield Cell("after", name, path, text)


def recognise(head: bytes, name: str, options: ReadOptions) -> Layout | None:
    """Recognise the CLI's output by its CREATE TABLE, and dumps by a statement in the first line and an INSERT."""
    del name
    inserts = lines_beginning(head, _INSERTS)
    if head.startswith(_CREATE + f"{_RESULTS} (".encode()):
        preamble = inserts[0] if inserts else len(head)
        columns = next((columns for _, columns in created_tables(head[:preamble].decode("utf-8", "replace"))), ())
        return SqlInserts(columns, preamble)
    if options.input_format or (inserts and _FIRST_WORD.match(head)):
        return SqlInserts((), 0)
    return None
