"""A feed's places in the state, kept in memory: what a source's `open` is given in its tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from auditor.delivery import Position
from auditor.hlc import Timestamp


class MemoryClaims:
    """See `auditor.delivery.Claims`. A test records positions by putting them into ``positions``."""

    def __init__(self, positions: Mapping[str, Position] | None = None) -> None:
        """Begin with these recorded positions."""
        self.positions: dict[str, Position] = dict(positions or {})
        self.resolved_at: dict[str, Timestamp] = {}
        self.held: set[str] = set()

    def claim(self, shards: Iterable[str]) -> Mapping[str, Position]:
        """Take shards over."""
        wanted = list(shards)
        self.held.update(wanted)
        return {shard: self.positions[shard] for shard in wanted if shard in self.positions}

    def resolved(self, shard: str) -> Timestamp | None:
        """Return what was recorded last."""
        return self.resolved_at.get(shard)

    def release(self, shards: Iterable[str]) -> None:
        """Let go of shards."""
        self.held.difference_update(shards)
