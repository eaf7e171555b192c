"""The statements that the replay server understands, and what CockroachDB answers to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from auditor.hlc import Timestamp
from tests.replay.cluster import Cluster
from tests.replay.feed import Item, SqlError, feed

TEXT, BYTEA, BOOL, DECIMAL = 25, 17, 16, 1700
_OPTION = re.compile(r"\s*([a-z_]+)(?:\s*=\s*e?'((?:[^']|'')*)')?\s*(?:,|$)")
_TABLES = re.compile(r"(CREATE CHANGEFEED FOR|EXPERIMENTAL CHANGEFEED FOR)( TABLE)? (.+?)(?: WITH (.+))?", re.DOTALL)
_QUERY = re.compile(r"CREATE CHANGEFEED(?: WITH (.+?))? AS (SELECT .+)", re.DOTALL | re.IGNORECASE)
_FROM = re.compile(r"\bFROM ([\w.\"]+)", re.IGNORECASE)
_KNOWN = frozenset((
    "cursor", "diff", "encode_json_value_null_as_object", "end_time", "enriched_properties", "envelope", "format",
    "full_table_name", "ignore_disable_changefeed_replication", "initial_scan", "min_checkpoint_frequency", "mvcc_timestamp",
    "no_initial_scan", "resolved", "schema_change_events", "schema_change_policy", "split_column_families", "updated",
    "virtual_columns",
))  # fmt: skip
_NOT_IN_A_SCAN = ("end_time", "resolved", "diff", "mvcc_timestamp", "updated")


@dataclass
class Answer:
    """The columns of a statement's result, by name and type, and what comes when it runs."""

    columns: list[tuple[str, int]]
    run: Callable[[], Iterator[Item]]
    tag: str = "SELECT"


class Asker(Protocol):
    """The session that a statement runs in."""

    user: str

    def others(self) -> dict[str, str]:
        """Return the statements that run on the server, by their query id."""

    def cancel(self, query_id: str) -> bool:
        """Cancel one of them."""


def answer(cluster: Cluster, asker: Asker, sql: str) -> Answer:
    """Return the answer to a statement. Raise `SqlError`."""
    cluster.queries.append(sql)
    for pattern, make in _ANSWERS:
        if match := re.fullmatch(pattern, sql, re.DOTALL | re.IGNORECASE):
            return make(cluster, asker, match)
    if match := _QUERY.fullmatch(sql):
        tables = [_bare(name) for name in _FROM.findall(match[2])]
        return _changefeed(cluster, asker, tables, _options(match[1] or ""), bare=True)
    if match := _TABLES.fullmatch(sql):
        if match[1].startswith("CREATE") and cluster.release < (22, 1):
            raise SqlError("42601", 'at or near "with": syntax error')
        return _changefeed(cluster, asker, [_bare(name) for name in match[3].split(", ")], _options(match[4] or ""))
    raise SqlError("42601", "at or near the beginning: syntax error")


def _changefeed(cluster: Cluster, asker: Asker, tables: list[str], options: dict[str, str], *, bare: bool = False) -> Answer:
    def run() -> Iterator[Item]:
        return feed(cluster, _checked(cluster, asker, tables, options), options, bare=bare)

    return Answer([("table", TEXT), ("key", BYTEA), ("value", BYTEA)], run)


def _options(clause: str) -> dict[str, str]:
    found: dict[str, str] = {}
    place = 0
    while place < len(clause):
        match = _OPTION.match(clause, place)
        if match is None or match.end() == place:
            raise SqlError("42601", "at or near an option: syntax error")
        found[match[1]] = (match[2] or "").replace("''", "'")
        place = match.end()
    return found


def _checked(cluster: Cluster, asker: Asker, names: list[str], options: dict[str, str]) -> list[str]:
    """Return the full names of the tables, after all that CREATE CHANGEFEED checks; in its order."""
    only = options.get("initial_scan") == "only"
    _check_options(cluster, options)
    if cluster.settings["feature.changefeed.enabled"] != "true":
        raise SqlError("0A000", "feature CHANGEFEED was disabled by the database administrator")
    if cluster.settings["kv.rangefeed.enabled"] != "true" and not only:
        raise SqlError("XXUUU", "rangefeeds require the kv.rangefeed.enabled setting. See https://www.cockroachlabs.com/docs/")
    cursor = Timestamp.parse(options["cursor"]) if "cursor" in options else None
    if cursor is not None and cursor > cluster.clock():
        raise SqlError("XXUUU", f"cursor: timestamp '{cursor}' is in the future")
    tables = [resolve(cluster, name, cursor) for name in names]
    for table in tables:
        _check_table(cluster, table, asker.user, split="split_column_families" in options)
    if cursor is not None and cursor < cluster.gc_threshold:
        what = f"is older than the GC threshold {cluster.gc_threshold.wall}"
        raise SqlError("XXUUU", f"could not create changefeed: cursor {cursor} {what}")
    return tables


def _check_options(cluster: Cluster, options: dict[str, str]) -> None:
    """Refuse options that there are not, and those that exclude each other."""
    for name in options:
        if name in cluster.unknown or name not in _KNOWN:
            raise SqlError("22023", f'invalid option "{name}"')
        if options.get("initial_scan") == "only" and name in _NOT_IN_A_SCAN:
            raise SqlError("XXUUU", f"cannot specify both initial_scan='only' and {name}")


def _check_table(cluster: Cluster, table: str, user: str, *, split: bool) -> None:
    """Refuse a table that has families or may not be read."""
    if len(cluster.tables[table].families) > 1 and not split:
        what = "with multiple column families requires WITH split_column_families and will emit multiple events per row."
        raise SqlError("XXUUU", f"CHANGEFEED targeting a table ({table}) {what}")
    if "SELECT" not in cluster.tables[table].grants:
        what = "requires the SELECT privilege on all target tables to be able to run a core changefeed"
        raise SqlError("42501", f"user {user} {what}")


def resolve(cluster: Cluster, name: str, at: Timestamp | None = None) -> str:
    """Return a table's full name. Raise `SqlError` as CockroachDB does where it does not exist (at a time)."""
    found = [table for table in cluster.tables if table == name or table.endswith(f".{name}")]
    if not found:
        raise SqlError("42P01", f'relation "{name}" does not exist')
    if at is not None and at < cluster.tables[found[0]].created:
        what = "supplied backups do not cover requested time"
        raise SqlError("XXUUU", f'failed to resolve targets in the CHANGEFEED stmt: table "{name}" does not exist: {what}')
    return found[0]


def _bare(name: str) -> str:
    return name.strip().replace('"', "")


def _fixed(column: str, value: str, kind: int = TEXT) -> Answer:
    return Answer([(column, kind)], lambda: iter([(value.encode(),)]))


def _setting(cluster: Cluster, asker: Asker, match: re.Match[str]) -> Answer:
    if cluster.forbidden_settings:
        what = "only users with MODIFYCLUSTERSETTING or VIEWCLUSTERSETTING privileges are allowed to read cluster settings"
        raise SqlError("42501", what)
    return _fixed(match[1], cluster.settings[match[1]])


def _create_table(cluster: Cluster, asker: Asker, match: re.Match[str]) -> Answer:
    name = resolve(cluster, _bare(match[1]))
    families = cluster.tables[name].families
    lines = ["id INT8 NOT NULL", "CONSTRAINT users_pkey PRIMARY KEY (id ASC)"]
    lines += [f'FAMILY "{family}" (id)' for family in families if len(families) > 1]
    text = f"CREATE TABLE {name} (\n\t" + ",\n\t".join(lines) + "\n)"
    return Answer([("table_name", TEXT), ("create_statement", TEXT)], lambda: iter([(name.encode(), text.encode())]))


def _zone(cluster: Cluster, asker: Asker, match: re.Match[str]) -> Answer:
    table = resolve(cluster, _bare(match[1]))
    ttl = cluster.tables[table].ttl
    parts = ["range_min_bytes = 134217728", *([] if ttl is None else [f"gc.ttlseconds = {ttl}"]), "num_replicas = 3"]
    text = "ALTER RANGE default CONFIGURE ZONE USING\n\t" + ",\n\t".join(parts)
    return Answer([("target", TEXT), ("raw_config_sql", TEXT)], lambda: iter([(b"RANGE default", text.encode())]))


def _privileges(cluster: Cluster, asker: Asker, match: re.Match[str]) -> Answer:
    asked = re.findall(r"has_table_privilege\('([^']+)', '(\w+)'\)", match[0])
    held = [privilege in cluster.tables[resolve(cluster, _bare(table))].grants for table, privilege in asked]
    columns = [("has_table_privilege", BOOL)] * len(asked)
    return Answer(columns, lambda: iter([tuple(b"t" if one else b"f" for one in held)]))


def _statements(cluster: Cluster, asker: Asker, match: re.Match[str]) -> Answer:
    found = [(query_id.encode(),) for query_id, query in asker.others().items() if "CHANGEFEED" in query]
    return Answer([("query_id", TEXT)], lambda: iter(found))


def _cancel(cluster: Cluster, asker: Asker, match: re.Match[str]) -> Answer:
    if not asker.cancel(match[1]):
        raise SqlError("22023", "could not cancel query: query ID not found")
    return Answer([], lambda: iter(()), "CANCEL QUERIES 1")


_Maker = Callable[[Cluster, Asker, "re.Match[str]"], Answer]
_ANSWERS: list[tuple[str, _Maker]] = [
    (r"SET .+", lambda *_: Answer([], lambda: iter(()), "SET")),
    (r"SELECT 1", lambda *_: _fixed("?column?", "1")),
    (r"SELECT version\(\)", lambda cluster, *_: _fixed("version", cluster.version)),
    (
        r"SELECT cluster_logical_timestamp\(\)",
        lambda cluster, *_: _fixed("cluster_logical_timestamp", str(cluster.clock()), DECIMAL),
    ),
    (r"SHOW CLUSTER SETTING ([\w.]+)", _setting),
    (r"SHOW CREATE TABLE (.+)", _create_table),
    (r"SHOW ZONE CONFIGURATION FROM TABLE (.+)", _zone),
    (r"SELECT (?:has_table_privilege\(.+\))", _privileges),
    (r"SELECT query_id FROM \[SHOW STATEMENTS\].*", _statements),
    (r"CANCEL QUERY '(\w+)'", _cancel),
]
