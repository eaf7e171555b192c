import base64
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.detect.checks import Verdict, context, cookies, jose, private_keys, structures

TABLES = (context, cookies, jose, private_keys, structures)
CHECKS = structures.CHECKS
ENCODED = st.one_of(
    st.text(st.characters()),
    st.binary(max_size=300).map(lambda data: base64.b64encode(data).decode()),
    st.lists(st.binary(max_size=40).map(lambda data: base64.urlsafe_b64encode(data).decode()), max_size=8).map(".".join),
    st.lists(st.from_regex(r"[\w=%-]{0,40}", fullmatch=True), max_size=8).map("--".join),
    st.lists(st.from_regex(r"[\w=%-]{0,40}", fullmatch=True), max_size=9).map("*".join),
    st.lists(st.from_regex(r"[\w=%-]{0,40}", fullmatch=True), max_size=5).map(":".join),
)


CLAIMS = b'{"sub":"42"}'


def url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def verdict(name: str, secret: str) -> Verdict:
    return CHECKS[name](secret, secret)


@pytest.mark.parametrize(("name", "check"), [pair for table in TABLES for pair in table.CHECKS.items()])
@given(secret=ENCODED, matched=st.text())
def test_no_check_ever_raises(name: str, check, secret: str, matched: str):
    """Whatever a pattern might hand over, a check answers with a verdict."""
    assert isinstance(check(secret, matched or secret), Verdict), name


@pytest.mark.parametrize(("name", "check"), [pair for table in TABLES for pair in table.CHECKS.items()])
@pytest.mark.parametrize("unit", ["A", "[", "%41", "a.", "a:", "a--", "a*", "\\n", "é", "1"])
def test_a_huge_text_is_judged_without_being_decoded_whole(name: str, check, unit: str):
    """A megabyte of anything gets a verdict: nothing recurses or inflates without bound."""
    text = unit * (1_000_000 // len(unit))
    assert isinstance(check(text, text[:1000]), Verdict), name


def packet(key: bytes, value: bytes) -> bytes:
    return b"%04x%s %s\n" % (len(key) + len(value) + 6, key, value)


@given(st.binary(max_size=40), st.binary(min_size=32, max_size=32), st.lists(st.binary(max_size=20), max_size=3))
def test_a_version_1_macaroon_parses_to_its_signature(identifier: bytes, signature: bytes, caveats: list[bytes]):
    """Location, identifier, caveats and a 32-byte signature prove it; a byte less makes it one that was cut."""
    packets = [packet(b"location", b"https://a.internal"), packet(b"identifier", identifier)]
    whole = b"".join([*packets, *(packet(b"cid", caveat) for caveat in caveats), packet(b"signature", signature)])
    assert verdict("macaroon-v1", url64(whole)) is Verdict.PROVEN
    assert verdict("macaroon-v1", url64(whole[:-1])) is Verdict.FAILED
    assert verdict("macaroon-v1", url64(b"0010something a\n" + whole)) is Verdict.REJECTED


def field(kind: int, value: bytes) -> bytes:
    return bytes([kind, len(value)]) + value


@given(st.binary(min_size=1, max_size=100), st.binary(min_size=32, max_size=32), st.lists(st.binary(max_size=20), max_size=3))
def test_a_version_2_macaroon_parses_to_the_last_byte(identifier: bytes, signature: bytes, caveats: list[bytes]):
    """With and without a location; anything else that begins like one is something else."""
    tail = field(2, identifier) + b"\0" + b"".join(field(2, caveat) + b"\0" for caveat in caveats) + b"\0" + field(6, signature)
    assert verdict("macaroon-v2", url64(b"\2" + tail)) is Verdict.PROVEN
    assert verdict("macaroon-v2", url64(b"\2" + field(1, b"a.internal") + tail)) is Verdict.PROVEN
    assert verdict("macaroon-v2", url64(b"\2" + tail + b"\0")) is Verdict.REJECTED


@given(st.sampled_from(["v1", "v2", "v3", "v4"]), st.binary(min_size=1, max_size=200))
def test_a_paseto_has_its_versions_sizes(version: str, content: bytes):
    """A sealed body longer than nonce and tag, or claims before a signature of the right size."""
    sealed = {"v1": 80, "v2": 40, "v3": 80, "v4": 64}[version]
    signature = {"v1": 256, "v2": 64, "v3": 96, "v4": 64}[version]
    assert verdict("paseto", f"{version}.local.{url64(content + bytes(sealed))}.{url64(b'kid')}") is Verdict.PROVEN
    assert verdict("paseto", f"{version}.local.{url64(bytes(sealed))}") is Verdict.FAILED
    assert verdict("paseto", f"{version}.public.{url64(CLAIMS + bytes(signature))}") is Verdict.PROVEN
    assert verdict("paseto", f"{version}.public.{url64(content + bytes(signature - 1))}") is Verdict.FAILED


@pytest.mark.parametrize(
    ("kind", "size"), [("k1.local", 32), ("k4.local", 32), ("k2.secret", 64), ("k3.secret", 48), ("k4.secret", 64)]
)
def test_a_paserk_key_is_as_long_as_its_curve_says(kind: str, size: int):
    """One byte more is no key."""
    assert verdict("paserk", f"{kind}.{url64(bytes(size))}") is Verdict.PROVEN
    assert verdict("paserk", f"{kind}.{url64(bytes(size + 1))}") is Verdict.FAILED


@given(st.integers(1_262_304_000, 2_208_988_799), st.integers(1, 30))
def test_a_fernet_token_has_a_time_and_whole_blocks(time: int, blocks: int):
    """Version, time, IV, blocks and HMAC; a cut one fails, another version or time is something else."""
    token = b"\x80" + time.to_bytes(8, "big") + bytes(16 + 16 * blocks + 32)
    assert verdict("fernet", base64.urlsafe_b64encode(token).decode().replace("=", "%3D")) is Verdict.PROVEN
    assert verdict("fernet", url64(token[:-1])) is Verdict.FAILED
    assert verdict("fernet", url64(b"\x81" + token[1:])) is Verdict.REJECTED
    assert verdict("fernet", url64(b"\x80" + (1).to_bytes(8, "big") + token[9:])) is Verdict.REJECTED


def test_a_biscuit_is_protocol_buffers_with_a_block_and_a_proof():
    """A cut one fails."""
    block = b"\x0a\x0b" + bytes(11) + b"\x1a\x40" + bytes(64)
    token = b"\x12" + bytes([len(block)]) + block + b"\x22\x22\x0a\x20" + bytes(32)
    assert verdict("biscuit", url64(token)) is Verdict.PROVEN
    assert verdict("biscuit", url64(b"\x08\x01" + token)) is Verdict.PROVEN
    assert verdict("biscuit", url64(token[:-3])) is Verdict.FAILED
    assert verdict("biscuit", url64(b"\x15" + bytes(60))) is Verdict.FAILED


RESPONSE = b'<?xml version="1.0"?><samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">...</samlp:Response>'


@pytest.mark.parametrize("xml", [RESPONSE, RESPONSE.replace(b"samlp:", b""), b"<saml:Assertion ID='1'/>"])
def test_a_saml_response_is_a_secret_in_either_binding(xml: bytes):
    """Posted as it is, redirected deflated; a request carries none."""
    deflate = zlib.compressobj(wbits=-15)
    deflated = deflate.compress(xml) + deflate.flush()
    assert verdict("saml", base64.b64encode(xml).decode()) is Verdict.PROVEN
    assert verdict("saml", base64.b64encode(deflated).decode().replace("+", "%2B")) is Verdict.PROVEN
    assert verdict("saml", base64.b64encode(b"<samlp:AuthnRequest ID='1'/>").decode()) is Verdict.REJECTED


def test_a_deflate_bomb_is_no_saml_response():
    """It would inflate to 100 MB; the check stops at its bound."""
    deflate = zlib.compressobj(level=9, wbits=-15)
    bomb = b"".join(deflate.compress(bytes(1_000_000)) for _ in range(30)) + deflate.flush()
    assert verdict("saml", base64.b64encode(bomb).decode()) is Verdict.REJECTED


@given(st.lists(st.binary(max_size=60), min_size=6, max_size=6))
def test_an_ntlm_message_holds_its_own_fields(values: list[bytes]):
    """Six fields that lie inside it; a cut message fails, and so does a challenge."""
    head, body, offset = b"NTLMSSP\0" + struct.pack("<I", 3), b"", 64
    for value in values:
        head += struct.pack("<HHI", len(value), len(value), offset + len(body))
        body += value
    message = head + bytes(4) + body
    assert verdict("ntlm-authenticate", base64.b64encode(message).decode()) is Verdict.PROVEN
    if body:
        assert verdict("ntlm-authenticate", base64.b64encode(message[:-1]).decode()) is Verdict.FAILED
    assert verdict("ntlm-authenticate", base64.b64encode(message.replace(b"\3", b"\2", 1)).decode()) is Verdict.FAILED


@given(st.binary(min_size=200, max_size=600))
def test_a_kerberos_token_is_as_long_as_it_says(body: bytes):
    """SPNEGO's object identifier stands first."""
    content = bytes.fromhex("06062b0601050502") + body
    token = b"\x60\x82" + len(content).to_bytes(2, "big") + content
    assert verdict("kerberos", base64.b64encode(token).decode()) is Verdict.PROVEN
    assert verdict("kerberos", base64.b64encode(token + b"x").decode()) is Verdict.FAILED
    assert verdict("kerberos", base64.b64encode(token.replace(b"\x2b\x06", b"\x2b\x07", 1)).decode()) is Verdict.FAILED


@given(st.binary(min_size=10, max_size=40))
def test_a_one_time_password_seed_is_base32_of_80_bits(seed: bytes):
    """In either case, in groups, padded or not."""
    text = base64.b32encode(seed).decode()
    assert verdict("otp-seed", text) is Verdict.PROVEN
    assert verdict("otp-seed", text.rstrip("=").lower()) is Verdict.PROVEN
    assert verdict("otp-seed", "%20".join(text[at : at + 4] for at in range(0, len(text), 4))) is Verdict.PROVEN
    assert verdict("otp-seed", base64.b32encode(seed[:9]).decode()) is Verdict.FAILED
    assert verdict("otp-seed", text + "1") is Verdict.FAILED


@given(st.binary(min_size=10, max_size=64))
def test_an_export_of_seeds_is_protocol_buffers(seed: bytes):
    """Its first field is an account whose first field is the seed."""
    account = b"\x0a" + bytes([len(seed)]) + seed + b"\x12\x05alice"
    export = b"\x0a" + bytes([len(account)]) + account + b"\x10\x01"
    assert verdict("otp-migration", base64.b64encode(export).decode().replace("/", "%2F")) is Verdict.PROVEN
    assert verdict("otp-migration", base64.b64encode(export[: len(account)]).decode()) is Verdict.FAILED
    assert verdict("otp-migration", base64.b64encode(b"\x12" + export).decode()) is Verdict.FAILED
