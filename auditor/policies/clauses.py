"""
What policies say of a column, and which of several sayings holds.

Every clause whose names fit applies. Key by key, that of the most specific place wins: destination before table, table before
column, column before path, a clause before the tags it names. Where two places are equally specific and disagree, the files are
refused, since nobody could tell which holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from auditor.errors import ConfigError
from auditor.policies.json_path import JsonPath
from auditor.policies.names import Glob, TableGlob

#: The destination of what is said for all.
EVERYWHERE = Glob("*", crosses=True)
KEYS = ("shape", "allow", "forbid", "severity", "owner", "remedy", "tags")


@dataclass(frozen=True)
class Source:
    """The file that says something."""

    name: str
    observed: bool


@dataclass(frozen=True)
class Place:
    """Where a table's clauses stand: for a destination ('' for all), and for the tables that a glob means."""

    source: Source
    destination: Glob | None
    table: TableGlob
    where: str

    @cached_property
    def rank(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return what is compared of it."""
        return self.destination.rank if self.destination else (-1, 0), self.table.rank

    def applies(self, table: str, destinations: tuple[str, ...]) -> bool:
        """Tell whether it is about a table on its way to a destination, which may have several names."""
        if self.destination is not None and not any(map(self.destination.matches, destinations)):
            return False
        return self.table.matches(table)

    def overlaps(self, other: Place) -> bool:
        """Tell whether there is a table and a destination that both are about."""
        both = self.destination is None or other.destination is None or self.destination.overlaps(other.destination)
        return both and self.table.overlaps(other.table)


@dataclass(frozen=True)
class Entry:
    """One clause. ``said`` holds what it says by key, ``lines`` where (file:line)."""

    place: Place
    column: Glob
    path: JsonPath
    said: Mapping[str, Any]
    lines: Mapping[str, str]
    where: str
    #: 1 for what a clause says itself, 0 for what it says by a tag.
    own: int = 1

    @cached_property
    def rank(self) -> tuple[Any, ...]:
        """Return what is compared: the most specific is the greatest."""
        return (*self.place.rank, self.column.rank, self.path.rank, self.own)

    def covers(self, column: str, steps: tuple[str, ...]) -> bool:
        """Tell whether a path of a column is meant, or lies below."""
        return self.column.matches(column) and self.path.covers(steps)

    def overlaps(self, other: Entry) -> bool:
        """Tell whether both can be about one thing."""
        return self.column.overlaps(other.column) and self.path.overlaps(other.path) and self.place.overlaps(other.place)


class Tag(NamedTuple):
    """What holds for all columns with a tag."""

    said: Mapping[str, Any]
    lines: Mapping[str, str]
    source: Source
    where: str


class Won(NamedTuple):
    """What holds for one key, and the clause that says it."""

    value: Any
    entry: Entry


def refuse_ties(entries: Iterable[Entry]) -> None:
    """Raise `ConfigError` where two equally specific clauses that can be about one thing disagree, with both lines."""
    groups: defaultdict[Any, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.rank, entry.column.text if entry.column.exact else ""].append(entry)
    for group in groups.values():
        for index, entry in enumerate(group):
            for other in group[:index]:
                for key in KEYS:
                    if key in entry.said and key in other.said and entry.said[key] != other.said[key] and entry.overlaps(other):
                        raise ConfigError(
                            f"{key} says another thing than {other.lines[key]}, and neither is the more specific",
                            where=entry.lines[key],
                            fix="name the column or the table more exactly in one of them",
                        )


@dataclass
class Clauses:
    """The clauses that are about one table on its way to one destination, the most specific first."""

    entries: list[Entry]
    tags: Mapping[str, Tag]
    _columns: dict[str, list[Entry]] = field(default_factory=dict)
    _exact: defaultdict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    _globs: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put them in order, those about one column by its name."""
        self.entries.sort(key=lambda entry: entry.rank, reverse=True)
        for entry in self.entries:
            (self._exact[entry.column.text] if entry.column.exact else self._globs).append(entry)

    def of(self, column: str) -> list[Entry]:
        """Return the clauses about a column and what is inside it, with those of its tags, the most specific first."""
        known = self._columns.get(column)
        if known is None:
            if len(self._columns) >= 4096:  # names come with the data
                self._columns.clear()
            named = [*self._exact.get(column, ()), *(entry for entry in self._globs if entry.column.matches(column))]
            named.sort(key=lambda entry: entry.rank, reverse=True)
            known = self._columns[column] = sorted([*named, *self._tagged(named)], key=lambda entry: entry.rank, reverse=True)
        return known

    def _tagged(self, named: list[Entry]) -> Iterator[Entry]:
        """Yield clauses for what the tags say. The most specific list of tags at a path is the one that holds."""
        done: set[str] = set()
        for entry in named:
            if "tags" in entry.said and entry.path.text not in done:
                done.add(entry.path.text)
                for name in entry.said["tags"]:
                    tag = self.tags[name]
                    place = Place(tag.source, entry.place.destination, entry.place.table, tag.where)
                    yield Entry(place, entry.column, entry.path, tag.said, tag.lines, tag.where, own=0)

    def won(self, key: str, column: str, steps: tuple[str, ...]) -> Won | None:
        """Return what holds for a path of a column: said of it, or of what it lies in."""
        return next(
            (Won(entry.said[key], entry) for entry in self.of(column) if key in entry.said and entry.path.covers(steps)), None
        )

    def won_here(self, key: str, column: str, steps: tuple[str, ...]) -> Won | None:
        """Return what is said of a path of a column itself."""
        depth = len(steps)
        return next(
            (
                Won(entry.said[key], entry)
                for entry in self.of(column)
                if key in entry.said and len(entry.path.steps) == depth and entry.path.covers(steps)
            ),
            None,
        )
