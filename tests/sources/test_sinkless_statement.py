"""The statement of a sinkless feed."""

import pytest

from auditor.hlc import Timestamp
from auditor.sources.sinkless.settings import SinklessSettings
from auditor.sources.sinkless.statement import Dialect, changefeed

NEW = Dialect((25, 4))
CURSOR = Timestamp(1784758953157033880, 1)


def settings(**fields):
    given = {"name": "shop", "host": "db", "user": "u", "tables": ["shop.public.users", "Shop.public.order"], **fields}
    return SinklessSettings.model_validate(given)


def test_the_whole_statement():
    """Names are quoted where they must be, and resolved rows come as often as asked for."""
    assert changefeed(settings(), NEW, cursor=CURSOR) == (
        'CREATE CHANGEFEED FOR TABLE shop.public.users, "Shop".public."order" WITH '
        "format = 'json', envelope = 'wrapped', updated, mvcc_timestamp, diff, full_table_name, resolved = '5000ms', "
        "min_checkpoint_frequency = '5000ms', ignore_disable_changefeed_replication, encode_json_value_null_as_object, "
        "cursor = '1784758953157033880.0000000001'"
    )


def test_a_scan_leaves_out_what_it_cannot_have():
    """CockroachDB refuses these options together with `initial_scan = 'only'`."""
    statement = changefeed(settings(), NEW, cursor=CURSOR, scan=["shop.public.users"])
    assert statement.startswith("CREATE CHANGEFEED FOR TABLE shop.public.users WITH ")
    assert "initial_scan = 'only', cursor = '1784758953157033880.0000000001'" in statement
    for option in ("resolved", "updated", "mvcc_timestamp", "diff", "end_time"):
        assert f", {option}" not in statement


@pytest.mark.parametrize(
    ("dialect", "begins"),
    [
        (NEW, "CREATE CHANGEFEED FOR TABLE "),
        (Dialect(), "CREATE CHANGEFEED FOR TABLE "),
        (Dialect((21, 2)), "EXPERIMENTAL CHANGEFEED FOR shop"),
        (Dialect((25, 4), experimental=True), "EXPERIMENTAL CHANGEFEED FOR shop"),
    ],
)
def test_the_form_follows_the_version(dialect, begins):
    """The old form is for old servers, and for those that turned out not to know the new one."""
    assert changefeed(settings(), dialect).startswith(begins)


def test_a_query_stands_at_the_end_as_it_was_given():
    """Its options come first."""
    query = "SELECT id, (token = 'a''b') FROM users WHERE status != 'x'"
    statement = changefeed(settings(tables=[], query=query), NEW)
    assert statement.startswith("CREATE CHANGEFEED WITH format = 'json', envelope = 'bare', updated")
    assert statement.endswith(f" AS {query}")
    assert ", diff" not in statement


@pytest.mark.parametrize(
    ("fields", "dialect", "there", "missing"),
    [
        ({}, Dialect(families=True), "split_column_families", "-"),
        ({"split_column_families": False}, Dialect(families=True), "updated", "split_column_families"),
        ({"split_column_families": True}, Dialect(), "split_column_families", "-"),
        ({"envelope": "key_only"}, NEW, "envelope = 'key_only'", "updated"),
        ({"envelope": "key_only"}, NEW, "resolved", "encode_json"),
        ({"envelope": "enriched"}, NEW, "enriched_properties = 'source'", "-"),
        ({"envelope": "auto"}, NEW, "updated", "envelope"),
        ({"envelope": "row"}, NEW, "mvcc_timestamp", "diff"),
        ({"full_table_name": False}, NEW, "updated", "full_table_name"),
        ({"min_checkpoint_frequency": "1s"}, NEW, "min_checkpoint_frequency = '1000ms'", "-"),
        ({"end_time": "1784758953157033880.0"}, NEW, "end_time = '1784758953157033880.0000000000'", "-"),
        ({"options": {"virtual_columns": "null"}}, NEW, "virtual_columns = 'null'", "-"),
        ({"options": {"ignore_disable_changefeed_replication": False}}, NEW, "diff", "ignore_disable"),
        ({"options": {"execution_locality": "it's\\x"}}, NEW, r"execution_locality = e'it''s\\x'", "-"),
        ({}, Dialect(refused=frozenset({"mvcc_timestamp"})), "updated", "mvcc_timestamp"),
    ],
)
def test_options_follow_settings_and_server(fields, dialect, there, missing):
    """What is set is there, what is off or unknown is not."""
    statement = changefeed(settings(**fields), dialect)
    assert there in statement
    assert missing not in statement
