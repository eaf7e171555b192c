"""The schema registry of Avro feeds. The HTTP client is loaded when the first schema is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from auditor.delivery import Check
from auditor.errors import AuditorError
from auditor.sources.schema_registry.settings import SchemaRegistrySettings

_MOST_SCHEMAS = 1024


class SchemaRegistry:
    """
    Where Avro schemas are had; see `auditor.delivery.Schemas`. May be used by several threads.

    A schema's number never means another schema, so what was once had is kept.
    """

    def __init__(self, settings: SchemaRegistrySettings) -> None:
        """Take the settings; nothing is asked for yet."""
        self._settings = settings
        self._kept = lru_cache(maxsize=_MOST_SCHEMAS)(self._asked)

    def schema(self, schema_id: int) -> str:
        """
        Return a schema's JSON text, what it refers to put into it.

        Raise `SourceUnavailable` where the registry does not answer in time, `DecodeError` where it has no such Avro schema, and
        `ConfigError` where it lets nobody in with these credentials.
        """
        return self._kept(schema_id)

    def checks(self) -> Iterator[Check]:
        """Ask for a schema as `schema` would, and say what would come of it."""
        from auditor.sources.schema_registry import client

        name = "schema registry"
        if self._settings.in_the_clear:
            yield Check(name, "warn", f"credentials are sent unencrypted to {self._settings.url}", "use https")
        try:
            client.probe(self._settings)
        except AuditorError as error:
            yield Check(name, "fail", f"{error.where}: {error.what}", error.fix)
        else:
            yield Check(name, "ok", f"{self._settings.url} answers")

    def _asked(self, schema_id: int) -> str:
        """Ask the registry for a schema."""
        from auditor.sources.schema_registry import client

        return client.whole_schema(self._settings, schema_id)
