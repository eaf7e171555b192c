"""
Local confirmation as the rest of the program meets it.

For each batch: `Confirmer.learn` with its frames, `Confirmer.confirmations` with the batch, `Confirmer.suspect` for each secret
that was found, `Confirmer.commit`, and only then is what came of the batch recorded with the position after it. A crash in
between repeats the batch: what is learned twice is learned once, and says again what it confirms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import RLock
from typing import NamedTuple

import numpy as np

from auditor.confirm.entries import Entries
from auditor.confirm.learning import Learner, Version, sortable
from auditor.confirm.lookup import Lookup, Match
from auditor.confirm.mac import Mac
from auditor.confirm.recipe import Recipe
from auditor.confirm.settings import FingerprintSettings
from auditor.confirm.shelf import Content, Held, Holder, Shelf
from auditor.confirm.suspects import Suspected, Suspects
from auditor.hlc import Timestamp
from auditor.identity import AuditKey, digest_of
from auditor.model import Cell, Evidence, Row
from auditor.protocols import Frame, RowBatch
from auditor.redaction import evidence_of

_NOTHING = Content(None, None)


class Confirmation(NamedTuple):
    """
    A live token, seen raw: where, and which rows hold its fingerprint. Holds no plaintext.

    ``row`` is an index into the batch, ``ordinal`` counts the rows of a record that carries several; ``table`` is the row's.
    ``start`` and ``end`` count characters of the text at the path.
    """

    row: int
    ordinal: int
    table: str
    part: str
    column: str
    path: str
    start: int
    end: int
    secret_id: str
    evidence: Evidence
    holders: tuple[Holder, ...]


class Event(NamedTuple):
    """A finding's secret is live (its fingerprint is held by a row), or no longer: the row was deleted, revoked, or changed."""

    finding_id: str
    holder: Holder
    live: bool


class Confirmer:
    """
    Knows the fingerprints of live tokens.

    Learning takes turns between threads; looking up does not. Without settings nothing is read and everything costs nothing.
    """

    def __init__(self, settings: Sequence[FingerprintSettings], key: AuditKey, subkey: bytes, path: Path | None = None) -> None:
        """
        Open the store, or one in memory. ``subkey`` is 32 bytes of the audit's key for this purpose alone.

        Raise `ConfigError` where a recipe's key is missing or the store is of another key, `StateError` where it cannot be read.
        """
        recipes = [Recipe.of(one) for one in settings]
        said = [one.model_dump_json().encode() for one in settings]
        self._key = key
        self.path = path
        self._learner = Learner(settings, recipes, subkey, key.digest)
        self._lookup = Lookup(settings, recipes, subkey)
        #: Tells settings from others, and the keys and peppers that they refer to.
        self.digest = digest_of([*said, *self._lookup.entries(b"of a key")])
        self._shelf = Shelf(path, Mac(subkey).digest(b"mark")[:8].hex())
        self._entries = Entries(self._shelf.count(), self._shelf.names())
        self._suspects = Suspects()
        self._lock = RLock()
        self.unread = self._learner.unread

    def __len__(self) -> int:
        """Return how many fingerprints are known."""
        return len(self._entries)

    def concerns(self, table: str) -> bool:
        """Tell whether `learn` wants the frames of a table."""
        return self._learner.concerns(table)

    def learn(
        self, frames: Iterable[Frame], written: Mapping[int, Timestamp] | None = None, *, deletions: bool = True
    ) -> list[Event]:
        """
        Take in what the rows of one batch hold, and return what that says of earlier suspects.

        ``written`` and ``deletions`` as in `Learner.versions`. A version older than the one that is known changes nothing; where
        the feed does not say when, the one that comes last counts. What confirms a suspect is said each time that it comes.
        """
        with self._lock:
            versions = self._learner.versions(frames, written, deletions=deletions)
            before = self._shelf.held(list({version.slot for version in versions}))
            now = dict(before)
            last: dict[bytes, Version] = {}
            for version in versions:
                slot, old = version.slot, now.get(version.slot)
                if old is None:
                    now[slot] = Content(version.entry, version.written)
                elif version.written is None or old.written is None:
                    # A version of unknown time counts, and leaves what is known of the time.
                    now[slot] = Content(version.entry, version.written or old.written)
                else:
                    now[slot] = max(old, Content(version.entry, version.written), key=_age)
                last[slot] = version
            changed = [version for slot, version in last.items() if now[slot] != before.get(slot)]
            self._shelf.put(Held(each.slot, now[each.slot], self._learner.holder(each)) for each in changed)
            return [*self._gone(changed, before, now), *self._confirmed(last.values(), now)]

    def _gone(self, changed: Sequence[Version], before: Mapping[bytes, Content], now: Mapping[bytes, Content]) -> Iterator[Event]:
        """Bring the names in memory up to date; yield what is no longer live."""
        gone: list[bytes] = []
        for version in changed:
            new, old = now[version.slot].entry, before.get(version.slot, _NOTHING).entry
            if new is not None:
                self._entries.add(new)
            if old is not None and old != new:
                gone.append(old)
                for finding in self._suspects.of(old):
                    yield Event(finding, self._learner.holder(version), live=False)
        for entry in set(gone) - self._shelf.still(gone):
            self._entries.discard(entry)

    def _confirmed(self, last: Iterable[Version], now: Mapping[bytes, Content]) -> Iterator[Event]:
        """Yield the suspects that what slots hold now confirms."""
        if not len(self._suspects):
            return
        for version in last:
            entry = now[version.slot].entry
            for finding in () if entry is None else self._suspects.of(entry):
                yield Event(finding, self._learner.holder(version), live=True)

    def confirmations(self, batch: RowBatch) -> Iterator[Confirmation]:
        """
        Yield the live tokens in a batch by row, each once for each place.

        Buffers are searched as they lie; a row in which something is found is decoded, and its cells are searched again.
        """
        if not len(self._entries):
            return
        rows: set[int] = set()
        for haystack in batch.haystacks():
            cuts = None if haystack.cuts is None else haystack.cuts()
            matches = self._lookup.matches(haystack.data, self._entries, cuts)
            if matches:
                last = np.array([match.candidate.end - 1 for match in matches], dtype=np.int64)
                rows.update(haystack.rows(last)[1].tolist())
        for index in sorted(rows):
            first = batch.decode(index)
            for ordinal, row in enumerate((first, *first.also)):
                yield from self._in_row(batch.table_of(row), index, ordinal, row)

    def _in_row(self, table: str, index: int, ordinal: int, row: Row) -> Iterator[Confirmation]:
        """Yield the live tokens of one row."""
        seen: set[tuple[str, str, str, str]] = set()
        for cell in row.cells:
            raw = cell.text.encode("utf-8", "surrogatepass")
            for match in sorted(self._lookup.matches(raw, self._entries), key=lambda match: match.candidate):
                found = self._confirmation((index, ordinal), table, cell, raw, match)
                place = (found.part, found.column, found.path, found.secret_id)
                if found.holders and place not in seen:
                    seen.add(place)
                    yield found

    def _confirmation(self, at: tuple[int, int], table: str, cell: Cell, raw: bytes, match: Match) -> Confirmation:
        """Describe a match without its plaintext."""
        start, end, value = match.candidate
        secret = value.decode("utf-8", "replace")
        with self._lock:
            holders = tuple(self._shelf.holders(match.entry))
        first = len(raw[:start].decode("utf-8", "replace"))
        last = first + len(raw[start:end].decode("utf-8", "replace"))
        evidence = evidence_of(secret, match.prefix)
        secret_id = self._key.secret_id(secret)
        part, column, path, _ = cell
        return Confirmation(*at, table, part, column, path, first, last, secret_id, evidence, holders)

    def scrub(self, text: str) -> str:
        """Return a text with every live token in it replaced by its redacted form: for names, paths and keys that are shown."""
        raw = text.encode("utf-8", "surrogatepass")
        last = len(raw)
        # Of tokens that overlap the longest goes first; what is left of the others stands in what it replaced.
        spans = {(match.candidate.end, match.candidate.start): match for match in self._lookup.matches(raw, self._entries)}
        for (end, start), match in sorted(spans.items(), key=lambda span: (-span[0][0], span[0][1])):
            if end <= last:
                shown = evidence_of(match.candidate.value.decode("utf-8", "replace"), match.prefix).redacted
                raw, last = raw[:start] + shown.encode() + raw[end:], start
        return raw.decode("utf-8", "surrogatepass")

    def suspect(self, finding_id: str, value: str) -> tuple[list[Suspected], list[Event]]:
        """
        Remember what a finding's secret, or a token inside it, would have as fingerprints.

        Return what is to be kept of that (see `restore`), as far as it is new, and what is live already.
        """
        with self._lock:
            entries = self._lookup.entries(value.encode("utf-8", "surrogatepass"))
            new = self._suspects.add(Suspected(entry, finding_id) for entry in entries)
            live = [entry for entry in entries if entry in self._entries]
            return new, [Event(finding_id, holder, live=True) for entry in live for holder in self._shelf.holders(entry)]

    def restore(self, suspected: Iterable[Suspected]) -> None:
        """Take back what `suspect` gave out in earlier runs."""
        with self._lock:
            self._suspects.add(suspected)

    def dismiss(self, finding_ids: Iterable[str]) -> None:
        """Forget suspects whose findings are closed."""
        with self._lock:
            self._suspects.remove(finding_ids)

    def live(self) -> set[Event]:
        """Return all that is live now: what is recorded of it, and is not among this, is so no longer. Ask after a start."""
        with self._lock:
            return {
                Event(finding, holder, live=True)
                for entry in self._suspects.entries()
                if entry in self._entries
                for holder in self._shelf.holders(entry)
                for finding in self._suspects.of(entry)
            }

    def forget(self, before: Timestamp) -> None:
        """Drop what is known of rows that were deleted before a time from which on no older version can come (resolved)."""
        with self._lock:
            self._shelf.forget(sortable(before))

    def commit(self) -> None:
        """Write down what was learned."""
        with self._lock:
            self._shelf.commit()

    def rest(self) -> None:
        """Close the store until it is asked next: an open one does not survive a fork. What was not committed is dropped."""
        with self._lock:
            self._shelf.rest()

    def learnt(self) -> str:
        """Return a digest of all fingerprints that are known."""
        known = hashlib.sha256()
        for names in self._shelf.names():
            known.update(names)
        return known.hexdigest()[:16]

    def close(self) -> None:
        """Close the store; what was not committed is dropped."""
        with self._lock:
            self._shelf.close()


def _age(content: Content) -> tuple[bytes, bool, bytes]:
    """Order what a slot held by time; of two of one time (of two column families) a row that is dead comes last."""
    return content.written or b"", content.entry is None, content.entry or b""
