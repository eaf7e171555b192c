"""Full names of tables, from what a feed calls them and what its configuration knows."""

from __future__ import annotations

import functools
from collections.abc import Callable

from auditor.feed_settings import FeedSettings


def naming_of(settings: FeedSettings) -> Callable[[str], str]:
    """
    Return what completes a table's name to ``database.schema.table``: the feed's prefix is cut, missing parts are filled in.

    What neither the feed nor its configuration says is left out.
    """

    @functools.lru_cache(maxsize=4096)
    def canonical(name: str) -> str:
        if settings.topic_prefix:
            name = name.removeprefix(settings.topic_prefix)
        parts = name.split(".") if name else []
        if len(parts) == 1 and settings.schema_name:
            parts = [settings.schema_name, *parts]
        if len(parts) == 2 and settings.database:
            parts = [settings.database, *parts]
        return ".".join(parts)

    return canonical
