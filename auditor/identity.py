"""
Keyed names for secrets and findings.

A plain hash of a short secret can be found by trying them all; these ids are HMAC-SHA256 under the owner's
key, so they mean nothing without it, and the same everywhere with it. Subkeys per purpose come from the
key by HKDF (RFC 5869).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from auditor.errors import ConfigError

_KEY_BYTES = 32


def _hkdf(key: bytes, purpose: str, length: int = 32) -> bytes:
    """HKDF-SHA256 with an empty salt and one block of output (RFC 5869, length up to 32)."""
    extracted = hmac.digest(b"\0" * 32, key, "sha256")
    return hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")[:length]


class _Mac:
    """
    HMAC-SHA256 under one key (RFC 2104), with the key's two blocks hashed once.

    Every secret of a full column takes an id: 0.8 us each, where `hmac.digest` takes 1.8.
    """

    def __init__(self, key: bytes) -> None:
        """Take a key of at most 64 bytes, the block of SHA-256."""
        self._key = key
        block = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def __reduce__(self) -> tuple[type[_Mac], tuple[bytes]]:
        """Go to another process as the key."""
        return _Mac, (self._key,)

    def digest(self, message: bytes) -> bytes:
        """Return the 32 bytes of the code."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


def _tuple_bytes(parts: tuple[str, ...]) -> bytes:
    """Length-prefix each part, so that ("ab", "c") and ("a", "bc") differ."""
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode("utf-8", "surrogatepass") for part in parts))


class AuditKey:
    """
    The owner's key. Text form of every id: ``sec_`` or ``fnd_``, 8 hex of the key's id, 32 hex.

    Two keys give unrelated ids, so a baseline or a saved state made with one is useless with another;
    ``key_id`` is how that is noticed.
    """

    def __init__(self, raw: bytes) -> None:
        """Derive the subkeys; refuse a key of under 16 bytes."""
        if len(raw) < 16:
            raise ConfigError("the key is shorter than 16 bytes", fix="use 32 random bytes, for example `openssl rand -hex 32`")
        self._raw = raw
        self.key_id = _hkdf(raw, "auditor key id", 4).hex()
        self._begin = f"sec_{self.key_id}"
        self._secret = _Mac(_hkdf(raw, "auditor secret id"))
        self._finding = _Mac(_hkdf(raw, "auditor finding id"))
        self._row = _Mac(_hkdf(raw, "auditor row key"))

    def __repr__(self) -> str:
        """Name the key without showing it."""
        return f"AuditKey({self.key_id})"

    def secret_id(self, secret: str) -> str:
        """Return the id of an innermost decoded secret, wherever it was found."""
        digest = self._secret.digest(secret.encode("utf-8", "surrogatepass"))
        return self._begin + digest[:16].hex()

    def finding_id(self, secret_id: str, rule: str, cluster: str, table: str, column: str, path: str) -> str:
        """Return the id of one secret (or '', a whole column) at one place under one rule or policy."""
        digest = self._finding.digest(_tuple_bytes((secret_id, rule, cluster, table, column, path)))
        return f"fnd_{self.key_id}{digest[:16].hex()}"

    def subkey(self, purpose: str) -> bytes:
        """Return 32 bytes for one purpose alone, from which neither the key nor another purpose's bytes can be told."""
        return _hkdf(self._raw, f"auditor subkey {purpose}")

    def digest(self, text: str) -> str:
        """Return a short stand-in for a value that may not be shown, such as an unusual primary key."""
        return self._row.digest(text.encode("utf-8", "surrogatepass"))[:8].hex()


def read_key(path: Path) -> AuditKey:
    """Read a key file: 64 hex characters, or any 16 bytes and more; surrounding white space is ignored."""
    try:
        raw = path.read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"cannot read the key file: {error.strerror}", where=str(path)) from None
    return AuditKey(_decoded(raw))


def key_from_text(text: str) -> AuditKey:
    """Make a key from the value of ``AUDITOR_KEY``, read like a key file."""
    return AuditKey(_decoded(text.strip().encode()))


def _decoded(raw: bytes) -> bytes:
    """Undo the hex form that `create_key` writes; take anything else as it is."""
    try:
        return bytes.fromhex(raw.decode("ascii"))
    except ValueError:
        return raw


def create_key(path: Path) -> AuditKey:
    """Write a fresh random key that only its owner can read (0600), and return it. Never overwrites."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = secrets.token_hex(_KEY_BYTES)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(f"cannot create the key file: {error.strerror}", where=str(path)) from None
    with os.fdopen(handle, "w") as file:
        file.write(text + "\n")
    return AuditKey(_decoded(text.encode()))


def digest_of(parts: list[bytes]) -> str:
    """Return a short public digest of non-secret inputs (rule files), to tell one set from another."""
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:16]
