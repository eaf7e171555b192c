"""The inspectors of local confirmation: one learns the fingerprints of live tokens, one looks for the tokens."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from auditor import yaml_file
from auditor.confirm.confirmer import Confirmation, Confirmer
from auditor.confirm.settings import FingerprintFile
from auditor.detect.detector import Detector, Tells
from auditor.detect.setting import setting_of
from auditor.hlc import Timestamp
from auditor.identity import AuditKey
from auditor.model import Confidence, FindingText, Row, Setting, Severity, Sighting
from auditor.protocols import Frame, Inspector, RowBatch
from auditor.redaction import shown_key

#: What a live token that no rule knows is called by.
LIVE_TOKEN = "confirmed.live-token"
TEXT_OF_LIVE_TOKEN = FindingText(
    "Live token",
    "live-token",
    "whatever the token opens, until it is revoked: the row that holds its hash says that it is live, and whose it is",
    "Revoke the token, by the row that holds its hash, and issue a new one. Then stop writing it here: log its keyed id instead.",
)
#: Rows that are named as the holders of one token.
_MOST_HOLDERS = 5
_POLICY = "policy."
#: (part, column, secret id)
_Place = tuple[str, str, str]


class _Live(NamedTuple):
    """What is live in one row: by place, in the order of the row's cells, and the rows that hold each secret's fingerprint."""

    places: dict[_Place, list[Confirmation]]
    holders: dict[str, tuple[str, ...]]


class Confirming:
    """
    See `auditor.protocols.Inspector`. Without any known fingerprint it costs nothing.

    What another inspector has found, and what is the same secret as a live token in that row, is confirmed and at least `HIGH`; a
    live token that no rule has told is a sighting of its own. A policy's clause is none: it may only observe. No name, path or
    key of such a row is shown with a live token in it.
    """

    def __init__(self, inner: Inspector, confirmer: Confirmer, detector: Detector, key: AuditKey, *, tells: Tells) -> None:
        """Take what inspects the rows first, and who knows the fingerprints."""
        self._inner, self._confirmer, self._detector, self._key = inner, confirmer, detector, key
        self._tells = tells
        self._names: dict[str, str] = {}

    def inspect(self, batch: RowBatch) -> Iterator[Sighting]:
        """Yield what the other inspector does, then the live tokens that no rule told, each in the order of rows."""
        live = self._live(batch)
        if not live:
            yield from self._inner.inspect(batch)
            return
        told: set[tuple[int, _Place]] = set()
        for sighting in self._inner.inspect(batch):
            of_row = live.get(sighting.row)
            if of_row is None:
                yield sighting
                continue
            if sighting.secret_id in of_row.holders and not sighting.rule_id.startswith(_POLICY):
                told.add((sighting.row, (sighting.part, sighting.column, sighting.secret_id)))
            yield self._raised(sighting, of_row.holders)
        for number, of_row in live.items():
            untold = [one for place, found in of_row.places.items() if (number, place) not in told for one in found]
            if untold:
                yield from self._sightings(batch, number, untold, of_row.holders)

    def _live(self, batch: RowBatch) -> dict[int, _Live]:
        """Return what is live in a batch, by row numbers."""
        live: dict[int, _Live] = defaultdict(lambda: _Live({}, {}))
        for one in self._confirmer.confirmations(batch):
            of_row = live[batch.row_number(one.row)]
            place = (one.part, self._detector.shown(one.column), one.secret_id)
            of_row.places.setdefault(place, []).append(one)
            if one.secret_id not in of_row.holders:
                named = (f"{holder.table}.{holder.column} {holder.row_key}" for holder in one.holders[:_MOST_HOLDERS])
                of_row.holders[one.secret_id] = tuple(map(self._shown, named))
        return live

    def _raised(self, sighting: Sighting, holders: Mapping[str, tuple[str, ...]]) -> Sighting:
        """Confirm a sighting if its secret is live; name nothing by a live token in any case."""
        hidden = sighting._replace(
            table=self._shown(sighting.table),
            column=self._shown(sighting.column),
            path=self._shown(sighting.path),
            row_key=self._confirmer.scrub(sighting.row_key),
        )
        held_by = holders.get(sighting.secret_id)
        if held_by is None:
            return hidden
        return hidden._replace(
            confidence=Confidence.CONFIRMED_LIVE,
            severity=max(sighting.severity, Severity.HIGH),
            evidence=None if sighting.evidence is None else replace(sighting.evidence, held_by=held_by),
        )

    def _sightings(
        self, batch: RowBatch, number: int, untold: Sequence[Confirmation], holders: Mapping[str, tuple[str, ...]]
    ) -> Iterator[Sighting]:
        """Turn the confirmations of one row into sightings."""
        first = batch.decode(untold[0].row)
        rows = (first, *first.also)
        current = {(one.ordinal, one.column, one.path, one.secret_id) for one in untold if one.part == "after"}
        for one in untold:
            if one.part == "before" and (one.ordinal, one.column, one.path, one.secret_id) in current:
                continue
            row = rows[one.ordinal]
            table, column, path = (self._shown(self._detector.shown(name)) for name in (one.table, one.column, one.path))
            told = self._tells(LIVE_TOKEN, table, column, path, one.part, one.secret_id)
            yield Sighting(
                LIVE_TOKEN,
                one.secret_id,
                table,
                column,
                path,
                one.part,
                number,
                self._row_key(row) if told else "",
                row.updated,
                Severity.CRITICAL,
                Confidence.CONFIRMED_LIVE,
                self._setting(row, one),
                replace(one.evidence, held_by=holders[one.secret_id]) if told else None,
                row.written,
            )

    def _setting(self, row: Row, one: Confirmation) -> Setting:
        """Return what surrounds a token in its cell."""
        for part, column, path, text in row.cells:
            here = (part, column, path) == (one.part, one.column, one.path)
            if here and self._key.secret_id(text[one.start : one.end]) == one.secret_id:
                return setting_of(text, one.start, one.end)
        return Setting.IN_TEXT

    def _row_key(self, row: Row) -> str:
        """Show a row's key without live tokens."""
        parts = [(self._detector.shown(name), value) for name, value in row.key]
        return self._confirmer.scrub(shown_key(parts, self._key.digest))

    def _shown(self, name: str) -> str:
        """Return a name without live tokens: the few of an input are looked at once."""
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = self._confirmer.scrub(name)
        return known


class Learning:
    """See `auditor.protocols.Inspector`. It finds nothing: it takes in the rows of the tables that hold fingerprints."""

    def __init__(self, confirmer: Confirmer) -> None:
        """Take who is to know the fingerprints."""
        self._confirmer = confirmer

    def inspect(self, batch: RowBatch) -> Iterator[Sighting]:
        """Learn from a batch, decoded only if it may be of such a table."""
        concerns = self._confirmer.concerns
        if concerns(batch.table) or batch.names_tables():
            for frames in batch.frames():
                if concerned := [frame for frame in frames if concerns(frame.table)]:
                    self._confirmer.learn(concerned, _written(batch, concerned))
        return iter(())


def _written(batch: RowBatch, frames: Sequence[Frame]) -> dict[int, Timestamp]:
    """Return when the versions of rows were written, where the feed says it, and says the same of all rows of a record."""
    found: dict[int, Timestamp] = {}
    for index in sorted({row for frame in frames for row in frame.rows}):
        first = batch.decode(index)
        times = {row.written or row.updated for row in (first, *first.also)}
        time = times.pop()
        if time is not None and not times:
            try:
                found[index] = Timestamp.parse(time)
            except ValueError:
                continue  # a csv column of that name, or a feed of another kind
    return found


def open_confirmer(settings: Path, key: AuditKey, store: Path) -> Confirmer:
    """Return who knows the fingerprints that a store holds, or will. Raise `ConfigError`, `StateError`."""
    file = yaml_file.load_file(settings, FingerprintFile)
    return Confirmer(file.fingerprints, key, key.subkey("fingerprints"), store)


@contextmanager
def fresh_confirmer(settings: Path | None, key: AuditKey) -> Iterator[Confirmer | None]:
    """Lend a confirmer with an empty store in a folder of its own, which is removed at the end; None without settings."""
    if settings is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="auditor-") as folder:
        confirmer = open_confirmer(settings, key, Path(folder) / "fingerprints")
        try:
            yield confirmer
        finally:
            confirmer.close()
