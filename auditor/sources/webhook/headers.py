"""What of a request's headers is scanned, and what is passed on to the endpoint behind. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable

Headers = Iterable[tuple[bytes, bytes]]

#: Headers of one connection (RFC 9110 §7.6.1), and those that the transport of a body sets.
_OF_THE_CONNECTION = frozenset(
    (
        b"connection",
        b"expect",
        b"host",
        b"keep-alive",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_OF_THE_BODY = frozenset((b"content-length", b"content-encoding"))
#: The one credential that is meant for us; it is compared and never kept.
_OURS = b"authorization"
#: What Go's client and the sink say in every request. Other values of these headers come from ``extra_headers``, and are scanned.
_ALWAYS_SAID = frozenset(
    (
        (b"accept-encoding", b"gzip"),
        (b"accept-encoding", b"identity"),
        (b"accept-encoding", b"zstd"),
        (b"content-type", b"application/json"),
        (b"content-type", b"text/csv"),
        (b"user-agent", b"Go-http-client/1.1"),
        (b"user-agent", b"Go-http-client/2.0"),
    )
)


def scanned(headers: Headers, query: bytes) -> list[tuple[str, bytes]]:
    """Return the headers (names in lower case) that can hold what somebody configured; the query comes as ``:query``."""
    left_out = _OF_THE_CONNECTION | _OF_THE_BODY
    kept = [
        (name.decode("latin-1"), value)
        for name, value in headers
        if name not in left_out and name != _OURS and (name, value) not in _ALWAYS_SAID
    ]
    return [*kept, (":query", query)] if query else kept


def passed_on(headers: Headers) -> list[tuple[bytes, bytes]]:
    """
    Return the headers for the endpoint behind, its Authorization included.

    ``Accept-Encoding`` is left out: its answer is read as text, and passed back as it is.
    """
    given = list(headers)
    named = {part.strip().lower() for name, value in given if name == b"connection" for part in value.split(b",")}
    left_out = _OF_THE_CONNECTION | named | {b"content-length", b"accept-encoding"}
    return [(name, value) for name, value in given if name not in left_out]
