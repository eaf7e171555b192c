"""
The check digits that some issuers build into their tokens, computed from their published descriptions.

Written apart from the checks of the detector on purpose: two implementations that agree prove more than one.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib

from auditor.sample.tokens.base_n import base_n
from auditor.sample.tokens.randomness import BASE36, BASE62, DIGITS, LOWER, UPPER

_ENTRA = LOWER + UPPER + DIGITS[1:] + "0.-_~"
_WORD = 0xFFFFFFFF


def crc32(text: str | bytes) -> int:
    """Return the CRC-32 of zlib."""
    return zlib.crc32(text.encode() if isinstance(text, str) else text)


def crc32_base62(text: str) -> str:
    """Return CRC-32 as six base62 digits, most significant first: GitHub's, npm's, Vercel's and Synapse's way."""
    return base_n(crc32(text), BASE62, 6)


def crc32_base62_reversed(text: str) -> str:
    """Return CRC-32 in base62, least significant digit first, then padded on the left: Matrix Authentication Service."""
    return base_n(crc32(text), BASE62, 0)[::-1].rjust(6, "0")


def crc32_base36(text: str) -> str:
    """Return CRC-32 as seven base36 digits: GitLab's routable tokens."""
    return base_n(crc32(text), BASE36, 7)


def crc32_upper(text: str) -> str:
    """Return CRC-32 as capital hex: Atlassian."""
    return f"{crc32(text):08X}"


def crc32_little(text: str) -> str:
    """Return the little-endian bytes of CRC-32 as hex: Grafana."""
    return struct.pack("<I", crc32(text)).hex()


def crc32_base64(text: str) -> str:
    """Return the first six base64 characters of CRC-32's little-endian bytes: Confluent."""
    return base64.b64encode(struct.pack("<I", crc32(text))).decode()[:6]


def sha256_base32(text: str) -> str:
    """Return the first eight base32 characters of SHA-256: GitHub's fine-grained tokens."""
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:8]


def crc16(data: bytes) -> int:
    """Return CRC-16/XMODEM: NATS and Stellar."""
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value


def crc24(data: bytes) -> int:
    """Return OpenPGP's CRC-24 (RFC 9580, section 6.1)."""
    value = 0xB704CE
    for byte in data:
        value ^= byte << 16
        for _ in range(8):
            value <<= 1
            if value & 0x1000000:
                value ^= 0x1864CFB
    return value & 0xFFFFFF


def double_sha256(data: bytes) -> bytes:
    """Return the four check bytes of base58check."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]


def _mixed(low: int, high: int) -> tuple[int, int]:
    """Mix Marvin's two words once."""
    high ^= low
    low = (low << 20 | low >> 12) & _WORD
    low = (low + high) & _WORD
    high = (high << 9 | high >> 23) & _WORD
    high ^= low
    low = (low << 27 | low >> 5) & _WORD
    low = (low + high) & _WORD
    high = (high << 19 | high >> 13) & _WORD
    return low, high


def marvin32_pair(seed: int, data: bytes) -> tuple[int, int]:
    """Return Marvin's two 32-bit words, low then high."""
    low, high = seed & _WORD, seed >> 32
    whole = len(data) - len(data) % 4
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        low, high = _mixed((low + word) & _WORD, high)
    tail = int.from_bytes(data[whole:] + b"\x80", "little")
    low, high = _mixed((low + tail) & _WORD, high)
    return _mixed(low, high)


def marvin32(seed: int, data: bytes) -> int:
    """Return the 32-bit form of Marvin that Azure's identifiable keys carry."""
    low, high = marvin32_pair(seed, data)
    return low ^ high


def azure_seed(name: str) -> int:
    """Return the seed that eight letters stand for, such as ``Default0``."""
    return int.from_bytes(name.encode(), "big")


def entra_check(text: str) -> str:
    """Return the three check characters of an Entra client secret (the ``8Q~`` form)."""
    return base_n(marvin32(0x4161645077643030, text.encode()), _ENTRA, 6)[:3]
