"""
The profiles of many tables: what a unit of work adds rows to, what merges, and what is stored.

Everything here is a set that keeps its smallest members, so that merging is associative, commutative and idempotent, and rows
that come again change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.columns.features import Featurer, secret_of
from auditor.columns.judgement import judged
from auditor.columns.observed import observed
from auditor.columns.profile import MOST_ENTRIES, Leaf, Profile
from auditor.columns.sampling import ALL, ALWAYS, MIXED_ROWS, TABLE_ROWS, Sample, Source
from auditor.columns.stored import loaded, stored
from auditor.columns.values import is_plain, texts_of
from auditor.columns.verdict import Verdict
from auditor.errors import StateError
from auditor.identity import AuditKey
from auditor.paths import MAPPED
from auditor.protocols import Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Entries that are held before they are sorted into their profiles: 0.5 us each, where one by one takes 30.
_MOST_PENDING = 4096
#: Texts that are described together, and the characters that they may have.
_TOGETHER, _MOST_CHARACTERS = 1024, 1 << 20
_MOST_SLOTS = 20_000


class _Gathered(NamedTuple):
    """Texts of one call, the hashes of their rows, and the numbers of their leaves."""

    texts: list[str]
    rows: list[int]
    slots: list[int]


class Profiles:
    """Profiles of the columns of all tables, by the source that their rows came from."""

    _gathered: _Gathered

    def __init__(self, key: AuditKey, bounds: Mapping[Source, int] | None = None) -> None:
        """
        Start empty. ``bounds`` are those of other units of the same audit (see `bounds`).

        They spare rows that the merged profile could not keep, and change nothing of it.
        """
        self._featurer = Featurer(secret_of(key))
        self._key_id = key.key_id
        self._bounds = dict(bounds or {})
        self._offered: dict[Source, Sample] = {}
        self._profiles: dict[tuple[str, Source], Profile] = {}
        self._begin_pending()

    def __getstate__(self) -> dict[str, object]:
        """Go to another process with everything sorted in."""
        self._settle()
        gone = ("_slots", "_leaves", "_limits", "_pending", "_held", "_gathered", "_characters")
        return {name: value for name, value in self.__dict__.items() if name not in gone}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Come back from another process."""
        self.__dict__.update(state)
        self._begin_pending()

    def wanted(self, source: Source, hashes: NDArray[np.uint64]) -> NDArray[np.int64] | None:
        """Return which rows of a batch must be decoded, as ascending indexes; None for all of them."""
        self._offer(source, hashes)
        sample = self._offered[source]
        limit = max(min(sample.bound, sample.limit), ALWAYS)
        return None if limit == ALL else np.flatnonzero(hashes < np.uint64(limit))

    def add(self, source: Source, frames: Iterable[Frame], hashes: NDArray[np.uint64]) -> None:
        """
        Add rows that `wanted` chose from a batch of this source, decoded; ``hashes`` are those of all rows of the batch.

        All frames of a record must come in one call. Texts are held until there are a thousand of them, or a megabyte, or anybody
        asks for anything: described together they take a fifth of the time. They are never stored, merged or sent.
        """
        gathered: _Gathered = self._gathered
        known = len(gathered.texts)
        for table, _, indexes, columns in frames:
            rows = hashes[np.asarray(indexes, np.int64)]
            self._profile(table, source).rows.add(rows)
            order = None
            if len(rows) > MOST_ENTRIES:
                order = np.argsort(rows).tolist()
                rows = np.sort(rows)
            numbers: list[int] = rows.tolist()
            for column, values in columns.items():
                own = self._slot(table, source, column, "")
                ordered = values if order is None else [values[place] for place in order]
                self._gather(gathered, own, (table, source, column), numbers, ordered)
        self._characters += sum(map(len, gathered.texts[known:]))
        if len(gathered.texts) >= _TOGETHER or self._characters > _MOST_CHARACTERS:
            self.forget_texts()
            if self._held > _MOST_PENDING:
                self._settle()

    def forget_texts(self) -> None:
        """Turn the texts that are held into entries: whoever waits for more rows must not keep any meanwhile."""
        texts, hashed, slots = self._gathered
        if texts:
            self._pending.append((np.array(slots, np.int32), self._featurer.entries(texts, np.array(hashed, np.uint64))))
            self._held += len(texts)
        self._gathered = _Gathered([], [], [])
        self._characters = 0

    def _gather(
        self, gathered: _Gathered, own: int, place: tuple[str, Source, str], rows: Sequence[int], values: Sequence[object]
    ) -> None:
        """Take the texts of one column that could be kept: of many rows, which come in order, the first that have one."""
        texts, hashed, slots = gathered
        limit = self._limits[own]
        filled, last = 0, -1
        in_order = len(rows) > MOST_ENTRIES
        for row, value in zip(rows, values, strict=True):
            if value is None or value == "":
                continue
            if type(value) is str and value[0] not in "{[":
                if row < limit:
                    texts.append(value)
                    hashed.append(row)
                    slots.append(own)
                    if in_order and row != last:
                        filled, last = filled + 1, row
                        if filled == MOST_ENTRIES:
                            limit = min(limit, row + 1)
                continue
            for path, text in texts_of(value):
                slot = self._slot(*place, path) if path else own
                if row < self._limits[slot]:
                    texts.append(text)
                    hashed.append(row)
                    slots.append(slot)

    def merge(self, other: Profiles) -> None:
        """Add what another has seen."""
        self._expect(other._key_id)
        self._settle()
        other._settle()
        for source, sample in other._offered.items():
            self._offer(source, sample.hashes)
        for (table, source), profile in other._profiles.items():
            self._profile(table, source).merge(profile)

    def tables(self) -> list[str]:
        """Return the tables that rows were seen of, sorted."""
        self._settle()
        return sorted({table for table, _ in self._profiles})

    def bounds(self) -> dict[Source, int]:
        """Return the row hash of each source from which on a merged profile keeps nothing but what is always decoded."""
        return {source: min(sample.bound, sample.limit) for source, sample in self._offered.items()}

    def nbytes(self, table: str) -> int:
        """Return the bytes that the entries of a table take."""
        self._settle()
        return sum(profile.nbytes for (name, _), profile in self._profiles.items() if name == table)

    def snapshot(self, table: str) -> bytes:
        """Return the profiles of a table as they are stored."""
        self._settle()
        return stored({key: profile for key, profile in self._profiles.items() if key[0] == table}, self._offered, self._key_id)

    def restore(self, data: bytes) -> None:
        """Add stored profiles of a table. Raise `StateError` if they are of another key or release."""
        key_id, offered, profiles = loaded(data)
        self._expect(key_id)
        for source, hashes in offered.items():
            self._offer(source, hashes)
        self._settle()
        for (table, source), profile in profiles.items():
            self._profile(table, source).merge(profile)

    def judge(
        self, table: str, *, types: Mapping[str, str] | None = None, claimed: AbstractSet[tuple[str, str]] = frozenset()
    ) -> Iterator[Verdict]:
        """
        Yield a verdict for each column and path of a table, in order of their names.

        ``types`` are the declared SQL types of columns, where they are known. ``claimed`` are the (column, path) whose values a
        rule already tells: no verdict is given on them.
        """
        self._settle()
        samples = [
            (profile, self._offered[source].bound if source in self._offered else ALL)
            for (name, source), profile in self._profiles.items()
            if name == table
        ]
        return judged(table, observed(samples), types or {}, claimed)

    def _expect(self, key_id: str) -> None:
        """Refuse profiles whose digests mean nothing here."""
        if key_id != self._key_id:
            raise StateError(
                f"column profiles were made with the key {key_id}, not {self._key_id}", fix="use that key, or start anew"
            )

    def _offer(self, source: Source, hashes: NDArray[np.uint64]) -> None:
        """Add to the hashes that a source was offered."""
        if source not in self._offered:
            self._offered[source] = Sample(MIXED_ROWS if source is None else TABLE_ROWS, limit=self._bounds.get(source, ALL))
        self._offered[source].add(hashes)

    def _profile(self, table: str, source: Source) -> Profile:
        """Return the profile of a table's rows from a source."""
        profile = self._profiles.get((table, source))
        if profile is None:
            profile = self._profiles[table, source] = Profile()
        return profile

    def _slot(self, table: str, source: Source, column: str, path: str) -> int:
        """Return the number that stands for a leaf until its entries are sorted in."""
        key = (table, source, column, path)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = len(self._leaves)
            leaf = Leaf(column if is_plain(column) else MAPPED, path)
            profile = self._profile(table, source)
            self._leaves.append((profile, leaf))
            self._limits.append(profile.limit(leaf))
        return slot

    def _begin_pending(self) -> None:
        """Hold nothing that is yet to be sorted in."""
        self._slots: dict[tuple[str, Source, str, str], int] = {}
        self._leaves: list[tuple[Profile, Leaf]] = []
        self._limits: list[int] = []
        self._forget_pending()

    def _forget_pending(self) -> None:
        """Start to hold entries."""
        self._pending: list[tuple[NDArray[np.int32], NDArray[np.void]]] = []
        self._held = 0
        self._gathered = _Gathered([], [], [])
        self._characters = 0

    def _settle(self) -> None:
        """Sort all that is held into the profiles."""
        self.forget_texts()
        if not self._held:
            return
        slots = np.concatenate([one for one, _ in self._pending])
        entries = np.concatenate([one for _, one in self._pending])
        order = np.argsort(slots, kind="stable")
        present, starts = np.unique(slots[order], return_index=True)
        additions: dict[int, tuple[Profile, dict[Leaf, NDArray[np.void]]]] = {}
        for slot, part in zip(present.tolist(), np.split(entries[order], starts[1:]), strict=True):
            profile, leaf = self._leaves[slot]
            leaves = additions.setdefault(id(profile), (profile, {}))[1]
            leaves[leaf] = np.concatenate([leaves[leaf], part]) if leaf in leaves else part
        for profile, leaves in additions.values():
            profile.add(leaves)
        if len(self._slots) > _MOST_SLOTS:
            self._begin_pending()
        else:
            self._forget_pending()
            self._limits = [profile.limit(leaf) for profile, leaf in self._leaves]
