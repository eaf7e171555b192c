r"""
SQL values as text: what EXPORT writes, what the SQL shell prints, and literals as statements in logs show them.

Rules as in CockroachDB's lexbase and stringencoding packages: a string literal that needs escapes is ``e'...'``, other scripts
become ``\uXXXX`` or ``\UXXXXXXXX``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from auditor.sample.encode.json_text import jsonb
from auditor.sample.encode.moments import sql_utc
from auditor.sample.sql_types import Column, Row, SqlType, Table, Value

_LITERAL_ESCAPED = re.compile(r"[^ -~]|['\\]")
_SHORT = {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", "'": "\\'"}
_GO_SHORT = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", '"': '\\"'}
_ARRAY_QUOTED = re.compile(r"[,\"\\]")
_UNGRAPHIC = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def literal(text: str) -> str:
    """Return a SQL string literal."""
    if not _LITERAL_ESCAPED.search(text):
        return f"'{text}'"
    return "e'" + _LITERAL_ESCAPED.sub(lambda match: _SHORT.get(match[0]) or _numbered(match[0], 2), text) + "'"


def _numbered(letter: str, utf8_bytes: int) -> str:
    """Return a numeric escape: two hex digits, four up to ``utf8_bytes`` bytes of UTF-8, else eight."""
    point = ord(letter)
    if point < 0x80:
        return f"\\x{point:02x}"
    return f"\\u{point:04X}" if len(letter.encode()) <= utf8_bytes else f"\\U{point:08X}"


def _go_escaped(text: str) -> str:
    """Return Go's ``%+q`` without its quotes: what the shell prints for text with control characters."""
    return "".join(
        _GO_SHORT.get(letter)
        or (letter if " " <= letter <= "~" else f"\\x{ord(letter):02x}" if ord(letter) < 0x80 else _go_numbered(ord(letter)))
        for letter in text
    )


def _go_numbered(point: int) -> str:
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def printed(text: str) -> str:
    """Return text as the SQL shell prints it: as it is, unless it holds an invisible character other than tab and line feed."""
    if all(letter in "\t\n" or unicodedata.category(letter) not in _UNGRAPHIC for letter in text):
        return text
    return _go_escaped(text)


def _export_array(value: Any) -> str:
    return "ARRAY[" + ",".join("NULL" if item is None else literal(item) for item in value) + "]"


def _shell_array(value: Any) -> str:
    """Return an array as the shell prints it: an item with a comma, quote or backslash is quoted."""
    items = ("NULL" if item is None else _array_item(item) for item in value)
    return "{" + ",".join(items) + "}"


def _array_item(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if _ARRAY_QUOTED.search(text) else text


_EXPORT: Mapping[SqlType, Callable[[Any], str]] = {
    SqlType.UUID: str,
    SqlType.STRING: str,
    SqlType.BYTES: lambda value: "\\x" + value.hex(),
    SqlType.INT8: str,
    SqlType.FLOAT8: repr,
    SqlType.DECIMAL: str,
    SqlType.BOOL: lambda value: "true" if value else "false",
    SqlType.TIMESTAMPTZ: sql_utc,
    SqlType.INET: str,
    SqlType.JSONB: jsonb,
    SqlType.STRING_ARRAY: _export_array,
    SqlType.ENUM: str,
}
_SHELL: Mapping[SqlType, Callable[[Any], str]] = {
    **_EXPORT,
    SqlType.BOOL: lambda value: "t" if value else "f",
    SqlType.STRING_ARRAY: _shell_array,
}
_UNQUOTED = frozenset({SqlType.INT8, SqlType.FLOAT8, SqlType.DECIMAL, SqlType.BOOL})


def export_fields(table: Table, row: Row, null: str) -> list[str]:
    """Return a row's fields as EXPORT and changefeed csv write them."""
    return [null if (value := row[column.name]) is None else _EXPORT[column.type](value) for column in table.columns]


def export_value(column: Column, value: Value) -> str:
    """Return one value that is not NULL as EXPORT writes it."""
    return _EXPORT[column.type](value)


def shell_fields(table: Table, row: Row) -> list[str]:
    """Return a row's fields as the SQL shell prints them, NULL as ``NULL``."""
    return ["NULL" if (value := row[column.name]) is None else printed(_SHELL[column.type](value)) for column in table.columns]


def value_literal(column: Column, value: Value) -> str:
    """Return a value as a literal in a statement."""
    if value is None:
        return "NULL"
    if column.type is SqlType.STRING_ARRAY:
        return _export_array(value)
    text = _EXPORT[column.type](value)
    return text if column.type in _UNQUOTED else literal(text)
