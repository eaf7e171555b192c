"""Findings of columns in the state: opened once, revised as rows come, withdrawn and opened again, whoever adds the rows."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pytest
import sqlalchemy as sa

from auditor.column_findings import raw_columns, text_of_column
from auditor.columns.profiles import Profiles
from auditor.identity import AuditKey
from auditor.model import FindingText, Receipt
from auditor.pipeline import Inspected, Partial
from auditor.profiling import RAW_COLUMN
from auditor.protocols import Frame
from auditor.state import positions
from auditor.state.columns import WITHDRAWN, ColumnUpdate, Judged, Told
from auditor.state.database import Database, open_database
from auditor.state.findings import FindingStore, Stored
from auditor.state.recording import FeedFacts, Recorder
from auditor.state.schema import OUTBOX, PROFILE

KEY = AuditKey(b"k" * 32)
TABLE = "shop.public.sessions"


@pytest.fixture
def database(state_url: str) -> Iterator[Database]:
    """Return an empty state."""
    database = open_database(state_url, exclusive=True)
    yield database
    database.close()


def profiles_of(values: list[str], first: int = 0, column: str = "session_token") -> Profiles:
    """Return the profiles of rows with these values."""
    profiles = Profiles(KEY)
    numbers = np.arange(first, first + len(values), dtype=np.uint64)
    hashes = numbers * np.uint64(0x9E3779B97F4A7C15)
    frame = Frame(TABLE, "after", range(len(values)), {"id": list(range(len(values))), column: values})
    wanted = profiles.wanted(TABLE, hashes)
    assert wanted is None or len(wanted)
    profiles.add(TABLE, [frame], hashes)
    return profiles


def tokens(count: int) -> list[str]:
    """Return random tokens."""
    return [secrets.token_urlsafe(32) for _ in range(count)]


def record(database: Database, profiles: Profiles, feed: str = "one") -> ColumnUpdate:
    """Record profiles as a feed does."""

    def judged(merged: Profiles, told: Told) -> Iterator[Judged]:
        return (Judged(one, text_of_column(one)) for one in raw_columns(merged, None, told, str))

    claimed = positions.claim(database, feed, [""])
    recorder = Recorder(
        database,
        KEY,
        describe=lambda rule, *_place: FindingText(rule, "", "", ""),
        compose=lambda alert: orjson.dumps({"kind": alert.kind, "title": alert.finding and alert.finding.title}).decode(),
        alert_sinks=["test"],
    )
    facts = FeedFacts(feed, "files", "", "digest", str, {"": claimed[""].epoch})
    update = ColumnUpdate(RAW_COLUMN, "file:///f", "file", profiles, lambda: Profiles(KEY), judged)
    recorder.record(facts, [Inspected(Partial(Receipt("file:///f", 0, "file", "", "", TABLE, 10, 0)))], update)
    return update


def findings(database: Database) -> list[Stored]:
    """Read all findings."""
    return list(FindingStore(database, lambda rule, *_place: FindingText(rule, "", "", "")).all())


def told(database: Database) -> list[Any]:
    """Return the alerts that were put into the outbox, oldest first."""
    query = sa.select(OUTBOX.c.body).order_by(OUTBOX.c.id)
    return [
        orjson.loads(body)["kind"] for body in database.transact(lambda connection: connection.execute(query).scalars().all())
    ]


def test_a_column_of_raw_tokens_is_told_once_and_revised(database: Database) -> None:
    """The counts grow with the rows, and its text says what it rests on."""
    record(database, profiles_of(tokens(120)))
    (first,) = findings(database)
    assert (first.finding.rule_id, first.finding.table, first.finding.column) == (RAW_COLUMN, TABLE, "session_token")
    assert first.finding.occurrences == 120
    assert "session_token holds raw tokens" in first.finding.title
    assert first.finding.exposures[0].uri == "file:///f"
    record(database, profiles_of(tokens(80), first=120))
    (second,) = findings(database)
    assert second.finding.finding_id == first.finding.finding_id
    assert second.finding.occurrences == 200
    assert told(database) == ["finding.opened"]


def test_rows_that_come_again_and_other_feeds_change_nothing_twice(database: Database) -> None:
    """Two feeds that carry the same rows make one profile, and one finding with an exposure for each."""
    values = tokens(150)
    record(database, profiles_of(values))
    record(database, profiles_of(values))
    update = record(database, profiles_of(values), feed="two")
    (found,) = findings(database)
    assert found.finding.occurrences == 150
    assert len(found.finding.exposures) == 2
    assert told(database) == ["finding.opened"]
    assert update.merged is not None
    assert update.merged.tables() == [TABLE]


def test_what_more_rows_disprove_is_withdrawn_and_may_come_back(database: Database) -> None:
    """It is resolved by itself, visibly, and opened again if it looks raw again."""
    record(database, profiles_of(tokens(110)))
    words = [f"step {number % 7} of the tour" for number in range(900)]
    record(database, profiles_of(words, first=200))
    (found,) = findings(database)
    assert (found.status, found.reason, found.decided_by) == ("resolved", WITHDRAWN, "auditor")
    record(database, profiles_of(tokens(60_000), first=10_000))
    (found,) = findings(database)
    assert found.status == "open"
    assert told(database) == ["finding.opened", "finding.withdrawn", "finding.reopened"]


def test_nothing_of_a_value_is_in_the_state(database: Database) -> None:
    """Profiles and findings hold neither values nor plain hashes of them."""
    values = tokens(130)
    record(database, profiles_of(values))
    rows = database.transact(lambda connection: [bytes(row.snapshot) for row in connection.execute(sa.select(PROFILE))])
    kept = b"".join([*rows, *(repr(one).encode() for one in findings(database))])
    assert rows
    assert not any(
        value.encode() in kept or value[:12].encode() in kept or value.encode().hex().encode() in kept for value in values
    )
