"""
Places of one column whose paths go through a map: `{"user-1": ..., "user-2": ...}` is one place, not as many as there are users.

Where a column has secrets under more than 100 members of one object, these places become one, and their findings those of that
place; whatever comes later goes there at once.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from auditor.identity import AuditKey
from auditor.paths import MAPPED, MOST_MEMBERS, joined_paths
from auditor.state.database import Database
from auditor.state.schema import DECISION, EXPOSURE, FINDING, PLACE
from auditor.tally import PlaceKey


class Joining:
    """Knows the places of one cluster within one transaction."""

    def __init__(self, connection: Connection, database: Database, key: AuditKey, cluster: str) -> None:
        """Begin in a transaction."""
        self._connection, self._database, self._key, self._cluster = connection, database, key, cluster
        self._known: dict[PlaceKey, Any] = {}

    def settle(self, place: PlaceKey) -> None:
        """Make room for a place; if its column has too many by now, join them."""
        if self._find(place) is None:
            self.row(self._joined(place))

    def final(self, place: PlaceKey) -> PlaceKey:
        """Return the place under which a place is told, once all of a transaction are settled."""
        return place if self._find(place) is not None else self._joined(place)

    def row(self, place: PlaceKey) -> Any:
        """Return the row of a place, made if it is new."""
        row = self._find(place)
        if row is None:
            named = self._named(place)
            fresh = self._database.insert(PLACE).values(**named, secrets=0, smallest="", debt_told=False)
            self._connection.execute(fresh.on_conflict_do_nothing())
            row = self._find(place)
        return row

    def _find(self, place: PlaceKey) -> Any:
        """Return the row of a place, None if it is new."""
        row = self._known.get(place)
        if row is None:
            row = self._connection.execute(sa.select(PLACE).filter_by(**self._named(place))).one_or_none()
            if row is not None:
                self._known[place] = row
        return row

    def _named(self, place: PlaceKey) -> dict[str, str]:
        """Return the columns that a place is known by."""
        return {
            "rule_id": place.rule_id,
            "cluster": self._cluster,
            "table_name": place.table,
            "column_name": place.column,
            "path": place.path,
        }

    def _joined(self, place: PlaceKey) -> PlaceKey:
        """Return where a new place belongs; if its column has too many by now, join those that are there."""
        column = {"cluster": self._cluster, "table_name": place.table, "column_name": place.column}
        paths = set(self._connection.execute(sa.select(PLACE.c.path).filter_by(**column).distinct()).scalars())
        if len(paths) < MOST_MEMBERS and not any(MAPPED in path for path in paths):
            return place
        final = joined_paths({*paths, place.path})
        for row in self._connection.execute(sa.select(PLACE).filter_by(**column)).all():
            if final[row.path] != row.path:
                self._move(row, PlaceKey(row.rule_id, row.table_name, row.column_name, final[row.path]))
        return place._replace(path=final[place.path])

    def _move(self, row: Any, target: PlaceKey) -> None:
        """Make the findings of one place those of another, under the ids that they have there."""
        new = self.row(target)
        for finding in self._connection.execute(sa.select(FINDING).where(FINDING.c.place == row.id)).all():
            moved = self._key.finding_id(
                finding.secret_id, target.rule_id, self._cluster, target.table, target.column, target.path
            )
            there = self._connection.execute(sa.select(FINDING).where(FINDING.c.finding_id == moved)).one_or_none()
            if there is None:
                values = {**finding._asdict(), "finding_id": moved, "place": new.id, "in_column": None}
                self._connection.execute(sa.insert(FINDING).values(**values))
                self._connection.execute(sa.update(PLACE).where(PLACE.c.id == new.id).values(secrets=PLACE.c.secrets + 1))
            else:
                added = {name: FINDING.c[name] + getattr(finding, name) for name in ("occurrences", "resent", "debt")}
                self._connection.execute(sa.update(FINDING).where(FINDING.c.finding_id == moved).values(**added))
            self._move_exposures(finding.finding_id, moved)
            self._connection.execute(
                sa.update(DECISION).where(DECISION.c.finding_id == finding.finding_id).values(finding_id=moved)
            )
            self._connection.execute(sa.delete(FINDING).where(FINDING.c.finding_id == finding.finding_id))
        self._connection.execute(sa.delete(PLACE).where(PLACE.c.id == row.id))
        self._known.clear()

    def _move_exposures(self, finding_id: str, moved: str) -> None:
        """Add the exposures of one finding to another's."""
        for exposure in self._connection.execute(sa.select(EXPOSURE).where(EXPOSURE.c.finding_id == finding_id)).all():
            fresh = self._database.insert(EXPOSURE).values(**{**exposure._asdict(), "finding_id": moved})
            self._connection.execute(
                fresh.on_conflict_do_update(
                    index_elements=["finding_id", "feed", "uri", "part"], set_={"count": EXPOSURE.c.count + exposure.count}
                )
            )
        self._connection.execute(sa.delete(EXPOSURE).where(EXPOSURE.c.finding_id == finding_id))
