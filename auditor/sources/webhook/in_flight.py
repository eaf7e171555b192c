"""How much is held at a time: a bound on bytes and requests that are not yet recorded. Used on the server's thread alone."""

from __future__ import annotations


class InFlight:
    """Counts what is held; refuses what would be too much, at once."""

    def __init__(self, most_bytes: int, most_requests: int) -> None:
        """Take the bounds."""
        self._most_bytes, self._most_requests = most_bytes, most_requests
        self.bytes = 0
        self.requests = 0

    def enter(self) -> Share | None:
        """Let one more request in; None if there are too many."""
        if self.requests >= self._most_requests:
            return None
        self.requests += 1
        return Share(self)

    def grow(self, by: int) -> bool:
        """Take so many bytes more, if there is room."""
        if self.bytes + by > self._most_bytes:
            return False
        self.bytes += by
        return True


class Share:
    """What one request holds of it, until `leave`."""

    def __init__(self, whole: InFlight) -> None:
        """Begin with no bytes."""
        self._whole = whole
        self._bytes = 0
        self._left = False

    def hold(self, total: int) -> bool:
        """Hold at least so many bytes in all; False, with nothing changed, if that is too much."""
        more = max(0, total - self._bytes)
        if not self._whole.grow(more):
            return False
        self._bytes += more
        return True

    def leave(self) -> None:
        """Give everything back; again does nothing."""
        if self._left:
            return
        self._left = True
        self._whole.bytes -= self._bytes
        self._whole.requests -= 1
