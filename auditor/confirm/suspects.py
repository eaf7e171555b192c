"""What was suspected, by the fingerprints that it would have: so that one learned later still confirms it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Suspected(NamedTuple):
    """A name that a finding's secret would have as a fingerprint: what is to be kept of it. Without the key it tells nothing."""

    entry: bytes
    finding_id: str


class Suspects:
    """The names of all suspects, in memory; about 200 bytes each."""

    def __init__(self) -> None:
        """Start empty."""
        self._findings: dict[bytes, str | set[str]] = {}

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._findings)

    def add(self, suspected: Iterable[Suspected]) -> list[Suspected]:
        """Add names; return those that are new."""
        new = []
        for one in suspected:
            known = self._findings.get(one.entry)
            if known is None:
                self._findings[one.entry] = one.finding_id
            elif isinstance(known, set):
                if one.finding_id in known:
                    continue
                known.add(one.finding_id)
            elif known == one.finding_id:
                continue
            else:
                self._findings[one.entry] = {known, one.finding_id}
            new.append(one)
        return new

    def remove(self, finding_ids: Iterable[str]) -> None:
        """Drop findings that are closed."""
        gone = set(finding_ids)
        for entry in list(self._findings):
            left = set(self.of(entry)) - gone
            if not left:
                del self._findings[entry]
            else:
                self._findings[entry] = left if len(left) > 1 else left.pop()

    def of(self, entry: bytes) -> Sequence[str]:
        """Return the findings whose secret would have a fingerprint of this name."""
        known = self._findings.get(entry)
        if known is None:
            return ()
        return (known,) if isinstance(known, str) else sorted(known)

    def entries(self) -> Sequence[bytes]:
        """Return all names."""
        return list(self._findings)
