"""
Avro schemas as a tree: how bytes are laid out, and what CockroachDB says of the SQL types behind them.

Forms as in the Avro specification (1.11, "Schema Declaration"). CockroachDB adds ``__crdb__`` to each field of a table, the
column's definition. It writes no type that holds itself; such schemas are refused, since a message of 10,000 levels overflows the
stack of the library that reads by them (fastavro 1.13.1), which ends the process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import orjson

from auditor.errors import DecodeError
from auditor.names import unescaped_topic

_PRIMITIVES = frozenset(("null", "boolean", "int", "long", "float", "double", "string", "bytes"))
#: SQL types whose text is JSON.
JSON_TYPES = frozenset(("JSONB", "JSON"))
#: Levels of types inside each other, and types of one schema with every named one counted where it is used.
_DEEPEST, _MOST = 64, 20_000
#: The type in ``"a column" TIMESTAMPTZ(3) NOT NULL``.
_SQL_TYPE = re.compile(r'(?:"(?:[^"]|"")*"|\S+) ([A-Za-z0-9_]+)')


class Leaf(NamedTuple):
    """A primitive type; ``sql`` is the SQL type of the column it is in, in upper case, '' if unknown."""

    kind: str
    logical: str = ""
    scale: int = 0
    sql: str = ""


class Fixed(NamedTuple):
    """So many bytes."""

    size: int


class Enum(NamedTuple):
    """One of some symbols: written as a number, so that none of its text is in a message."""

    symbols: tuple[str, ...]


class Array(NamedTuple):
    """Any number of items."""

    items: Node


class Map(NamedTuple):
    """Any number of named values."""

    values: Node


class Field(NamedTuple):
    """A field; ``written`` is its name in the schema, ``name`` the same without Avro's escapes: the column's."""

    written: str
    name: str
    node: Node


class Record(NamedTuple):
    """A record; ``name`` is unescaped and without its ``namespace``."""

    name: str
    namespace: str
    fields: tuple[Field, ...]


class Union(NamedTuple):
    """One of some types; NULL is the branch ``null``."""

    branches: tuple[Node, ...]


Node: TypeAlias = "Leaf | Fixed | Enum | Array | Map | Record | Union"


def parse(text: str) -> tuple[Node, object]:
    """
    Return a schema's tree, and its JSON without logical types, for a library that would turn numbers into dates that it lacks.

    Raise `DecodeError` for what is no schema, or none that can be read safely.
    """
    try:
        schema = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise DecodeError("the schema is no JSON") from None
    parser = _Parser()
    node = parser.node(schema, "", "", 0)
    if parser.size(node) > _MOST:
        raise DecodeError(f"the schema holds over {_MOST} types")
    return node, _without_logical_types(schema)


class _Parser:
    """Reads one schema. A named type is known from where it is defined; while it is read it stands for None."""

    def __init__(self) -> None:
        self._named: dict[str, Node | None] = {}
        self._sizes: dict[int, int] = {}

    def node(self, schema: object, namespace: str, sql: str, depth: int) -> Node:
        """Read a type that stands inside a namespace, in a column of an SQL type."""
        if depth > _DEEPEST:
            raise DecodeError(f"the schema is nested over {_DEEPEST} deep")
        if isinstance(schema, str):
            return Leaf(schema, sql=sql) if schema in _PRIMITIVES else self._reference(schema, namespace)
        if isinstance(schema, list):
            return Union(tuple(self.node(branch, namespace, sql, depth + 1) for branch in schema))
        if not isinstance(schema, dict):
            raise DecodeError("the schema has a type that is none")
        kind = schema.get("type")
        if kind in ("record", "error", "enum", "fixed"):
            return self._definition(schema, kind, namespace, depth)
        if kind == "array":
            items = self.node(schema.get("items"), namespace, sql, depth + 1)
            if _is_empty(items):
                raise DecodeError("the schema has an array of nothing: a few bytes could say that it is of any length")
            return Array(items)
        if kind == "map":
            return Map(self.node(schema.get("values"), namespace, sql, depth + 1))
        if isinstance(kind, str) and kind in _PRIMITIVES:
            logical, scale = schema.get("logicalType"), schema.get("scale", 0)
            return Leaf(kind, logical if isinstance(logical, str) else "", scale if isinstance(scale, int) else 0, sql)
        return self.node(kind, namespace, sql, depth + 1)

    def _reference(self, name: str, namespace: str) -> Node:
        """Return the type of a name."""
        full = name if "." in name or not namespace else f"{namespace}.{name}"
        found = self._named.get(full, self._named.get(name))
        if found is not None:
            return found
        raise DecodeError(
            "the schema has a type that holds itself" if full in self._named else "the schema names a type it lacks"
        )

    def _definition(self, schema: Mapping[str, object], kind: str, namespace: str, depth: int) -> Node:
        """Read a named type and remember it."""
        name, inner = schema.get("name"), schema.get("namespace")
        if not isinstance(name, str):
            raise DecodeError("the schema has a type without its name")
        if "." in name:
            namespace, _, name = name.rpartition(".")
        elif isinstance(inner, str):
            namespace = inner
        full = f"{namespace}.{name}" if namespace else name
        self._named[full] = None
        node = self._body(schema, kind, name, namespace, depth)
        self._named[full] = node
        return node

    def _body(self, schema: Mapping[str, object], kind: str, name: str, namespace: str, depth: int) -> Node:
        """Read what makes up a named type."""
        if kind == "enum":
            symbols = schema.get("symbols")
            return Enum(tuple(map(str, symbols)) if isinstance(symbols, list) else ())
        if kind == "fixed":
            size = schema.get("size")
            if not isinstance(size, int) or size < 0:
                raise DecodeError("the schema has a fixed type without its size")
            return Fixed(size)
        fields = schema.get("fields")
        if not isinstance(fields, list):
            raise DecodeError("the schema has a record without fields")
        return Record(unescaped_topic(name), namespace, self._fields(fields, namespace, depth))

    def _fields(self, fields: list[object], namespace: str, depth: int) -> tuple[Field, ...]:
        """Read the fields of a record. Where two names are one without their escapes, the second keeps them."""
        found: list[Field] = []
        names: set[str] = set()
        for field in fields:
            if not isinstance(field, dict) or not isinstance(field.get("name"), str):
                raise DecodeError("the schema has a field without its name")
            written = field["name"]
            plain = unescaped_topic(written)
            name = written if plain in names else plain
            names.add(name)
            found.append(
                Field(written, name, self.node(field.get("type"), namespace, _sql_type(field.get("__crdb__")), depth + 1))
            )
        return tuple(found)

    def size(self, node: Node) -> int:
        """Return how many types a type consists of."""
        known = self._sizes.get(id(node))
        if known is None:
            known = self._sizes[id(node)] = 1 + sum(map(self.size, _children(node)))
        return known


def _children(node: Node) -> tuple[Node, ...]:
    """Return the types directly inside a type."""
    match node:
        case Array(inner) | Map(inner):
            return (inner,)
        case Record():
            return tuple(field.node for field in node.fields)
        case Union(branches):
            return branches
    return ()


def _is_empty(node: Node) -> bool:
    """Tell whether values of a type take no bytes at all."""
    match node:
        case Leaf(kind="null") | Fixed(0):
            return True
        case Record():
            return all(_is_empty(field.node) for field in node.fields)
    return False


def _sql_type(definition: object) -> str:
    """Return the type of a column's definition."""
    match = _SQL_TYPE.match(definition) if isinstance(definition, str) else None
    return match[1].upper() if match else ""


def _without_logical_types(schema: object) -> object:
    """Return the JSON of a schema without ``logicalType``."""
    if isinstance(schema, dict):
        return {name: _without_logical_types(child) for name, child in schema.items() if name != "logicalType"}
    return [_without_logical_types(child) for child in schema] if isinstance(schema, list) else schema
