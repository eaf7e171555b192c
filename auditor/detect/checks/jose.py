"""JSON Object Signing and Encryption: JWT and JWS (RFC 7515, 7519), JWE (RFC 7516), private JWK (RFC 7517)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from auditor.detect.bounded import from_base64, json_object
from auditor.detect.checks import Check, Verdict

_PROTECTED = re.compile(r"protected\W{1,12}(eyJ[\w-]{8,4000})", re.ASCII)
_KEY_TYPE = re.compile(r"kty\W{1,12}(OKP|EC|RSA|oct)", re.ASCII)
#: Bytes of the private member by key type: Ed25519, X25519, Ed448, X448; P-256, P-384, P-521; any RSA exponent; any shared key.
_PRIVATE_SIZES: Mapping[str, range | tuple[int, ...]] = {
    "OKP": (32, 56, 57),
    "EC": (32, 48, 66),
    "RSA": range(64, 2049),
    "oct": range(16, 2049),
}


#: "John Doe" in base64, in each of its three alignments.
_JOHN_DOE = ("Sm9obiBEb2", "pvaG4gRG9l", "Kb2huIERvZ")


@lru_cache(maxsize=256)
def _header(part: str) -> Mapping[str, object]:
    """Return the JOSE header, {} if it is none: it must name its algorithm. A service's tokens all have the same."""
    header = json_object(from_base64(part))
    return header if isinstance(header.get("alg"), str) else {}


def jwt(secret: str, _matched: str) -> Verdict:
    """Three parts, the first a JSON object with ``alg``. The sample of jwt.io, John Doe's, is no secret."""
    header, *rest = secret.split(".")
    if len(rest) != 2 or not _header(header):
        return Verdict.REJECTED
    if not any(name in rest[0] for name in _JOHN_DOE):
        return Verdict.PROVEN
    claims = json_object(from_base64(rest[0]))
    if claims.get("name") == "John Doe" and claims.get("sub") == "1234567890":
        return Verdict.REJECTED
    return Verdict.PROVEN


def jwt_unsigned(secret: str, _matched: str) -> Verdict:
    """Three parts, the last empty, and ``alg`` is none: without that it is a token that lost its signature."""
    algorithm = _header(secret.partition(".")[0]).get("alg")
    return Verdict.PROVEN if str(algorithm).lower() == "none" else Verdict.REJECTED


def jwe(secret: str, _matched: str) -> Verdict:
    """Five parts, the first a JSON object with ``alg`` and ``enc``."""
    header, *rest = secret.split(".")
    return Verdict.PROVEN if len(rest) == 4 and isinstance(_header(header).get("enc"), str) else Verdict.REJECTED


def jws_json(_secret: str, matched: str) -> Verdict:
    """JSON serialization: the ``protected`` member beside the signature is a JOSE header."""
    header = _PROTECTED.search(matched)
    return Verdict.PROVEN if header and _header(header[1]) else Verdict.REJECTED


def jwk_private(secret: str, matched: str) -> Verdict:
    """Private member of a JWK: as many bytes as its key type has. Without a key type beside it, it is no JWK."""
    kind = _KEY_TYPE.search(matched)
    raw = from_base64(secret)
    if kind is None or raw is None:
        return Verdict.REJECTED
    return Verdict.PROVEN if len(raw) in _PRIVATE_SIZES[kind[1]] else Verdict.FAILED


CHECKS: Mapping[str, Check] = {
    "jwe": jwe,
    "jwk-private": jwk_private,
    "jws-json": jws_json,
    "jwt": jwt,
    "jwt-unsigned": jwt_unsigned,
}
