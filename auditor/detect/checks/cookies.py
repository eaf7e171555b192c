"""Session cookies and signed values of web frameworks: a payload, a time, a signature, each of the right size."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from auditor.detect.bases import BASE62
from auditor.detect.bounded import PLAUSIBLE_TIMES, from_base64, inflated, is_json, json_object
from auditor.detect.checks import Check, Verdict

_DIGESTS = (20, 32, 48, 64)

_COCKROACHDB = re.compile(rb"\x08(?:[\x80-\xff]{0,9}[\x00-\x7f])\x12\x10.{16}", re.DOTALL)
_DJANGO_LEGACY = re.compile(rb"[0-9a-f]{40}:[{(\x80]")
_REMEMBER_ME = re.compile(rb"[^:]{1,200}(?::[^:]{1,200})?:[0-9]{10,13}:(?:SHA256:|MD5:)?[0-9a-zA-Z+/=_-]{32,90}")
#: A pickle or Marshal dump begins so; Ruby's is 4.8.
_MARSHAL = b"\x04\x08"


def _is_digest(text: str) -> bool:
    """Tell whether the text is base64 of as many bytes as a SHA-1 or SHA-2 digest."""
    return len(from_base64(text) or b"") in _DIGESTS


def _payload_is_json(text: str) -> bool:
    """Tell whether a payload is base64url of JSON, or, with a leading dot, of deflated JSON."""
    data = from_base64(text.removeprefix("."))
    return is_json(inflated(data) if data and text.startswith(".") else data)


def itsdangerous(secret: str, _matched: str) -> Verdict:
    """``payload.time.signature``: JSON, big-endian Unix time, HMAC."""
    payload, time, signature = ["", "", *secret.rsplit(".", 2)][-3:]
    timely = int.from_bytes(from_base64(time) or b"", "big") in PLAUSIBLE_TIMES
    return Verdict.PROVEN if timely and _is_digest(signature) and _payload_is_json(payload) else Verdict.REJECTED


def itsdangerous_untimed(secret: str, _matched: str) -> Verdict:
    """``payload.signature``: JSON, HMAC. A JOSE header (``alg``) belongs to a token that lost its end."""
    payload, _, signature = secret.rpartition(".")
    if "alg" in json_object(from_base64(payload)):
        return Verdict.REJECTED
    return Verdict.PROVEN if _is_digest(signature) and _payload_is_json(payload) else Verdict.REJECTED


def itsdangerous_value(secret: str, _matched: str) -> Verdict:
    """``value.time.signature`` with a value of any form: only time and signature can be told."""
    _, time, signature = ["", "", *secret.rsplit(".", 2)][-3:]
    timely = int.from_bytes(from_base64(time) or b"", "big") in PLAUSIBLE_TIMES
    return Verdict.UNKNOWN if timely and _is_digest(signature) else Verdict.REJECTED


def _django_time(text: str) -> bool:
    """Tell whether a base62 number is a plausible Unix time."""
    seconds = 0
    for character in text[:7]:
        digit = BASE62.find(character)
        if digit < 0:
            return False
        seconds = seconds * 62 + digit
    return seconds in PLAUSIBLE_TIMES


def django(secret: str, _matched: str) -> Verdict:
    """``payload:time:signature``: JSON, base62 Unix time, HMAC."""
    payload, time, signature = ["", "", *unquote(secret).rsplit(":", 2)][-3:]
    return Verdict.PROVEN if _django_time(time) and _is_digest(signature) and _payload_is_json(payload) else Verdict.REJECTED


def django_value(secret: str, _matched: str) -> Verdict:
    """``value:time:signature`` with a value of any form: only time and signature can be told."""
    _, time, signature = ["", "", *unquote(secret).rsplit(":", 2)][-3:]
    return Verdict.UNKNOWN if _django_time(time) and _is_digest(signature) else Verdict.REJECTED


def django_session_data(secret: str, _matched: str) -> Verdict:
    """Before Django 3.1: base64 of a hex digest, a colon, JSON or a pickle."""
    return Verdict.PROVEN if _DJANGO_LEGACY.match(from_base64(secret) or b"") else Verdict.REJECTED


def rails_encrypted(secret: str, _matched: str) -> Verdict:
    """AES-GCM since Rails 5.2: ciphertext, 12 bytes of IV, 16 bytes of tag."""
    parts = [from_base64(part) or b"" for part in unquote(secret).split("--")]
    return Verdict.PROVEN if len(parts) == 3 and parts[0] and [len(part) for part in parts[1:]] == [12, 16] else Verdict.REJECTED


def rails_encrypted_legacy(secret: str, _matched: str) -> Verdict:
    """AES-CBC: base64 of ``ciphertext--iv`` in base64 (whole blocks, 16 bytes), then a hex HMAC."""
    sealed = (from_base64(unquote(secret).rpartition("--")[0]) or b"").decode("latin-1")
    ciphertext, _, iv = sealed.partition("--")
    size = len(from_base64(ciphertext) or b"")
    return Verdict.PROVEN if size and size % 16 == 0 and len(from_base64(iv) or b"") == 16 else Verdict.REJECTED


def rails_signed(secret: str, _matched: str) -> Verdict:
    """Message verifier: base64 of JSON or of Ruby's Marshal, then a hex HMAC."""
    data = from_base64(unquote(secret).rpartition("--")[0]) or b""
    return Verdict.PROVEN if data.startswith(_MARSHAL) or is_json(data) else Verdict.REJECTED


def laravel(secret: str, _matched: str) -> Verdict:
    """Base64 of a JSON object with ``iv``, ``value`` and ``mac``."""
    return Verdict.PROVEN if json_object(from_base64(unquote(secret))).keys() >= {"iv", "value", "mac"} else Verdict.REJECTED


def aspnet_data_protection(secret: str, _matched: str) -> Verdict:
    """Magic 09 F0 C9 F0, a 16-byte key id, ciphertext."""
    data = from_base64(unquote(secret)) or b""
    if data[:4] != b"\x09\xf0\xc9\xf0":
        return Verdict.REJECTED
    return Verdict.PROVEN if len(data) >= 52 else Verdict.FAILED


def cockroachdb_session(secret: str, _matched: str) -> Verdict:
    """DB Console's cookie: Protocol Buffers of the session's id (field 1) and its 16 secret bytes (field 2)."""
    return Verdict.PROVEN if _COCKROACHDB.fullmatch(from_base64(unquote(secret)) or b"") else Verdict.REJECTED


def wordpress(secret: str, _matched: str) -> Verdict:
    """User, expiry, token, HMAC, with bars between."""
    fields = unquote(secret).split("|")
    timely = len(fields) == 4 and fields[1].isdecimal() and int(fields[1][:12]) in PLAUSIBLE_TIMES
    return Verdict.PROVEN if timely else Verdict.FAILED


def phoenix(secret: str, _matched: str) -> Verdict:
    """Algorithm, an Erlang term (it begins with the byte 131), an HMAC."""
    _, payload, signature = (*secret.split("."), "", "")[:3]
    holds = (from_base64(payload) or b"")[:1] == b"\x83" and _is_digest(signature)
    return Verdict.PROVEN if holds else Verdict.FAILED


def iron(secret: str, _matched: str) -> Verdict:
    """Eight fields with stars between: 64 hex digits for each salt, 16 bytes of IV, 32 of HMAC; iron-session adds ``~2``."""
    fields = unquote(secret).partition("~")[0].split("*")
    if len(fields) != 8:
        return Verdict.FAILED
    _, _, salt, iv, sealed, _, mac_salt, mac = fields
    sizes = (len(salt), len(from_base64(iv) or b""), len(mac_salt), len(from_base64(mac) or b""))
    return Verdict.PROVEN if sizes == (64, 16, 64, 32) and sealed else Verdict.FAILED


def remember_me(secret: str, _matched: str) -> Verdict:
    """Spring Security and Symfony: base64 of user, expiry and hash with colons between (Symfony puts the class first)."""
    return Verdict.PROVEN if _REMEMBER_ME.fullmatch(from_base64(unquote(secret)) or b"") else Verdict.UNKNOWN


CHECKS: Mapping[str, Check] = {
    "aspnet-data-protection": aspnet_data_protection,
    "cockroachdb-session": cockroachdb_session,
    "django": django,
    "django-session-data": django_session_data,
    "django-value": django_value,
    "iron": iron,
    "itsdangerous": itsdangerous,
    "itsdangerous-untimed": itsdangerous_untimed,
    "itsdangerous-value": itsdangerous_value,
    "laravel": laravel,
    "phoenix": phoenix,
    "rails-encrypted": rails_encrypted,
    "rails-encrypted-legacy": rails_encrypted_legacy,
    "rails-signed": rails_signed,
    "remember-me": remember_me,
    "wordpress": wordpress,
}
