"""Decodings of untrusted text with a bound on what comes out. None of them raises; None says that it is no such thing."""

from __future__ import annotations

import base64
import binascii
import json
import zlib

#: Longer texts are not decoded, and nothing is inflated further: cookies and tokens are far smaller.
MOST = 64 << 10
#: Unix times from 2010 to the end of 2039: a time stamp outside says that the bytes are something else.
PLAUSIBLE_TIMES = range(1_262_304_000, 2_208_988_800)
_TO_STANDARD = str.maketrans("-_", "+/")


def from_base64(text: str) -> bytes | None:
    """Decode base64 or base64url, padded or not."""
    symbols = text.rstrip("=").translate(_TO_STANDARD)
    if not symbols or len(symbols) > MOST or not symbols.isascii():
        return None
    try:
        return base64.b64decode(symbols + "=" * (-len(symbols) % 4), validate=True)
    except binascii.Error:
        return None


def inflated(data: bytes, *, raw: bool = False) -> bytes | None:
    """Inflate zlib data, or with ``raw`` a bare deflate stream; None if it is broken, cut short or a bomb."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
    try:
        plain = stream.decompress(data, MOST)
    except zlib.error:
        return None
    return plain if stream.eof else None


def is_json(data: bytes | None) -> bool:
    """Tell whether the bytes are one JSON value."""
    if not data or len(data) > MOST:
        return False
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def json_object(data: bytes | None) -> dict[str, object]:
    """Return a JSON object, {} if the bytes are no object."""
    if not data or len(data) > MOST:
        return {}
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
