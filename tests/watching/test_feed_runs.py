"""Feeds over scripted sources: what is recorded, once, in order, and with the position after it."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from auditor.delivery import Lost, Messages, Progress
from auditor.errors import ConfigError, Fenced, PositionLost, SourceUnavailable, StateError
from auditor.feed_settings import FeedSettings
from auditor.hlc import Timestamp
from auditor.state import coverage, outbox, positions
from auditor.state.findings import FindingStore
from auditor.state.recording import FeedFacts
from auditor.watching.inspection import Inspection
from auditor.watching.shards import Shards
from tests.watching.scripted_source import ScriptedSource, messages

_BASE = 1_784_759_045_000_000_000


def token(number: int = 0) -> str:
    """Return a made-up GitLab token."""
    return "gl" + "pat-" + f"A1b2C3d4E5f6G7h8I{number:03d}"


def token_of(number: int) -> str:
    """Return one of many made-up GitLab tokens."""
    return "gl" + "pat-" + f"A1b2C3d4E5f6G7{number:06d}"


def stamp(moment: int) -> str:
    """Return an HLC timestamp."""
    return f"{_BASE + moment}.0000000000"


def change(key: int, text: str, moment: int, before: str | None = None, *, updated: int | None = None) -> bytes:
    """Return a wrapped message as CockroachDB writes it."""
    old = f', "before": {{"id": {key}, "note": "{before}"}}' if before is not None else ""
    at = stamp(moment if updated is None else updated)
    return f'{{"after": {{"id": {key}, "note": "{text}"}}{old}, "mvcc_timestamp": "{stamp(moment)}", "updated": "{at}"}}'.encode()


def resolved(moment: int) -> bytes:
    """Return a resolved message."""
    return f'{{"resolved":"{stamp(moment)}"}}'.encode()


def keyed(number: int, *rows: tuple[int, bytes]) -> Messages:
    """Return a delivery whose messages have keys of their own."""
    made = messages(number, *(value for _, value in rows))
    return Messages(
        made.origin,
        made.topic,
        [f"[{key}]".encode() for key, _ in rows],
        made.values,
        made.numbers,
        position=made.position,
    )


def test_a_secret_becomes_a_finding_with_its_alert_and_position(bench: Any) -> None:
    """One transaction holds the finding, its exposure, its alert, the coverage and the position."""
    source = ScriptedSource([keyed(1, (7, change(7, f"use {token()}", 10)))])
    supervisor = bench.run(source)
    assert supervisor.condition == "ended"
    [stored] = bench.findings()
    finding = stored.finding
    assert (finding.rule_id, finding.table, finding.column) == ("gitlab.pat", "shop.public.users", "note")
    assert (finding.occurrences, stored.status) == (1, "open")
    [exposure] = finding.exposures
    assert (exposure.uri, exposure.row, exposure.row_key, exposure.updated) == ("test://feed", 100, "7", stamp(10))
    [pending] = outbox.waiting(bench.database, "test", 10)
    body = orjson.loads(pending.body)
    assert (body["type"], body["id"]) == ("finding.opened", pending.event_id)
    assert body["data"]["finding"]["finding_id"] == finding.finding_id
    assert token() not in pending.body
    assert positions.claim(bench.database, "feed", [""])[""].position == {"done": 1}
    assert [delivery.position for delivery in source.readers[0].acknowledged] == [{"done": 1}]


def test_the_same_secret_again_is_the_same_finding(bench: Any) -> None:
    """Another row with a known secret adds an occurrence and no alert."""
    source = ScriptedSource([keyed(1, (1, change(1, token(), 10))), keyed(2, (2, change(2, token(), 20)))])
    bench.run(source)
    [stored] = bench.findings()
    assert stored.finding.occurrences == 2
    assert len(outbox.waiting(bench.database, "test", 10)) == 1


def test_an_event_that_is_sent_again_is_counted_apart(bench: Any) -> None:
    """An event is known again by row and version before the next resolved timestamp, and by that timestamp afterwards."""
    event = change(1, token(), 10)
    source = ScriptedSource(
        [keyed(1, (1, event)), keyed(2, (1, event)), messages(3, resolved(50)), keyed(4, (1, event), (2, change(2, token(), 60)))]
    )
    bench.run(source)
    [stored] = bench.findings()
    assert (stored.finding.occurrences, stored.resent) == (2, 2)


def test_a_restart_knows_events_that_were_counted_before(bench: Any) -> None:
    """What is read again after a restart, because the position lies behind, is counted apart."""
    event = change(1, token(), 10)
    bench.run(ScriptedSource([keyed(1, (1, event))]))
    bench.run(ScriptedSource([keyed(2, (1, event))]))
    [stored] = bench.findings()
    assert (stored.finding.occurrences, stored.resent) == (1, 1)


def test_a_failure_repeats_and_loses_nothing(bench: Any) -> None:
    """A source that breaks off is opened again from the recorded position."""
    script = [keyed(1, (1, change(1, token(1), 10))), SourceUnavailable("gone for now"), keyed(2, (2, change(2, token(2), 20)))]
    source = ScriptedSource(script)
    supervisor = bench.run(source)
    assert supervisor.condition == "ended"
    assert len(source.readers) == 2
    assert {stored.finding.exposures[0].row_key for stored in bench.findings()} == {"1", "2"}


def test_a_source_that_cannot_be_helped_stops_with_its_reason(bench: Any) -> None:
    """An error of the configuration is not tried again."""
    source = ScriptedSource([ConfigError("no privilege", fix="GRANT it")])
    supervisor = bench.run(source)
    assert supervisor.condition == "stopped: no privilege (GRANT it)"
    assert len(source.readers) == 1


def test_a_lost_position_stops_the_feed_and_is_a_gap(bench: Any) -> None:
    """By default a feed whose next rows are gone stops, and coverage says what is missing."""
    supervisor = bench.run(ScriptedSource([PositionLost("rows before X are gone")]))
    assert supervisor.condition.startswith("stopped")
    gaps, total = coverage.gaps(bench.database, 10)
    assert total == 1
    assert [(cause, gap.reason) for _, cause, gap, _ in gaps] == [("lost", "rows before X are gone")]


def test_a_lost_position_is_rescanned_where_that_is_wanted(bench: Any) -> None:
    """With ``on_position_lost: rescan`` the feed is opened once more, to read what there is and say what is missing."""
    missing = Messages("test://feed", "t", [], [], [], position={"done": 1}, lost=[Lost("", "offsets 3 to 9")])
    source = ScriptedSource([PositionLost("gone"), missing])
    supervisor = bench.run(source, settings=FeedSettings(name="feed", on_position_lost="rescan"))
    assert (supervisor.condition, source.rescans) == ("ended", 1)
    gaps, _ = coverage.gaps(bench.database, 10)
    assert [gap.reason for _, _, gap, _ in gaps] == ["offsets 3 to 9"]
    assert [orjson.loads(one.body)["type"] for one in outbox.waiting(bench.database, "test", 10)] == ["coverage.gap"]


def test_spans_are_claimed_between_resolved_timestamps_only(bench: Any) -> None:
    """Nothing is claimed before the first resolved timestamp, nor across a loss."""
    script = [
        keyed(1, (1, change(1, "x", 10))),
        messages(2, resolved(20)),
        messages(3, resolved(40)),
        Messages("test://feed", "t", [], [], [], position={"done": 4}, lost=[Lost("", "rows")]),
        messages(5, resolved(80)),
        messages(6, resolved(70)),
        messages(7, resolved(90)),
    ]
    bench.run(ScriptedSource(script))
    spans = [(span.since.wall - _BASE, span.until.wall - _BASE) for span in coverage.spans(bench.database)]
    assert spans == [(20, 40), (80, 90)]
    assert coverage.watermarks(bench.database) == {("feed", "shop.public.users"): Timestamp(_BASE + 90)}


def test_a_payload_that_is_not_of_its_format_is_scanned_as_text_and_pointed_to(bench: Any) -> None:
    """A poisoned payload does not stop the feed: its secret is found, and its number is in the gap."""
    bench.run(ScriptedSource([messages(1, b"{broken " + token().encode()), keyed(2, (1, change(1, token(2), 10)))]))
    assert len(bench.findings()) == 2
    [(_, cause, gap, _)], _ = coverage.gaps(bench.database, 10)
    assert (cause, gap.uri, gap.row) == ("quarantined", "test://feed", 100)
    assert token() not in gap.reason


def test_a_past_value_is_removed_at_source_and_stays_open(bench: Any) -> None:
    """A row that is overwritten no longer holds the secret; the finding says so and stays open."""
    bench.run(ScriptedSource([keyed(1, (1, change(1, token(), 10))), keyed(2, (1, change(1, "gone", 20, before=token())))]))
    [stored] = bench.findings()
    assert (stored.status, stored.removed_at_source) == ("open", True)


def test_a_resolved_finding_opens_again_only_for_a_later_row(bench: Any) -> None:
    """An old event that is sent again opens nothing; a row written after the decision does, with an alert."""
    bench.run(ScriptedSource([keyed(1, (1, change(1, token(), 10)))]))
    store = FindingStore(bench.database, bench.describe)
    [stored] = bench.findings()
    store.decide(stored.finding.finding_id, "resolved", reason="revoked", decided_by="me", until=None)
    bench.run(ScriptedSource([keyed(2, (1, change(1, token(), 10)), (2, change(2, token(), 30)))]))
    assert [one.status for one in bench.findings()] == ["resolved"], "both rows were written before the decision"
    later = int(time.time() * 1e9) - _BASE + 3_600_000_000_000
    bench.run(ScriptedSource([keyed(3, (3, change(3, token(), later)))]))
    assert [one.status for one in bench.findings()] == ["open"]
    kinds = [orjson.loads(one.body)["type"] for one in outbox.waiting(bench.database, "test", 10)]
    assert kinds == ["finding.opened", "finding.reopened"]


def test_adopted_debt_is_one_alert_a_column(bench: Any) -> None:
    """Rows written before the adopted moment are counted, with one alert; a newer row is told by itself."""
    rows = [(number, change(number, token(number), 10 + number, updated=500)) for number in range(5)]
    source = ScriptedSource([keyed(1, *rows), keyed(2, (9, change(9, token(9), 200)))])
    bench.run(source, adopt_before=Timestamp(_BASE + 100))
    kinds = [orjson.loads(one.body)["type"] for one in outbox.waiting(bench.database, "test", 10)]
    assert kinds == ["finding.debt", "finding.opened"]
    assert sorted(stored.debt for stored in bench.findings()) == [0, 1, 1, 1, 1, 1]


def test_a_column_full_of_secrets_becomes_one_finding(bench: Any) -> None:
    """Past 1,000 secrets of a place there is one finding, which counts all of them, and one alert for it."""
    script = []
    for delivery in range(4):
        rows = [(n, change(n, token_of(n), 10 + n)) for n in range(delivery * 600, delivery * 600 + 600)]
        script.append(keyed(delivery + 1, *rows))
    bench.run(ScriptedSource(script[:1]))
    assert len(bench.findings()) == 600
    bench.run(ScriptedSource(script))
    [stored] = bench.findings()
    assert stored.finding.collapsed
    assert stored.finding.occurrences == 2400
    assert 2000 < stored.finding.distinct < 2900
    assert len(outbox.waiting(bench.database, "test", 5000)) == 601


def test_another_instance_that_takes_over_fences_this_one(bench: Any) -> None:
    """A commit under an older claim is refused, and nothing of it is written: what was taken over is read elsewhere."""
    mine = Shards(bench.database, "feed", bench.key, None)
    mine.claim([""])
    facts = FeedFacts("feed", "test", "", "digest", str, mine.epochs)
    inspection = Inspection(bench.tools, FeedSettings(name="feed"), kind="test", form="json", schemas=None)
    inspected = list(inspection.inspect(keyed(1, (1, change(1, token(), 10))), mine.events("")))
    Shards(bench.database, "feed", bench.key, None).claim([""])
    with pytest.raises(Fenced):
        bench.recorder.record(facts, inspected)
    assert bench.findings() == []
    assert positions.claim(bench.database, "feed", [""])[""].position is None
    assert outbox.backlog(bench.database) == {}


def test_stopping_is_prompt_and_keeps_what_was_inspected(bench: Any) -> None:
    """A quiet feed ends within a second of being told to."""
    source = ScriptedSource([keyed(1, (1, change(1, token(), 10)))], endless=True)
    supervisor = bench.supervisor(source, until_caught_up=False)
    supervisor.start()
    deadline = time.monotonic() + 10
    while not bench.recorded and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    assert supervisor.condition == "running", "a quiet feed goes on"
    began = time.monotonic()
    supervisor.stop()
    assert supervisor.join(5)
    assert time.monotonic() - began < 1
    assert supervisor.condition == "ended"
    assert len(bench.findings()) == 1


def test_a_state_that_cannot_be_written_refuses_and_comes_back(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the state is down nothing is acknowledged; afterwards the same rows are read again."""
    failures = iter([True, False])
    real = positions.check

    def check(*arguments: Any) -> None:
        if next(failures, False):
            raise StateError("down")
        real(*arguments)

    monkeypatch.setattr(positions, "check", check)
    source = ScriptedSource([keyed(1, (1, change(1, token(), 10)))])
    supervisor = bench.run(source)
    assert supervisor.condition == "ended"
    first, second = source.readers
    assert (len(first.acknowledged), len(first.refusals)) == (0, 1)
    assert len(second.acknowledged) == 1
    assert [stored.finding.occurrences for stored in bench.findings()] == [1]


def test_progress_without_rows_moves_the_position(bench: Any) -> None:
    """A resolved timestamp that comes by itself is recorded with its position."""
    bench.run(ScriptedSource([Progress(position={"done": 1}, resolved=Timestamp(_BASE + 5))]))
    claimed = positions.claim(bench.database, "feed", [""])[""]
    assert (claimed.position, claimed.resolved) == ({"done": 1}, Timestamp(_BASE + 5))


def test_members_of_a_map_are_one_place(bench: Any) -> None:
    """Past 100 members of one object with secrets there is one path for them, whatever order and transactions they came in."""

    def member(number: int) -> tuple[int, bytes]:
        doc = f'{{"user-{number}": {{"token": "{token(number)}"}}}}'
        return number, f'{{"after": {{"doc": {doc}, "id": {number}}}, "updated": "{stamp(number)}"}}'.encode()

    bench.run(ScriptedSource([keyed(1, *(member(number) for number in range(60)))]))
    assert len({stored.finding.path for stored in bench.findings()}) == 60
    bench.run(ScriptedSource([keyed(2, *(member(number) for number in range(60, 120)))]))
    bench.run(ScriptedSource([keyed(3, *(member(number) for number in range(110, 130)))]))
    found = bench.findings()
    assert {stored.finding.path for stored in found} == {"$.*.token"}
    assert len({stored.finding.finding_id for stored in found}) == len(found) == 130
    assert sum(stored.finding.occurrences for stored in found) == 130
    assert all(stored.finding.exposures for stored in found)


def test_a_topic_that_holds_a_secret_is_a_finding(bench: Any) -> None:
    """The name of a topic is scanned once, and shown without the secret."""
    made = messages(1, change(1, "x", 10), topic=f"feed-{token()}")
    again = messages(2, change(1, "x", 20), topic=f"feed-{token()}")
    bench.run(ScriptedSource([made, again]))
    [stored] = bench.findings()
    assert [(one.part, one.count) for one in stored.finding.exposures] == [("topic", 1)]
    assert token() not in stored.finding.table


def test_what_was_never_seen_was_not_sent_again(bench: Any) -> None:
    """A row older than what is resolved, of a table that was added or a file that came late, is a new finding with its alert."""
    bench.run(ScriptedSource([messages(1, resolved(100)), keyed(2, (1, change(1, token(), 50)))]))
    [stored] = bench.findings()
    assert (stored.finding.occurrences, stored.resent) == (1, 0)
    assert len(outbox.waiting(bench.database, "test", 10)) == 1
    bench.run(ScriptedSource([keyed(3, (1, change(1, token(), 50)))]))
    [stored] = bench.findings()
    assert (stored.finding.occurrences, stored.resent) == (1, 1)


def test_a_note_is_kept_with_the_coverage(bench: Any) -> None:
    """Why no resolved timestamp is claimed is told once, however often it is said."""
    bench.run(ScriptedSource([Progress(position={"done": number}, note="two feeds write here") for number in (1, 2)]))
    assert [(feed, text) for feed, text, _ in coverage.notes(bench.database)] == [("feed", "two feeds write here")]


def test_the_rows_of_a_webhook_body_are_counted_by_their_tables(bench: Any) -> None:
    """Each message of a body names its topic; the watermark holds for all tables that came."""
    rows = [f'{{"after": {{"id": {n}}}, "key": [{n}], "topic": "{table}"}}' for n, table in enumerate(("a", "b", "b"))]
    body = f'{{"payload":[{",".join(rows)}],"length":3}}'.encode()
    bench.run(ScriptedSource([messages(1, body, key=None, topic=""), messages(2, resolved(9), topic="")]))
    assert {each.table: each.rows for each in coverage.tables(bench.database)} == {"a": 1, "b": 2}
    assert coverage.watermarks(bench.database) == {("feed", "a"): Timestamp(_BASE + 9), ("feed", "b"): Timestamp(_BASE + 9)}
