"""
What the server's errors mean: which can be waited out, which need an edit, and which say that rows are gone.

A server's text may quote what it failed on. It is read here, once: what is kept of it is a kind and, where the text has one, a
timestamp, a number or the name of an option. Texts as in CockroachDB's sources (``changefeedccl``: ``changefeed_stmt.go``,
``changefeedvalidators``, ``authorization.go``) and as seen on v25.4 and v26.2.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from typing import NamedTuple

from auditor.errors import AuditorError, ConfigError, PositionLost, SourceUnavailable
from auditor.hlc import Timestamp
from auditor.sql_quoting import identifier, table_name


class Kind(enum.Enum):
    """What happened."""

    COLLECTED = "the history was garbage collected"
    TRUNCATED = "a watched table was truncated"
    DROPPED = "a watched table was dropped"
    NOT_THEN = "a watched table did not exist at the cursor's time, or its history is gone"
    FUTURE = "the cursor lies in the future"
    OFFLINE = "a watched table is offline"
    SCHEMA_CHANGE = "the schema changed"
    NO_TABLE = "a watched table does not exist"
    NO_DATABASE = "there is no such database"
    FORBIDDEN = "the user may not do this"
    RANGEFEEDS_OFF = "rangefeeds are off"
    CHANGEFEEDS_OFF = "changefeeds are switched off"
    FAMILIES = "a watched table has several column families"
    ROW_SECURITY = "a query cannot watch a table with row-level security"
    NOT_WATCHABLE = "what is watched is a view, a sequence or a system table"
    OPTION = "the server does not know an option"
    OPTION_VALUE = "the server does not take an option's value"
    SYNTAX = "the server does not understand the statement"
    CANCELLED = "the changefeed was cancelled"
    PASSING = "the server is busy, restarting or could not go on"
    LOGIN = "the server does not let this user in"
    TLS = "no TLS connection can be made"
    UNREACHABLE = "the server cannot be reached"
    BROKEN = "the connection was lost"
    SILENT = "the server does not answer"
    OTHER = "the server reported an error"


class Failure(NamedTuple):
    """An error of the server. ``detail`` is a timestamp or an option's name, '' if there is none."""

    kind: Kind
    sqlstate: str = ""
    detail: str = ""


class Refused(Exception):
    """The server refused a statement, or cannot be talked to. Holds no text of the server's."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.kind, failure.sqlstate, failure.detail)
        self.failure = failure


_VALUED = (
    "(compression|cursor|diff|end_time|enriched_properties|envelope|execution_locality|format|initial_scan|key_in_value"
    "|min_checkpoint_frequency|mvcc_timestamp|resolved|schema_change_events|schema_change_policy|topic_in_value|updated"
    "|virtual_columns)"
)
_HLC = r"(\d{1,19}\.\d{1,10})"
# The first that is found in a message counts; most of a changefeed's errors share the code XXUUU. A group is the detail.
_TEXTS: Sequence[tuple[Kind, str]] = (
    (Kind.COLLECTED, r"is older than the GC threshold|must be after replica GC threshold"),
    (Kind.SCHEMA_CHANGE, rf"schema change occurred at {_HLC}"),
    (Kind.NOT_THEN, r"supplied backups do not cover requested time|do the targets exist at the specified cursor time"),
    (Kind.FUTURE, r"is in the future"),
    (Kind.TRUNCATED, r"\bwas truncated\b"),
    (Kind.DROPPED, r"\bwas dropped\b|descriptor is being dropped"),
    (Kind.OFFLINE, r"cannot target offline table|\bis offline\b"),
    (Kind.RANGEFEEDS_OFF, r"require the kv\.rangefeed\.enabled setting"),
    (Kind.CHANGEFEEDS_OFF, r"feature CHANGEFEED was disabled"),
    (Kind.FAMILIES, r"multiple column families requires|with exactly 1 column family|more than one column family"),
    (Kind.ROW_SECURITY, r"not supported on tables with row-level security"),
    (Kind.NOT_WATCHABLE, r"cannot target (?:views|sequences|virtual tables)|not supported on system tables"),
    (Kind.OPTION, r'invalid option "([a-z_]{1,63})"'),
    (
        Kind.OPTION_VALUE,
        rf"^unknown {_VALUED}: |^problem parsing option {_VALUED}\b|^{_VALUED}(?:=\w+)? is (?:only usable|not supported) with ",
    ),
)
_PATTERNS = tuple((kind, re.compile(pattern, re.ASCII)) for kind, pattern in _TEXTS)
_CODES = {
    "42P01": Kind.NO_TABLE,
    "3D000": Kind.NO_DATABASE,
    "42501": Kind.FORBIDDEN,
    "42601": Kind.SYNTAX,
    "28000": Kind.LOGIN,
    "28P01": Kind.LOGIN,
    "57014": Kind.CANCELLED,
}
# PostgreSQL's classes: connection, transaction rollback, resources, operator intervention.
_PASSING = ("08", "40", "53", "57")
_NO_ANSWER = re.compile(r"Connection refused|timed out|No route to host|unreachable|reset by peer|closed the connection")
_LOGIN = re.compile(r"authentication failed|no password supplied|(?:role|user) \S+ does not exist|invalid (?:user|password)")
_TLS = re.compile(r"\bSSL\b|\bTLS\b|certificate|private key")


def read_failure(sqlstate: str, message: str) -> Failure:
    """Say what an error response means."""
    for kind, pattern in _PATTERNS:
        if match := pattern.search(message):
            return Failure(kind, sqlstate, next(filter(None, match.groups()), ""))
    if sqlstate in _CODES:
        return Failure(_CODES[sqlstate], sqlstate)
    passing = sqlstate.startswith(_PASSING) or "retryable" in message
    return Failure(Kind.PASSING if passing else Kind.OTHER, sqlstate)


def read_connect_failure(message: str) -> Failure:
    """Say why no connection was made, from the client library's text: it gives no code."""
    if _NO_ANSWER.search(message):
        return Failure(Kind.UNREACHABLE)
    if re.search(r"database \S+ does not exist", message):
        return Failure(Kind.NO_DATABASE)
    if _LOGIN.search(message):
        return Failure(Kind.LOGIN)
    return Failure(Kind.TLS if _TLS.search(message) else Kind.UNREACHABLE)


class Watched(NamedTuple):
    """What a message may say of a feed: where it is, its tables (none for a query), its user, and the cursor in use."""

    where: str
    tables: Sequence[str]
    user: str
    cursor: Timestamp | None


def error_of(failure: Failure, feed: Watched) -> AuditorError:
    """Return the error that says what to do next. Rows that are gone are a `PositionLost` only where there was a position."""
    if failure.kind in _GONE:
        return _gone(failure, feed)
    if failure.kind in _EDITS:
        return ConfigError(_said(failure), where=feed.where, fix=_edit(failure, feed))
    return SourceUnavailable(_said(failure), where=feed.where, fix=_WAITS.get(failure.kind, _LOOK))


def grant(tables: Sequence[str], user: str) -> str:
    """Return the statement that lets a user read tables."""
    names = ", ".join(map(table_name, tables)) if tables else "<the query's table>"
    return f"GRANT SELECT ON TABLE {names} TO {identifier(user)}"


_GONE = frozenset((Kind.COLLECTED, Kind.TRUNCATED, Kind.DROPPED, Kind.NOT_THEN))
_EDITS = {
    Kind.NO_TABLE: "correct the names, as database.schema.table",
    Kind.FORBIDDEN: "",  # a statement that names the tables and the user
    Kind.NO_DATABASE: "correct the database's name",
    Kind.RANGEFEEDS_OFF: "SET CLUSTER SETTING kv.rangefeed.enabled = true",
    Kind.CHANGEFEEDS_OFF: "SET CLUSTER SETTING feature.changefeed.enabled = true",
    Kind.FAMILIES: "split_column_families: true; a query must keep to the columns of one family",
    Kind.ROW_SECURITY: "watch the table itself: a changefeed sees all of its rows",
    Kind.NOT_WATCHABLE: "watch the tables that it is made of",
    Kind.OPTION: "leave it out, or set it to false among the options",
    Kind.OPTION_VALUE: "see CREATE CHANGEFEED in the documentation of the server's version",
    Kind.SYNTAX: "changefeeds need CockroachDB 19.1, CDC queries 22.2; check the query and the options",
    Kind.LOGIN: "check user, password and client certificate",
    Kind.TLS: "check sslmode, sslrootcert, sslcert and sslkey; a cluster without TLS needs sslmode: disable",
}
_LOOK = "it is tried again; the node's log says more"
_WAITS = {
    Kind.FUTURE: "compare the clocks; it may be another cluster than the one that was read before",
    Kind.OFFLINE: "an import or a restore is under way: it is tried again",
    Kind.COLLECTED: "the scan took longer than gc.ttlseconds: raise that for the table, or watch fewer tables in one feed",
    Kind.CANCELLED: "somebody cancelled it, or statement_timeout did: it is tried again",
    Kind.UNREACHABLE: "check host and port, and the network",
}


def _edit(failure: Failure, feed: Watched) -> str:
    """Return what to edit or to run."""
    return grant(feed.tables, feed.user) if failure.kind is Kind.FORBIDDEN else _EDITS[failure.kind]


def _gone(failure: Failure, feed: Watched) -> AuditorError:
    """Say from where on rows are missing, if any were read before."""
    if feed.cursor is None:
        return SourceUnavailable(_said(failure), where=feed.where, fix=_WAITS.get(failure.kind, _LOOK))
    since = f"changes after {feed.cursor} ({feed.cursor.utc():%Y-%m-%d %H:%M:%S} UTC) can no longer be had"
    return PositionLost(f"{_said(failure)}: {since}", where=feed.where, fix="on_position_lost: rescan reads what is there now")


def _said(failure: Failure) -> str:
    """Say in words what happened."""
    named = f" ({failure.detail})" if failure.kind in (Kind.OPTION, Kind.OPTION_VALUE) and failure.detail else ""
    code = f" (SQLSTATE {failure.sqlstate})" if failure.sqlstate and failure.kind in (Kind.PASSING, Kind.OTHER) else ""
    return f"{failure.kind.value}{named}{code}"
