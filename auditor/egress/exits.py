"""The noun: a way out of the database, whatever it was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from auditor.egress.destination import Destination
from auditor.egress.query import Query

Kind = Literal["changefeed", "schedule", "export", "connector", "connection"]


class Target(NamedTuple):
    """A table that goes out, as it was named; with a column family if only that one does."""

    table: str
    family: str = ""


@dataclass(frozen=True, slots=True)
class Exit:
    """
    A way out. It holds no credential: options that can hold one are there by their name alone, and named in ``secrets``.

    ``name`` is a job's id, a schedule's label or a connector's name, '' for a statement that was pasted. ``where`` is the place
    that it was read from. ``query`` is that of a CDC query or an EXPORT. With ``database`` all its tables go out but those of
    ``excluded``; or, if it has any, those of ``targets`` alone. ``options`` maps to None where an option has no value.
    """

    kind: Kind
    destination: Destination
    name: str = ""
    where: str = ""
    targets: tuple[Target, ...] = ()
    query: Query | None = None
    database: str = ""
    excluded: tuple[str, ...] = ()
    options: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    secrets: tuple[str, ...] = ()
    status: str = ""
    connector: Connector | None = None

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Return the columns that a projection keeps as they are; None if there is none, or it keeps all."""
        if self.query is None or self.query.open_ended:
            return None
        return tuple(dict.fromkeys(reading.column for _, reading in self.query.reading(()) if not reading.one_way))

    @property
    def title(self) -> str:
        """Say which it is, in few words."""
        shown = {"changefeed": "changefeed job" if self.name else "changefeed", "connection": "external connection"}
        return f"{shown.get(self.kind, self.kind)}{' ' + self.name if self.name else ''}"

    def option(self, name: str, default: str = "") -> str:
        """Return an option's value in lower case, ``default`` if it is not given."""
        value = self.options.get(name, default)
        return (value or "").lower()

    def has(self, name: str) -> bool:
        """Tell whether an option is given, and not switched off."""
        return name in self.options and self.option(name) not in ("false", "no", "off")


class Connector(NamedTuple):
    """
    What of a Kafka Connect connector decides over columns.

    ``included`` and ``excluded`` are its patterns of columns, None where it has none; ``masked`` are patterns of those that go
    out hashed, masked or cut. ``dropped`` and ``headed`` are fields that a transform takes out of values, or puts into headers.
    """

    included: tuple[str, ...] | None
    excluded: tuple[str, ...]
    masked: tuple[str, ...]
    hashed: tuple[str, ...]
    dropped: tuple[str, ...]
    headed: tuple[str, ...]
    before: bool
    tables: tuple[str, ...]
    tables_excluded: tuple[str, ...]
