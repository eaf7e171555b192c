"""What the environment says about clouds, and what is made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.errors import ConfigError
from auditor.sources.bucket.settings import allows_http, settings_of

NOWHERE = Path("/nonexistent")
VALUE = "v" * 20


@pytest.mark.parametrize(
    ("kind", "environment", "settings"),
    [
        ("s3", {}, {"skip_signature": True}),
        ("s3", {"AWS_ACCESS_KEY_ID": VALUE}, {}),
        ("s3", {"AWS_ACCESS_KEY_ID": ""}, {"skip_signature": True}),
        ("s3", {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ENDPOINT_URL": "http://a"}, {"endpoint": "http://a"}),
        (
            "s3",
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://x", "AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_S3": "http://b"},
            {"endpoint": "http://b"},
        ),
        ("gs", {}, {"skip_signature": True}),
        ("gs", {"GOOGLE_APPLICATION_CREDENTIALS": "/key.json"}, {}),
        ("gs", {"STORAGE_EMULATOR_HOST": "127.0.0.1:9"}, {"base_url": "http://127.0.0.1:9", "skip_signature": True}),
        ("gs", {"STORAGE_EMULATOR_HOST": "https://a"}, {"base_url": "https://a", "skip_signature": True}),
        ("az", {"AZURE_STORAGE_ACCOUNT": "acc"}, {"account_name": "acc", "skip_signature": True}),
        ("az", {"AZURE_STORAGE_ACCOUNT_NAME": "acc", "AZURE_STORAGE_KEY": VALUE}, {"account_name": "acc", "account_key": VALUE}),
        ("az", {"AZURE_STORAGE_ACCOUNT": "acc", "AZURE_STORAGE_SAS_TOKEN": VALUE}, {"account_name": "acc", "sas_key": VALUE}),
        ("az", {"AZURE_STORAGE_ACCOUNT": "acc", "AZURE_CLIENT_ID": "id"}, {"account_name": "acc"}),
        (
            "az",
            {
                "AZURE_STORAGE_CONNECTION_STRING": f"DefaultEndpointsProtocol=http;AccountName=acc;AccountKey={VALUE}==;BlobEndpoint=http://a/acc;"
            },
            {"account_name": "acc", "account_key": f"{VALUE}==", "endpoint": "http://a/acc"},
        ),
    ],
)
def test_the_environment_is_read_as_the_vendors_tools_do(kind: str, environment: dict[str, str], settings: dict[str, object]):
    """Endpoints and accounts are passed on; without any credential requests go unsigned."""
    assert settings_of(kind, environment, NOWHERE) == settings


def test_a_google_login_is_a_credential(tmp_path: Path):
    """Who has logged in with Google's tool needs no variable."""
    login = tmp_path / ".config/gcloud/application_default_credentials.json"
    login.parent.mkdir(parents=True)
    login.write_text("{}")
    assert settings_of("gs", {}, tmp_path) == {}


def test_azure_needs_an_account():
    """An Azure address names only the container: without an account the error says what to set."""
    with pytest.raises(ConfigError, match="AZURE_STORAGE_ACCOUNT"):
        settings_of("az", {}, NOWHERE)


@pytest.mark.parametrize(("endpoint", "allowed"), [("http://127.0.0.1:9", True), ("https://a", False), (None, False)])
def test_only_an_address_without_tls_is_spoken_to_without(endpoint: str | None, allowed: bool):  # noqa: FBT001 - a test's parameter
    """TLS is left out only where the address itself says so."""
    assert allows_http(endpoint) is allowed
