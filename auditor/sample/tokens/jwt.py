"""JSON Web Tokens: signed, unsigned, encrypted, and the opaque formats that stand beside them (PASETO, macaroons, Fernet)."""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from collections.abc import Mapping
from random import Random

from auditor.sample.tokens.kinds import Kind, Made, Shape, whole
from auditor.sample.tokens.randomness import BASE64URL, HEX, base64_of, base64url_of, body, compact_json, unix_time, uuid


def signed(
    rng: Random, claims: Mapping[str, object], algorithm: str = "HS256", header: Mapping[str, object] | None = None
) -> str:
    """Return a JWT: HS256 with a random key, or random bytes of the size that ES256 and RS256 signatures have."""
    head = {"alg": algorithm, "typ": "JWT", **(header or {})}
    text = f"{base64url_of(compact_json(head))}.{base64url_of(compact_json(claims))}"
    if algorithm == "HS256":
        signature = hmac.digest(rng.randbytes(32), text.encode(), hashlib.sha256)
    else:
        signature = rng.randbytes(64 if algorithm == "ES256" else 256)
    return f"{text}.{base64url_of(signature)}"


def session_claims(rng: Random) -> dict[str, object]:
    """Return the claims of a session as most frameworks write them."""
    issued = unix_time(rng)
    return {"sub": uuid(rng), "iat": issued, "exp": issued + 3600, "jti": body(rng, HEX, 16)}


def _access(rng: Random) -> str:
    """Return an OAuth access token (RFC 9068)."""
    claims = {
        "iss": "https://id.northwind.internal",
        "client_id": "checkout",
        "scope": "orders:read orders:write",
        **session_claims(rng),
    }
    return signed(rng, claims, "ES256", {"typ": "at+jwt", "kid": body(rng, BASE64URL, 11)})


def _identity(rng: Random) -> str:
    """Return an OpenID Connect identity token."""
    claims = {"iss": "https://id.northwind.internal", "aud": "web", "nonce": body(rng, BASE64URL, 16), **session_claims(rng)}
    return signed(rng, claims, "RS256", {"kid": body(rng, HEX, 40)})


def _service_account(rng: Random) -> str:
    """Return a Kubernetes service account token."""
    claims = {
        "iss": "kubernetes/serviceaccount",
        "kubernetes.io/serviceaccount/namespace": "payments",
        "sub": "system:serviceaccount:payments:ledger",
        "jti": uuid(rng),
    }
    return signed(rng, claims, "RS256", {"kid": body(rng, BASE64URL, 43)})


def _supabase(rng: Random) -> str:
    issued = unix_time(rng)
    claims = {"iss": "supabase", "ref": "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=20)), "role": "service_role"}
    return signed(rng, {**claims, "iat": issued, "exp": issued + 315_360_000})


def _wrapped(rng: Random) -> Made:
    """Return a JWT that was encoded once more."""
    token = signed(rng, session_claims(rng))
    return Made(base64_of(token.encode()), token)


def _unsigned(rng: Random) -> str:
    head = {"alg": "none", "typ": "JWT"}
    return f"{base64url_of(compact_json(head))}.{base64url_of(compact_json({**session_claims(rng), 'admin': True}))}."


def encrypted(rng: Random, header: Mapping[str, object], key_size: int) -> str:
    """Return a JWE of five parts; a key size of 0 means direct encryption, whose second part is empty."""
    parts = (compact_json(header), rng.randbytes(key_size), rng.randbytes(12), rng.randbytes(180), rng.randbytes(16))
    return ".".join(base64url_of(part) for part in parts)


def _json_serialization(rng: Random) -> Made:
    """Return a flattened JWS (RFC 7515, section 7.2.2); the signature is what makes it valid."""
    signature = base64url_of(rng.randbytes(64))
    document = {
        "payload": base64url_of(compact_json(session_claims(rng))),
        "protected": base64url_of(compact_json({"alg": "ES256"})),
        "signature": signature,
    }
    return Made(json.dumps(document), signature)


def fernet(rng: Random) -> str:
    """Return a Fernet token: version, time, IV, two blocks, MAC."""
    return base64_of(b"\x80" + struct.pack(">Q", unix_time(rng)) + rng.randbytes(80)).replace("+", "-").replace("/", "_")


def _macaroon_v1(rng: Random) -> str:
    """Return a version 1 macaroon: packets with their lengths in hex."""

    def packet(name: str, value: bytes) -> bytes:
        content = name.encode() + b" " + value + b"\n"
        return f"{len(content) + 4:04x}".encode() + content

    return base64url_of(
        packet("location", b"https://api.northwind.internal")
        + packet("identifier", b"key-" + body(rng, HEX, 8).encode())
        + packet("signature", rng.randbytes(32))
    )


def _macaroon_v2(rng: Random) -> str:
    """Return a version 2 macaroon: typed fields with their lengths."""
    location, identifier = b"api.northwind.internal", b"key-" + body(rng, HEX, 8).encode()
    head = b"\x02\x01" + bytes((len(location),)) + location + b"\x02" + bytes((len(identifier),)) + identifier
    return base64url_of(head + b"\0\0\x06\x20" + rng.randbytes(32))


def _paseto_public(rng: Random) -> str:
    claims = {"sub": uuid(rng), "exp": "2027-01-31T00:00:00+00:00"}
    return "v4.public." + base64url_of(compact_json(claims) + rng.randbytes(64))


KINDS = (
    whole("jwt-signed", lambda rng: signed(rng, session_claims(rng))),
    whole("jwt-unsigned-alg-none", _unsigned),
    whole("jwe-compact", lambda rng: encrypted(rng, {"alg": "RSA-OAEP-256", "enc": "A256GCM"}, 256)),
    whole("nextauth-session-token", lambda rng: encrypted(rng, {"alg": "dir", "enc": "A256GCM"}, 0)),
    whole("aws-cognito-refresh-token", lambda rng: encrypted(rng, {"cty": "JWT", "enc": "A256GCM", "alg": "RSA-OAEP"}, 256)),
    Kind("jwt-base64-wrapped", _wrapped),
    Kind("jws-json-serialization", _json_serialization, Shape.DOCUMENT),
    whole("oauth-access-jwt", _access),
    whole("oidc-id-token", _identity),
    whole("kubernetes-service-account-jwt", _service_account),
    whole("supabase-service-role-jwt", _supabase),
    whole("fernet-token", fernet),
    whole("macaroon-v1", _macaroon_v1),
    whole("macaroon-v2", _macaroon_v2),
    whole("paseto-v2-local", lambda rng: "v2.local." + body(rng, BASE64URL, 180)),
    whole("paseto-v4-local", lambda rng: "v4.local." + body(rng, BASE64URL, 180)),
    whole("paseto-public", _paseto_public),
    whole("phoenix-signed-token", lambda rng: f"SFMyNTY.g3QAAAAC{body(rng, BASE64URL, 88)}.{body(rng, BASE64URL, 43)}"),
)
