"""The open feed, as those who run it see it: iterated on one thread, closed from any."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from auditor.delivery import Delivery
from auditor.sources.sinkless.bell import Bell, Closed
from auditor.sources.sinkless.feed import Feed, Task
from auditor.sources.sinkless.settings import SinklessSettings

_CLOSE_WITHIN = 0.3


class SinklessReader:
    """See `auditor.delivery.Reader`."""

    def __init__(self, settings: SinklessSettings, task: Task) -> None:
        """Take where to go on; nothing is opened before the first delivery is asked for."""
        self._bell = Bell()
        self._deliveries = Feed(settings, task, self._bell).deliveries()
        self._at_work = threading.Lock()
        self._closed = False

    def __iter__(self) -> Iterator[Delivery | None]:
        """Return itself: a feed is read once."""
        return self

    def __next__(self) -> Delivery | None:
        """Return the next delivery, None if there is nothing yet."""
        with self._at_work:
            if not self._closed:
                try:
                    return next(self._deliveries)
                except Closed:
                    pass
                except BaseException:
                    self._bell.remove()
                    raise
            self._end()
            raise StopIteration

    def committed(self, delivery: Delivery) -> None:
        """Do nothing: the server keeps no position of a sinkless feed."""

    def refused(self, delivery: Delivery) -> None:
        """Do nothing: what was not recorded comes again after the recorded cursor."""

    def close(self) -> None:
        """Hang up, whether the feed is being waited for or not."""
        self._closed = True
        self._bell.ring()
        # Not got only while a name is looked up: then the thread that does so hangs up after it.
        if self._at_work.acquire(timeout=_CLOSE_WITHIN):
            try:
                self._end()
            finally:
                self._at_work.release()

    @property
    def backlog(self) -> int | None:
        """Know nothing: the server does not say what it has yet to send."""
        return None

    def _end(self) -> None:
        """Give back everything; again does nothing."""
        self._deliveries.close()
        self._bell.remove()
