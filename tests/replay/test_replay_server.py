"""The replay server, asked by psycopg itself: what it answers is what the references say CockroachDB does."""

import threading

import psycopg
import pytest

from tests.replay.cluster import Cluster, Hangup, Table, load
from tests.replay.server import ReplayServer

USERS = "shop.public.users"


def connect(server, user="auditor"):
    return psycopg.connect(host="127.0.0.1", port=server.port, user=user, dbname="shop", sslmode="disable", autocommit=True)


@pytest.mark.parametrize("binary", [False, True])
def test_psycopg_streams_a_changefeed(binary):
    """Three columns, table as text, key and value as bytes, in either result format; resolved rows have neither table nor key."""
    with ReplayServer(load("shop")) as server, connect(server) as connection:
        query = f"EXPERIMENTAL CHANGEFEED FOR {USERS} WITH full_table_name, resolved = '1s', cursor = '1784758900000000000.0'"
        rows = []
        with connection.cursor() as cursor:
            for row in cursor.stream(query, binary=binary):
                rows.append(row)
                if len(rows) == 7:
                    break
            assert [column.name for column in cursor.description] == ["table", "key", "value"]
            assert [column.type_code for column in cursor.description] == [25, 17, 17]
    assert rows[0][:2] == (USERS, b"[1]")
    assert rows[1] == (None, None, b'{"resolved":"1784758960000000000.0000000000"}')
    assert [row[0] for row in rows].count(None) == 3


def test_the_simple_protocol_sends_bytes_in_hex():
    """As with `bytea_output = hex`."""
    with ReplayServer(load("shop")) as server, connect(server) as connection:
        result = connection.pgconn.exec_(f"CREATE CHANGEFEED FOR TABLE {USERS} WITH initial_scan = 'only'".encode())
        assert [result.get_value(0, column) for column in range(2)] == [b"users", b"\\x5b325d"]


def test_a_scan_shows_the_newest_version_of_each_row_and_no_deleted_one():
    """`initial_scan = 'only'` completes."""
    cluster = Cluster(tables={USERS: Table()})
    cluster.put(USERS, "[1]", "old")
    cluster.put(USERS, "[1]", "new")
    with ReplayServer(cluster) as server, connect(server) as connection:
        found = connection.execute(f"CREATE CHANGEFEED FOR TABLE {USERS} WITH initial_scan = 'only'").fetchall()
    assert found == [("users", b"[1]", b"new")]


def test_the_protocol_s_own_cancel_ends_a_changefeed():
    """With 57014, and the connection can be used again."""
    with ReplayServer(Cluster(tables={USERS: Table()})) as server, connect(server) as connection:
        timer = threading.Timer(0.2, connection.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(f"CREATE CHANGEFEED FOR TABLE {USERS} WITH updated")
        timer.join()
        assert connection.execute("SELECT 1").fetchone() == ("1",)


def test_a_hangup_leaves_half_a_row():
    """The client sees a broken connection."""
    cluster = Cluster(tables={USERS: Table()})
    with ReplayServer(cluster) as server, connect(server) as connection:
        cluster.add(Hangup(cluster.clock()._replace(wall=9 * 10**18)))
        with pytest.raises(psycopg.OperationalError):
            connection.execute(f"CREATE CHANGEFEED FOR TABLE {USERS} WITH updated")


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("CREATE CHANGEFEED FOR TABLE typo WITH updated", psycopg.errors.UndefinedTable),
        ("CREATE CHANGEFEED FOR TABLE secret WITH updated", psycopg.errors.InsufficientPrivilege),
        ("CREATE CHANGEFEED FOR TABLE users WITH nonsense", psycopg.errors.InvalidParameterValue),
        ("CREATE CHANGEFEED FOR TABLE wide WITH updated", psycopg.Error),
        ("CREATE CHANGEFEED FOR TABLE users WITH initial_scan = 'only', diff", psycopg.Error),
        ("DELETE FROM users", psycopg.errors.SyntaxError),
    ],
)
def test_what_cockroachdb_refuses_is_refused(statement, error):
    """With its codes."""
    tables = {USERS: Table(), "shop.public.secret": Table(grants=frozenset()), "shop.public.wide": Table(families=("a", "b"))}
    with ReplayServer(Cluster(tables=tables)) as server, connect(server) as connection, pytest.raises(error):
        connection.execute(statement)
