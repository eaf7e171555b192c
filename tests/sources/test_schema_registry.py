"""
Schemas are had from a registry, whatever goes wrong on the way.

With AUDITOR_TEST_REGISTRY=URL the tests that need no fault run against that registry as well (`.ci/apicurio/start` starts one).
"""

from __future__ import annotations

import io
import json
import os
import socket
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import fastavro
import pytest
import trustme
from pydantic import ValidationError

from auditor.decoders.messages.avro import AvroCodec
from auditor.errors import ConfigError, DecodeError, SourceUnavailable
from auditor.secret_ref import SecretRef
from auditor.sources.schema_registry import SchemaRegistry
from auditor.sources.schema_registry.settings import SchemaRegistrySettings
from tests.sources.registry_stand_in import StandIn, basic, register, running

REAL = os.environ.get("AUDITOR_TEST_REGISTRY", "")
SECRET = "p" + "w" * 11
USERS = {
    "type": "record",
    "name": "users",
    "namespace": "shop",
    "fields": [{"name": "a", "type": ["null", "long"], "default": None, "__crdb__": "a INT8"}],
}


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with running() as server:
        yield server


@pytest.fixture(params=["stand-in", *(["real"] if REAL else [])])
def url(request: pytest.FixtureRequest, stand_in: StandIn) -> str:
    return REAL if request.param == "real" else stand_in.url


def registry(url: str, **more: object) -> SchemaRegistry:
    """Return a client that gives up soon."""
    return SchemaRegistry(SchemaRegistrySettings.model_validate({"url": url, "timeout": 0.6, **more}))


def subject() -> str:
    """Return a subject that nobody has used."""
    return f"users{uuid.uuid4().hex}-value"


def told(error: BaseException) -> str:
    """Return all that an error says, with its causes."""
    texts: list[str] = []
    one: BaseException | None = error
    while one is not None:
        texts += (str(one), repr(one))
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "\n".join(texts)


def test_a_schema_is_had_by_its_number(url: str) -> None:
    """What was registered is what comes back, CockroachDB's own members included."""
    number = register(url, subject(), USERS)
    assert json.loads(registry(url, timeout=10).schema(number)) == USERS


def test_an_unknown_number_is_one_message_that_cannot_be_read(url: str) -> None:
    """A number that the registry does not know is no reason to stop the feed."""
    with pytest.raises(DecodeError, match="no schema 2147483000"):
        registry(url, timeout=10).schema(2147483000)


def test_what_a_schema_refers_to_is_put_into_it(url: str) -> None:
    """A schema with references, and references of those, can be read without the registry."""
    inner, middle, outer = subject(), subject(), subject()
    deep = {"type": "record", "name": "deep", "namespace": "shop", "fields": [{"name": "b", "type": "string"}]}
    users = {**USERS, "fields": [*USERS["fields"], {"name": "deep", "type": "deep"}]}
    envelope = {
        "type": "record",
        "name": "users_envelope",
        "namespace": "other",
        "fields": [
            {"name": "before", "type": ["null", "shop.users"], "default": None},
            {"name": "after", "type": ["null", "shop.users"], "default": None},
        ],
    }
    register(url, inner, deep)
    register(url, middle, users, [{"name": "shop.deep", "subject": inner, "version": 1}])
    number = register(url, outer, envelope, [{"name": "shop.users", "subject": middle, "version": 1}])
    whole = json.loads(registry(url, timeout=10).schema(number))
    body = io.BytesIO()
    row = {"a": 1, "deep": {"b": "text"}}
    fastavro.schemaless_writer(body, fastavro.parse_schema(whole), {"before": None, "after": row})
    message = b"\0" + number.to_bytes(4, "big") + body.getvalue()
    assert [cell.text for cell in AvroCodec(registry(url, timeout=10)).row(None, message).cells] == ["text"]


def test_doctor_finds_a_registry_in_order(url: str) -> None:
    """The check asks as a message would."""
    assert [check.level for check in registry(url, timeout=10).checks()] == ["ok"]


def test_a_schema_is_asked_for_once(stand_in: StandIn) -> None:
    """Numbers never change their meaning, so one answer is enough, also while the registry is down."""
    number = register(stand_in.url, "users-value", USERS)
    client = registry(stand_in.url)
    first = client.schema(number)
    stand_in.spoiled = [(500, b"")] * 50
    assert client.schema(number) == first
    assert stand_in.asked == [f"/schemas/ids/{number}"]


@pytest.mark.parametrize(
    "spoiled", [(500, b"oops"), (503, b""), (429, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b'{"a": 1}')]
)
def test_trouble_that_passes_is_waited_out(stand_in: StandIn, spoiled: tuple[int, bytes]) -> None:
    """Two bad answers are followed by a good one."""
    number = register(stand_in.url, "users-value", USERS)
    stand_in.spoiled = [spoiled, spoiled]
    assert json.loads(registry(stand_in.url).schema(number)) == USERS
    assert len(stand_in.asked) == 3


@pytest.mark.parametrize(
    "spoiled", [(500, b"secret"), (200, b"<html>"), (404, b"<html>"), (404, b'{"error_code": 404}'), (418, b"")]
)
def test_trouble_that_stays_is_tried_again_later(stand_in: StandIn, spoiled: tuple[int, bytes]) -> None:
    """A registry that answers badly, or is not at that address, is unavailable: nothing is quarantined for it."""
    stand_in.spoiled = [spoiled] * 1000
    began = time.monotonic()
    with pytest.raises(SourceUnavailable) as caught:
        registry(stand_in.url).schema(1)
    assert time.monotonic() - began < 3
    assert "secret" not in told(caught.value)
    assert 2 <= len(stand_in.asked) <= 6


def test_a_registry_that_is_down_is_tried_again_later() -> None:
    """Nobody listens there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SourceUnavailable, match="cannot be reached"):
        registry(f"http://127.0.0.1:{port}").schema(1)


@pytest.mark.parametrize("fault", ["delay", "drip"])
def test_a_slow_registry_does_not_hold_the_feed(stand_in: StandIn, fault: str) -> None:
    """The whole answer must be there in time, however steadily it comes."""
    number = register(stand_in.url, "users-value", USERS)
    setattr(stand_in, fault, 2.0 if fault == "delay" else 0.1)
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match="in time"):
        registry(stand_in.url).schema(number)
    assert time.monotonic() - began < 2


def test_an_answer_without_end_is_given_up(stand_in: StandIn) -> None:
    """No schema is of many MiB."""
    stand_in.spoiled = [(200, b" " * (9 << 20))] * 20
    with pytest.raises(SourceUnavailable, match="over 8 MiB"):
        registry(stand_in.url).schema(1)


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_are_a_matter_of_configuration(stand_in: StandIn, status: int) -> None:
    """Trying again would be useless, and might lock the account."""
    stand_in.spoiled = [(status, b"")]
    with pytest.raises(ConfigError, match="credentials"):
        registry(stand_in.url).schema(1)
    assert len(stand_in.asked) == 1


def test_redirections_are_not_followed(stand_in: StandIn) -> None:
    """Credentials go nowhere but to the configured address."""
    stand_in.spoiled, stand_in.headers = [(307, b"")], {"Location": f"{stand_in.url}/elsewhere"}
    with pytest.raises(ConfigError, match="redirection"):
        registry(stand_in.url).schema(1)
    assert len(stand_in.asked) == 1


def test_schemas_of_another_kind_are_refused(stand_in: StandIn) -> None:
    """A registry may hold Protobuf and JSON schemas under numbers of the same row."""
    stand_in.schemas = [{"schema": "syntax", "schemaType": "PROTOBUF"}]
    with pytest.raises(DecodeError, match="no Avro schema"):
        registry(stand_in.url).schema(1)


def test_references_in_a_circle_end(stand_in: StandIn) -> None:
    """Two schemas that refer to each other do not keep the client busy for ever."""
    circle = {"schema": '"x"', "references": [{"name": "x", "subject": "s", "version": 1}]}
    stand_in.schemas, stand_in.subjects = [circle], {"s": [1]}
    assert registry(stand_in.url).schema(1)
    assert len(stand_in.asked) == 2


def test_basic_authentication(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """User and password are sent, and told nowhere."""
    monkeypatch.setenv("REGISTRY_PASSWORD", SECRET)
    number = register(stand_in.url, "users-value", USERS)
    stand_in.authorization = basic("me", SECRET)
    client = registry(stand_in.url, username="me", password={"env": "REGISTRY_PASSWORD"})
    assert client.schema(number)
    stand_in.authorization = "another"
    with pytest.raises(ConfigError) as caught:
        client.schema(number + 1)
    assert SECRET not in told(caught.value) + repr(client.__dict__)


def test_a_bearer_token_from_a_file(stand_in: StandIn, tmp_path: Path) -> None:
    """The file is read when a schema is asked for, so that a token may be replaced."""
    (tmp_path / "token").write_text("first\n")
    register(stand_in.url, "users-value", USERS)
    register(stand_in.url, "users-value", USERS)
    client = registry(stand_in.url, token={"file": str(tmp_path / "token")})
    stand_in.authorization = "Bearer first"
    client.schema(1)
    (tmp_path / "token").write_text("second")
    stand_in.authorization = "Bearer second"
    client.schema(2)


def test_a_missing_secret_is_a_matter_of_configuration(stand_in: StandIn) -> None:
    """The variable is named."""
    with pytest.raises(ConfigError, match="NO_SUCH_VARIABLE"):
        registry(stand_in.url, token={"env": "NO_SUCH_VARIABLE"}).schema(1)


def test_tls_with_an_authority_and_a_certificate_of_our_own(tmp_path: Path) -> None:
    """The server is known by its authority, the client by its certificate; without either nothing is had."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("client").private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    trusted = {"ca": str(tmp_path / "ca.pem")}
    with running(context) as server:
        server.schemas = [{"schema": json.dumps(USERS)}]
        assert registry(server.url, **trusted, certificate=str(tmp_path / "client.pem")).schema(1)
        with pytest.raises(SourceUnavailable):
            registry(server.url, certificate=str(tmp_path / "client.pem")).schema(1)
        with pytest.raises(SourceUnavailable):
            registry(server.url, **trusted).schema(1)
        with pytest.raises(ConfigError, match="no such file"):
            registry(server.url, ca=str(tmp_path / "none.pem")).schema(1)
        (tmp_path / "bad.pem").write_text("no certificate")
        with pytest.raises(ConfigError, match="cannot be read"):
            registry(server.url, ca=str(tmp_path / "bad.pem")).schema(1)


def test_doctor_says_what_is_wrong(stand_in: StandIn) -> None:
    """A check fails with the fix."""
    stand_in.spoiled = [(401, b"")]
    (check,) = registry(stand_in.url).checks()
    assert (check.level, bool(check.fix)) == ("fail", True)


def test_doctor_warns_of_credentials_in_the_clear() -> None:
    """Plain HTTP to another machine is said, whether or not it answers."""
    settings = SchemaRegistrySettings(url="http://registry.invalid:8081", token=SecretRef(env="HOME"), timeout=0.1)
    assert [check.level for check in SchemaRegistry(settings).checks()] == ["warn", "fail"]


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "registry:8081"},
        {"url": "ftp://registry"},
        {"url": "http://[::1"},
        {"url": "https://registry:99999"},
        {"url": f"https://me:{SECRET}@registry"},
        {"url": f"https://registry?key={SECRET}"},
        {"url": "https://registry", "username": "me"},
        {"url": "https://registry", "password": {"env": "X"}},
        {"url": "https://registry", "username": "me", "password": {"env": "X"}, "token": {"env": "Y"}},
        {"url": "https://registry", "key": "k.pem"},
        {"url": "https://registry", "password": SECRET},
        {"url": "https://registry", "unknown": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object]) -> None:
    """And what they hold is not repeated, since it may be a credential."""
    with pytest.raises(ValidationError) as caught:
        SchemaRegistrySettings.model_validate(settings)
    assert SECRET not in str(caught.value)


def test_no_client_is_loaded_for_the_settings() -> None:
    """Reading a configuration does not wait for an HTTP client."""
    code = "import sys, auditor.sources.schema_registry; sys.exit('httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
