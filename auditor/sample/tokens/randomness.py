"""
Random bodies of tokens, always from a given generator, so that a sample comes back with its seed.

A body never holds a run or a word that marks documentation and masking (``xxxx``, ``1234``, ``example``): detectors rightly drop
those.
"""

from __future__ import annotations

import base64
import json
import re
from random import Random

DIGITS = "0123456789"
HEX = "0123456789abcdef"
UPPER_HEX = "0123456789ABCDEF"
LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
LETTERS = UPPER + LOWER
BASE32 = UPPER + "234567"
LOWER_BASE32 = LOWER + "234567"
BASE36 = DIGITS + LOWER
UPPER36 = DIGITS + UPPER
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BASE62 = DIGITS + UPPER + LOWER
BASE64 = LETTERS + DIGITS + "+/"
BASE64URL = LETTERS + DIGITS + "-_"

_MARKS_A_PLACEHOLDER = re.compile(
    r"(.)\1{3}|0123|1234|2345|3456|4567|5678|6789|abcd|example|sample|test|dummy|fake|redact|change|secret|passw|token|your|xxx|foobar|null",
    re.IGNORECASE,
)


def body(rng: Random, alphabet: str, length: int) -> str:
    """Return random characters that do not look like a placeholder, begin and end with a letter or digit, and mix classes."""
    while True:
        text = "".join(rng.choices(alphabet, k=length))
        if _MARKS_A_PLACEHOLDER.search(text) or not (text[0].isalnum() and text[-1].isalnum()):
            continue
        if length >= 12 and len(set(text)) < min(length, len(alphabet)) * 0.4:
            continue
        return text


def between(rng: Random, alphabet: str, shortest: int, longest: int) -> str:
    """Return a body of a length in a range."""
    return body(rng, alphabet, rng.randint(shortest, longest))


def uuid(rng: Random) -> str:
    """Return a version 4 UUID in lower-case canonical form."""
    digits = rng.randbytes(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{rng.choice('89ab')}{digits[17:20]}-{digits[20:]}"


def base64_of(raw: bytes) -> str:
    """Encode with the standard alphabet and padding."""
    return base64.b64encode(raw).decode()


def base64url_of(raw: bytes) -> str:
    """Encode with the URL-safe alphabet, without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def base64_json(document: object) -> str:
    """Encode compact JSON with the standard alphabet and padding."""
    return base64_of(compact_json(document))


def compact_json(document: object) -> bytes:
    """Encode JSON without spaces, members in the order given."""
    return json.dumps(document, separators=(",", ":")).encode()


def unix_time(rng: Random) -> int:
    """Return seconds within the year 2026."""
    return rng.randrange(1_767_225_600, 1_798_761_600)
