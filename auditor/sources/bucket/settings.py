"""
How to reach a bucket, from the environment variables that each vendor's own tools read.

Only the environment: no address may carry a credential, since addresses are shown, logged and kept. Without any credential in it
requests go unsigned, which public buckets allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from auditor.errors import ConfigError

# What stands for a credential by its presence alone: the object store client reads the rest itself.
_AWS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    # An instance's role is asked for only where it is named: elsewhere the question hangs for seconds.
    "AWS_METADATA_ENDPOINT",
)
_GOOGLE = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_BEARER_TOKEN",
    "GCE_METADATA_HOST",
)
_GOOGLE_LOGIN = Path(".config/gcloud/application_default_credentials.json")
_AZURE = ("AZURE_CLIENT_ID", "AZURE_STORAGE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_USE_AZURE_CLI", "AZURE_MSI_ENDPOINT")

#: What to set, by kind of address.
FIXES = {
    "s3": "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION; AWS_ENDPOINT_URL for other servers than Amazon's",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run `gcloud auth application-default login`",
    "az": "set AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CONNECTION_STRING",
    "http": "a signed address may have run out: make a new one",
}


def settings_of(kind: str, environment: Mapping[str, str], home: Path) -> dict[str, str | bool]:
    """Return the object store client's settings for ``s3``, ``gs`` or ``az`` that it would not find out by itself."""
    return {"s3": _s3, "gs": _gs, "az": _az}[kind](environment, home)


def allows_http(endpoint: object) -> bool:
    """Tell whether a server is to be spoken to without TLS: its address says so."""
    return str(endpoint).startswith("http://")


def _s3(environment: Mapping[str, str], _home: Path) -> dict[str, str | bool]:
    """Return settings for Amazon S3 and all that speak like it."""
    settings: dict[str, str | bool] = {}
    if endpoint := _first(environment, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"):
        settings["endpoint"] = endpoint
    if not _first(environment, *_AWS):
        settings["skip_signature"] = True
    return settings


def _gs(environment: Mapping[str, str], home: Path) -> dict[str, str | bool]:
    """Return settings for Google Cloud Storage."""
    settings: dict[str, str | bool] = {}
    emulator = environment.get("STORAGE_EMULATOR_HOST", "")
    if emulator:
        settings["base_url"] = emulator if "://" in emulator else f"http://{emulator}"
    if emulator or not (_first(environment, *_GOOGLE) or (home / _GOOGLE_LOGIN).is_file()):
        settings["skip_signature"] = True
    return settings


def _az(environment: Mapping[str, str], _home: Path) -> dict[str, str | bool]:
    """Return settings for Azure Blob Storage."""
    stated = _connection_string(environment.get("AZURE_STORAGE_CONNECTION_STRING", ""))
    found = {
        "account_name": _first(environment, "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME") or stated.get("accountname"),
        "account_key": _first(environment, "AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY") or stated.get("accountkey"),
        "sas_key": environment.get("AZURE_STORAGE_SAS_TOKEN") or stated.get("sharedaccesssignature"),
        "endpoint": environment.get("AZURE_STORAGE_ENDPOINT") or stated.get("blobendpoint"),
    }
    if not found["account_name"]:
        raise ConfigError("the address names no storage account, nor does the environment", where="az://", fix=FIXES["az"])
    settings: dict[str, str | bool] = {name: value for name, value in found.items() if value}
    if not (found["account_key"] or found["sas_key"] or _first(environment, *_AZURE)):
        settings["skip_signature"] = True
    return settings


def _connection_string(text: str) -> dict[str, str]:
    """Split ``AccountName=...;AccountKey=...``; names in lower case, since they may be written either way."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if value}


def _first(environment: Mapping[str, str], *names: str) -> str:
    """Return the first of these variables that is set to something, or ''."""
    return next((value for name in names if (value := environment.get(name, ""))), "")
