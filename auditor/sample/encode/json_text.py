r"""
JSON as CockroachDB's encoder writes it: members sorted, ``", "`` and ``": "``, other scripts raw, controls as ``\u00xx``.

Also JSON as Go's encoding/json writes it, which the SQL shell and the older webhook and Pub/Sub sinks use: no spaces, and ``<``,
``>``, ``&`` escaped too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from auditor.sample.encode.moments import iso_utc
from auditor.sample.sql_types import Column, Row, SqlType, Table, Value

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(", ", ": ")).encode
# Python's encoder has short forms for backspace and form feed; CockroachDB's has not.
_SHORT = re.compile(r"(?<!\\)((?:\\\\)*)\\([bf])")
_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_HTML_ANY = re.compile("[<>&\u2028\u2029]")


def quoted(text: str) -> str:
    """Return a JSON string."""
    encoded = encode_basestring(text)
    return _long(encoded) if "\b" in text or "\f" in text else encoded


def _long(encoded: str) -> str:
    return _SHORT.sub(lambda match: match[1] + ("\\u0008" if match[2] == "b" else "\\u000c"), encoded)


def jsonb(value: object) -> str:
    """Return a JSONB value."""
    encoded = _encode(value)
    return _long(encoded) if "\\b" in encoded or "\\f" in encoded else encoded


def go_quoted(text: str) -> str:
    """Return a JSON string as Go's json.Marshal writes it."""
    return _HTML_ANY.sub(lambda match: _HTML[match[0]], quoted(text))


def compacted(text: str) -> str:
    """Return JSON text without spaces between its parts and with Go's HTML escapes, as marshalling raw messages does."""
    return _HTML_ANY.sub(lambda match: _HTML[match[0]], _compact(json.loads(text, parse_float=Decimal)))


def _compact(value: Any) -> str:
    """Write parsed JSON compactly, numbers digit for digit and members in their order."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{quoted(name)}:{_compact(child)}" for name, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_compact, value)) + "]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def _array(value: Any) -> str:
    return "[" + ", ".join("null" if item is None else quoted(item) for item in value) + "]"


_WRITERS: Mapping[SqlType, Callable[[Any], str]] = {
    SqlType.UUID: lambda value: f'"{value}"',
    SqlType.STRING: quoted,
    SqlType.BYTES: lambda value: f'"\\\\x{value.hex()}"',
    SqlType.INT8: str,
    SqlType.FLOAT8: repr,
    SqlType.DECIMAL: str,
    SqlType.BOOL: lambda value: "true" if value else "false",
    SqlType.TIMESTAMPTZ: lambda value: f'"{iso_utc(value)}"',
    SqlType.INET: lambda value: f'"{value}"',
    SqlType.JSONB: jsonb,
    SqlType.STRING_ARRAY: _array,
    SqlType.ENUM: quoted,
}


def scalar(column: Column, value: Value) -> str:
    """Return one column's value."""
    return "null" if value is None else _WRITERS[column.type](value)


class RowEncoder:
    """Encodes rows of a table, or of one of its column families, as JSON objects."""

    def __init__(self, table: Table, columns: Sequence[str] = ()) -> None:
        """Take the columns to write; none means all."""
        chosen = sorted(
            (column for column in table.columns if not columns or column.name in columns), key=lambda column: column.name.encode()
        )
        self._members = [
            (column.name, f"{', ' if place else ''}{quoted(column.name)}: ", _WRITERS[column.type])
            for place, column in enumerate(chosen)
        ]
        self._key = [table.column(name) for name in table.key]

    def members(self, row: Row) -> str:
        """Return the members of the object without its braces."""
        parts: list[str] = []
        for name, opening, write in self._members:
            value = row[name]
            parts.append(opening)
            parts.append("null" if value is None else write(value))
        return "".join(parts)

    def object(self, row: Row | None) -> str:
        """Return the object, ``null`` for no row."""
        return "null" if row is None else f"{{{self.members(row)}}}"

    def key(self, row: Row) -> str:
        """Return the primary key as an array."""
        return f"[{', '.join(scalar(column, row[column.name]) for column in self._key)}]"

    def key_object(self, row: Row) -> str:
        """Return the primary key as an object, as the enriched envelope has it."""
        return (
            "{"
            + ", ".join(
                f"{quoted(column.name)}: {scalar(column, row[column.name])}"
                for column in sorted(self._key, key=lambda column: column.name.encode())
            )
            + "}"
        )
