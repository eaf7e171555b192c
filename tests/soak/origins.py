"""Where the rows of a soak come from: one origin for each kind of feed, which sends them as CockroachDB does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from tests.soak.rows import Rows


class Origin(Protocol):
    """
    The sending side of a feed.

    ``exact`` says that each row is counted exactly once, however often the reader is killed, since the position and the counts
    are one transaction.
    """

    kind: str
    exact: bool

    @property
    def settings(self) -> dict[str, Any]:
        """Return the feed's part of the configuration."""

    def send(self, rows: range) -> None:
        """Let rows go, and a resolved timestamp after them. Some kinds only take them in, and send when somebody listens."""

    def settled(self) -> bool:
        """Tell whether all that was let go has left: for a webhook, whether everything was answered with 2xx."""

    def handed_over(self) -> tuple[int, int]:
        """Return how many rows, and up to which row a resolved timestamp, can have been read by now at most."""

    def in_shard(self, number: int, shard: str) -> bool:
        """Tell whether a row belongs to a shard."""

    def counted(self, positions: dict[str, dict[str, Any]]) -> int | None:
        """Return how many rows recorded positions stand for exactly, None where they do not tell."""


Opened = Callable[[Rows, Path], AbstractContextManager[Origin]]


def origins() -> Iterator[tuple[str, Opened, str]]:
    """Yield name, opener and needed outside program of every origin that can be tried on this machine."""
    import os

    from tests.soak.folder_origin import folder_origin
    from tests.soak.kafka_origin import apache_origin, tansu_origin
    from tests.soak.sinkless_origin import sinkless_origin
    from tests.soak.webhook_origin import webhook_origin

    yield "webhook", webhook_origin, ""
    yield "folder", folder_origin, ""
    yield "sinkless", sinkless_origin, ""
    yield "kafka-tansu", tansu_origin, "tansu"
    if os.environ.get("AUDITOR_TEST_KAFKA"):
        yield "kafka-apache", apache_origin, ""
