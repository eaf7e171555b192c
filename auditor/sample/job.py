"""What one run writes, and the account that each file gives of its plants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import IO, Literal, NamedTuple

from auditor.sample.changes import Change, Clock, changes
from auditor.sample.plan import Plan, Plant
from auditor.sample.sql_types import SqlType, Table
from auditor.sample.tokens.kinds import Expect
from auditor.sample.truth import SCHEMA_VERSION, TruthLine, write_line

Part = Literal["after", "before", "key"]


@dataclass(frozen=True, slots=True)
class Job:
    """
    One run: where to, what, how much.

    ``rows`` limits the changes of each table, or ``size`` the bytes of each file; one of them is None. ``written`` collects the
    names of the files, relative to ``folder``.
    """

    folder: Path
    plan: Plan
    clock: Clock
    rows: int | None
    size: int | None
    compression: str | None
    truth: IO[bytes]
    written: list[str]

    def changes(self, table: Table) -> Iterator[Change]:
        """Yield a table's changes, as many as ``rows`` allows."""
        return islice(changes(table, self.plan, self.clock), self.rows)

    def current(self, table: Table) -> Iterator[Change]:
        """Yield the changes whose row still exists: what EXPORT, an initial scan or a SELECT sees."""
        return (change for change in self.changes(table) if change.op != "d")

    def rng(self, purpose: str) -> Random:
        """Return randomness for names and ids of one purpose."""
        return Random(f"{self.plan.seed}/{purpose}")

    def relative(self, path: Path) -> str:
        """Return a file's name relative to the sample's folder, with ``/``, and remember it as written."""
        name = path.relative_to(self.folder).as_posix()
        self.written.append(name)
        return name


class View(NamedTuple):
    """
    What a format shows of a change.

    ``columns`` limits the columns (a column family). ``key`` and ``named_key``: the key stands apart, as an array or as an
    object. ``bare``: a deletion shows the key columns in the row's place. ``raw_bytes``: BYTES are not printed as hex.
    ``positional``: the columns are told by their position. ``statement``: everything is text of this one column.
    """

    after: bool = True
    before: bool = False
    key: bool = False
    named_key: bool = False
    bare: bool = False
    columns: frozenset[str] | None = None
    raw_bytes: bool = False
    positional: bool = False
    statement: str = ""


class Account:
    """
    Writes the truth of one file.

    A plant is told once for the row and once for the key; one in both versions is the current one's.
    """

    def __init__(self, job: Job, path: Path, layout: str, view: View) -> None:
        """Take the file and what its format shows."""
        self._job, self._file, self._layout, self._view = job, job.relative(path), layout, view
        self._tables: dict[str, Table] = {}

    def saw(self, change: Change, row: int) -> None:
        """Note that a change is the file's record number ``row``."""
        table = change.table
        self._tables.setdefault(table.name, table)
        if self._job.plan.throughout:
            return  # a line for each row would outgrow the data; `close` tells it once
        for plant in change.plants:
            for part in self._parts(change, plant):
                self._write(table, part, plant, row)

    def close(self) -> None:
        """Write what holds for whole columns."""
        if self._view.statement:
            return
        for table in self._tables.values():
            for column in table.raw_ids:
                self._throughout(table, Plant(False, column, "", "hex-opaque-token-32", Expect.OPAQUE, (), "", ""))
            column, kind = self._job.plan.throughout.get(table.name, ("", ""))
            if column:
                self._throughout(table, Plant(False, column, "", kind, Expect.FOUND, (), "", ""))

    def _parts(self, change: Change, plant: Plant) -> Iterator[Part]:
        """Yield the parts of a change in which this format shows a plant."""
        view = self._view
        in_key = plant.column in change.table.key
        if view.columns is None or plant.column in view.columns:
            gone = change.op == "d"
            if plant.past or (gone and not (view.bare and in_key)):
                if view.before and change.before is not None:
                    yield "before"
            elif view.after:
                yield "after"
        if in_key and view.key:
            yield "key"

    def _throughout(self, table: Table, plant: Plant) -> None:
        """Write one line for each part of the file that holds the column."""
        view = self._view
        if view.columns is None or plant.column in view.columns:
            if view.after:
                self._write(table, "after", plant, None)
            if view.before:
                self._write(table, "before", plant, None)
        if view.key and plant.column in table.key:
            self._write(table, "key", plant, None)

    def _write(self, table: Table, part: Part, plant: Plant, row: int | None) -> None:
        view = self._view
        column, path, encoded = plant.column, plant.path, plant.encoded
        if view.raw_bytes and part == "after" and table.column(column).type is SqlType.BYTES:
            encoded = encoded[1:]
        position = table.position(column) if view.positional else None
        if part == "key" and not view.named_key:
            column = ""
        if view.statement:
            column, path = view.statement, ""
        line = TruthLine(
            SCHEMA_VERSION,
            self._file,
            self._layout,
            row,
            table.name,
            column,
            position,
            path,
            part,
            plant.kind,
            plant.expect.value,
            encoded,
            plant.secret,
            plant.text,
        )
        write_line(self._job.truth, line)
