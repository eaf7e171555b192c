"""Wallet keys with classic check bytes: Bitcoin, Stellar, Nostr, Ripple, Tezos."""

from __future__ import annotations

import base64
import struct
from random import Random

from auditor.sample.tokens.base_n import base58, bech32
from auditor.sample.tokens.checksums import crc16, double_sha256
from auditor.sample.tokens.kinds import whole
from auditor.sample.tokens.randomness import BASE58

_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"


def base58check(raw: bytes, alphabet: str = BASE58) -> str:
    """Write bytes and their four check bytes in base58."""
    return base58(raw + double_sha256(raw), alphabet)


def stellar_seed(rng: Random) -> str:
    """Return a Stellar secret seed (SEP-23)."""
    raw = b"\x90" + rng.randbytes(32)
    return base64.b32encode(raw + struct.pack("<H", crc16(raw))).decode()


def nostr_key(rng: Random) -> str:
    """Return a Nostr private key (NIP-19)."""
    return bech32("nsec", rng.randbytes(32))


def _extended(rng: Random) -> str:
    """Return a BIP 32 master private key: version, depth 0, no parent, chain code, 00 and the key."""
    return base58check(bytes.fromhex("0488ade4") + bytes(9) + rng.randbytes(32) + b"\0" + rng.randbytes(32))


KINDS = (
    whole("bitcoin-wif-compressed", lambda rng: base58check(b"\x80" + rng.randbytes(32) + b"\x01")),
    whole("bitcoin-wif-uncompressed", lambda rng: base58check(b"\x80" + rng.randbytes(32))),
    whole("bip32-extended-private-key", _extended),
    whole("stellar-secret-seed", stellar_seed),
    whole("nostr-nsec", nostr_key),
    whole("ripple-seed", lambda rng: base58check(b"\x21" + rng.randbytes(16), _RIPPLE)),
    whole("tezos-secret-key", lambda rng: base58check(bytes.fromhex("0d0f3a07") + rng.randbytes(32))),
)
