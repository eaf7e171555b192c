"""Addresses of sinks: what is shown of them, and that no credential ever is."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.egress.destination import Destination, resolved
from auditor.egress.lint import lint
from auditor.egress.schema import Schema
from auditor.egress.statements import read_statements


@pytest.mark.parametrize(
    ("uri", "shown", "family", "secrets"),
    [
        ("kafka://h:9092?topic_prefix=p_&tls_enabled=true", "kafka://h:9092?topic_prefix=p_&tls_enabled=true", "kafka", ()),
        ("kafka://u:pw@h:9092", "kafka://h:9092", "kafka", ("password",)),
        (
            "kafka://h?sasl_user=u&sasl_" + "password=a%2Fb",
            "kafka://h?sasl_user=...&sasl_password=...",
            "kafka",
            ("sasl_password",),
        ),
        (
            "confluent-cloud://h?api_key=K&api_secret=S",
            "confluent-cloud://h?api_key=...&api_secret=...",
            "kafka",
            ("api_secret",),
        ),
        (
            "azure-event-hub://h?shared_access_key_name=n&shared_access_key=k",
            "azure-event-hub://h?shared_access_key_name=...&shared_access_key=...",
            "kafka",
            ("shared_access_key",),
        ),
        (
            "s3://bucket/a/b?AWS_ACCESS_KEY_ID=i&AWS_SECRET_ACCESS_KEY=redacted",
            "s3://bucket/a/b?AWS_ACCESS_KEY_ID=...&AWS_SECRET_ACCESS_KEY=...",
            "storage",
            (),
        ),
        (
            "gs://b/2026/x?AUTH=specified&CREDENTIALS=e30=",
            "gs://b/2026/x?AUTH=specified&CREDENTIALS=...",
            "storage",
            ("CREDENTIALS",),
        ),
        ("gcpubsub://project?region=us-east1", "gcpubsub://project?region=us-east1", "pubsub", ()),
        ("webhook-https://api.example.com:8443/cdc/v1", "webhook-https://api.example.com:8443/cdc/v1", "webhook", ()),
        ("webhook-https://h/hook/aB3dE5gH7jK9", "webhook-https://h/hook/...", "webhook", ("path",)),
        ("s3://b/2f3c9a1be4d5/A1b2C3d4E5", "s3://b/2f3c9a1be4d5/A1b2C3d4E5", "storage", ()),
        ("https://files.example.com/cdc/A1b2C3d4E5", "https://files.example.com/cdc/...", "storage", ()),
        ("external://kafka-sink", "external://kafka-sink", "external", ()),
        ("null://", "null://", "null", ()),
        ("nodelocal://1/x", "nodelocal://1/x", "storage", ()),
        ("*****", "<sink>", "", ()),
        ("", "<sink>", "", ()),
        ("kafka://[broken", "<sink>", "", ()),
        (
            "s3://b/p?AWS_SESSION_TOKEN=t&sasl_token_url=u",
            "s3://b/p?AWS_SESSION_TOKEN=...&sasl_token_url=...",
            "storage",
            ("AWS_SESSION_TOKEN",),
        ),
    ],
)
def test_what_is_shown(uri: str, shown: str, family: str, secrets: tuple[str, ...]) -> None:
    """Host, path and harmless parameters are shown; parameters that hold a credential are named."""
    found = Destination.of(uri)
    assert (found.shown, found.family, found.secrets) == (shown, family, secrets)


def test_an_external_connection_is_what_it_stands_for() -> None:
    """Its name stays visible; parameters beside the name hold too."""
    target = Destination.of("kafka://h:9092?topic_prefix=p_")
    found = resolved(Destination.of("external://K?topic_name=all"), [("other", target), ("k", target)])
    assert (found.family, found.place, found.topic_name, found.topic_prefix) == ("kafka", "h:9092", "all", "p_")
    assert found.shown == "external://K?topic_name=all = kafka://h:9092?topic_prefix=p_"
    assert resolved(Destination.of("external://unknown"), [("k", target)]).family == "external"


secret_texts = st.text(string.ascii_letters + string.digits + "+/=_-!$ ", min_size=16, max_size=40).filter(
    lambda text: any(c.isdigit() for c in text) and sum(c.isalpha() for c in text) > 6 and text == text.strip()
)
PLACES = [
    "kafka://user:{}@broker:9092",
    "kafka://broker:9092?topic_prefix=a_&sasl_enabled=true&sasl_password={}",
    "kafka://broker:9092?tls_enabled=true&ca_cert=x&client_key={}&sasl_client_secret={}",
    "confluent-cloud://broker:9092?api_key=k&api_secret={}",
    "s3://bucket/prefix?AWS_ACCESS_KEY_ID={}&AWS_SECRET_ACCESS_KEY={}&AWS_SESSION_TOKEN={}",
    "azure://container/p?AZURE_ACCOUNT_KEY={}&AZURE_CLIENT_SECRET={}",
    "gs://bucket/p?AUTH=specified&CREDENTIALS={}&BEARER_TOKEN={}",
    "webhook-https://hooks.example.com/services/{}",
    "webhook-https://hooks.example.com/in?token={}",
    "kafka://broker:9092?something_new={}",
]


@given(text=secret_texts, place=st.sampled_from(PLACES), encoded=st.booleans())
def test_no_output_ever_holds_a_credential(*, text: str, place: str, encoded: bool) -> None:
    """Neither raw nor percent-encoded: in no field, message or remedy of anything that is made of it."""
    safe = quote(text, safe="") if encoded or any(c in text for c in "/+ ") else text
    uri = place.replace("{}", safe)
    header = text.replace("'", "")
    statements = [
        f"CREATE CHANGEFEED FOR TABLE t INTO '{uri}' WITH diff, webhook_auth_header='Bearer {header}'",
        f"CREATE CHANGEFEED FOR TABLE t INTO '{uri}' WITH extra_headers='{{\"k\": \"{header}\"}}'",
        f"CREATE CHANGEFEED INTO '{uri}' WITH confluent_schema_registry='https://u:{safe}@registry' AS SELECT a FROM t",
        f"EXPORT INTO CSV '{uri}' FROM TABLE t",
        f"CREATE EXTERNAL CONNECTION k AS '{uri}'",
    ]
    ways = [way for statement in statements for way in read_statements(statement)]
    assert len(ways) == 5
    shown = repr(ways) + repr(lint(ways, Schema([])))
    for form in {text, safe, quote(text), quote(text, safe=""), header}:
        assert form not in shown
