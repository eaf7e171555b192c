"""Clients of librdkafka, what their errors mean, and where their logs go."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from auditor.errors import ConfigError, SourceUnavailable
from auditor.sources.kafka.properties import client_properties, reader_properties
from auditor.sources.kafka.settings import KafkaSettings

#: librdkafka would write its log lines to standard error. They go here instead, and nowhere unless somebody listens.
LOG = logging.getLogger("auditor.kafka")
LOG.addHandler(logging.NullHandler())
#: Seconds for which the client does not say the same thing again: it does so some twenty times a second while no broker answers.
_SAID_FOR = 30.0
_CHANGING = re.compile(r"\bafter \d+ms\b|#\w+-\d+")


class _Once(logging.Filter):
    """Lets the same text pass once in a while, whichever client says it."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether to log; after how many milliseconds something failed does not make it another text."""
        text = _CHANGING.sub("", record.getMessage())
        now = time.monotonic()
        if now - self._said.get(text, -_SAID_FOR) < _SAID_FOR:
            return False
        self._said = {one: at for one, at in self._said.items() if now - at < _SAID_FOR} | {text: now}
        return True


LOG.addFilter(_Once())


def local(name: str) -> int:
    """Return the number of an error of librdkafka's own; their names begin with an underscore."""
    return int(getattr(KafkaError, f"_{name}"))


#: Errors of a login or a handshake: they do not pass by waiting.
REFUSALS = frozenset((local("AUTHENTICATION"), KafkaError.SASL_AUTHENTICATION_FAILED, local("SSL")))
#: Errors of partitions and groups that trying again does not mend; with others a client may get over them.
LASTING = frozenset((
    KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.FENCED_INSTANCE_ID, KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.INCONSISTENT_GROUP_PROTOCOL, KafkaError.INVALID_GROUP_ID, KafkaError.INVALID_SESSION_TIMEOUT,
    KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.TOPIC_EXCEPTION, KafkaError.UNKNOWN_TOPIC_OR_PART,
))  # fmt: skip
#: Their texts say which address failed and why, and hold nothing else.
_TELLING = frozenset((local("TRANSPORT"), local("RESOLVE"), local("SSL"), local("TIMED_OUT")))
_UNREACHED = ("no broker can be reached", "check bootstrap_servers, the network, and whether the brokers want TLS")
_MEANINGS: dict[int, tuple[str, str]] = {
    local("TRANSPORT"): _UNREACHED,
    local("RESOLVE"): _UNREACHED,
    local("TIMED_OUT"): _UNREACHED,
    local("ALL_BROKERS_DOWN"): _UNREACHED,
    local("SSL"): (
        "TLS cannot be agreed on",
        "check tls.ca, tls.certificate and that bootstrap_servers and the certificate give the same name",
    ),
    local("AUTHENTICATION"): ("the brokers refuse the login", "check sasl: mechanism, user and password"),
    KafkaError.SASL_AUTHENTICATION_FAILED: ("the brokers refuse the login", "check sasl: mechanism, user and password"),
    KafkaError.TOPIC_AUTHORIZATION_FAILED: ("the topic may not be read", "grant Read and Describe on it"),
    KafkaError.GROUP_AUTHORIZATION_FAILED: ("the group may not be used", "grant Read on the group"),
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: ("the cluster refuses this user", "grant Describe on the cluster"),
    KafkaError.UNKNOWN_TOPIC_OR_PART: (
        "there is no such topic",
        "correct topics, or create the changefeed first; if the topic was deleted, what was not read of it is lost",
    ),
    KafkaError.TOPIC_EXCEPTION: ("the brokers call the topic's name invalid", "correct topics"),
    KafkaError.FENCED_INSTANCE_ID: (
        "another consumer of the group has the same group.instance.id",
        "give each instance an id of its own, or leave it out",
    ),
    KafkaError.INCONSISTENT_GROUP_PROTOCOL: (
        "other members of the group share partitions out by another strategy than cooperative-sticky",
        "give this feed a group of its own",
    ),
    KafkaError.INVALID_SESSION_TIMEOUT: (
        "the brokers do not take the session timeout",
        "set session.timeout.ms among the properties within their group.min.session.timeout.ms and group.max.session.timeout.ms",
    ),
    KafkaError.MSG_SIZE_TOO_LARGE: (
        "a message is larger than is taken",
        "raise receive.message.max.bytes among the properties",
    ),
}


def make_consumer(settings: KafkaSettings, **callbacks: Callable[..., None]) -> Consumer:
    """Make a consumer; nothing is connected yet. Raise `ConfigError` for settings that librdkafka refuses."""
    try:
        return Consumer(reader_properties(settings) | callbacks, logger=LOG)
    except (KafkaException, ValueError, TypeError) as error:
        raise _refused(settings, error) from None


def make_admin(settings: KafkaSettings, **callbacks: Callable[..., None]) -> AdminClient:
    """Make a client that asks about topics and groups. Raise `ConfigError` for settings that librdkafka refuses."""
    try:
        return AdminClient(client_properties(settings) | callbacks, logger=LOG)
    except (KafkaException, ValueError, TypeError) as error:
        raise _refused(settings, error) from None


def unavailable(error: KafkaError, settings: KafkaSettings, topic: str | None = None) -> SourceUnavailable:
    """Say what an error means and what to do."""
    what, fix = meaning(error)
    return SourceUnavailable(what, where=f"kafka://{settings.bootstrap_servers[0]}/{topic or ''}".rstrip("/"), fix=fix)


def meaning(error: KafkaError) -> tuple[str, str]:
    """Return what an error means and what to do. Its own text stays out where a server may have written it."""
    known = _MEANINGS.get(error.code())
    if known is None:
        return f"Kafka says {error.name()}", "see Kafka's list of error codes"
    what, fix = known
    return (f"{what}: {error.str()}" if error.code() in _TELLING else what), fix


def error_of(error: KafkaException) -> KafkaError:
    """Return the error that a `KafkaException` carries."""
    carried = error.args[0]
    assert isinstance(carried, KafkaError)
    return carried


def topic_ids(settings: KafkaSettings, topics: set[str], timeout: float) -> dict[str, str]:
    """
    Return what tells a topic from a later one of the same name, where brokers and rights let it be known.

    Topic ids came with Kafka 2.8 (KIP-516).
    """
    from confluent_kafka import TopicCollection

    ids: dict[str, str] = {}
    # Held until the answers are here: a client that is let go of drops its questions.
    admin = make_admin(settings)
    described = admin.describe_topics(TopicCollection(sorted(topics)), request_timeout=timeout)
    for topic, future in described.items():
        try:
            ids[topic] = str(future.result(timeout + 1).topic_id)
        except (KafkaException, TimeoutError):
            continue
    # Brokers without ids answer with one of zeros.
    return {topic: found for topic, found in ids.items() if found.strip("A=")}


def partitions_of(metadata: Any, topics: tuple[str, ...]) -> list[TopicPartition]:
    """Return all partitions of the topics that are meant, by the brokers' answer."""
    import re

    return [
        TopicPartition(name, partition)
        for name, topic in metadata.topics.items()
        if any(re.match(wanted, name) if wanted.startswith("^") else wanted == name for wanted in topics)
        for partition in topic.partitions
        if topic.error is None
    ]


def _refused(settings: KafkaSettings, error: Exception) -> ConfigError:
    """Say that librdkafka does not take the settings. Its text may quote a value, but no secret: those have no form to break."""
    text = error_of(error).str() if isinstance(error, KafkaException) else type(error).__name__
    return ConfigError(f"librdkafka refuses the settings: {text}", where=settings.name, fix="correct the feed's settings")
