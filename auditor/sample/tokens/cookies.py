"""Session cookies of the web frameworks, bare and in a Cookie header."""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from collections.abc import Callable
from random import Random
from urllib.parse import quote

from auditor.sample.tokens.base_n import base_n
from auditor.sample.tokens.checksums import crc32
from auditor.sample.tokens.kinds import Kind, Made, Shape, whole
from auditor.sample.tokens.randomness import (
    BASE36,
    BASE62,
    BASE64URL,
    HEX,
    LOWER,
    UPPER_HEX,
    base64_json,
    base64_of,
    base64url_of,
    body,
    compact_json,
    unix_time,
    uuid,
)


def _sha1(rng: Random, text: str) -> str:
    """Sign as itsdangerous does, with a random key."""
    return base64url_of(hmac.digest(rng.randbytes(20), text.encode(), hashlib.sha1))


def _flask_time(rng: Random) -> str:
    return base64url_of(struct.pack(">I", unix_time(rng)))


def flask(rng: Random) -> str:
    """Return a plain Flask session cookie."""
    text = f"{base64url_of(compact_json({'_fresh': True, '_user_id': str(rng.randrange(1000, 99999))}))}.{_flask_time(rng)}"
    return f"{text}.{_sha1(rng, text)}"


def _flask_compressed(rng: Random) -> str:
    """Return a Flask session cookie whose payload was worth compressing."""
    payload = {"_fresh": True, "_id": body(rng, HEX, 32) * 4, "_user_id": "4711", "csrf_token": body(rng, HEX, 40)}
    text = f".{base64url_of(zlib.compress(compact_json(payload)))}.{_flask_time(rng)}"
    return f"{text}.{_sha1(rng, text)}"


def _itsdangerous(rng: Random) -> str:
    """Return a timed, URL-safe token of a reset link: its payload is one string."""
    text = f"{base64url_of(compact_json(f'{body(rng, LOWER, 7)}@northwind.internal'))}.{_flask_time(rng)}"
    return f"{text}.{_sha1(rng, text)}"


def _django(rng: Random) -> str:
    """Return a Django signed session: payload, base62 time, SHA-256 signature."""
    text = f"{base64url_of(compact_json({'_auth_user_id': str(rng.randrange(1000, 99999))}))}:{base_n(unix_time(rng), BASE62, 6)}"
    return f"{text}:{base64url_of(hmac.digest(rng.randbytes(32), text.encode(), hashlib.sha256))}"


def _rails_encrypted(rng: Random) -> str:
    return "--".join((base64_of(rng.randbytes(120)), base64_of(rng.randbytes(12)), base64_of(rng.randbytes(16))))


def _rails_legacy(rng: Random) -> str:
    inner = f"{base64_of(rng.randbytes(96))}--{base64_of(rng.randbytes(16))}"
    return f"{base64_of(inner.encode())}--{body(rng, HEX, 40)}"


def _rails_signed(rng: Random) -> str:
    message = base64_of(compact_json(body(rng, HEX, 32)))
    return f"{base64_json({'_rails': {'message': message, 'exp': None, 'pur': 'cookie.user_id'}})}--{body(rng, HEX, 40)}"


def _laravel(rng: Random) -> str:
    document = {"iv": base64_of(rng.randbytes(16)), "value": base64_of(rng.randbytes(96)), "mac": body(rng, HEX, 64), "tag": ""}
    return base64_json(document)


def sanctum(rng: Random) -> str:
    """Return a Laravel Sanctum token: row id, bar, 40 characters and their CRC-32."""
    random_part = body(rng, BASE62, 40)
    return f"{rng.randrange(10, 9999)}|{random_part}{crc32(random_part):08x}"


def _express(rng: Random) -> str:
    signature = base64_of(rng.randbytes(32)).rstrip("=")
    return f"s:{body(rng, BASE64URL, 32)}.{signature}"


def _aspnet_core(rng: Random) -> str:
    return base64url_of(bytes.fromhex("09f0c9f0") + rng.randbytes(160))


def _iron(rng: Random) -> str:
    seal = (
        body(rng, HEX, 64),
        body(rng, BASE64URL, 22),
        body(rng, BASE64URL, 128),
        "",
        body(rng, HEX, 64),
        body(rng, BASE64URL, 43),
    )
    return f"Fe26.2*1*{'*'.join(seal)}~2"


def _wordpress(rng: Random) -> Made:
    value = f"maya|1796083200|{body(rng, BASE62, 43)}|{body(rng, HEX, 64)}"
    return Made(f"Cookie: wordpress_logged_in_{body(rng, HEX, 32)}={quote(value, safe='')}", value)


def _header(kind: str, name: str, make: Callable[[Random], str], *, escaped: bool = False) -> Kind:
    """Return a Cookie header with one session among harmless cookies; ``escaped`` percent-encodes the value."""

    def made(rng: Random) -> Made:
        value = make(rng)
        return Made(f"Cookie: theme=dark; {name}={quote(value, safe='') if escaped else value}; lang=en", value)

    return Kind(kind, made, Shape.TEXT)


def _set_cookie(rng: Random) -> Made:
    value = body(rng, HEX, 32)
    return Made(f"Set-Cookie: sid={value}; Path=/; HttpOnly; Secure; SameSite=Lax", value)


KINDS = (
    whole("flask-session-cookie", flask),
    _header("flask-session-cookie", "session", flask),
    whole("flask-session-cookie-compressed", _flask_compressed),
    _header("flask-session-cookie-compressed", "session", _flask_compressed),
    whole("itsdangerous-urlsafe-timed", _itsdangerous),
    whole("django-signed-session", _django),
    _header("django-session-id", "sessionid", lambda rng: body(rng, BASE36, 32)),
    whole("rails-encrypted-cookie", _rails_encrypted),
    _header("rails-encrypted-cookie", "_northwind_session", _rails_encrypted, escaped=True),
    whole("rails-encrypted-cookie-legacy", _rails_legacy),
    whole("rails-signed-cookie", _rails_signed),
    whole("laravel-encrypted-cookie", _laravel),
    _header("laravel-encrypted-cookie", "laravel_session", _laravel, escaped=True),
    whole("laravel-sanctum-token", sanctum),
    whole("express-connect-sid", _express),
    _header("express-connect-sid", "connect.sid", _express, escaped=True),
    _header("php-session-id", "PHPSESSID", lambda rng: body(rng, HEX, 32)),
    _header("java-jsessionid", "JSESSIONID", lambda rng: f"{body(rng, UPPER_HEX, 32)}.node1"),
    _header("spring-session-id", "SESSION", lambda rng: base64_of(uuid(rng).encode())),
    _header("aspnet-session-id", "ASP.NET_SessionId", lambda rng: "".join(rng.choices(LOWER + "012345", k=24))),
    _header("aspnet-forms-auth-ticket", ".ASPXAUTH", lambda rng: body(rng, UPPER_HEX, 256)),
    whole("aspnet-core-data-protection", _aspnet_core),
    _header("aspnet-core-data-protection", ".AspNetCore.Cookies", _aspnet_core),
    _header("gitlab-session-cookie", "_gitlab_session", lambda rng: body(rng, HEX, 32)),
    whole("iron-session-seal", _iron),
    Kind("wordpress-auth-cookie", _wordpress, Shape.TEXT),
    Kind("http-set-cookie-header", _set_cookie, Shape.TEXT),
)
