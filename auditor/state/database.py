"""
The database of the state: opening it, its migrations, and transactions that are tried again.

SQLite is for one process at a time, held by a lock file beside it; PostgreSQL and CockroachDB are shared by several. Whatever the
driver raises stops here: its texts may quote values.
"""

from __future__ import annotations

import fcntl
import logging
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from auditor.errors import ConfigError, StateError
from auditor.state.schema import IDENTITY

_LOG = logging.getLogger("auditor.state")
_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "cockroachdb": "cockroachdb+psycopg",
}
#: Transactions that lost against another are tried so often (CockroachDB docs, "Transaction retry error reference").
_MOST_TRIES = 8
_AGAIN = frozenset({"40001", "40P01", "40003"})
#: So are migrations of an instance that lost against another one starting on the same new database: what it was about to make is
#: there (unique_violation, duplicate_table, duplicate_object, duplicate_column, duplicate_schema; PostgreSQL docs, appendix A).
_RACED = frozenset({"23505", "42P07", "42710", "42701", "42P06"})
_BUSY_MS = 10_000

ResultT = TypeVar("ResultT")


class Database:
    """An open state. Share it between threads; each transaction takes a connection of its own."""

    def __init__(self, engine: Engine, shown: str, lock: IO[str] | None = None) -> None:
        """Take an engine whose schema is current."""
        self._engine, self.shown, self._lock = engine, shown, lock

    @property
    def shared(self) -> bool:
        """Tell whether several instances may use it at once."""
        return self._engine.dialect.name != "sqlite"

    def transact(self, work: Callable[[Connection], ResultT], again: frozenset[str] = _AGAIN) -> ResultT:
        """
        Run ``work`` in one transaction, again if it lost against another (``again``: SQLSTATEs); it must have no other effects.

        Raise `StateError` where it cannot be done; nothing is written then.
        """
        for attempt in range(_MOST_TRIES):
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                if attempt + 1 < _MOST_TRIES and _code(error) in again:
                    time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - so that two do not meet again
                    continue
                raise self._failure(error) from None
            except SQLAlchemyError as error:
                raise self._failure(error) from None
        raise AssertionError  # the last attempt returns or raises

    def _failure(self, error: SQLAlchemyError) -> StateError:
        """Name an error of the driver by its kind; its text may hold values."""
        code = _code(error)
        original = getattr(error, "orig", None)
        kind = type(original or error).__name__
        # SQLite's texts are fixed ("disk I/O error", "database or disk is full"); a server's may quote a row.
        text = str(original) if original is not None and not self.shared else f"{kind} {code}".strip()
        return StateError(f"the state cannot be used: {text}", where=self.shown, fix="is the database up, and is there space?")

    def insert(self, table: sa.Table) -> Any:
        """Return an INSERT that knows ON CONFLICT."""
        return (postgresql.insert if self.shared else sqlite.insert)(table)

    def close(self) -> None:
        """Close all connections and let go of the lock."""
        self._engine.dispose()
        if self._lock is not None:
            self._lock.close()


def open_database(url: str, *, exclusive: bool) -> Database:
    """
    Open the state at a URL (``sqlite:///FILE``, ``postgresql://...``, ``cockroachdb://...``) and bring its schema up to date.

    With ``exclusive``, a SQLite file that another process holds is refused. Raise `ConfigError` or `StateError`.
    """
    engine, shown, path = _engine(url)
    lock = None
    if path is not None and exclusive:
        lock = _locked(path)
    database = Database(engine, shown, lock)
    try:
        database.transact(_migrate, again=_AGAIN | _RACED)
        if path is not None:
            path.chmod(0o600)
    except BaseException:
        database.close()
        raise
    return database


def bind_identity(database: Database, key_id: str) -> None:
    """Give a new state the key whose ids it holds; raise `ConfigError` if it has another."""

    def bind(connection: Connection) -> str:
        statement = database.insert(IDENTITY).values(name="key", value=key_id).on_conflict_do_nothing()
        connection.execute(statement)
        return str(connection.execute(sa.select(IDENTITY.c.value).where(IDENTITY.c.name == "key")).scalar_one())

    known = database.transact(bind)
    if known != key_id:
        raise ConfigError(
            f"the state was made with the key {known}, and this is {key_id}",
            where=database.shown,
            fix="use the key it was made with",
        )


def with_password(url: str, password: str) -> str:
    """Return a URL of a state with its password in it. Raise `ConfigError` for no URL of a state."""
    _engine(url)
    return make_url(url).set(password=password).render_as_string(hide_password=False)


def stored_key(url: str) -> str:
    """Return the id of the key that a state was made with, '' if there is none yet; nothing is created. Raise `StateError`."""
    query = sa.select(IDENTITY.c.value).where(IDENTITY.c.name == "key")
    return look(url, IDENTITY, lambda connection: connection.execute(query).scalar_one_or_none()) or ""


def look(url: str, table: sa.Table, work: Callable[[Connection], ResultT]) -> ResultT | None:
    """Ask a state that may not be there yet; None if it has no such table. Nothing is changed. Raise `StateError`."""
    path = file_of(url)
    if path is not None and not path.exists():
        return None
    return _once(url, lambda connection: work(connection) if sa.inspect(connection).has_table(table.name) else None)


def clock_of(url: str) -> float:
    """Return the time of a state's server, in seconds. Raise `StateError`."""
    return _once(url, lambda connection: float(connection.exec_driver_sql("SELECT extract(epoch FROM now())").scalar_one()))


def file_of(url: str) -> Path | None:
    """Return the file of a SQLite state, None for a server's. Raise `ConfigError` for no URL of a state."""
    return _engine(url)[2]


def _once(url: str, work: Callable[[Connection], ResultT]) -> ResultT:
    """Ask one thing, without bringing anything up to date."""
    engine, shown, _ = _engine(url)
    database = Database(engine, shown)
    try:
        return database.transact(work)
    finally:
        database.close()


def _engine(url: str) -> tuple[Engine, str, Path | None]:
    """Return an engine, the URL as it may be shown, and the file of a SQLite database."""
    try:
        parsed = make_url(url)
        driver = _DRIVERS.get(parsed.drivername)
    except ArgumentError:
        driver = None
    if driver is None:
        raise ConfigError("not a URL of a state", where="state", fix=f"one of {', '.join(f'{name}://' for name in _DRIVERS)}")
    parsed = parsed.set(drivername=driver)
    shown = URL.create(driver.partition("+")[0], host=parsed.host, port=parsed.port, database=parsed.database).render_as_string()
    path = Path(parsed.database) if driver.startswith("sqlite") and parsed.database else None
    if driver.startswith("sqlite") and path is None:
        raise ConfigError("names no file", where="state", fix="sqlite:///FILE")
    try:
        if path is not None:
            engine = sa.create_engine(parsed, connect_args={"timeout": _BUSY_MS / 1000})
            sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
        else:
            engine = sa.create_engine(parsed, pool_pre_ping=True, isolation_level="SERIALIZABLE", pool_size=8)
    except (NoSuchModuleError, ImportError):
        raise ConfigError(
            f"the driver for {driver.partition('+')[0]} is not installed", where="state", fix="pip install 'auditor[watch]'"
        ) from None
    return engine, shown, path


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Set a new SQLite connection up: write-ahead log, and every commit on the disk before it returns."""
    connection.isolation_level = None  # SQLAlchemy says BEGIN itself, below
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        f"busy_timeout = {_BUSY_MS}",
        "foreign_keys = ON",
        "cache_size = -8192",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Begin as a writer: a transaction that reads first could not become one while another writes."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _locked(path: Path) -> IO[str]:
    """Lock a SQLite file for this process; the lock ends with it, whatever way."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = Path(f"{path}.lock").open("a", encoding="ascii")  # noqa: SIM115 - held as long as the state is open
    except OSError as error:
        raise StateError(
            f"cannot be created: {error.strerror}", where=str(path), fix="name a folder that may be written"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise ConfigError(
            "another process uses this state", where=str(path), fix="stop it, or share a state on PostgreSQL or CockroachDB"
        ) from None
    return lock


def _migrate(connection: Connection) -> None:
    """Bring the schema up to date."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise ConfigError(
            "the state was used by a newer auditor", where="state", fix="use that version, or a backup from before it"
        ) from None


def _code(error: SQLAlchemyError) -> str:
    """Return the SQLSTATE of an error, '' if it has none."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", "") or "")


def umask_private() -> None:
    """Let every file that is created from now on be readable by its owner alone: the database's log and shared memory, too."""
    os.umask(0o077)
