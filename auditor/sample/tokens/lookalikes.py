"""
What looks like a token and is none: hashes, publishable keys, ids, ciphertexts, masked values, placeholders.

A detector that reports one of these is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from auditor.sample.tokens.kinds import Expect, Kind, Shape, whole
from auditor.sample.tokens.randomness import (
    BASE36,
    BASE58,
    BASE62,
    DIGITS,
    HEX,
    UPPER36,
    UPPER_HEX,
    base64_json,
    base64_of,
    base64url_of,
    body,
    unix_time,
    uuid,
)

_BCRYPT = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DASHES = "-" * 5


def _bcrypt(rng: Random) -> str:
    return f"$2b$12${''.join(rng.choices(_BCRYPT, k=53))}"


def _argon2(rng: Random) -> str:
    return f"$argon2id$v=19$m=65536,t=3,p=4${base64_of(rng.randbytes(16)).rstrip('=')}${base64_of(rng.randbytes(32)).rstrip('=')}"


def _scram(rng: Random) -> str:
    salt, stored, server = (base64_of(rng.randbytes(size)) for size in (16, 32, 32))
    return f"SCRAM-SHA-256$119680:{salt}${stored}:{server}"


def _pbkdf2(rng: Random) -> str:
    return f"pbkdf2_sha256$870000${body(rng, BASE62, 22)}${base64_of(rng.randbytes(32))}"


def _certificate(rng: Random) -> str:
    raw = base64_of(b"\x30\x82\x02\x0a" + rng.randbytes(290))
    lines = "\n".join(raw[start : start + 64] for start in range(0, len(raw), 64))
    return f"{_DASHES}BEGIN CERTIFICATE{_DASHES}\n{lines}\n{_DASHES}END CERTIFICATE{_DASHES}"


def _public_key(rng: Random) -> str:
    raw = base64_of(bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04" + rng.randbytes(64))
    return f"{_DASHES}BEGIN PUBLIC KEY{_DASHES}\n{raw[:64]}\n{raw[64:]}\n{_DASHES}END PUBLIC KEY{_DASHES}"


def _sops(rng: Random) -> str:
    data, nonce, tag = (base64_of(rng.randbytes(size)) for size in (32, 32, 16))
    return f"ENC[AES256_GCM,data:{data},iv:{nonce},tag:{tag},type:str]"


def _cursor(rng: Random) -> str:
    """Return a paging cursor: base64 JSON that begins like a JWT header and is none."""
    return base64_json({"after": uuid(rng), "limit": 50, "sort": "placed_at"})


def _none(kind: str, make: Callable[[Random], str], shape: Shape = Shape.VALUE) -> Kind:
    return whole(f"lookalike-{kind}", make, shape, Expect.NONE)


def _masked(kind: str, form: str) -> Kind:
    return _none(kind, lambda rng: form.format(body(rng, BASE62, 4)))


KINDS = (
    # hashes
    _none("bcrypt", _bcrypt),
    _none("argon2", _argon2),
    _none("scram", _scram),
    _none("pbkdf2", _pbkdf2),
    _none("crdb-bcrypt", lambda rng: "CRDB-BCRYPT" + _bcrypt(rng).replace("2b$12", "2a$10")),
    _none("sha256-label", lambda rng: "sha256:" + rng.randbytes(32).hex()),
    _none("sri", lambda rng: "sha384-" + base64_of(rng.randbytes(48))),
    _none("ssh-fingerprint", lambda rng: "SHA256:" + base64_of(rng.randbytes(32)).rstrip("=")),
    _none("postgres-md5", lambda rng: "md5" + rng.randbytes(16).hex()),
    _none("stripe-signature", lambda rng: f"t={unix_time(rng)},v1={rng.randbytes(32).hex()}"),
    _none("slack-signature", lambda rng: "v0=" + rng.randbytes(32).hex()),
    # meant to be public
    _none("stripe-publishable", lambda rng: "pk_live_51" + body(rng, BASE62, 97)),
    _none("posthog-project", lambda rng: "phc_" + body(rng, BASE62, 43)),
    _none("supabase-publishable", lambda rng: f"sb_publishable_{body(rng, BASE62, 22)}_{body(rng, BASE62, 8)}"),
    _none("datadog-client", lambda rng: "pub" + body(rng, HEX, 32)),
    _none("public-key", _public_key, Shape.BLOCK),
    _none("certificate", _certificate, Shape.BLOCK),
    _none("ssh-public-key", lambda rng: f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{body(rng, BASE62, 43)} ops@bastion", Shape.TEXT),
    _none("age-recipient", lambda rng: "age1" + "".join(rng.choices("qpzry9x8gf2tvdw0s3jn54khce6mua7l", k=58))),
    # ids
    _none("stripe-customer", lambda rng: "cus_" + body(rng, BASE62, 14)),
    _none("stripe-payment", lambda rng: "pi_" + body(rng, BASE62, 24)),
    _none("ulid", lambda rng: "01K" + body(rng, _CROCKFORD, 23)),
    _none("ksuid", lambda rng: "3" + body(rng, BASE62, 26)),
    _none("object-id", lambda rng: f"{unix_time(rng):08x}{rng.randbytes(8).hex()}"),
    _none("traceparent", lambda rng: f"00-{rng.randbytes(16).hex()}-{rng.randbytes(8).hex()}-01"),
    _none("x-ray", lambda rng: f"1-{unix_time(rng):08x}-{rng.randbytes(12).hex()}"),
    _none("etag", lambda rng: f'W/"{rng.randbytes(16).hex()}"'),
    _none("aws-role-id", lambda rng: "AROA" + body(rng, UPPER36.replace("0", "").replace("1", ""), 17)),
    _none(
        "secret-pointer",
        lambda rng: f"arn:aws:secretsmanager:eu-west-1:{body(rng, DIGITS, 12)}:secret:prod/billing-{body(rng, BASE62, 6)}",
    ),
    _none("op-pointer", lambda rng: f"op://Production/{body(rng, BASE36, 26)}/credential"),
    _none("ipfs", lambda rng: "Qm" + body(rng, BASE58, 44)),
    _none("docker-digest", lambda rng: f"registry.northwind.internal/checkout@sha256:{rng.randbytes(32).hex()}"),
    _none("paging-cursor", _cursor),
    _none(
        "bare-uri",
        lambda rng: f"postgres://readonly@db-3.prod.internal:5432/orders?application_name={body(rng, BASE36, 8)}",
        Shape.URL,
    ),
    _none(
        "utm-link", lambda rng: f"https://shop.northwind.internal/sale?utm_source=mail&utm_id={body(rng, DIGITS, 9)}", Shape.URL
    ),
    # ciphertext
    _none("vault-transit", lambda rng: "vault:v1:" + base64_of(rng.randbytes(72))),
    _none("kms-blob", lambda rng: "AQICAH" + base64_of(rng.randbytes(138))),
    _none("sops", _sops),
    _none("openssl-enc", lambda rng: base64_of(b"Salted__" + rng.randbytes(72))),
    _none("spring-cipher", lambda rng: "{cipher}" + rng.randbytes(48).hex()),
    _none("image", lambda rng: base64_of(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + rng.randbytes(150))),
    _none("gzip", lambda rng: base64_of(b"\x1f\x8b\x08\0\0\0\0\0" + rng.randbytes(90))),
    _none("push-key", lambda rng: base64url_of(b"\x04" + rng.randbytes(64))),
    # masked, and placeholders
    _masked("masked-stripe", "sk_live_" + "*" * 24 + "{}"),
    _masked("masked-github", "ghp_" + "*" * 32 + "{}"),
    _masked("masked-slack", "xoxb-...{}"),
    _none(
        "redacted-uri",
        lambda rng: f"kafka://broker-{rng.randrange(9)}.prod.internal:9093?sasl_user=cdc&sasl_password=redacted",
        Shape.URL,
    ),
    _none("placeholder-github", lambda rng: "ghp_" + "x" * rng.choice((36, 40))),
    _none("placeholder-aws", lambda _rng: "AKIA" + "IOSFODNN7" + "EXAMPLE"),
    _none(
        "placeholder-uri",
        lambda rng: f"postgres://user:{'pass' + 'word'}@localhost:{rng.choice((5432, 26257))}/defaultdb",
        Shape.URL,
    ),
    _none(
        "template",
        lambda rng: rng.choice(("Authorization: Bearer ${ACCESS_TOKEN}", "Authorization: Bearer {{ token }}")),
        Shape.TEXT,
    ),
    _none("filtered-header", lambda _rng: "Authorization: Bearer [FILTERED]", Shape.TEXT),
    _none("hex-colour-list", lambda rng: "".join(f"#{body(rng, UPPER_HEX, 6)}" for _ in range(5))),
)
