import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from auditor.confirm.recipe import Recipe
from auditor.errors import ConfigError
from tests.confirm.confirming import declared, token

TOKEN = token(1).encode()
KEY, PEPPER = "a key of the application", "some pepper"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch):
    monkeypatch.setenv("APP_KEY", KEY)
    monkeypatch.setenv("APP_PEPPER", PEPPER)
    monkeypatch.setenv("APP_KEY_HEX", KEY.encode().hex())
    monkeypatch.setenv("APP_KEY_BASE64", base64.b64encode(KEY.encode()).decode())


def recipe(token_settings=None, **settings):
    return Recipe.of(declared(recipe=settings, token=token_settings or {}))


@pytest.mark.parametrize("name", ["sha256", "sha512", "sha1", "md5"])
def test_a_plain_digest_is_that_of_the_standard_library(name):
    """Each hash without a key gives the digest of the token."""
    assert recipe(hash=name).fingerprint(TOKEN) == hashlib.new(name, TOKEN).digest()


@pytest.mark.parametrize("name", ["sha256", "sha512"])
@pytest.mark.parametrize(("variable", "form"), [("APP_KEY", "text"), ("APP_KEY_HEX", "hex"), ("APP_KEY_BASE64", "base64")])
def test_a_code_is_that_of_the_standard_library(name, variable, form):
    """Each HMAC gives the code of the token under the key, in whatever form the key is kept."""
    made = recipe(hash=f"hmac-{name}", key={"env": variable}, key_form=form)
    assert made.fingerprint(TOKEN) == hmac.digest(KEY.encode(), TOKEN, name)


def test_a_key_longer_than_a_block_is_hashed_first(monkeypatch):
    """HMAC takes keys of any length (RFC 2104)."""
    monkeypatch.setenv("LONG", "x" * 200)
    assert recipe(hash="hmac-sha256", key={"env": "LONG"}).fingerprint(TOKEN) == hmac.digest(b"x" * 200, TOKEN, "sha256")


@pytest.mark.parametrize("at", ["start", "end"])
def test_what_is_added_to_the_token_is_hashed_with_it(at):
    """Text before and after the token, and a pepper at either end, are part of what is hashed."""
    made = recipe(hash="sha256", pepper={"env": "APP_PEPPER"}, pepper_at=at, prepend="v1.", append=".x")
    whole = b"v1." + TOKEN + b".x"
    whole = PEPPER.encode() + whole if at == "start" else whole + PEPPER.encode()
    assert made.fingerprint(TOKEN) == hashlib.sha256(whole).digest()
    coded = recipe(hash="hmac-sha256", key={"env": "APP_KEY"}, prepend="v1.", append=".x")
    assert coded.fingerprint(TOKEN) == hmac.digest(KEY.encode(), b"v1." + TOKEN + b".x", "sha256")


def test_what_follows_the_prefix_can_be_all_that_is_hashed():
    """With ``hashed: body`` the prefix is cut off first."""
    made = recipe({"prefix": "sess_", "hashed": "body"}, hash="sha256")
    assert made.fingerprint(b"sess_" + TOKEN) == hashlib.sha256(TOKEN).digest() == made.plain()(b"sess_" + TOKEN)


@pytest.mark.parametrize("encoding", ["hex", "base64", "base64url"])
def test_the_bytes_that_a_token_stands_for_can_be_what_is_hashed(encoding):
    """An encoded token is decoded first; one that is not encoded so has no fingerprint."""
    raw = bytes(range(200, 232))
    encoded = {
        "hex": raw.hex().encode(),
        "base64": base64.b64encode(raw),
        "base64url": base64.urlsafe_b64encode(raw).rstrip(b"="),
    }
    made = recipe({"encoding": encoding}, hash="sha256")
    assert made.fingerprint(encoded[encoding]) == hashlib.sha256(raw).digest()
    assert made.fingerprint(b"!" * 12) == b""


@given(st.binary(min_size=1, max_size=80), st.sampled_from(["hex", "base64", "base64url", "bytes"]), st.integers(12, 32))
def test_what_a_column_holds_is_parsed_to_the_fingerprint_of_its_token(value, form, size):
    """In every text form, cut or not, the column's value gives what the recipe makes of the token."""
    made = recipe(hash="sha256", form=form, bytes=size)
    digest = hashlib.sha256(value).digest()[:size]
    stored = {
        "hex": digest.hex(),
        "base64": base64.b64encode(digest).decode(),
        "base64url": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "bytes": "\\x" + digest.hex(),
    }[form]
    assert made.parse(stored) == made.fingerprint(value) == digest
    assert made.parse(stored + "00" * 8) is None


def test_a_digest_that_is_cut_within_a_byte_counts_by_whole_bytes():
    """22 characters of base64 are 16 bytes and 4 bits; 33 of hex are 16 bytes and 4 bits."""
    digest = hashlib.sha256(TOKEN).digest()
    assert recipe(hash="sha256", bytes=16).parse(digest.hex()[:33]) == digest[:16]
    assert recipe(hash="sha256", form="base64", bytes=16).parse(base64.b64encode(digest).decode()[:22]) == digest[:16]


def test_what_is_no_fingerprint_is_none():
    """Values of another form, length, label or type are not taken for fingerprints."""
    made = recipe(hash="sha256", label="sha256:")
    good = hashlib.sha256(TOKEN).hexdigest()
    assert made.parse(f"sha256:{good.upper()}") == bytes.fromhex(good)
    for other in (good, f"sha256:{good[:-2]}", f"sha256:{good[:-1]}g", f"md5:{good}", "", None, 7, ["x"], "sha256:é" + good):
        assert made.parse(other) is None


def test_recipes_are_told_apart_by_what_they_make():
    """Two columns of one recipe share its tag, whatever form they keep it in; any other difference gives another."""
    plain = recipe(hash="sha256")
    assert plain.tag == recipe(hash="sha256", form="base64", label="x").tag
    others = [
        recipe(hash="sha512"),
        recipe(hash="sha256", bytes=16),
        recipe(hash="sha256", append="x"),
        recipe(hash="sha256", pepper={"env": "APP_PEPPER"}),
        recipe({"encoding": "hex"}, hash="sha256"),
    ]
    assert len({plain.tag, *(other.tag for other in others)}) == len(others) + 1


@pytest.mark.parametrize(
    "settings",
    [
        {"recipe": {"hash": "sha256", "key": {"env": "APP_KEY"}}},
        {"recipe": {"hash": "hmac-sha256"}},
        {"recipe": {"hash": "sha256", "bytes": 8}},
        {"recipe": {"hash": "md5", "bytes": 32}},
        {"recipe": {"hash": "sha256", "salt": "x"}},
        {"token": {"lengths": [4]}},
        {"token": {"lengths": [20], "shortest": 20}},
        {"token": {"shortest": 30, "longest": 20}},
        {"token": {"prefix": "sess_0123", "lengths": [9]}},
        {"key": []},
        {"colour": "blue"},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings):
    """A key without an HMAC, an HMAC without one, digests too short to prove anything, and unknown fields are errors."""
    with pytest.raises(ValidationError):
        declared(**settings)


def test_a_missing_or_misread_key_is_named(monkeypatch):
    """The error names the variable and never what is in it."""
    with pytest.raises(ConfigError, match="NOT_THERE"):
        recipe(hash="hmac-sha256", key={"env": "NOT_THERE"})
    with pytest.raises(ConfigError, match="APP_KEY") as caught:
        recipe(hash="hmac-sha256", key={"env": "APP_KEY"}, key_form="hex")
    assert KEY not in str(caught.value)
