"""What wakes a thread that waits for the network: closing a feed must not wait for its next row."""

from __future__ import annotations

import selectors
import socket
import threading


class Closed(Exception):
    """The feed was closed while something was under way."""


class Bell:
    """Once rung, it stays so: every wait ends at once with `Closed`. `ring` is called from any thread, the rest from one."""

    def __init__(self) -> None:
        self._ears, self._rope = socket.socketpair()
        # Not epoll: it forgets a socket that is closed, and the next one may have the same number.
        self._selector = getattr(selectors, "PollSelector", selectors.SelectSelector)()
        self._selector.register(self._ears, selectors.EVENT_READ)
        self._watched: tuple[int, int] | None = None
        self._lock = threading.Lock()
        self._rung = False

    def ring(self) -> None:
        """Wake whoever waits."""
        with self._lock:
            if not self._rung:
                self._rung = True
                self._rope.send(b"!")

    def check(self) -> None:
        """Raise `Closed` if it was rung."""
        if self._rung:
            raise Closed

    def wait(self, descriptor: int, events: int, seconds: float) -> bool:
        """Wait until a socket can be read or written, at most so long; tell whether it can. Raise `Closed`."""
        if self._watched != (descriptor, events):
            if self._watched is not None:
                self._selector.unregister(self._watched[0])
            self._selector.register(descriptor, events)
            self._watched = (descriptor, events)
        ready = self._selector.select(seconds)
        self.check()
        return bool(ready)

    def remove(self) -> None:
        """Give back its sockets. Nothing may wait any more; to ring it then does nothing."""
        with self._lock:
            self._rung = True
            self._selector.close()
            self._ears.close()
            self._rope.close()
