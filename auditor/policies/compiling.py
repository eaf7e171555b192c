"""From the text of policy files to clauses, every mistake told with its line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

from auditor.errors import ConfigError
from auditor.model import Severity
from auditor.policies.clauses import Entry, Place, Source, Tag, refuse_ties
from auditor.policies.column_check import ColumnCheck
from auditor.policies.form import Allow, Clause, Column, PolicyFile, Table
from auditor.policies.json_path import JsonPath
from auditor.policies.lines import Lines
from auditor.policies.names import Glob, TableGlob
from auditor.policies.row_rules import Condition
from auditor.shapes import parse
from auditor.yaml_file import load


@dataclass(frozen=True)
class Declared:
    """The shapes of a column, as its policy names them."""

    names: tuple[str, ...]

    @property
    def check(self) -> ColumnCheck:
        """Return what judges the column's values."""
        return _check(self.names)

    @property
    def optional(self) -> bool:
        """Tell whether the column need not be there."""
        return "absent" in self.names


@lru_cache(maxsize=4096)
def _check(names: tuple[str, ...]) -> ColumnCheck:
    """Compile shapes: a millisecond, and many columns are of the same."""
    shapes = tuple(shape for name in names if name not in ("null", "absent") for shape in parse(name))
    return ColumnCheck(shapes, null="null" in names)


class Unlisted(NamedTuple):
    """What happens to tables, or to columns of tables, that no policy names."""

    level: str
    place: Place


@dataclass
class Compiled:
    """What files say together."""

    sources: list[tuple[Source, str]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    unknown_columns: list[Unlisted] = field(default_factory=list)
    unknown_tables: list[Unlisted] = field(default_factory=list)
    tags: dict[str, Tag] = field(default_factory=dict)


def compiled(files: Iterable[tuple[str, bytes]], rule_ids: Collection[str]) -> Compiled:
    """Compile files, each a name and its text. Raise `ConfigError` for the first thing that is wrong."""
    whole = Compiled()
    for where, text in files:
        form = load(text, PolicyFile, where)
        _File(form, Lines(text, where), rule_ids, whole).add()
    _refuse_unknown_tags(whole)
    refuse_ties(whole.entries)
    for unlisted, what in ((whole.unknown_columns, "unknown-columns"), (whole.unknown_tables, "unknown-tables")):
        _refuse_unlisted_ties(unlisted, what)
    _refuse_rule_ties(whole.conditions)
    return whole


class _File:
    """One file on its way into the whole."""

    def __init__(self, form: PolicyFile, lines: Lines, rule_ids: Collection[str], whole: Compiled) -> None:
        self._form, self._lines, self._rule_ids, self._whole = form, lines, rule_ids, whole
        self._source = Source(form.name, form.mode == "observe")

    def add(self) -> None:
        """Add all that the file says."""
        form, at = self._form, self._lines.at
        where = at("name")
        for source, other in self._whole.sources:
            if source.name == form.name:
                raise ConfigError(f"a policy named {form.name} stands in {other}, too", where=where, fix="give one another name")
        self._whole.sources.append((self._source, where))
        for name, clause in form.tags.items():
            self._tag(name, clause)
        self._tables(form.tables, None, ())
        if form.unknown_tables is not None:
            self._unknown_tables(form.unknown_tables, None, ())
        for name, destination in form.destinations.items():
            path = ("destinations", name)
            self._tables(destination.tables, Glob(name, crosses=True), path)
            if destination.unknown_tables is not None:
                self._unknown_tables(destination.unknown_tables, Glob(name, crosses=True), path)

    def _unknown_tables(self, level: str, destination: Glob | None, path: tuple[str, ...]) -> None:
        place = Place(self._source, destination, TableGlob("*"), self._lines.at(*path, "unknown-tables"))
        self._whole.unknown_tables.append(Unlisted(level, place))

    def _tag(self, name: str, clause: Clause) -> None:
        path = ("tags", name)
        said, lines = self._said(clause, path)
        known = self._whole.tags.get(name)
        if known is not None:
            raise ConfigError(
                f"the tag {name} stands in {known.where}, too", where=self._lines.at(*path), fix="say it in one place"
            )
        self._whole.tags[name] = Tag(said, lines, self._source, self._lines.at(*path))

    def _tables(self, tables: Mapping[str, Table], destination: Glob | None, above: tuple[str, ...]) -> None:
        for name, table in tables.items():
            path = (*above, "tables", name)
            where = self._lines.at(*path)
            glob = TableGlob(name)
            if not 1 <= len(glob.parts) <= 3 or not all(part.text for part in glob.parts):
                raise ConfigError(f"{name} is no name of a table", where=where, fix="database.schema.table, or the end of it")
            place = Place(self._source, destination, glob, where)
            self._whole.places.append(place)
            if table.unknown_columns is not None:
                spot = Place(self._source, destination, glob, self._lines.at(*path, "unknown-columns"))
                self._whole.unknown_columns.append(Unlisted(table.unknown_columns, spot))
            for key, column in table.columns.items():
                self._column(place, key, column, (*path, "columns", key))
            self._rows(place, table, path)

    def _column(self, place: Place, key: str, column: Column, path: tuple[str, ...]) -> None:
        where = self._lines.at(*path)
        name, found, inside = key.partition(" $")
        json_path = JsonPath(f"${inside}" if found else "")
        if not name or not json_path.valid:
            raise ConfigError(f"{key} is no column", where=where, fix="a name, or a name and a path: payload $.auth.tokens[*]")
        said, lines = self._said(column, path)
        if column.tags is not None:
            said["tags"] = column.tags
            lines["tags"] = self._lines.at(*path, "tags")
        if said.get("forbid") and "shape" in said:
            raise ConfigError(
                f"{key} is forbidden here and has a shape in {lines['shape']}", where=lines["forbid"], fix="keep one"
            )
        self._whole.entries.append(Entry(place, Glob(name), json_path, said, lines, where))

    def _said(self, clause: Clause, path: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return what a clause says, compiled, and the lines where."""
        said = {key: value for key, value in clause.said().items() if value is not None and key != "tags"}
        lines = {key: self._lines.at(*path, key) for key in said}
        if "shape" in said:
            said["shape"] = self._declared(said["shape"], (*path, "shape"))
        if "severity" in said:
            said["severity"] = Severity.of(said["severity"])
        for index, allow in enumerate(said.get("allow", ())):
            self._allow(allow, self._lines.at(*path, "allow", index))
        return said, lines

    def _declared(self, names: tuple[str, ...], path: tuple[str, ...]) -> Declared:
        for index, name in enumerate(names):
            where = self._lines.at(*path, index)
            if name in names[:index]:
                raise ConfigError(f"the shape {name} is listed twice", where=where)
            if name not in ("null", "absent"):
                try:
                    parse(name)
                except ValueError as error:
                    raise ConfigError(str(error), where=where) from None
        return Declared(names)

    def _allow(self, allow: Allow, where: str) -> None:
        if not any(fnmatchcase(rule, allow.rule) for rule in self._rule_ids):
            raise ConfigError(f"there is no rule {allow.rule}", where=where, fix="`auditor rules list` shows all")

    def _rows(self, place: Place, table: Table, path: tuple[str, ...]) -> None:
        lines: dict[str, str] = {}
        for index, rule in enumerate(table.rows):
            where = self._lines.at(*path, "rows", index)
            if rule.name in lines:
                raise ConfigError(f"a row rule {rule.name} stands in {lines[rule.name]}, too", where=where)
            if rule.effect is not None and rule.severity is not None:
                raise ConfigError(
                    f"row rule {rule.name} has an effect and a severity",
                    where=where,
                    fix="one with an effect is no breach itself",
                )
            lines[rule.name] = where
            self._whole.conditions.append(Condition(rule, place, self._lines.at(*path, "rows", index, "when")))


def _refuse_unknown_tags(whole: Compiled) -> None:
    """Raise `ConfigError` for a tag that nothing is said about, and for two on one column that disagree."""
    for entry in whole.entries:
        names = entry.said.get("tags", ())
        for index, name in enumerate(names):
            tag = whole.tags.get(name)
            if tag is None:
                raise ConfigError(f"there is no tag {name}", where=entry.lines["tags"], fix="say what it means in `tags`")
            for other in (whole.tags[earlier] for earlier in names[:index]):
                for key in tag.said.keys() & other.said.keys() - entry.said.keys():
                    if tag.said[key] != other.said[key]:
                        raise ConfigError(
                            f"two tags disagree about {key}: {tag.lines[key]} and {other.lines[key]}",
                            where=entry.lines["tags"],
                            fix="say it in the column itself",
                        )


def _refuse_unlisted_ties(unlisted: list[Unlisted], what: str) -> None:
    for index, one in enumerate(unlisted):
        for other in unlisted[:index]:
            if one.level != other.level and one.place.rank == other.place.rank and one.place.overlaps(other.place):
                raise ConfigError(f"{what} says another thing than {other.place.where}", where=one.place.where)


def _refuse_rule_ties(conditions: list[Condition]) -> None:
    by_name: dict[str, list[Condition]] = {}
    for one in conditions:
        for other in by_name.setdefault(one.rule.name, []):
            if one.rule != other.rule and one.place.rank == other.place.rank and one.place.overlaps(other.place):
                raise ConfigError(f"row rule {one.rule.name} says another thing than {other.where}", where=one.where)
        by_name[one.rule.name].append(one)
