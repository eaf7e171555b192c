"""What `auditor doctor` looks at. Nothing is changed: no group is joined, no offset committed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, ConsumerGroupState, KafkaError, KafkaException, TopicCollection, TopicPartition

# These names are the package's documented ones, though it does not list them.
from confluent_kafka.admin import AclOperation, AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]

from auditor.delivery import Check
from auditor.errors import ConfigError
from auditor.sources.kafka.client import REFUSALS, error_of, local, make_admin, make_consumer, meaning, partitions_of
from auditor.sources.kafka.settings import KafkaSettings, PasswordLogin

#: Seconds for each question.
_ANSWER = 10.0
#: Seconds for the first one. A wrong address is refused again and again meanwhile.
_REACH = 5.0
#: What reading needs, and what comes with it.
_ENOUGH = {AclOperation.READ, AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS}


def checks(settings: KafkaSettings) -> Iterator[Check]:
    """Yield what was seen; what cannot be looked at without a connection is left out where there is none."""
    if settings.in_the_clear:
        password = " and the password" if isinstance(settings.sasl, PasswordLogin) and settings.sasl.mechanism == "PLAIN" else ""
        yield Check("kafka TLS", "warn", f"rows{password} cross the network unencrypted", "give tls, and a TLS listener")
    errors: list[KafkaError] = []
    try:
        admin = make_admin(settings, error_cb=errors.append)
    except ConfigError as error:
        yield Check("kafka settings", "fail", error.what, error.fix)
        return
    metadata = _metadata(admin, errors)
    if metadata is None:
        reason = next((error for error in errors if error.code() in REFUSALS), errors[0] if errors else None)
        yield Check("kafka brokers", "fail", *meaning(reason or KafkaError(local("TIMED_OUT"))))
        return
    yield Check("kafka brokers", "ok", f"{len(metadata.brokers)} brokers answer")
    yield from _topics(settings, metadata)
    partitions = partitions_of(metadata, settings.topics)
    topics = sorted({one.topic for one in partitions})
    yield _group(settings, admin)
    if topics:
        yield from _rights(settings, admin, topics)
        yield from _policies(admin, topics)
        yield _reading(settings, partitions)


def _metadata(admin: AdminClient, errors: list[KafkaError]) -> Any:
    """Return what the brokers say of themselves; None if none lets us in, for reasons then among the errors."""
    until = time.monotonic() + _REACH
    while time.monotonic() < until and not any(error.code() in REFUSALS for error in errors):
        try:
            return admin.list_topics(timeout=1)
        except KafkaException:
            # What it says is only that there was no answer; why, the client tells through `errors`.
            admin.poll(0)
    return None


def _topics(settings: KafkaSettings, metadata: Any) -> Iterator[Check]:
    """Look whether each topic is there, and each of its partitions has a leader."""
    for wanted in settings.topics:
        partitions = partitions_of(metadata, (wanted,))
        shown = f"kafka topic {wanted}"
        leaderless = [one for one in partitions if metadata.topics[one.topic].partitions[one.partition].leader < 0]
        if not partitions and wanted.startswith("^"):
            yield Check(shown, "warn", "no topic matches yet", "correct topics, or create the changefeed")
        elif not partitions:
            yield Check(shown, "fail", *meaning(_absence(settings, wanted)))
        elif leaderless:
            first = f"{leaderless[0].topic}/{leaderless[0].partition}"
            yield Check(shown, "fail", f"{len(leaderless)} partitions have no leader, {first} among them", "start their brokers")
        else:
            yield Check(shown, "ok", f"{len(partitions)} partitions")


def _absence(settings: KafkaSettings, topic: str) -> KafkaError:
    """
    Return why a topic is not among all topics: one that may not be seen is left out there, and refused where it is named.

    A consumer asks: brokers make a topic that another client asks for by name, unless they are told not to.
    """
    consumer = make_consumer(settings)
    try:
        error = consumer.list_topics(topic, timeout=_ANSWER).topics[topic].error
    except KafkaException as failure:
        return error_of(failure)
    finally:
        consumer.close()
    return error if isinstance(error, KafkaError) else KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)


def _group(settings: KafkaSettings, admin: AdminClient) -> Check:
    """Look whether the group may be used, and by whom it is."""
    name = f"kafka group {settings.group}"
    try:
        described = admin.describe_consumer_groups([settings.group], include_authorized_operations=True, request_timeout=_ANSWER)
        group = described[settings.group].result(_ANSWER + 1)
    except KafkaException as error:
        if error_of(error).code() == KafkaError.GROUP_ID_NOT_FOUND:
            return Check(name, "ok", "new")
        return Check(name, "fail", *meaning(error_of(error)))
    except TimeoutError:
        return Check(name, "fail", *meaning(KafkaError(local("TIMED_OUT"))))
    if group.authorized_operations and AclOperation.READ not in group.authorized_operations:
        return Check(name, "fail", *meaning(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)))
    if group.state in (ConsumerGroupState.DEAD, ConsumerGroupState.EMPTY):
        return Check(name, "ok", "nobody uses it now")
    return Check(name, "ok", f"{len(group.members)} members, {group.state.name.lower()}")


def _rights(settings: KafkaSettings, admin: AdminClient, topics: list[str]) -> Iterator[Check]:
    """Look whether there are more rights than reading needs. Brokers that know no rights are passed over."""
    described = admin.describe_topics(TopicCollection(topics), include_authorized_operations=True, request_timeout=_ANSWER)
    surplus: dict[str, list[str]] = {}
    for topic, future in described.items():
        try:
            operations = set(future.result(_ANSWER + 1).authorized_operations or ())
        except (KafkaException, TimeoutError):
            continue
        if more := operations - _ENOUGH:
            surplus[topic] = sorted(operation.name.replace("_", " ").capitalize() for operation in more)
    if surplus:
        topic, rights = next(iter(surplus.items()))
        who = "this user" if settings.sasl or (settings.tls and settings.tls.certificate) else "anybody"
        what = f"{who} may do more with {len(surplus)} topics than read them, with {topic} for one: {', '.join(rights)}"
        yield Check("kafka rights", "warn", what, "grant Read and Describe on the topics alone, and Read on the group")


def _policies(admin: AdminClient, topics: list[str]) -> Iterator[Check]:
    """Look for topics that are compacted: there rows are overwritten before they are read."""
    resources = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
    compacted: list[str] = []
    for resource, future in admin.describe_configs(resources, request_timeout=_ANSWER).items():
        try:
            policy = future.result(_ANSWER + 1).get("cleanup.policy")
        except (KafkaException, TimeoutError):
            continue
        if policy is not None and "compact" in str(policy.value):
            compacted.append(str(resource.name))
    if compacted:
        what = f"{len(compacted)} topics are compacted, {compacted[0]} among them: older versions of a row may go unread"
        yield Check("kafka cleanup", "warn", what, "cleanup.policy=delete, or a min.compaction.lag.ms longer than any outage")


def _reading(settings: KafkaSettings, partitions: list[TopicPartition]) -> Check:
    """Look whether the first message of some partition can be had."""
    name, first = "kafka reading", partitions[0]
    place = f"{first.topic}/{first.partition}"
    try:
        consumer = make_consumer(settings)
    except ConfigError as error:
        return Check(name, "fail", error.what, error.fix)
    try:
        consumer.assign([TopicPartition(first.topic, first.partition, OFFSET_BEGINNING)])
        message = consumer.poll(_ANSWER)
    except KafkaException as error:
        return Check(name, "fail", *meaning(error_of(error)))
    finally:
        consumer.close()
    if message is None:
        return Check(
            name, "fail", f"{place} says nothing", "check that its leader can be reached from here, by its advertised name"
        )
    event = message.error()
    if event is None or event.code() == local("PARTITION_EOF"):
        return Check(name, "ok", f"{place} can be read")
    what, fix = meaning(event)
    return Check(name, "fail", f"{place}: {what}", fix)
