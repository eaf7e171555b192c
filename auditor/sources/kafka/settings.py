"""Settings of a feed that comes through Kafka."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from auditor.errors import ConfigError
from auditor.feed_settings import FeedSettings
from auditor.secret_ref import SecretRef
from auditor.sources.schema_registry.settings import SchemaRegistrySettings

#: What may be handed to librdkafka as it is (its CONFIGURATION.md): no credentials, and nothing that the reader depends on.
PROPERTIES = frozenset((
    "broker.address.family", "check.crcs", "client.dns.lookup", "client.id", "client.rack", "connections.max.idle.ms",
    "fetch.max.bytes", "fetch.min.bytes", "fetch.wait.max.ms", "group.instance.id", "heartbeat.interval.ms",
    "max.partition.fetch.bytes", "max.poll.interval.ms", "queued.max.messages.kbytes", "receive.message.max.bytes",
    "reconnect.backoff.max.ms", "reconnect.backoff.ms", "session.timeout.ms", "socket.connection.setup.timeout.ms",
    "socket.timeout.ms", "ssl.cipher.suites", "topic.blacklist", "topic.metadata.refresh.interval.ms",
))  # fmt: skip

_SERVER = r"^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$"
_LEGAL_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)
_SHOWN = "kafka://HOST:PORT?topics=a,b&group=g"
_OPTIONS = (
    "topics",
    "group",
    "format",
    "envelope",
    "start",
    "topic_prefix",
    "tls_enabled",
    "ca",
    "sasl_mechanism",
    "sasl_user",
    "sasl_password_env",
    "sasl_password_file",
)


class _Part(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class KafkaTls(_Part):
    """
    How brokers are spoken to over TLS; ``tls: {}`` alone is TLS with the system's authorities.

    ``ca`` is the PEM file of the authorities of the brokers' certificates. ``certificate`` (PEM, its chain after it) and ``key``
    are shown to the brokers (mutual TLS).
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    key_password: SecretRef | None = None
    verify_hostname: bool = True

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together: give both")
        if self.key_password is not None and self.key is None:
            raise ValueError("key_password means nothing without key")
        return self


class PasswordLogin(_Part):
    """A login by user and password. For Azure Event Hubs the user is ``$ConnectionString``, the password that string."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
    username: str = Field(min_length=1)
    password: SecretRef


class OidcLogin(_Part):
    """A login by a token that an OIDC provider gives for a client's id and secret; ``token_url`` is its token endpoint."""

    mechanism: Literal["OAUTHBEARER"]
    client_id: str = Field(min_length=1)
    client_secret: SecretRef
    token_url: str = Field(pattern=r"^https?://[^\s@]+$")
    scope: str = ""
    extensions: dict[str, str] = Field(default_factory=dict)
    ca: Path | None = None


Login = Annotated[PasswordLogin | OidcLogin, Field(discriminator="mechanism")]


class KafkaSettings(FeedSettings):
    """
    Settings of one feed. Times are seconds.

    ``topics`` are names, or regular expressions that begin with ``^``: topics that match one later are read too. ``group`` is the
    consumer group; instances of one group share the partitions. ``start`` says where partitions without a recorded position
    begin. ``isolation: read_uncommitted`` reads aborted transactions too. ``unavailable_after`` is for how long no broker may
    answer before the feed counts as unavailable. ``properties`` are librdkafka's own, of a short list.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    kind: Literal["kafka"] = "kafka"
    bootstrap_servers: tuple[Annotated[str, Field(pattern=_SERVER)], ...] = Field(min_length=1)
    topics: tuple[Annotated[str, Field(min_length=1, max_length=1024)], ...] = Field(min_length=1)
    group: str = Field(min_length=1, max_length=255)
    format: Literal["auto", "json", "avro", "protobuf", "csv", "text"] = "auto"
    schema_registry: SchemaRegistrySettings | None = None
    start: Literal["earliest", "latest"] = "earliest"
    isolation: Literal["read_committed", "read_uncommitted"] = "read_committed"
    tls: KafkaTls | None = None
    sasl: Login | None = None
    unavailable_after: float = Field(30.0, gt=0, le=3600)
    properties: dict[str, str | bool | int] = Field(default_factory=dict)

    @field_validator("topics")
    @classmethod
    def _topics_can_be(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        for topic in topics:
            if topic.startswith("^"):
                try:
                    re.compile(topic)
                except re.error:
                    raise ValueError("a topic that begins with ^ is a regular expression, and one of them is none") from None
            elif not _LEGAL_TOPIC.fullmatch(topic) or topic in (".", ".."):
                raise ValueError("a topic's name has letters, digits, '.', '_' and '-' only: give it as Kafka shows it")
        if len(set(topics)) < len(topics):
            raise ValueError("a topic is given twice")
        return topics

    @field_validator("properties")
    @classmethod
    def _known_properties(cls, properties: dict[str, str | bool | int]) -> dict[str, str | bool | int]:
        for name in properties:
            if name not in PROPERTIES:
                raise ValueError(f"a property that cannot be set here; those that can are {', '.join(sorted(PROPERTIES))}")
        return properties

    @property
    def in_the_clear(self) -> bool:
        """Tell whether rows, and perhaps a password, cross a network unencrypted."""
        return self.tls is None and not all(_is_loopback(server) for server in self.bootstrap_servers)

    @classmethod
    def from_uri(cls, uri: str) -> Self:
        """
        Read ``kafka://HOST:PORT,HOST:PORT?topics=a,b&group=g``; the group is ``auditor`` if none is given.

        Further options: ``format``, ``envelope``, ``start``, ``topic_prefix``, ``tls_enabled=true``, ``ca``, ``sasl_mechanism``,
        ``sasl_user``, ``sasl_password_env``, ``sasl_password_file``. Raise `ConfigError`.
        """
        parts = urlsplit(uri)
        servers = parts.netloc.rpartition("@")[2]
        where = f"kafka://{servers}"
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        given = dict(pairs)
        if "@" in parts.netloc or len(given) < len(pairs) or parts.path not in ("", "/"):
            raise ConfigError("the address holds a user, a path or an option twice", where=where, fix=_SHOWN)
        if unknown := [name for name in given if name not in _OPTIONS]:
            raise ConfigError(f"an unknown option: {unknown[0]}", where=where, fix=f"known are {', '.join(_OPTIONS)}")
        name = re.sub(r"[^a-z0-9_.-]+", "-", f"kafka-{servers.lower()}")[:63]
        fields: dict[str, object] = {"name": name, "group": "auditor", "bootstrap_servers": servers.split(",")}
        fields["topics"] = [topic for topic in given.pop("topics", "").split(",") if topic]
        fields.update(_security(given, where))
        fields.update(given)
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            first = error.errors(include_input=False, include_context=False, include_url=False)[0]
            raise ConfigError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", where=where, fix=_SHOWN) from None


def _security(given: dict[str, str], where: str) -> dict[str, object]:
    """Take the options of an address that are about TLS and a login out of it, and return the fields they stand for."""
    fields: dict[str, object] = {}
    tls, ca = given.pop("tls_enabled", "true" if "ca" in given else "false"), given.pop("ca", None)
    if tls not in ("true", "false") or (tls == "false" and ca is not None):
        raise ConfigError("tls_enabled is true or false, and ca needs it", where=where)
    if tls == "true":
        fields["tls"] = {"ca": ca}
    login = {name.removeprefix("sasl_"): given.pop(name) for name in list(given) if name.startswith("sasl_")}
    if login:
        password = {kind: login.pop(f"password_{kind}") for kind in ("env", "file") if f"password_{kind}" in login}
        fields["sasl"] = {
            "mechanism": login.pop("mechanism", "SCRAM-SHA-512"),
            "username": login.pop("user", ""),
            "password": password,
        }
    return fields


def _is_loopback(server: str) -> bool:
    """Tell whether HOST:PORT is on this machine."""
    host = server.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
