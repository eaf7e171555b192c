"""Names and strings as CockroachDB's SQL takes them, for statements that a person will paste."""

from __future__ import annotations

import re
from collections.abc import Sequence

# A name is folded to lower case unless quoted (CockroachDB docs, "Keywords & identifiers").
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
# Reserved words, and those allowed as function or type names only: no column may be named so without quotes
# (CockroachDB's grammar: reserved_keyword, type_func_name_keyword, cockroachdb_extra_reserved_keyword).
_RESERVED = frozenset((
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "both", "case", "cast",
    "check", "collate", "collation", "column", "concurrently", "constraint", "create", "cross", "current_catalog",
    "current_date", "current_role", "current_schema", "current_time", "current_timestamp", "current_user", "default",
    "deferrable", "desc", "distinct", "do", "else", "end", "except", "false", "family", "fetch", "for", "foreign", "from",
    "full", "grant", "group", "having", "ilike", "in", "index", "initially", "inner", "intersect", "into", "is", "isnull",
    "join", "lateral", "leading", "left", "like", "limit", "localtime", "localtimestamp", "natural", "none", "not",
    "nothing", "notnull", "null", "offset", "on", "only", "or", "order", "outer", "overlaps", "placing", "primary",
    "references", "returning", "right", "select", "session_user", "similar", "some", "symmetric", "table", "then", "to",
    "trailing", "true", "union", "unique", "user", "using", "variadic", "when", "where", "window", "with",
))  # fmt: skip


def identifier(name: str) -> str:
    """Return a name as SQL, quoted only if it must be. Raise `ValueError` for a name that cannot be pasted on one line."""
    if not name or not name.isprintable():
        raise ValueError("empty, or holds a control character")
    if _PLAIN.fullmatch(name) and name not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def table_name(canonical: str) -> str:
    """Return ``database.schema.table``, or the last parts of it, as SQL; a further dot belongs to the table's own name."""
    return ".".join(identifier(part) for part in canonical.split(".", 2))


def string_literal(text: str) -> str:
    r"""Return a string as SQL; one with a backslash or a control becomes an ``e'...'`` literal."""
    quoted = text.replace("'", "''")
    if text.isprintable() and "\\" not in text:
        return f"'{quoted}'"
    escaped = quoted.replace("\\", "\\\\")
    return "e'" + "".join(c if c.isprintable() else _escape(ord(c)) for c in escaped) + "'"


def _escape(code: int) -> str:
    """Write a code point as an ``e'...'`` literal takes it."""
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def text_array(items: Sequence[str]) -> str:
    """Return a STRING[] value, as the JSON path operators and functions take it."""
    return f"ARRAY[{', '.join(string_literal(item) for item in items)}]"
