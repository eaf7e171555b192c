"""From the settings of a feed to what it is run by: the table of all kinds."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

from auditor.delivery import Schemas
from auditor.errors import ConfigError
from auditor.watching.supervisor import Feed


class _Kind(NamedTuple):
    """Where a kind's source is, and whether only one instance may run such a feed."""

    source: str
    leased: bool


_KINDS = {
    "kafka": _Kind("auditor.sources.kafka:KafkaSource", leased=False),  # a consumer group shares the partitions out
    "sinkless": _Kind("auditor.sources.sinkless:SinklessSource", leased=True),
    "webhook": _Kind("auditor.sources.webhook:WebhookSource", leased=True),
    "follow": _Kind("auditor.sources.follow:FollowSource", leased=True),
    "files": _Kind("auditor.sources.files_feed:FilesSource", leased=True),
}


def feed_of(settings: Any) -> Feed:
    """Return a feed; its client library is imported now. Raise `ConfigError` if it is not installed."""
    kind = _KINDS[settings.kind]
    module, _, name = kind.source.partition(":")
    try:
        source = getattr(import_module(module), name)(settings)
    except ImportError:
        raise ConfigError(
            f"the client library for {settings.kind} is not installed", where=settings.name, fix="pip install 'auditor[watch]'"
        ) from None
    return Feed(settings, settings.kind, getattr(settings, "format", ""), source, _schemas(settings), kind.leased)


def _schemas(settings: Any) -> Schemas | None:
    """Return the schema registry of a feed that has one."""
    registry = getattr(settings, "schema_registry", None)
    if registry is None:
        return None
    from auditor.sources.schema_registry import SchemaRegistry

    return SchemaRegistry(registry)
