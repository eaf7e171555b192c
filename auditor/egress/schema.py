"""
Tables as far as ways out and policies need to know them: columns with types, computed or not, what is checked, keys, families.

`read_schema` takes DDL, plain or as SHOW CREATE prints it in any form of the CLI. Facts: CockroachDB docs "CREATE TABLE",
"Computed Columns", "Column Families", "COMMENT ON", "Row-Level Security".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from auditor.decoders import result_sets
from auditor.egress.sql import Placed, Reader, placed, split, statements, step, written
from auditor.errors import ConfigError

Computed = Literal["", "stored", "virtual"]

# What begins an item of a table's list that is no column, and what does so only in front of a second word.
_NOT_COLUMNS = frozenset(("constraint", "primary", "unique", "index", "family", "check", "foreign", "like"))
_NOT_COLUMNS_BEFORE = {"inverted": "index", "vector": "index", "exclude": "using"}
#: What ends the type of a column.
_AFTER_TYPE = frozenset((
    "not", "null", "default", "as", "generated", "check", "constraint", "primary", "unique", "references", "family", "create",
    "on", "visible", "collate",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """
    A column. ``type`` is as it was written, without a length limit of its own; ``expression`` is that of a computed one.

    ``checks`` are the expressions of CHECK constraints that speak of it.
    """

    name: str
    type: str = ""
    nullable: bool = True
    computed: Computed = ""
    expression: str = ""
    hidden: bool = False
    comment: str = ""
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """
    A table. ``name`` has as many parts as were told. ``families`` maps a column family to its columns.

    ``row_level_security`` says that policies of the database hide rows of it.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    families: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    row_level_security: bool = False
    comment: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all columns."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column | None:
        """Return a column by its name."""
        return next((column for column in self.columns if column.name == name), None)


class Schema:
    """The tables that are known."""

    def __init__(self, tables: Iterable[Table]) -> None:
        """Take tables; of two with one name the last counts."""
        self.tables: tuple[Table, ...] = tuple({table.name: table for table in tables}.values())

    def table(self, name: str) -> Table | None:
        """
        Return a table by its name; None if it is unknown, or several could be meant.

        One of the names may have more parts than the other. ``movr.users`` is a table of a schema, or of ``movr.public``.
        """
        parts = name.split(".")
        for wanted in (parts, [parts[0], "public", parts[1]] if len(parts) == 2 else parts):
            found = [table for table in self.tables if _same_ending(table.name.split("."), wanted)]
            exact = [table for table in found if table.name == name]
            if exact or len(found) == 1:
                return (exact or found)[0]
        if len(parts) == 2:  # `movr.users`, where only `public.users` was told
            found = [table for table in self.tables if table.name.split(".") in ([parts[1]], ["public", parts[1]])]
            return found[0] if len(found) == 1 else None
        return None

    def of_database(self, database: str) -> tuple[Table, ...]:
        """Return the tables of a database; those whose database is not told count as well."""
        return tuple(t for t in self.tables if t.name.count(".") < 2 or database in ("*", t.name.partition(".")[0]))


def _same_ending(one: Sequence[str], other: Sequence[str]) -> bool:
    """Tell whether the shorter name is the end of the longer."""
    length = min(len(one), len(other))
    return list(one[-length:]) == list(other[-length:])


def read_schema(data: bytes, where: str, *, database: str = "") -> Schema:
    """
    Return the tables of DDL. ``database`` is put before names that do not tell theirs.

    Raise `ConfigError` if there is no table in it.
    """
    printed = result_sets.rows(data, "create_statement")
    texts = [data.decode("utf-8", "replace")] if printed is None else [statement for (statement,) in printed]
    tables: dict[str, Table] = {}
    for text in texts:
        for statement in statements(placed(text)):
            _apply(text, statement, tables)
    if not tables:
        raise ConfigError("no CREATE TABLE statement", where=where, fix="save the output of SHOW CREATE TABLE")
    return Schema(replace(table, name=qualified(table.name, database)) for table in tables.values())


def qualified(name: str, database: str) -> str:
    """Put the database, and the schema ``public``, before a name that does not tell them."""
    if not database or name.count(".") >= 2:
        return name
    return f"{database}.{name}" if "." in name else f"{database}.public.{name}"


def _apply(sql: str, parts: Sequence[Placed], tables: dict[str, Table]) -> None:
    """Take one statement into account: CREATE TABLE, COMMENT ON, ALTER TABLE."""
    reader = Reader(sql, parts)
    reader.until(("create",), ("comment", "on"), ("alter", "table"))
    if reader.accept("create"):
        while reader.word() in ("temp", "temporary", "local", "global", "unlogged"):
            reader.position += 1
        if reader.accept("table"):
            reader.accept("if", "not", "exists")
            name = reader.dotted()
            if name and reader.position < len(parts) and parts[reader.position].text == "(":
                tables[name] = _created(sql, name, reader.bracketed())
    elif reader.accept("comment", "on"):
        _commented(reader, tables)
    elif reader.accept("alter", "table"):
        _altered(reader, tables)


def _altered(reader: Reader, tables: dict[str, Table]) -> None:
    """Take ALTER TABLE into account, where it adds a CHECK or switches row-level security on."""
    reader.accept("if", "exists")
    name = reader.dotted()
    if name not in tables:
        return
    if reader.accept("add", "constraint"):
        reader.take()
        if reader.accept("check"):
            tables[name] = _checked(tables[name], [written(reader.bracketed())])
    elif reader.accept("enable", "row", "level", "security"):
        tables[name] = replace(tables[name], row_level_security=True)


def _commented(reader: Reader, tables: dict[str, Table]) -> None:
    """Take COMMENT ON TABLE or COLUMN into account."""
    kind = reader.word()
    reader.position += 1
    name = reader.dotted()
    token = reader.take() if reader.accept("is") else None
    comment = token.string if token is not None and token.kind == "string" else ""
    owner = name if kind == "table" else name.rpartition(".")[0]
    known = next((each for each in tables if _same_ending(each.split("."), owner.split("."))), None)
    if known is None:
        return
    table = tables[known]
    if kind == "table":
        tables[known] = replace(table, comment=comment)
    elif kind == "column":
        last = name.rpartition(".")[2]
        columns = tuple(replace(column, comment=comment) if column.name == last else column for column in table.columns)
        tables[known] = replace(table, columns=columns)


def _created(sql: str, name: str, parts: Sequence[Placed]) -> Table:
    """Read the list of CREATE TABLE."""
    columns: list[Column] = []
    primary: tuple[str, ...] = ()
    families: dict[str, tuple[str, ...]] = {}
    checks: list[str] = []
    for item in split(parts, ","):
        if not item or not item[0].name:
            continue
        word = item[0].word
        if word in _NOT_COLUMNS or (len(item) > 1 and _NOT_COLUMNS_BEFORE.get(word) == item[1].word and item[1].word):
            reader = Reader(sql, item)
            if reader.accept("constraint"):
                reader.take()
            if reader.accept("primary", "key"):
                primary = tuple(_columns(reader))
            elif reader.accept("family"):
                family = reader.dotted() if reader.position < len(item) and item[reader.position].name else "primary"
                families[family] = tuple(_columns(reader))
            elif reader.accept("check"):
                checks.append(written(reader.bracketed()))
            continue
        column, is_key = _column(sql, item)
        columns.append(column)
        if is_key:
            primary = (column.name,)
    return _checked(Table(name, tuple(columns), primary, families), checks)


def _columns(reader: Reader) -> Iterator[str]:
    """Yield the columns of a list: ``(a ASC, b)``."""
    for piece in split(reader.bracketed(), ","):
        if piece and piece[0].name:
            yield piece[0].name


def _column(sql: str, item: Sequence[Placed]) -> tuple[Column, bool]:
    """Read the definition of a column; tell too whether it is the primary key."""
    reader = Reader(sql, item, 1)
    begin, depth = 1, 0
    while reader.position < len(item) and (depth or item[reader.position].word not in _AFTER_TYPE):
        depth += step(item[reader.position])
        reader.position += 1
    kind = written(item[begin : reader.position])
    column = Column(item[0].name, kind)
    is_key = False
    while reader.position < len(item):
        column, key = _clause(reader, column)
        is_key |= key
    return column, is_key


def _clause(reader: Reader, column: Column) -> tuple[Column, bool]:
    """Read the next clause of a column's definition; tell too whether it is PRIMARY KEY."""
    if reader.accept("not", "null"):
        return replace(column, nullable=False), False
    if reader.accept("primary", "key"):
        return replace(column, nullable=False), True
    if reader.accept("not", "visible"):
        return replace(column, hidden=True), False
    if reader.accept("check"):
        return replace(column, checks=(*column.checks, written(reader.bracketed()))), False
    if reader.accept("as") or reader.accept("generated", "always", "as"):
        expression = written(reader.bracketed())
        return replace(column, expression=expression, computed="virtual" if reader.accept("virtual") else "stored"), False
    # A default's expression may hold any word in its brackets.
    if reader.parts[reader.position].text == "(":
        reader.bracketed()
    else:
        reader.take()
    return column, False


def _checked(table: Table, checks: Iterable[str]) -> Table:
    """Give CHECK constraints to the columns that they speak of."""
    spoken = [(check, {token.name for token in placed(check)}) for check in checks]
    if not spoken:
        return table
    columns = tuple(
        replace(column, checks=(*column.checks, *(check for check, names in spoken if column.name in names)))
        for column in table.columns
    )
    return replace(table, columns=columns)


#: A CHECK that lets through nothing but so many hex digits.
_HEX_CHECK = re.compile(
    r"~\s*(?:e)?'\^(?:\(\?:)?\[(?:0-9a-f|a-f0-9|0-9a-fA-F|a-fA-F0-9|0-9A-Fa-f)\]\{(\d+)\}\)?\$'|~\s*'\^\\x\[0-9a-f\]\{(\d+)\}\$'"
)


def hex_length(column: Column) -> int:
    """Return how many hex digits a CHECK wants of a column, 0 if none does."""
    for check in column.checks:
        if match := _HEX_CHECK.search(check):
            return int(match[1] or match[2])
    return 0
