import base64
import csv
import io
import json
import random
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from urllib.parse import quote

import pytest

from auditor.decoders.batch import TextBatch
from auditor.decoders.json_lines import JsonLines
from auditor.detect.checks import all_checks
from auditor.detect.detector import Detector
from auditor.detect.engines import make_engine
from auditor.detect.hits import Prefilter
from auditor.detect.judge import Judged, judge
from auditor.detect.rule import RuleFile, flaws
from auditor.detect.rulebook import CompiledRule, Rulebook, compile_rule
from auditor.identity import AuditKey
from auditor.model import Confidence, Gap, Note, Sighting
from auditor.yaml_file import load

PACKS = ("credentials", "web")


def _load() -> Rulebook:
    folder = files("auditor.detect") / "rules"
    read = [load((folder / f"{name}.yaml").read_bytes(), RuleFile, name) for name in PACKS]
    checks = all_checks()
    return Rulebook([compile_rule(rule, pack.pack, checks, trusted=True) for pack in read for rule in pack.rules], "")


BOOK = _load()
RULES = {compiled.rule.id: compiled for compiled in BOOK.rules}


@pytest.fixture(scope="module", params=["hyperscan", "standard"], name="noticed")
def noticed_fixture(request: pytest.FixtureRequest) -> Callable[[str], set[str]]:
    """Give the ids of the rules whose prefilter an engine finds in a text."""
    engine = make_engine(BOOK.expressions, request.param)

    def noticed(text: str) -> set[str]:
        return {BOOK.rules[owner].rule.id for expression, _ in engine.search(text.encode()) for owner in BOOK.owners[expression]}

    return noticed


def claims(compiled: CompiledRule, text: str) -> list[Judged]:
    return [judged for match in compiled.matches(text) if (judged := judge(compiled, match))]


def claimed(text: str) -> dict[str, str]:
    """Return the secret that each rule claims in a text, by the rule's id."""
    return {name: found[0].secret for name, compiled in RULES.items() if (found := claims(compiled, text))}


def written(text: str) -> Iterator[tuple[str, str]]:
    """Yield a text as the formats write it."""
    row = io.StringIO()
    csv.writer(row).writerow(["1", text, 'a "quoted" cell'])
    wrapped = json.dumps({"after": {"c": text}, "before": None})
    yield "as it is", text
    yield "JSON", wrapped
    yield "JSON as Go writes it", wrapped.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    yield "JSON as Gson writes it", wrapped.replace("=", "\\u003d").replace("&", "\\u0026")
    yield "JSON with escaped slashes", wrapped.replace("/", "\\/")
    yield "JSON in JSON", json.dumps({"payload": wrapped})
    yield "csv", row.getvalue()


@pytest.mark.parametrize("name", RULES)
def test_examples_are_noticed_however_a_format_writes_them(name: str, noticed: Callable[[str], set[str]]):
    """The prefilter of both engines finds each example in the raw bytes of every format."""
    for parts in RULES[name].rule.examples:
        assert [form for form, text in written("".join(parts)) if name not in noticed(text)] == []


@pytest.mark.parametrize("name", RULES)
def test_examples_are_found(name: str):
    """Pattern and checks take each example, also after a line break that is written as an escape."""
    compiled = RULES[name]
    for parts in compiled.rule.examples:
        text = "".join(parts)
        found = claims(compiled, text)
        assert found
        assert all(judged.confidence is not Confidence.LOW for judged in found)
        assert [judged.secret for judged in claims(compiled, "line one\\n" + text)] == [judged.secret for judged in found]


@pytest.mark.parametrize("name", [name for name, compiled in RULES.items() if compiled.rule.prefixes])
def test_a_public_prefix_begins_a_secret(name: str):
    """What evidence may show of a kind is how at least one of its examples begins, and no more than 20 characters."""
    rule = RULES[name].rule
    secrets = [judged.secret for parts in rule.examples for judged in claims(RULES[name], "".join(parts))]
    assert any(secret.startswith(tuple(rule.prefixes)) for secret in secrets)
    assert max(map(len, rule.prefixes)) <= 20


@pytest.mark.parametrize("name", RULES)
def test_non_examples_are_not_found(name: str):
    """What only resembles the kind gives nothing."""
    assert [parts for parts in RULES[name].rule.non_examples if claims(RULES[name], "".join(parts))] == []


@pytest.mark.parametrize("name", RULES)
def test_no_part_of_an_example_is_a_credential_by_itself(name: str):
    """The rule files hold only pieces: none of them alone, nor the line they stand on, is claimed by any rule."""
    rule = RULES[name].rule
    for parts in (*rule.examples, *rule.non_examples):
        assert [part for part in parts if len(parts) > 1 and claims(RULES[name], part)] == []
        assert claims(RULES[name], json.dumps(parts)) == []


def test_the_packs_cover_over_60_kinds_and_keep_the_contract_of_the_prefilter():
    """Ids and names are the rule's own, and every expression is one that both engines take."""
    assert len(RULES) > 60
    assert len({compiled.rule.name for compiled in BOOK.rules}) == len(RULES)
    assert [flaw for compiled in BOOK.rules for flaw in flaws(compiled.rule)] == []


@pytest.mark.parametrize(
    "unit",
    [
        "A",
        "a.",
        "/a",
        "--",
        "\\n",
        "a=1;",
        "a=b; ",
        "?a=1&",
        "https://a:",
        "https://a.b/c?d=e&",
        "eyJa.",
        "%2B",
        "token=",
        "reset?a&",
    ],
)
def test_no_pattern_needs_more_than_linear_time(unit: str):
    """A long hostile text takes each pattern, with its checks, no more than a second."""
    text = unit * (20_000 // len(unit))
    for compiled in BOOK.rules:
        started = time.process_time()
        claims(compiled, text)
        assert time.process_time() - started < 1, compiled.rule.id


# Stored forms and masks, in the places where a secret would be.

PLACES = (
    "{}",
    "postgres://app:{}@db.internal/app",
    "https://svc:{}@api.internal/",
    "host=db user=app password={} dbname=x",
    "Server=db;User Id=sa;Password={};",
    "https://a.internal/x?token={}&a=1",
    "https://a.internal/x?password={0}&api_key={0}&code={0}&sig={0}&access_token={0}&client_secret={0}&session={0}",
    "Authorization: Bearer {}",
    "Authorization: {}",
    "X-API-Key: {}",
    "Cookie: session={0}; auth_token={0}",
    "kafka://b:9092?sasl_password={}",
    "s3://b?AWS_SECRET_ACCESS_KEY={}",
    "JWT_SECRET={}",
)


def _letters(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", k=count))


def _stored_forms(rng: random.Random) -> Iterator[str]:
    def b64(count: int) -> str:
        return base64.b64encode(rng.randbytes(count)).decode()

    def bare(count: int) -> str:
        return b64(count).rstrip("=")

    for scheme in ("2a", "2b", "2y"):
        yield f"${scheme}$12${_letters(rng, 53)}"
    yield f"CRDB-BCRYPT$2a$10${_letters(rng, 53)}"
    yield f"SCRAM-SHA-256$4096:{b64(16)}${b64(32)}:{b64(32)}"
    yield "md5" + rng.randbytes(16).hex()
    yield f"$argon2id$v=19$m=65536,t=3,p=4${bare(16)}${bare(32)}"
    yield f"$scrypt$ln=16,r=8,p=1${bare(16)}${bare(32)}"
    yield f"$6$rounds=5000${_letters(rng, 16)}${_letters(rng, 86)}"
    yield f"pbkdf2_sha256$1000000${_letters(rng, 22)}${b64(32)}"
    yield f"scrypt:32768:8:1${_letters(rng, 16)}${rng.randbytes(64).hex()}"
    yield "$P$" + _letters(rng, 31)
    yield "{SSHA}" + b64(24)
    yield "*" + rng.randbytes(20).hex().upper()
    yield "vault:v1:" + b64(60)
    yield f"ENC[AES256_GCM,data:{b64(30)},iv:{b64(32)},tag:{b64(16)},type:str]"
    yield "{cipher}" + rng.randbytes(60).hex()
    yield "AQICAH" + bare(130)
    yield "U2FsdGVkX1" + b64(40)
    yield "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-AbCdEf"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("seed", range(4))
def test_hashes_and_ciphertext_are_no_secrets_anywhere(place: str, seed: int):
    """What is meant to be stored gives nothing, even where a secret would stand."""
    for value in _stored_forms(random.Random(seed)):
        assert claimed(place.format(value)) == {}, value[:12]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "value",
    [
        *(
            "****",
            "********************",
            "xxxxx",
            "X" * 24,
            "redacted",
            "[REDACTED]",
            "<redacted>",
            "<password>",
        ),
        *(
            "{password}",
            "{{ .Values.password }}",
            "${DB_PASSWORD}",
            "$DB_PASSWORD",
            "$(cat pw)",
            "%s",
            "%(password)s",
            "changeme",
        ),
        *(
            "your_api_key_here",
            "YOUR_ACCESS_TOKEN_HERE",
            "insert-your-token-here",
            "password",
            "secret",
            "none",
            "test",
            "••••••••",
        ),
    ],
)
def test_placeholders_are_no_secrets_anywhere(place: str, value: str):
    """Masks, templates and documentation's words give nothing."""
    assert claimed(place.format(value)) == {}


@pytest.mark.parametrize(
    "text",
    [
        "postgres://postgres:postgres@localhost/app",
        "amqp://guest:guest@localhost:5672/",
        "postgresql://root@localhost:26257/defaultdb?sslmode=disable",
        "http://10.0.0.1:8080,ops@mail.internal",
        "?token=1&code=42&sig=none",
        "Bearer token is missing",
        "Basic auth is not allowed here",
        "https://app.internal/orders/1?page=3&sort=desc#details",
        "https://app.internal/items/0b1f8f0e-7c38-4bb5-9f43-1c1f5d0f7d7e?code=SUMMER-SALE-2026-BERLIN",
        "?page_token=AbC1dEf2GhI3jKl4MnO5pQr6&sort_key=created_at_descending_order",
        "Traceback (most recent call last): http://svc:8080/v1/hooks/1234567 user1@mail.internal",
        "sha256:" + "0123456789abcdef" * 4,
    ],
)
def test_ordinary_text_gives_nothing(text: str):
    """Default accounts, ports, page tokens, coupon codes and prose are no findings."""
    assert claimed(text) == {}


def _token() -> str:
    return "Zq8" + "7Kd0Vw3LmX5TnB1RyC9H" + "2Gs4Jp6"


@pytest.mark.parametrize(
    ("text", "rule", "secret"),
    [
        ("postgres://u:{}@h/d", "connection.postgresql", "p%2F{}"),
        ("https://x.internal/cb#access_token={}&token_type=bearer", "url.access-token", "{}"),
        ("Authorization: Bearer {}", "http.bearer", "{}"),
        ("GET /v1?api_key={} HTTP/1.1", "url.api-key", "{}"),
        ("kafka://b:9093?sasl_user=a&sasl_password={}&sasl_mechanism=PLAIN", "cockroachdb.sink-kafka", "{}"),
    ],
)
def test_the_secret_is_the_innermost_value(text: str, rule: str, secret: str):
    """The password of an address, the token after Bearer, the value of a parameter: without its percent-encoding."""
    value = secret.format(_token())
    found = claimed(text.format(value))
    assert found[rule] == value.replace("%2F", "/")


def test_the_password_of_basic_credentials_is_the_secret():
    """What stands after the colon, decoded."""
    header = "Authorization: Basic " + base64.b64encode(f"svc:{_token()}".encode()).decode()
    assert claimed(header) == {"http.basic": _token()}


@pytest.mark.parametrize("cut", ["", "%3A", "%253A"])
def test_a_cookie_is_the_same_secret_however_it_is_percent_encoded(cut: str, noticed: Callable[[str], set[str]]):
    """An Express cookie is noticed plain, percent-encoded and twice so."""
    value = "s:" + (_token() + "ab")[:32] + "." + (_token() * 2)[:43]
    coded = {"": value, "%3A": quote(value, safe=""), "%253A": quote(quote(value, safe=""), safe="")}[cut]
    assert "express.session-cookie" in noticed(f"connect.sid={coded}; Path=/")
    if cut != "%253A":
        assert claimed(f"connect.sid={coded}; Path=/")["express.session-cookie"] == value


# Whole rows through the detector: which rule reports a secret that several claim, and what it takes to be the secret.

KEY = AuditKey(bytes(range(32)))


class NoProblems:
    """Fails the test that has one."""

    def gap(self, gap: Gap) -> None:
        """Take a gap."""
        raise AssertionError(gap)

    def note(self, note: Note) -> None:
        """Take a note."""
        raise AssertionError(note)


@pytest.fixture(scope="module", name="sighted")
def sighted_fixture() -> Callable[[dict[str, object]], list[Sighting]]:
    """Give the sightings of one changefeed row."""
    engine = make_engine(BOOK.expressions)

    def sighted(after: dict[str, object]) -> list[Sighting]:
        layout, problems = JsonLines("wrapped"), NoProblems()
        framed = layout.frame(json.dumps({"after": after}).encode() + b"\n")
        batch = TextBatch(framed, layout, uri="f", table="t", first_row=1, problems=problems)
        return list(Detector(BOOK, Prefilter(BOOK, engine), KEY, uri="f", problems=problems).inspect(batch))

    return sighted


def example(name: str) -> str:
    return "".join(RULES[name].rule.examples[0])


@pytest.mark.parametrize("name", ["jwt.signed", "key.pem-ec", "key.pem-pkcs8", "connection.postgresql"])
def test_a_structure_in_base64_is_the_same_secret_as_in_plain(name: str, sighted: Callable[[dict[str, object]], list[Sighting]]):
    """A wrapped JWT, and a PEM file as Kubernetes keeps it, are found by what is inside."""
    (plain,) = sighted({"c": example(name)})
    (coded,) = sighted({"c": base64.b64encode(example(name).encode()).decode()})
    assert (coded.rule_id, coded.secret_id, coded.confidence) == (name, plain.secret_id, plain.confidence)
    assert coded.evidence.decoded_by == ("base64",)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Authorization: Bearer {}", "jwt.signed"),
        ("https://a.internal/reset-password?token={}", "jwt.signed"),
        ("Cookie: theme=dark; session={}", "jwt.signed"),
        ("WITH webhook_auth_header='Bearer {}'", "cockroachdb.webhook-bearer"),
    ],
)
def test_one_secret_is_one_finding_of_the_most_specific_rule(
    text: str, rule: str, sighted: Callable[[dict[str, object]], list[Sighting]]
):
    """A JWT behind Bearer, in a link or in a cookie is a JWT; a changefeed's own option says more."""
    token = example("jwt.signed")
    assert [(found.rule_id, found.secret_id) for found in sighted({"c": text.format(token)})] == [(rule, KEY.secret_id(token))]


def test_a_service_account_key_is_told_by_its_neighbours(sighted: Callable[[dict[str, object]], list[Sighting]]):
    """In a JSONB column type and private key are members of their own; without the type it is any private key."""
    pem = example("key.pem-pkcs8")
    (key,) = sighted({"c": {"type": "service_account", "private_key": pem}})
    assert (key.rule_id, key.path) == ("key.gcp-service-account", "$.private_key")
    (other,) = sighted({"c": {"type": "server", "private_key": pem}})
    assert (other.rule_id, other.secret_id) == ("key.pem-pkcs8", key.secret_id)


@pytest.mark.parametrize("name", [name for name in RULES if not name.startswith(("key.jwk", "jwt.json"))])
def test_an_example_in_a_row_is_one_secret(name: str, sighted: Callable[[dict[str, object]], list[Sighting]]):
    """Through the whole detector each example is found, by its own rule or one that knows it better."""
    rule = RULES[name]
    found = sighted({"id": 1, "c": example(name)})
    wanted = {KEY.secret_id(judged.secret) for judged in claims(rule, example(name))}
    assert any(sighting.rule_id == name or RULES[sighting.rule_id].rank >= rule.rank for sighting in found)
    if name != "key.gcp-service-account":  # its example is JSON with escaped line breaks, which the detector undoes
        assert wanted & {sighting.secret_id for sighting in found}


def test_a_stretch_of_a_proved_token_is_no_secret(sighted: Callable[[dict[str, object]], list[Sighting]]) -> None:
    """What looks like a vendor's short prefix inside of a JWT's signature is part of the JWT."""
    header, payload, _ = example("jwt.signed").rpartition("=")[2].split(".")[:3]
    look_alike = f"{'BSA'}cJX09XVi8WGlg2yddETAiINi"
    for signature in (f"{look_alike}-Zk3Qp9xT7mW2sLr8", f"Zk3Qp9xT7mW2s-{look_alike}"):
        (found,) = sighted({"c": f"{header}.{payload}.{signature}"})
        assert found.rule_id == "jwt.signed"
