"""From rows of the tables that hold fingerprints to what each of them holds now."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from auditor.confirm.lookup import WIDTH, Namer
from auditor.confirm.mac import Mac
from auditor.confirm.recipe import Recipe
from auditor.confirm.settings import FingerprintSettings
from auditor.confirm.shelf import Holder
from auditor.hlc import Timestamp
from auditor.protocols import Frame
from auditor.redaction import shown_key

_new = tuple.__new__  # a named tuple's own constructor takes three times as long


class _Column(NamedTuple):
    """A column that holds fingerprints."""

    settings: FingerprintSettings
    recipe: Recipe
    namer: Namer


class Version(NamedTuple):
    """
    What one version of a row says: the slot, and the name of the fingerprint that it holds, None if none or if it is gone.

    ``row`` is its index in the batch, ``written`` a form of its time that sorts, None if that is not known; `Learner.holder` says
    what the rest is.
    """

    row: int
    slot: bytes
    entry: bytes | None
    written: bytes | None
    table: str
    settings: FingerprintSettings
    key: tuple[object, ...]


class Learner:
    """
    Reads frames of the tables that hold fingerprints; keeps nothing but ``unread``.

    ``unread`` counts values, by table and column, that are none of their column's recipe, and rows without their key: settings
    that are wrong show there. It is for whoever reports it to clear.
    """

    def __init__(
        self, settings: Sequence[FingerprintSettings], recipes: Sequence[Recipe], key: bytes, digest: Callable[[str], str]
    ) -> None:
        """Take each column's settings and its recipe, the key of the names, and what stands for keys that may not be shown."""
        self._columns = [_Column(one, recipe, Namer(recipe, key)) for one, recipe in zip(settings, recipes, strict=True)]
        self._globs = [_glob(one.table) for one in settings]
        self._key = key
        self._digest = digest
        self.unread: Counter[tuple[str, str]] = Counter()
        self._of = functools.lru_cache(maxsize=4096)(self._columns_of)

    def concerns(self, table: str) -> bool:
        """Tell whether a table holds fingerprints: only its rows need to be decoded for this."""
        return bool(self._of(table))

    def versions(
        self, frames: Iterable[Frame], written: Mapping[int, Timestamp] | None = None, *, deletions: bool = True
    ) -> list[Version]:
        """
        Return what the rows of one batch hold, in their order.

        ``written`` says by row when its version was written. A row of which there is only a key, or what it was before, is
        deleted, unless the feed sends no more than keys (not ``deletions``).
        """
        frames = [frame for frame in frames if self._of(frame.table)]
        times = {row: sortable(time) for row, time in (written or {}).items()}
        found: list[Version] = []
        there: set[tuple[int, bytes]] = set()
        untold: set[tuple[int, str]] = set()
        for frame in frames:
            if frame.part == "after" and frame.columns:
                for column in self._of(frame.table):
                    slots = self._slots_of(frame, column)
                    there.update(slots)
                    if slots:
                        found += self._held(frame, column, slots, times)
                    else:
                        untold.update((row, frame.table) for row in frame.rows)
                        self.unread[frame.table, column.settings.column] += len(frame.rows)
        for frame in frames:
            if frame.part in ("before", "key") and deletions:
                for column in self._of(frame.table):
                    slots = self._slots_of(frame, column)
                    for (row, slot), key in zip(slots, self._keys(frame, column), strict=True):
                        if (row, slot) not in there and (row, frame.table) not in untold:
                            found.append(Version(row, slot, None, times.get(row), frame.table, column.settings, key))
        found.sort(key=itemgetter(0))
        return found

    def holder(self, version: Version) -> Holder:
        """Show whose version it is."""
        settings = version.settings
        row_key = shown_key(tuple(zip(settings.key, version.key, strict=True)), self._digest)
        return Holder(version.table, settings.column, row_key)

    def _held(
        self, frame: Frame, column: _Column, slots: Sequence[tuple[int, bytes]], times: Mapping[int, bytes]
    ) -> Iterator[Version]:
        """Yield what rows hold in one column; nothing where a frame tells neither the fingerprint nor that the row is dead."""
        settings, table = column.settings, frame.table
        parse, entry_of = column.recipe.parse, column.namer.entry
        values = frame.columns.get(settings.column)
        states = [(frame.columns[name], _wanted(wanted)) for name, wanted in settings.live_when.items() if name in frame.columns]
        for index, ((row, slot), key) in enumerate(zip(slots, self._keys(frame, column), strict=True)):
            dead = bool(states) and any(not is_wanted(state[index]) for state, is_wanted in states)
            entry = None
            if not dead:
                if values is None:
                    continue
                value = values[index]
                fingerprint = parse(value)
                if fingerprint is not None:
                    entry = entry_of(fingerprint)
                elif value is not None and value != "":
                    self.unread[table, settings.column] += 1
            yield _new(Version, (row, slot, entry, times.get(row), table, settings, key))

    def _keys(self, frame: Frame, column: _Column) -> Iterator[tuple[object, ...]]:
        """Yield the primary key of each row of a frame; nothing if it has not all of it."""
        names = column.settings.key
        columns = frame.columns
        if all(name in columns for name in names):
            return zip(*(columns[name] for name in names), strict=True)
        if frame.part == "key" and len(columns) == len(names):
            # A key that is an array names nothing, or takes a name by its value; its order is that of the primary key.
            return zip(*(columns[name] for name in columns), strict=True)
        return iter(())

    def _slots_of(self, frame: Frame, column: _Column) -> list[tuple[int, bytes]]:
        """Return each row of a frame with its slot; nothing if the frame has not all of its key."""
        digest = Mac(self._key, head=b"slot" + _joined((frame.table, column.settings.column)) + column.recipe.tag).digest
        slots = [digest(_joined(map(_text, key)))[:WIDTH] for key in self._keys(frame, column)]
        return list(zip(frame.rows, slots, strict=True)) if slots else []

    def _columns_of(self, table: str) -> list[_Column]:
        """Return the columns of a table that hold fingerprints."""
        return [column for column, glob in zip(self._columns, self._globs, strict=True) if table and _is_meant(table, glob)]


def _glob(pattern: str) -> list[re.Pattern[str]]:
    """Compile a glob of a table, in which ``*`` and ``?`` stand for anything but a dot: the table's own name first."""
    wild = {"*": ".*", "?": "."}
    parts = reversed(pattern.split("."))
    return [re.compile("".join(wild.get(each) or re.escape(each) for each in part), re.DOTALL) for part in parts]


def _is_meant(table: str, glob: Sequence[re.Pattern[str]]) -> bool:
    """Tell whether a glob means a table; a name that is incomplete is compared by the parts that it has."""
    return all(part.fullmatch(name) for part, name in zip(glob, reversed(table.split(".")), strict=False))


def _wanted(condition: object) -> Callable[[object], bool]:
    """Return whether a value is one of those that a condition names, typed or (in csv) as text."""
    wanted = {_text(value) for value in (condition if isinstance(condition, list) else [condition])}
    return lambda value: _text(value) in wanted


def _text(value: object) -> str:
    """Return a value's text, the same for a typed value and what csv says of it; that of NULL is like no other."""
    if type(value) is str:
        return value
    if value is None:
        return "\0"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    return str(value)


def _joined(parts: Iterable[str]) -> bytes:
    """Length-prefix each part, so that no two lists of them give the same."""
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode("utf-8", "surrogatepass") for part in parts))


def sortable(time: Timestamp) -> bytes:
    """Return a timestamp in a form that sorts as it does."""
    return time.wall.to_bytes(8, "big") + time.logical.to_bytes(8, "big")
