"""Where the rows of a table go, in the words of those who read them: topic, prefix, address; and which exits nobody audits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from auditor.egress.destination import Destination
from auditor.egress.exits import Exit
from auditor.egress.leaving import Going

# CockroachDB escapes what a Kafka topic may not hold (``changefeedbase/name.go``).
_NOT_IN_TOPIC = re.compile(r"[^a-zA-Z0-9._-]")


def topic_of(way: Exit, table: str, family: str = "") -> str:
    """Return the topic that a changefeed sends a table's rows to; of a connector, the one that it names after the table."""
    if way.connector is not None:
        named = ".".join(table.split(".")[-2:])
        return f"{way.destination.topic_prefix}.{named}" if way.destination.topic_prefix else named
    if way.destination.topic_name:
        return way.destination.topic_name
    name = table if way.has("full_table_name") else table.rpartition(".")[2]
    name = f"{way.destination.topic_prefix}{name}{'.' + family if family else ''}"
    return _NOT_IN_TOPIC.sub(_escaped, name)[:249]


def _escaped(match: re.Match[str]) -> str:
    """Escape one character."""
    code = ord(match[0])
    return f"_u{code:04x}_" if code <= 0xFFFF else f"_u{code:08x}_"


def destination_of(way: Exit, table: str, family: str = "") -> str:
    """
    Return where a table's rows go as policies and configurations name it.

    ``kafka://HOST/TOPIC``, ``s3://BUCKET/PREFIX``, ``webhook://HOST/PATH``; of an export, its folder.
    """
    destination = way.destination
    match destination.family:
        case "kafka" | "pubsub" | "pulsar":
            return f"{destination.family}://{destination.place}/{topic_of(way, table, family)}"
        case "webhook":
            return f"webhook://{destination.place}"
        case "sql":
            return "sql"
        case _:
            return f"{destination.scheme}://{destination.place}" if destination.scheme else destination.shown


def names_of(way: Exit, going: Going) -> Iterator[str]:
    """Yield every name that an audited feed may know an exit's table by."""
    yield destination_of(way, going.name, going.family)
    if way.destination.family in ("kafka", "pubsub", "pulsar"):
        yield topic_of(way, going.name, going.family)
    if way.name:
        yield way.name


def is_audited(way: Exit, going: Going, audited: Sequence[str]) -> bool:
    """
    Tell whether what is audited covers an exit's table.

    ``audited`` are topics, addresses (``s3://bucket/prefix`` covers what lies below it), job ids and connector names; globs.
    """
    return any(_covers(pattern, name) for pattern in audited for name in names_of(way, going))


def _covers(pattern: str, name: str) -> bool:
    """Tell whether an audited place is or holds another."""
    pattern = _normal(pattern.rstrip("/"))
    return name == pattern or fnmatchcase(name, pattern) or ("://" in pattern and name.startswith(pattern + "/"))


def _normal(pattern: str) -> str:
    """Return an address as `destination_of` writes it."""
    if "://" not in pattern:
        return pattern
    destination = Destination.of(pattern)
    scheme = "webhook" if destination.family == "webhook" else destination.scheme
    return f"{scheme}://{destination.place}" if destination.place else pattern
