"""How brokers let a feed in: TLS, logins, rights; and what `auditor doctor` says of them."""

import base64
import http.server
import json
import os
import secrets
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from auditor.delivery import Check
from auditor.errors import SourceUnavailable
from auditor.sources.kafka import KafkaSource
from auditor.sources.kafka.client import make_admin
from auditor.sources.kafka.properties import client_properties
from auditor.sources.kafka.settings import KafkaSettings
from tests.sources.feed_harness import MemoryClaims
from tests.sources.kafka_brokers import (
    Broker,
    eventually,
    free_port,
    opened,
    running_tansu,
    settings_for,
    shared_broker,
    values_of,
)
from tests.sources.kafka_mock import TOPIC_AUTHORIZATION_FAILED, mock_cluster
from tests.sources.kafka_tls import tls_front

broker = shared_broker


def read(settings: KafkaSettings) -> list[bytes | None]:
    with opened(settings, until_caught_up=True) as reader:
        return values_of([delivery for delivery in reader if delivery])


def said(settings: KafkaSettings, level: str) -> dict[str, Check]:
    return {check.name: check for check in KafkaSource(settings).checks() if check.level == level}


class Secured:
    """A broker behind TLS that wants a client's certificate, and the files to be let in with."""

    def __init__(self, folder: Path, address: str, topic: str) -> None:
        self.folder, self.address, self.topic = folder, address, topic

    def settings(self, **tls: Any) -> KafkaSettings:
        files = {"ca": "ca.pem", "certificate": "client.pem", "key": "client.key"} | tls
        paths = {name: value and self.folder / value for name, value in files.items()}
        return settings_for(self.address, self.topic, tls=paths)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    ours, theirs = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(folder / "ca.pem")
    theirs.cert_pem.write_to_path(folder / "other-ca.pem")
    for name, authority in (("client", ours), ("stranger", theirs)):
        certificate = authority.issue_cert("reader@example.org")
        certificate.private_key_pem.write_to_path(folder / f"{name}.key")
        certificate.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.issue_cert("127.0.0.1").configure_cert(context)
    ours.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    # With TLS 1.3 a client's certificate is refused after the handshake, which looks like any lost connection.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    port = free_port()
    with running_tansu(advertised=port) as (address, _), tls_front(port, int(address.rpartition(":")[2]), context):
        settings = Secured(folder, f"127.0.0.1:{port}", f"t-{uuid.uuid4().hex}").settings()
        topic = settings.topics[0]
        admin = make_admin(settings)
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(20)
        producer = Producer(client_properties(settings))
        producer.produce(topic, b"over TLS", partition=0)
        assert producer.flush(20) == 0
        yield Secured(folder, f"127.0.0.1:{port}", topic)


@pytest.mark.needs("tansu")
def test_mutual_tls(secured: Secured):
    """With the right authority and a certificate of its own a feed is read."""
    assert read(secured.settings()) == [b"over TLS"]
    assert said(secured.settings(), "fail") == {}


@pytest.mark.needs("tansu")
@pytest.mark.parametrize("tls", [{"ca": "other-ca.pem"}, {"certificate": "stranger.pem", "key": "stranger.key"}])
def test_tls_that_is_not_agreed_on(secured: Secured, tls: dict[str, str]):
    """A broker of another authority, and a broker that does not know ours: both are said at once, with what to check."""
    settings, started = secured.settings(**tls), time.monotonic()
    with pytest.raises(SourceUnavailable, match=r"TLS cannot be agreed on.*check tls\.ca, tls\.certificate"):
        read(settings)
    assert time.monotonic() - started < 5
    failed = said(settings, "fail")
    assert "TLS cannot be agreed on" in failed["kafka brokers"].what


@pytest.mark.needs("tansu")
def test_a_login_that_is_refused(monkeypatch: pytest.MonkeyPatch):
    """It is said at once that it is the login, and the password is nowhere."""
    password = secrets.token_hex(16)
    monkeypatch.setenv("AUDITOR_TEST_LOGIN", password)
    with running_tansu("--authentication") as (address, _):
        login = {"mechanism": "SCRAM-SHA-256", "username": "nobody", "password": {"env": "AUDITOR_TEST_LOGIN"}}
        settings = settings_for(address, "t", sasl=login)
        with pytest.raises(SourceUnavailable, match=r"refuse the login \(check sasl") as refused:
            read(settings)
        failed = said(settings, "fail")
    assert "refuse the login" in failed["kafka brokers"].what
    assert password not in repr((refused.value, failed, settings))


@pytest.mark.needs("tansu")
def test_what_doctor_says_of_a_feed_that_can_be_read(broker: Broker):
    """Brokers, topics, group and a message are looked at; the group is not joined and its offset not moved."""
    topic = broker.topic(2)
    broker.produce(topic, [b"a"])
    settings = broker.settings(topic, f"^{topic}")
    found = {check.name: check.level for check in KafkaSource(settings).checks()}
    assert found.pop("kafka rights", "warn") == "warn"
    assert found == {
        "kafka brokers": "ok",
        f"kafka topic {topic}": "ok",
        f"kafka topic ^{topic}": "ok",
        f"kafka group {settings.group}": "ok",
        "kafka reading": "ok",
    }
    described = broker.admin()
    group = described.describe_consumer_groups([settings.group])[settings.group]
    try:
        assert group.result(10).members == []
    except Exception as error:  # noqa: BLE001 - newer brokers say that there is no such group
        assert "GROUP_ID_NOT_FOUND" in str(error)  # noqa: PT017 - either answer is right


@pytest.mark.needs("tansu")
def test_what_doctor_says_of_topics_that_are_not_there(broker: Broker):
    """A topic by name is missing; an expression that matches none may match later."""
    name = f"none-{uuid.uuid4().hex}"
    found = {check.name: check.level for check in KafkaSource(broker.settings(name, f"^{name}")).checks()}
    assert found[f"kafka topic {name}"] == "fail"
    assert found[f"kafka topic ^{name}"] == "warn"
    time.sleep(0.2)
    assert name not in broker.admin().list_topics(timeout=10).topics, "to ask for it does not make it"


def test_what_doctor_says_where_nothing_answers(monkeypatch: pytest.MonkeyPatch):
    """The address and the reason, or what is missing before anything is asked."""
    port = free_port()
    failed = said(settings_for(f"127.0.0.1:{port}", "t"), "fail")
    assert f"127.0.0.1:{port}" in failed["kafka brokers"].what
    monkeypatch.delenv("AUDITOR_TEST_LOGIN", raising=False)
    login = {"mechanism": "PLAIN", "username": "u", "password": {"env": "AUDITOR_TEST_LOGIN"}}
    remote = settings_for("kafka.invalid:9092", "t", sasl=login)
    assert "AUDITOR_TEST_LOGIN is not set" in said(remote, "fail")["kafka settings"].what
    assert "the password cross the network" in said(remote, "warn")["kafka TLS"].what


def test_what_doctor_says_of_a_topic_that_may_not_be_read():
    """It is not taken for one that is not there."""
    with mock_cluster() as cluster:
        topic = cluster.topic("t")
        cluster.topic_error(topic, TOPIC_AUTHORIZATION_FAILED)
        failed = said(settings_for(cluster.address, topic), "fail")
    assert "may not be read" in failed["kafka topic t"].what


class TokenServer(http.server.ThreadingHTTPServer):
    """An OIDC provider that gives everybody an unsigned token of the subject ``oidc``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _TokenHandler)
        self.asked: list[str] = []


class _TokenHandler(http.server.BaseHTTPRequestHandler):
    server: TokenServer

    def do_POST(self) -> None:
        self.server.asked.append(self.headers.get("Authorization", ""))
        now = int(time.time())
        parts = ({"alg": "none"}, {"sub": "oidc", "iat": now, "exp": now + 600})
        token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."
        body = json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 600}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def token_server() -> Iterator[TokenServer]:
    server = TokenServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def granted(broker: Broker, user: str, topic: str, group: str, *more: AclOperation) -> None:
    """Let a user of Apache Kafka read a topic with a group, and do more with the topic."""
    rights = [(ResourceType.TOPIC, topic, operation) for operation in (AclOperation.READ, *more)]
    rights.append((ResourceType.GROUP, group, AclOperation.READ))
    bindings = [
        AclBinding(kind, name, ResourcePatternType.LITERAL, f"User:{user}", "*", operation, AclPermissionType.ALLOW)
        for kind, name, operation in rights
    ]
    admin = broker.admin()
    for answer in admin.create_acls(bindings).values():
        answer.result(10)


@pytest.mark.needs("kafka")
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"])
def test_logins_and_rights_on_apache_kafka(mechanism: str, token_server: TokenServer, monkeypatch: pytest.MonkeyPatch):
    """Each kind of login is let in; a topic or a group that was not granted is refused by name; surplus rights are warned of."""
    address = os.environ["AUDITOR_TEST_KAFKA"]
    broker = Broker(address, apache=True)
    host, _, port = address.rpartition(":")
    user, password = f"u-{uuid.uuid4().hex}", secrets.token_hex(16)
    if mechanism == "PLAIN":
        user, password = "plain", f"plain{port}"
    elif mechanism.startswith("SCRAM"):
        info = ScramCredentialInfo(ScramMechanism[mechanism.replace("-", "_")], 4096)
        admin = broker.admin()
        change = UserScramCredentialUpsertion(user, info, password.encode())
        admin.alter_user_scram_credentials([change])[user].result(10)
    monkeypatch.setenv("AUDITOR_TEST_LOGIN", password)
    reference = {"env": "AUDITOR_TEST_LOGIN"}
    login: dict[str, object] = {"mechanism": mechanism, "username": user, "password": reference}
    if mechanism == "OAUTHBEARER":
        user = "oidc"
        url = f"http://127.0.0.1:{token_server.server_port}/token"
        login = {"mechanism": mechanism, "client_id": "id", "client_secret": reference, "token_url": url}
    topic = broker.topic()
    broker.produce(topic, [b"for readers"])
    settings = settings_for(f"{host}:{int(port) + 2}", topic, sasl=login)
    with pytest.raises(SourceUnavailable, match=r"may not be (read|used) \(grant Read"):
        read(settings)
    assert "may not be read" in said(settings, "fail")[f"kafka topic {topic}"].what
    granted(broker, user, topic, settings.group)
    eventually(lambda: not said(settings, "fail"))
    assert read(settings) == [b"for readers"]
    assert said(settings, "warn") == {}
    granted(broker, user, topic, settings.group, AclOperation.WRITE)
    assert "this user may do more" in eventually(lambda: said(settings, "warn"))["kafka rights"].what
    if mechanism == "OAUTHBEARER":
        expected = base64.b64encode(f"id:{password}".encode()).decode()
        assert token_server.asked[0] == f"Basic {expected}"


def test_claims_are_untouched_where_nothing_can_be_read():
    """A feed that cannot connect takes no shard over."""
    claims = MemoryClaims()
    settings = settings_for(f"127.0.0.1:{free_port()}", "t", unavailable_after=0.5)
    with opened(settings, claims) as reader, pytest.raises(SourceUnavailable):
        list(reader)
    assert claims.held == set()
