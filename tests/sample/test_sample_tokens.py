"""The published vectors are assembled here from pieces, so that no file of this repository holds a whole one."""

import ast
import base64
import hashlib
import json
import re
import struct
import zlib
from pathlib import Path
from random import Random

import pytest

import auditor.sample
from auditor.sample.tokens import azure, catalogue, checksums, packages, private_keys, wallets
from auditor.sample.tokens.base_n import base58, base_n, bech32
from auditor.sample.tokens.kinds import Expect, Shape
from auditor.sample.tokens.randomness import BASE36, BASE58, BASE62
from auditor.sample.tokens.spoiled import spoiled

COUNT = bytes(range(32))


def test_building_blocks_agree_with_their_check_values():
    """CRCs, base62 and Marvin give the values that their sources publish."""
    assert base_n(checksums.crc32("123456789"), BASE62, 6) == "3jZRME"
    assert checksums.crc16(b"123456789") == 0x31C3
    assert checksums.crc24(b"123456789") == 0x21CF02
    low, high = checksums.marvin32_pair(0x804FB61A001BDBCC, b"")
    assert high << 32 | low == 0x10A9D5D3996FD65D
    assert checksums.azure_seed("Default0") == 0x44656661756C7430


GITHUB_BODY = "0123456789abcdefABCDEFghijKLMN"


@pytest.mark.parametrize(
    ("check", "body", "tail"),
    [
        (checksums.crc32_base62, GITHUB_BODY, "0rVAJv"),
        (checksums.crc32_base62, "PadCheck000000000000000000000" + "1", "0W2eVE"),
        (checksums.crc32_base62, GITHUB_BODY * 2 + "0123456789", "0dCCKh"),
        (checksums.crc32_base62, "0123456789abcdefghijABCDEFGHIJ0123456789klmnopqrst", "3ZPrfM"),
        (
            checksums.sha256_base32,
            "github" + "_pat_11SYNTHETIC0example000_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG",
            "OIK2QSYN",
        ),
        (checksums.crc32_base36, "glpat" + "-AAECAwQFBgcICQoLDA0OD2M6MQpvOjEKdToxegw.01.13", "0nidjmq"),
        (checksums.crc32_base36, "glrt" + "-t3_AAECAwQFBgcICQoLDA0OD2M6MQpnOjJzCm86MQw.01.13", "176aw34"),
        (checksums.crc32_upper, "ATBB" + "Synthetic0Example0Token0", "CD373FBC"),
        (checksums.crc32_upper, "ATATT3xFfGF0" + "Ab0-_" * 10 + "=", "F1E30CDF"),
        (checksums.crc32_little, "glsa" + "_Synthetic0Example0Token0000000AB", "993a3054"),
        (checksums.crc32_base64, "Synthetic0Example0Secret" + "0" * 30, "xw3dKg"),
        (lambda text: f"{checksums.crc32(text):08x}", "0123456789abcdef0123456789abcdef", "7759b50e"),
        (checksums.crc32_base62, "syt" + "_YWxpY2U_abcdefghijKLMNOPQRST", "1gMEYn"),
        (checksums.crc32_base62_reversed, "mat" + "_0123456789ABCDEFGHIJabcdefghij", "0WADMv"),
        (lambda text: f"{checksums.crc32(text):08x}", "0123456789ABCDEFGHIJabcdefghijKLMNOPQRST", "37b1e3ca"),
        (checksums.entra_check, "abc8Q" + "~Synthetic0Example0Secret0value0", "bYO"),
    ],
)
def test_checks_agree_with_the_published_vectors(check, body, tail):
    """Each checksum, computed anew, is the one that the vector carries."""
    assert check(body) == tail


def test_azure_keys_agree_with_the_published_vectors():
    """Both forms: a signature with Marvin over the bytes before it, and the common annotated key."""
    storage = base64.b64decode("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4" + "+AStY5ep4A==")
    assert struct.pack("<I", checksums.marvin32(checksums.azure_seed("Default0"), storage[:-4])) == storage[-4:]
    hubs = base64.b64decode("AAECAwQFBgcICQoLDA0ODxAREhMUFRYX" + "G+AEhAfzdKY=")
    assert struct.pack("<I", checksums.marvin32(checksums.azure_seed("Send0000"), hubs[:-4])) == hubs[-4:]
    text = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop" + "JQQJ99CAAC0123456789AAAAAZDO"
    raw = struct.pack("<I", checksums.marvin32(checksums.azure_seed("Default0"), base64.b64decode(text)))
    assert raw.hex() == "b9cd7ba7"
    assert base_n(int.from_bytes(raw, "big"), BASE62, 6) == "3OxfVv"


def test_encodings_with_check_bytes_agree_with_the_published_vectors():
    """base58check, bech32 and the base32 keys of NATS and Stellar."""
    key = bytes(range(1, 33))
    assert wallets.base58check(b"\x80" + key + b"\x01") == "KwFfpDsaF7yxCELuyrH9gP5XL7TAt5b9" + "HPWC1xCQbmrxvhJgMQHb"
    assert wallets.base58check(b"\x80" + key) == "5HpjKrb7dH5kKQQzmbjB87Mxova7mek5b" + "XUTWfndcX6tBoqUwzm"
    assert bech32("nsec", COUNT) == "nsec1" + "qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0s8zu3a4"
    assert (
        bech32("age-secret-key-", COUNT).upper()
        == "AGE-SECRET-" + "KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG"
    )
    raw = b"\x90" + COUNT
    assert (
        base64.b32encode(raw + struct.pack("<H", checksums.crc16(raw)))
        == b"SAAACAQDAQCQMBYIBEFAWDANBYHRAEISC" + b"MKBKFQXDAMRUGY4DUPB6NKI"
    )
    assert base58(b"\0\0\x01", BASE58) == "112"


def test_a_nats_seed_decodes_to_its_role_and_checksum():
    """The published seed passes the same check as those that are made."""
    published = "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCI" + "JRIFIWC4MBSGQ3DQOR4H776Y"
    for seed in (published, *(private_keys.nats_seed(Random(number)) for number in range(20))):
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
        assert struct.unpack("<H", raw[-2:]) == (checksums.crc16(raw[:-2]),)
        assert seed[:2] in ("SU", "SA", "SO")


def made(kind, number):
    return kind.make(Random(number))


def kinds_named(name):
    return [kind for kind in catalogue.REAL if kind.id == name]


def test_made_checksums_hold():
    """Tokens as made pass a check that is written here, apart from the generator."""
    crc = zlib.crc32
    for number in range(25):
        for name in ("github-pat-classic", "github-refresh-token", "npm-token", "vercel-pat"):
            body = made(*kinds_named(name), number).secret.split("_", 1)[1]
            value, digits = crc(body[:-6].encode()), ""
            for _ in range(6):
                value, digit = divmod(value, 62)
                digits = BASE62[digit] + digits
            assert body.endswith(digits)
        grafana = made(*kinds_named("grafana-service-account"), number).secret
        assert bytes.fromhex(grafana[-8:]) == struct.pack("<I", crc(grafana[:-9].encode()))
        atlassian = made(*kinds_named("atlassian-api-token"), number).secret
        assert int(atlassian[-8:], 16) == crc(atlassian[:-8].encode())
        assert len(atlassian) == 192
        sanctum = made(*kinds_named("laravel-sanctum-token"), number).secret.partition("|")[2]
        assert int(sanctum[-8:], 16) == crc(sanctum[:-8].encode())
        routable = made(*kinds_named("gitlab-routable-token"), number).secret
        assert int(routable[-7:], 36) == crc(routable[:-7].encode())
        payload = routable.partition("-")[2].partition(".")[0]
        assert int(routable.split(".")[2][:2], 36) == len(payload)
        raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        assert raw[16:-1].count(b"\n") == 2
        assert raw[-1] == len(raw) - 17
        fine = made(*kinds_named("github-pat-fine-grained"), number).secret
        assert len(fine) == 93
        assert base64.b32encode(hashlib.sha256(fine[:-16].encode()).digest()).decode().startswith(fine[-16:-8])


@pytest.mark.parametrize("kind", azure.IDENTIFIABLE)
def test_identifiable_keys_carry_their_signature_and_checksum(kind):
    """The signature stands before the last six significant characters, and Marvin under one of the seeds before the end."""
    signature, size, seeds, url_safe = azure.IDENTIFIABLE[kind]
    for number in range(20):
        key = azure.identifiable_key(Random(number), kind)
        raw = base64.urlsafe_b64decode(key) if url_safe else base64.b64decode(key)
        significant = key.rstrip("=")
        assert significant[-10:-6] == signature
        assert len(raw) == size
        numbers = [seed if isinstance(seed, int) else checksums.azure_seed(seed) for seed in seeds]
        assert raw[-4:] in [struct.pack("<I", checksums.marvin32(seed, raw[:-4])) for seed in numbers]


def test_structures_parse():
    """Tokens whose proof is a structure have it: JWT parts, a macaroon to its last byte, base58 of the right size, PEM lines."""
    for number in range(20):
        header, claims, signature = made(*kinds_named("jwt-signed"), number).secret.split(".")
        assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "HS256", "typ": "JWT"}
        assert json.loads(base64.urlsafe_b64decode(claims + "=="))["exp"]
        assert len(signature) == 43
        pypi = packages.pypi(Random(number)).partition("-")[2]
        raw = base64.urlsafe_b64decode(pypi + "=" * (-len(pypi) % 4))
        assert raw[:3] == b"\x02\x01\x08"
        assert raw[-34:-32] == b"\x06\x20"
        jfrog = made(*kinds_named("jfrog-api-key"), number).secret
        assert len(jfrog) == 73
        value = 0
        for letter in jfrog:
            value = value * 58 + BASE58.index(letter)
        assert value.bit_length() <= 54 * 8
        reference = base64.b64decode(made(*kinds_named("jfrog-reference-token"), number).secret).decode()
        assert re.fullmatch(r"reftkn:01:\d{10}:\w{27}", reference)
        block = made(*kinds_named("pem-rsa-private-key"), number).secret.split("\n")
        der = base64.b64decode("".join(block[1:-1]))
        assert der[:2] == b"\x30\x82"
        assert struct.unpack(">H", der[2:4]) == (len(der) - 4,)
        assert all(len(line) == 64 for line in block[1:-2])
        armour = made(*kinds_named("pgp-private-key"), number).secret.split("\n")
        assert base64.b64decode(armour[-2][1:]) == checksums.crc24(base64.b64decode("".join(armour[2:-2]))).to_bytes(3, "big")


def test_an_account_number_can_be_read_from_a_key_id():
    """The published key id decodes to its account, and made ones decode to twelve digits."""
    ids = ["AKIA" + "RZPUZDIKFIAQEAYE", *(made(*kinds_named("aws-access-key-id"), number).secret for number in range(50))]
    accounts = [(int.from_bytes(base64.b32decode(text[4:])[:6], "big") & 0x7FFFFFFFFFFF) >> 7 for text in ids]
    assert accounts[0] == 123456789012
    assert all(10**11 <= account < 10**12 for account in accounts)


def test_spoiled_tokens_keep_their_shape_and_lose_their_checksum():
    """One character differs, and it is one that the token holds anyway."""
    for number in range(50):
        for kind in catalogue.SPOILED:
            assert made(kind, number).secret
    token = "Ab1Cd2Ef3"
    for place in range(len(token)):
        changed = spoiled(token, place)
        assert sum(one != other for one, other in zip(token, changed, strict=True)) == 1
        assert set(changed) <= set(token)


ALL = (*catalogue.REAL, *catalogue.SPOILED, *catalogue.UNKNOWN, *catalogue.OPAQUE, *catalogue.LOOKALIKES)


def test_at_least_130_real_kinds_and_some_of_every_other_sort():
    """The catalogue is broad."""
    assert len({kind.id for kind in catalogue.REAL}) >= 130
    assert {kind.expect for kind in ALL} == set(Expect)
    assert {kind.shape for kind in catalogue.REAL} == set(Shape)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: f"{kind.id}-{kind.shape}-{kind.expect}")
def test_texts_have_the_shape_that_their_kind_states(kind):
    """One line without spaces, one line, a block or JSON; the same seed makes the same text, and another one another."""
    texts = set()
    for number in range(8):
        text, secret, also = kind.make(Random(number))
        assert (text, secret, also) == kind.make(Random(number))
        assert secret
        assert "\n" not in text or kind.shape is Shape.BLOCK
        assert " " not in text or kind.shape in (Shape.TEXT, Shape.BLOCK, Shape.DOCUMENT)
        assert text.isascii()
        if kind.shape is Shape.DOCUMENT:
            json.loads(text)
        texts.add(text)
    assert len(texts) == 8 or kind.expect is Expect.NONE


def test_bodies_hold_no_marks_of_documentation():
    """No random part shows a run or a word that detectors drop as a placeholder."""
    marks = re.compile(r"(?i)example|x{4}|0{6}|1234567890|changeme|placeholder")
    for kind in catalogue.REAL:
        for number in range(10):
            assert not marks.search(made(kind, number).secret.replace("AAAA", "")), kind.id


def test_the_sample_knows_nothing_of_the_detector():
    """No module of the sample imports from auditor.detect."""
    root = Path(auditor.sample.__file__).parent
    files = list(root.rglob("*.py"))
    assert len(files) > 40
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not any(name.startswith("auditor.detect") for name in names), file.name


def test_base36_is_what_gitlab_counts_in():
    """Digits before letters, most significant first."""
    assert base_n(35 * 36 + 1, BASE36, 3) == "0z1"
