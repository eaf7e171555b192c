"""
A feed that comes through Kafka: CockroachDB's Kafka sink, and whatever speaks its protocol (Azure Event Hubs too).

The client library is loaded when the feed is opened.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.delivery import Check, Claims, Position, Reader
from auditor.sources.kafka.settings import KafkaSettings


class KafkaSource:
    """Topics that a consumer group reads; see `auditor.delivery.Source`. Each partition is a shard."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Take the settings; nothing is connected yet."""
        self._settings = settings

    def open(self, claims: Claims, *, until_caught_up: bool = False, rescan: bool = False) -> Reader:
        """Join the group. Raise `ConfigError` for settings that the client refuses or secrets that are missing."""
        from auditor.sources.kafka.reader import KafkaReader

        return KafkaReader(self._settings, claims, until_caught_up=until_caught_up, rescan=rescan)

    def checks(self, position: Position | None = None) -> Iterator[Check]:
        """Look whether the brokers let this feed read its topics."""
        from auditor.sources.kafka.checks import checks

        return checks(self._settings)
