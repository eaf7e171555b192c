"""The policies of a run: files, read and compiled once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from auditor.errors import ConfigError
from auditor.identity import digest_of
from auditor.policies.breach import Breach, PolicyText
from auditor.policies.clauses import Clauses, Entry
from auditor.policies.compiling import Unlisted, compiled
from auditor.policies.row_rules import Condition
from auditor.policies.table_policy import TablePolicy

#: Tables for which what applies is remembered. Topics may have any name.
_MOST_TABLES = 4096
Destinations = str | tuple[str, ...]


class Policies:
    """All policy files of a run together."""

    def __init__(self, files: Sequence[tuple[str, bytes]], rule_ids: Collection[str]) -> None:
        """Compile files, each a name and its text; raise `ConfigError` with file and line for what is wrong."""
        self._files, self._rule_ids = tuple(files), frozenset(rule_ids)
        self._compiled = compiled(files, rule_ids)
        #: Tells these policies from others: in the coverage of what was read under them.
        self.digest = digest_of([text for _, text in files])
        self._tables: dict[tuple[str, tuple[str, ...]], TablePolicy | None] = {}

    @classmethod
    def load(cls, paths: Iterable[Path], rule_ids: Collection[str]) -> Policies:
        """Read policy files; ``rule_ids`` are the rules that there are. Raise `ConfigError` with file and line."""
        files = []
        for path in paths:
            try:
                files.append((str(path), path.read_bytes()))
            except OSError as error:
                raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from None
        return cls(files, rule_ids)

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to another process as text: nothing that is compiled can."""
        return type(self), (self._files, self._rule_ids)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the files' policies."""
        return tuple(source.name for source, _ in self._compiled.sources)

    def for_table(self, table: str, destination: Destinations = "") -> TablePolicy | None:
        """
        Return what applies to a table on its way to a destination; None if nothing does and that is no matter.

        A destination may have several names (its feed's, its topic's, a bucket's address), as a tuple.
        """
        destinations = destination if isinstance(destination, tuple) else (destination,)
        key = table, destinations
        if key not in self._tables:
            if len(self._tables) >= _MOST_TABLES:
                self._tables.clear()
            self._tables[key] = self._for_table(table, destinations)
        return self._tables[key]

    def _for_table(self, table: str, destinations: tuple[str, ...]) -> TablePolicy | None:
        """Put together what applies."""
        whole = self._compiled
        if not any(place.applies(table, destinations) for place in whole.places):
            unlisted = _most_specific(whole.unknown_tables, table, destinations)
            return TablePolicy(table, Clauses([], {}), (), None, unlisted) if unlisted is not None else None
        entries = [entry for entry in whole.entries if entry.place.applies(table, destinations)]
        conditions: dict[str, Condition] = {}
        for condition in whole.conditions:
            known = conditions.get(condition.rule.name)
            if condition.place.applies(table, destinations) and (known is None or known.place.rank < condition.place.rank):
                conditions[condition.rule.name] = condition
        unknown_columns = _most_specific(whole.unknown_columns, table, destinations)
        return TablePolicy(table, Clauses(entries, whole.tags), tuple(conditions.values()), unknown_columns, None)

    def text(self, kind: str, table: str, column: str, path: str) -> PolicyText | None:
        """
        Return what a finding of a kind at a place says, wherever the row was on its way to; None if no clause says so any more.

        What is said for one destination alone is taken only where nothing is said for all.
        """
        asked = [policy for policy in (self.for_table(table), self.for_table(table, self._destinations)) if policy is not None]
        for scrubbed in (False, True):
            for policy in asked:
                text = policy.text(kind, column, path, scrubbed=scrubbed)
                if text is not None:
                    return text
        return None

    @cached_property
    def _destinations(self) -> tuple[str, ...]:
        """Return names that all clauses for a destination are about: a glob fits itself."""
        whole = self._compiled
        places = [*whole.places, *(one.place for one in whole.unknown_tables)]
        return tuple(dict.fromkeys(place.destination.text for place in places if place.destination is not None))

    def judge_columns(self, table: str, names: Sequence[str], destination: Destinations = "") -> Iterator[Breach]:
        """Yield what the columns of a schema break before there is any row: their part is ``after``, their row 0."""
        policy = self.for_table(table, destination)
        if policy is not None:
            yield from policy.judge_names(names)

    def dead(self, known: Mapping[str, Collection[str]]) -> Iterator[ConfigError]:
        """
        Yield, for the columns of all tables that there are, what in the files is about none of them.

        A column that is forbidden or may be absent need not be there.
        """
        tables = {place: [name for name in known if place.table.matches(name)] for place in self._compiled.places}
        for place, matched in tables.items():
            if not matched:
                yield ConfigError(f"no table is called {place.table.text}", where=place.where)
        columns = {place: {column for name in matched for column in known[name]} for place, matched in tables.items() if matched}
        for entry in self._compiled.entries:
            there = columns.get(entry.place)
            if there is not None and not _may_be_absent(entry) and not any(map(entry.column.matches, there)):
                yield ConfigError(f"no column is called {entry.column.text}", where=entry.where)
        for condition in self._compiled.conditions:
            asked = {seen.column for seen in condition.seen if seen.column is not None}
            for name in sorted(asked - columns.get(condition.place, asked)):
                yield ConfigError(f"row rule {condition.rule.name} asks for {name}, which no table has", where=condition.where)
        used = {name for entry in self._compiled.entries for name in entry.said.get("tags", ())}
        for name in sorted(self._compiled.tags.keys() - used):
            yield ConfigError(f"no column has the tag {name}", where=self._compiled.tags[name].where)


def _may_be_absent(entry: Entry) -> bool:
    """Tell whether a clause is about a column that need not be there."""
    declared = entry.said.get("shape")
    return bool(entry.said.get("forbid")) or (declared is not None and declared.optional)


def _most_specific(unlisted: Iterable[Unlisted], table: str, destinations: tuple[str, ...]) -> Unlisted | None:
    """Return what happens to what no policy names, None if it is allowed."""
    applying = [one for one in unlisted if one.place.applies(table, destinations)]
    most = max(applying, key=lambda one: one.place.rank, default=None)
    return most if most is not None and most.level != "allow" else None
