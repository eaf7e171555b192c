import base64
import hashlib
import hmac
import json
import zlib

import itsdangerous
import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from hypothesis import given
from hypothesis import strategies as st

from auditor.detect.bases import BASE62, written
from auditor.detect.checks import Verdict
from auditor.detect.checks.cookies import CHECKS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
TIMES = st.integers(1_262_304_000, 2_208_988_799)
DIGESTS = st.sampled_from([hashlib.sha1, hashlib.sha256, hashlib.sha512])


def verdict(name: str, secret: str) -> Verdict:
    return CHECKS[name](secret, secret)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signature(digest, size: int = 0) -> str:
    return url64(hmac.new(b"key", bytes(size), digest).digest())


@given(JSON, DIGESTS)
def test_what_itsdangerous_signs_is_proven(value, digest):
    """Any JSON, compressed where that is shorter, with each digest; a cut one is something else."""
    signed = itsdangerous.URLSafeTimedSerializer("key", signer_kwargs={"digest_method": digest}).dumps(value)
    assert verdict("itsdangerous", signed) is Verdict.PROVEN
    assert verdict("itsdangerous", signed[:-2]) is Verdict.REJECTED
    assert verdict("itsdangerous-value", signed) is Verdict.UNKNOWN
    if not (isinstance(value, dict) and "alg" in value):
        untimed = itsdangerous.URLSafeSerializer("key", signer_kwargs={"digest_method": digest}).dumps(value)
        assert verdict("itsdangerous-untimed", untimed) is Verdict.PROVEN


def test_a_flask_session_is_proven_plain_and_compressed():
    """As Flask itself writes them."""
    app = Flask("app")
    app.secret_key = "key"
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    plain, packed = serializer.dumps({"_user_id": "42"}), serializer.dumps({"cart": ["sku"] * 50})
    assert packed.startswith(".eJ")
    assert verdict("itsdangerous", plain) is verdict("itsdangerous", packed) is Verdict.PROVEN


@pytest.mark.parametrize("time", [0, 1_000_000_000, 2_300_000_000])
def test_a_time_stamp_of_another_age_is_something_else(time: int):
    """Before 2010 and after 2039 three dotted parts are no signed value."""
    stamp = url64(time.to_bytes(4, "big"))
    assert verdict("itsdangerous", f"{url64(b'{}')}.{stamp}.{signature(hashlib.sha1)}") is Verdict.REJECTED
    assert verdict("itsdangerous-value", f"42.{stamp}.{signature(hashlib.sha1)}") is Verdict.REJECTED


def test_a_bomb_is_no_session():
    """A payload that inflates beyond the bound is not read on."""
    bomb = url64(zlib.compress(b'"' + b"a" * 50_000_000 + b'"', 9)[:40_000])
    assert (
        verdict("itsdangerous", f".{bomb}.{url64((1_767_225_600).to_bytes(4, 'big'))}.{signature(hashlib.sha1)}")
        is Verdict.REJECTED
    )


@given(st.dictionaries(st.text(max_size=10), JSON, max_size=4), TIMES, DIGESTS, st.booleans())
def test_what_django_signs_is_proven(value, time: int, digest, packed: bool):  # noqa: FBT001 - hypothesis fills it in
    """JSON, compressed or not, a base62 time, each digest, percent-encoded or not."""
    data = json.dumps(value).encode()
    payload = "." + url64(zlib.compress(data)) if packed else url64(data)
    signed = f"{payload}:{written(time, BASE62)}:{signature(digest)}"
    assert verdict("django", signed) is Verdict.PROVEN
    assert verdict("django", signed.replace(":", "%3A")) is Verdict.PROVEN
    assert verdict("django-value", f"on:{written(time, BASE62)}:{signature(digest)}") is Verdict.UNKNOWN
    assert verdict("django", f"{payload}:{written(time, BASE62)}:{signature(digest)[:-2]}") is Verdict.REJECTED
    assert verdict("django", f"x{payload}:zzzzzz:{signature(digest)}") is Verdict.REJECTED


def test_session_data_of_an_older_django_is_proven():
    """Base64 of a hash and JSON, or a pickle."""
    digest = b"ab" * 20
    assert verdict("django-session-data", b64(digest + b':{"_auth_user_id":"42"}')) is Verdict.PROVEN
    assert verdict("django-session-data", b64(digest + b":\x80\x02}q\x01.")) is Verdict.PROVEN
    assert verdict("django-session-data", b64(digest + digest)) is Verdict.REJECTED


@given(st.binary(min_size=1, max_size=200))
def test_rails_cookies_have_parts_of_fixed_sizes(sealed: bytes):
    """AES-GCM's IV and tag; CBC's whole blocks and IV; a verifier's JSON or Marshal."""
    gcm = f"{b64(sealed)}--{b64(bytes(12))}--{b64(bytes(16))}"
    assert verdict("rails-encrypted", gcm) is Verdict.PROVEN
    assert verdict("rails-encrypted", gcm.replace("=", "%3D").replace("+", "%2B").replace("/", "%2F")) is Verdict.PROVEN
    assert verdict("rails-encrypted", f"{b64(sealed)}--{b64(bytes(11))}--{b64(bytes(16))}") is Verdict.REJECTED
    digest = "ab" * 20
    blocks = sealed + bytes(-len(sealed) % 16)
    assert verdict("rails-encrypted-legacy", f"{b64(f'{b64(blocks)}--{b64(bytes(16))}'.encode())}--{digest}") is Verdict.PROVEN
    assert verdict("rails-encrypted-legacy", f"{b64(b'plain')}--{digest}") is Verdict.REJECTED
    assert verdict("rails-signed", f"{b64(json.dumps({'user_id': 42}).encode())}--{digest}") is Verdict.PROVEN
    assert verdict("rails-signed", f"{b64(bytes([4, 8]) + sealed)}--{digest}") is Verdict.PROVEN
    assert verdict("rails-signed", f"{b64(b'not json')}--{digest}") is Verdict.REJECTED


def test_a_laravel_cookie_is_json_with_iv_value_and_mac():
    """Power BI and others begin alike; without these members it is something else."""
    cookie = {"iv": b64(bytes(16)), "value": b64(bytes(64)), "mac": "0" * 64, "tag": ""}
    assert verdict("laravel", b64(json.dumps(cookie).encode()).replace("=", "%3D")) is Verdict.PROVEN
    assert verdict("laravel", b64(b'{"iv":"x","value":"y"}')) is Verdict.REJECTED


def test_an_aspnet_payload_begins_with_its_magic_bytes():
    """Its key id and ciphertext make 52 bytes at least."""
    assert verdict("aspnet-data-protection", url64(bytes.fromhex("09f0c9f0") + bytes(48))) is Verdict.PROVEN
    assert verdict("aspnet-data-protection", url64(bytes.fromhex("09f0c9f0") + bytes(20))) is Verdict.FAILED
    assert verdict("aspnet-data-protection", url64(bytes.fromhex("09f0c9f1") + bytes(48))) is Verdict.REJECTED


@given(st.integers(0, 2**63 - 1), st.binary(min_size=16, max_size=16))
def test_a_db_console_cookie_is_an_id_and_16_bytes(session: int, secret: bytes):
    """As CockroachDB's SessionCookie message; a byte more is something else."""
    number = session
    varint = b""
    while number >= 0x80:
        varint, number = varint + bytes([number & 0x7F | 0x80]), number >> 7
    cookie = b"\x08" + varint + bytes([number]) + b"\x12\x10" + secret
    assert verdict("cockroachdb-session", b64(cookie).replace("=", "%3D")) is Verdict.PROVEN
    assert verdict("cockroachdb-session", b64(cookie + b"x")) is Verdict.REJECTED


def test_other_cookies_have_their_fields():
    """WordPress, Phoenix, iron, remember-me."""
    assert verdict("wordpress", f"admin%7C1790000000%7C{'a' * 43}%7C{'0' * 64}") is Verdict.PROVEN
    assert verdict("wordpress", f"admin|99|{'a' * 43}|{'0' * 64}") is Verdict.FAILED
    assert verdict("phoenix", f"SFMyNTY.{url64(bytes([131]) + bytes(20))}.{signature(hashlib.sha256)}") is Verdict.PROVEN
    assert verdict("phoenix", f"SFMyNTY.{url64(bytes(20))}.{signature(hashlib.sha256)}") is Verdict.FAILED
    seal = f"Fe26.2**{'0' * 64}*{url64(bytes(16))}*{url64(bytes(64))}**{'1' * 64}*{url64(bytes(32))}"
    assert verdict("iron", seal) is verdict("iron", seal + "~2") is Verdict.PROVEN
    assert verdict("iron", seal.replace("*0", "*", 1)) is Verdict.FAILED
    assert verdict("remember-me", b64(f"alice:1767225600000:SHA256:{'0' * 64}".encode())) is Verdict.PROVEN
    assert verdict("remember-me", b64(bytes(30))) is Verdict.UNKNOWN
