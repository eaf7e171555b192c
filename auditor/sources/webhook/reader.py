"""From requests that wait to deliveries, and from recorded deliveries to answers."""

from __future__ import annotations

import functools
import socket
from collections.abc import Iterator, Sequence

from auditor.delivery import Delivery, Messages
from auditor.errors import SourceUnavailable
from auditor.sources.webhook.app import Endpoint
from auditor.sources.webhook.inbox import Inbox, Outcome, Post
from auditor.sources.webhook.server import Server
from auditor.sources.webhook.settings import WebhookSettings
from auditor.sources.webhook.tee import Tee
from auditor.sources.webhook.tls import Certificate

#: What one delivery holds: whatever is waiting, up to this.
_MOST_BYTES, _MOST_REQUESTS = 4 << 20, 256


class WebhookReader:
    """
    An open endpoint; see `auditor.delivery.Reader`.

    A message is the body of a request, and its headers those that can hold what somebody configured; a query comes as the header
    ``:query``. A body of glued csv rows has the format ``csv``. Requests are counted as they are handed over.
    """

    def __init__(
        self,
        settings: WebhookSettings,
        accepted: Sequence[bytes],
        certificate: Certificate | None,
        listening: socket.socket,
        count: int,
    ) -> None:
        """Serve on a bound socket; ``count`` is how many requests were handed over before."""
        host, self.port = listening.getsockname()[:2]
        self._origin = f"webhook://{f'[{host}]' if ':' in host else host}:{self.port}{settings.path}"
        self._inbox = Inbox(count)
        self._closed = False
        tee = Tee(settings) if settings.forward_to else None
        self._server = Server(listening, certificate, settings.max_connections)
        self._server.start(Endpoint(settings, accepted, self._inbox, tee), self._give_up)

    def __iter__(self) -> Iterator[Delivery | None]:
        """Yield what is waiting."""
        while (taken := self._inbox.take(_MOST_BYTES, _MOST_REQUESTS, 1.0)) is not None:
            last, posts = taken
            yield self._delivery(last, posts) if posts else None
        if not self._closed:
            raise SourceUnavailable("the server has ended by itself", where=self._origin)

    def committed(self, delivery: Delivery) -> None:
        """Answer the requests of this delivery, and those before it."""
        if isinstance(delivery, Messages):
            self._settle(self._inbox.release(delivery.numbers[-1]), Outcome.RECORDED)

    def refused(self, delivery: Delivery) -> None:
        """Have the requests of this delivery sent again."""
        if isinstance(delivery, Messages):
            self._settle(self._inbox.release(delivery.numbers[-1]), Outcome.REFUSED)

    def close(self) -> None:
        """
        Stop listening, and have every request sent again that nobody has taken.

        What was taken has a third of a second to be recorded yet.
        """
        self._closed = True
        self._settle(self._inbox.close(), Outcome.REFUSED)
        self._server.stop()

    @property
    def backlog(self) -> int | None:
        """Return how many requests wait to be taken."""
        return len(self._inbox)

    def _delivery(self, last: int, posts: list[Post]) -> Messages:
        """Make requests a delivery."""
        headers = [post.headers for post in posts]
        return Messages(
            origin=self._origin,
            topic="",
            keys=[None] * len(posts),
            values=[post.body for post in posts],
            numbers=range(last - len(posts) + 1, last + 1),
            headers=headers if any(headers) else None,
            format=posts[0].format,
            position={"requests": last},
        )

    def _give_up(self) -> None:
        """Have every request sent again that is not recorded."""
        self._settle([*self._inbox.close(), *self._inbox.release_all()], Outcome.REFUSED)

    def _settle(self, posts: list[Post], outcome: Outcome) -> None:
        """Have requests answered, by the server's thread."""
        if posts:
            self._server.call(functools.partial(_settle, posts, outcome))


def _settle(posts: list[Post], outcome: Outcome) -> None:
    """Answer requests, on the server's thread."""
    for post in posts:
        post.settle(outcome)
