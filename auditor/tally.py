"""
What one unit of work found, in bounded memory.

Per place (rule, table, column, path) at most 1,000 secrets are kept, those with the smallest ids, and every sighting is
counted. Ids are keyed digests, hence evenly spread, so the smallest 1,000 of a union are among the smallest 1,000 of each
part: however the rows are cut into units, the same secrets survive the merge, with exact counts. The 1,000th smallest id also
tells how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    """
    How often, and first where, one secret (or any secret of a place) was seen in one part.

    Rows come in order, so the first sighting's row and key stay. The strongest confidence and the plainest evidence win.
    """

    __slots__ = ("confidence", "count", "evidence", "first_row", "row_key", "setting", "updated")

    def __init__(self, sighting: Sighting) -> None:
        """Start from the first sighting."""
        self.count = 1
        self.first_row = sighting.row
        self.row_key = sighting.row_key
        self.updated = sighting.updated
        self.confidence: Confidence = sighting.confidence
        self.setting: Setting = sighting.setting
        self.evidence: Evidence | None = sighting.evidence

    def again(self, sighting: Sighting) -> None:
        """Count one more of the same secret."""
        self.count_only(sighting)
        evidence, known = sighting.evidence, self.evidence
        if evidence is not None and (known is None or evidence.decoded_by != known.decoded_by):
            self.evidence = evidence if known is None else min(known, evidence, key=evidence_order)

    def count_only(self, sighting: Sighting) -> None:
        """Count one more."""
        self.count += 1
        # Identity first: comparing enum members costs ten times as much, and they hardly ever differ.
        if sighting.confidence is not self.confidence and sighting.confidence > self.confidence:
            self.confidence = sighting.confidence
        if sighting.setting is not self.setting and sighting.setting < self.setting:
            self.setting = sighting.setting


def evidence_order(evidence: Evidence) -> tuple[int, tuple[str, ...], str]:
    """Order evidence of one secret so that the plainest wins, whatever was seen first."""
    return (len(evidence.decoded_by), evidence.decoded_by, evidence.redacted)


class Place:
    """The secrets of one place: by secret id and part, and by part alone."""

    __slots__ = ("bound", "parts", "secrets", "severity")

    def __init__(self, severity: Severity, bound: str = "") -> None:
        """Start empty. Ids above a ``bound`` are known not to be among the smallest of all units."""
        self.severity = severity
        self.secrets: dict[str, dict[str, Seen]] = {}
        self.parts: dict[str, Seen] = {}
        self.bound = bound

    def add(self, sighting: Sighting) -> None:
        """Count a sighting; keep its secret if it is among the smallest ids."""
        part = self.parts.get(sighting.part)
        if part is None:
            part = self.parts[sighting.part] = Seen(sighting)
            part.evidence = None  # a column's evidence is that of the secrets that are kept, the same however units are cut
        else:
            part.count_only(sighting)
        secret_id = sighting.secret_id
        if self.bound and secret_id > self.bound:
            return
        seen = self.secrets.setdefault(secret_id, {})
        known = seen.get(sighting.part)
        if known is None:
            seen[sighting.part] = Seen(sighting)
        else:
            known.again(sighting)
        if len(self.secrets) > MOST_SECRETS + 1 + _SLACK:
            self.trim()

    def tells(self, part: str, secret_id: str) -> bool:
        """Tell whether a sighting of this secret would be kept, or be the first of its part."""
        return not self.bound or secret_id <= self.bound or part not in self.parts

    def trim(self) -> None:
        """Drop all but the smallest ids: one more than are told, so that a full place is known for one."""
        if len(self.secrets) > MOST_SECRETS + 1:
            kept = sorted(self.secrets)[: MOST_SECRETS + 1]
            self.secrets = {secret_id: self.secrets[secret_id] for secret_id in kept}
            self.bound = kept[-1]


#: For each place that is full, the largest id that may still be told.
Bounds = dict[PlaceKey, str]


class Tally:
    """
    All places of one unit.

    ``bounds`` come from other units: what they rule out is counted here, too, without being described. They change what a
    unit keeps, and never what a merge of units does.
    """

    def __init__(self, bounds: Mapping[PlaceKey, str] | None = None) -> None:
        """Start empty."""
        self._places: dict[PlaceKey, Place] = {}
        self._bounds = bounds or {}

    def add(self, sighting: Sighting) -> None:
        """Count a sighting under its place."""
        key = PlaceKey(sighting.rule_id, sighting.table, sighting.column, sighting.path)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = Place(sighting.severity, self._bounds.get(key, ""))
        place.add(sighting)

    def tells(self, rule_id: str, table: str, column: str, path: str, part: str, secret_id: str) -> bool:
        """
        Tell whether a sighting will be told, and not just counted.

        In a column full of secrets most are only counted, and need not be described first.
        """
        place = self._places.get(PlaceKey(rule_id, table, column, path))
        return place is None or place.tells(part, secret_id)

    def places(self) -> Iterator[tuple[PlaceKey, Place]]:
        """Yield every place, trimmed."""
        for key, place in self._places.items():
            place.trim()
            yield key, place

    def bounds(self) -> Bounds:
        """Return the bounds of the places that are full."""
        return {key: place.bound for key, place in self.places() if place.bound}
