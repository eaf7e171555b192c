"""Settings of the schema registry that an Avro feed's schemas are had from."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from auditor.secret_ref import SecretRef


class SchemaRegistrySettings(BaseModel):
    """
    Settings of one registry. Times are seconds.

    ``url`` is what the Confluent API's paths are added to, without credentials (for Apicurio it ends with ``/apis/ccompat/v7``).
    ``username`` and ``password`` are for basic authentication (an API key and its secret), ``token`` is a bearer token. ``ca`` is
    the authority of the server's certificate, unless the system knows it; ``certificate`` and ``key`` are shown to the server.
    All three are PEM files. ``timeout`` bounds how long one schema is tried for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str
    username: str = ""
    password: SecretRef | None = None
    token: SecretRef | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    timeout: float = Field(10.0, gt=0, le=120)

    @field_validator("url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            host = parts.hostname
            _ = parts.port
        except ValueError:
            raise ValueError("not an address: https://HOST:PORT") from None
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError("not an address: https://HOST:PORT")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("holds more than host and path; credentials belong into username and password, or token")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.password is None) != (not self.username):
            raise ValueError("give username and password together")
        if self.password is not None and self.token is not None:
            raise ValueError("give either username and password, or token")
        if self.key is not None and self.certificate is None:
            raise ValueError("key needs the certificate that it belongs to")
        return self

    @property
    def in_the_clear(self) -> bool:
        """Tell whether credentials would cross a network unencrypted."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and (self.password or self.token) is not None and not _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
