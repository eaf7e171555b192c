"""
Marvin32 checksums in Azure's identifiable keys.

Three forms: keys with a four-letter signature (2021 on), common annotated security keys (2024 on), and Entra client secrets.
Microsoft publishes algorithm, signatures and seeds in its open-source ``security-utilities``. A seed is eight ASCII characters.
"""

from __future__ import annotations

import string
from collections.abc import Mapping

from auditor.detect.bases import BASE62, BASE64, written
from auditor.detect.bounded import from_base64
from auditor.detect.checks import Check, Verdict

_WORD = 0xFFFFFFFF
_ENTRA = string.ascii_letters + "1234567890.-_~"

_MESSAGING = ("Send0000", "Listen00", "Manage00", "System00", "Unknown0")
#: Signature of the first form -> the seeds that its service uses.
_SEEDS = {
    "+ABa": ("AbAcct00",),
    "+ACR": ("ACRDflt0",),
    "+AEh": _MESSAGING,
    "+AMC": ("Classic0",),
    "+ARm": _MESSAGING,
    "+ASb": _MESSAGING,
    "+ASt": ("Default0",),
    "ACDb": ("MastRO00", "MastRW00", "SystRO00", "SystRW00", "SysAll00", "Resour00", "Encryp00"),
    "AIoT": ("IoTHub00", "DpsKey00", "Device00"),
    "APIM": ("Gateway0", "Tenant00", "GitKey00", "IoTHub00"),
    "AzCa": ("Access00",),
    "AzFu": ("Master00", "System00", "Functi00"),
    "AzSe": ("Query000", "PAdmin00"),
}
#: Where a failure says nothing: Event Grid's seed is not public; Redis replaces ``+`` and ``/`` after the checksum is made.
_UNSURE = ("AZEG", "AzCa")


def marvin32(data: bytes, seed: int) -> int:
    """Return the 64-bit Marvin32 hash of data under a 64-bit seed."""
    low, high = seed & _WORD, seed >> 32
    padded = data + b"\x80" + bytes(-(len(data) + 1) % 4)
    words = [int.from_bytes(padded[at : at + 4], "little") for at in range(0, len(padded), 4)]
    for word in (*words, 0):
        low = (low + word) & _WORD
        high ^= low
        low = (_rotated(low, 20) + high) & _WORD
        high = _rotated(high, 9) ^ low
        low = (_rotated(low, 27) + high) & _WORD
        high = _rotated(high, 19)
    return high << 32 | low


def _rotated(word: int, by: int) -> int:
    """Rotate a 32-bit word to the left."""
    return (word << by | word >> (32 - by)) & _WORD


def checksum(data: bytes, seed: str) -> int:
    """Return the 32-bit Marvin32 hash, the two halves of the 64-bit one folded, under a seed in its text form."""
    whole = marvin32(data, int.from_bytes(seed.encode("ascii"), "big"))
    return whole >> 32 ^ whole & _WORD


def identifiable_key(secret: str, _matched: str) -> Verdict:
    """Check the first form: the signature lies before the last six characters, the checksum is the last four bytes."""
    key = from_base64(secret) or b""
    signature = secret.rstrip("=")[-10:-6]
    covered, stored = key[:-4], key[-4:]
    if any(checksum(covered, seed).to_bytes(4, "little") == stored for seed in _SEEDS.get(signature, ())):
        return Verdict.PROVEN
    return Verdict.UNKNOWN if signature in _UNSURE else Verdict.FAILED


def annotated_key(secret: str, _matched: str) -> Verdict:
    """
    Check the second form: 80 characters, then four base62 digits of the checksum or, with ``==``, six.

    The last of the six keeps only the bits that base64 has room for there.
    """
    covered = from_base64(secret[:80])
    if covered is None:
        return Verdict.FAILED
    number = int.from_bytes(checksum(covered, "Default0").to_bytes(4, "little"), "big")
    digits = written(number, BASE62).ljust(6, "0")
    stored = secret[80:].rstrip("=")
    if len(stored) == 6:
        digits = digits[:5] + BASE64[BASE64.index(digits[5]) & 0b110000]
    return Verdict.PROVEN if stored and stored == digits[: len(stored)] else Verdict.FAILED


def entra_client_secret(secret: str, _matched: str) -> Verdict:
    """Check an Entra client secret: of the checksum's six base-66 digits it ends with the first three; ``7Q~`` ones have none."""
    if secret[3:6] != "8Q~":
        return Verdict.UNKNOWN
    digits = written(checksum(secret[:-3].encode(), "AadPwd00"), _ENTRA, 6)
    return Verdict.PROVEN if secret[-3:] == digits[:3] else Verdict.FAILED


CHECKS: Mapping[str, Check] = {
    "azure-annotated-key": annotated_key,
    "azure-identifiable-key": identifiable_key,
    "entra-client-secret": entra_client_secret,
}
