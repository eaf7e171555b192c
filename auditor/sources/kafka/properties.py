"""What librdkafka is told: from the settings, and for the reader's sake. Names are those of its CONFIGURATION.md."""

from __future__ import annotations

from typing import Any

from auditor.sources.kafka.settings import KafkaSettings, KafkaTls, OidcLogin, PasswordLogin

#: For every client.
_CLIENT: dict[str, Any] = {
    # A broker that has gone without a word (a frozen machine, a lost route) is noticed by this.
    "socket.timeout.ms": 20_000,
    "socket.keepalive.enable": True,
    # Back soon after a restart of the brokers; the default waits for up to 10 s.
    "reconnect.backoff.max.ms": 2_000,
    # Long-lived clients follow a name to its new addresses.
    "client.dns.lookup": "use_all_dns_ips",
}

#: For the consumer. A user's own properties win over the first part.
_READING: dict[str, Any] = {
    # Heartbeats have a thread of their own in librdkafka, so a slow batch does not miss one. Short, since partitions of an
    # instance that was killed wait for this long.
    "session.timeout.ms": 10_000,
    "topic.metadata.refresh.interval.ms": 30_000,
    # The bound on memory: what is fetched and waits to be consumed, in KiB, and what one answer of a broker may add to it.
    "queued.max.messages.kbytes": 16_384,
    "fetch.max.bytes": 8 << 20,
    # How long fetching rests once the queue is full. By default a whole second, in which the queue runs dry: half the speed.
    "fetch.queue.backoff.ms": 10,
}

#: What the reader depends on.
_FIXED: dict[str, Any] = {
    # The state's position is the true one; the group's offset follows it (see `GroupOffsets`).
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    # An offset that is gone must be reported, never jumped over.
    "auto.offset.reset": "error",
    # Tells the end of a partition past what no consumer is handed: markers of transactions, and aborted ones.
    "enable.partition.eof": True,
    "partition.assignment.strategy": "cooperative-sticky",
    "allow.auto.create.topics": False,
}


def client_properties(settings: KafkaSettings) -> dict[str, Any]:
    """Return what any client needs to be let in. Holds secrets. Raise `ConfigError` where one cannot be read."""
    secured = "SASL_SSL" if settings.sasl and settings.tls else "SASL_PLAINTEXT" if settings.sasl else "SSL"
    return {
        **_CLIENT,
        "client.id": "auditor",
        **{name: value for name, value in settings.properties.items() if not _of_consumers(name)},
        "bootstrap.servers": ",".join(settings.bootstrap_servers),
        "security.protocol": secured if settings.sasl or settings.tls else "PLAINTEXT",
        **(_tls(settings.tls) if settings.tls else {}),
        **(_login(settings.sasl) if settings.sasl else {}),
    }


def reader_properties(settings: KafkaSettings) -> dict[str, Any]:
    """Return what the consumer is made with. Holds secrets. Raise `ConfigError` where one cannot be read."""
    own = settings.properties
    session = int(own.get("session.timeout.ms", _READING["session.timeout.ms"]))
    return {
        **_READING,
        "heartbeat.interval.ms": session // 4,
        **own,
        **client_properties(settings),
        "group.id": settings.group,
        "isolation.level": settings.isolation,
        **_FIXED,
    }


def _of_consumers(name: str) -> bool:
    """Tell whether a property is about consuming alone; the others are for every client."""
    return name.startswith(("check.", "fetch.", "group.", "heartbeat.", "max.", "queued.", "session.", "topic."))


def _tls(tls: KafkaTls) -> dict[str, Any]:
    """Return what TLS needs. Files are read by librdkafka, once, when a client is made."""
    properties: dict[str, Any] = {"ssl.endpoint.identification.algorithm": "https" if tls.verify_hostname else "none"}
    if tls.ca:
        properties["ssl.ca.location"] = str(tls.ca)
    if tls.certificate:
        properties["ssl.certificate.location"] = str(tls.certificate)
        properties["ssl.key.location"] = str(tls.key)
    if tls.key_password:
        properties["ssl.key.password"] = tls.key_password.reveal()
    return properties


def _login(login: PasswordLogin | OidcLogin) -> dict[str, Any]:
    """Return what a login needs."""
    if isinstance(login, PasswordLogin):
        return {
            "sasl.mechanism": login.mechanism,
            "sasl.username": login.username,
            "sasl.password": login.password.reveal(),
        }
    properties: dict[str, Any] = {
        "sasl.mechanism": login.mechanism,
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": login.client_id,
        "sasl.oauthbearer.client.secret": login.client_secret.reveal(),
        "sasl.oauthbearer.token.endpoint.url": login.token_url,
    }
    if login.scope:
        properties["sasl.oauthbearer.scope"] = login.scope
    if login.extensions:
        properties["sasl.oauthbearer.extensions"] = ",".join(f"{name}={value}" for name, value in login.extensions.items())
    if login.ca:
        properties["https.ca.location"] = str(login.ca)
    return properties
