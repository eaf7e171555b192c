"""Verdicts on labelled columns of every kind, on few values, and on what changes them."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from auditor.columns import Profiles, Verdict
from auditor.columns.naming import Role, meaning_of, words_of
from auditor.identity import AuditKey
from auditor.model import Confidence, Severity
from auditor.protocols import Frame
from tests.columns import value_makers as make
from tests.columns.labelled import Kind, sample_of, verdict_on
from tests.columns.other_kinds import EITHER, OTHER
from tests.columns.quality import lower_bound, measure
from tests.columns.raw_kinds import RAW

KEY = AuditKey(bytes(range(32)))


def judge(column: str, values: list[object], table: str = "app.things", **options: object) -> Verdict | None:
    """Judge one column."""
    profiles = Profiles(KEY)
    hashes = np.random.default_rng(1).integers(0, 2**64 - 1, len(values), np.uint64)
    profiles.add(table, [Frame(table, "after", range(len(values)), {column: values})], hashes)
    return next(profiles.judge(table, **options), None)  # type: ignore[arg-type]


def tokens(count: int) -> list[object]:
    """Make tokens."""
    rng = Random(3)
    return [make.text(rng, make.BASE62, 40) for _ in range(count)]


@pytest.mark.parametrize("kind", RAW, ids=lambda kind: kind.name)
def test_columns_of_raw_tokens_are_found(kind: Kind):
    """A column of this kind is called one of raw tokens, with what an attacker gets."""
    verdict = verdict_on(sample_of(kind, 7), KEY)
    assert verdict.classification == "raw-token", verdict.reasons
    assert verdict.severity > Severity.INFO
    assert verdict.evidence.redacted == "..."


@pytest.mark.parametrize("kind", OTHER, ids=lambda kind: kind.name)
def test_other_columns_raise_no_alarm(kind: Kind):
    """A column of this kind is not called one of raw tokens."""
    verdict = verdict_on(sample_of(kind, 7), KEY)
    assert verdict.classification != "raw-token", verdict.reasons


@pytest.mark.parametrize("kind", EITHER, ids=lambda kind: kind.name)
def test_columns_that_may_be_either_are_never_called_so_for_certain(kind: Kind):
    """A column whose label is open to argument is called unclear, an identifier or ordinary, or a token of no high confidence."""
    verdict = verdict_on(sample_of(kind, 7), KEY)
    assert verdict.classification != "raw-token" or verdict.confidence < Confidence.HIGH


def test_quality_is_as_good_as_is_said():
    """On columns of seeds that nothing was tried on, recall and false verdicts are within their bounds."""
    found = measure(range(500, 501))
    assert found.raw_kinds >= 45
    assert found.other_kinds >= 110
    assert found.recall >= 0.97
    assert found.false_per_500 <= 1
    assert lower_bound(1000, 1000) > 0.99 > lower_bound(980, 1000)


def test_few_values_decide_nothing_unless_name_and_look_agree():
    """Twenty opaque values named as a session token decide; so do not nineteen, nor ninety under a vague name."""
    for count, name, expected in ((19, "session_token", "unclear"), (20, "session_token", "raw-token"), (90, "key", "unclear")):
        verdict = judge(name, tokens(count))
        assert verdict is not None
        assert (verdict.classification, verdict.confidence < Confidence.HIGH) == (expected, True), name


def test_a_verdict_is_withdrawn_when_rows_say_otherwise():
    """Opaque values make a column suspect; when most are seen to be hashed, the rest is named, and when all are, nothing is."""
    rng = Random(4)
    hashed: list[object] = [make.bcrypt(rng, 0) for _ in range(200)]
    suspect = judge("password", [*hashed[:100], *tokens(100)])
    assert suspect is not None
    assert suspect.classification == "raw-token"
    assert any("not hashed" in reason for reason in suspect.reasons)
    safe = judge("password", hashed)
    assert safe is not None
    assert safe.classification == "hash-or-ciphertext"


def test_what_a_rule_claims_is_not_judged():
    """A column and path that a rule already explains has no verdict."""
    assert judge("api_key", tokens(200), claimed=frozenset({("api_key", "")})) is None


def test_a_declared_number_or_time_is_no_token():
    """The declared type is heard: a column of numbers is no token, whatever its name; a PIN is one, as a number too."""
    rng = Random(5)
    numbers: list[object] = [rng.randint(10**17, 10**18) for _ in range(200)]
    plain, typed = judge("access_token", numbers), judge("access_token", numbers, types={"access_token": "INT8"})
    assert plain is not None
    assert typed is not None
    assert (plain.classification, typed.classification) == ("raw-token", "ordinary")
    pin = judge("login_pin", [rng.randint(1000, 9999) for _ in range(200)], types={"login_pin": "INT8"})
    assert pin is not None
    assert (pin.classification, pin.severity) == ("raw-token", Severity.LOW)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("refreshToken", ("refresh", "token")),
        ("X-API-Keys", ("x", "api", "key")),
        ("user_apikey_sha256", ("user", "api", "key", "sha256")),
        ("JSESSIONID", ("session", "id")),
        ("ip_addresses", ("ip", "address")),
        ("", ()),
    ],
)
def test_names_are_split_into_words(name: str, words: tuple[str, ...]):
    """Snake, kebab and camel case, compounds and plurals come to the same words."""
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("column", "path", "table", "role"),
    [
        ("token", "", "app.t", Role.TOKEN),
        ("token_count", "", "app.t", Role.ABOUT),
        ("api_key_id", "", "app.t", Role.IDENTIFIER),
        ("token_hash", "", "app.t", Role.DIGEST),
        ("hmac_secret", "", "app.t", Role.TOKEN),
        ("encryption_key", "", "app.t", Role.TOKEN),
        ("encrypted_key", "", "app.t", Role.CIPHER),
        ("public_key", "", "app.t", Role.PUBLIC),
        ("next_page_token", "", "app.t", Role.IDENTIFIER),
        ("key", "", "app.settings", Role.WEAK),
        ("key", "", "app.api_keys", Role.TOKEN),
        ("code", "", "app.countries", Role.WEAK),
        ("code", "", "app.recovery_codes", Role.CODE),
        ("metadata", "$.auth.refresh_token", "app.t", Role.TOKEN),
        ("metadata", '$["refresh-token"]', "app.t", Role.TOKEN),
        ("credentials", "$.value", "app.t", Role.TOKEN),
        ("body", "$.value", "app.t", Role.NONE),
    ],
)
def test_names_have_meanings(column: str, path: str, table: str, role: Role):
    """The last word decides, the words before it say of what, and a vague name takes its table's or object's meaning."""
    meaning = meaning_of(column, path, table, frozenset())
    assert meaning.role is role or (role is Role.NONE and meaning.role is Role.WEAK)


def test_severity_is_that_of_what_the_name_says():
    """Sessions, refresh tokens and API keys weigh more than what is used once, and that more than a CSRF token."""
    severities = [meaning_of(name, "", "app.t", frozenset()).severity for name in ("session_token", "reset_token", "csrf_token")]
    assert severities == [Severity.HIGH, Severity.MEDIUM, Severity.LOW]
    assert meaning_of("refresh_token", "", "app.t", frozenset()).severity == Severity.HIGH
    assert meaning_of("api_key", "", "app.t", frozenset()).severity == Severity.HIGH


def test_nothing_is_said_of_an_empty_column():
    """A column of NULLs and empty texts has no verdict; odd values are no trouble."""
    assert judge("token", [None, "", None]) is None
    odd: list[object] = [
        "\ud800" * 30,
        "é" * 40,
        "\x00",
        "a" * 100_000,
        "{",
        "[]",
        "{}",
        True,
        1.5,
        float("nan"),
        ["x", ["y"], None],
        {"": "z"},
    ]
    verdict = judge("token", odd * 10)
    assert verdict is not None
    assert verdict.classification in {"unclear", "ordinary"}
