"""
The tables of the state, for SQLite, PostgreSQL and CockroachDB alike. A change of them is a migration beside it.

Times of our own clock are RFC 3339 text in UTC, which sorts as it reads; those of CockroachDB are two integers.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()
#: SQLite numbers rows by itself only where the type is exactly INTEGER.
_SERIAL = BigInteger().with_variant(Integer(), "sqlite")

IDENTITY = Table("identity", METADATA, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))

#: Where each partition of each feed is to be continued. Whoever raised ``epoch`` last may move it.
SHARD = Table(
    "shard",
    METADATA,
    Column("feed", String(64), primary_key=True),
    Column("shard", String(300), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("position", Text),
    Column("resolved_wall", BigInteger),
    Column("resolved_logical", BigInteger),
    Column("moved_at", String(32), nullable=False),
)

#: Who runs a feed of which only one may run.
LEASE = Table(
    "lease",
    METADATA,
    Column("feed", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("epoch", BigInteger, nullable=False),
)

#: Rule, table, column and path where secrets were found, and how many different ones there are.
PLACE = Table(
    "place",
    METADATA,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("rule_id", String(120), nullable=False),
    Column("cluster", String(120), nullable=False),
    Column("table_name", Text, nullable=False),
    Column("column_name", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("secrets", BigInteger, nullable=False),
    Column("column_finding", String(48)),
    Column("debt_told", Boolean, nullable=False),
    Column("smallest", Text, nullable=False),
    UniqueConstraint("rule_id", "cluster", "table_name", "column_name", "path"),
)

FINDING = Table(
    "finding",
    METADATA,
    Column("finding_id", String(48), primary_key=True),
    Column("secret_id", String(48), nullable=False),
    Column("place", ForeignKey("place.id"), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("confidence", Integer, nullable=False),
    Column("setting", String(12), nullable=False),
    Column("evidence", Text, nullable=False),
    Column("layers", Integer, nullable=False),
    Column("occurrences", BigInteger, nullable=False),
    Column("resent", BigInteger, nullable=False),
    Column("debt", BigInteger, nullable=False),
    Column("first_seen", String(32), nullable=False),
    Column("last_seen", String(32), nullable=False),
    Column("newest", String(40)),
    Column("removed", String(40)),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", String(32)),
    Column("until", String(32)),
    Column("in_column", String(48)),
    Column("exposures", BigInteger, nullable=False),
    Index("finding_place", "place"),
    Index("finding_status", "status", "severity"),
)

EXPOSURE = Table(
    "exposure",
    METADATA,
    Column("finding_id", ForeignKey("finding.finding_id"), primary_key=True),
    Column("feed", String(64), primary_key=True),
    Column("uri", String(600), primary_key=True),
    Column("part", String(8), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("row_number", BigInteger, nullable=False),
    Column("row_key", Text, nullable=False),
    Column("updated", String(40)),
    Column("count", BigInteger, nullable=False),
)

#: What is known of the values of a table's columns, over all feeds of a cluster: digests and features, none of the values.
PROFILE = Table(
    "profile",
    METADATA,
    Column("cluster", String(120), primary_key=True),
    Column("table_name", String(400), primary_key=True),
    Column("snapshot", LargeBinary, nullable=False),
)

#: What is said of a column that holds raw tokens: the evidence of its values together, which no rule has a text for.
COLUMN_TEXT = Table(
    "column_text",
    METADATA,
    Column("finding_id", String(48), primary_key=True),
    Column("title", Text, nullable=False),
    Column("gains", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("distinct", BigInteger, nullable=False),
)

#: Events with a secret that were counted since the last resolved timestamp: what comes again is not counted again.
OCCURRENCE = Table(
    "occurrence",
    METADATA,
    Column("feed", String(64), primary_key=True),
    Column("shard", String(300), primary_key=True),
    Column("event", String(32), primary_key=True),
    Column("wall", BigInteger, nullable=False),
    Column("logical", BigInteger, nullable=False),
)

#: Rows and bytes read, by feed, table and set of rules.
COVERAGE = Table(
    "coverage",
    METADATA,
    Column("feed", String(64), primary_key=True),
    Column("table_name", String(400), primary_key=True),
    Column("rules_digest", String(32), primary_key=True),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("resent", BigInteger, nullable=False),
    Column("gaps", BigInteger, nullable=False),
    Column("first_at", String(32), nullable=False),
    Column("last_at", String(32), nullable=False),
)

#: Which tables a shard has carried: a resolved timestamp speaks for all of them.
CARRIED = Table(
    "carried",
    METADATA,
    Column("feed", String(64), primary_key=True),
    Column("shard", String(300), primary_key=True),
    Column("table_name", String(400), primary_key=True),
)

#: Everything after ``from`` and up to ``to`` was read, in one shard with one set of rules.
SPAN = Table(
    "span",
    METADATA,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("feed", String(64), nullable=False),
    Column("shard", String(300), nullable=False),
    Column("rules_digest", String(32), nullable=False),
    Column("from_wall", BigInteger, nullable=False),
    Column("from_logical", BigInteger, nullable=False),
    Column("to_wall", BigInteger, nullable=False),
    Column("to_logical", BigInteger, nullable=False),
    Column("open", Boolean, nullable=False),
    Index("span_shard", "feed", "shard"),
)

#: What was not read, or not scanned. ``cause`` is ``lost``, ``quarantined`` or ``unscanned``.
GAP = Table(
    "gap",
    METADATA,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("feed", String(64), nullable=False),
    Column("shard", String(300), nullable=False),
    Column("cause", String(16), nullable=False),
    Column("uri", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("row_number", BigInteger),
    Column("column_name", Text),
    Column("bytes", BigInteger),
    Column("at", String(32), nullable=False),
    Index("gap_feed", "feed"),
)

#: What a reader of the coverage should know and is no gap.
NOTE = Table(
    "note",
    METADATA,
    Column("feed", String(64), primary_key=True),
    Column("text", String(600), primary_key=True),
    Column("at", String(32), nullable=False),
)

#: Alerts, from the transaction of what they tell to their delivery.
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("event_id", String(48), nullable=False),
    Column("alert_sink", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("dead", Text),
    Index("outbox_pending", "alert_sink", "dead", "id"),
)

#: What operators decided, for good.
DECISION = Table(
    "decision",
    METADATA,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("finding_id", String(48), nullable=False),
    Column("at", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("until", String(32)),
)
