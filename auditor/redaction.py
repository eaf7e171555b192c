"""
What may be shown. Pure functions; everything that leaves `detect/` has been through here.

A secret is shown as its rule's public prefix, three dots, and nothing of its end; one of under 20
characters not at all. A row's key is shown only where it is plainly an identifier.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit, urlunsplit

from auditor.model import Evidence

_SHOWN_FROM = 20
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_DATE = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?"
_INTEGER = r"-?\d{1,19}"
# A plain short word or two ("washington dc"): letters only, so that no token passes.
_WORD = r"[^\W\d_]{1,12}(?:[ -][^\W\d_]{1,12})?"
_PLAIN = re.compile(f"{_UUID}|{_INTEGER}|{_DATE}|{_WORD}")

_ALPHABETS = (
    ("digits", "[0-9]+"),
    ("lower-case hex", "[0-9a-f]+"),
    ("upper-case hex", "[0-9A-F]+"),
    ("lower-case letters and digits", "[0-9a-z]+"),
    ("upper-case letters and digits", "[0-9A-Z]+"),
    ("letters and digits", "[0-9A-Za-z]+"),
    ("base64url", "[0-9A-Za-z_-]+={0,2}"),
    ("base64", "[0-9A-Za-z+/]+={0,2}"),
    ("printable ASCII", "[ -~]+"),
    ("text with line breaks", r"[\t\n\r -~]+"),
)
_ALPHABET = re.compile("|".join(f"({pattern})" for _, pattern in _ALPHABETS))


def alphabet_of(text: str) -> str:
    """Name the smallest known alphabet that holds every character of the text."""
    match = _ALPHABET.fullmatch(text)
    return _ALPHABETS[match.lastindex - 1][0] if match and match.lastindex else "other characters"


def evidence_of(secret: str, prefix: str, decoded_by: tuple[str, ...] = ()) -> Evidence:
    """Describe a secret; ``prefix`` is the rule's public prefix, shown only if the secret begins with it."""
    begins = secret.startswith(prefix)
    redacted = f"{prefix}..." if begins and len(secret) >= _SHOWN_FROM else "..."
    body = secret[len(prefix) :] if begins else secret
    return Evidence(redacted, len(secret), alphabet_of(body or secret), decoded_by)


def shown_key(parts: Sequence[tuple[str, object]], digest: Callable[[str], str]) -> str:
    """
    Show a row's primary key, part by part.

    An integer, UUID, date, boolean or short plain word is shown; everything else becomes
    ``digest:`` and its keyed digest, since a session id makes a fine primary key.
    """
    return ", ".join(f"{name}={_shown(value, digest)}" if name else _shown(value, digest) for name, value in parts)


def _shown(value: object, digest: Callable[[str], str]) -> str:
    """Show one part of a key."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if _PLAIN.fullmatch(text) else f"digest:{digest(text)}"


def shown_uri(uri: str) -> str:
    """
    Show where an input lies without what opens it.

    The query (a presigned URL's signature) becomes ``?...``; user and password of the authority are cut.
    A local path is returned as it is.
    """
    if "://" not in uri:
        return uri
    scheme, netloc, path, query, _ = urlsplit(uri)
    return urlunsplit((scheme, netloc.rpartition("@")[2], path, "..." if query else "", ""))
