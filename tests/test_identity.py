"""Keys and ids."""

from __future__ import annotations

import copy
import hmac
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import ConfigError
from auditor.identity import AuditKey, create_key, key_from_text, read_key


def test_ids_have_their_text_form(key: AuditKey) -> None:
    """Ids carry the key's id and 32 hex characters, and differ by key."""
    secret_id = key.secret_id("value")
    assert secret_id.startswith(f"sec_{key.key_id}")
    assert len(secret_id) == 4 + 8 + 32
    assert key.finding_id(secret_id, "r", "", "t", "c", "").startswith(f"fnd_{key.key_id}")
    assert AuditKey(b"j" * 32).secret_id("value")[12:] != secret_id[12:]


@given(secret=st.text(max_size=200))
def test_an_id_is_a_hmac(secret: str) -> None:
    """What names a secret is its HMAC-SHA256 under a subkey, the same from a copy of the key in another process."""
    key = AuditKey(b"k" * 32)
    extracted = hmac.digest(b"\0" * 32, b"k" * 32, "sha256")
    subkey = hmac.digest(extracted, b"auditor secret id\x01", "sha256")
    expected = hmac.digest(subkey, secret.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]
    assert key.secret_id(secret) == f"sec_{key.key_id}{expected}" == copy.deepcopy(key).secret_id(secret)


def test_subkeys_are_of_one_purpose(key: AuditKey) -> None:
    """32 bytes by HKDF, the same from a copy, and others for another purpose or key."""
    extracted = hmac.digest(b"\0" * 32, b"k" * 32, "sha256")
    expected = hmac.digest(extracted, b"auditor subkey one\x01", "sha256")
    assert key.subkey("one") == expected == copy.deepcopy(key).subkey("one")
    assert len({expected, key.subkey("two"), AuditKey(b"j" * 32).subkey("one")}) == 3


@given(parts=st.tuples(*[st.text(max_size=5)] * 5))
def test_a_finding_id_depends_on_where_parts_end(parts: tuple[str, str, str, str, str]) -> None:
    """Moving a character from one part to the next is another finding."""
    key = AuditKey(b"k" * 32)
    first, second, *rest = parts
    moved = (first + second[:1], second[1:], *rest)
    same = moved == parts
    assert (key.finding_id("s", *parts) == key.finding_id("s", *moved)) is same


def test_a_created_key_is_private_and_is_read_back(tmp_path: Path) -> None:
    """A new key file has mode 0600, and gives the same key again; it is never overwritten."""
    path = tmp_path / "deep" / "key"
    created = create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path).key_id == created.key_id == key_from_text(path.read_text()).key_id
    with pytest.raises(ConfigError):
        create_key(path)


def test_a_short_or_missing_key_is_refused(tmp_path: Path) -> None:
    """The error names the file or the length, not the key."""
    with pytest.raises(ConfigError, match="16 bytes"):
        key_from_text("short")
    with pytest.raises(ConfigError, match="nowhere"):
        read_key(tmp_path / "nowhere")


def test_repr_hides_the_key(key: AuditKey) -> None:
    """A key in a log is its id."""
    assert repr(key) == f"AuditKey({key.key_id})"
