import base64
import csv
import hashlib
import io
import json
import random
import re
import re._parser as sre  # the standard library's own reading of a pattern, to make texts that match it
import statistics
import string
import uuid
from collections.abc import Callable, Iterator
from importlib.resources import files
from urllib.parse import quote

import pytest

from auditor.detect.bases import BASE36, BASE58, BASE62, BECH32
from auditor.detect.checks import Verdict, all_checks
from auditor.detect.engines import make_engine
from auditor.detect.judge import Judged, entropy, judge
from auditor.detect.rule import RuleFile, flaws
from auditor.detect.rulebook import CompiledRule, Rulebook, compile_rule
from auditor.model import Confidence
from auditor.yaml_file import load

PACKS = (
    *("ai", "aws", "azure", "blockchain", "chat", "code-hosting", "commerce", "data", "delivery"),
    *("google", "hosting", "identity", "infrastructure", "mail", "observability", "packages", "payments", "saas"),
)


def _load() -> Rulebook:
    folder = files("auditor.detect") / "rules"
    read = [load((folder / f"{name}.yaml").read_bytes(), RuleFile, name) for name in PACKS]
    assert [pack.pack for pack in read] == list(PACKS)
    checks = all_checks()
    return Rulebook([compile_rule(rule, pack.pack, checks, trusted=True) for pack in read for rule in pack.rules], "")


BOOK = _load()
RULES = {compiled.rule.id: compiled for compiled in BOOK.rules}
CELL_RULES = [name for name, compiled in RULES.items() if not compiled.whole_row]


@pytest.fixture(scope="module", name="claimed")
def claimed_fixture() -> Callable[[str], set[str]]:
    """Give the ids of the rules whose prefilter is found in a text."""
    engine = make_engine(BOOK.expressions)

    def claimed(text: str) -> set[str]:
        return {BOOK.rules[owner].rule.id for expression, _ in engine.search(text.encode()) for owner in BOOK.owners[expression]}

    return claimed


@pytest.fixture(name="notices")
def notices_fixture(claimed: Callable[[str], set[str]]) -> Callable[[str, str], bool]:
    """Tell whether a rule's prefilter is found in a text, by all expressions together on one engine and its own on the other."""

    def notices(name: str, text: str) -> bool:
        return name in claimed(text) and bool(make_engine(RULES[name].rule.prefilter, "standard").search(text.encode()))

    return notices


def found(compiled: CompiledRule, text: str) -> Judged | None:
    return next((judged for match in compiled.matches(text) if (judged := judge(compiled, match))), None)


def written(text: str) -> Iterator[tuple[str, str]]:
    """Yield a text as the formats write it. The percent-encoded and twice encoded ones are read only after more decoding."""
    row = io.StringIO()
    csv.writer(row).writerow([text, 'a "quoted" cell'])
    yield "as it is", text
    yield "JSON", json.dumps({"cell": text})
    yield "JSON in JSON", json.dumps(json.dumps({"cell": text}))
    yield "JSON with escaped slashes", json.dumps(text).replace("/", "\\/")
    yield (
        "JSON with escaped punctuation",
        json.dumps(text).replace("+", "\\u002B").replace("=", "\\u003d").replace("&", "\\u0026"),
    )
    yield "csv", row.getvalue()
    yield "percent-encoded", quote(text, safe="")


def sample(pattern: str, rng: random.Random, *, longer: bool) -> str:
    """Make a random text that a pattern matches as a whole, of the least length or up to 20 characters a repeat longer."""
    tree = sre.parse(pattern, re.ASCII)
    compiled = re.compile(pattern, re.ASCII)
    for _ in range(2000):
        text = "".join(_parts(tree, rng, longer=longer))
        match = compiled.search(text)
        if match and match[0] == text:
            return text
    raise AssertionError(pattern)


def _parts(tree, rng: random.Random, *, longer: bool) -> Iterator[str]:
    for operator, value in tree:
        match str(operator):
            case "LITERAL":
                yield chr(value)
            case "IN":
                yield rng.choice(_members(value))
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, inner = value
                for _ in range(rng.randint(least, min(most, least + 20)) if longer else least):
                    yield from _parts(inner, rng, longer=longer)
            case "SUBPATTERN":
                yield from _parts(value[3], rng, longer=longer)
            case "BRANCH":
                yield from _parts(rng.choice(value[1]), rng, longer=longer)
            case "ASSERT" | "ASSERT_NOT":
                pass  # `sample` tries again until they hold
            case other:
                raise AssertionError(other)


def _members(value) -> str:
    if str(value[0][0]) == "NEGATE":
        return string.ascii_lowercase
    return "".join(
        chr(member) if str(kind) == "LITERAL" else "".join(map(chr, range(member[0], member[1] + 1))) for kind, member in value
    )


def test_there_are_rules_for_over_300_kinds() -> None:
    """Every expression keeps the contract of the prefilter, and every name a rule shows is its own."""
    assert len(RULES) > 300
    assert [flaw for compiled in BOOK.rules for flaw in flaws(compiled.rule)] == []
    assert len({compiled.rule.name for compiled in BOOK.rules}) == len(RULES)


@pytest.mark.parametrize("name", RULES)
def test_examples_are_found_however_they_are_written(name: str, notices: Callable[[str, str], bool]) -> None:
    """Both engines notice an example in every format; the exact pattern and the checks take it; its beginning is public."""
    compiled = RULES[name]
    for parts in compiled.rule.examples:
        text = "".join(parts)
        assert [form for form, coded in written(text) if not notices(name, coded)] == []
        judged = found(compiled, text)
        assert judged is not None
        assert judged.confidence is not Confidence.LOW
        if compiled.rule.prefixes:
            assert judged.secret.startswith(tuple(compiled.rule.prefixes))


@pytest.mark.parametrize("name", RULES)
def test_non_examples_are_not_found(name: str) -> None:
    """What merely looks like one is none."""
    compiled = RULES[name]
    assert all(found(compiled, "".join(parts)) is None for parts in compiled.rule.non_examples)


@pytest.mark.parametrize("name", CELL_RULES)
def test_the_prefilter_sees_whatever_the_pattern_matches(name: str, notices: Callable[[str, str], bool]) -> None:
    """Random texts that a pattern matches are noticed by both engines in every format."""
    rng = random.Random(name)
    pattern = RULES[name].rule.pattern
    for longer in (False, True, True):
        text = sample(pattern, rng, longer=longer)
        assert [form for form, coded in written(text) if not notices(name, coded)] == []


@pytest.mark.parametrize("name", [name for name, compiled in RULES.items() if compiled.rule.min_entropy])
def test_random_secrets_pass_the_least_entropy(name: str) -> None:
    """The bound lies over four and a half standard deviations below what random secrets of the kind have."""
    compiled = RULES[name]
    rng = random.Random(name)
    by_length: dict[int, list[float]] = {}
    for _ in range(100):
        secret = sample(compiled.rule.pattern, rng, longer=False)
        by_length.setdefault(len(secret), []).append(entropy(secret))
    for values in by_length.values():
        assert min(values) > compiled.rule.min_entropy
        if len(values) > 20:
            assert statistics.mean(values) - 4.5 * statistics.stdev(values) > compiled.rule.min_entropy


@pytest.mark.parametrize("name", RULES)
def test_one_secret_has_one_vendor(name: str) -> None:
    """No other rule of the packs claims an example's secret, but for a key inside a longer one."""
    inside = {"google.chat-webhook": {"google.api-key"}}
    for parts in RULES[name].rule.examples:
        text = "".join(parts)
        others = {other for other in CELL_RULES if other != name and found(RULES[other], text)}
        assert others <= inside.get(name, set())


def test_no_piece_of_an_example_is_a_secret(claimed: Callable[[str], set[str]]) -> None:
    """The pieces in the rule files are too short to be taken for credentials, by these rules or another scanner's."""
    pieces = {piece for compiled in BOOK.rules for parts in compiled.rule.examples for piece in parts}
    assert max(len(run) for piece in pieces for run in re.findall(r"[\w+/=-]+", piece)) <= 24
    row_triggers = {name for name, compiled in RULES.items() if compiled.whole_row}
    assert all(found(RULES[name], piece) is None for piece in pieces for name in claimed(piece) - row_triggers)


def _identifiers(rng: random.Random) -> Iterator[str]:
    """Make what looks random and is no secret: identifiers, digests, public keys, references."""

    def some(alphabet: str, size: int) -> str:
        return "".join(rng.choices(alphabet, k=size))

    hexadecimal, crockford, base32 = string.hexdigits[:16], "0123456789ABCDEFGHJKMNPQRSTVWXYZ", string.ascii_uppercase + "234567"
    yield str(uuid.UUID(int=rng.getrandbits(128), version=4))
    yield str(rng.randrange(10**17, 10**19))
    yield "01" + some(crockford, 24)
    yield "2" + some(BASE62, 26)
    yield "c" + some(BASE36, 24)
    for size in (16, 24, 32, 40, 56, 64, 96, 128):
        yield some(hexadecimal, size)
        yield some(hexadecimal, size).upper()
    for size in (16, 20, 28, 32, 48, 64):
        yield base64.b64encode(rng.randbytes(size)).decode()
        yield base64.urlsafe_b64encode(rng.randbytes(size)).decode().rstrip("=")
    yield some("0123456789abcdefghijklmnopqrstuv", 20)
    for prefix in (
        "cus",
        "pi",
        "ch",
        "sub",
        "in",
        "price",
        "prod",
        "evt",
        "acct",
        "seti",
        "req",
        "txn",
        "pm",
        "card",
        "tok",
        "re",
        "po",
    ):
        yield f"{prefix}_{some(BASE62, 24)}"
    for prefix in ("cs_live", "cs_test", "pk_live", "pk_test", "user", "org", "key_id", "sess", "msg", "asst", "file"):
        yield f"{prefix}_{some(BASE62, 58)}"
    for letter in "TCUBDW":
        yield letter + some(BASE36.upper(), 10)
    for prefix in ("AC", "SM", "CA", "PN"):
        yield prefix + some(hexadecimal, 32)
    for prefix in ("AIDA", "AROA", "AGPA", "AIPA", "ANPA"):
        yield prefix + some(base32, 16)
    yield f"arn:aws:iam::{rng.randrange(10**12)}:role/{some(BASE62, 20)}"
    yield f"ami-{some(hexadecimal, 17)} vol-{some(hexadecimal, 17)}"
    yield f"{rng.randrange(10**12)}-{some(BASE36, 32)}.apps.googleusercontent.com"
    yield f'"{some(hexadecimal, 32)}-12" W/"{some(hexadecimal, 32)}"'
    yield f"00-{some(hexadecimal, 32)}-{some(hexadecimal, 16)}-01"
    yield f"1-{some(hexadecimal, 8)}-{some(hexadecimal, 24)}"
    yield f"sha256:{some(hexadecimal, 64)} sha512-{base64.b64encode(rng.randbytes(64)).decode()}"
    yield "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + base64.b64encode(rng.randbytes(32)).decode().rstrip("=")
    yield f"age1{some(BECH32, 58)} npub1{some(BECH32, 58)}"
    yield "xpub" + some(BASE58, 107)
    yield "G" + some(base32, 55)
    yield "phc_" + some(BASE62, 43)
    yield "sb_publishable_" + some(BASE62, 22) + "_" + some(BASE62, 8)
    yield "pub" + some(hexadecimal, 32)
    yield "pk.eyJ" + some(BASE62, 60) + "." + some(BASE62, 22)
    yield f"https://{some(hexadecimal, 32)}@o12345.ingest.sentry.io/{rng.randrange(10**15)}"
    yield "3MVG9" + some(BASE62, 80)
    yield "NRJS-" + some(hexadecimal, 19)
    yield "mdb_sa_id_" + some(hexadecimal, 24)
    yield "$2b$12$" + some(BASE62, 53)
    yield "Qm" + some(BASE58, 44)
    yield "iVBORw0KGgo" + base64.b64encode(bytes(120) + rng.randbytes(300) + bytes(120)).decode()
    yield hashlib.sha256(rng.randbytes(8)).hexdigest()


@pytest.mark.parametrize("seed", range(40))
def test_identifiers_that_look_random_are_no_secrets(seed: int, claimed: Callable[[str], set[str]]) -> None:
    """Ids, digests, public keys and publishable keys are not found, and hardly ever noticed."""
    texts = list(_identifiers(random.Random(seed)))
    noticed = [(name, text) for text in texts for name in claimed(text)]
    assert [name for name, text in noticed if found(RULES[name], text)] == []
    assert len(noticed) <= 4


def confidence(name: str, *parts: str) -> Confidence | None:
    judged = found(RULES[name], "".join(parts))
    return judged.confidence if judged else None


def test_the_aws_secret_needs_its_id_or_its_name_in_the_row(claimed: Callable[[str], set[str]]) -> None:
    """Forty characters alone say nothing; beside a key id or the setting's name they are the secret."""
    forty = "99WKvfTXXYkHg3 c5J3axpzpsQeON FP+oO9rLtn+D".replace(" ", "")
    assert "aws.secret-access-key" not in claimed(forty)
    for beside in ("AKIA" + "RZPUZDIKKIWKZ4YA", "SecretAccessKey", "aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"):
        assert "aws.secret-access-key" in claimed(f"{beside} {forty}")
    assert confidence("aws.secret-access-key", forty) is Confidence.HIGH
    assert confidence("aws.secret-access-key", hashlib.sha256(b"a").hexdigest()[:40]) is None
    assert confidence("aws.access-key-id", "AKIA", "RZPUZDIKKIWKZ4YA") is Confidence.HIGH


def test_the_ses_password_begins_with_its_version() -> None:
    """An SES SMTP password is base64 of 04 and 32 bytes."""
    assert confidence("aws.ses-smtp-password", "BAABAgMEBQYHCAkKCwwN", "Dg8QERITFBUWFxgZGhscHR4f") is Confidence.HIGH
    assert confidence("aws.ses-smtp-password", "BQABAgMEBQYHCAkKCwwN", "Dg8QERITFBUWFxgZGhscHR4f") is None


def test_a_wrong_checksum_lowers_the_confidence_and_drops_nothing() -> None:
    """A GitHub token whose CRC fails is reported, with low confidence."""
    body = "Zk3Qw9Lm2X" * 3
    assert confidence("github.pat-classic", "gh", "p_", body, "000000") is Confidence.LOW


def test_stripe_like_keys_are_told_apart_by_their_form() -> None:
    """``sk_live_`` is Stripe's, Clerk's, Paystack's or WorkOS's by what follows."""
    rng = random.Random(1)
    after = {
        "stripe.secret-key": "51" + "".join(rng.choices(BASE62, k=97)),
        "clerk.secret-key": "".join(rng.choices(BASE62, k=42)),
        "paystack.secret-key": "".join(rng.choices("0123456789abcdef", k=40)),
        "workos.api-key": base64.b64encode(b"key_" + bytes(rng.choices(BASE62.encode(), k=52))).decode(),
    }
    for owner, body in after.items():
        claims = {name for name in after if confidence(name, "sk_", "live_", body)}
        assert claims == {owner}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ('{"token": "', '"}'),
        ("token=", "&next=1"),
        ("\\n", "\\n"),
        ("(", ")."),
        ("https://x:", "@host/"),
        ("'", "'"),
        ("-", ","),
    ],
)
def test_a_token_is_found_whatever_punctuation_stands_around_it(before: str, after: str) -> None:
    """Quotes, brackets, slashes and literal escapes end a token."""
    secret = "gl pat- Zk3Qw9Lm2Xc7Vb5Nh8J-".replace(" ", "")
    judged = found(RULES["gitlab.pat"], before + secret + after)
    assert judged is not None
    assert judged.secret == secret


def test_checks_named_by_rules_exist_and_are_used() -> None:
    """Every check of the four families stands behind at least one rule."""
    from auditor.detect.checks import azure, checksums, decodes, keys

    used = {name for compiled in BOOK.rules for name in compiled.rule.checks}
    assert {name for table in (azure, checksums, decodes, keys) for name in table.CHECKS} <= used
    assert all(isinstance(check("", ""), Verdict) for compiled in BOOK.rules for check in compiled.checks)
