"""Reading a sinkless feed: scan, changes, resolved rows, and going on after them."""

import socket
import time

import psycopg
import pytest

from auditor.delivery import ALL, Messages, Progress
from auditor.errors import ConfigError, SourceUnavailable
from auditor.hlc import Timestamp
from auditor.sources.sinkless import SinklessSource
from auditor.sources.sinkless.settings import SinklessSettings
from tests.replay.cluster import Flood, Table, load
from tests.replay.server import ReplayServer
from tests.sources.feed_harness import MemoryClaims
from tests.sources.sinkless_harness import NOTES, USERS, settings_for, shop, user, watching


def test_a_feed_begins_with_all_that_is_there_and_goes_on_with_changes():
    """The first start scans, then changes come, each with its table as topic, and resolved messages without key or topic."""
    cluster = shop()
    cluster.put(*user(1))
    with ReplayServer(cluster) as server, watching(settings_for(server)) as feed:
        feed.wait(lambda feed: feed.resolved > 0)
        cluster.put(*user(2))
        feed.wait(lambda feed: len(feed.rows) == 2)
    assert feed.rows == [(USERS, b"[1]", user(1)[2].encode()), (USERS, b"[2]", user(2)[2].encode())]
    closing = [part for part in feed.messages if part.keys == [None]]
    assert closing
    assert {part.topic for part in closing} == {""}
    assert feed.error is None


def test_a_transcript_is_read_to_its_last_row():
    """A deletion is a message like any other, and nothing of a value is changed on the way."""
    with ReplayServer(load("shop")) as server:
        position = {"cursor": "1784758900000000000.0000000000", "rows": 0, "targets": [USERS]}
        with watching(settings_for(server), position) as feed:
            feed.wait(lambda feed: feed.resolved == 3)
    assert [key for _, key, _ in feed.rows] == [b"[1]", b"[2]", b"[1]", b"[1]"]
    assert feed.rows[-1][2].startswith(b'{"after": null, "before": {"id": 1, "name": "bob"}')
    assert feed.messages[-1].position["cursor"] == "1784759045000000000.0000000000"


def test_only_a_resolved_row_moves_the_cursor_and_never_backwards():
    """Rows leave the cursor where it was; a resolved row that comes again with an earlier time does too."""
    with ReplayServer(load("shop")) as server:
        position = {"cursor": "1784758900000000000.0000000000", "rows": 7, "targets": [USERS]}
        with watching(settings_for(server), position) as feed:
            feed.wait(lambda feed: feed.resolved == 3)
    cursors = [Timestamp.parse(str(part.position["cursor"])) for part in feed.messages]
    assert cursors == sorted(cursors)
    for before, part in zip(
        [position["cursor"], *(part.position["cursor"] for part in feed.messages)], feed.messages, strict=False
    ):
        assert part.keys == [None] or part.position["cursor"] == before
    assert [number for part in feed.messages for number in part.numbers] == list(range(8, 15))


def test_a_late_resolved_row_does_not_move_the_cursor_back():
    """After a retry inside the server resolved timestamps may come again."""
    cluster = shop(beats=False)
    with ReplayServer(cluster) as server, watching(settings_for(server)) as feed:
        feed.wait(lambda feed: feed.pauses > 0)
        late = cluster.clock()
        newest = cluster.resolve()
        feed.wait(lambda feed: feed.resolved == 1)
        cluster.add(cluster.timeline[-1]._replace(at=late))
        feed.wait(lambda feed: feed.resolved == 2)
    assert feed.messages[-1].position["cursor"] == str(newest)


def test_a_feed_goes_on_after_the_recorded_cursor():
    """A second reading neither scans again nor skips what came meanwhile."""
    cluster, claims = shop(), MemoryClaims()
    cluster.put(*user(1))
    with ReplayServer(cluster) as server:
        with watching(settings_for(server), claims) as feed:
            feed.wait(lambda feed: feed.resolved > 0)
        cluster.put(*user(2))
        with watching(settings_for(server), claims) as again:
            again.wait(lambda feed: feed.rows)
    assert [key for _, key, _ in again.rows] == [b"[2]"]
    assert f"cursor = '{feed.messages[-1].position['cursor']}'" in cluster.changefeeds[-1]


def test_a_scan_that_was_cut_short_begins_anew():
    """Without a resolved row there is nothing to go on from; the numbers of rows still go on."""
    cluster, claims = shop(beats=False), MemoryClaims()
    cluster.put(*user(1))
    with ReplayServer(cluster) as server:
        with watching(settings_for(server), claims) as feed:
            feed.wait(lambda feed: feed.rows)
        assert "cursor" not in claims.positions[ALL]
        with watching(settings_for(server), claims) as again:
            again.wait(lambda feed: feed.rows)
    assert again.rows == feed.rows
    assert list(again.messages[0].numbers) == [2]


def test_rows_of_several_tables_that_come_together_are_one_message_run_for_each():
    """Every row has its own table's topic, and only the last run moves the position."""
    cluster = shop(beats=False)
    for number in range(50):
        cluster.put(*user(number))
        cluster.put(NOTES, f"[{number}]", "{}")
    with ReplayServer(cluster) as server, watching(settings_for(server, tables=[USERS, NOTES])) as feed:
        feed.wait(lambda feed: len(feed.rows) == 100)
    assert sum(topic == NOTES for topic, *_ in feed.rows) == 50
    assert all((topic == NOTES) == (value == b"{}") for topic, _, value in feed.rows)
    assert sorted(number for part in feed.messages for number in part.numbers) == list(range(1, 101))


def test_a_quiet_feed_hands_over_a_single_row_at_once():
    """No row waits for others to come."""
    cluster = shop(beats=False)
    with ReplayServer(cluster) as server, watching(settings_for(server)) as feed:
        feed.wait(lambda feed: feed.pauses > 0)
        delays = []
        for number in range(20):
            began = time.perf_counter()
            cluster.put(*user(number))
            feed.wait(lambda feed, number=number: len(feed.rows) == number + 1)
            delays.append(time.perf_counter() - began)
    assert sorted(delays)[10] < 0.1


def test_a_busy_feed_hands_over_many_rows_at_a_time_and_bounded_bytes():
    """Rows that have arrived come together, up to a few MiB."""
    cluster = shop()
    cluster.put(*user(1))
    rows = tuple((USERS.encode(), b"[%d]" % number, b'{"after": {"note": "%s"}}' % (b"x" * 2000)) for number in range(100))
    cluster.add(Flood(Timestamp(9 * 10**18), rows, 200))
    with ReplayServer(cluster) as server, watching(settings_for(server)) as feed:
        feed.wait(lambda feed: len(feed.rows) >= 20_001, 30)
    sizes = [sum(len(value or b"") for value in part.values) for part in feed.messages]
    assert max(sizes) <= (4 << 20) + 2100
    assert len(feed.messages) < 2000


def test_a_reader_that_is_not_asked_takes_no_more():
    """What is not taken stays with the server: the connection is the only buffer."""
    cluster = shop(beats=False)
    row = (USERS.encode(), b"[1]", b"x" * 10_000)
    cluster.add(Flood(Timestamp(9 * 10**18), (row,) * 10, 20_000))
    with ReplayServer(cluster) as server:
        reader = SinklessSource(settings_for(server)).open(MemoryClaims())
        first = next(delivery for delivery in reader if delivery is not None)
        time.sleep(0.3)
        assert server.streaming() == 1
        reader.close()
    assert isinstance(first, Messages)


def test_an_idle_feed_says_so_every_second():
    """None comes at least once a second while there is nothing."""
    cluster = shop(beats=False)
    with ReplayServer(cluster) as server, watching(settings_for(server)) as feed:
        feed.wait(lambda feed: feed.pauses >= 3, 3)


def test_a_feed_that_only_scans_ends_with_the_scan():
    """`initial_scan: only` reads what is there and leaves a position that changes can be followed from."""
    cluster, claims = shop(), MemoryClaims()
    cluster.put(*user(1))
    with ReplayServer(cluster) as server:
        with watching(settings_for(server, initial_scan="only"), claims) as feed:
            assert feed.wait_for_end() is None
        cluster.put(*user(2))
        with watching(settings_for(server), claims) as following:
            following.wait(lambda feed: feed.rows)
    assert [key for _, key, _ in feed.rows] == [b"[1]"]
    assert isinstance(feed.deliveries[-1], Progress)
    assert feed.deliveries[-1].resolved is not None
    assert [key for _, key, _ in following.rows] == [b"[2]"]
    for option in ("resolved =", "updated", "mvcc_timestamp", "diff"):
        assert option not in cluster.changefeeds[0]


def test_a_feed_without_initial_scan_reads_what_changes_from_its_start_on():
    """The start is recorded before the first row, so that a crash before the first resolved row skips nothing."""
    cluster, claims = shop(beats=False), MemoryClaims()
    cluster.put(*user(1))
    with ReplayServer(cluster) as server:
        with watching(settings_for(server, initial_scan="no"), claims) as feed:
            feed.wait(lambda feed: feed.deliveries)
        cluster.put(*user(2))
        with watching(settings_for(server, initial_scan="no"), claims) as again:
            again.wait(lambda feed: feed.rows)
    assert feed.rows == []
    assert [key for _, key, _ in again.rows] == [b"[2]"]


def test_a_feed_ends_at_its_end_time():
    """With `end_time` the server ends the feed, and a reading after that ends at once."""
    cluster, claims = shop(), MemoryClaims()
    cluster.put(*user(1))
    with ReplayServer(cluster) as server:
        settings = settings_for(server, end_time=str(Timestamp(cluster.clock().wall + 600_000_000)))
        with watching(settings, claims) as feed:
            assert feed.wait_for_end() is None
        statements = len(cluster.changefeeds)
        with watching(settings, claims) as again:
            assert again.wait_for_end() is None
    assert [key for _, key, _ in feed.rows] == [b"[1]"]
    assert claims.positions[ALL]["cursor"] == str(settings.end_time)
    assert len(cluster.changefeeds) == statements
    assert again.rows == []


def test_until_caught_up_ends_with_the_first_resolved_row_after_its_start():
    """Everything that was written before the start is read."""
    cluster = shop()
    for number in range(10):
        cluster.put(*user(number))
    with ReplayServer(cluster) as server, watching(settings_for(server), until_caught_up=True) as feed:
        assert feed.wait_for_end() is None
    assert len(feed.rows) == 10
    assert feed.messages[-1].keys == [None]


def test_a_table_that_is_watched_anew_is_scanned_first():
    """Its rows from before were never read, whatever the cursor says."""
    cluster, claims = shop(), MemoryClaims()
    cluster.put(*user(1))
    cluster.put(NOTES, "[1]", "{}")
    with ReplayServer(cluster) as server:
        with watching(settings_for(server), claims) as feed:
            feed.wait(lambda feed: feed.resolved > 0)
        with watching(settings_for(server, tables=[USERS, NOTES]), claims) as both:
            both.wait(lambda feed: feed.resolved > 0)
        with watching(settings_for(server, tables=[USERS, NOTES]), claims) as third:
            third.wait(lambda feed: feed.resolved > 0)
    assert [topic for topic, *_ in both.rows] == [NOTES]
    assert third.rows == []
    assert claims.positions[ALL]["targets"] == [USERS, NOTES]


def test_a_query_that_was_changed_is_scanned_anew():
    """Another query may show other columns of rows that were read before."""
    cluster, claims = shop(), MemoryClaims()
    cluster.put(*user(1))
    with ReplayServer(cluster) as server:
        for query in ("SELECT id FROM shop.public.users", "SELECT id, name FROM shop.public.users"):
            with watching(settings_for(server, query=query), claims) as feed:
                feed.wait(lambda feed: feed.resolved > 0)
            assert len(feed.rows) == 1
    assert "AS SELECT id, name FROM" in cluster.changefeeds[-1]


def test_the_bare_form_of_a_resolved_row_is_understood():
    """A query's rows are bare, and so are its resolved rows."""
    cluster, claims = shop(), MemoryClaims()
    with ReplayServer(cluster) as server, watching(settings_for(server, query="SELECT * FROM shop.public.users"), claims) as feed:
        feed.wait(lambda feed: feed.resolved > 0)
    assert feed.messages[-1].values[0].startswith(b'{"__crdb__":{"resolved":"')
    assert "cursor" in claims.positions[ALL]


def test_closing_ends_a_feed_that_waits():
    """`close` returns at once, may be called again, and the server sees the connection go."""
    cluster = shop(beats=False)
    with ReplayServer(cluster) as server, watching(settings_for(server)) as feed:
        feed.wait(lambda feed: feed.pauses > 0)
        began = time.perf_counter()
        feed.reader.close()
        assert feed.wait_for_end(1) is None
        assert time.perf_counter() - began < 0.3
        feed.reader.close()
        deadline = time.monotonic() + 2
        while server.streaming() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.streaming() == 0


def test_closing_ends_a_feed_that_is_connecting(unused_tcp_port_that_accepts):
    """A server that takes the connection and says nothing is not waited for."""
    settings = SinklessSettings(
        name="a", host="127.0.0.1", port=unused_tcp_port_that_accepts, user="u", sslmode="disable", tables=(USERS,)
    )
    with watching(settings) as feed:
        feed.wait(lambda feed: feed.pauses > 0)
        began = time.perf_counter()
        feed.reader.close()
        assert feed.wait_for_end(1) is None
        assert time.perf_counter() - began < 0.3


@pytest.fixture
def unused_tcp_port_that_accepts():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_closing_before_the_first_row_is_asked_for_opens_nothing():
    """A reader that was never iterated holds nothing."""
    cluster = shop()
    with ReplayServer(cluster) as server:
        reader = SinklessSource(settings_for(server)).open(MemoryClaims())
        reader.close()
        assert list(reader) == []
    assert cluster.queries == []


def test_a_cancelled_feed_is_tried_again():
    """`CANCEL QUERY` from elsewhere ends the connection's statement; the next reading repeats and skips nothing."""
    cluster, claims = shop(beats=False), MemoryClaims()
    cluster.put(*user(1))
    with ReplayServer(cluster) as server:
        with watching(settings_for(server), claims) as feed:
            feed.wait(lambda feed: feed.rows)
            with psycopg.connect(host="127.0.0.1", port=server.port, user="root", sslmode="disable", autocommit=True) as other:
                query = "SELECT query_id FROM [SHOW STATEMENTS] WHERE query ~ 'CHANGEFEED'"
                (query_id,) = other.execute(query).fetchone()
                other.execute(f"CANCEL QUERY '{query_id}'")
            error = feed.wait_for_end()
        assert isinstance(error, SourceUnavailable)
        assert "cancelled" in str(error)
        with watching(settings_for(server), claims) as again:
            again.wait(lambda feed: feed.rows)


def test_families_are_split_where_a_table_has_several():
    """The option is set by itself, and each family's rows name it in their topic."""
    cluster = shop(tables={NOTES: Table(families=("primary", "secondary"))})
    cluster.put(NOTES, "[1]", '{"after": {"id": 1}}', family="primary")
    cluster.put(NOTES, "[1]", '{"after": {"text": "x"}}', family="secondary")
    with ReplayServer(cluster) as server, watching(settings_for(server, tables=[NOTES])) as feed:
        feed.wait(lambda feed: len(feed.rows) == 2)
    assert sorted(topic for topic, *_ in feed.rows) == [f"{NOTES}.primary", f"{NOTES}.secondary"]
    assert "split_column_families" in cluster.changefeeds[-1]


def test_a_password_comes_from_where_the_settings_refer_to(monkeypatch):
    """The right one opens the feed; without one the error says what to check, and a missing variable is named."""
    cluster = shop(passwords={"auditor": "pass" + "word-1"})
    with ReplayServer(cluster) as server:
        settings = settings_for(server, password={"env": "SHOP_PASSWORD"})
        with watching(settings) as feed:
            assert isinstance(feed.wait_for_end(), ConfigError)
            assert "SHOP_PASSWORD" in str(feed.error)
        monkeypatch.setenv("SHOP_PASSWORD", "pass" + "word-1")
        with watching(settings) as feed:
            feed.wait(lambda feed: feed.resolved > 0)
        monkeypatch.setenv("SHOP_PASSWORD", "another" + "-one")
        with watching(settings) as feed:
            error = feed.wait_for_end()
    assert isinstance(error, ConfigError)
    assert "another" not in repr(error)
