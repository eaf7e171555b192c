"""
What a column probably holds, by its name, type, comment and constraints alone: no value is looked at.

The words and the order of decision follow what frameworks call their columns (Django, Rails, Laravel, Spring, OAuth providers):
a word for a digest (``hash``, ``digest``) stands above one for a secret (``token``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from auditor.egress.schema import Column, hex_length


class Holds(StrEnum):
    """What a column probably holds."""

    RAW = "raw"
    HASH = "hash"
    PASSWORD_HASH = "password-hash"
    CIPHERTEXT = "ciphertext"
    PUBLIC_KEY = "public-key"
    POINTER = "pointer"
    IDENTIFIER = "identifier"
    ORDINARY = "ordinary"


class Guess(NamedTuple):
    """A guess, the shapes that its values should have (by their names in policies), and the reason."""

    holds: Holds
    shapes: tuple[str, ...]
    reason: str


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TEXT = re.compile(r"string|text|varchar|char|name\b|bytes|bytea|blob|citext|json", re.IGNORECASE)
_DIGEST_WORDS = frozenset(
    ("hash", "hashed", "digest", "hmac", "fingerprint", "thumbprint", "checksum", "sha1", "sha256", "sha512", "md5")
)
_CIPHER_WORDS = frozenset(("encrypted", "ciphertext", "cipher", "enc", "sealed", "wrapped"))
_RAW_WORDS = frozenset(
    ("token", "secret", "credential", "credentials", "jwt", "bearer", "passphrase", "apikey", "otp", "totp", "authkey")
)
_RAW_PAIRS = frozenset((
    ("api", "key"), ("access", "key"), ("private", "key"), ("secret", "key"), ("signing", "key"), ("encryption", "key"),
    ("auth", "key"), ("session", "key"), ("session", "id"), ("session", "data"), ("reset", "code"), ("recovery", "code"),
    ("recovery", "codes"), ("backup", "code"), ("backup", "codes"), ("verification", "code"), ("auth", "code"),
    ("webhook", "url"), ("magic", "link"), ("invite", "code"),
))  # fmt: skip
_PASSWORD_WORDS = frozenset(("password", "passwd", "pwd", "passwort"))
#: Words that make a word for a secret harmless: about it, not it.
_ABOUT = frozenset((
    "id", "type", "count", "name", "expires", "expiry", "expiration", "expired", "created", "updated", "at", "on", "length",
    "version", "status", "kind", "scope", "scopes", "issuer", "enabled", "used", "limit", "ttl", "hint", "last4", "label",
    "revoked", "required", "algorithm", "uri", "endpoint", "usage", "seconds", "date", "time", "is", "has", "salt", "max", "min",
    "total", "prompt", "completion", "input", "output",
))  # fmt: skip
_COUNTING = frozenset(("is", "has", "max", "min", "total", "num"))
_DIGEST_FUNCTION = re.compile(r"\b(sha1|sha224|sha256|sha384|sha512|md5)\s*\(")
_POINTER_WORDS = frozenset(("arn", "ref", "reference", "path", "alias", "vault"))


def guess(column: Column) -> Guess:
    """Say what a column probably holds."""
    words = words_of(column.name)
    return (
        _by_type(column, words)
        or _by_password(column, words)
        or _by_digest(column, words)
        or _by_secret(column, words)
        or Guess(Holds.ORDINARY, (), "nothing in its name or type speaks of a secret")
    )


def _by_type(column: Column, words: Sequence[str]) -> Guess | None:
    """Guess by the type, and by the expression of a computed column."""
    kind = column.type.lower()
    if kind.startswith("uuid"):
        if {"token", "secret"} & set(words) or ("session", "id") in pairwise(words):
            return Guess(Holds.RAW, (), "a UUID that is named as what opens a session")
        return Guess(Holds.IDENTIFIER, ("uuid",), "its type is UUID")
    if column.computed and (function := _DIGEST_FUNCTION.search(column.expression.lower())):
        name = function[1]
        return Guess(Holds.HASH, ("sha256-hex" if name == "sha256" else name,), f"it is computed by {name}()")
    if kind and not _TEXT.search(kind):
        return Guess(Holds.ORDINARY, (), f"its type is {column.type}")
    return None


def _by_password(column: Column, words: Sequence[str]) -> Guess | None:
    """Guess about a column that is named after a password."""
    present = set(words)
    if not present & _PASSWORD_WORDS:
        return None
    if "hint" in present or (present & _ABOUT and not present & _DIGEST_WORDS):
        return Guess(Holds.ORDINARY, (), "it is about a password")
    if hex_length(column):
        return None
    if present == {"password"}:
        return Guess(Holds.PASSWORD_HASH, ("password-hash",), "frameworks keep hashes under this name")
    if present & (_DIGEST_WORDS | {"encrypted"}):
        return Guess(Holds.PASSWORD_HASH, ("password-hash",), "its name says that it is a password's hash")
    return Guess(Holds.RAW, (), "its name says that it is a password")


def _by_digest(column: Column, words: Sequence[str]) -> Guess | None:
    """Guess about a column that a CHECK or its name makes a digest."""
    digits = hex_length(column)
    shape = _digest_by({*words, *words_of(column.comment)}, digits)
    if digits:
        return Guess(Holds.HASH, (shape,), f"a CHECK wants {digits} hex digits")
    if _DIGEST_WORDS & set(words):
        return Guess(Holds.HASH, (shape,), "its name says that it is a digest")
    return None


def _by_secret(column: Column, words: Sequence[str]) -> Guess | None:
    """Guess about a column that is named after a secret."""
    present, pairs = set(words), set(pairwise(words))
    if ("public", "key") in pairs or ("publishable", "key") in pairs:
        return Guess(Holds.PUBLIC_KEY, (), "its name says that it is a public key")
    if not (present & _RAW_WORDS or pairs & _RAW_PAIRS or (column.type and present & {"tokens", "secrets"})):
        return None
    if present & _CIPHER_WORDS:
        return Guess(Holds.CIPHERTEXT, ("vault-transit", "kms", "fernet", "jwe", "pgp"), "its name says that it is encrypted")
    if present & _POINTER_WORDS:
        return Guess(Holds.POINTER, ("secret-pointer",), "its name says that it points to a secret")
    if words[0] in _COUNTING or (words[-1] in _ABOUT and tuple(words[-2:]) not in _RAW_PAIRS):
        return Guess(Holds.ORDINARY, (), "it is about a secret")
    return Guess(Holds.RAW, (), "its name says that it is a secret")


def _digest_by(words: set[str], digits: int) -> str:
    """Return the shape of a digest that words and a length tell of; SHA-256 as hex if they do not."""
    by_length = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256-hex", 96: "sha384", 128: "sha512"}
    if digits:
        return by_length.get(digits, f"regex([0-9a-f]{{{digits}}})")
    for name in ("sha512", "sha384", "sha224", "sha1", "md5"):
        if name in words:
            return name
    return "sha256-hex"


def words_of(name: str) -> tuple[str, ...]:
    """Return the lower-case words of a name: of ``apiKey``, ``API_KEY`` and ``api-key`` they are the same."""
    joined = re.sub(r"(?i)\b(sha|md|last)_?(\d+)", r"\1\2", name.replace("-", "_"))
    found: list[str] = []
    for word in (match.group().lower() for match in _WORDS.finditer(joined)):
        if word.isdigit() and found and found[-1] in ("sha", "md", "last"):
            found[-1] += word
        else:
            found.append(word)
    return tuple(found)
