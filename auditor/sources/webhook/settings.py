"""Settings of the endpoint that CockroachDB's webhook sink posts to."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import ConfigDict, Field, ValidationError, model_validator

from auditor.errors import ConfigError
from auditor.feed_settings import FeedSettings
from auditor.secret_ref import SecretRef

_MIB = 1 << 20
_HEADER = re.compile(r"(?:Basic|Bearer) [!-~]+", re.ASCII)
#: Characters that need no escape in a path, and that no router gives a meaning.
_Path = Annotated[str, Field(pattern=r"^/[A-Za-z0-9._~/-]*$", max_length=1024)]
_OPTIONS = (
    "cert",
    "key",
    "client_ca",
    "authorization_env",
    "authorization_file",
    "forward_to",
    "allow_plain_http",
)


class WebhookSettings(FeedSettings):
    """An endpoint that CockroachDB's webhook sink posts to."""

    model_config = ConfigDict(hide_input_in_errors=True, use_attribute_docstrings=True)

    kind: Literal["webhook"] = "webhook"
    host: str = Field("127.0.0.1", min_length=1)
    """Where to listen."""
    port: int = Field(8443, ge=0, le=65535)
    """0 takes any port that is free."""
    path: _Path = "/"
    """The one path that is answered."""
    certificate: Path | None = None
    """A PEM file: the server's certificate, then its chain. It is loaded again when it changes."""
    key: Path | None = None
    """A PEM file: the key of the certificate, without a password."""
    client_ca: Path | None = None
    """A PEM file: every client must have a certificate of this authority (the sink's `client_cert`)."""
    allow_plain_http: bool = False
    """Listen without TLS on other hosts than loopback, because something before this one ends TLS."""
    authorization: tuple[SecretRef, ...] = Field((), max_length=2)
    """Accepted values of the Authorization header, whole, as in `webhook_auth_header`; two while one is being replaced."""
    max_body: int = Field(32 * _MIB, ge=1024)
    """The largest body, in bytes, compressed and not; a larger one is answered with 413."""
    max_in_flight: int = Field(64 * _MIB, ge=2048)
    """How many bytes are held until they are recorded; beyond it the answer is 503."""
    max_requests: int = Field(256, ge=1, le=65536)
    """How many requests are held until they are recorded; beyond it the answer is 503."""
    max_connections: int = Field(256, ge=1, le=65536)
    """How many connections are open at a time; with TLS each takes a quarter of a MiB. Further ones are closed."""
    answer_within: float = Field(2.5, gt=0, le=600)
    """Seconds from a request's head to its answer: less than the sink's `webhook_client_timeout`, which is 3 s."""
    forward_to: str = ""
    """Pass each request on to this https address once it is recorded, and its answer back."""
    forward_ca: Path | None = None
    """A PEM file: the authority of the certificate there, if it is none of the system's."""
    forward_certificate: Path | None = None
    """A PEM file: the certificate that is shown there."""
    forward_key: Path | None = None
    """A PEM file: its key, without a password."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together: give both")
        if self.certificate is None and self.client_ca is not None:
            raise ValueError("client_ca needs TLS: give certificate and key")
        if self.certificate is None and not (self.allow_plain_http or is_loopback(self.host)):
            raise ValueError("without certificate and key only loopback is listened on: give both, or say allow_plain_http: true")
        if self.max_in_flight < 2 * self.max_body:
            raise ValueError("max_in_flight must be at least twice max_body, or the largest body could never be taken")
        if (self.forward_certificate is None) != (self.forward_key is None):
            raise ValueError("forward_certificate and forward_key belong together: give both")
        if self.forward_to:
            _check_forward(self.forward_to)
        elif self.forward_ca or self.forward_certificate:
            raise ValueError("forward_ca and forward_certificate mean nothing without forward_to")
        return self

    def accepted(self) -> list[bytes]:
        """Return the accepted values of the ``Authorization`` header; raise `ConfigError` for one that can never match."""
        values = [reference.reveal() for reference in self.authorization]
        for number, value in enumerate(values, start=1):
            if not _HEADER.fullmatch(value):
                raise ConfigError(
                    f"value {number} of authorization is no whole header",
                    where=self.name,
                    fix="give what stands in webhook_auth_header: Basic or Bearer, a space, and the rest",
                )
        return [value.encode() for value in values]

    @classmethod
    def from_uri(cls, uri: str) -> Self:
        """
        Read ``webhook://HOST:PORT/PATH?cert=FILE&key=FILE``.

        Further options: ``client_ca``, ``authorization_env``, ``authorization_file``, ``forward_to``, ``allow_plain_http=true``.
        Raise `ConfigError`.
        """
        try:
            parts = urlsplit(uri)
            host, port = parts.hostname or "127.0.0.1", parts.port
        except ValueError:
            raise ConfigError("the address has no host and port", where="webhook://", fix="webhook://HOST:PORT/PATH") from None
        where = f"webhook://{parts.netloc.rpartition('@')[2]}{parts.path}"
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        given = dict(pairs)
        if unknown := [name for name in given if name not in _OPTIONS]:
            raise ConfigError(f"an unknown option: {unknown[0]}", where=where, fix=f"known are {', '.join(_OPTIONS)}")
        if parts.username or parts.password or len(given) < len(pairs):
            raise ConfigError("the address holds a user, or an option twice", where=where, fix="webhook://HOST:PORT/PATH")
        fields: dict[str, object] = {"name": "webhook", "host": host, "path": parts.path or "/"}
        if port is not None:
            fields["port"] = port
        references = {name: value for name, value in given.items() if name.startswith("authorization_")}
        fields["authorization"] = [{name.removeprefix("authorization_"): value} for name, value in references.items()]
        plain = {name: value for name, value in given.items() if name not in references}
        fields.update(("certificate" if name == "cert" else name, value) for name, value in plain.items())
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            first = error.errors(include_input=False, include_context=False, include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise ConfigError(f"{place}: {first['msg']}" if place else first["msg"], where=where) from None


def is_loopback(host: str) -> bool:
    """Tell whether what listens on a host can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _check_forward(address: str) -> None:
    """Raise `ValueError` unless this is an https address without credentials, or an http one on loopback."""
    parts = urlsplit(address)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("forward_to must be an https address")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("forward_to must be an https address: plain http is for loopback alone")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("forward_to cannot hold credentials or a query: a request's own query and Authorization are passed on")
