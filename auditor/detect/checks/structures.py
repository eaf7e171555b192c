"""Tokens that describe themselves: macaroons, PASETO, Fernet, Biscuit, SAML, NTLM, Kerberos, one-time-password seeds."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Mapping
from urllib.parse import unquote

from auditor.detect.bounded import PLAUSIBLE_TIMES, from_base64, inflated, json_object
from auditor.detect.checks import Check, Verdict

_SAML = re.compile(rb"<(?:[A-Za-z][\w.-]{0,20}:)?(Response|Assertion)[\s>]")
_SPNEGO = (b"\x06\x06\x2b\x06\x01\x05\x05\x02", b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02")
#: version -> (nonce and tag of local, signature of public), in bytes. Source: the PASETO specification.
_PASETO = {"v1": (32 + 48, 256), "v2": (24 + 16, 64), "v3": (32 + 48, 96), "v4": (32 + 32, 64)}
_PASERK_SECRET = {"k1": range(600, 2400), "k2": (64,), "k3": (48,), "k4": (64,)}


def _proven(holds: bool) -> Verdict:  # noqa: FBT001 - the one thing that it is told
    """Turn the outcome of a structure that its prefix promises into a verdict."""
    return Verdict.PROVEN if holds else Verdict.FAILED


def macaroon_v1(secret: str, _matched: str) -> Verdict:
    """Packets of four hex digits of length, a key, a space, a value, a newline; the last is a 32-byte signature."""
    data = from_base64(secret) or b""
    keys: list[bytes] = []
    value = b""
    at = 0
    while at < len(data):
        try:
            size = int(data[at : at + 4], 16)
        except ValueError:
            break
        key, _, value = data[at + 4 : at + size].partition(b" ")
        keys.append(key)
        at += max(size, 4)
    if keys[:1] not in ([b"location"], [b"identifier"]):
        return Verdict.REJECTED
    return _proven(at == len(data) and keys[-1] == b"signature" and len(value) == 33)


def macaroon_v2(secret: str, _matched: str) -> Verdict:
    """
    02, fields of type, length and content, zero bytes between sections; the last field is a 32-byte signature (06).

    ``AgE`` alone says little, so what does not parse to the last byte is something else.
    """
    data = from_base64(secret) or b""
    if data[:1] != b"\x02" or data[-34:-32] != b"\x06\x20":
        return Verdict.REJECTED
    at = 1
    kinds: list[int] = []
    while at < len(data):
        kind = data[at]
        at += 1
        if kind:
            size, at = _varint(data, at)
            at += size
        kinds.append(kind)
    return Verdict.PROVEN if at == len(data) and kinds[-2:] == [0, 6] and 2 in kinds[:2] else Verdict.REJECTED


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a base-128 number; return it and the position after it. A broken one is past every end."""
    number = shift = 0
    while at < len(data) and shift < 64:
        byte, at = data[at], at + 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at
    return len(data) + 1, at


def paseto(secret: str, _matched: str) -> Verdict:
    """PASETO: a body longer than its version's nonce and tag, or JSON claims followed by its version's signature."""
    version, purpose, body, *_ = (*secret.split("."), "", "")
    data = from_base64(body)
    if data is None or version not in _PASETO:
        return Verdict.FAILED
    sealed, signature = _PASETO[version]
    return _proven(len(data) > sealed if purpose == "local" else bool(json_object(data[:-signature])))


def paserk(secret: str, _matched: str) -> Verdict:
    """PASERK, a PASETO key in text: 32 bytes for local, for secret what the version's curve has."""
    version, kind, body = (*secret.split(".", 2), "", "")[:3]
    size = len(from_base64(body) or b"")
    return _proven(size == 32 if kind == "local" else size in _PASERK_SECRET.get(version, ()))


def fernet(secret: str, _matched: str) -> Verdict:
    """80, eight bytes of time, IV, whole cipher blocks, HMAC: 57 + 16 n bytes."""
    data = from_base64(unquote(secret)) or b""
    if data[:1] != b"\x80" or int.from_bytes(data[1:9], "big") not in PLAUSIBLE_TIMES:
        return Verdict.REJECTED
    return _proven(len(data) >= 73 and (len(data) - 57) % 16 == 0)


def biscuit(secret: str, _matched: str) -> Verdict:
    """Protocol Buffers to the last byte, with an authority block (field 2) and a proof (field 4)."""
    data = from_base64(secret) or b""
    fields: set[int] = set()
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 not in (0, 2):
            return Verdict.FAILED
        size, at = _varint(data, at)
        at += size if tag & 7 else 0
        fields.add(tag >> 3)
    return _proven(at == len(data) and fields >= {2, 4})


def saml(secret: str, _matched: str) -> Verdict:
    """XML, deflated or not, with a Response or an Assertion in it; a mere AuthnRequest is no secret."""
    data = from_base64(unquote(secret)) or b""
    if not data.lstrip().startswith(b"<"):
        data = inflated(data, raw=True) or b""
    return Verdict.PROVEN if _SAML.search(data) else Verdict.REJECTED


def ntlm_authenticate(secret: str, _matched: str) -> Verdict:
    """NTLMSSP message of type 3 whose six fields lie inside it (MS-NLMP, section 2.2.1.3)."""
    data = from_base64(secret) or b""
    fields = [struct.unpack_from("<H2xI", data, at) for at in range(12, 60, 8)] if len(data) >= 64 else []
    inside = bool(fields) and all(not size or 64 <= offset <= len(data) - size for size, offset in fields)
    return _proven(data.startswith(b"NTLMSSP\0\3\0\0\0") and inside)


def kerberos(secret: str, _matched: str) -> Verdict:
    """GSS-API token, an APPLICATION 0 element as long as it says, of the mechanism SPNEGO or Kerberos 5."""
    data = from_base64(secret) or b""
    octets = data[1] & 0x7F if len(data) > 1 and data[1] & 0x80 else 0
    size = int.from_bytes(data[2 : 2 + octets], "big") if octets else data[1] if len(data) > 1 else 0
    return _proven(data[:1] == b"\x60" and 2 + octets + size == len(data) and data[2 + octets :].startswith(_SPNEGO))


def otp_seed(secret: str, _matched: str) -> Verdict:
    """Base32 of at least 80 bits (RFC 4226 asks for 128)."""
    symbols = unquote(secret).replace(" ", "").rstrip("=").upper()
    try:
        seed = base64.b32decode(symbols + "=" * (-len(symbols) % 8))
    except ValueError:  # not its alphabet, or not ASCII
        return Verdict.FAILED
    return _proven(len(seed) >= 10)


def otp_migration(secret: str, _matched: str) -> Verdict:
    """Google Authenticator's export: Protocol Buffers whose field 1 is a seed with its name."""
    data = from_base64(unquote(secret)) or b""
    if data[:1] != b"\x0a":
        return Verdict.FAILED
    size, at = _varint(data, 1)
    return _proven(at + size <= len(data) and data[at : at + 1] == b"\x0a")


CHECKS: Mapping[str, Check] = {
    "biscuit": biscuit,
    "fernet": fernet,
    "kerberos": kerberos,
    "macaroon-v1": macaroon_v1,
    "macaroon-v2": macaroon_v2,
    "ntlm-authenticate": ntlm_authenticate,
    "otp-migration": otp_migration,
    "otp-seed": otp_seed,
    "paserk": paserk,
    "paseto": paseto,
    "saml": saml,
}
