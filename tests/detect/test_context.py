import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.detect.checks import Verdict
from auditor.detect.checks.context import CHECKS

WORDS = st.lists(st.text(string.ascii_lowercase, min_size=2, max_size=12), min_size=1, max_size=6)


def verdict(name: str, secret: str, matched: str = "") -> Verdict:
    return CHECKS[name](secret, matched or secret)


def basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


@given(WORDS, st.sampled_from(["-", "_", ".", "/", "%20"]), st.booleans())
def test_words_are_not_opaque(words: list[str], separator: str, upper: bool):  # noqa: FBT001 - hypothesis fills it in
    """Slugs, constants, file names and camel case are written to be read."""
    text = separator.join(words)
    assert verdict("opaque", text.upper() if upper and separator != "%20" else text) is Verdict.REJECTED
    assert verdict("opaque", words[0] + "".join(word.title() for word in words[1:])) is Verdict.REJECTED


@given(st.binary(min_size=24, max_size=64))
def test_random_bytes_are_opaque(data: bytes):
    """In hex and in base64url, unless they spell something readable."""
    text = base64.urlsafe_b64encode(data).decode().rstrip("=")
    digits = sum(character.isdigit() for character in text)
    if digits > 3 and "-" not in text and "_" not in text:
        assert verdict("opaque", "q7" + text) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("text", "expected", "as_a_name"),
    [
        ("0b1f8f0e-7c38-4bb5-9f43-1c1f5d0f7d7e", "UNKNOWN", "REJECTED"),
        ("0b1f8f0e-7c38-1bb5-9f43-1c1f5d0f7d7e", "REJECTED", "REJECTED"),
        ("0198f0e1-7c38-7bb5-9f43-1c1f5d0f7d7e", "REJECTED", "REJECTED"),
        ("01JZ5K6M7N8P9QRSTVWXYZ0123", "REJECTED", "REJECTED"),
        ("2026-01-01T00", "REJECTED", "REJECTED"),
        ("129871659123047389", "REJECTED", "REJECTED"),
        ("report-2026-q1.pdf", "REJECTED", "REJECTED"),
        ("Xq7Kd0Vw3LmX5TnB1RyC9H", "UNKNOWN", "UNKNOWN"),
    ],
)
def test_identifiers_and_numbers_are_not_opaque(text: str, expected: str, as_a_name: str):
    """A random UUID may be a token in a token's place, but not where things are named."""
    assert (verdict("opaque", text).name, verdict("opaque-not-uuid", text).name) == (expected, as_a_name)


@pytest.mark.parametrize("password", ["hunter2", "s3cret!", "correct-horse-9432", "p%40ss", "x9", "Pa55word"])
def test_a_real_password_stands(password: str):
    """Even a weak one."""
    assert verdict("password", password) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("uri", "password"),
    [
        ("postgres://postgres:postgres@localhost", "postgres"),
        ("amqp://Guest:guest@localhost", "guest"),
        ("mysql://minio%2Dadmin:minio-admin@h", "minio-admin"),
        ("http://10.0.0.1:8080,ops@mail.internal", "8080,ops"),
        ("postgresql://demo:demo12345@127.0.0.1:26257/movr", "demo12345"),
    ],
)
def test_default_accounts_and_ports_are_no_passwords(uri: str, password: str):
    """A password that repeats the user's name, and a port with an address after it."""
    assert verdict("uri-password", password, uri) is Verdict.REJECTED


@given(st.from_regex(r"[a-z]{3,10}", fullmatch=True), st.from_regex(r"[a-z]{4}[0-9!]{4}[A-Z]{3}", fullmatch=True))
def test_basic_credentials_are_proven_by_their_colon(user: str, password: str):
    """What decodes to something else, or to a placeholder, is something else."""
    assert verdict("basic-credentials", basic(user, password)) is Verdict.PROVEN
    assert verdict("basic-credentials", basic(user, "")) is Verdict.REJECTED
    assert verdict("basic-credentials", basic(user, "password")) is Verdict.REJECTED
    assert verdict("basic-credentials", basic(user, user)) is Verdict.REJECTED
    assert verdict("basic-credentials", basic(user, password + "\x01")) is Verdict.REJECTED
    assert verdict("basic-credentials", base64.b64encode(user.encode()).decode()) is Verdict.REJECTED
