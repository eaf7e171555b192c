"""A place in the database as SQL expressions: its table, its column, and the member of a JSON document."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from auditor.sql_quoting import identifier, string_literal, table_name, text_array

# One step of a path as `auditor.leaves` writes it: a plain member, an odd one as a JSON string, or a wildcard.
_STEP = re.compile(r'\.(?P<plain>\w+)|\[(?P<odd>"(?:[^"\\]|\\.)*")\]|(?P<many>\[\*\]|\.\*|\.\{name\})')
# A member whose name was itself a secret: it is shown by its prefix and three dots, and cannot be addressed.
_REDACTED = re.compile(r'(?:\.[^.\[]*|\["[^"]*)\.\.\.')


@dataclass(frozen=True, slots=True)
class SqlPlace:
    """
    Table and column, quoted, and the members of a path up to its first wildcard.

    ``whole`` says that the path names one member, not some of a list's or map's. What is unknown, or cannot be pasted, is a
    placeholder in angle brackets.
    """

    table: str
    column: str
    members: tuple[str, ...]
    whole: bool
    _raw_column: str

    @classmethod
    def of(cls, table: str, column: str, path: str) -> Self:
        """Make it from a canonical table name, a column and a path, each '' if unknown."""
        members, whole = _members(path)
        return cls(_quoted(table_name, table, "<table>"), _quoted(identifier, column, "<column>"), members, whole, column)

    def suffixed(self, ending: str) -> str:
        """Return the name of a column or constraint made from this column's name."""
        return _quoted(identifier, self._raw_column and self._raw_column + ending, f"<column>{ending}")

    @property
    def member(self) -> str:
        """Return the member as an expression: JSONB, SQL NULL if it is absent."""
        return f"{self.column} #> {text_array(self.members)}"

    @property
    def without_member(self) -> str:
        """Return the column's value less the member."""
        if len(self.members) == 1:
            return f"{self.column} - {string_literal(self.members[0])}"
        return f"json_remove_path({self.column}, {text_array(self.members)})"


def _quoted(quote: Callable[[str], str], name: str, placeholder: str) -> str:
    """Quote a name, or return the placeholder for one that is unknown or holds a control character."""
    try:
        return quote(name)
    except ValueError:
        return placeholder


def _members(path: str) -> tuple[tuple[str, ...], bool]:
    """Return the member names of a path up to the first that names many or was redacted, and whether that was all of it."""
    redacted = _REDACTED.search(path)
    readable = path[: redacted.start()] if redacted else path
    members: list[str] = []
    position = 1 if path.startswith("$") else 0
    while position < len(readable):
        step = _STEP.match(readable, position)
        if step is None or step["many"]:
            return tuple(members), False
        try:
            members.append(step["plain"] if step["odd"] is None else json.loads(step["odd"], strict=False))
        except ValueError:  # no name that was ever written: an escape that JSON does not have
            return tuple(members), False
        position = step.end()
    return tuple(members), redacted is None
