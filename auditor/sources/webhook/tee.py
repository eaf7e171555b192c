"""
Pass a recorded request on to the endpoint behind, and its answer back.

The HTTP client is imported here and nowhere else. Its transport is used without the client around it: that would keep cookies,
add headers of its own, obey proxies of the environment and log addresses with their queries.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx2

from auditor.errors import ConfigError
from auditor.sources.webhook.headers import passed_on
from auditor.sources.webhook.settings import WebhookSettings

#: So much of an answer is passed back: it is text for the job's error message.
_MOST_ANSWER = 64 << 10
_PASSED_BACK = ("content-type", "retry-after")


class Answer(NamedTuple):
    """What the endpoint behind said."""

    status: int
    body: bytes
    headers: dict[str, str]


class Tee:
    """The endpoint behind; connections to it are kept open. Belongs to one event loop."""

    def __init__(self, settings: WebhookSettings) -> None:
        """Make ready to connect; raise `ConfigError` for a certificate that cannot be read. Any thread may do this."""
        self._address = settings.forward_to
        limits = httpx2.Limits(max_connections=settings.max_connections, max_keepalive_connections=None, keepalive_expiry=60)
        self._transport = httpx2.AsyncHTTPTransport(verify=client_context(settings), limits=limits, trust_env=False)

    async def forward(self, body: bytes, headers: Iterable[tuple[bytes, bytes]], query: bytes, within: float) -> Answer:
        """Post a body as it came. Without an answer in time the status is 504, without any 502."""
        url = httpx2.URL(self._address)
        if query:
            url = url.copy_with(query=query)
        timeout = {"connect": within, "read": within, "write": within, "pool": within}
        request = httpx2.Request(
            "POST",
            url,
            headers=[(b"Host", url.netloc), *passed_on(headers), (b"Content-Length", str(len(body)).encode())],
            content=body,
            extensions={"timeout": timeout},
        )
        try:
            async with asyncio.timeout(within):
                return await self._exchange(request)
        except (TimeoutError, httpx2.TimeoutException):
            return _failed(504, "the endpoint behind gave no answer in time")
        except (httpx2.TransportError, OSError):
            return _failed(502, "the endpoint behind cannot be reached")

    async def _exchange(self, request: httpx2.Request) -> Answer:
        """Send a request and read the beginning of its answer."""
        response = await self._transport.handle_async_request(request)
        try:
            body = b""
            async for piece in response.aiter_raw():
                body += piece
                if len(body) >= _MOST_ANSWER:
                    break
        finally:
            await response.aclose()
        kept = {name: value for name in _PASSED_BACK if (value := response.headers.get(name)) is not None}
        return Answer(response.status_code, body[:_MOST_ANSWER], kept)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


def client_context(settings: WebhookSettings) -> ssl.SSLContext:
    """Return how the endpoint behind is trusted; raise `ConfigError` naming the file that cannot be read."""
    where = str(settings.forward_ca or "the system's authorities")
    try:
        context = ssl.create_default_context(cafile=settings.forward_ca)
        if settings.forward_certificate is not None and settings.forward_key is not None:
            where = f"{settings.forward_certificate}, {settings.forward_key}"
            # An empty password: without one OpenSSL would ask at the terminal.
            context.load_cert_chain(settings.forward_certificate, settings.forward_key, password="")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "not PEM"
        raise ConfigError(f"a certificate of the endpoint behind cannot be read: {reason}", where=where) from None
    return context


def place_of(settings: WebhookSettings) -> tuple[str, int, bool]:
    """Return host, port and whether TLS is spoken at the endpoint behind."""
    parts = urlsplit(settings.forward_to)
    secure = parts.scheme == "https"
    return parts.hostname or "", parts.port or (443 if secure else 80), secure


def _failed(status: int, text: str) -> Answer:
    """Return an answer of our own."""
    return Answer(status, text.encode(), {"content-type": "text/plain; charset=utf-8"})
