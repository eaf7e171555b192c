"""
A first policy, proposed from a schema, an Avro schema or what a sample of data showed: one line a column, each with its reason.

The result is YAML text for a person to go over. It is the same for the same input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from auditor.egress.naming import Guess, Holds, guess
from auditor.egress.schema import Column, Schema, Table
from auditor.errors import ConfigError
from auditor.names import unescaped_topic

#: What a sample of values showed of (table, column): one of these words, or the name of a shape.
Verdicts = Mapping[tuple[str, str], str]

_HEADER = """\
# A proposal: go over every line. What is forbidden may not leave at all; a shape is the only form that values may have.
# Columns that are not named here are reported when they turn up.
"""
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_NOT_KEYS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_BY_WORD = {
    "raw": Guess(Holds.RAW, (), "a sample of its values looks like raw tokens"),
    "raw-token": Guess(Holds.RAW, (), "a sample of its values looks like raw tokens"),
    "identifier": Guess(Holds.IDENTIFIER, (), "a sample of its values looks like identifiers"),
    "ordinary": Guess(Holds.ORDINARY, (), "a sample of its values is ordinary data"),
}


def propose(schema: Schema, verdicts: Verdicts | None = None, *, name: str = "proposed") -> str:
    """
    Return a policy of this name for the tables of a schema, as YAML.

    ``verdicts`` are what a sample showed; they stand above what a name says, but for a digest that a sample cannot tell from a
    token.
    """
    tables = sorted(_with_seen(schema, verdicts or {}), key=lambda table: table.name)
    if not tables:
        raise ConfigError("there is no table to propose a policy for")
    body = "".join(_table(table, verdicts or {}) for table in tables)
    return f"{_HEADER}name: {name}\nunknown-tables: report\ntables:\n{body}"


def _with_seen(schema: Schema, verdicts: Verdicts) -> Iterator[Table]:
    """Yield the tables of a schema, with tables and columns that only a sample knows."""
    seen: dict[str, list[str]] = {}
    for table, column in verdicts:
        seen.setdefault(table, []).append(column)
    for known in schema.tables:
        more = [column for each in list(seen) if schema.table(each) is known for column in seen.pop(each)]
        added = tuple(Column(column) for column in more if known.column(column) is None)
        yield Table(
            known.name, (*known.columns, *added), known.primary_key, known.families, known.row_level_security, known.comment
        )
    yield from (Table(each, tuple(map(Column, columns))) for each, columns in seen.items())


def _table(table: Table, verdicts: Verdicts) -> str:
    """Write one table."""
    lines = [f"  {_key(table.name)}:{_remark(table.comment)}", "    unknown-columns: report", "    columns:"]
    lines += [_line(table, column, _decided(table, column, verdicts)) for column in table.columns if not column.hidden]
    return "\n".join(lines) + "\n"


def _decided(table: Table, column: Column, verdicts: Verdicts) -> Guess:
    """Weigh what a sample showed against what name, type and constraints say."""
    by_name = guess(column)
    verdict = next((word for (name, each), word in verdicts.items() if each == column.name and _is(name, table.name)), "")
    if not verdict or (by_name.holds in (Holds.HASH, Holds.PASSWORD_HASH, Holds.CIPHERTEXT) and verdict in ("raw", "raw-token")):
        return by_name
    if known := _BY_WORD.get(verdict):
        # An ordinary sample of a column that is named as a secret: it may have been empty.
        return by_name if by_name.holds is Holds.RAW and known.holds is not Holds.RAW else known
    return Guess(Holds.HASH, (verdict,), f"all of a sample of its values are {verdict}")


def _is(one: str, other: str) -> bool:
    """Tell whether two names are of one table, one perhaps with fewer parts."""
    return one == other or other.endswith(f".{one}") or one.endswith(f".{other}")


def _line(table: Table, column: Column, decided: Guess) -> str:
    """Write one column."""
    reason = decided.reason
    if column.name in table.primary_key and decided.holds is Holds.RAW:
        reason += "; it is part of the primary key, which goes out with every message"
    if decided.holds is Holds.RAW:
        rule = "{forbid: true}"
    elif decided.shapes:
        shapes = [*decided.shapes, *(["null"] if column.nullable else [])]
        rule = "{shape: " + (_flow(shapes[0]) if len(shapes) == 1 else f"[{', '.join(map(_flow, shapes))}]") + "}"
    else:
        rule = ""
    return f"      {_key(column.name)}:{' ' if rule else ''}{rule}{_remark(reason)}"


def _flow(text: str) -> str:
    """Write a value inside of brackets."""
    return text if re.fullmatch(r"[a-z][a-z0-9-]*", text) and text not in _NOT_KEYS else json.dumps(text)


def _key(name: str) -> str:
    """Write a key; one that YAML could take for something else is quoted."""
    return name if _PLAIN_KEY.fullmatch(name) and name.lower() not in _NOT_KEYS else json.dumps(name, ensure_ascii=False)


def _remark(text: str) -> str:
    """Write a remark at the end of a line."""
    shown = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return f"  # {shown[:160]}" if shown else ""


def schema_of_avro(texts: Iterable[str]) -> Schema:
    """
    Return the tables of Avro schemas of values, as CockroachDB registers them; names are unescaped.

    An envelope's ``after`` (or ``record``) is taken; where fields carry ``__crdb__``, it is the column's SQL definition.
    """
    tables: dict[str, Table] = {}
    for text in texts:
        try:
            document = json.loads(text)
        except ValueError:
            raise ConfigError("an Avro schema is no JSON") from None
        record = _row_of(document)
        if record is not None:
            name = unescaped_topic(".".join(filter(None, (str(record.get("namespace") or ""), str(record["name"])))))
            columns = tuple(_avro_column(field) for field in record["fields"] if isinstance(field, dict) and "name" in field)
            tables[name] = Table(name, columns)
    return Schema(tables.values())


def _row_of(document: Any) -> dict[str, Any] | None:
    """Return the record of a row: inside an envelope, or the whole."""
    if not isinstance(document, dict) or document.get("type") != "record" or not isinstance(document.get("fields"), list):
        return None
    for field in document["fields"]:
        if isinstance(field, dict) and field.get("name") in ("after", "record"):
            branches = field["type"] if isinstance(field.get("type"), list) else [field.get("type")]
            for branch in branches:
                if isinstance(branch, dict) and branch.get("type") == "record":
                    return _row_of(branch)
    return document


def _avro_column(field: Mapping[str, Any]) -> Column:
    """Read a field."""
    name = unescaped_topic(str(field["name"]))
    definition = str(field.get("__crdb__") or "")
    kind = definition.removeprefix(name).removeprefix(f'"{name}"').strip()
    match = re.match(r"(?P<type>[A-Z][A-Z0-9_ ]*?(?:\([\d, ]*\))?(?:\[\])?)(?: (?:NOT )?NULL\b| DEFAULT\b| AS\b|$)", kind)
    if match:
        return Column(name, match["type"], "NOT NULL" not in kind)
    branches = field["type"] if isinstance(field.get("type"), list) else [field.get("type")]
    plain = next((branch for branch in branches if branch != "null"), "")
    return Column(name, plain if isinstance(plain, str) else "", "null" in branches)
