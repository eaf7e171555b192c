"""The same changes of one table in every format that a feed or an export has."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.decoders.options import ReadOptions
from auditor.delivery import Messages
from tests.decoders import protobuf_examples as protobuf
from tests.decoders.avro_examples import Registry, envelope_schema, table_schema

TABLE = "shop.public.users"
_SOURCE = {"database_name": "shop", "schema_name": "public", "table_name": "users"}


class Change(NamedTuple):
    """One change: the row after it, the row before it, its key and the headers beside it."""

    after: Mapping[str, Any] | None
    before: Mapping[str, Any] | None
    key: Sequence[str]
    headers: Mapping[str, str] = {}


class Format(NamedTuple):
    """A format of files: what it holds of a change besides ``after``, and what writes it."""

    parts: frozenset[str]
    suffix: str
    write: Callable[[Sequence[Change]], bytes]
    options: ReadOptions = ReadOptions(table=TABLE)
    #: Whether a deletion shows in it.
    deletes: bool = True


def _lines(messages: Sequence[object]) -> bytes:
    return "".join(json.dumps(message) + "\n" for message in messages).encode()


def wrapped(change: Change) -> dict[str, Any]:
    """Return a wrapped message with diff."""
    return {"after": change.after, "before": change.before, "updated": "1700000000000000000.0000000000"}


def enriched(change: Change) -> dict[str, Any]:
    """Return an enriched message without schema."""
    op = "d" if change.after is None else "u" if change.before else "c"
    return {"after": change.after, "before": change.before, "op": op, "ts_ns": 1, "source": _SOURCE, "key": change.key}


def _webhook(changes: Sequence[Change]) -> bytes:
    bodies: list[list[Change]] = []
    for change in changes:
        # In a body of several rows a cap needs all of them, and parts that only some of them have cannot be joined.
        if not bodies or len(bodies[-1]) > 1 or _kind(change) != _kind(bodies[-1][0]) or _kind(change)[0]:
            bodies.append([])
        bodies[-1].append(change)
    entries = [[{**wrapped(change), "key": change.key, "topic": "users"} for change in body] for body in bodies]
    return _lines([{"payload": body, "length": len(body)} for body in entries])


def _kind(change: Change) -> tuple[bool, bool, bool]:
    """Tell what rows of one body must have in common here."""
    return "yes" in (change.after or {}).values(), change.after is None, change.before is None


def _csv(changes: Sequence[Change]) -> bytes:
    """Write csv with a header: NULL as nothing, JSONB as its text."""
    body = io.StringIO()
    writer = csv.writer(body, lineterminator="\n")
    rows = [change.after for change in changes if change.after is not None]
    writer.writerow(rows[0])
    writer.writerows([["" if value is None else _text(value) for value in row.values()] for row in rows])
    return body.getvalue().encode()


def _capture(changes: Sequence[Change]) -> bytes:
    """Write what the CLI prints of a sinkless changefeed."""
    body = io.StringIO()
    writer = csv.writer(body, lineterminator="\n")
    writer.writerow(["table", "key", "value"])
    for change in changes:
        writer.writerow(["users", *(f"\\x{json.dumps(part).encode().hex()}" for part in (change.key, wrapped(change)))])
    return body.getvalue().encode()


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict | list | bool) else str(value)


def _parquet(changes: Sequence[Change], *, feed: bool) -> bytes:
    """Write Parquet: JSONB as its text, and for a changefeed its own columns; a deletion has its key alone."""
    kept = [change for change in changes if change.after is not None]
    rows = [dict(change.after or {}) for change in kept]
    columns: dict[str, Any] = {
        name: [_text(value) if isinstance(value, dict | list) else value for value in (row[name] for row in rows)]
        for name in rows[0]
    }
    if feed:
        columns["__crdb__event_type"] = ["u" if change.before else "c" for change in kept]
        columns["__crdb__before"] = [None if change.before is None else json.dumps(change.before) for change in kept]
    body = io.BytesIO()
    pq.write_table(pa.table(columns), body, row_group_size=4)
    return body.getvalue()


_NONE: frozenset[str] = frozenset()
_BOTH = frozenset(("before",))
_ALL = frozenset(("before", "key"))
FORMATS: dict[str, Format] = {
    "wrapped": Format(_BOTH, "ndjson", lambda changes: _lines([wrapped(one) for one in changes])),
    "key_in_value": Format(_ALL, "ndjson", lambda changes: _lines([{**wrapped(one), "key": one.key} for one in changes])),
    "topic_in_value": Format(
        _BOTH,
        "ndjson",
        lambda changes: _lines([{**wrapped(one), "topic": "shop.public.users"} for one in changes]),
        ReadOptions(),
    ),
    "bare": Format(
        _NONE,
        "ndjson",
        lambda changes: _lines([{**(one.after or {}), "__crdb__": {"updated": "1.0"}} for one in changes]),
        deletes=False,
    ),
    "row": Format(_NONE, "ndjson", lambda changes: _lines([one.after for one in changes]), deletes=False),
    "enriched": Format(_ALL, "ndjson", lambda changes: _lines([enriched(one) for one in changes]), ReadOptions()),
    "enriched with schema": Format(
        _ALL,
        "ndjson",
        lambda changes: _lines([{"payload": enriched(one), "schema": {"type": "struct"}} for one in changes]),
        ReadOptions(),
    ),
    "webhook": Format(_ALL, "ndjson", _webhook, ReadOptions()),
    "pubsub": Format(
        _ALL,
        "ndjson",
        lambda changes: _lines([{"Key": one.key, "Value": wrapped(one), "Topic": "users"} for one in changes]),
        ReadOptions(),
    ),
    "csv": Format(_NONE, "csv", _csv, ReadOptions(table=TABLE, header=True), deletes=False),
    "capture": Format(_ALL, "csv", _capture, ReadOptions()),
    "parquet": Format(_NONE, "parquet", lambda changes: _parquet(changes, feed=False), deletes=False),
    "parquet with before": Format(_BOTH, "parquet", lambda changes: _parquet(changes, feed=True), deletes=False),
}


def _sent(changes: Sequence[Change], keys: Sequence[bytes], values: Sequence[bytes], first: int) -> Messages:
    headers = [[(name, text.encode()) for name, text in change.headers.items()] for change in changes]
    return Messages("kafka://h/users", "users", keys, values, range(first, first + len(changes)), headers)


def kafka_json(changes: Sequence[Change], first: int = 0) -> Messages:
    """Return messages in JSON, each of a time of its own: one that comes again with the same time counts as sent again."""
    times = [f"{1_700_000_000_000_000_000 + first + index}.0000000000" for index in range(len(changes))]
    values = [json.dumps({**wrapped(one), "updated": at}).encode() for one, at in zip(changes, times, strict=True)]
    return _sent(changes, [json.dumps(change.key).encode() for change in changes], values, first)


class Avro:
    """Writes messages in Avro, and is their registry."""

    _TYPES: Mapping[type, str] = {str: "STRING", int: "INT8", bool: "BOOL", dict: "JSONB"}

    def __init__(self, changes: Sequence[Change]) -> None:
        """Find each column's type."""
        rows = [row for change in changes for row in (change.after, change.before) if row is not None]
        self.columns: dict[str, str] = {}
        for row in rows:
            for name, value in row.items():
                if value is not None or name not in self.columns:
                    self.columns[name] = self._TYPES.get(type(value), "STRING")
        self.registry = Registry()

    def __call__(self, changes: Sequence[Change], first: int = 0) -> Messages:
        """Return messages."""
        schema = envelope_schema("users", self.columns, ("after", "before", "updated"))
        key_schema = table_schema("users", {"id": "STRING"})
        values = [
            self.registry.encode(schema, {"after": self._row(one.after), "before": self._row(one.before), "updated": "1.0"})
            for one in changes
        ]
        return _sent(changes, [self.registry.encode(key_schema, {"id": one.key[0]}) for one in changes], values, first)

    def _row(self, row: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if row is None:
            return None
        return {name: json.dumps(value) if isinstance(value, dict) else value for name, value in row.items()}


def kafka_protobuf(changes: Sequence[Change], first: int = 0) -> Messages:
    """Return messages in Protobuf: JSONB is text in it."""

    def row(columns: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if columns is None:
            return None
        return {name: json.dumps(value) if isinstance(value, dict) else value for name, value in columns.items()}

    values = [protobuf.wrapped(row(change.after), row(change.before)) for change in changes]
    return _sent(changes, [protobuf.key({"id": change.key[0]}) for change in changes], values, first)
