"""
The record of one audit: every unit's findings and receipt, merged in any order, in SQLite.

Without a file it lives in SQLite's private temporary database, which spills to disk by itself and is gone at the end; with a
file it is what ``--resume`` goes on from. It holds ids and redacted evidence only. One transaction a unit: a unit is in it
whole or not at all. Units of inputs that a later run does not have stay in it, and are not told; see `Ledger.ask`.
"""

from __future__ import annotations

import functools
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from auditor.errors import StateError
from auditor.hlc import Timestamp
from auditor.model import Evidence, Exposure, Gap, Note, Receipt, Reconciled
from auditor.pipeline import Partial
from auditor.record.schema import SCHEMA, VERSION
from auditor.tally import PlaceKey, Seen, layers_of

# With 4 MiB a million findings take as long; a record is written and read in the order of its keys.
_CACHE_KIB = 4 * 1024
#: As `auditor.tally.Seen` does: the first row stays, the highest severity and confidence and the plainest evidence win.
_ADD_UP = (
    "ON CONFLICT DO UPDATE SET count = count + excluded.count, severity = max(severity, excluded.severity),"
    " confidence = max(confidence, excluded.confidence), setting = min(setting, excluded.setting),"
    " layers = min(layers, excluded.layers), evidence ="
    " CASE WHEN (excluded.layers, excluded.evidence) < (layers, evidence) THEN excluded.evidence ELSE evidence END"
)


class Ledger:
    """Open with `Ledger.open`; use from one thread; close when done."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take an open connection with the schema in place."""
        self.connection = connection

    @classmethod
    def open(cls, path: Path | None, *, identity: Mapping[str, str]) -> Ledger:
        """
        Create or reopen a record.

        ``identity`` is what must not differ between a run and its resumption (key id, digest of the rules, reading options);
        raise `StateError` naming the part that does.
        """
        connection = sqlite3.connect("" if path is None else path, isolation_level=None)
        try:
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            connection.execute("PRAGMA journal_mode = WAL" if path else "PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = NORMAL" if path else "PRAGMA synchronous = OFF")
            connection.executescript(SCHEMA)
            known = dict(connection.execute("SELECT name, value FROM identity"))
        except sqlite3.Error as error:
            connection.close()
            raise StateError(
                f"cannot open the record: {error}", where=str(path or "temporary"), fix="is it a --resume file?"
            ) from None
        wanted = {"version": VERSION, **identity}
        for name, value in wanted.items():
            if known and known.get(name) != value:
                connection.close()
                raise StateError(
                    f"the earlier run had another {name} ({known.get(name)}, now {value})",
                    where=str(path),
                    fix="resume with the same, or start a new file",
                )
        if not known:
            connection.executemany("INSERT INTO identity VALUES (?, ?)", wanted.items())
        if path:
            path.chmod(0o600)
        return cls(connection)

    def close(self) -> None:
        """Close; a private temporary database is gone then."""
        self.connection.close()

    def finished(self, uri: str, version: str) -> set[int]:
        """Return the units of an input that an earlier run finished; none if the input has changed since."""
        if not version:
            return set()  # standard input, a pipe: what it held then says nothing about now
        rows = self.connection.execute("SELECT ordinal FROM unit WHERE uri = ? AND input_version = ?", (uri, version))
        return {ordinal for (ordinal,) in rows}

    def ask(self, inputs: Iterable[tuple[str, str]]) -> None:
        """
        Tell from now on of these inputs (address and version), and of what is added later, alone.

        What an earlier run found elsewhere, or in an input as it was before it changed, stays for the run that has it again.
        """
        connection = self.connection
        connection.execute("CREATE TEMP TABLE wanted (uri TEXT NOT NULL, version TEXT NOT NULL, PRIMARY KEY (uri, version))")
        connection.executemany("INSERT OR IGNORE INTO wanted VALUES (?, ?)", inputs)
        connection.execute("UPDATE unit SET asked = (uri, input_version) IN (SELECT uri, version FROM wanted)")
        connection.execute("DROP TABLE wanted")

    def add(self, partial: Partial, *, uri: str, version: str, profiles: Sequence[bytes] = ()) -> None:
        """
        Merge one unit, replacing what was known of it. ``uri`` is the input's own address, the receipt's the shown one.

        ``profiles`` are those of its columns, a table each, where a later run is to have them again.
        """
        receipt = partial.receipt
        connection = self.connection
        try:
            connection.execute("BEGIN")
            stale = connection.execute(
                "SELECT id FROM unit WHERE uri = ? AND (ordinal = ? OR input_version != ?)", (uri, receipt.ordinal, version)
            ).fetchall()
            self._drop([unit for (unit,) in stale])
            unit_id = self._add_unit(receipt, uri, version, partial.gaps_total)
            self._add_tally(partial, unit_id)
            connection.executemany(
                "INSERT INTO gap VALUES (?, ?, ?, ?, ?)",
                [(unit_id, gap.reason, gap.row, gap.column, gap.bytes) for gap in partial.gaps],
            )
            connection.executemany("INSERT INTO note VALUES (?, ?)", [(unit_id, note.text) for note in partial.notes])
            connection.executemany("INSERT INTO stated VALUES (?, ?, ?)", [(unit_id, *stated) for stated in partial.stated])
            connection.executemany("INSERT INTO profile VALUES (?, ?)", [(unit_id, profile) for profile in profiles])
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise StateError(f"the record cannot be written: {error}", fix="is there space on the disk?") from None

    def profiles(self) -> Iterator[bytes]:
        """Yield the column profiles that an earlier run stored of units that are asked for."""
        query = "SELECT snapshot FROM profile JOIN unit ON unit.id = profile.unit AND unit.asked"
        return (snapshot for (snapshot,) in self.connection.execute(query))

    def told(self) -> dict[tuple[str, str, str], int]:
        """Return by table, column and path how many values rules have told in current rows."""
        query = (
            "SELECT place_key.table_name, column_name, path, sum(place.count) FROM place"
            " JOIN place_key ON place_key.id = place.place JOIN unit ON unit.id = place.unit AND unit.asked"
            " WHERE part = 'after' AND rule_id NOT LIKE 'policy.%' GROUP BY place_key.table_name, column_name, path"
        )
        return {(table, column, path): count for table, column, path, count in self.connection.execute(query)}

    def is_feed(self, table: str) -> bool:
        """Tell whether a changefeed wrote any input of a table."""
        query = "SELECT 1 FROM unit WHERE asked AND feed AND table_name = ? LIMIT 1"
        return self.connection.execute(query, (table,)).fetchone() is not None

    def exposures(self, table: str, most: int) -> tuple[tuple[Exposure, ...], int]:
        """Return the inputs that were taken for a table's, and how many there are."""
        query = (
            "SELECT kind, shown_uri, sum(rows) FROM unit WHERE asked AND table_name = ? AND rows GROUP BY kind, shown_uri, uri"
            " ORDER BY shown_uri, uri"
        )
        found = [Exposure(kind, uri, "after", 1, "", None, rows) for kind, uri, rows in self.connection.execute(query, (table,))]
        return tuple(found[:most]), len(found)

    def forget(self, ordinal: int) -> None:
        """Drop the units of this number, of every input."""
        self._drop([unit for (unit,) in self.connection.execute("SELECT id FROM unit WHERE ordinal = ?", (ordinal,)).fetchall()])

    def _drop(self, units: Sequence[int]) -> None:
        """Delete units and all that they found."""
        for unit in units:
            self.connection.execute(
                "DELETE FROM sighting WHERE place IN (SELECT place FROM place WHERE unit = ?) AND unit = ?", (unit, unit)
            )
            for table in ("place", "gap", "note", "stated", "profile"):
                self.connection.execute(f"DELETE FROM {table} WHERE unit = ?", (unit,))  # noqa: S608 - fixed names
            self.connection.execute("DELETE FROM unit WHERE id = ?", (unit,))

    def _add_unit(self, receipt: Receipt, uri: str, version: str, gaps_total: int) -> int:
        """Insert the receipt and return the unit's id."""
        cursor = self.connection.execute(
            "INSERT INTO unit (uri, ordinal, input_version, shown_uri, kind, format, compression, table_name, rows, bytes,"
            " columns, resolved, gaps_total, feed, asked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
            (
                uri,
                receipt.ordinal,
                version,
                receipt.uri,
                receipt.kind,
                receipt.format,
                receipt.compression,
                receipt.table,
                receipt.rows,
                receipt.bytes,
                json.dumps(dict(receipt.columns), ensure_ascii=False),
                str(receipt.resolved) if receipt.resolved else None,
                gaps_total,
                receipt.feed,
            ),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _add_tally(self, partial: Partial, unit_id: int) -> None:
        """Insert the counts of every place and of every kept secret, in the order of their keys; what comes again is added up."""
        for key, place in partial.tally.places():
            place_id = self._place_id(key)
            self.connection.executemany(
                f"INSERT INTO place VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) {_ADD_UP}",  # noqa: S608 - a fixed text
                ((place_id, unit_id, part, *_seen_row(seen)) for part, seen in place.parts.items()),
            )
            for part, secrets in place.secrets.items():
                self.connection.executemany(
                    f"INSERT INTO sighting VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) {_ADD_UP}",  # noqa: S608 - a fixed text
                    ((place_id, secret_id, unit_id, part, *_seen_row(secrets[secret_id])) for secret_id in sorted(secrets)),
                )

    def _place_id(self, key: PlaceKey) -> int:
        """Return the number of a place, new or known."""
        self.connection.execute(
            "INSERT INTO place_key (rule_id, table_name, column_name, path) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", key
        )
        row = self.connection.execute(
            "SELECT id FROM place_key WHERE rule_id = ? AND table_name = ? AND column_name = ? AND path = ?", key
        ).fetchone()
        return int(row[0])

    def bases(self) -> dict[int, int]:
        """Return, for each unit that is not its input's first, how many rows lie before it."""
        query = (
            "SELECT id, base FROM (SELECT id, ordinal, sum(rows) OVER (PARTITION BY uri ORDER BY ordinal) - rows AS base"
            " FROM unit WHERE asked) WHERE ordinal > 0"
        )
        return dict(self.connection.execute(query))

    def receipts(self) -> Iterator[Receipt]:
        """Yield every unit's receipt, ordered by address and unit."""
        query = (
            "SELECT shown_uri, ordinal, kind, format, compression, table_name, rows, bytes, columns, resolved, feed FROM unit"
            " WHERE asked ORDER BY shown_uri, uri, ordinal"
        )
        for uri, ordinal, kind, form, compression, table, rows, size, columns, resolved, feed in self.connection.execute(query):
            stamp = Timestamp.parse(resolved) if resolved else None
            yield Receipt(uri, ordinal, kind, form, compression, table, rows, size, json.loads(columns), stamp, bool(feed))

    def gaps(self, most: int) -> tuple[list[Gap], int]:
        """Return the first gaps by address and row, and how many there are in all."""
        total = self.connection.execute("SELECT coalesce(sum(gaps_total), 0) FROM unit WHERE asked").fetchone()[0]
        bases = self.bases()
        query = (
            "SELECT unit.shown_uri, gap.reason, gap.row, gap.column_name, gap.bytes, unit.id"
            " FROM gap JOIN unit ON unit.id = gap.unit AND unit.asked"
            " ORDER BY unit.shown_uri, unit.uri, unit.ordinal, gap.row, gap.reason, gap.column_name LIMIT ?"
        )
        gaps = [
            Gap(uri, reason, None if row is None else row + bases.get(unit, 0), column, size)
            for uri, reason, row, column, size, unit in self.connection.execute(query, (most,))
        ]
        return gaps, int(total)

    def notes(self) -> list[Note]:
        """Return every note once, ordered by address."""
        query = (
            "SELECT DISTINCT unit.shown_uri, note.text FROM note JOIN unit ON unit.id = note.unit AND unit.asked ORDER BY 1, 2"
        )
        return [Note(uri, text) for uri, text in self.connection.execute(query)]

    def reconciled(self) -> list[Reconciled]:
        """Return what EXPORT said it wrote beside what was read of each file, found by its name."""
        query = (
            "SELECT stated.filename, stated.rows, (SELECT sum(unit.rows) FROM unit WHERE unit.asked"
            " AND (unit.shown_uri = stated.filename OR unit.shown_uri LIKE '%/' || stated.filename))"
            " FROM stated JOIN unit AS teller ON teller.id = stated.unit AND teller.asked ORDER BY stated.filename"
        )
        return [Reconciled(name, stated, read) for name, stated, read in self.connection.execute(query)]


def _seen_row(seen: Seen) -> tuple[object, ...]:
    """Return the stored columns of what was seen in one part, from its count on."""
    evidence = seen.evidence
    return (
        seen.count,
        seen.first_row,
        seen.row_key,
        seen.updated,
        int(seen.severity),
        int(seen.confidence),
        seen.setting.value,
        evidence_text(evidence) if evidence else "",
        layers_of(evidence) if evidence else 0,
    )


@functools.lru_cache(maxsize=1024)  # the secrets of a column look alike
def evidence_text(evidence: Evidence) -> str:
    """Return evidence as stored."""
    held_by = [list(evidence.held_by)] if evidence.held_by else []
    parts = [evidence.redacted, evidence.length, evidence.alphabet, list(evidence.decoded_by), *held_by]
    return json.dumps(parts, ensure_ascii=False)


@functools.lru_cache(maxsize=1024)
def evidence_of_text(text: str) -> Evidence:
    """Return stored evidence."""
    redacted, length, alphabet, *lists = json.loads(text)
    return Evidence(redacted, length, alphabet, *map(tuple, lists))
