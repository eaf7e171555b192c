"""
Tables and their columns from ``CREATE TABLE`` statements: plain SQL, or SHOW CREATE TABLE in any form that the CLI prints.

Facts: CockroachDB docs "SHOW CREATE", "CREATE TABLE" and "EXPORT": exported csv has the columns in ordinal order, hidden ones
left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from auditor.decoders import result_sets
from auditor.decoders.sql_lexer import Token, identifier, tokens
from auditor.errors import ConfigError

Tables = Mapping[str, tuple[str, ...]]

# What begins an item of the list that is no column. CockroachDB quotes columns of these names in its own output.
_NOT_COLUMNS = frozenset(("constraint", "primary", "unique", "index", "family", "check", "foreign", "like"))
# These are ordinary names, and such an item only in front of the second word.
_NOT_COLUMNS_BEFORE = {"inverted": "index", "vector": "index", "exclude": "using"}


def read_ddl(data: bytes, where: str) -> Tables:
    """
    Return the columns of every table that is created, by the table's name as written, without quotes.

    Hidden columns are left out. Raise `ConfigError` if there is no table in it.
    """
    found: dict[str, tuple[str, ...]] = {}
    printed = result_sets.rows(data, "create_statement")
    statements = [data.decode("utf-8", "replace")] if printed is None else [statement for (statement,) in printed]
    for statement in statements:
        found.update(created_tables(statement))
    if not found:
        raise ConfigError("no CREATE TABLE statement", where=where, fix="save the output of SHOW CREATE TABLE")
    return found


def columns_of(tables: Tables, table: str) -> tuple[str, ...]:
    """
    Return the columns of a table by its name, () if it is unknown.

    One of the names may have more parts than the other (``users``, ``movr.public.users``); an ending that several tables share
    says nothing.
    """
    if table in tables:
        return tables[table]
    parts = table.split(".")
    matches = [name for name in tables if table and _same_ending(name.split("."), parts)]
    return tables[matches[0]] if len(matches) == 1 else ()


def _same_ending(one: Sequence[str], other: Sequence[str]) -> bool:
    """Tell whether the shorter name is the end of the longer."""
    length = min(len(one), len(other))
    return one[-length:] == other[-length:]


def created_tables(sql: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (table, columns) of each CREATE TABLE statement that lists its columns."""
    stream = list(tokens(sql))
    position = 0
    while position < len(stream):
        if _word(stream, position) == "create":
            after = position + 1
            while _word(stream, after) in ("temp", "temporary", "local", "global", "unlogged"):
                after += 1
            if _word(stream, after) == "table":
                after += 4 if _word(stream, after + 1) == "if" else 1
                table, opening = _name(stream, after)
                if table and opening < len(stream) and stream[opening].text == "(":
                    items, position = _items(stream, opening)
                    yield table, tuple(name for item in items if (name := _column(item)))
                    continue
        position += 1


def _word(stream: Sequence[Token], position: int) -> str:
    """Return the lower-case word at a position, '' if there is none."""
    return stream[position].text.lower() if position < len(stream) and stream[position].kind == "word" else ""


def _name(stream: Sequence[Token], position: int) -> tuple[str, int]:
    """Read a dotted name; return it and the position after it."""
    parts: list[str] = []
    while position < len(stream) and stream[position].kind in ("word", "quoted"):
        parts.append(identifier(stream[position]))
        position += 1
        if position == len(stream) or stream[position].text != ".":
            break
        position += 1
    return ".".join(parts), position


def _items(stream: Sequence[Token], opening: int) -> tuple[list[list[Token]], int]:
    """Split the parenthesised list that opens at a position at its own commas; return the position after it too."""
    items: list[list[Token]] = [[]]
    depth = 0
    for position in range(opening, len(stream)):
        token = stream[position]
        if token.text in "([{":
            depth += 1
        elif token.text in ")]}":
            depth -= 1
            if depth == 0:
                return items, position + 1
        if depth == 1 and token.text == ",":
            items.append([])
        elif position > opening:
            items[-1].append(token)
    return items, len(stream)


def _column(item: Sequence[Token]) -> str:
    """Return the name of the column that an item of the list defines, '' if it defines none or a hidden one."""
    if not item or item[0].kind not in ("word", "quoted"):
        return ""
    word = _word(item, 0)
    if word in _NOT_COLUMNS or (word in _NOT_COLUMNS_BEFORE and _word(item, 1) == _NOT_COLUMNS_BEFORE[word]):
        return ""
    depth = 0
    for position, token in enumerate(item):
        depth += (token.text in "([{") - (token.text in ")]}")
        if depth == 0 and _word(item, position) == "not" and _word(item, position + 1) == "visible":
            return ""
    return identifier(item[0])
