"""Opening a state: which URLs, one process at a time on SQLite, one key, migrations that can be run again."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from auditor.errors import ConfigError, StateError
from auditor.state import database as database_module
from auditor.state.database import bind_identity, file_of, open_database, stored_key, with_password
from auditor.state.schema import IDENTITY, METADATA


def test_a_new_state_has_every_table_and_can_be_opened_again(state_url: str) -> None:
    """The migrations make the tables that the code knows; opening again changes nothing."""
    for _ in range(2):
        database = open_database(state_url, exclusive=True)
        tables = database.transact(lambda connection: set(sa.inspect(connection).get_table_names()))
        database.close()
        assert tables == {*METADATA.tables, "alembic_version"}


def test_instances_that_start_together_make_one_state(state_url: str) -> None:
    """Each of them finds no table and wants to make them; one does, and the others find them."""
    program = (
        "import sys; from auditor.state.database import open_database\n"
        "sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.readline()\n"
        "open_database(sys.argv[1], exclusive=False).close()"
    )
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", program, state_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for each in starting:
        assert each.stdout is not None
        assert each.stdout.read(1) == "."
    for each in starting:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    assert [(each.communicate(timeout=60)[1][-500:], each.returncode) for each in starting] == [("", 0)] * 4


def test_a_state_keeps_its_key(state_url: str) -> None:
    """Another key is refused, naming both; what was stored can be asked for without changing anything."""
    database = open_database(state_url, exclusive=True)
    assert stored_key(state_url) == ""
    bind_identity(database, "aaaa1111")
    bind_identity(database, "aaaa1111")
    with pytest.raises(ConfigError, match="aaaa1111, and this is bbbb2222"):
        bind_identity(database, "bbbb2222")
    database.close()
    assert stored_key(state_url) == "aaaa1111"


def test_a_second_process_is_refused_on_sqlite(tmp_path: Path) -> None:
    """The lock is the file's: readers may come beside it, and it ends with its holder."""
    url = f"sqlite:///{tmp_path}/deep/state.db"
    first = open_database(url, exclusive=True)
    with pytest.raises(ConfigError, match="another process uses this state"):
        open_database(url, exclusive=True)
    open_database(url, exclusive=False).close()
    first.close()
    open_database(url, exclusive=True).close()
    assert (tmp_path / "deep" / "state.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("url", ["", "no url", "mysql://h/d", "sqlite://", "sqlite:///"])
def test_other_urls_are_refused(url: str) -> None:
    """The message names those that are known."""
    with pytest.raises(ConfigError):
        file_of(url)


def test_a_password_goes_into_the_url_and_not_into_errors() -> None:
    """What is shown of a state has neither user nor password."""
    secret = "p@ss/" + "word"
    url = with_password("postgresql://me@127.0.0.1:1/d?connect_timeout=1", secret)
    assert "p%40ss%2Fword" in url
    with pytest.raises(StateError) as caught:
        open_database(url, exclusive=True)
    assert "postgresql://127.0.0.1:1/d: the state cannot be used" in str(caught.value)
    assert secret not in str(caught.value)
    assert "me@" not in str(caught.value)


def test_nothing_is_written_where_something_fails(state_url: str) -> None:
    """A transaction is whole or not at all."""
    database = open_database(state_url, exclusive=True)

    def half(connection: sa.engine.Connection) -> None:
        connection.execute(sa.insert(IDENTITY).values(name="a", value="1"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.transact(half)
    assert database.transact(lambda connection: connection.execute(sa.select(IDENTITY)).all()) == []
    database.close()


def test_a_transaction_that_lost_is_tried_again(state_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLSTATE 40001 is no error for the caller; any other is, without the driver's text about rows."""
    monkeypatch.setattr(database_module.time, "sleep", lambda _seconds: None)
    database = open_database(state_url, exclusive=True)
    tries = 0

    class Lost(Exception):
        sqlstate = "40001"

    def work(_connection: sa.engine.Connection) -> str:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise DBAPIError("statement", {}, Lost())
        return "done"

    assert database.transact(work) == "done"
    assert tries == 4

    def fail(_connection: sa.engine.Connection) -> None:
        raise OperationalError("INSERT secret", {"value": "secret"}, Lost("about the secret"))

    with pytest.raises(StateError):
        database.transact(fail)
    database.close()


def test_threads_share_a_state(state_url: str) -> None:
    """Writers of several feeds wait for each other and lose nothing."""
    database = open_database(state_url, exclusive=True)
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for turn in range(20):
                values = {"name": f"{number}-{turn}", "value": "x"}
                database.transact(lambda connection, values=values: connection.execute(sa.insert(IDENTITY).values(**values)))
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count: Any = database.transact(
        lambda connection: connection.execute(sa.select(sa.func.count()).select_from(IDENTITY)).scalar()
    )
    database.close()
    assert failures == []
    assert count == 80
