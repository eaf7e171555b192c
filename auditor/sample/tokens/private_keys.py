"""
Private keys: PEM blocks in their envelopes, OpenSSH, OpenPGP, age, NATS.

Bodies are random behind a plausible first header (DER ``30 82``, OpenSSH's magic), so no key pair is ever made.
"""

from __future__ import annotations

import base64
import json
import struct
from random import Random
from textwrap import wrap

from auditor.sample.tokens.base_n import bech32
from auditor.sample.tokens.checksums import crc16, crc24
from auditor.sample.tokens.kinds import Kind, Made, Shape, whole
from auditor.sample.tokens.randomness import BASE32, BASE64URL, base64_of, base64url_of, body

_DASHES = "-" * 5


def _armour(label: str, encoded: str, width: int = 64) -> str:
    lines = "\n".join(wrap(encoded, width))
    return f"{_DASHES}BEGIN {label}{_DASHES}\n{lines}\n{_DASHES}END {label}{_DASHES}"


#: What follows the outer SEQUENCE in each envelope: version and modulus; version and algorithm; PBES2.
_PKCS1 = bytes.fromhex("0201000282010100")
PKCS8 = bytes.fromhex("020100300d06092a864886f70d0101010500048202")
_ENCRYPTED = bytes.fromhex("305706092a864886f70d01050d304a302906092a864886f70d01050c301c0408")


def pem(rng: Random, label: str, head: bytes, size: int) -> str:
    """Return a PEM block of ``size`` bytes that begin like the DER sequence of its kind."""
    raw = struct.pack(">BBH", 0x30, 0x82, size - 4) + head + rng.randbytes(size - 4 - len(head))
    return _armour(label, base64_of(raw))


def _pkcs8_ec(rng: Random) -> str:
    """Return PKCS#8 of a P-256 key: the algorithm header is fixed, the numbers are random."""
    header = bytes.fromhex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420")
    return _armour("PRIVATE KEY", base64_of(header + rng.randbytes(32) + bytes.fromhex("a14403420004") + rng.randbytes(64)))


def _openssh(rng: Random) -> str:
    """Return an OpenSSH block of an Ed25519 key without passphrase (OpenSSH's PROTOCOL.key)."""

    def string(value: bytes) -> bytes:
        return struct.pack(">I", len(value)) + value

    number, check = rng.randbytes(32), rng.randbytes(4)
    public = string(b"ssh-ed25519") + string(number)
    private = check * 2 + public + string(rng.randbytes(32) + number) + string(b"deploy@bastion")
    private += bytes(range(1, 1 + -len(private) % 8))
    head = b"openssh-key-v1\0" + string(b"none") * 2 + string(b"") + struct.pack(">I", 1)
    return _armour("OPENSSH PRIVATE KEY", base64_of(head + string(public) + string(private)), 70)


def _openpgp(rng: Random) -> str:
    """Return an armoured secret key block with its CRC-24 line."""
    raw = b"\x94\xac\x04" + rng.randbytes(176)
    lines = "\n".join(wrap(base64_of(raw), 64))
    check = base64_of(crc24(raw).to_bytes(3, "big"))
    label = "PGP PRIVATE KEY BLOCK"
    return f"{_DASHES}BEGIN {label}{_DASHES}\n\n{lines}\n={check}\n{_DASHES}END {label}{_DASHES}"


def _putty(rng: Random) -> str:
    """Return a PuTTY key file, version 3, not encrypted."""
    public, private = base64_of(rng.randbytes(51)), base64_of(rng.randbytes(36))
    lines = "\n".join(wrap(public, 64))
    return (
        f"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: deploy\nPublic-Lines: 2\n{lines}\n"
        f"Private-Lines: 1\n{private}\nPrivate-MAC: {rng.randbytes(32).hex()}"
    )


def _wrapped(rng: Random) -> Made:
    """Return a PEM block in base64, as Kubernetes' configuration holds it."""
    block = pem(rng, "PRIVATE KEY", PKCS8, 634)
    return Made(base64_of(f"{block}\n".encode()), block)


def nats_seed(rng: Random) -> str:
    """Return a NATS seed of an account, operator or user with its CRC-16."""
    role = rng.choice((0, 14 << 3, 20 << 3))
    first, second = 0x90 | role >> 5, (role & 31) << 3
    raw = bytes((first, second)) + rng.randbytes(32)
    return base64.b32encode(raw + struct.pack("<H", crc16(raw))).decode().rstrip("=")


def age_key(rng: Random) -> str:
    """Return an age identity."""
    return bech32("age-secret-key-", rng.randbytes(32)).upper()


def _jwk(rng: Random) -> Made:
    """Return a private JWK (RFC 8037); ``d`` is the secret."""
    secret = base64url_of(rng.randbytes(32))
    document = {"kty": "OKP", "crv": "Ed25519", "x": base64url_of(rng.randbytes(32)), "d": secret}
    return Made(json.dumps(document), secret)


def _totp(rng: Random) -> Made:
    """Return the address that an authenticator's QR code holds."""
    seed = body(rng, BASE32, 32)
    text = f"otpauth://totp/Northwind:ops%40northwind.internal?secret={seed}&issuer=Northwind"
    return Made(text, seed)


KINDS = (
    whole("pem-rsa-private-key", lambda rng: pem(rng, "RSA PRIVATE KEY", _PKCS1, 1191), Shape.BLOCK),
    whole("pem-pkcs8-private-key", lambda rng: pem(rng, "PRIVATE KEY", PKCS8, 634), Shape.BLOCK),
    whole("apple-p8-key", _pkcs8_ec, Shape.BLOCK),
    whole(
        "pem-ec-private-key",
        lambda rng: _armour("EC PRIVATE KEY", base64_of(b"\x30\x77\x02\x01\x01\x04\x20" + rng.randbytes(114))),
        Shape.BLOCK,
    ),
    whole("pem-encrypted-private-key", lambda rng: pem(rng, "ENCRYPTED PRIVATE KEY", _ENCRYPTED, 664), Shape.BLOCK),
    whole("openssh-private-key", _openssh, Shape.BLOCK),
    whole("pgp-private-key", _openpgp, Shape.BLOCK),
    whole("putty-private-key", _putty, Shape.BLOCK),
    Kind("pem-key-base64-wrapped", _wrapped),
    whole("age-secret-key", age_key),
    whole("nats-nkey-seed", nats_seed),
    Kind("jwk-private-key", _jwk, Shape.DOCUMENT),
    Kind("totp-uri", _totp, Shape.URL),
    whole("paserk-secret-key", lambda rng: "k4.secret." + body(rng, BASE64URL, 86)),
)
