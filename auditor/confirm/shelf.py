"""
Which row holds which fingerprint, on disk: a SQLite file of names and digests under the audit's key.

A row's place is its slot: a digest of table, column, recipe and key. What a slot holds is replaced, never added to, so that rows
may be sent again. A slot whose row was deleted stays, empty, where it is known when: an older version that comes later is then
known for one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from auditor.errors import ConfigError, StateError

_VERSION = "1"
#: Names of one question to SQLite.
_MOST_ASKED = 500
_FETCHED = 1 << 16
#: KiB of pages that SQLite keeps: slots come in no order, and each change touches a page of its own.
_CACHE = 32 << 10
_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE place (number INTEGER PRIMARY KEY, table_name TEXT NOT NULL, column_name TEXT NOT NULL,
  UNIQUE (table_name, column_name));
CREATE TABLE held (slot BLOB PRIMARY KEY, entry BLOB, place INTEGER NOT NULL, row_key TEXT NOT NULL, written BLOB) WITHOUT ROWID;
CREATE INDEX held_entry ON held (entry) WHERE entry IS NOT NULL;
"""


class Holder(NamedTuple):
    """The row that holds a fingerprint: its table, the column, and its primary key as it may be shown."""

    table: str
    column: str
    row_key: str


class Content(NamedTuple):
    """
    What a slot holds: the name of a fingerprint, None if its row holds none or is gone.

    ``written`` is when this version was written, in a form that sorts; None if the feed does not say.
    """

    entry: bytes | None
    written: bytes | None


class Held(NamedTuple):
    """A slot, what it holds, and whose it is."""

    slot: bytes
    content: Content
    holder: Holder


class Shelf:
    """
    The file. Every method raises `StateError` where it cannot be read or written.

    What is put is there for all questions at once, and for the next run after `commit`: all of it or, after a crash, nothing.
    """

    def __init__(self, path: Path | None, mark: str) -> None:
        """Open or create the file (0600), or a shelf in memory. ``mark`` tells the key; raise `ConfigError` for another's."""
        self._path = path
        self._open: sqlite3.Connection | None = None
        try:
            if path is not None:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._create(mark)
            known = dict(self._base.execute("SELECT name, value FROM about"))
        except (OSError, sqlite3.Error) as error:
            reason = error.strerror if isinstance(error, OSError) else type(error).__name__
            raise StateError(f"the store of fingerprints cannot be opened: {reason}", where=str(path)) from None
        if known != {"mark": mark, "version": _VERSION}:
            self._base.close()
            what = "is of another key" if known.get("version") == _VERSION else "is of another version"
            raise ConfigError(f"the store of fingerprints {what}", where=str(path), fix="name another file: it is learned anew")
        self._places: dict[tuple[str, str], int] = {
            (table, column): number
            for number, table, column in self._base.execute("SELECT number, table_name, column_name FROM place")
        }

    @property
    def _base(self) -> sqlite3.Connection:
        """Return the connection, opened if it is not."""
        if self._open is None:
            # Whoever shares it between threads takes turns.
            self._open = sqlite3.connect(str(self._path or ":memory:"), isolation_level=None, check_same_thread=False)
            self._open.execute("PRAGMA journal_mode = WAL")
            self._open.execute("PRAGMA synchronous = FULL")
            self._open.execute(f"PRAGMA cache_size = -{_CACHE}")
        return self._open

    def _create(self, mark: str) -> None:
        """Create the tables of a new file."""
        self._base.execute("BEGIN IMMEDIATE")
        if not self._base.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall():
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self._base.execute(statement)
            self._base.executemany("INSERT INTO about VALUES (?, ?)", (("mark", mark), ("version", _VERSION)))
        self._base.execute("COMMIT")

    def count(self) -> int:
        """Return how many slots hold a fingerprint: at least as many as there are fingerprints."""
        return int(self._ask("SELECT count(*) FROM held WHERE entry IS NOT NULL")[0][0])

    def names(self) -> Iterator[bytes]:
        """Yield the names of all fingerprints that are held, ascending, many joined at a time."""
        try:
            cursor = self._base.execute("SELECT DISTINCT entry FROM held WHERE entry IS NOT NULL ORDER BY entry")
            while rows := cursor.fetchmany(_FETCHED):
                yield b"".join(entry for (entry,) in rows)
        except sqlite3.Error as error:
            raise StateError(f"the store of fingerprints cannot be read: {type(error).__name__}") from None

    def held(self, slots: Sequence[bytes]) -> dict[bytes, Content]:
        """Return what slots hold; those that never held anything are left out."""
        question = "SELECT slot, entry, written FROM held WHERE slot IN (%s)"
        return {slot: Content(entry, written) for slot, entry, written in self._ask_all(question, slots)}

    def holders(self, entry: bytes) -> list[Holder]:
        """Return the rows that hold a fingerprint, in an order of their own."""
        question = (
            "SELECT table_name, column_name, row_key FROM held JOIN place ON number = place WHERE entry = ? ORDER BY 1, 2, 3"
        )
        return [Holder(*row) for row in self._ask(question, (entry,))]

    def still(self, entries: Sequence[bytes]) -> set[bytes]:
        """Return which of these names some slot holds."""
        return {entry for (entry,) in self._ask_all("SELECT DISTINCT entry FROM held WHERE entry IN (%s)", entries)}

    def put(self, held: Iterable[Held]) -> None:
        """Replace what slots hold; an empty slot of unknown time is dropped."""
        kept, dropped = [], []
        for slot, (entry, written), holder in held:
            if entry is None and written is None:
                dropped.append((slot,))
            else:
                kept.append((slot, entry, self._place(holder), holder.row_key, written))
        self._write("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?)", sorted(kept))
        self._write("DELETE FROM held WHERE slot = ?", dropped)

    def forget(self, before: bytes) -> None:
        """Drop the empty slots of versions that were written before a time."""
        self._write("DELETE FROM held WHERE entry IS NULL AND written < ?", [(before,)])

    def commit(self) -> None:
        """Make what was put last."""
        if self._base.in_transaction:
            try:
                self._base.execute("COMMIT")
            except sqlite3.Error as error:
                raise StateError(f"the store of fingerprints cannot be written: {type(error).__name__}") from None

    def rest(self) -> None:
        """Close a file until it is asked next; one in memory stays. What was not committed is dropped."""
        if self._open is not None and self._path is not None:
            self._open.close()
            self._open = None

    def close(self) -> None:
        """Close the file; what was not committed is dropped."""
        if self._open is not None:
            self._open.close()

    def _place(self, holder: Holder) -> int:
        """Return the number of a table and column."""
        name = (holder.table, holder.column)
        if name not in self._places:
            number = len(self._places) + 1
            self._write("INSERT INTO place VALUES (?, ?, ?)", [(number, *name)])
            self._places[name] = number
        return self._places[name]

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Execute a statement for each of some rows, in the transaction under way or a new one."""
        if not rows:
            return
        try:
            if not self._base.in_transaction:
                self._base.execute("BEGIN IMMEDIATE")
            self._base.executemany(statement, rows)
        except sqlite3.Error as error:
            raise StateError(f"the store of fingerprints cannot be written: {type(error).__name__}") from None

    def _ask(self, question: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all answers."""
        try:
            return self._base.execute(question, values).fetchall()
        except sqlite3.Error as error:
            raise StateError(f"the store of fingerprints cannot be read: {type(error).__name__}") from None

    def _ask_all(self, question: str, values: Sequence[bytes]) -> Iterator[tuple[Any, ...]]:
        """Ask about many values, some at a time."""
        for first in range(0, len(values), _MOST_ASKED):
            some = values[first : first + _MOST_ASKED]
            yield from self._ask(question % ",".join("?" * len(some)), some)
