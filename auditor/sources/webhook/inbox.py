"""Between the server's thread, where requests wait for their answer, and the reader's, which takes them."""

from __future__ import annotations

import asyncio
import enum
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.sources.webhook.in_flight import Share


class Outcome(enum.Enum):
    """What became of a request."""

    RECORDED = "recorded"
    REFUSED = "refused"


@dataclass(slots=True, eq=False)
class Post:
    """
    A request that waits. ``format`` is that of `auditor.delivery.Messages`; ``share`` is what it holds of the bound on memory.

    ``outcome`` belongs to the server's event loop.
    """

    body: bytes
    headers: Sequence[tuple[str, bytes]]
    format: str
    share: Share
    outcome: asyncio.Future[Outcome]

    def settle(self, outcome: Outcome) -> None:
        """Answer it, unless it was answered, and let go of its memory. On the server's thread."""
        self.share.leave()
        if not self.outcome.done():
            self.outcome.set_result(outcome)


class Inbox:
    """
    The requests that are not settled yet, in the order in which they came. Safe for threads.

    A request gets its number as it is taken.
    """

    def __init__(self, count: int) -> None:
        """Begin empty and open, after so many requests."""
        self._changed = threading.Condition()
        self._waiting: OrderedDict[int, Post] = OrderedDict()
        self._taken: deque[Post] = deque()
        self._count = count
        self._closed = False

    def put(self, post: Post) -> bool:
        """Let a request wait; False once closed."""
        with self._changed:
            if self._closed:
                return False
            self._waiting[id(post)] = post
            self._changed.notify()
            return True

    def __len__(self) -> int:
        """Return how many requests nobody has taken."""
        with self._changed:
            return len(self._waiting)

    def drop(self, post: Post) -> bool:
        """Take a request back; False if somebody else has taken it."""
        with self._changed:
            return self._waiting.pop(id(post), None) is not None

    def take(self, most_bytes: int, most: int, patience: float) -> tuple[int, list[Post]] | None:
        """
        Take the longest waiting requests of one format: at least one, if there is one within ``patience`` seconds.

        The number is that of the last of them. None once closed.
        """
        with self._changed:
            if not self._closed and not self._waiting:
                self._changed.wait(patience)
            if self._closed:
                return None
            posts: list[Post] = []
            size = 0
            for post in self._waiting.values():
                size += len(post.body)
                if posts and (len(posts) == most or size > most_bytes or post.format != posts[0].format):
                    break
                posts.append(post)
            for post in posts:
                del self._waiting[id(post)]
            self._taken += posts
            self._count += len(posts)
            return self._count, posts

    def release(self, last: int) -> list[Post]:
        """Return the taken requests up to a number, which are settled now."""
        with self._changed:
            first = self._count - len(self._taken) + 1
            return [self._taken.popleft() for _ in range(first, last + 1) if self._taken]

    def release_all(self) -> list[Post]:
        """Return all taken requests, which are settled now."""
        with self._changed:
            rest = list(self._taken)
            self._taken.clear()
            return rest

    def close(self) -> list[Post]:
        """Take no more, wake who waits, and return the requests that nobody has taken; again returns nothing."""
        with self._changed:
            self._closed = True
            rest = list(self._waiting.values())
            self._waiting.clear()
            self._changed.notify_all()
            return rest
