"""When errors end a feed: not at the first, since clients reconnect and try again by themselves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from auditor.sources.kafka.client import REFUSALS, local

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

#: Seconds without an answer after which a feed that was never connected counts as unavailable: most often a wrong address.
_FIRST = 5.0


class Outage:
    """What the client says of its connections, over time."""

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the seconds for which no broker may answer."""
        self._patience, self._clock = patience, clock
        self._since: float | None = None
        self._reason: KafkaError | None = None
        self._ever = False

    def alive(self) -> None:
        """Take notice of an answer."""
        self._since, self._ever = None, True

    def noticed(self, error: KafkaError) -> None:
        """Take an error of a connection (librdkafka's ``error_cb``). That of one broker is none of the cluster."""
        everything = error.code() == local("ALL_BROKERS_DOWN")
        if not everything or self._reason is None:
            self._reason = error
        if self._since is None and (everything or error.code() in REFUSALS or error.fatal()):
            self._since = self._clock()

    def over(self) -> KafkaError | None:
        """Return why, once it has lasted too long: at once where brokers refuse a client that they never let in."""
        if self._since is None or self._reason is None:
            return None
        if self._reason.fatal() or (not self._ever and self._reason.code() in REFUSALS):
            return self._reason
        patience = self._patience if self._ever else min(_FIRST, self._patience)
        return self._reason if self._clock() - self._since >= patience else None


class Troubles:
    """
    Errors of single partitions, and of the group, that the client tries again: a coordinator that moves, a fetch that fails.

    Kept by partition, so that one that can never be read is not hidden by others that can.
    """

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the seconds after which a trouble does not pass any more."""
        self._patience, self._clock = patience, clock
        self._since: dict[tuple[str, int] | None, tuple[float, KafkaError]] = {}

    def noticed(self, place: tuple[str, int] | None, error: KafkaError) -> None:
        """Take an error of a partition, of the group if there is none."""
        self._since.setdefault(place, (self._clock(), error))

    def passed(self, place: tuple[str, int]) -> None:
        """Take notice that a partition gave something; then the group works too."""
        self._since.pop(place, None)
        self._since.pop(None, None)

    def over(self) -> tuple[str, KafkaError] | None:
        """Return where ('' for the group) and why, once one has lasted too long."""
        now = self._clock()
        for place, (since, error) in self._since.items():
            if now - since >= self._patience:
                return ("/".join(map(str, place)) if place else ""), error
        return None
