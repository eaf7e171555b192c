"""What Prometheus is told. Labels are feeds, tables and rules: never a key, a row or a path."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from auditor.errors import AuditorError
from auditor.pipeline import Inspected
from auditor.state import outbox
from auditor.state.database import Database
from auditor.state.recording import Recorded

CONTENT_TYPE = CONTENT_TYPE_LATEST
#: Tables of one rule that are told apart; further ones are counted together, so that metrics stay bounded.
MOST_TABLES = 500


class Metrics:
    """The counters of one process."""

    def __init__(self) -> None:
        """Begin at nothing."""
        registry = self._registry = CollectorRegistry()
        self.rows = Counter("auditor_rows", "Rows inspected.", ["feed"], registry=registry)
        self.bytes = Counter("auditor_bytes", "Bytes of payloads inspected.", ["feed"], registry=registry)
        self.findings = Counter(
            "auditor_findings", "Findings that are new or open again.", ["feed", "table", "rule", "severity"], registry=registry
        )
        self.gaps = Counter(
            "auditor_coverage_gaps", "Gaps: rows or payloads not scanned as they should be.", ["feed"], registry=registry
        )
        self.quarantined = Counter(
            "auditor_decode_errors",
            "Payloads that were not of their format, and were scanned as text.",
            ["feed"],
            registry=registry,
        )
        self.commits = Counter("auditor_commits", "Transactions of the state.", ["feed"], registry=registry)
        self.resolved = Gauge(
            "auditor_resolved_timestamp_seconds", "Newest resolved timestamp of a shard.", ["feed", "shard"], registry=registry
        )
        self.lag = Gauge(
            "auditor_resolved_lag_seconds", "How far the newest resolved timestamp lay back.", ["feed"], registry=registry
        )
        self.running = Gauge("auditor_feed_running", "1 if the feed is read by this instance.", ["feed"], registry=registry)
        self.backlog = Gauge(
            "auditor_source_backlog", "Messages, files or requests known to wait at the source.", ["feed"], registry=registry
        )
        self.under_way = Gauge("auditor_deliveries_under_way", "Deliveries read and not recorded.", ["feed"], registry=registry)
        self.reloads = Counter("auditor_reloads", "Reloads of the configuration.", ["result"], registry=registry)
        self.reloaded_at = Gauge("auditor_last_reload_success_timestamp_seconds", "Last good reload.", registry=registry)
        self._tables: set[str] = set()

    def expect(self, feed: str) -> None:
        """Begin a feed's counters at nothing, so that a rate is told of its first event, too."""
        for counter in (self.rows, self.bytes, self.gaps, self.quarantined, self.commits):
            counter.labels(feed)

    def recorded(self, feed: str, inspected: Sequence[Inspected], recorded: Recorded) -> None:
        """Count one transaction."""
        self.commits.labels(feed).inc()
        for one in inspected:
            partial = one.partial
            self.rows.labels(feed).inc(partial.receipt.rows)
            self.bytes.labels(feed).inc(partial.receipt.bytes)
            if partial.gaps_total or one.lost:
                self.gaps.labels(feed).inc(partial.gaps_total + len(one.lost))
                self.quarantined.labels(feed).inc(sum(gap.row is not None for gap in partial.gaps))
            if one.resolved is not None:
                seconds = one.resolved.wall / 1e9
                self.resolved.labels(feed, one.shard).set(seconds)
                self.lag.labels(feed).set(max(0.0, time.time() - seconds))
        for finding in recorded.opened:
            if finding.table not in self._tables and len(self._tables) < MOST_TABLES:
                self._tables.add(finding.table)
            table = finding.table if finding.table in self._tables else "(others)"
            self.findings.labels(feed, table, finding.rule_id, finding.severity.label).inc()

    def read(self, feed: str, *, running: bool, backlog: int | None, under_way: int) -> None:
        """Take how a feed is being read now; a backlog that cannot be told is not shown."""
        self.running.labels(feed).set(running)
        self.under_way.labels(feed).set(under_way)
        if backlog is None:
            self.backlog.remove_by_labels({"feed": feed})
        else:
            self.backlog.labels(feed).set(backlog)

    def watch_outbox(self, database: Database) -> None:
        """Tell, whenever asked, how many alerts wait."""
        self._registry.register(_Outbox(lambda: outbox.backlog(database)))

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self._registry)


class _Outbox:
    """Reads the outbox when it is scraped."""

    def __init__(self, backlog: Callable[[], dict[str, outbox.Backlog]]) -> None:
        self._backlog = backlog

    def collect(self) -> Iterable[Metric]:
        """Yield how many alerts wait and how many were put aside; nothing while the state cannot be read."""
        waiting = GaugeMetricFamily("auditor_alerts_waiting", "Alerts in the outbox.", labels=["alert_sink"])
        dead = GaugeMetricFamily("auditor_alerts_dead", "Alerts that were put aside.", labels=["alert_sink"])
        try:
            for name, backlog in self._backlog().items():
                waiting.add_metric([name], backlog.waiting)
                dead.add_metric([name], backlog.dead)
        except AuditorError:
            return
        yield waiting
        yield dead

    def describe(self) -> Iterable[Metric]:
        """Ask for nothing when registered."""
        return ()
