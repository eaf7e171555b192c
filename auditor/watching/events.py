"""Which events with secrets were counted before: changefeeds deliver at least once, and restarts repeat."""

from __future__ import annotations

from auditor.delivery import ALL
from auditor.hlc import Timestamp
from auditor.identity import AuditKey
from auditor.model import Sighting
from auditor.pipeline import Inspected, Occurrence
from auditor.state.coverage import MOST_OCCURRENCES


class Events:
    """
    The events of one shard since its last resolved timestamp.

    Anything written up to that timestamp was read before; anything later is known by a keyed digest. Where a row's version has no
    time, nothing tells a repetition, and every sighting counts.
    """

    def __init__(self, key: AuditKey, resolved: Timestamp | None, counted: list[str], adopt_before: Timestamp | None) -> None:
        """Continue after what the state has of this shard."""
        self._key, self._resolved, self._adopt_before = key, resolved, adopt_before
        self._counted: dict[str, Timestamp | None] = dict.fromkeys(counted)

    def is_new(self, sighting: Sighting, into: Inspected) -> bool:
        """Tell whether a sighting is to be told as new; else count it as sent again, or as too old to be told by itself."""
        written = None if sighting.written is None else Timestamp.parse(sighting.written)
        if written is None:
            return True
        event = self._digest(sighting)
        if event in self._counted or (self._resolved is not None and written <= self._resolved):
            into.resent.add(sighting)
            return False
        if len(self._counted) < MOST_OCCURRENCES:
            self._counted[event] = written
            into.occurrences.append(Occurrence(event, written))
        if self._adopt_before is not None and written < self._adopt_before:
            into.debt.add(sighting)
            return False
        return True

    def advance(self, resolved: Timestamp) -> None:
        """Forget the events that a resolved timestamp speaks for."""
        if self._resolved is None or resolved > self._resolved:
            self._resolved = resolved
            self._counted = {event: at for event, at in self._counted.items() if at is not None and at > resolved}

    def _digest(self, sighting: Sighting) -> str:
        """Return what an event is known by: the secret, its place, the row and the version."""
        parts = (
            sighting.secret_id,
            sighting.rule_id,
            sighting.table,
            sighting.column,
            sighting.path,
            sighting.part,
            sighting.row_key,
            sighting.written or ALL,
        )
        return self._key.digest("\0".join(parts))
