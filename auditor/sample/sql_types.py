"""SQL values as plain Python ones, and the tables that hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from random import Random
from typing import NamedTuple


class SqlType(Enum):
    """A column's type; the comment says which Python value stands for it."""

    UUID = "UUID"  # str, canonical
    STRING = "STRING"  # str
    BYTES = "BYTES"  # bytes
    INT8 = "INT8"  # int
    FLOAT8 = "FLOAT8"  # float, never whole
    DECIMAL = "DECIMAL"  # Decimal
    BOOL = "BOOL"  # bool
    TIMESTAMPTZ = "TIMESTAMPTZ"  # int, microseconds since 1970
    INET = "INET"  # str
    JSONB = "JSONB"  # dict, list, str, int, float, bool, None
    STRING_ARRAY = "STRING[]"  # list of str and None
    ENUM = "ENUM"  # str


Value = str | bytes | int | float | Decimal | bool | dict[str, object] | list[object] | None
Row = dict[str, Value]


class Column(NamedTuple):
    """``declared`` is the type as written in CREATE TABLE where that is more than the type's name."""

    name: str
    type: SqlType
    declared: str = ""
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """
    A table and how its rows come about.

    ``make`` returns the row with an index; ``earlier`` returns what the row was before its last update.
    ``raw_ids`` names columns all of whose values are opaque bearer ids; ``families`` are its column families.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    make: Callable[[Random, int], Row]
    earlier: Callable[[Random, Row], Row]
    enums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    families: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    raw_ids: tuple[str, ...] = ()

    def column(self, name: str) -> Column:
        """Return a column by its name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the column names in table order."""
        return tuple(column.name for column in self.columns)

    def position(self, name: str) -> int:
        """Return a column's 1-based position."""
        return self.names.index(name) + 1

    def create_statement(self) -> str:
        """Return what SHOW CREATE TABLE prints, preceded by its enumerated types."""
        types = "".join(
            f"CREATE TYPE public.{name} AS ENUM ({', '.join(repr(label) for label in labels)});\n"
            for name, labels in self.enums.items()
        )
        lines = [
            f"    {column.name} {column.declared or column.type.value} {'NULL' if column.nullable else 'NOT NULL'}"
            for column in self.columns
        ]
        key = ", ".join(f"{name} ASC" for name in self.key)
        lines.append(f"    CONSTRAINT {self.name}_pkey PRIMARY KEY ({key})")
        return f"{types}CREATE TABLE public.{self.name} (\n" + ",\n".join(lines) + "\n);\n"
