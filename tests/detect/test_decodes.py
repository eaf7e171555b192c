import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.detect.checks import Verdict, all_checks
from auditor.detect.checks.decodes import CHECKS as DECODES

CHECKS = all_checks()


def verdict(name: str, *parts: str) -> Verdict:
    secret = "".join(parts)
    return CHECKS[name](secret, secret)


def packed(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def url_packed(value: object) -> str:
    return packed(value).replace("+", "-").replace("/", "_").rstrip("=")


PYPI = (
    "pypi-AgEIcHl waS5vcmcCJDA wMDAwMDAwLTA wMDAtNDAwMC0 4MDAwLTAwMDA wMDAwMDAwMAA "
    "CGVswLDE3Njc yMjU2MDAsMTc 2NzMxMjAwMF0 AAAYgklagxUO ZyFaDFzJ4I2y 0_wL1Vh30ZpV sO8hvDXDTomU"
).replace(" ", "")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("bedrock-key", ["AB", "SK", base64.b64encode(b"BedrockAPIKey-svc-at-912834765012:" + b"k" * 40).decode()]),
        ("bitbucket-data-center", ["BB", "DC-MTIzNDU2Nzg5MDEyOgAB", "AgMEBQYHCAkKCwwNDg8QERIT"]),
        ("cloudflare-tunnel", [packed({"a": "f" * 32, "t": "tunnel", "s": "secret"})]),
        ("discord-bot", ["MTIzNDU2Nzg5", "MDEyMzQ1Njc4", ".Gx7Q2z.", "aB3dE6gH9jK2", "mN5pQ8rS1tU4vW7x"]),
        ("grafana-api-key", [packed({"k": "key", "n": "name", "id": 1})]),
        ("grafana-cloud", ["gl", "c_", packed({"o": "1", "n": "stack", "k": "key", "m": {"r": "eu"}})]),
        ("jfrog-reference", ["cmVmdGtuOjAx", "OjE3NjcyMjU2MDA6", "MDEyMzQ1Njc4", "OWFiY2RlZmdo", "aWprbG1ub3Bx"]),
        ("jwt-inside", ["gh", "s_42_", url_packed({"alg": "RS256"}), ".", url_packed({"iss": "x"}), ".", "c2ln" * 12]),
        ("mapbox", ["sk", ".", url_packed({"u": "acme", "a": "authorisation"}), ".", "c2ln" * 5]),
        ("one-password", ["op", "s_", packed(dict.fromkeys(("secretKey", "muk", "email"), "-"))]),
        ("pypi-macaroon", [PYPI]),
        ("sentry-organization", ["sn", "trys_", packed({"iat": 1, "url": "u", "region_url": "r", "org": "o"}), "_", "c2ln" * 10]),
    ],
)
def test_a_token_with_its_vendors_content_is_proven(name: str, parts: list[str]) -> None:
    """All that the vendor writes is there."""
    assert verdict(name, *parts) is Verdict.PROVEN


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        # Only the content tells these apart from something else.
        ("cloudflare-tunnel", [packed({"a": "account"})]),
        ("discord-bot", ["YWJjZGVmZ2hpamtsbW5vcHFy", ".Gx7Q2z.", "aB3dE6gH9jK2", "mN5pQ8rS1tU4vW7x"]),
        ("discord-bot", ["OTk5OTk5OTk5OTk5OTk5OTk5OTk", ".Gx7Q2z.", "aB3dE6gH9jK2", "mN5pQ8rS1tU4vW7x"]),
        ("grafana-api-key", [packed({"k": "dashboard", "t": "tenant", "c": 9})]),
        ("jfrog-reference", [base64.b64encode(b"reftkn without its fields, but as long as a real one").decode()]),
    ],
)
def test_other_content_behind_a_shared_beginning_is_rejected(name: str, parts: list[str]) -> None:
    """A Power BI link is no Grafana key, base64 of letters no Discord bot."""
    assert verdict(name, *parts) is Verdict.REJECTED


@pytest.mark.parametrize(
    "name", ["bedrock-key", "bitbucket-data-center", "grafana-cloud", "one-password", "pypi-macaroon", "sentry-organization"]
)
def test_broken_content_behind_a_vendors_own_prefix_fails(name: str) -> None:
    """It was meant to be a token, and was altered or cut."""
    assert verdict(name, "AB", "SKBBDC-glc_ops_pypi-sntrys_", "Zk3Qw9Lm2Xc7Vb5Nh8Jt" * 3) is Verdict.FAILED


@pytest.mark.parametrize("cut", [1, 2, 3, 10, 40, 60])
def test_a_cut_macaroon_fails(cut: int) -> None:
    """PyPI's macaroon must parse to its last byte."""
    assert verdict("pypi-macaroon", PYPI[:-cut]) is Verdict.FAILED


@given(st.text(max_size=200), st.sampled_from(sorted(DECODES)))
def test_a_decode_answers_whatever_it_is_given(text: str, name: str) -> None:
    """No text makes a check raise."""
    assert isinstance(DECODES[name](text, text), Verdict)


@given(st.binary(max_size=120), st.sampled_from(sorted(DECODES)))
def test_a_decode_answers_whatever_the_base64_holds(data: bytes, name: str) -> None:
    """No bytes inside the base64 make a check raise."""
    text = base64.urlsafe_b64encode(data).decode()
    assert isinstance(DECODES[name](text, text), Verdict)
