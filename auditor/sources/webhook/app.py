"""
What one request goes through: checked, read, handed over, and answered once it is recorded.

=============================================  ======================================================================
what happened                                  the answer
=============================================  ======================================================================
recorded, nothing behind                       200
recorded, the endpoint behind answered         its status and text, whatever they are (the sink sends again unless 2xx)
recorded, the endpoint behind did not answer   502, or 504 where time ran out
not recorded in time, refused, or closing      503 with Retry-After; nothing is passed on to the endpoint behind
too much is held                               503 with Retry-After, at once
=============================================  ======================================================================

A request that was answered with anything but 2xx is sent again by the sink, recorded again and passed on again: at least once. No
text of an answer of our own, of a log or of an error holds anything of a request.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from auditor.sources.webhook.bodies import ENCODINGS, DamagedBody, decompressed
from auditor.sources.webhook.headers import scanned
from auditor.sources.webhook.in_flight import InFlight, Share
from auditor.sources.webhook.inbox import Inbox, Outcome, Post
from auditor.sources.webhook.incoming import Incoming
from auditor.sources.webhook.settings import WebhookSettings
from auditor.sources.webhook.tee import Tee

#: Undoing a compression gives way to the other requests after so many bytes.
_STRETCH = 1 << 20
#: Seconds that are kept for sending the answer.
_RESERVE = 0.05
_RETRY = {"retry-after": "1"}
_log = logging.getLogger(__name__)


class Refusal(Exception):
    """A request is answered with this instead of being handed over."""

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        """Take the answer."""
        super().__init__(status, text)
        self.status, self.text, self.headers = status, text, headers or {}


class Endpoint:
    """The one address that answers. Lives on the server's event loop."""

    def __init__(self, settings: WebhookSettings, accepted: Sequence[bytes], inbox: Inbox, tee: Tee | None) -> None:
        """Take the accepted values of ``Authorization`` (none: every request is accepted) and where requests go."""
        self._settings, self._accepted, self._inbox, self._tee = settings, accepted, inbox, tee
        self._in_flight = InFlight(settings.max_in_flight, settings.max_requests)
        self._schemes = ", ".join(sorted({f'{value.partition(b" ")[0].decode()} realm="auditor"' for value in accepted}))

    def app(self) -> Starlette:
        """Return the application: this path and method, 404 and 405 for the others."""
        app = Starlette(routes=[Route(self._settings.path, self.answer, methods=["POST"])])
        app.router.redirect_slashes = False
        return app

    async def close(self) -> None:
        """Close the connections to the endpoint behind."""
        if self._tee is not None:
            await self._tee.close()

    async def answer(self, request: Request) -> Response:
        """Answer one request, whatever happens, within the time that the sink gives."""
        incoming = Incoming(request)
        try:
            async with asyncio.timeout(self._settings.answer_within) as timeout:
                return await self._answer(incoming, timeout.when() or 0.0)
        except TimeoutError:
            # Only taking the body in is cut short by this: waiting and passing on have their own answers.
            return PlainTextResponse("the body did not arrive in time", 408, {"connection": "close"})
        except Refusal as refusal:
            close = {} if await incoming.drain() else {"connection": "close"}
            return PlainTextResponse(refusal.text, refusal.status, refusal.headers | close)
        except ClientDisconnect:
            return Response(status_code=400)
        except asyncio.CancelledError:
            # The server cancels what is left when it ends, and then lets it say so: the sink comes again.
            return PlainTextResponse("the feed is closing", 503, _RETRY)
        except Exception as error:  # noqa: BLE001 - whatever it is, its text could quote the request
            _log.error("a request could not be handled: %s", type(error).__name__)
            return PlainTextResponse("the request could not be handled", 500, {"connection": "close"})

    async def _answer(self, incoming: Incoming, deadline: float) -> Response:
        """Take a request to its answer; raise `Refusal`."""
        self._authorise(incoming)
        raw, post = await self._take_in(incoming)
        if not await self._recorded(post, deadline):
            raise Refusal(503, "it could not be recorded in time", _RETRY)
        if self._tee is None:
            return Response()
        left = deadline - asyncio.get_running_loop().time() - _RESERVE
        status, text, headers = await self._tee.forward(raw, incoming.headers, incoming.query, max(0.0, left))
        return Response(text, status, headers)

    def _authorise(self, incoming: Incoming) -> None:
        """Compare with every accepted value in constant time."""
        if not self._accepted:
            return
        given = incoming.all(b"authorization")
        sent = given[0] if len(given) == 1 else b""
        if sum(hmac.compare_digest(sent, value) for value in self._accepted) == 0:
            raise Refusal(401, "not authorized", {"www-authenticate": self._schemes})

    async def _take_in(self, incoming: Incoming) -> tuple[bytes, Post]:
        """Read a request; return its body as it came, and what is to be handed over."""
        if incoming.encoding not in ENCODINGS:
            raise Refusal(415, "the Content-Encoding is none of gzip and zstd", {"accept-encoding": "gzip, zstd"})
        share = self._in_flight.enter()
        if share is None:
            raise Refusal(503, "too many requests are waiting to be recorded", _RETRY)
        try:
            raw = await self._read(incoming, share)
            body = await self._decompress(raw, incoming.encoding, share)
        except BaseException:
            share.leave()
            raise
        outcome = asyncio.get_running_loop().create_future()
        return raw, Post(body, scanned(incoming.headers, incoming.query), incoming.format, share, outcome)

    async def _read(self, incoming: Incoming, share: Share) -> bytes:
        """Read the body, holding no more than is allowed."""
        if incoming.length is not None:
            self._hold(share, incoming.length, 0)
        pieces: list[bytes] = []
        size = 0
        async for piece in incoming.pieces():
            size += len(piece)
            self._hold(share, size, 0)
            pieces.append(piece)
        return b"".join(pieces)

    async def _decompress(self, raw: bytes, encoding: str, share: Share) -> bytes:
        """Undo the compression, holding no more than is allowed."""
        if not encoding:
            return raw
        pieces: list[bytes] = []
        size, stretch = 0, 0
        try:
            for piece in decompressed(raw, encoding):
                size += len(piece)
                self._hold(share, size, len(raw))
                pieces.append(piece)
                stretch += len(piece)
                if stretch > _STRETCH:
                    stretch = 0
                    await asyncio.sleep(0)
        except DamagedBody as damage:
            raise Refusal(400, str(damage)) from None
        return b"".join(pieces)

    def _hold(self, share: Share, size: int, beside: int) -> None:
        """Raise `Refusal` for a body that is too large, or that finds no room ``beside`` what is held for it already."""
        most = self._settings.max_body
        if size > most:
            _log.warning("a body of more than %d bytes was refused: raise max_body, or the feed stands still", most)
            raise Refusal(413, f"the body has more than {most} bytes")
        if not share.hold(size + beside):
            raise Refusal(503, "too many bytes are waiting to be recorded", _RETRY)

    async def _recorded(self, post: Post, deadline: float) -> bool:
        """Hand a request over and wait until it is recorded; False if it was refused or time ran out."""
        if not self._inbox.put(post):
            post.share.leave()
            return False
        left = deadline - asyncio.get_running_loop().time() - _RESERVE
        done, _ = await asyncio.wait((post.outcome,), timeout=max(0.0, left))
        if done:
            return post.outcome.result() is Outcome.RECORDED
        if self._inbox.drop(post):
            # Nobody has looked at it: it need not be held until somebody does.
            post.share.leave()
        return False
