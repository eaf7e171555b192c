"""
Where an exit leads: the address of a sink as it may be shown, and what of it can be compared.

Credentials stand in sink URIs (CockroachDB docs, "Changefeed Sinks" and "Cloud Storage Authentication"). So a URI is taken apart
at once, and only what is known to be harmless is kept: all other parameters by their names alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

#: Parameters that say where and how, never with what right.
_OPEN = frozenset((
    "auth", "azure_environment", "compression", "file_size", "insecure_tls_skip_verify", "partition_format", "region",
    "aws_region", "s3_storage_class", "sasl_aws_region", "sasl_enabled", "sasl_handshake", "sasl_mechanism", "tls_enabled",
    "topic_name", "topic_prefix",
))  # fmt: skip
_SECRET = re.compile(r"secret|passw|token(?!_url)|credential|_key$|^key$|sas$|^sig(nature)?$|_sig$", re.IGNORECASE)
#: These are names of keys, not keys.
_NOT_SECRET = frozenset(("api_key", "shared_access_key_name", "aws_access_key_id"))
#: What CockroachDB shows in place of a secret, and what a reference to one looks like.
_HIDDEN = re.compile(r"redacted|\*+|x+|\$\{[^}]*\}|", re.IGNORECASE)
_FAMILIES = {
    "kafka": "kafka", "confluent-cloud": "kafka", "azure-event-hub": "kafka", "gcpubsub": "pubsub", "pulsar": "pulsar",
    "webhook-https": "webhook", "webhook-http": "webhook", "webhook": "webhook", "s3": "storage", "gs": "storage",
    "azure": "storage", "azure-blob": "storage", "azure-storage": "storage", "nodelocal": "storage", "userfile": "storage",
    "http": "storage", "https": "storage", "file-http": "storage", "file-https": "storage", "external": "external",
    "null": "null",
}  # fmt: skip
#: Servers whose paths can be capabilities; those of buckets are names.
_PATH_MAY_OPEN = frozenset(("http", "https", "file-http", "file-https"))
# A step of a path is shown if it is made of plain words and small numbers: tokens stand in paths of webhooks.
_STEP = re.compile(r"(?:[A-Za-z]{1,14}\d{0,4}|\d{1,4})(?:[._=-](?:[A-Za-z]{1,14}\d{0,4}|\d{1,4}))*")
_PLAIN_VALUE = re.compile(r"[\w.:-]{0,80}")
_LONG_RUN = re.compile(r"[0-9A-Za-z+/=]{24,}")


@dataclass(frozen=True, slots=True)
class Destination:
    """
    A sink. ``shown`` is its URI without credentials; ``secrets`` names the parameters that held one.

    ``family`` is ``kafka pubsub pulsar webhook storage external null``, ``sql`` for a stream to a SQL client, '' if unknown.
    ``place`` is host and path; ``topic_name`` and ``topic_prefix`` are those of the URI.
    """

    shown: str
    family: str
    scheme: str = ""
    place: str = ""
    secrets: tuple[str, ...] = ()
    topic_name: str = ""
    topic_prefix: str = ""

    @classmethod
    def of(cls, uri: str) -> Self:
        """Take a URI apart. Text that is none is shown as ``<sink>``."""
        try:
            parts = urlsplit(uri.strip())
            pairs = parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True)
        except ValueError:
            return cls("<sink>", "")
        if not parts.scheme or "://" not in uri:
            return cls("<sink>", "")
        scheme = parts.scheme.lower()
        user, _, host = parts.netloc.rpartition("@")
        family = _FAMILIES.get(scheme, "")
        values = {name.lower(): value for name, value in pairs}
        secrets = [name for name, value in pairs if is_secret(name, value)]
        if ":" in user and not _HIDDEN.fullmatch(unquote(user.partition(":")[2])):
            secrets.append("password")
        path = unquote(parts.path)
        if family not in ("webhook", "") and scheme not in _PATH_MAY_OPEN:
            kept = path
        elif (kept := _shown_path(path)) != path and family == "webhook":
            secrets.append("path")
        query = "&".join(f"{name}={_shown_value(name, value)}" for name, value in pairs)
        shown = f"{scheme}://{_shown_host(host)}{kept}{'?' + query if query else ''}"
        place = _shown_host(host) + kept.rstrip("/")
        topic_name, topic_prefix = (_kept(values.get(name, "")) for name in ("topic_name", "topic_prefix"))
        return cls(shown, family, scheme, place, tuple(sorted(set(secrets))), topic_name, topic_prefix)

    @classmethod
    def sql_client(cls) -> Self:
        """Return where a changefeed without a sink leads."""
        return cls("the SQL client", "sql")

    @property
    def has_key(self) -> bool:
        """Tell whether messages carry the row's key beside the value."""
        return self.family != "storage"


def is_secret(name: str, value: str) -> bool:
    """Tell whether a parameter of a URI holds a secret that can be read."""
    return name.lower() not in _NOT_SECRET and bool(_SECRET.search(name)) and not _HIDDEN.fullmatch(value)


def _shown_path(path: str) -> str:
    """Return a path with each step that could be a token as three dots."""
    return "/".join(_shown_step(each) for each in path.split("/"))


def _shown_step(text: str) -> str:
    """Return a step of a path if it is plain."""
    return text if not text or (_STEP.fullmatch(text) and not _LONG_RUN.search(text)) else "..."


def _shown_host(host: str) -> str:
    """Return a host if it is one: several brokers may stand in one, and a bucket's name."""
    return host if re.fullmatch(r"[A-Za-z0-9.,:_\[\]-]{0,255}", host) and not _LONG_RUN.search(host) else "..."


def _shown_value(name: str, value: str) -> str:
    """Return a harmless parameter's value, ``...`` for any other."""
    return (_kept(value) or "...") if name.lower() in _OPEN else "..."


def _kept(value: str) -> str:
    """Return a value that looks like no secret."""
    return value if _PLAIN_VALUE.fullmatch(value) and not _LONG_RUN.search(value) else ""


def resolved(destination: Destination, connections: Iterable[tuple[str, Destination]]) -> Destination:
    """Replace an external connection by what it stands for, if that is known. Parameters beside it hold for it too."""
    if destination.family != "external":
        return destination
    for name, target in connections:
        if name.lower() == destination.place.lower():
            return Destination(
                f"{destination.shown} = {target.shown}",
                target.family,
                target.scheme,
                target.place,
                target.secrets,
                destination.topic_name or target.topic_name,
                destination.topic_prefix or target.topic_prefix,
            )
    return destination
