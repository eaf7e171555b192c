import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.detect.checks import Verdict
from auditor.detect.checks.jose import CHECKS

HEADERS = st.fixed_dictionaries(
    {"alg": st.sampled_from(["HS256", "RS256", "ES384", "EdDSA"])}, optional={"kid": st.text(max_size=9)}
)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def blank(size: int) -> str:
    return base64.urlsafe_b64encode(bytes(size)).decode().rstrip("=")


def verdict(name: str, secret: str, matched: str = "") -> Verdict:
    return CHECKS[name](secret, matched or secret)


@given(HEADERS, st.dictionaries(st.text(max_size=9), st.text(max_size=9)))
def test_a_jwt_is_known_by_its_header(header: dict[str, str], claims: dict[str, str]):
    """A header with an algorithm proves it; without one, or with another number of parts, it is something else."""
    assert verdict("jwt", f"{part(header)}.{part(claims)}.{blank(32)}") is Verdict.PROVEN
    assert verdict("jwt", f"{part({'typ': 'JWT'})}.{part(claims)}.{blank(32)}") is Verdict.REJECTED
    assert verdict("jwt", f"{part(header)}.{part(claims)}") is Verdict.REJECTED
    assert verdict("jwt-unsigned", f"{part(header)}.{part(claims)}.") is Verdict.REJECTED


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE"])
def test_alg_none_is_proven_by_its_own_rule(algorithm: str):
    """However it is spelt."""
    assert verdict("jwt-unsigned", f"{part({'alg': algorithm})}.{part({'sub': '1'})}.") is Verdict.PROVEN


def test_the_sample_of_jwt_io_is_no_secret():
    """John Doe's token is in every tutorial."""
    claims = {"sub": "1234567890", "name": "John Doe", "iat": 1516239022}
    assert verdict("jwt", f"{part({'alg': 'HS256'})}.{part(claims)}.{blank(32)}") is Verdict.REJECTED


def test_a_jwe_names_its_content_encryption():
    """Five parts, the second empty where the key is agreed on beforehand."""
    header = part({"alg": "dir", "enc": "A256GCM"})
    assert verdict("jwe", f"{header}..{blank(12)}.{blank(60)}.{blank(16)}") is Verdict.PROVEN
    assert verdict("jwe", f"{part({'alg': 'dir'})}..{blank(12)}.{blank(60)}.{blank(16)}") is Verdict.REJECTED
    assert verdict("jwe", f"{header}..{blank(12)}.{blank(60)}") is Verdict.REJECTED


def test_a_jws_in_json_is_known_by_its_protected_header():
    """Other signatures beside other members are something else."""
    matched = json.dumps({"payload": part({"sub": "42"}), "protected": part({"alg": "ES256"}), "signature": blank(64)})
    assert verdict("jws-json", blank(64), matched) is Verdict.PROVEN
    assert verdict("jws-json", blank(64), matched.replace(part({"alg": "ES256"}), part({"kid": "1"}))) is Verdict.REJECTED


@pytest.mark.parametrize(("kind", "size"), [("OKP", 32), ("EC", 48), ("RSA", 256), ("oct", 32)])
def test_a_private_jwk_has_as_many_bytes_as_its_type(kind: str, size: int):
    """Without a key type beside it, a member d is nothing."""
    assert verdict("jwk-private", blank(size), f'"kty":"{kind}","d":"{blank(size)}') is Verdict.PROVEN
    assert verdict("jwk-private", blank(15), f'"kty":"{kind}","d":"{blank(15)}') is Verdict.FAILED
    assert verdict("jwk-private", blank(size), f'"d":"{blank(size)}') is Verdict.REJECTED
