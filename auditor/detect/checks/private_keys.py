"""Private key files: PEM with its DER or OpenSSH body, OpenPGP armour, PuTTY, PKCS #12."""

from __future__ import annotations

import re
from collections.abc import Mapping

from auditor.detect.bounded import from_base64
from auditor.detect.checks import Check, Verdict

_BREAKS = re.compile(r"\\+[nrt]|\s+")
_OPENSSH = b"openssh-key-v1\0"
_SEQUENCE = 0x30
_CRC24 = re.compile(r"(?:\\+[nr]|\s)=([0-9A-Za-z+/]{4})(?:\\+[nr]|\s)*$")


def _body(secret: str) -> bytes | None:
    """Decode base64 with line breaks, real or escaped; a cut last group loses only itself."""
    symbols = _BREAKS.sub("", secret).rstrip("=\\")
    return from_base64(symbols[: len(symbols) - (len(symbols) % 4 == 1)])


def der_size(data: bytes) -> int:
    """Return how many bytes the DER element at the start says it has, 0 if it is not a definite-length element."""
    if len(data) < 2:
        return 0
    if data[1] < 0x80:
        return 2 + data[1]
    octets = data[1] & 0x7F
    if not 1 <= octets <= 3 or len(data) < 2 + octets:
        return 0
    return 2 + octets + int.from_bytes(data[2 : 2 + octets], "big")


def _der_sequence(data: bytes) -> Verdict:
    """Judge DER: a SEQUENCE that is all there, one that is cut short, or something else."""
    size = der_size(data)
    if not size or data[0] != _SEQUENCE:
        return Verdict.REJECTED
    return Verdict.PROVEN if size == len(data) else Verdict.FAILED


def _openssh(data: bytes) -> Verdict:
    """Judge ``openssh-key-v1``: cipher, KDF, its options, a count, the public keys and the private part, each with its length."""
    at = len(_OPENSSH)
    count = 1
    for field in range(6):
        size = int.from_bytes(data[at : at + 4], "big")
        at += 4
        if field == 3:
            count = size
        else:
            at += size
    return Verdict.PROVEN if count == 1 and at <= len(data) else Verdict.FAILED


def pem_private_key(secret: str, matched: str) -> Verdict:
    """PEM: the body is DER or ``openssh-key-v1``; under a passphrase of the old kind, blocks of a cipher."""
    data = _body(secret)
    if not data:
        return Verdict.REJECTED
    if "Proc-Type: 4,ENCRYPTED" in matched:
        return Verdict.PROVEN if len(data) % 8 == 0 and "-----END" in matched else Verdict.FAILED
    if data.startswith(_OPENSSH):
        return _openssh(data)
    return _der_sequence(data)


def der_private_key(secret: str, _matched: str) -> Verdict:
    """Bare DER: a SEQUENCE that begins with the version number of a private key or a PFX (0, 1 or 3)."""
    data = _body(secret)
    if not data:
        return Verdict.REJECTED
    head = 2 + (data[1] & 0x7F if data[1] & 0x80 else 0) if len(data) > 1 else 0
    if data[head : head + 2] != b"\x02\x01" or data[head + 2 : head + 3] not in (b"\0", b"\1", b"\3"):
        return Verdict.REJECTED
    return _der_sequence(data)


def crc24(data: bytes) -> int:
    """Return the checksum of OpenPGP armour (RFC 4880, section 6.1)."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc


def pgp_private_key(secret: str, _matched: str) -> Verdict:
    """OpenPGP armour: begins with a secret-key packet (tag 5, or 7 for a subkey); its CRC-24, where it has one, holds."""
    checksum = _CRC24.search(secret)
    data = _body(secret[: checksum.start()] if checksum else secret)
    if not data:
        return Verdict.REJECTED
    tag = data[0] & 0x3F if data[0] & 0x40 else data[0] >> 2 & 0x0F
    if not data[0] & 0x80 or tag not in (5, 7):
        return Verdict.REJECTED
    if checksum is None:
        return Verdict.UNKNOWN
    return Verdict.PROVEN if from_base64(checksum[1]) == crc24(data).to_bytes(3, "big") else Verdict.FAILED


def putty_private_key(secret: str, _matched: str) -> Verdict:
    """Base64 lines after ``Private-Lines``: they must decode."""
    return Verdict.PROVEN if _body(secret) else Verdict.FAILED


CHECKS: Mapping[str, Check] = {
    "der-private-key": der_private_key,
    "pem-private-key": pem_private_key,
    "pgp-private-key": pgp_private_key,
    "putty-private-key": putty_private_key,
}
