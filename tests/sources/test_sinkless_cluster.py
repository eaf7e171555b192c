"""A sinkless feed against a database: the replay server, and a real CockroachDB where AUDITOR_TEST_COCKROACH leads to one."""

import json
import random
import threading
import time

import pytest

from auditor.delivery import ALL
from auditor.errors import SourceUnavailable
from auditor.sources.sinkless import SinklessSource
from tests.replay.cluster import Cluster, Hangup, Table, Trouble
from tests.replay.server import ReplayServer
from tests.replay.servers import KINDS, database
from tests.sources.feed_harness import MemoryClaims
from tests.sources.sinkless_harness import USERS, settings_for, user, watching


@pytest.fixture(params=KINDS)
def shop(request, tmp_path):
    with database(request.param, tmp_path) as opened:
        yield opened


def texts(feed):
    """Return what each row says: its key, and the text after and before."""
    found = []
    for _, key, value in feed.rows:
        message = json.loads(value)
        found.append((json.loads(key)[0], *((message[part] or {}).get("text") for part in ("after", "before"))))
    return found


def test_rows_changes_and_deletions_are_read(shop):
    """Before-images come too; every message names its table in full."""
    table = shop.create("users")
    shop.put(table, 1, "first")
    with watching(shop.settings(table)) as feed:
        feed.wait(lambda feed: feed.resolved > 0, 60)
        shop.put(table, 1, "second")
        shop.remove(table, 1)
        feed.wait(lambda feed: len(set(texts(feed))) >= 3, 60)
    assert {(1, "first", None), (1, "second", "first"), (1, None, "second")} <= set(texts(feed))
    assert {topic for topic, *_ in feed.rows} == {table}


def test_a_second_reading_goes_on_where_the_first_one_stopped(shop):
    """What was resolved is not read again; what came meanwhile is."""
    table, claims = shop.create("users"), MemoryClaims()
    shop.put(table, 1, "first")
    with watching(shop.settings(table), claims) as feed:
        feed.wait(lambda feed: feed.resolved > 0, 60)
    shop.put(table, 2, "second")
    with watching(shop.settings(table), claims) as again:
        again.wait(lambda feed: feed.rows, 60)
    assert {number for number, *_ in texts(again)} == {2}


def test_a_scan_only_reads_everything_and_ends(shop):
    """A bounded audit."""
    table = shop.create("users")
    for number in range(100):
        shop.put(table, number, "text")
    with watching(shop.settings(table, initial_scan="only")) as feed:
        assert feed.wait_for_end(60) is None
    assert {number for number, *_ in texts(feed)} == set(range(100))


def test_until_caught_up_ends_by_itself(shop):
    """With a resolved row after its start."""
    table = shop.create("users")
    shop.put(table, 1, "first")
    with watching(shop.settings(table), until_caught_up=True) as feed:
        assert feed.wait_for_end(60) is None
    assert texts(feed) == [(1, "first", None)]


def test_families_are_read_apart(shop):
    """Each family's message names it."""
    table = shop.create("wide", families=2)
    shop.put(table, 1, "first")
    with watching(shop.settings(table)) as feed:
        feed.wait(lambda feed: feed.rows, 60)
    assert all(topic.startswith(table) for topic, *_ in feed.rows)


def test_cancelling_the_query_ends_the_reading_with_a_reason(shop):
    """It is tried again by whoever runs the feed."""
    table = shop.create("users")
    with watching(shop.settings(table)) as feed:
        feed.wait(lambda feed: feed.resolved > 0, 60)
        assert shop.cancel() == 1
        assert isinstance(feed.wait_for_end(30), SourceUnavailable)


def test_closing_is_prompt(shop):
    """Also while nothing comes."""
    table = shop.create("users")
    with watching(shop.settings(table)) as feed:
        feed.wait(lambda feed: feed.resolved > 0, 60)
        began = time.perf_counter()
        feed.reader.close()
        assert feed.wait_for_end(2) is None
    assert time.perf_counter() - began < 0.5


def test_the_doctor_finds_the_feed_well(shop):
    """Nothing fails."""
    table = shop.create("users")
    found = list(SinklessSource(shop.settings(table)).checks())
    assert [check for check in found if check.level == "fail"] == []


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_skipped_however_often_the_feed_breaks(seed):
    """Connections break, nodes drain and feeds are closed at random while rows are written; every row is read, and recorded."""
    chance = random.Random(seed)
    cluster, claims = Cluster(tables={USERS: Table()}), MemoryClaims()
    written = threading.Event()

    def write() -> None:
        for number in range(400):
            cluster.put(*user(number))
            if chance.random() < 0.1:
                cluster.resolve()
            if chance.random() < 0.03:
                at = cluster.clock()
                cluster.add(chance.choice([Hangup(at), Trouble(at, "57P01", "server is shutting down")]))
            time.sleep(0.001)
        cluster.resolve()
        written.set()

    recorded = set()
    with ReplayServer(cluster) as server:
        writer = threading.Thread(target=write)
        writer.start()
        while len(recorded) < 400:
            enough = chance.randrange(1, 5)
            with watching(settings_for(server), claims) as feed:
                feed.wait(lambda feed, enough=enough: feed.ended or written.is_set() or feed.resolved >= enough, 30)
                if written.is_set():
                    feed.wait(lambda feed: feed.ended or feed.resolved > 0, 30)
            recorded |= {key for _, key, _ in feed.rows}
            assert feed.error is None or isinstance(feed.error, SourceUnavailable)
        writer.join()
    assert recorded == {b"[%d]" % number for number in range(400)}
    assert claims.positions[ALL]["rows"] >= 400
