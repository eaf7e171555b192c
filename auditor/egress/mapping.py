"""Whether policies and what is there speak of the same: tables and columns that no policy names, and names that nothing has."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.egress.schema import Schema
from auditor.errors import ConfigError
from auditor.policies import Policies
from auditor.policies.breach import UNKNOWN_COLUMN, UNKNOWN_TABLE


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What does not meet: tables, columns of tables that some policy names, and places in the policies that name nothing."""

    tables: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    dead: tuple[ConfigError, ...]

    def __bool__(self) -> bool:
        """Tell whether anything does not meet."""
        return bool(self.tables or self.columns or self.dead)


def mismatch(policies: Policies, schema: Schema, destinations: tuple[str, ...] = ("",)) -> Mismatch:
    """
    Compare policies with the tables that there are: of a catalogue, of DDL, or of what a feed has sent.

    Columns count where the policies say that unknown ones are to be told of (``unknown-columns``).
    """
    tables: list[str] = []
    columns: list[tuple[str, str]] = []
    for table in schema.tables:
        visible = tuple(column.name for column in table.columns if not column.hidden)
        breaches = list(policies.judge_columns(table.name, visible, destinations))
        if policies.for_table(table.name, destinations) is None or any(breach.kind == UNKNOWN_TABLE for breach in breaches):
            tables.append(table.name)
        columns += [(table.name, breach.column) for breach in breaches if breach.kind == UNKNOWN_COLUMN]
    known = {table.name: table.names for table in schema.tables}
    return Mismatch(tuple(tables), tuple(columns), tuple(policies.dead(known)))
