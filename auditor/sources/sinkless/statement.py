"""The changefeed's statement, as a pure function of what is wanted and of what the server can do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from auditor.hlc import Timestamp
from auditor.sources.sinkless.settings import SinklessSettings
from auditor.sql_quoting import string_literal, table_name

#: Options that one can do without. They are tried and left out where a server does not know them, since no list says which
#: version brought which. What is lost then: writes hidden from changefeeds, JSON null told from SQL NULL, the age of a row's
#: version, resolved rows more often than every 30 s.
DISPENSABLE = frozenset((
    "ignore_disable_changefeed_replication",
    "encode_json_value_null_as_object",
    "mvcc_timestamp",
    "min_checkpoint_frequency",
))  # fmt: skip
# A changefeed that only scans refuses these (changefeedbase/options.go).
_NOT_IN_A_SCAN = frozenset(("end_time", "resolved", "diff", "mvcc_timestamp", "updated"))
#: `CREATE CHANGEFEED` without a sink came with 22.x; `EXPERIMENTAL CHANGEFEED FOR` was there before, and will go.
_CREATE_SINCE = (22, 1)


@dataclass(frozen=True, slots=True)
class Dialect:
    """
    What the server can do. ``version`` is (0, 0) if it is not known.

    ``families`` says that a watched table has several column families; ``refused`` are options that the server did not know,
    ``experimental`` that it did not know `CREATE CHANGEFEED` without a sink.
    """

    version: tuple[int, int] = (0, 0)
    families: bool = False
    refused: frozenset[str] = frozenset()
    experimental: bool = False

    @property
    def old(self) -> bool:
        """Tell whether the statement is to be in its old form."""
        return self.experimental or (0, 0) < self.version < _CREATE_SINCE


def changefeed(
    settings: SinklessSettings,
    dialect: Dialect,
    *,
    cursor: Timestamp | None = None,
    scan: Collection[str] | None = None,
) -> str:
    """
    Return the statement that goes on after a cursor, or without one begins with a scan of all that is there.

    With ``scan`` it reads what these tables (all, or the query's, if there are none) hold at the cursor's time, and ends.
    """
    options = _options(settings, dialect, cursor, only=scan is not None)
    clause = ", ".join(name if value is None else f"{name} = {string_literal(value)}" for name, value in options.items())
    if settings.query:
        return f"CREATE CHANGEFEED WITH {clause} AS {settings.query}"
    targets = ", ".join(map(table_name, scan or settings.tables))
    return f"{'EXPERIMENTAL CHANGEFEED FOR' if dialect.old else 'CREATE CHANGEFEED FOR TABLE'} {targets} WITH {clause}"


def _options(settings: SinklessSettings, dialect: Dialect, cursor: Timestamp | None, *, only: bool) -> dict[str, str | None]:
    """Return the options by name, None where one has no value."""
    timed = settings.envelope != "key_only"  # it has no value that could hold a time
    resolved = settings.resolved
    wanted: dict[str, str | bool] = {
        "format": settings.format,
        "envelope": settings.envelope if settings.envelope != "auto" else False,
        "updated": settings.updated and timed,
        "mvcc_timestamp": settings.mvcc_timestamp and timed,
        "diff": settings.diff,
        "full_table_name": settings.full_table_name,
        "resolved": _span(resolved),
        "min_checkpoint_frequency": _span(settings.min_checkpoint_frequency or resolved),
        "split_column_families": dialect.families if settings.split_column_families is None else settings.split_column_families,
        # `source` is where an enriched message says when its row was written.
        "enriched_properties": "source" if settings.envelope == "enriched" else False,
        "ignore_disable_changefeed_replication": True,
        "encode_json_value_null_as_object": settings.format == "json" and timed,
        **settings.options,
        "end_time": str(settings.end_time) if settings.end_time else False,
        "initial_scan": "only" if only else False,
        "cursor": str(cursor) if cursor else False,
    }
    left_out = dialect.refused | (_NOT_IN_A_SCAN if only else frozenset())
    return {
        name: value if isinstance(value, str) else None
        for name, value in wanted.items()
        if value is not False and name not in left_out
    }


def _span(seconds: float) -> str:
    """Write a duration as CockroachDB takes it."""
    return f"{round(seconds * 1000)}ms"
