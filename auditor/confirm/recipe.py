"""From a token to its fingerprint, and from a column's value to the same."""

from __future__ import annotations

import binascii
import hashlib
import json
from collections.abc import Callable

from auditor.confirm.mac import Mac
from auditor.confirm.settings import SIZES, FingerprintSettings, RecipeSettings
from auditor.errors import ConfigError
from auditor.secret_ref import SecretRef

_URL_SAFE = bytes.maketrans(b"-_", b"+/")


class Recipe:
    """
    One way in which fingerprints are made. Keys and pepper are in memory only.

    ``tag`` names it among others, the same in every run: 16 bytes of a digest of what its settings say, references to secrets
    included and secrets not. Columns of one recipe share it.
    """

    def __init__(self, settings: FingerprintSettings) -> None:
        """Read the secrets that it needs; raise `ConfigError`."""
        recipe, token = settings.recipe, settings.token
        said = [
            recipe.model_dump(mode="json", exclude={"form", "label"}),
            token.encoding,
            token.prefix if token.hashed == "body" else "",
        ]
        self.tag = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()[:16]
        self.size = recipe.bytes or SIZES[recipe.hash]
        self._form = recipe.form
        self._label = recipe.label
        self._skip = len(token.prefix) if token.hashed == "body" else 0
        self._encoding = token.encoding
        self._hashed = _hashed(recipe, self.size)

    @classmethod
    def of(cls, settings: FingerprintSettings) -> Recipe:
        """Return the recipe of a column."""
        return cls(settings)

    def fingerprint(self, candidate: bytes) -> bytes:
        """Return the fingerprint that a token has; b'' if none could be it (it is not encoded as its settings say)."""
        if self._encoding == "text":
            return self._hashed(candidate[self._skip :])
        raw = _decoded(candidate[self._skip :], self._encoding)
        return b"" if raw is None else self._hashed(raw)

    def plain(self) -> Callable[[bytes], bytes]:
        """Return the quickest function that is `fingerprint`."""
        return self._hashed if self._encoding == "text" and not self._skip else self.fingerprint

    def parse(self, stored: object) -> bytes | None:
        r"""
        Return the fingerprint that a column's value stands for, None if it is none of this recipe.

        Half a byte at the end of a cut hex text, and bits beyond the last byte of a cut base64 text, do not count. ``bytes`` is
        as CockroachDB prints BYTES: ``\x`` and hex.
        """
        if isinstance(stored, bytes):
            return stored if self._form == "bytes" and len(stored) == self.size else None
        if not isinstance(stored, str) or not stored.startswith(self._label) or not stored.isascii():
            return None
        text = stored[len(self._label) :].strip()
        if self._form == "bytes":
            if not text.startswith("\\x"):
                return None
            raw = _decoded(text[2:].encode(), "hex")
        elif self._form == "hex":
            raw = _decoded(text[: len(text) & ~1].encode(), "hex")
        else:
            raw = _decoded(text.encode(), "base64")
        return raw if raw is not None and len(raw) == self.size else None


def _decoded(text: bytes, encoding: str) -> bytes | None:
    """Undo hex, or base64 of either alphabet, padded or not; None if it is not that."""
    try:
        if encoding == "hex":
            return binascii.unhexlify(text)
        bare = text.rstrip(b"=").translate(_URL_SAFE)
        return binascii.a2b_base64(bare + b"=" * (-len(bare) % 4), strict_mode=True)
    except ValueError:
        return None


def _hashed(recipe: RecipeSettings, size: int) -> Callable[[bytes], bytes]:
    """Return the function from what is hashed to the digest's first bytes."""
    pepper = _secret(recipe.pepper, recipe.key_form) if recipe.pepper else b""
    before, after = recipe.prepend.encode(), recipe.append.encode()
    before, after = (pepper + before, after) if recipe.pepper_at == "start" else (before, after + pepper)
    name = recipe.hash.removeprefix("hmac-")
    if recipe.key is not None:
        mac = Mac(_secret(recipe.key, recipe.key_form), name, before)
        inner_of, outer_of = mac.inner, mac.outer

        def coded(token: bytes) -> bytes:
            inner, outer = inner_of(), outer_of()
            inner.update(token + after)
            outer.update(inner.digest())
            return outer.digest()[:size]

        return coded
    begun = getattr(hashlib, name)(before, usedforsecurity=False).copy

    def digested(token: bytes) -> bytes:
        state = begun()
        state.update(token + after)
        digest: bytes = state.digest()
        return digest[:size]

    return digested


def _secret(reference: SecretRef, form: str) -> bytes:
    """Read a key or pepper."""
    text = reference.reveal()
    if form == "text":
        return text.encode()
    raw = _decoded(text.encode(), form)
    if not raw:
        where = reference.env or str(reference.file)
        raise ConfigError(f"a key of a fingerprint is not {form}", where=where, fix="correct it, or its key_form")
    return raw
