"""
What came of deliveries, written down in one transaction: findings, coverage, alerts to send, and the position after them.

Nothing of it is done twice: a delivery whose transaction failed is read again, and one whose transaction succeeded never is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from auditor import failpoints
from auditor.hlc import Timestamp
from auditor.identity import AuditKey
from auditor.model import Describe, Finding
from auditor.pipeline import Inspected
from auditor.state import coverage, positions
from auditor.state.columns import ColumnFindings, ColumnUpdate
from auditor.state.database import Database
from auditor.state.outbox import Alert, enqueue
from auditor.state.placing import Placing
from auditor.tally import Bounds


@dataclass(frozen=True, slots=True)
class FeedFacts:
    """
    What the state is to know about a feed.

    ``canonical`` completes a table's name. Rows written before ``adopt_before`` are debt. ``epochs`` are those of the shards as
    they were claimed, shared with whoever claims.
    """

    name: str
    kind: str
    cluster: str
    rules_digest: str
    canonical: Callable[[str], str]
    epochs: Mapping[str, int]
    adopt_before: Timestamp | None = None


@dataclass(slots=True)
class Recorded:
    """What a transaction changed: findings that are new or open again, and the bounds of full columns by the tally's keys."""

    opened: list[Finding] = field(default_factory=list)
    bounds: Bounds = field(default_factory=dict)


class Recorder:
    """Writes deliveries down. ``compose`` makes an alert's body; what it is told is never kept."""

    def __init__(
        self,
        database: Database,
        key: AuditKey,
        *,
        describe: Describe,
        compose: Callable[[Alert], str],
        alert_sinks: Sequence[str],
    ) -> None:
        """Take the texts of rules, and the alert sinks that are to be told."""
        self._database, self._key, self._describe = database, key, describe
        self._compose, self._alert_sinks = compose, alert_sinks

    def record(self, feed: FeedFacts, inspected: Sequence[Inspected], columns: ColumnUpdate | None = None) -> Recorded:
        """
        Write deliveries of one feed down, in their order, and what is new of columns.

        Raise `Fenced` or `StateError`; nothing is written then.
        """
        return self._database.transact(lambda connection: self._record(connection, feed, inspected, columns))

    def _record(
        self, connection: Connection, feed: FeedFacts, inspected: Sequence[Inspected], columns: ColumnUpdate | None
    ) -> Recorded:
        """Do so in a transaction."""
        positions.check(connection, feed.name, {one.shard: feed.epochs.get(one.shard, 0) for one in inspected})
        recorded = Recorded()
        alerts: list[Alert] = []
        placing = Placing(
            connection, self._database, self._key, feed.name, feed.cluster, self._describe, adopt_before=feed.adopt_before
        )
        for one in inspected:
            receipt = one.partial.receipt
            for tally, way in ((one.partial.tally, "new"), (one.debt, "debt"), (one.resent, "resent")):
                for key, place in tally.places():
                    placing.add(key, feed.canonical(key.table), place, receipt, way)
        recorded.bounds = placing.write()
        alerts += placing.alerts
        if columns is not None:
            findings = ColumnFindings(connection, self._database, self._key, feed=feed.name, cluster=feed.cluster)
            findings.write(columns)
            alerts += findings.alerts
            recorded.opened += [
                alert.finding for alert in findings.alerts if alert.finding is not None and alert.kind != "finding.withdrawn"
            ]
        recorded.opened += [alert.finding for alert in placing.alerts if alert.finding is not None]
        alerts += coverage.add(connection, self._database, feed.name, feed.rules_digest, feed.canonical, inspected)
        last = {one.shard: one.position for one in inspected if one.position is not None}
        for shard, position in last.items():
            positions.move(connection, feed.name, shard, position)
        enqueue(connection, alerts, self._compose, self._alert_sinks)
        failpoints.reach("recording")
        return recorded
