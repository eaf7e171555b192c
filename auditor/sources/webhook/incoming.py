"""One request as it arrives: what its head says, and its body, which may be left unread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from starlette.requests import ClientDisconnect, Request

#: What is read of a body that is refused, and for how many seconds: its sender then reads the answer and keeps the connection.
_DRAINED, _DRAINING = 8 << 20, 1.0


class Incoming:
    """A request. Names of headers are in lower case."""

    def __init__(self, request: Request) -> None:
        """Take a request whose body nobody has read."""
        self.headers: Sequence[tuple[bytes, bytes]] = request.scope["headers"]
        self.query: bytes = request.scope["query_string"]
        self._receive = request.receive
        self._ended = False

    def all(self, name: bytes) -> list[bytes]:
        """Return every value of a header."""
        return [value for each, value in self.headers if each == name]

    def one(self, name: bytes) -> bytes:
        """Return the first value of a header, b'' without one."""
        return next((value for each, value in self.headers if each == name), b"")

    @property
    def length(self) -> int | None:
        """Return how long the body is going to be, None if it does not say."""
        stated = self.one(b"content-length")
        return int(stated) if stated.isdigit() else None

    @property
    def encoding(self) -> str:
        """Return how the body is compressed, '' if it is not."""
        named = self.one(b"content-encoding").strip().lower().decode("latin-1")
        return "" if named == "identity" else named

    @property
    def format(self) -> str:
        """Return ``csv`` for a body of glued csv rows, '' for one of the feed's own format."""
        return "csv" if self.one(b"content-type").partition(b";")[0].strip().lower() == b"text/csv" else ""

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body; raise `ClientDisconnect` where it is cut off."""
        while not self._ended:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientDisconnect
            self._ended = not message.get("more_body", False)
            yield message.get("body", b"")

    async def drain(self) -> bool:
        """Read the rest of the body and forget it; tell whether that was all of it."""
        size = 0
        try:
            async with asyncio.timeout(_DRAINING):
                async for piece in self.pieces():
                    size += len(piece)
                    if size > _DRAINED:
                        return False
        except (TimeoutError, ClientDisconnect):
            return False
        return True
