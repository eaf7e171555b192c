"""
A client of the Confluent Schema Registry's API, which Apicurio, Karapace and Redpanda speak too.

Paths and error codes as in Confluent's docs ("Schema Registry API Reference"): ``/schemas/ids/{id}``, and for references
``/subjects/{subject}/versions/{version}``; 40403 says that there is no such schema.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx2

from auditor.errors import ConfigError, DecodeError, SourceUnavailable
from auditor.sources.schema_registry.references import inlined
from auditor.sources.schema_registry.settings import SchemaRegistrySettings

#: Bytes of one answer, and schemas that one may refer to.
_MOST_BYTES, _MOST_REFERENCES = 8 << 20, 100
_FIRST_PAUSE = 0.1
_ACCEPT = "application/vnd.schemaregistry.v1+json, application/json"
_NO_SCHEMA = 40403
#: The largest number there is: `probe` wants to know whether a schema could be had, and none in particular.
_UNLIKELY = 2**31 - 1
_LATE = "the schema registry does not answer in time"
_FIX = "url must be what /schemas/ids/1 can be added to"
_PASSING = frozenset((408, 425, 429))


def whole_schema(settings: SchemaRegistrySettings, schema_id: int) -> str:
    """Get a schema and all that it refers to, as one JSON text; see `auditor.delivery.Schemas.schema`."""
    # A client for each schema, since each is asked for once: nothing is left open, and credentials may change meanwhile.
    with _client(settings) as client:
        deadline = time.monotonic() + settings.timeout
        answer = _fetched(client, f"/schemas/ids/{schema_id}", deadline)
        if answer is None:
            raise DecodeError(f"the schema registry has no schema {schema_id}", where=settings.url)
        return _with_references(client, _Entry.of(answer, f"schema {schema_id}", settings.url), deadline)


def probe(settings: SchemaRegistrySettings) -> None:
    """Ask for a schema that hardly exists: what is raised is what `whole_schema` would raise for any."""
    with _client(settings) as client:
        _fetched(client, f"/schemas/ids/{_UNLIKELY}", time.monotonic() + settings.timeout)


def _client(settings: SchemaRegistrySettings) -> httpx2.Client:
    """Open a client. Raise `ConfigError` where a certificate or a credential cannot be read."""
    headers = {"Accept": _ACCEPT}
    if settings.token is not None:
        headers["Authorization"] = f"Bearer {settings.token.reveal()}"
    auth = None if settings.password is None else httpx2.BasicAuth(settings.username, settings.password.reveal())
    try:
        # Without the environment: it could name a proxy or credentials (~/.netrc) that nobody configured here.
        return httpx2.Client(
            base_url=settings.url, verify=_tls(settings), auth=auth, headers=headers, trust_env=False, follow_redirects=False
        )
    except (httpx2.InvalidURL, ValueError):
        raise ConfigError("the address or a credential cannot be sent", where="schema_registry", fix="use plain ASCII") from None


class _Entry(NamedTuple):
    """A schema's text and what it refers to: (full name, subject, version)."""

    text: str
    references: tuple[tuple[str, str, int], ...]

    @classmethod
    def of(cls, answer: Mapping[str, Any], what: str, where: str) -> _Entry:
        """Read an answer. Raise `DecodeError` if it is no Avro schema, `SourceUnavailable` if it is no registry's answer."""
        if answer.get("schemaType", "AVRO") != "AVRO":
            raise DecodeError(f"{what} is no Avro schema", where=where)
        references = answer.get("references") or []
        try:
            return cls(
                answer["schema"], tuple((str(one["name"]), str(one["subject"]), int(one["version"])) for one in references)
            )
        except (KeyError, TypeError, ValueError):
            raise SourceUnavailable("the schema registry answers with references that are none", where=where) from None


def _with_references(client: httpx2.Client, entry: _Entry, deadline: float) -> str:
    """Return a schema's text with what it refers to put into it, and into that what it refers to."""
    if not entry.references:
        return entry.text
    where = str(client.base_url)
    found: dict[tuple[str, int], tuple[str, _Entry]] = {}
    waiting = list(entry.references)
    while waiting:
        name, subject, version = waiting.pop()
        if (subject, version) in found:
            continue
        if len(found) >= _MOST_REFERENCES:
            raise DecodeError(f"a schema refers to over {_MOST_REFERENCES} others", where=where)
        answer = _fetched(client, f"/subjects/{quote(subject, safe='')}/versions/{version}", deadline)
        if answer is None:
            raise DecodeError("a schema refers to one that the registry lacks", where=where)
        inner = _Entry.of(answer, "what a schema refers to", where)
        found[subject, version] = (name, inner)
        waiting += inner.references
    try:
        known = {name: json.loads(inner.text) for name, inner in found.values()}
        return json.dumps(inlined(json.loads(entry.text), known))
    except (ValueError, RecursionError):
        raise DecodeError("a schema, or one that it refers to, is no JSON", where=where) from None


def _fetched(client: httpx2.Client, path: str, deadline: float) -> Mapping[str, Any] | None:
    """Return what the registry answers, None if it has no such schema; trouble that may pass is waited out until the deadline."""
    pause = _FIRST_PAUSE
    while True:
        try:
            return _asked(client, path, deadline)
        except SourceUnavailable:
            left = deadline - time.monotonic()
            if left <= pause:
                raise
            time.sleep(pause)
            pause *= 2


def _asked(client: httpx2.Client, path: str, deadline: float) -> Mapping[str, Any] | None:
    """Ask once. What the client's errors say is not repeated: they may hold headers."""
    where = str(client.base_url).rstrip("/")
    try:
        with client.stream("GET", path, timeout=max(0.05, deadline - time.monotonic())) as response:
            body = _body(response, deadline, where)
    except httpx2.TimeoutException:
        raise SourceUnavailable(_LATE, where=where) from None
    except httpx2.HTTPError as error:
        what = f"the schema registry cannot be reached ({type(error).__name__})"
        raise SourceUnavailable(what, where=where, fix="is it running, and its certificate of a known authority?") from None
    return _judged(response.status_code, body, where)


def _body(response: httpx2.Response, deadline: float, where: str) -> bytes:
    """Read an answer as far as it may be long, and until the deadline, however slowly it comes."""
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > _MOST_BYTES:
            raise SourceUnavailable(f"the schema registry answers with over {_MOST_BYTES >> 20} MiB", where=where)
        if time.monotonic() > deadline:
            raise SourceUnavailable(_LATE, where=where)
    return bytes(body)


def _judged(status: int, body: bytes, where: str) -> Mapping[str, Any] | None:
    """Return a good answer, None for "no such schema"; raise what the status says."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        answer = {}
    if status == 200 and isinstance(answer.get("schema"), str):
        return answer
    if status == 200:
        raise SourceUnavailable("something else than a schema registry answers", where=where, fix=_FIX)
    if status == 404 and answer.get("error_code") == _NO_SCHEMA:
        return None
    if status in (401, 403):
        fix = "username and password, or token; they need the right to read schemas"
        raise ConfigError(f"the schema registry lets nobody in with these credentials (status {status})", where=where, fix=fix)
    if 300 <= status < 400:
        raise ConfigError("the schema registry is somewhere else (a redirection)", where=where, fix="set url to its own address")
    fix = "" if status >= 500 or status in _PASSING else _FIX
    raise SourceUnavailable(f"the schema registry answers with status {status}", where=where, fix=fix)


def _tls(settings: SchemaRegistrySettings) -> ssl.SSLContext | bool:
    """Return whom to trust, and what to show."""
    if not settings.url.startswith("https"):
        return True
    for path in (settings.ca, settings.certificate, settings.key):
        if path is not None and not path.is_file():
            raise ConfigError("there is no such file", where=str(path))
    try:
        context = ssl.create_default_context(cafile=settings.ca)
        if settings.certificate is not None:
            context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError):
        raise ConfigError(
            "a certificate or its key cannot be read", where="schema_registry", fix="PEM files, unencrypted"
        ) from None
    return context
