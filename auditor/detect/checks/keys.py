"""Check digits of key files and wallets: CRC-16 over base32, double SHA-256 over base58, and bech32."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping

from auditor.detect.bases import BECH32, from_base58
from auditor.detect.checks import Check, Verdict

_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_SEED = 0x90  # the version byte of a NATS seed (its upper five bits) and of a Stellar one


def crc16(data: bytes) -> int:
    """Return CRC-16/XMODEM: polynomial 0x1021, initial value 0, not reflected."""
    return binascii.crc_hqx(data, 0)


def base32_crc16(secret: str, _matched: str) -> Verdict:
    """
    NATS and Stellar seeds: base32 of a version, a 32-byte seed, and CRC-16 of both in little-endian order.

    Sources: the nkeys project; Stellar's SEP-23.
    """
    try:
        raw = base64.b32decode(secret + "=" * (-len(secret) % 8))
    except ValueError:
        return Verdict.FAILED
    same = base64.b32encode(raw).decode().rstrip("=") == secret
    holds = same and len(raw) >= 35 and raw[0] & 0xF8 == _SEED and raw[-2:] == crc16(raw[:-2]).to_bytes(2, "little")
    return Verdict.PROVEN if holds else Verdict.FAILED


def base58_check(secret: str, _matched: str) -> Verdict:
    """Bitcoin WIF, extended private keys, Tezos: the last four bytes begin the double SHA-256 of those before."""
    raw = from_base58(secret)
    if raw is None or len(raw) < 5:
        return Verdict.FAILED
    digest = hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()
    return Verdict.PROVEN if raw[-4:] == digest[:4] else Verdict.FAILED


def polymod(values: Iterable[int]) -> int:
    """Return the bech32 checksum polynomial of five-bit values (BIP-173); 1 for a whole, valid text."""
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                check ^= generator
    return check


def bech32(secret: str, _matched: str) -> Verdict:
    """Age and Nostr private keys: bech32, all in one case."""
    if secret not in (secret.lower(), secret.upper()):
        return Verdict.FAILED
    name, _, data = secret.lower().rpartition("1")
    values = [BECH32.find(character) for character in data]
    if not name or len(values) < 6 or min(values) < 0:
        return Verdict.FAILED
    spread = [ord(character) >> 5 for character in name] + [0] + [ord(character) & 31 for character in name]
    return Verdict.PROVEN if polymod(spread + values) == 1 else Verdict.FAILED


CHECKS: Mapping[str, Check] = {
    "base32-crc16": base32_crc16,
    "base58-check": base58_check,
    "bech32": bech32,
}
