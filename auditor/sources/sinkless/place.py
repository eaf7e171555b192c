"""How far a sinkless feed has come, as it is kept in the state."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from auditor.delivery import Position
from auditor.errors import StateError
from auditor.hlc import Timestamp
from auditor.sources.sinkless.settings import SinklessSettings


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a feed is to be continued.

    ``cursor`` is the last resolved timestamp: everything up to it was read. It is None until then, so that a scan which was cut
    short begins anew. ``rows`` counts what was ever handed over. ``targets`` are the tables (or the query's digest) that
    ``cursor`` holds for: one that is added later was never scanned. ``missing`` is the end of what was reported as lost, while
    the scan that makes up for it is not through.
    """

    cursor: Timestamp | None = None
    rows: int = 0
    targets: Sequence[str] = ()
    missing: Timestamp | None = None

    @classmethod
    def of(cls, position: Position) -> Self:
        """Read a position. Raise `StateError` if it is none of a sinkless feed."""
        cursor, rows, missing = position.get("cursor"), position.get("rows", 0), position.get("missing")
        targets = position.get("targets", ())
        if isinstance(rows, int) and isinstance(targets, list | tuple):
            try:
                return cls(_moment(cursor), rows, tuple(map(str, targets)), _moment(missing))
            except ValueError:
                pass
        raise StateError("the recorded position is none of a sinkless feed", fix="give the feed another name")

    def position(self) -> Position:
        """Return what the state keeps."""
        found: dict[str, object] = {"rows": self.rows, "targets": list(self.targets)}
        if self.cursor is not None:
            found["cursor"] = str(self.cursor)
        if self.missing is not None:
            found["missing"] = str(self.missing)
        return found


def _moment(text: object) -> Timestamp | None:
    """Read a timestamp, if there is one."""
    return None if text is None else Timestamp.parse(str(text))


def targets_of(settings: SinklessSettings) -> tuple[str, ...]:
    """Return what a feed watches, in a form that tells a changed query."""
    if settings.query:
        return (f"query {hashlib.sha256(settings.query.encode()).hexdigest()[:16]}",)
    return settings.tables
