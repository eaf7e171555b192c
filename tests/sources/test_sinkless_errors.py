"""What the server's errors mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import ConfigError, PositionLost, SourceUnavailable
from auditor.hlc import Timestamp
from auditor.sources.sinkless.errors import Kind, Watched, error_of, read_connect_failure, read_failure

CURSOR = Timestamp(1784758953157033880, 1)
FEED = Watched("cockroachdb://db:26257/shop", ["shop.public.users"], "auditor", CURSOR)

#: Messages as the server writes them: code, text, kind, error.
MESSAGES = [
    ("XXUUU", "could not create changefeed: cursor 1.0 is older than the GC threshold 178", Kind.COLLECTED, PositionLost),
    ("XXUUU", "batch timestamp 1.2,0 must be after replica GC threshold 3.4,0", Kind.COLLECTED, PositionLost),
    ("XXUUU", '"tbl" was truncated', Kind.TRUNCATED, PositionLost),
    ("XXUUU", '"db.public.tbl" was dropped', Kind.DROPPED, PositionLost),
    ("XXUUU", "descriptor is being dropped", Kind.DROPPED, PositionLost),
    (
        "XXUUU",
        'failed to resolve targets in the stmt: table "x" does not exist: supplied backups do not cover requested time',
        Kind.NOT_THEN,
        PositionLost,
    ),
    ("XXUUU", "do the targets exist at the specified cursor time 1.0?", Kind.NOT_THEN, PositionLost),
    ("42P01", 'table "x" does not exist', Kind.NO_TABLE, ConfigError),
    ("42501", "user x requires the SELECT privilege on all target tables", Kind.FORBIDDEN, ConfigError),
    ("XXUUU", "rangefeeds require the kv.rangefeed.enabled setting. See docs", Kind.RANGEFEEDS_OFF, ConfigError),
    ("0A000", "feature CHANGEFEED was disabled by the database administrator", Kind.CHANGEFEEDS_OFF, ConfigError),
    (
        "XXUUU",
        "CHANGEFEED targeting a table (t) with multiple column families requires WITH split_column_families and will emit more",
        Kind.FAMILIES,
        ConfigError,
    ),
    ("XXUUU", "CHANGEFEEDs are currently supported on tables with exactly 1 column family: t has 2", Kind.FAMILIES, ConfigError),
    ("XXUUU", "CDC queries are not supported on tables with row-level security", Kind.ROW_SECURITY, ConfigError),
    ("XXUUU", "CHANGEFEED cannot target views: v", Kind.NOT_WATCHABLE, ConfigError),
    ("XXUUU", 'CHANGEFEED cannot target offline table: t (offline reason: "importing")', Kind.OFFLINE, SourceUnavailable),
    ("22023", 'invalid option "nope"', Kind.OPTION, ConfigError),
    ("XXUUU", "unknown envelope: enriched, valid values are wrapped", Kind.OPTION_VALUE, ConfigError),
    ("XXUUU", "mvcc_timestamp is only usable with envelope=wrapped", Kind.OPTION_VALUE, ConfigError),
    ("42601", 'at or near "with": syntax error', Kind.SYNTAX, ConfigError),
    ("57014", "query execution canceled", Kind.CANCELLED, SourceUnavailable),
    ("57P01", "server is shutting down", Kind.PASSING, SourceUnavailable),
    ("40001", "restart transaction", Kind.PASSING, SourceUnavailable),
    ("XXUUU", "retryable changefeed error: x", Kind.PASSING, SourceUnavailable),
    ("XXUUU", "something else", Kind.OTHER, SourceUnavailable),
    ("XXUUU", "timestamp '9.0' is in the future", Kind.FUTURE, SourceUnavailable),
]


@pytest.mark.parametrize(("code", "text", "kind", "error"), MESSAGES)
def test_each_error_has_its_meaning(code, text, kind, error):
    """Most share one code: the text tells them apart."""
    failure = read_failure(code, text)
    assert failure.kind is kind
    found = error_of(failure, FEED)
    assert type(found) is error
    assert found.where == FEED.where
    assert found.fix


def test_a_schema_change_carries_its_time():
    """In the digits that a cursor takes."""
    text = (
        'shut down due to schema change and schema_change_policy="stop": schema change occurred at 1784758953157033880.0000000001'
    )
    assert read_failure("55C01", text).detail == str(CURSOR)


def test_nothing_is_lost_where_nothing_was_read():
    """Without a cursor a scan begins anew."""
    found = error_of(read_failure("XXUUU", "batch timestamp 1 must be after replica GC threshold 2"), FEED._replace(cursor=None))
    assert isinstance(found, SourceUnavailable)
    assert "gc.ttlseconds" in found.fix


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('connection to server at "1.2.3.4", port 26257 failed: Connection refused\n\tIs the server running', Kind.UNREACHABLE),
        ('connection to server at "ssl.example.com" failed: timeout expired', Kind.UNREACHABLE),
        ("FATAL:  password authentication failed for user auditor", Kind.LOGIN),
        ("connection failed: fe_sendauth: no password supplied", Kind.LOGIN),
        ('FATAL:  database "nope" does not exist', Kind.NO_DATABASE),
        ("server does not support SSL, but SSL was required", Kind.TLS),
        ("SSL error: certificate verify failed", Kind.TLS),
        ('root certificate file "/a/ca.crt" does not exist', Kind.TLS),
        ("FATAL:  node is running secure mode, SSL connection required", Kind.TLS),
    ],
)
def test_a_refused_connection_has_its_meaning(text, kind):
    """The client library gives no code, only a text."""
    assert read_connect_failure(text).kind is kind


@given(st.text(max_size=5), st.text())
def test_whatever_the_server_says_nothing_of_it_is_repeated(code, text):
    """Only digits of a timestamp and names of options are kept."""
    marked = f"{text} tok_{'x' * 20}"
    failure = read_failure(code, marked)
    assert "tok_" not in str(error_of(failure, FEED))
