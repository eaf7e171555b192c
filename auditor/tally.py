"""
What one unit of work found, in bounded memory.

Per place (rule, table, column, path) at most 1,000 secrets are kept, those with the smallest ids, and every sighting is counted. Ids
are keyed digests, hence evenly spread, so the smallest 1,000 of a union are among the smallest 1,000 of each part: however the rows
are cut into units, the same secrets survive the merge, with exact counts. The 1,000th smallest id also tells how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from auditor.model import Confidence, Evidence, Setting, Severity, Sighting

#: Findings of one place that are told one by one; beyond, the place is one column finding.
MOST_SECRETS = 1000
_SLACK = 200


class PlaceKey(NamedTuple):
    """Where a kind of secret was seen, before map-like paths are joined."""

    rule_id: str
    table: str
    column: str
    path: str


class Seen:
    """How often, and first where, one secret (or any secret of a place) was seen in one part."""

    __slots__ = ("confidence", "count", "evidence", "first_row", "row_key", "setting", "updated")

    def __init__(self, sighting: Sighting) -> None:
        """Start from the first sighting; rows come in order, so its row stays the first."""
        self.count = 1
        self.first_row = sighting.row
        self.row_key = sighting.row_key
        self.updated = sighting.updated
        self.confidence: Confidence = sighting.confidence
        self.setting: Setting = sighting.setting
        self.evidence: Evidence = sighting.evidence

    def again(self, sighting: Sighting) -> None:
        """Count one more."""
        self.count += 1
        self.confidence = max(self.confidence, sighting.confidence)
        self.setting = min(self.setting, sighting.setting)
        self.evidence = min(self.evidence, sighting.evidence, key=evidence_order)


def evidence_order(evidence: Evidence) -> tuple[int, tuple[str, ...], str]:
    """Order evidence of one secret so that the plainest wins, whatever was seen first."""
    return (len(evidence.decoded_by), evidence.decoded_by, evidence.redacted)


class Place:
    """The secrets of one place: by secret id and part, and by part alone."""

    __slots__ = ("_bound", "_full", "parts", "secrets", "severity")

    def __init__(self, severity: Severity) -> None:
        """Start empty."""
        self.severity = severity
        self.secrets: dict[str, dict[str, Seen]] = {}
        self.parts: dict[str, Seen] = {}
        self._bound = ""
        self._full = False

    def add(self, sighting: Sighting) -> None:
        """Count a sighting; keep its secret if it is among the smallest ids."""
        part = self.parts.get(sighting.part)
        if part is None:
            self.parts[sighting.part] = Seen(sighting)
        else:
            part.again(sighting)
        secret_id = sighting.secret_id
        if self._full and secret_id > self._bound:
            return
        seen = self.secrets.setdefault(secret_id, {})
        known = seen.get(sighting.part)
        if known is None:
            seen[sighting.part] = Seen(sighting)
        else:
            known.again(sighting)
        if len(self.secrets) > MOST_SECRETS + 1 + _SLACK:
            self.trim()

    def trim(self) -> None:
        """Drop all but the smallest ids: one more than are told, so that a full place is known for one."""
        if len(self.secrets) > MOST_SECRETS + 1:
            kept = sorted(self.secrets)[: MOST_SECRETS + 1]
            self.secrets = {secret_id: self.secrets[secret_id] for secret_id in kept}
            self._bound, self._full = kept[-1], True


class Tally:
    """All places of one unit."""

    def __init__(self) -> None:
        """Start empty."""
        self._places: dict[PlaceKey, Place] = {}

    def add(self, sighting: Sighting) -> None:
        """Count a sighting under its place."""
        key = PlaceKey(sighting.rule_id, sighting.table, sighting.column, sighting.path)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = Place(sighting.severity)
        place.add(sighting)

    def places(self) -> Iterator[tuple[PlaceKey, Place]]:
        """Yield every place, trimmed."""
        for key, place in self._places.items():
            place.trim()
            yield key, place
