import base64
import hashlib
import random
import string
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.detect.bases import BASE36, BASE58, BASE62, BASE64, BECH32, from_base58, written
from auditor.detect.checks import Verdict, all_checks
from auditor.detect.checks.azure import checksum, marvin32
from auditor.detect.checks.keys import crc16, polymod

CHECKS = all_checks()
ENTRA = string.ascii_letters + "1234567890.-_~"


def verdict(name: str, spaced: str) -> Verdict:
    secret = spaced.replace(" ", "")
    return CHECKS[name](secret, secret)


def crc(text: str) -> int:
    return zlib.crc32(text.encode())


# Synthetic tokens whose checksums were computed by other programs. The spaces keep them from being tokens here.
VECTORS = [
    ("crc32-of-body", "gh p_0123456789 abcdefABCDEF ghijKLMN0rVAJv"),
    ("crc32-of-body", "gh p_PadCheck00 000000000000 000000010W2eVE"),
    ("crc32-of-body", "gh r_0123456789 abcdefABCDEF ghijKLMN0123 456789abcdef ABCDEFghijKL MN0123456789 0dCCKh"),
    ("crc32-of-body", "np m_0123456789 abcdefABCDEF ghijKLMN0rVAJv"),
    ("crc32-of-body", "vc p_0123456789 abcdefghijAB CDEFGHIJ0123 456789klmnop qrst3ZPrfM"),
    (
        "github-fine-grained",
        "gi thub_pat_11S YNTHETIC0exa mple000_0123 456789abcdef ghijklmnopqr stuvwxyzABCD EFGOIK2QSYNT AIL0000",
    ),
    ("gitlab-routable", "gl pat-AAECAwQF BgcICQoLDA0O D2M6MQpvOjEK dToxegw.01.1 30nidjmq"),
    ("gitlab-routable", "gl rt-t3_AAECAw QFBgcICQoLDA 0OD2M6MQpnOj JzCm86MQw.01 .13176aw34"),
    ("atlassian-crc32", "AT BBSynthetic0 Example0Toke n0CD373FBC"),
    ("atlassian-crc32", "AT ATT3xFfGF0Ab 0-_Ab0-_Ab0- _Ab0-_Ab0-_A b0-_Ab0-_Ab0 -_Ab0-_Ab0-_ =F1E30CDF"),
    ("grafana-crc32", "gl sa_Synthetic 0Example0Tok en0000000AB_ 993a3054"),
    ("confluent-crc32", "cf ltSynthetic0 Example0Secr et0000000000 000000000000 00000000xw3dKg"),
    ("zuplo-crc32", "zp ka_012345678 9abcdef01234 56789abcdef_ 7759b50e"),
    ("matrix-synapse-crc32", "sy t_YWxpY2U_ab cdefghijKLMN OPQRST_1gMEYn"),
    ("matrix-mas-crc32", "ma t_0123456789 ABCDEFGHIJab cdefghij_0WADMv"),
    ("sanctum-crc32", "17 |0123456789A BCDEFGHIJabc defghijKLMNO PQRST37b1e3ca"),
    ("azure-identifiable-key", "AA ECAwQFBgcICQ oLDA0ODxAREh MUFRYXGBkaGx wdHh8gISIjJC UmJygpKissLS 4vMDEyMzQ1Nj c4+AStY5ep4A=="),
    ("azure-identifiable-key", "AA ECAwQFBgcICQ oLDA0ODxAREh MUFRYXG+AEhA fzdKY="),
    ("azure-annotated-key", "01 23456789ABCD EFGHIJKLMNOP QRSTUVWXYZab cdefghijklmn opJQQJ99CAAC 0123456789AA AAAZDO3Oxf"),
    ("azure-annotated-key", "01 23456789ABCD EFGHIJKLMNOP QRSTUVWXYZab cdefghijklmn opJQQJ99CAAC 0123456789AA AAAZDO3OxfVg=="),
    ("entra-client-secret", "ab c8Q~Syntheti c0Example0Se cret0value0bYO"),
    ("base32-crc16", "SU AAAAICAMCAKB QHBAEQUCYMBU HA6EARCIJRIF IWC4MBSGQ3DQ OR4H776Y"),
    ("base32-crc16", "SA AACAQDAQCQMB YIBEFAWDANBY HRAEISCMKBKF QXDAMRUGY4DU PB6NKI"),
    ("base58-check", "Kw FfpDsaF7yxCE LuyrH9gP5XL7 TAt5b9HPWC1x CQbmrxvhJgMQHb"),
    ("base58-check", "5H pjKrb7dH5kKQ QzmbjB87Mxov a7mek5bXUTWf ndcX6tBoqUwzm"),
    ("bech32", "AG E-SECRET-KEY -1QQQSYQCYQ5 RQWZQFPG9SCR GWPUGPZYSNZS 23V9CCRYDPK8 QARC0SWRYDWG"),
    ("bech32", "ns ec1qqqsyqcyq 5rqwzqfpg9sc rgwpugpzysnz s23v9ccrydpk 8qarc0s8zu3a4"),
]


@pytest.mark.parametrize(("name", "spaced"), VECTORS, ids=[f"{name}-{index}" for index, (name, _) in enumerate(VECTORS)])
def test_a_token_with_a_right_checksum_is_proven(name: str, spaced: str) -> None:
    """Published and recomputed vectors of every algorithm hold."""
    assert verdict(name, spaced) is Verdict.PROVEN


@pytest.mark.parametrize(("name", "spaced"), VECTORS, ids=[f"{name}-{index}" for index, (name, _) in enumerate(VECTORS)])
def test_a_token_with_one_character_changed_fails(name: str, spaced: str) -> None:
    """One other character in the middle is enough; GitHub's undocumented sum says "unknown" then."""
    secret = spaced.replace(" ", "")
    middle = len(secret) // 2
    changed = secret[:middle] + ("A" if secret[middle] != "A" else "C") + secret[middle + 1 :]
    assert verdict(name, changed) is (Verdict.UNKNOWN if name == "github-fine-grained" else Verdict.FAILED)


def test_the_building_blocks_give_their_published_check_values() -> None:
    """CRC-32, CRC-16/XMODEM, base62 and Marvin32 agree with their standards' own test values."""
    assert crc("123456789") == 0xCBF43926
    assert written(0xCBF43926, BASE62, 6) == "3jZRME"
    assert crc16(b"123456789") == 0x31C3
    assert marvin32(b"", 0x804FB61A001BDBCC) == 0x10A9D5D3996FD65D
    assert int.from_bytes(b"Default0", "big") == 0x44656661756C7430
    assert polymod([0] * 5) != 1


@given(st.integers(min_value=0, max_value=2**64), st.sampled_from([BASE36, BASE58, BASE62, BASE64]))
def test_a_number_can_be_read_back_from_its_digits(number: int, alphabet: str) -> None:
    """Digits in any base stand for the number they were made from."""
    read = 0
    for digit in written(number, alphabet, 4):
        read = read * len(alphabet) + alphabet.index(digit)
    assert read == number


@given(st.binary(max_size=40))
def test_base58_gives_back_the_bytes(data: bytes) -> None:
    """Leading zero bytes survive as leading ones."""
    zeros = len(data) - len(data.lstrip(b"\0"))
    assert from_base58(BASE58[0] * zeros + written(int.from_bytes(data, "big"), BASE58)) == data


def with_crc(prefix: str, size: int, alphabet: str = BASE62) -> Callable[[random.Random], str]:
    def make(rng: random.Random) -> str:
        body = "".join(rng.choices(alphabet, k=size))
        return prefix + body + written(crc(body), BASE62, 6)

    return make


def fine_grained(rng: random.Random) -> str:
    head = "github" + "_pat_" + "".join(rng.choices(BASE62, k=22)) + "_" + "".join(rng.choices(BASE62, k=43))
    return head + base64.b32encode(hashlib.sha256(head.encode()).digest()).decode()[:8] + "".join(rng.choices(BASE62, k=8))


def routable(rng: random.Random) -> str:
    routing = f"c:{rng.randrange(9)}\no:{rng.randrange(999)}\nu:{rng.randrange(99999)}".encode()
    payload = base64.urlsafe_b64encode(rng.randbytes(16) + routing + bytes([len(routing)])).decode().rstrip("=")
    head = f"gl{'pat-'}{payload}.01.{written(len(payload), BASE36, 2)}"
    return head + written(crc(head), BASE36, 7)


def atlassian(rng: random.Random) -> str:
    head = "AT" + "ATT3xFfGF0" + "".join(rng.choices(BASE62 + "_-", k=160)) + "="
    return head + f"{crc(head):08X}"


def grafana(rng: random.Random) -> str:
    head = "gl" + "sa_" + "".join(rng.choices(BASE62, k=32))
    return head + "_" + crc(head).to_bytes(4, "little").hex()


def confluent(rng: random.Random) -> str:
    body = "".join(rng.choices(BASE64, k=54))
    return "cf" + "lt" + body + base64.b64encode(crc(body).to_bytes(4, "little")).decode()[:6]


def zuplo(rng: random.Random) -> str:
    body = "".join(rng.choices(BASE36, k=32))
    return "zp" + f"ka_{body}_{crc(body):08x}"


def synapse(rng: random.Random) -> str:
    name = base64.b64encode(rng.randbytes(5)).decode().rstrip("=")
    head = "sy" + f"t_{name}_" + "".join(rng.choices(BASE62[10:], k=20))
    return head + "_" + written(crc(head), BASE62, 6)


def mas(rng: random.Random) -> str:
    head = rng.choice(["ma", "mc"]) + "r_" + "".join(rng.choices(BASE62, k=30))
    return head + "_" + written(crc(head), BASE62)[::-1].rjust(6, "0")


def sanctum(rng: random.Random) -> str:
    body = "".join(rng.choices(BASE62, k=40))
    return f"{rng.randrange(1, 9999)}|{body}{crc(body):08x}"


def identifiable(signature: str, raw: int, seed: str) -> Callable[[random.Random], str]:
    def make(rng: random.Random) -> str:
        size = (raw * 8 + 5) // 6
        text = "".join(rng.choices(BASE62, k=size - 10)) + signature + "A" * 6
        covered = base64.b64decode(text + "=" * (-size % 4))[: raw - 4]
        return base64.b64encode(covered + checksum(covered, seed).to_bytes(4, "little")).decode()

    return make


def annotated(rng: random.Random) -> str:
    head = "".join(rng.choices(BASE62, k=52)) + "JQQJ" + "99CAAC" + "".join(rng.choices(BASE62, k=14)) + "AZDO"
    number = int.from_bytes(checksum(base64.b64decode(head), "Default0").to_bytes(4, "little"), "big")
    return head + written(number, BASE62).ljust(6, "0")[:4]


def entra(rng: random.Random) -> str:
    head = "".join(rng.choices(BASE62, k=3)) + "8" + "Q~" + "".join(rng.choices(BASE62, k=31))
    return head + written(checksum(head.encode(), "AadPwd00"), ENTRA, 6)[:3]


def seed(family: bytes) -> Callable[[random.Random], str]:
    def make(rng: random.Random) -> str:
        raw = family + rng.randbytes(32)
        return base64.b32encode(raw + crc16(raw).to_bytes(2, "little")).decode().rstrip("=")

    return make


def wallet(rng: random.Random) -> str:
    raw = b"\x80" + rng.randbytes(32) + b"\x01"
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    return written(int.from_bytes(raw, "big"), BASE58)


def nostr(rng: random.Random) -> str:
    number = int.from_bytes(rng.randbytes(32), "big") << 4
    values = [number >> 5 * (51 - place) & 31 for place in range(52)]
    name = "ns" + "ec"
    spread = [ord(letter) >> 5 for letter in name] + [0] + [ord(letter) & 31 for letter in name]
    total = polymod([*spread, *values, 0, 0, 0, 0, 0, 0]) ^ 1
    values += [total >> 5 * (5 - place) & 31 for place in range(6)]
    return name + "1" + "".join(BECH32[value] for value in values)


# check, how to make a valid token, and which of its characters the checksum covers
MAKERS: list[tuple[str, Callable[[random.Random], str], list[slice]]] = [
    ("crc32-of-body", with_crc("gh" + "p_", 30), [slice(4, None)]),
    ("crc32-of-body", with_crc("vc" + "i_", 50, BASE62 + "_-"), [slice(4, None)]),
    ("github-fine-grained", fine_grained, [slice(-8)]),
    ("gitlab-routable", routable, [slice(6, -13), slice(-9, None)]),
    ("atlassian-crc32", atlassian, [slice(None)]),
    ("grafana-crc32", grafana, [slice(None)]),
    ("confluent-crc32", confluent, [slice(4, None)]),
    ("zuplo-crc32", zuplo, [slice(5, None)]),
    ("matrix-synapse-crc32", synapse, [slice(None)]),
    ("matrix-mas-crc32", mas, [slice(None)]),
    ("sanctum-crc32", sanctum, [slice(-48, None)]),
    ("azure-identifiable-key", identifiable("+ASt", 64, "Default0"), [slice(76)]),
    ("azure-identifiable-key", identifiable("+ACR", 39, "ACRDflt0"), [slice(42)]),
    ("azure-identifiable-key", identifiable("AIoT", 32, "DpsKey00"), [slice(33)]),
    ("azure-annotated-key", annotated, [slice(None)]),
    ("entra-client-secret", entra, [slice(3), slice(6, None)]),
    ("base32-crc16", seed(b"\x90\xa0"), [slice(None)]),
    ("base32-crc16", seed(b"\x90"), [slice(None)]),
    ("base58-check", wallet, [slice(None)]),
    ("bech32", nostr, [slice(None)]),
]


@pytest.mark.parametrize(("name", "make", "covered"), MAKERS, ids=[f"{row[0]}-{index}" for index, row in enumerate(MAKERS)])
@given(rng=st.randoms(use_true_random=False))
def test_any_valid_token_is_proven_and_any_substitution_is_not(name, make, covered, rng: random.Random) -> None:
    """Whatever the body, the checksum holds; whichever covered character becomes another one, it does not."""
    token = make(rng)
    assert verdict(name, token) is Verdict.PROVEN
    place = rng.choice([place for part in covered for place in range(len(token))[part]])
    other = rng.choice([letter for letter in BASE62 if letter != token[place]])
    changed = verdict(name, token[:place] + other + token[place + 1 :])
    assert changed is (Verdict.UNKNOWN if name == "github-fine-grained" else Verdict.FAILED)


def test_forms_without_a_checksum_are_unknown() -> None:
    """A classic GitLab token, its unversioned routable form, an old Entra secret and an Event Grid key cannot be checked."""
    assert verdict("gitlab-routable", "gl pat-Zk3Qw9Lm 2Xc7Vb5Nh8Jt") is Verdict.UNKNOWN
    assert verdict("gitlab-routable", "gl pat-Zk3Qw9Lm 2Xc7Vb5Nh8Jt1aBcDeF .1r8kqzp4w") is Verdict.UNKNOWN
    assert verdict("entra-client-secret", "abc7 Q~Synthetic0 Sample0Secret 0value0bYO") is Verdict.UNKNOWN
    assert verdict("azure-identifiable-key", "Zk3Qw9Lm2Xc 7Vb5Nh8Jt1a BcDeFgHiJkL AZ EGQm8sxE=") is Verdict.UNKNOWN


def test_bech32_in_two_cases_fails() -> None:
    """A text that mixes capitals and small letters is no bech32, whatever its sum."""
    data = "qqqsyqcyq5rq wzqfpg9scrgw pugpzysnzs23 v9ccrydpk8qa rc0swrydwg"
    assert verdict("bech32", "AGE-SECRET -KEY-1" + data.upper()) is Verdict.PROVEN
    assert verdict("bech32", "AGE-SECRET -KEY-1" + data) is Verdict.FAILED


@given(st.text(max_size=120), st.sampled_from(sorted({name for name, _, _ in MAKERS})))
def test_a_check_answers_whatever_it_is_given(text: str, name: str) -> None:
    """No text makes a check raise."""
    assert isinstance(CHECKS[name](text, text), Verdict)


def test_every_check_has_a_name_of_its_own() -> None:
    """No family's table hides a name of another's."""
    from auditor.detect.checks import azure, checksums, decodes, keys

    own = [name for table in (azure, checksums, decodes, keys) for name in table.CHECKS]
    assert len(set(own)) == len(own)
    assert all(CHECKS[name] is table.CHECKS[name] for table in (azure, checksums, decodes, keys) for name in table.CHECKS)
