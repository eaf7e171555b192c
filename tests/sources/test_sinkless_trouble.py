"""What a sinkless feed does when the server cannot go on: wait, stop with what to edit, mend it, or say what is lost."""

import logging
import threading

import pytest

from auditor.delivery import ALL, Progress
from auditor.errors import ConfigError, PositionLost, SourceUnavailable, StateError
from auditor.hlc import Timestamp
from auditor.sources.sinkless import feed as feed_module
from tests.replay.cluster import Hangup, Table, Trouble
from tests.replay.server import ReplayServer
from tests.sources.feed_harness import MemoryClaims
from tests.sources.sinkless_harness import NOTES, USERS, settings_for, shop, user, watching

SECRET = "tok_" + "secretvalue0123456789"


def ended(cluster, claims=None, how=None, **fields):
    """Return the error that a feed ends with."""
    with ReplayServer(cluster) as server, watching(settings_for(server, **fields), claims, **(how or {})) as feed:
        return feed.wait_for_end()


def read_once(cluster, server, **fields):
    """Return claims whose feed has a cursor."""
    claims = MemoryClaims()
    with watching(settings_for(server, **fields), claims) as feed:
        feed.wait(lambda feed: feed.resolved > 0)
    return claims


def test_a_lost_connection_is_tried_again_and_half_a_row_is_dropped():
    """What came whole is handed over; the rest comes again after the cursor."""
    cluster, claims = shop(beats=False), MemoryClaims()
    cluster.put(*user(1))
    with ReplayServer(cluster) as server:
        with watching(settings_for(server), claims) as feed:
            feed.wait(lambda feed: feed.rows)
            cluster.put(*user(2))
            cluster.add(Hangup(cluster.clock()))
            error = feed.wait_for_end()
        assert isinstance(error, SourceUnavailable)
        assert len(feed.rows) == 2
        with watching(settings_for(server), claims) as again:
            again.wait(lambda feed: len(feed.rows) == 2)


@pytest.mark.parametrize("state", ["57P01", "40001", "40003", "40P01", "08006", "53200", "57014", "XXUUU"])
def test_passing_trouble_is_waited_out(state):
    """Drained nodes, retries and lost resources are no reason to stop."""
    cluster = shop(beats=False)
    cluster.put(*user(1))
    with ReplayServer(cluster) as server, watching(settings_for(server)) as feed:
        feed.wait(lambda feed: feed.rows)
        cluster.add(Trouble(cluster.clock(), state, f"retryable changefeed error: {SECRET}"))
        error = feed.wait_for_end()
    assert isinstance(error, SourceUnavailable)
    assert SECRET not in repr(error)
    assert len(feed.rows) == 1


def test_no_text_of_the_server_is_in_an_error():
    """An error that is not known is told by its code: its text could quote a row."""
    cluster = shop(beats=False)
    with ReplayServer(cluster) as server, watching(settings_for(server)) as feed:
        feed.wait(lambda feed: feed.pauses > 0)
        cluster.add(Trouble(cluster.clock(), "22P02", f"could not parse {SECRET} as type int"))
        error = feed.wait_for_end()
    seen: BaseException | None = error
    while seen is not None:
        assert SECRET not in repr(seen) + str(seen)
        seen = seen.__cause__ or seen.__context__
    assert "22P02" in str(error)


def test_a_server_that_cannot_be_reached_is_tried_again():
    """Nothing listens there."""
    cluster = shop()
    with ReplayServer(cluster) as server:
        settings = settings_for(server)
    with watching(settings) as feed:
        assert isinstance(feed.wait_for_end(), SourceUnavailable)


@pytest.mark.parametrize(
    "message", ['"shop.public.users" was truncated', '"shop.public.users" was dropped', "descriptor is being dropped"]
)
def test_a_table_that_is_gone_is_a_lost_position(message):
    """What was between the cursor and the truncation cannot be had any more; the error says from when on."""
    cluster = shop()
    with ReplayServer(cluster) as server:
        claims = read_once(cluster, server)
        cluster.add(Trouble(cluster.clock(), "XXUUU", message, once=False))
        with watching(settings_for(server), claims) as feed:
            error = feed.wait_for_end()
    assert isinstance(error, PositionLost)
    assert str(claims.positions[ALL]["cursor"]) in str(error)


def test_a_cursor_below_the_gc_threshold_is_a_lost_position():
    """The feed stops, and says so, unless it may rescan."""
    cluster = shop()
    with ReplayServer(cluster) as server:
        claims = read_once(cluster, server)
        cluster.gc_threshold = cluster.clock()
        with watching(settings_for(server), claims) as feed:
            error = feed.wait_for_end()
    assert isinstance(error, PositionLost)
    assert "garbage collected" in str(error)


def test_a_rescan_says_what_is_missing_and_reads_what_is_there():
    """The span between cursor and scan is lost; everything that is there is read, and changes are followed from the scan on."""
    cluster = shop()
    with ReplayServer(cluster) as server:
        claims = read_once(cluster, server)
        before = claims.positions[ALL]["cursor"]
        cluster.put(*user(1))
        cluster.gc_threshold = cluster.clock()
        with watching(settings_for(server), claims, rescan=True) as feed:
            feed.wait(lambda feed: feed.resolved > 0)
            cluster.put(*user(2))
            feed.wait(lambda feed: len(feed.rows) == 2)
    assert len(feed.lost) == 1
    scanned = feed.deliveries[0].position["missing"]
    assert feed.lost[0].reason.startswith(f"changes after {before} and before the scan at {scanned}")
    assert f"cursor = '{scanned}'" in cluster.changefeeds[-2]
    assert "initial_scan = 'only'" in cluster.changefeeds[-2]
    assert f"cursor = '{scanned}'" in cluster.changefeeds[-1]
    done = [delivery for delivery in feed.deliveries if isinstance(delivery, Progress)][-1]
    assert str(done.resolved) == scanned


def test_a_rescan_is_not_made_where_the_position_is_still_good():
    """`rescan` gives up only what is lost."""
    cluster = shop()
    cluster.put(*user(1))
    with ReplayServer(cluster) as server:
        claims = read_once(cluster, server)
        with watching(settings_for(server), claims, rescan=True) as feed:
            feed.wait(lambda feed: feed.resolved > 0)
    assert feed.rows == []
    assert feed.lost == []


def test_a_rescan_that_was_cut_short_reports_only_what_went_missing_since():
    """The second report begins where the first one ended."""
    cluster, claims = shop(), MemoryClaims({ALL: {"rows": 5, "targets": [USERS], "missing": "1784758953157033880.0000000001"}})
    cluster.put(*user(1))
    with ReplayServer(cluster) as server, watching(settings_for(server), claims) as feed:
        feed.wait(lambda feed: feed.resolved > 0)
    assert len(feed.lost) == 1
    assert feed.lost[0].reason.startswith("changes after 1784758953157033880.0000000001 and before")
    assert len(feed.rows) == 1
    assert "missing" not in claims.positions[ALL]


def test_a_position_that_is_lost_again_right_after_a_rescan_is_no_loop():
    """What cannot be mended by a scan is handed on."""
    cluster = shop()
    with ReplayServer(cluster) as server:
        claims = read_once(cluster, server)
        cluster.gc_threshold = Timestamp(9 * 10**18)
        with watching(settings_for(server), claims, rescan=True) as feed:
            error = feed.wait_for_end()
    assert isinstance(error, SourceUnavailable | PositionLost)
    assert len(feed.lost) == 1


def test_a_table_that_did_not_exist_at_the_cursor_is_a_lost_position():
    """It was dropped and made anew."""
    cluster = shop()
    with ReplayServer(cluster) as server:
        claims = read_once(cluster, server)
        cluster.tables[USERS].created = cluster.clock()
        with watching(settings_for(server), claims) as feed:
            assert isinstance(feed.wait_for_end(), PositionLost)


def test_a_schema_change_that_stops_the_feed_is_gone_on_from():
    """`schema_change_policy: stop` ends the statement with a time; a new one begins there."""
    cluster = shop(beats=False)
    cluster.put(*user(1))
    options = {"schema_change_policy": "stop"}
    with ReplayServer(cluster) as server, watching(settings_for(server, options=options)) as feed:
        feed.wait(lambda feed: feed.rows)
        moment = cluster.clock()
        cluster.add(Trouble(moment, "55C01", f"schema change occurred at {moment}"))
        cluster.put(*user(2))
        feed.wait(lambda feed: len(feed.rows) == 2)
    assert f"cursor = '{moment}'" in cluster.changefeeds[-1]
    assert feed.lost == []


def test_a_missing_right_comes_with_the_statement_that_grants_it():
    """The error can be pasted."""
    cluster = shop(tables={USERS: Table(grants=frozenset()), NOTES: Table()})
    error = ended(cluster, tables=[USERS, NOTES], user="Audit or")
    assert isinstance(error, ConfigError)
    assert error.fix == f'GRANT SELECT ON TABLE {USERS}, {NOTES} TO "Audit or"'


def test_rangefeeds_that_are_off_come_with_the_statement_that_turns_them_on():
    """An initial scan only does without them."""
    cluster = shop()
    cluster.settings["kv.rangefeed.enabled"] = "false"
    error = ended(cluster)
    assert isinstance(error, ConfigError)
    assert error.fix == "SET CLUSTER SETTING kv.rangefeed.enabled = true"
    assert ended(cluster, initial_scan="only") is None


def test_changefeeds_that_are_switched_off_come_with_the_statement_that_turns_them_on():
    """The cluster's switch is named."""
    cluster = shop()
    cluster.settings["feature.changefeed.enabled"] = "false"
    error = ended(cluster)
    assert isinstance(error, ConfigError)
    assert "feature.changefeed.enabled" in error.fix


def test_a_table_that_does_not_exist_is_an_edit():
    """There is nothing to wait for."""
    assert isinstance(ended(shop(), tables=["shop.public.typo"]), ConfigError)


def test_a_server_that_is_no_cockroachdb_is_an_edit():
    """PostgreSQL has no changefeeds."""
    error = ended(shop(version="PostgreSQL 16.4 on x86_64-pc-linux-gnu"))
    assert isinstance(error, ConfigError)


def test_an_old_server_is_asked_in_its_own_words():
    """Before v22.1 the statement is EXPERIMENTAL CHANGEFEED FOR."""
    cluster = shop(version="CockroachDB CCL v21.2.17 (x86_64-unknown-linux-gnu, built 2022/10/24 00:00:00, go1.16.6)")
    with ReplayServer(cluster) as server, watching(settings_for(server)) as feed:
        feed.wait(lambda feed: feed.resolved > 0)
    assert [statement.split(" FOR")[0] for statement in cluster.changefeeds] == ["EXPERIMENTAL CHANGEFEED"]


def test_a_server_that_does_not_know_the_new_statement_is_asked_in_the_old_one(monkeypatch):
    """Whatever version it says."""
    cluster = shop(version="CockroachDB CCL v21.2.17 (x86_64)")
    monkeypatch.setattr("auditor.sources.sinkless.statement._CREATE_SINCE", (1, 0))
    with ReplayServer(cluster) as server, watching(settings_for(server)) as feed:
        feed.wait(lambda feed: feed.resolved > 0)
    assert [statement.split(" FOR")[0] for statement in cluster.changefeeds] == ["CREATE CHANGEFEED", "EXPERIMENTAL CHANGEFEED"]


def test_options_that_the_server_does_not_know_are_left_out_one_after_the_other(caplog):
    """What is lost with them is said in the log; the feed goes on."""
    names = frozenset(("ignore_disable_changefeed_replication", "encode_json_value_null_as_object", "mvcc_timestamp"))
    cluster = shop(unknown=names)
    with (
        caplog.at_level(logging.WARNING, "auditor.sinkless"),
        ReplayServer(cluster) as server,
        watching(settings_for(server)) as feed,
    ):
        feed.wait(lambda feed: feed.resolved > 0)
    assert len(cluster.changefeeds) == 4
    assert not any(name in cluster.changefeeds[-1] for name in names)
    assert all(name in caplog.text for name in names)


def test_an_option_of_the_users_own_is_never_left_out():
    """It was asked for: the error names it."""
    cluster = shop(unknown=frozenset(("virtual_columns",)))
    error = ended(cluster, options={"virtual_columns": "null"})
    assert isinstance(error, ConfigError)
    assert "virtual_columns" in str(error)


def test_an_old_cursor_is_said_in_the_log(caplog):
    """The server's notice is passed on in our words."""
    cluster = shop(beats=False)
    position = {"cursor": str(Timestamp(cluster.clock().wall - 7 * 3600 * 10**9)), "rows": 0, "targets": [USERS]}
    with (
        caplog.at_level(logging.WARNING, "auditor.sinkless"),
        ReplayServer(cluster) as server,
        watching(settings_for(server), position) as feed,
    ):
        feed.wait(lambda feed: feed.pauses > 0)
    assert "the cursor is 7 hours old" in caplog.text


def test_a_feed_that_falls_silent_is_given_up(monkeypatch):
    """Without a resolved row an idle feed cannot be told from a dead one."""
    monkeypatch.setattr(feed_module, "_SILENCE", 1.0)
    monkeypatch.setattr(feed_module, "_interval", lambda *_: 0.1)
    cluster = shop()
    with ReplayServer(cluster) as server, watching(settings_for(server)) as feed:
        feed.wait(lambda feed: feed.resolved > 1)
        cluster.beats = False
        error = feed.wait_for_end()
    assert isinstance(error, SourceUnavailable)
    assert "does not answer" in str(error)


def test_a_cursor_in_the_future_is_waited_for():
    """The clocks differ, or it is another cluster."""
    position = {"cursor": "9000000000000000000.0000000000", "rows": 0, "targets": [USERS]}
    error = ended(shop(), position)
    assert isinstance(error, SourceUnavailable)
    assert "future" in str(error)


def test_a_position_of_something_else_is_refused():
    """It is not taken for an empty one: that would be a scan nobody asked for."""
    with ReplayServer(shop()) as server, pytest.raises(StateError), watching(settings_for(server), {"offset": 3, "targets": 1}):
        pass


def test_closing_while_rows_are_on_their_way_leaves_no_thread_and_no_connection():
    """Many times over, at any moment."""
    cluster = shop(beats=False)
    for number in range(300):
        cluster.put(*user(number))
    with ReplayServer(cluster) as server:
        for delay in range(20):
            with watching(settings_for(server)) as feed:
                threading.Event().wait(delay / 400)
            assert feed.error is None
