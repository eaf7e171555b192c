"""Settings of a sinkless changefeed: a stream of rows over a SQL connection."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, field_validator, model_validator

from auditor.errors import ConfigError
from auditor.feed_settings import Envelope, FeedSettings
from auditor.hlc import Timestamp
from auditor.secret_ref import SecretRef
from auditor.sources.sinkless.dsn import split_dsn
from auditor.sql_quoting import table_name

_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Options that the statement gets from fields of their own, and those that make no sense without a sink or with resolved rows.
_NOT_FREE = frozenset((
    "confluent_schema_registry", "cursor", "diff", "end_time", "envelope", "format", "full_table_name", "initial_scan",
    "initial_scan_only", "key_column", "min_checkpoint_frequency", "mvcc_timestamp", "no_initial_scan", "resolved",
    "unordered", "updated", "webhook_auth_header",
))  # fmt: skip


def _seconds(value: object) -> object:
    """Read ``5s``, ``500ms``, ``1m`` or ``1h``; leave anything else to the field."""
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    return float(match[1]) * _UNITS[match[2]] if match else value


def _scan(value: object) -> object:
    """Take YAML's ``yes`` and ``no``, which are booleans by the time they come here."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _moment(value: object) -> object:
    """Read a time with its zone as a timestamp; one in CockroachDB's own form is checked and kept."""
    if value is None or isinstance(value, Timestamp):
        return value
    try:
        return Timestamp.parse(str(value))
    except ValueError:
        pass
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        raise ValueError("the time needs a zone: 2026-01-31T12:00:00Z")
    since = moment - _EPOCH
    return Timestamp((since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000)


Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": f"^{_SPAN.pattern}$"}]}),
]
InitialScan = Annotated[Literal["yes", "no", "only"], BeforeValidator(_scan)]
Moment = Annotated[Timestamp, BeforeValidator(_moment), WithJsonSchema({"type": "string"})]


def _with_dsn(schema: dict[str, Any]) -> None:
    """Let an editor know ``dsn``, which stands for fields that are then not required."""
    schema["properties"]["dsn"] = {"type": "string", "title": "Dsn"}
    schema["required"] = [name for name in schema["required"] if name not in ("host", "user")]
    schema["anyOf"] = [{"required": ["dsn"]}, {"required": ["host", "user"]}]


class SinklessSettings(FeedSettings):
    """
    Settings of one sinkless changefeed. Times are seconds, or text such as ``500ms`` and ``5s``.

    ``dsn`` (``postgresql://USER@HOST:26257/DATABASE?sslmode=...``, without a password) stands for ``host``, ``port``, ``user``,
    ``database`` and the ``ssl`` fields, which have libpq's meaning. Without ``sslrootcert`` the system's authorities are trusted.

    Either ``tables`` (``db.schema.table`` or its last parts) are watched, or a CDC ``query`` (``SELECT ...``).
    ``initial_scan: only`` reads what is there once, and ends. ``end_time`` ends the feed there. ``diff`` is on where the envelope
    can hold it. ``min_checkpoint_frequency`` is ``resolved`` unless given: its own default, 30 s, would hold resolved rows back.
    ``split_column_families`` is on where a table has several. ``options`` are further options of the changefeed: text, or true
    for one without a value, or false to leave out one that is set by itself.
    """

    model_config = ConfigDict(hide_input_in_errors=True, json_schema_extra=_with_dsn)

    kind: Literal["sinkless"] = "sinkless"
    host: str = Field(min_length=1)
    port: int = Field(26257, ge=1, le=65535)
    user: str = Field(min_length=1)
    database: str = Field("defaultdb", min_length=1)
    password: SecretRef | None = None
    sslmode: Literal["disable", "require", "verify-ca", "verify-full"] = "verify-full"
    sslrootcert: Path | None = None
    sslcert: Path | None = None
    sslkey: Path | None = None
    tables: tuple[str, ...] = ()
    query: str = ""
    # What the server would choose by itself, said aloud: configuration, not shape, tells a message's envelope.
    envelope: Envelope = Field("wrapped")
    format: Literal["json", "avro"] = "json"
    initial_scan: InitialScan = "yes"
    end_time: Moment | None = None
    resolved: Seconds = Field(5.0, ge=0.5, le=3600)
    min_checkpoint_frequency: Seconds | None = Field(None, ge=0.5, le=3600)
    updated: bool = True
    mvcc_timestamp: bool = True
    diff: bool = True
    full_table_name: bool = True
    split_column_families: bool | None = None
    options: dict[str, str | bool] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        fields = dict(given)
        if "dsn" in fields:
            parts = split_dsn(str(fields.pop("dsn")))
            if twice := sorted(parts.keys() & fields.keys()):
                raise ValueError(f"{twice[0]} is given by dsn and beside it: leave out one")
            fields |= parts
        if fields.get("query"):
            # A CDC query's rows are bare unless told otherwise.
            fields.setdefault("envelope", "bare")
        if fields.get("envelope", "wrapped") not in ("auto", "wrapped", "enriched"):
            fields.setdefault("diff", False)
        return fields

    @field_validator("tables", mode="before")
    @classmethod
    def _split(cls, given: object) -> object:
        return [name.strip() for name in given.split(",")] if isinstance(given, str) else given

    @field_validator("tables")
    @classmethod
    def _quotable(cls, tables: tuple[str, ...]) -> tuple[str, ...]:
        for table in tables:
            try:
                table_name(table)
            except ValueError:
                raise ValueError("a table's name is empty or holds a control character") from None
        if len(set(tables)) < len(tables):
            raise ValueError("a table is named twice")
        return tables

    @field_validator("user")
    @classmethod
    def _nameable(cls, user: str) -> str:
        if not user.isprintable():
            raise ValueError("a user's name holds no control character")
        return user

    @field_validator("query")
    @classmethod
    def _select(cls, query: str) -> str:
        text = query.strip().removesuffix(";").rstrip()
        if text and not re.match(r"select\b", text, re.IGNORECASE):
            raise ValueError("the query is what stands after AS: SELECT ... FROM table WHERE ...")
        return text

    @field_validator("format")
    @classmethod
    def _json(cls, form: str) -> str:
        if form != "json":
            raise ValueError("a sinkless feed is read as JSON here: leave format out, or send avro to Kafka and watch that")
        return form

    @field_validator("options")
    @classmethod
    def _free(cls, options: dict[str, str | bool]) -> dict[str, str | bool]:
        for name in options:
            if not re.fullmatch(r"[a-z_]{1,63}", name):
                raise ValueError("an option's name has lower-case letters and underscores alone")
            if name in _NOT_FREE:
                raise ValueError(f"{name} cannot stand among the options: it has a field of its own, or no use here")
        return options

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if bool(self.tables) == bool(self.query):
            raise ValueError("give either tables or query")
        if self.diff and self.envelope not in ("auto", "wrapped", "enriched"):
            raise ValueError(f"diff has no place in the envelope {self.envelope}: only in wrapped and enriched")
        if (self.sslcert is None) != (self.sslkey is None):
            raise ValueError("sslcert and sslkey belong together: give both")
        if self.sslmode == "verify-ca" and self.sslrootcert is None:
            raise ValueError("sslmode: verify-ca needs sslrootcert, the authority's certificate")
        if self.initial_scan == "only" and self.end_time is not None:
            raise ValueError("an initial scan only ends by itself: leave out end_time")
        return self

    @property
    def origin(self) -> str:
        """Return the address that reports show."""
        return f"cockroachdb://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}/{self.database}"

    @classmethod
    def from_uri(cls, uri: str) -> Self:
        """
        Read ``cockroachdb://USER@HOST:26257/DATABASE?tables=a,b``.

        Any field without structure may follow as an option, and ``password_env=NAME`` or ``password_file=PATH``. Raise
        `ConfigError`.
        """
        try:
            parts = urlsplit(uri)
        except ValueError:
            raise ConfigError("the address is no URL", fix="cockroachdb://USER@HOST:26257/DATABASE?tables=a,b") from None
        where = f"cockroachdb://{parts.netloc.rpartition('@')[2]}{parts.path}"
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        fields: dict[str, object] = dict(pairs)
        if len(fields) < len(pairs):
            raise ConfigError("the address holds an option twice", where=where)
        for kind in ("env", "file"):
            if (reference := fields.pop(f"password_{kind}", None)) is not None:
                fields["password"] = {kind: reference}
        try:
            fields = split_dsn(parts._replace(query="").geturl()) | fields
            named = f"{fields.get('host', '')}-{fields.get('database', 'defaultdb')}".lower()
            fields.setdefault("name", re.sub(r"[^a-z0-9_.-]+", "-", named).lstrip("_.-")[:63])
            return cls.model_validate(fields)
        except ValidationError as error:
            first = error.errors(include_input=False, include_context=False, include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise ConfigError(f"{place}: {first['msg']}" if place else first["msg"], where=where) from None
        except ValueError as error:
            raise ConfigError(str(error), where=where) from None
