"""Settings of a feed through Kafka, and what the client is told."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from auditor.errors import ConfigError
from auditor.sources.kafka.properties import client_properties, reader_properties
from auditor.sources.kafka.settings import PROPERTIES, KafkaSettings

BASE = {"name": "feed", "bootstrap_servers": ["a.example:9092", "b.example:9092"], "topics": ["users"], "group": "g"}
LOGIN = {"mechanism": "SCRAM-SHA-512", "username": "reader", "password": {"env": "AUDITOR_TEST_LOGIN"}}


def settings(**fields: object) -> KafkaSettings:
    return KafkaSettings.model_validate({**BASE, **fields})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"bootstrap_servers": []}, "at least 1 item"),
        ({"bootstrap_servers": ["host"]}, "pattern"),
        ({"topics": ["movr.public.users!"]}, "give it as Kafka shows it"),
        ({"topics": ["^("]}, "one of them is none"),
        ({"topics": ["a", "a"]}, "given twice"),
        ({"group": ""}, "at least 1 character"),
        ({"properties": {"sasl.password": "x"}}, "cannot be set here"),
        ({"properties": {"enable.auto.commit": True}}, "cannot be set here"),
        ({"tls": {"key": "/k.pem"}}, "belong together"),
        ({"sasl": {**LOGIN, "password": "in plain"}}, "password"),
        ({"sasl": {**LOGIN, "mechanism": "GSSAPI"}}, "mechanism"),
        ({"servers": "a:1"}, "Extra inputs"),
    ],
)
def test_settings_that_make_no_sense_are_refused(fields: dict[str, object], reason: str):
    """Each with what is wrong, and without the value, which may be a password in the wrong place."""
    with pytest.raises(ValidationError, match=reason) as refused:
        settings(**fields)
    assert "in plain" not in str(refused.value)


def test_positions_are_the_states_alone():
    """Whatever is set, the client neither commits by itself nor jumps over offsets that are gone."""
    told = reader_properties(settings(properties=dict.fromkeys(PROPERTIES - {"session.timeout.ms"}, 1)))
    assert told["enable.auto.commit"] is False
    assert told["enable.auto.offset.store"] is False
    assert told["auto.offset.reset"] == "error"
    assert told["isolation.level"] == "read_committed"
    assert told["partition.assignment.strategy"] == "cooperative-sticky"
    assert told["bootstrap.servers"] == "a.example:9092,b.example:9092"


def test_own_properties_win_where_they_may():
    """A short session brings short heartbeats along; a client that only asks is not told what is about consuming."""
    own = settings(properties={"session.timeout.ms": 2000, "client.id": "me", "fetch.wait.max.ms": 5})
    told = reader_properties(own)
    assert (told["session.timeout.ms"], told["heartbeat.interval.ms"]) == (2000, 500)
    assert (told["client.id"], told["fetch.wait.max.ms"]) == ("me", 5)
    asks = client_properties(own)
    assert asks["client.id"] == "me"
    assert not {"session.timeout.ms", "fetch.wait.max.ms", "group.id"} & asks.keys()


@pytest.mark.parametrize(
    ("tls", "login", "protocol"),
    [(None, None, "PLAINTEXT"), ({}, None, "SSL"), (None, LOGIN, "SASL_PLAINTEXT"), ({}, LOGIN, "SASL_SSL")],
)
def test_the_protocol_follows_from_tls_and_login(tls: object, login: object, protocol: str, monkeypatch: pytest.MonkeyPatch):
    """Nobody has to name it."""
    monkeypatch.setenv("AUDITOR_TEST_LOGIN", "p" * 8)
    told = client_properties(settings(tls=tls, sasl=login))
    assert told["security.protocol"] == protocol
    assert told.get("sasl.password") == ("p" * 8 if login else None)


def test_everything_of_tls_and_oidc_reaches_the_client(tmp_path: Path):
    """Files by their path, secrets by what they refer to."""
    secret = tmp_path / "secret"
    secret.write_text("s" * 8 + "\n")
    oidc = {"mechanism": "OAUTHBEARER", "client_id": "id", "client_secret": {"file": secret}, "token_url": "https://idp/token"}
    tls = {"ca": "/ca", "certificate": "/c", "key": "/k", "key_password": {"file": secret}, "verify_hostname": False}
    told = client_properties(settings(tls=tls, sasl={**oidc, "scope": "read", "extensions": {"a": "1", "b": "2"}, "ca": "/idp"}))
    assert {name: value for name, value in told.items() if name.startswith(("ssl.", "sasl.", "https."))} == {
        "ssl.ca.location": "/ca",
        "ssl.certificate.location": "/c",
        "ssl.key.location": "/k",
        "ssl.key.password": "s" * 8,
        "ssl.endpoint.identification.algorithm": "none",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": "id",
        "sasl.oauthbearer.client.secret": "s" * 8,
        "sasl.oauthbearer.token.endpoint.url": "https://idp/token",
        "sasl.oauthbearer.scope": "read",
        "sasl.oauthbearer.extensions": "a=1,b=2",
        "https.ca.location": "/idp",
    }


def test_an_address_names_a_feed():
    """`auditor watch kafka://...` takes what a quick look needs."""
    uri = "kafka://b.example:9092,[::1]:9093?topics=a,%5Eb_&group=g&format=json&start=latest&topic_prefix=x_"
    read = KafkaSettings.from_uri(uri)
    assert read.bootstrap_servers == ("b.example:9092", "[::1]:9093")
    assert read.topics == ("a", "^b_")
    assert (read.name, read.group, read.format, read.start, read.topic_prefix) == (
        "kafka-b.example-9092-1-9093",
        "g",
        "json",
        "latest",
        "x_",
    )
    assert read.tls is None
    secured = KafkaSettings.from_uri("kafka://h:1?topics=a&ca=/ca.pem&sasl_user=u&sasl_password_env=LOGIN")
    assert secured.group == "auditor"
    assert secured.tls is not None
    assert str(secured.tls.ca) == "/ca.pem"
    assert secured.sasl is not None
    assert secured.sasl.mechanism == "SCRAM-SHA-512"


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("kafka://user:" + "word@h:1?topics=a", "holds a user"),
        ("kafka://h:1/topic?topics=a", "a path"),
        ("kafka://h:1?topics=a&topics=b", "an option twice"),
        ("kafka://h:1?topics=a&sasl_password" + "=word", "unknown option: sasl_password"),
        ("kafka://h:1?topics=a&compression=x", "unknown option"),
        ("kafka://h:1?topics=a&tls_enabled=yes", "tls_enabled is true or false"),
        ("kafka://h:1?group=g", "topics"),
        ("kafka://h?topics=a", "bootstrap_servers"),
        ("kafka://h:1?topics=a&sasl_user=u", "password"),
    ],
)
def test_an_address_that_makes_no_sense(uri: str, reason: str):
    """The error shows what is wrong and never a password."""
    with pytest.raises(ConfigError, match=reason) as refused:
        KafkaSettings.from_uri(uri)
    assert "word" not in str(refused.value).replace("password", "")


def test_rows_in_the_clear():
    """Without TLS everything beyond this machine is readable on the way."""
    assert settings().in_the_clear
    assert not settings(tls={}).in_the_clear
    assert not settings(bootstrap_servers=["127.0.0.1:1", "[::1]:1", "localhost:1"]).in_the_clear


def test_the_client_is_loaded_when_the_feed_is_opened():
    """Settings alone cost no start-up time."""
    heavy = ("confluent_kafka", "numpy", "httpx2")
    code = f"import sys, auditor.sources.kafka; sys.exit(' '.join(name for name in {heavy} if name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True).stderr.strip() == ""
