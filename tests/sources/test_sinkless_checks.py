"""The doctor's look at a sinkless feed: each answer that is not well comes with its fix."""

import time

import pytest

from auditor.hlc import Timestamp
from auditor.sources.sinkless import SinklessSource
from tests.replay.cluster import Table
from tests.replay.server import ReplayServer
from tests.sources.sinkless_harness import NOTES, USERS, settings_for, shop


def answers(cluster, position=None, **fields):
    """Return the answers by level."""
    with ReplayServer(cluster) as server:
        found = list(SinklessSource(settings_for(server, **fields)).checks(position))
    assert all(check.fix for check in found if check.level != "ok")
    assert not any("CHANGEFEED FOR" in query or "INSERT" in query.split("(")[0] for query in cluster.queries)
    return [(check.level, check.name, f"{check.what} / {check.fix}") for check in found]


def the(found, name, level):
    """Return the one answer of this name and level."""
    (text,) = [text for level_, name_, text in found if (level_, name_) == (level, name)]
    return text


def test_a_feed_that_can_be_read_is_well_but_for_its_plain_connection():
    """Everything is looked at, and only the missing TLS is remarked."""
    found = answers(shop())
    assert [name for level, name, _ in found if level != "ok"] == ["TLS"]
    assert {name for _, name, _ in found} == {"connection", "TLS", "version", "rangefeeds", f"table {USERS}", "clock"}


def test_an_unreachable_server_is_the_only_answer():
    """Nothing else can be asked."""
    with ReplayServer(shop()) as server:
        settings = settings_for(server)
    (check,) = SinklessSource(settings).checks()
    assert (check.name, check.level) == ("connection", "fail")


def test_a_wrong_password_is_told_from_a_missing_server(monkeypatch):
    """It is the user's to correct."""
    monkeypatch.setenv("SHOP_PASSWORD", "wrong" + "-password")
    found = answers(shop(passwords={"auditor": "right" + "-password"}), password={"env": "SHOP_PASSWORD"})
    assert "let this user in" in the(found, "connection", "fail")


def test_a_missing_secret_is_named():
    """Before anything is opened."""
    found = answers(shop(), password={"env": "NOT_SET_ANYWHERE"})
    assert "NOT_SET_ANYWHERE" in the(found, "connection", "fail")


def test_another_database_is_no_cockroachdb():
    """PostgreSQL answers too."""
    assert "CockroachDB" in the(answers(shop(version="PostgreSQL 16.4")), "connection", "fail")


def test_an_envelope_that_the_version_lacks():
    """Enriched came with v25.2."""
    found = answers(shop(version="CockroachDB CCL v24.3.1 (x86_64)"), envelope="enriched")
    assert "25.2" in the(found, "version", "fail")


def test_rangefeeds_that_are_off():
    """Unless nothing but a scan is wanted."""
    cluster = shop()
    cluster.settings["kv.rangefeed.enabled"] = "false"
    assert "SET CLUSTER SETTING kv.rangefeed.enabled = true" in the(answers(cluster), "rangefeeds", "fail")
    assert the(answers(cluster, initial_scan="only"), "rangefeeds", "ok")


def test_a_setting_that_may_not_be_read():
    """It is a warning with the right that is missing."""
    assert "VIEWCLUSTERSETTING" in the(answers(shop(forbidden_settings=True)), "rangefeeds", "warn")


def test_a_table_that_may_not_be_read():
    """The statement that grants it can be pasted."""
    found = answers(shop(tables={USERS: Table(grants=frozenset())}))
    assert f"GRANT SELECT ON TABLE {USERS} TO auditor" in the(found, f"table {USERS}", "fail")


def test_a_table_that_does_not_exist():
    """It is named."""
    assert the(answers(shop(), tables=["shop.public.typo"]), "table shop.public.typo", "fail")


def test_rights_beyond_what_is_needed():
    """A reader that could write is a warning, with the statement that takes the right away."""
    found = answers(shop(tables={USERS: Table(grants=frozenset({"SELECT", "INSERT", "DELETE"}))}))
    assert f"REVOKE INSERT, DELETE ON TABLE {USERS} FROM auditor" in the(found, f"table {USERS}", "warn")


@pytest.mark.parametrize(
    ("ttl", "age", "level"), [(14400, 0, "ok"), (14400, 7500, "warn"), (14400, 15000, "fail"), (600, 0, "warn")]
)
def test_the_age_of_the_cursor_against_the_time_that_history_is_kept(ttl, age, level):
    """An outage longer than that loses rows."""
    cluster = shop(tables={USERS: Table(ttl=ttl)})
    position = {"cursor": str(Timestamp(time.time_ns() - age * 10**9)), "rows": 1, "targets": [USERS]}
    found = answers(cluster, position)
    assert any("history is kept" in text or "last read" in text for level_, _, text in found if level_ == level)


def test_a_zone_that_says_nothing():
    """The default may be anything."""
    assert "gc.ttlseconds" in the(answers(shop(tables={USERS: Table(ttl=None)})), f"table {USERS}", "warn")


def test_families_that_are_not_split():
    """A feed that is told not to split them cannot begin."""
    cluster = shop(tables={NOTES: Table(families=("primary", "secondary"))})
    assert the(answers(cluster, tables=[NOTES], split_column_families=False), f"table {NOTES}", "fail")
    texts = [text for level, _, text in answers(cluster, tables=[NOTES]) if level == "ok"]
    assert any("2 column families" in text for text in texts)


def test_a_clock_that_is_wrong():
    """Exposure times and the age of the cursor depend on it."""
    cluster = shop(clock=lambda: Timestamp(time.time_ns() - 60 * 10**9))
    assert "60 s" in the(answers(cluster), "clock", "warn")
