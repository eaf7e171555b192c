"""
What one unit of work found, in bounded memory.

Per place (rule, table, column, path) at most 1,000 secrets are kept, those with the smallest ids, and every sighting is
counted. Ids are keyed digests, hence evenly spread, so the smallest 1,000 of a union are among the smallest 1,000 of each
part: however the rows are cut into units, the same secrets survive the merge, with exact counts. The 1,000th smallest id also
tells how many there are.
"""

from __future__ import annotations

import functools
import heapq
import pickle
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from auditor.hlc import later
from auditor.model import Confidence, Evidence, Setting, Severity, Sighting

#: Findings of one place that are told one by one; beyond, the place is one column finding.
MOST_SECRETS = 1000
_SLACK = 200
#: Secrets of a unit that are held as objects, of 500 bytes or so each; beyond, they are packed into 40 bytes.
MOST_HELD = 20_000


class PlaceKey(NamedTuple):
    """Where a kind of secret was seen, before map-like paths are joined."""

    rule_id: str
    table: str
    column: str
    path: str


class Seen:
    """
    How often, and first where, one secret (or any secret of a place) was seen in one part.

    Rows come in order, so the first sighting's row and key stay. The highest severity, the strongest confidence and the plainest
    evidence win: a policy may make one row less severe than another, and a null less than a value.
    ``newest`` is when the newest of these versions was written, if the feed says it.
    """

    __slots__ = ("confidence", "count", "evidence", "first_row", "newest", "row_key", "setting", "severity", "updated")

    def __init__(self, sighting: Sighting) -> None:
        """Start from the first sighting."""
        self.count = sighting.rows
        self.first_row = sighting.row
        self.row_key = sighting.row_key
        self.updated = sighting.updated
        self.newest = sighting.written
        self.severity: Severity = sighting.severity
        self.confidence: Confidence = sighting.confidence
        self.setting: Setting = sighting.setting
        self.evidence: Evidence | None = sighting.evidence and _shared(sighting.evidence)

    def again(self, sighting: Sighting) -> None:
        """Count one more of the same secret."""
        self.count_only(sighting)
        evidence, known = sighting.evidence, self.evidence
        if evidence is not None and (
            known is None or (evidence.decoded_by, evidence.held_by) != (known.decoded_by, known.held_by)
        ):
            self.evidence = evidence if known is None else min(known, evidence, key=evidence_order)

    def count_only(self, sighting: Sighting) -> None:
        """Count one more."""
        self.count += sighting.rows
        if sighting.written is not None:
            self.newest = later(self.newest, sighting.written)
        # Identity first: comparing enum members costs ten times as much, and they hardly ever differ.
        if sighting.confidence is not self.confidence and sighting.confidence > self.confidence:
            self.confidence = sighting.confidence
        if sighting.severity is not self.severity and sighting.severity > self.severity:
            self.severity = sighting.severity
        if sighting.setting is not self.setting and sighting.setting < self.setting:
            self.setting = sighting.setting


@functools.lru_cache(maxsize=1024)
def _shared(evidence: Evidence) -> Evidence:
    """Return one object for all that are equal: the secrets of a column look alike, and each would take 200 bytes."""
    return evidence


def evidence_order(evidence: Evidence) -> tuple[int, tuple[str, ...], str]:
    """Order evidence of one secret so that the plainest wins, whatever was seen first."""
    return (layers_of(evidence), evidence.decoded_by, evidence.redacted)


def layers_of(evidence: Evidence) -> int:
    """Return how many encodings were undone; -1, before all others, where it is known whose live token it is."""
    return -1 if evidence.held_by else len(evidence.decoded_by)


class Place:
    """
    The secrets of one place: those that are kept, by part and id, and how often any secret was seen in each part.

    Each part keeps its own smallest ids: what is among the smallest of all is so in every part that it was seen in.
    """

    __slots__ = ("bound", "parts", "secrets")

    def __init__(self, bound: str = "") -> None:
        """Start empty. Ids above a ``bound`` are known not to be among the smallest of all units."""
        self.secrets: dict[str, dict[str, Seen]] = {}
        self.parts: dict[str, Seen] = {}
        self.bound = bound

    def add(self, sighting: Sighting) -> bool:
        """Count a sighting; keep its secret if it is among the smallest ids. Return whether one more is held."""
        total = self.parts.get(sighting.part)
        if total is None:
            total = self.parts[sighting.part] = Seen(sighting)
            total.evidence = None  # a column's evidence is that of the secrets that are kept, the same however units are cut
            self.secrets[sighting.part] = {}
        else:
            total.count_only(sighting)
        secret_id = sighting.secret_id
        if self.bound and secret_id > self.bound:
            return False
        secrets = self.secrets[sighting.part]
        known = secrets.get(secret_id)
        if known is not None:
            known.again(sighting)
            return False
        secrets[secret_id] = Seen(sighting)
        if len(secrets) > MOST_SECRETS + 1 + _SLACK:
            self.trim()
        return True

    def tells(self, part: str, secret_id: str) -> bool:
        """Tell whether a sighting of this secret would be kept, or be the first of its part."""
        return not self.bound or secret_id <= self.bound or part not in self.parts

    def trim(self) -> None:
        """Drop all but the smallest ids: one more than are told, so that a full place is known for one."""
        for secrets in self.secrets.values():
            if len(secrets) > MOST_SECRETS + 1:
                largest = heapq.nsmallest(MOST_SECRETS + 1, secrets)[-1]
                self.bound = min(self.bound or largest, largest)
        if self.bound:
            for part, secrets in self.secrets.items():
                self.secrets[part] = {secret_id: seen for secret_id, seen in secrets.items() if secret_id <= self.bound}


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
        self._bounds = dict(bounds or {})
        self._full: Bounds = {}
        self._held = 0
        self._packed: list[bytes] = []

    def add(self, sighting: Sighting) -> None:
        """Count a sighting under its place."""
        key = PlaceKey(sighting.rule_id, sighting.table, sighting.column, sighting.path)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = Place(self._bounds.get(key, ""))
        self._held += place.add(sighting)
        if self._held > MOST_HELD:
            self._pack()

    def tells(self, rule_id: str, table: str, column: str, path: str, part: str, secret_id: str) -> bool:
        """
        Tell whether a sighting will be told, and not just counted.

        In a column full of secrets most are only counted, and need not be described first.
        """
        place = self._places.get(PlaceKey(rule_id, table, column, path))
        return place is None or place.tells(part, secret_id)

    def places(self) -> Iterator[tuple[PlaceKey, Place]]:
        """
        Yield every place, trimmed.

        A place, and a secret in it, may come several times, in the order of its rows: whoever keeps them adds them up.
        """
        for packed in self._packed:
            yield from pickle.loads(zlib.decompress(packed))  # noqa: S301 - packed below
        yield from self._held_places()

    def bounds(self) -> Bounds:
        """Return the bounds of the places that are full."""
        return self._full | {key: place.bound for key, place in self._held_places() if place.bound}

    def _held_places(self) -> Iterator[tuple[PlaceKey, Place]]:
        """Yield the places that are not packed, trimmed."""
        for key, place in self._places.items():
            place.trim()
            yield key, place

    def _pack(self) -> None:
        """Put away what is held; the bounds stay."""
        self._full = self.bounds()
        self._bounds |= self._full
        self._packed.append(zlib.compress(pickle.dumps(list(self._held_places())), 1))
        self._places = {}
        self._held = 0
