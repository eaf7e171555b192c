"""
Ways out from SQL text: CREATE CHANGEFEED in its forms, CREATE SCHEDULE FOR CHANGEFEED, EXPORT and CREATE EXTERNAL CONNECTION.

Other statements and text around them are passed over. Grammar: CockroachDB's ``sql.y``; docs "CREATE CHANGEFEED", "EXPORT",
"CREATE SCHEDULE FOR CHANGEFEED", "CREATE EXTERNAL CONNECTION".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from auditor.egress.destination import Destination, is_secret
from auditor.egress.exits import Exit, Target
from auditor.egress.query import Query, read_query, whole_table
from auditor.egress.sql import Placed, Reader, placed, split, statements

#: Options whose values are kept. Of any other only the name is: it may hold a credential.
_KEPT = frozenset((
    "avro_schema_prefix", "chunk_rows", "chunk_size", "compression", "csv_header", "cursor", "delimiter", "diff",
    "encode_json_value_null_as_object", "end_time", "enriched_properties", "envelope", "execution_locality", "format",
    "full_table_name", "gc_protect_expires_after", "header_row", "headers_json_column_name", "hibernation_polling_frequency",
    "ignore_disable_changefeed_replication", "initial_scan", "initial_scan_only", "key_column", "key_in_value",
    "kafka_sink_config", "lagging_ranges_polling_interval", "lagging_ranges_threshold", "metrics_label",
    "min_checkpoint_frequency", "mvcc_timestamp", "no_initial_scan", "nullas", "on_error", "partition_alg",
    "protect_data_from_gc_on_pause", "pubsub_sink_config", "range_distribution_strategy", "resolved", "schema_change_events",
    "schema_change_policy", "split_column_families", "topic_in_value", "unordered", "updated", "virtual_columns",
    "webhook_client_timeout", "webhook_sink_config",
))  # fmt: skip
_MOST_VALUE = 200


def read_statements(sql: str, where: str = "") -> list[Exit]:
    """Return the ways out that a text of statements opens; ``where`` is its name, for their places."""
    parts = placed(sql)
    found = []
    for statement in statements(parts):
        if opened := _opened(sql, statement):
            begin, one = opened
            place = f"{where}:{sql.count(chr(10), 0, begin) + 1}" if where else f"line {sql.count(chr(10), 0, begin) + 1}"
            found.append(replace(one, where=place))
    return found


def _opened(sql: str, parts: Sequence[Placed]) -> tuple[int, Exit] | None:
    """Find the first way out in the tokens of one statement; return where it begins too."""
    for position, token in enumerate(parts):
        if token.word not in ("create", "experimental", "export"):
            continue
        reader = Reader(sql, parts, position)
        one: Exit | None = None
        if reader.accept("create", "changefeed") or reader.accept("experimental", "changefeed"):
            one = _changefeed(reader)
        elif reader.accept("create", "schedule"):
            one = _schedule(reader)
        elif reader.accept("export", "into"):
            one = _export(reader)
        elif reader.accept("create", "external", "connection"):
            one = _connection(reader)
        if one is not None and (one.targets or one.database or one.kind == "connection"):
            return token.start, one
    return None


def _changefeed(reader: Reader) -> Exit:
    """Read what follows CREATE CHANGEFEED."""
    targets: tuple[Target, ...] = ()
    excluded: tuple[str, ...] = ()
    database = ""
    if reader.accept("for"):
        if reader.word() == "database" and reader.word(1) != "into" and _named(reader, 1):
            reader.accept("database")
            database = reader.dotted()
            if reader.accept("exclude", "tables"):
                excluded = tuple(target.table for target in _targets(reader))
            elif reader.accept("include", "tables"):
                targets = _targets(reader)
        else:
            targets = _targets(reader)
    destination = _sink(reader)
    options, secrets = _options(reader)
    query: Query | None = None
    if reader.accept("as"):
        query = read_query(reader.sql, reader.parts[reader.position :])
        targets = (Target(query.table),)
    return Exit(
        "changefeed",
        destination,
        targets=targets,
        query=query,
        database=database,
        excluded=excluded,
        options=options,
        secrets=tuple(sorted({*destination.secrets, *secrets})),
    )


def _named(reader: Reader, ahead: int) -> bool:
    """Tell whether a name comes after so many tokens: then the word before it is no name."""
    place = reader.position + ahead
    return place < len(reader.parts) and bool(reader.parts[place].name) and reader.parts[place].word != "with"


def _targets(reader: Reader) -> tuple[Target, ...]:
    """Read ``[TABLE] name [FAMILY name], ...``."""
    targets: list[Target] = []
    while True:
        if reader.word() == "table" and _named(reader, 1):
            reader.accept("table")
        table = reader.dotted()
        family = reader.dotted() if reader.accept("family") else ""
        if table:
            targets.append(Target(table, family))
        if not reader.mark(","):
            return tuple(targets)


def _sink(reader: Reader) -> Destination:
    """Read ``INTO 'uri'``; without it, rows go to the SQL client."""
    if not reader.accept("into"):
        return Destination.sql_client()
    return Destination.of(_text(reader))


def _text(reader: Reader) -> str:
    """Read a string, with or without quotes; adjacent tokens of a placeholder (``$1``) are taken together."""
    token = reader.take()
    if token is None:
        return ""
    if token.text == "$":
        reader.take()
        return ""
    return token.string


def _options(reader: Reader) -> tuple[dict[str, str | None], list[str]]:
    """Read ``WITH a = b, c`` or ``WITH OPTIONS (a = b, c)``; return too what of it holds a secret."""
    options: dict[str, str | None] = {}
    secrets: list[str] = []
    if not reader.accept("with"):
        return options, secrets
    if reader.word() == "options" and reader.position + 1 < len(reader.parts) and reader.parts[reader.position + 1].text == "(":
        reader.accept("options")
        parts = reader.bracketed()
    else:
        parts = reader.until(("as",), ("from",), ("recurring",))
    for piece in split(parts, ","):
        if not piece:
            continue
        name = piece[0].string.lower()
        value = _value(piece[2:]) if len(piece) > 2 and piece[1].text == "=" else None
        if name == "sink" and value is not None:
            continue
        options[name], secret = _harmless(name, value)
        secrets += secret
    return options, secrets


def _value(parts: Sequence[Placed]) -> str:
    """Return an option's value as text."""
    return parts[0].string if len(parts) == 1 else "".join(token.text for token in parts)


def _harmless(name: str, value: str | None) -> tuple[str | None, list[str]]:
    """Return an option's value without credentials, and the names of those that it held."""
    if value is None:
        return None, []
    if name == "confluent_schema_registry":
        registry = Destination.of(value)
        return registry.shown, [f"{name}: {secret}" for secret in registry.secrets]
    if name in _KEPT and len(value) <= _MOST_VALUE and not is_secret(name, value):
        return value, []
    if name == "webhook_auth_header":
        return f"<{name}>", [name] if not _HIDDEN.fullmatch(value) else []
    if name == "extra_headers":
        return f"<{name}>", [name] if not _HIDDEN.fullmatch(value) and "redacted" not in value else []
    return f"<{name}>", [name] if name not in _KEPT and is_secret(name, value) else []


_HIDDEN = re.compile(r"(?:(?:basic|bearer)\s+)?(?:redacted|\*+|)", re.IGNORECASE)


def _schedule(reader: Reader) -> Exit | None:
    """Read what follows CREATE SCHEDULE; None if it is for no changefeed."""
    reader.accept("if", "not", "exists")
    label = ""
    if reader.word() != "for":
        label = _text(reader)
    if not reader.accept("for", "changefeed"):
        return None
    statement = reader.until(("recurring",))
    inner = Reader(reader.sql, statement)
    if inner.word() in ("into", "with", "as"):
        one = _changefeed(inner)
    else:
        targets = _targets(inner)
        one = replace(_changefeed(inner), targets=targets)
    # The server adds this option itself ("CREATE SCHEDULE FOR CHANGEFEED").
    return replace(one, kind="schedule", name=label, options={"initial_scan": "only", **one.options})


def _export(reader: Reader) -> Exit | None:
    """Read what follows EXPORT INTO; None if it is no EXPORT."""
    form = reader.word()
    if form not in ("csv", "parquet"):
        return None
    reader.accept(form)
    destination = Destination.of(_text(reader))
    options, secrets = _options(reader)
    if not reader.accept("from"):
        return None
    if reader.accept("table"):
        query = whole_table(reader.dotted())
    else:
        rest = reader.parts[reader.position :]
        if rest and rest[0].text == "(":
            rest = reader.bracketed()
        query = read_query(reader.sql, rest)
    return Exit(
        "export",
        destination,
        targets=(Target(query.table),),
        query=query,
        options={"format": form, **options},
        secrets=tuple(sorted({*destination.secrets, *secrets})),
    )


def _connection(reader: Reader) -> Exit:
    """Read what follows CREATE EXTERNAL CONNECTION: a door that others go through."""
    reader.accept("if", "not", "exists")
    name = _text(reader)
    reader.accept("as")
    destination = Destination.of(_text(reader))
    return Exit("connection", destination, name, secrets=destination.secrets)
