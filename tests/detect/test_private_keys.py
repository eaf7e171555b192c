import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.detect.checks import Verdict
from auditor.detect.checks.private_keys import CHECKS, crc24


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def lines(text: str, newline: str) -> str:
    return newline.join(text[at : at + 64] for at in range(0, len(text), 64))


def element(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 0x80 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def verdict(name: str, secret: str, matched: str = "") -> Verdict:
    return CHECKS[name](secret, matched or secret)


@given(st.binary(min_size=3, max_size=2000), st.sampled_from(["\n", "\r\n", "\\n", "\\\\n", " "]))
def test_a_pem_body_is_der_to_its_last_byte(content: bytes, newline: str):
    """With real line breaks and escaped ones; a cut key fails, and what is no SEQUENCE is something else."""
    key = element(0x30, content)
    assert verdict("pem-private-key", lines(b64(key), newline)) is Verdict.PROVEN
    assert verdict("pem-private-key", lines(b64(key[:-1]), newline)) is Verdict.FAILED
    assert verdict("pem-private-key", lines(b64(b"\x31" + key[1:]), newline)) is Verdict.REJECTED


def test_an_openssh_key_holds_its_private_part():
    """Cipher, KDF, options, one key: public and private; cut in the private part it fails."""
    fields = b"".join(len(value).to_bytes(4, "big") + value for value in (b"none", b"none", b""))
    parts = b"".join(len(value).to_bytes(4, "big") + value for value in (bytes(51), bytes(136)))
    key = b"openssh-key-v1\0" + fields + (1).to_bytes(4, "big") + parts
    assert verdict("pem-private-key", lines(b64(key), "\n")) is Verdict.PROVEN
    assert verdict("pem-private-key", lines(b64(key[:-20]), "\n")) is Verdict.FAILED


def test_a_key_under_an_old_passphrase_is_whole_blocks():
    """Nothing more can be told of ciphertext, and it must have its end."""
    matched = "Proc-Type: 4,ENCRYPTED\n" + b64(bytes(160)) + "\n-----END"
    assert verdict("pem-private-key", b64(bytes(160)), matched) is Verdict.PROVEN
    assert verdict("pem-private-key", b64(bytes(159)), matched) is Verdict.FAILED


@pytest.mark.parametrize(("version", "expected"), [(0, "PROVEN"), (1, "PROVEN"), (3, "PROVEN"), (2, "REJECTED")])
def test_bare_der_begins_with_the_version_of_a_key(version: int, expected: str):
    """A certificate has a SEQUENCE there."""
    key = element(0x30, bytes([2, 1, version]) + element(4, bytes(300)))
    assert verdict("der-private-key", b64(key)).name == expected
    assert verdict("der-private-key", b64(element(0x30, element(0x30, bytes(300))))) is Verdict.REJECTED
    if expected == "PROVEN":
        assert verdict("der-private-key", b64(key[:-9])) is Verdict.FAILED


def test_crc24_has_the_check_value_of_openpgp():
    """The catalogue's value for the text 123456789."""
    assert crc24(b"123456789") == 0x21CF02


@given(st.binary(min_size=20, max_size=400), st.sampled_from(["\n", "\\n"]), st.sampled_from([0x94, 0x95, 0xC5, 0xC7, 0x9D]))
def test_an_openpgp_key_begins_with_a_secret_key_packet(content: bytes, newline: str, tag: int):
    """Its CRC-24 proves it; without one nothing is proved; a message is something else."""
    data = bytes([tag]) + content
    body = lines(b64(data), newline)
    assert verdict("pgp-private-key", f"{body}{newline}={b64(crc24(data).to_bytes(3, 'big'))}") is Verdict.PROVEN
    assert verdict("pgp-private-key", f"{body}{newline}={b64((crc24(data) ^ 1).to_bytes(3, 'big'))}") is Verdict.FAILED
    assert verdict("pgp-private-key", body) is Verdict.UNKNOWN
    assert verdict("pgp-private-key", lines(b64(b"\x85" + content), newline)) is Verdict.REJECTED


def test_putty_lines_decode():
    """And a cut last group loses only itself."""
    assert verdict("putty-private-key", lines(b64(bytes(100)), "\r\n")) is Verdict.PROVEN
    assert verdict("putty-private-key", "=") is Verdict.FAILED
