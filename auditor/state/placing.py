"""
Sightings into findings: which are new, which are known, which are open again, and which columns are full.

Up to 1,000 secrets of one place are findings of their own. With one more the place itself becomes a finding, which counts them
all; those that were told before stay as they are, and say that they are part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from auditor.hlc import Timestamp, later
from auditor.identity import AuditKey
from auditor.model import Confidence, Describe, Evidence, Exposure, Finding, FindingText, Receipt, Setting, Severity
from auditor.remedies import remedy_for
from auditor.state.database import Database
from auditor.state.joining import Joining
from auditor.state.outbox import Alert, new_event_id
from auditor.state.schema import EXPOSURE, FINDING, PLACE
from auditor.state.sketch import Sketch
from auditor.state.times import now, text_of_event
from auditor.tally import MOST_SECRETS, Bounds, Place, PlaceKey, Seen, evidence_order

MOST_EXPOSURES = 100
_PARTS = ("after", "key", "header", "topic", "before")
#: What may change of a finding that is known.
_CHANGING = (
    *(
        "occurrences",
        "resent",
        "debt",
        "confidence",
        "severity",
        "setting",
        "layers",
        "evidence",
        "last_seen",
        "newest",
        "removed",
    ),
    *("status", "reason", "decided_by", "decided_at", "until"),
)
_UPDATE = (
    sa.update(FINDING).where(FINDING.c.finding_id == sa.bindparam("of")).values({name: sa.bindparam(name) for name in _CHANGING})
)
_COUNT = (
    sa.update(FINDING)
    .where(FINDING.c.finding_id == sa.bindparam("of"))
    .values(exposures=sa.select(sa.func.count()).where(EXPOSURE.c.finding_id == sa.bindparam("of")).scalar_subquery())
)


@dataclass(slots=True)
class _Found:
    """What one transaction adds to one finding."""

    secret_id: str
    seen: list[tuple[Receipt, str, Seen, str]] = field(default_factory=list)

    def add(self, receipt: Receipt, part: str, seen: Seen, way: str) -> None:
        """Add what was seen in one part of one source."""
        self.seen.append((receipt, part, seen, way))

    def count(self, way: str) -> int:
        """Return how often it was seen in events that are new, debt or sent again."""
        return sum(seen.count for _, _, seen, each in self.seen if each == way)

    def newest(self, *, past: bool) -> str | None:
        """Return when the newest version that holds it (or, in the past, held it) was written."""
        newest: str | None = None
        for _, part, seen, _ in self.seen:
            if (part == "before") == past:
                newest = later(newest, seen.newest)
        return newest

    @property
    def severity(self) -> Severity:
        """Return the highest."""
        return max(seen.severity for _, _, seen, _ in self.seen)

    @property
    def confidence(self) -> Confidence:
        """Return the strongest."""
        return max(seen.confidence for _, _, seen, _ in self.seen)

    @property
    def setting(self) -> Setting:
        """Return the plainest."""
        return min(seen.setting for _, _, seen, _ in self.seen)

    @property
    def evidence(self) -> Evidence | None:
        """Return the plainest, None where secrets were only counted."""
        return min((seen.evidence for _, _, seen, _ in self.seen if seen.evidence), key=evidence_order, default=None)


class Placing:
    """Takes the places of one feed's deliveries, and writes them down at the end of the transaction."""

    def __init__(
        self,
        connection: Connection,
        database: Database,
        key: AuditKey,
        feed: str,
        cluster: str,
        describe: Describe,
        *,
        adopt_before: Timestamp | None,
    ) -> None:
        """Begin in a transaction."""
        self._adopt_before = adopt_before
        self._connection, self._database, self._key = connection, database, key
        self._feed, self._cluster, self._describe = feed, cluster, describe
        self._tallied: list[tuple[PlaceKey, PlaceKey, Place, Receipt, str]] = []
        self._places: dict[PlaceKey, _Place] = {}
        self._joining = Joining(connection, database, key, cluster)
        self._updated: list[dict[str, Any]] = []
        self._exposed: list[dict[str, Any]] = []
        self.alerts: list[Alert] = []

    def add(self, key: PlaceKey, table: str, tallied: Place, receipt: Receipt, way: str) -> None:
        """Take what was tallied of one place, whose table has this full name."""
        self._tallied.append((key, key._replace(table=table), tallied, receipt, way))

    def write(self) -> Bounds:
        """Write everything down; return, by the tallies' own keys, the largest id that is still of interest in a full place."""
        for key in dict.fromkeys(named for _, named, *_ in self._tallied):
            self._joining.settle(key)
        full: dict[PlaceKey, _Place] = {}
        for key, named, tallied, receipt, way in self._tallied:
            final = self._joining.final(named)
            place = self._places.get(final)
            if place is None:
                place = self._places[final] = _Place(self._joining.row(final))
            place.add(tallied, receipt, way)
            full[key] = place
        for final, place in self._places.items():
            self._write(final, place)
        self._write_rows()
        return {key: place.sketch.bound(self._key.key_id) for key, place in full.items() if place.sketch.text}

    def _write_rows(self) -> None:
        """
        Write what findings that were known and exposures have become, each in one statement for all.

        A statement of its own for each took most of a transaction's time.
        """
        if self._updated:
            self._connection.execute(_UPDATE, self._updated)
        if self._exposed:
            fresh = self._database.insert(EXPOSURE)
            more = {"count": EXPOSURE.c.count + fresh.excluded.count}
            statement = fresh.on_conflict_do_update(index_elements=["finding_id", "feed", "uri", "part"], set_=more)
            self._connection.execute(statement, self._exposed)
            counted = dict.fromkeys(row["finding_id"] for row in self._exposed)
            self._connection.execute(_COUNT, [{"of": finding_id} for finding_id in counted])

    def _write(self, key: PlaceKey, place: _Place) -> None:
        """Write one place: its secrets one by one, or itself where there are too many."""
        if place.row.column_finding:
            self._update(key, place, [(self._finding(place.row.column_finding), place.total)])
            self._sketch(place)
            return
        ids = {secret_id: self._id(key, secret_id) for secret_id in place.secrets}
        known = self._findings(ids.values())
        new = [secret_id for secret_id, finding_id in ids.items() if finding_id not in known]
        if place.row.secrets + len(new) > MOST_SECRETS or place.crowded:
            self._collapse(key, place)
            return
        self._insert(key, place, [(ids[secret_id], place.secrets[secret_id]) for secret_id in new])
        self._update(key, place, [(known[ids[each]], found) for each, found in place.secrets.items() if ids[each] in known])

    def _collapse(self, key: PlaceKey, place: _Place) -> None:
        """Make a finding of the whole place."""
        column = self._id(key, "")
        mine = FINDING.c.place == place.row.id
        before = self._connection.execute(sa.select(FINDING).where(mine)).all()
        self._connection.execute(sa.update(FINDING).where(mine).values(in_column=column))
        place.sketch.add(row.secret_id for row in before)
        self._connection.execute(sa.update(PLACE).where(PLACE.c.id == place.row.id).values(column_finding=column))
        self._sketch(place)
        self._insert(key, place, [(column, place.total)], before)

    def _sketch(self, place: _Place) -> None:
        """Keep the smallest ids of a full place: they tell how many secrets it has."""
        if place.sketch.add(place.secrets):
            changed = sa.update(PLACE).where(PLACE.c.id == place.row.id)
            self._connection.execute(changed.values(smallest=place.sketch.text, secrets=place.sketch.distinct))

    def _id(self, key: PlaceKey, secret_id: str) -> str:
        """Return the id of a finding."""
        return self._key.finding_id(secret_id, key.rule_id, self._cluster, key.table, key.column, key.path)

    def _finding(self, finding_id: str) -> Any:
        """Return the row of a finding."""
        return self._connection.execute(sa.select(FINDING).where(FINDING.c.finding_id == finding_id)).one()

    def _findings(self, ids: Iterable[str]) -> dict[str, Any]:
        """Return those of these findings that are known."""
        wanted = list(ids)
        rows: list[Any] = []
        for start in range(0, len(wanted), 500):
            query = sa.select(FINDING).where(FINDING.c.finding_id.in_(wanted[start : start + 500]))
            rows += self._connection.execute(query).all()
        return {row.finding_id: row for row in rows}

    def _insert(self, key: PlaceKey, place: _Place, found: Sequence[tuple[str, _Found]], before: Sequence[Any] = ()) -> None:
        """Write new findings; one of a whole column begins with what was ``before``."""
        if not found:
            return
        rows = [self._new_row(place, finding_id, one, before) for finding_id, one in found]
        self._connection.execute(sa.insert(FINDING), rows)
        for (_, one), row in zip(found, rows, strict=True):
            exposures = self._expose(row["finding_id"], one, {})
            if before or (one.count("new") + one.count("resent") and not self._is_old(one)):
                self._tell("finding.opened", self._model(key, row, exposures, place))
            elif not place.debt_told:
                place.debt_told = True
                self._tell("finding.debt", self._model(key, row, exposures, place))
        if not before:
            values = {"secrets": PLACE.c.secrets + len(rows), "debt_told": place.debt_told}
            self._connection.execute(sa.update(PLACE).where(PLACE.c.id == place.row.id).values(**values))

    def _is_old(self, one: _Found) -> bool:
        """Tell whether all rows that hold a secret were written before the moment from which each is told."""
        newest = later(one.newest(past=False), one.newest(past=True))
        return self._adopt_before is not None and newest is not None and Timestamp.parse(newest) < self._adopt_before

    def _new_row(self, place: _Place, finding_id: str, one: _Found, before: Sequence[Any]) -> dict[str, Any]:
        """Return the row of a new finding."""
        evidence = one.evidence or min(
            (found.evidence for found in place.secrets.values() if found.evidence), key=evidence_order, default=None
        )
        text = evidence_text(evidence) if evidence else min(row.evidence for row in before)
        newest = one.newest(past=False)
        for row in before:
            newest = later(newest, row.newest)
        past = one.newest(past=True)
        new, resent = one.count("new"), one.count("resent")
        if not (new or one.count("debt") or before):
            # What was never seen was not sent again: a table was added, or a file came late.
            new, resent = resent, 0
        at = now()
        return {
            "finding_id": finding_id,
            "secret_id": one.secret_id,
            "place": place.row.id,
            "severity": int(max([one.severity, *(row.severity for row in before)])),
            "confidence": int(max([one.confidence, *(row.confidence for row in before)])),
            "setting": min([one.setting.value, *(row.setting for row in before)]),
            "evidence": text,
            "layers": len(evidence.decoded_by) if evidence else 0,
            "occurrences": new + sum(row.occurrences for row in before),
            "resent": resent + sum(row.resent for row in before),
            "debt": one.count("debt") + sum(row.debt for row in before),
            "first_seen": min([at, *(row.first_seen for row in before)]),
            "last_seen": at,
            "newest": newest,
            "removed": past if past is not None and later(newest, past) != newest else None,
            "status": "open",
            "reason": "",
            "decided_by": "",
            "exposures": 0,
        }

    def _update(self, key: PlaceKey, place: _Place, known: Sequence[tuple[Any, _Found]]) -> None:
        """Add to findings that are known; one that was resolved is open again if the row was written later."""
        at = now()
        for row, one in known:
            newest = later(row.newest, one.newest(past=False))
            past = later(row.removed, one.newest(past=True))
            new = one.count("new")
            evidence = one.evidence
            known_by = (row.layers, row.evidence)
            if evidence is not None:
                known_by = min(known_by, (len(evidence.decoded_by), evidence_text(evidence)))
            again = _again(row, one, at)
            values: dict[str, Any] = {
                "occurrences": row.occurrences + new,
                "resent": row.resent + one.count("resent"),
                "debt": row.debt + one.count("debt"),
                "confidence": max(row.confidence, int(one.confidence)),
                "severity": max(row.severity, int(one.severity)),
                "setting": min(row.setting, one.setting.value),
                "layers": known_by[0],
                "evidence": known_by[1],
                "last_seen": max(row.last_seen, at),  # our own clock may have been set back
                "newest": newest,
                "removed": past if past is not None and later(newest, past) != newest else None,
                "status": "open" if again else row.status,
                "reason": again or row.reason,
                "decided_by": "" if again else row.decided_by,
                "decided_at": at if again else row.decided_at,
                "until": None if again else row.until,
            }
            self._updated.append({"of": row.finding_id, **values})
            exposures = self._expose(row.finding_id, one, row)
            if again or (new and not row.occurrences and row.status == "open" and not row.in_column):
                kind = "finding.reopened" if again else "finding.opened"
                self._tell(kind, self._model(key, {**row._asdict(), **values}, exposures, place))

    def _expose(self, finding_id: str, one: _Found, row: Any) -> list[Exposure]:
        """Add to the exposures of a finding, of which at most a hundred are kept; return those of this transaction."""
        merged: dict[tuple[str, str], Exposure] = {}
        first = not row and not (one.count("new") or one.count("debt"))
        for receipt, part, seen, way in one.seen:
            known = merged.get((receipt.uri, part))
            count = seen.count if first or way != "resent" else 0
            merged[receipt.uri, part] = (
                Exposure(receipt.kind, receipt.uri, part, seen.first_row, seen.row_key, seen.updated, count)
                if known is None
                else Exposure(known.kind, known.uri, part, known.row, known.row_key, known.updated, known.count + count)
            )
        kept = row.exposures if row else 0
        if kept >= MOST_EXPOSURES:
            query = sa.select(EXPOSURE.c.uri, EXPOSURE.c.part).where(
                EXPOSURE.c.finding_id == finding_id, EXPOSURE.c.feed == self._feed
            )
            there = {(uri, part) for uri, part in self._connection.execute(query)}
            chosen = [exposure for place, exposure in merged.items() if (place[0][:600], place[1]) in there]
        else:
            chosen = list(merged.values())
        self._exposed += [
            {
                "finding_id": finding_id,
                "feed": self._feed,
                "uri": exposure.uri[:600],
                "part": exposure.part,
                "kind": exposure.kind,
                "row_number": exposure.row,
                "row_key": exposure.row_key,
                "updated": exposure.updated,
                "count": exposure.count,
            }
            for exposure in chosen
        ]
        return chosen

    def _tell(self, kind: str, finding: Finding) -> None:
        """Have a finding told, unless a policy only observes."""
        if finding.suppressed is None:
            self.alerts.append(Alert(kind, new_event_id(), now(), self._feed, finding))

    def _model(self, key: PlaceKey, row: dict[str, Any], exposures: Sequence[Exposure], place: _Place) -> Finding:
        """Return a finding as reports and alerts show it, with the exposures of this transaction."""
        distinct = 1 if row["secret_id"] else place.sketch.distinct
        return finding_of(row, key, self._describe(key.rule_id, key.table, key.column, key.path), exposures, distinct=distinct)


class _Place:
    """One place in one transaction."""

    def __init__(self, row: Any) -> None:
        """Take its row."""
        self.row = row
        self.sketch = Sketch(row.smallest)
        self.total = _Found("")
        self.secrets: dict[str, _Found] = {}
        self.crowded = False
        self.debt_told = bool(row.debt_told)

    def add(self, tallied: Place, receipt: Receipt, way: str) -> None:
        """Add what was tallied in one delivery."""
        for part, secrets in tallied.secrets.items():
            self.total.add(receipt, part, tallied.parts[part], way)
            for secret_id, seen in secrets.items():
                found = self.secrets.get(secret_id)
                if found is None:
                    found = self.secrets[secret_id] = _Found(secret_id)
                found.add(receipt, part, seen, way)
        self.crowded |= bool(tallied.bound)


def _again(row: Any, one: _Found, at: str) -> str:
    """Return why a finding is open again, '' if it is not: only an event later than the decision opens it."""
    if row.status == "ignored" and row.until is not None and row.until <= at:
        return f"it was to be ignored until {row.until}"
    if row.status != "resolved" or not one.count("new"):
        return ""
    written = one.newest(past=False)
    if written is None and not any(part != "before" for _, part, _, _ in one.seen):
        return ""  # a past value only
    seen_at = text_of_event(None if written is None else Timestamp.parse(written))
    return f"seen again in a row written {seen_at}, after it was resolved" if seen_at > row.decided_at else ""


def finding_of(row: Any, key: PlaceKey, text: FindingText, exposures: Sequence[Exposure], *, distinct: int) -> Finding:
    """Return a finding from its row, given as a mapping."""
    parts = {exposure.part for exposure in exposures}
    decided = "" if row["status"] == "open" else f"{row['status']}: {row['reason']}"
    return Finding(
        finding_id=row["finding_id"],
        secret_id=row["secret_id"],
        rule_id=key.rule_id,
        policy_id=text.policy_id,
        title=text.title,
        kind=text.kind,
        severity=Severity(row["severity"]),
        confidence=Confidence(row["confidence"]),
        table=key.table,
        column=key.column,
        path=key.path,
        evidence=evidence_of_text(row["evidence"]),
        occurrences=row["occurrences"] + row["debt"],
        distinct=distinct,
        exposures=tuple(exposures),
        exposures_total=max(len(exposures), row["exposures"]),
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        gains=text.gains,
        remedy=remedy_for(
            vendor_remedy=text.remedy,
            table=key.table,
            column=key.column,
            path=key.path,
            part=next((part for part in _PARTS if part in parts), "after"),
            setting=Setting(row["setting"]),
            feed=True,
        ),
        suppressed=decided or text.unheeded,
    )


def evidence_text(evidence: Evidence) -> str:
    """Return evidence as stored."""
    return orjson.dumps([evidence.redacted, evidence.length, evidence.alphabet, list(evidence.decoded_by)]).decode()


def evidence_of_text(text: str) -> Evidence:
    """Return stored evidence."""
    redacted, length, alphabet, decoded_by = orjson.loads(text)
    return Evidence(redacted, length, alphabet, tuple(decoded_by))
