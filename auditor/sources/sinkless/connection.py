"""
One connection of its own to the cluster, on libpq itself: the only file that knows the client library.

A changefeed's rows come in single-row mode, each as soon as it is there. Whatever has already arrived is taken in one go, in
binary form, so that keys and values need no decoding: 0.75 million rows of 570 bytes a second as messages, where psycopg's own
``cursor.stream()`` gives 0.58 million tuples in binary form and 0.35 million in its default text form. (Chunked mode would be
twice as fast, and holds rows back until a chunk is full.)

Nothing blocks: what waits is a generator that yields None at least twice a second, and ends with `Closed` when the bell rings.
"""

from __future__ import annotations

import logging
import re
import selectors
import socket
import time
from collections.abc import Generator, Iterator, Mapping
from typing import NamedTuple, TypeVar

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from auditor.sources.sinkless.bell import Bell, Closed
from auditor.sources.sinkless.errors import Failure, Kind, Refused, read_connect_failure, read_failure

_log = logging.getLogger("auditor.sinkless")

T = TypeVar("T")
#: Something that takes time: yields None while it waits, and returns what it was for.
Steps = Generator[None, None, T]

#: One run of rows: enough to make each row cheap, and little enough to hold several.
MOST_ROWS = 8192
MOST_BYTES = 4 << 20
_PULSE = 0.5
_CONNECT_WITHIN = 10.0
_ANSWER_WITHIN = 30.0
_TEXT, _BINARY = 0, 1
_SINGLE, _FATAL = int(pq.ExecStatus.SINGLE_TUPLE), int(pq.ExecStatus.FATAL_ERROR)
_HOURS_OLD = re.compile(rb"cursor is (\d{1,6}) hours old")
#: A dead peer is noticed after a minute; the defaults of most systems are two hours.
_ALIVE = {"keepalives": "1", "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}


class Rows(NamedTuple):
    """
    Rows of a changefeed, as three columns. If the last one's table is None, it is a resolved row.

    ``ended`` says that no more will come; ``failure`` why, None if the changefeed came to its end.
    """

    tables: list[bytes | None]
    keys: list[bytes | None]
    values: list[bytes | None]
    ended: bool = False
    failure: Failure | None = None


class Connection:
    """A connection; `finish` ends it at any point."""

    def __init__(self, bell: Bell, named: str) -> None:
        """Take what interrupts every wait, and the feed's name for the log."""
        self._bell = bell
        self._named = named
        self._pq: pq.abc.PGconn | None = None
        self._broken = False
        self._failure: Failure | None = None

    def open(self, parameters: Mapping[str, str]) -> Steps[None]:
        """Connect to the first address of the host that answers. Raise `Refused`."""
        failure = Failure(Kind.UNREACHABLE)
        for address in _addresses(parameters["host"], int(parameters["port"])):
            self._bell.check()
            failure_here = yield from self._connect(make_conninfo("", **parameters, **_ALIVE, hostaddr=address))
            if failure_here is None:
                # A limit that a role may have would end the changefeed.
                yield from self.query("SET statement_timeout = 0")
                return
            failure = failure_here
            if failure.kind is not Kind.UNREACHABLE:
                break
        raise Refused(failure)

    @property
    def encrypted(self) -> bool:
        """Tell whether TLS is in use."""
        return self._pq is not None and bool(self._pq.ssl_in_use)

    def query(self, statement: str) -> Steps[list[tuple[str | None, ...]]]:
        """Return the rows of a statement as text. Raise `Refused`."""
        connection = self._send(statement, _TEXT)
        deadline = time.monotonic() + _ANSWER_WITHIN
        rows: list[tuple[str | None, ...]] = []
        while not self._broken:
            while connection.is_busy() and self._consume(connection) and connection.is_busy():
                yield from self._readable(connection, deadline)
            result = None if connection.is_busy() else connection.get_result()
            if result is None:
                break
            self._note_failure(result)
            columns = range(result.nfields)
            rows += [tuple(_text(result.get_value(row, column)) for column in columns) for row in range(result.ntuples)]
        failure = self._failure or (Failure(Kind.BROKEN) if self._broken else None)
        if failure is not None:
            raise Refused(failure)
        return rows

    def start(self, statement: str) -> None:
        """Begin a changefeed: its rows are then `pull`ed."""
        self._send(statement, _BINARY).set_single_row_mode()

    def pull(self) -> Rows:
        """Return the rows that have arrived, up to `MOST_ROWS` of them, `MOST_BYTES`, or a resolved row. Do not wait."""
        connection = self._open_one()
        is_busy, get_result = connection.is_busy, connection.get_result
        tables: list[bytes | None] = []
        keys: list[bytes | None] = []
        values: list[bytes | None] = []
        room = MOST_BYTES
        while room > 0 and len(tables) < MOST_ROWS:
            if is_busy():
                alive = self._consume(connection)
                if is_busy():
                    if alive:
                        break
                    return Rows(tables, keys, values, ended=True, failure=self._failure or Failure(Kind.BROKEN))
            result = get_result()
            if result is None:
                return Rows(tables, keys, values, ended=True, failure=self._failure)
            if result.status != _SINGLE:
                self._note_failure(result)
                continue
            value_of = result.get_value
            table = value_of(0, 0)
            key, value = value_of(0, 1), value_of(0, 2)
            tables.append(table)
            keys.append(key)
            values.append(value)
            if table is None:
                break
            room -= len(key or b"") + len(value or b"")
        return Rows(tables, keys, values)

    def wait(self, seconds: float) -> bool:
        """Wait until something has arrived, at most so long; tell whether it has. Raise `Closed`."""
        return self._bell.wait(self._open_one().socket, selectors.EVENT_READ, seconds)

    def finish(self) -> None:
        """Hang up. The server then ends what it was doing for this connection."""
        if self._pq is not None:
            self._pq.finish()
            self._pq = None

    def _connect(self, conninfo: str) -> Steps[Failure | None]:
        """Connect to one address; return why not."""
        connection = pq.PGconn.connect_start(conninfo.encode())
        self._pq = connection
        deadline = time.monotonic() + _CONNECT_WITHIN
        failure: Failure | None = None
        status = pq.PollingStatus.WRITING
        while failure is None and status != pq.PollingStatus.OK:
            if connection.status == pq.ConnStatus.BAD or status == pq.PollingStatus.FAILED:
                failure = read_connect_failure(connection.error_message.decode("utf-8", "replace"))
            elif time.monotonic() > deadline:
                failure = Failure(Kind.UNREACHABLE)
            else:
                events = selectors.EVENT_READ if status == pq.PollingStatus.READING else selectors.EVENT_WRITE
                if self._bell.wait(connection.socket, events, _PULSE):
                    status = pq.PollingStatus(connection.connect_poll())
                else:
                    yield None
        if failure is not None:
            self.finish()
            return failure
        connection.nonblocking = 1
        connection.notice_handler = self._notice
        return None

    def _send(self, statement: str, form: int) -> pq.abc.PGconn:
        """Send a statement by the extended protocol; `Execute` asks for all rows, as a changefeed needs."""
        connection = self._open_one()
        self._failure = None
        sent = True
        try:
            connection.send_query_params(statement.encode(), [], result_format=form)
            while connection.flush():
                self._bell.wait(connection.socket, selectors.EVENT_WRITE, _PULSE)
        except psycopg.Error:
            sent = False
        if not sent:
            raise Refused(Failure(Kind.BROKEN))
        return connection

    def _readable(self, connection: pq.abc.PGconn, deadline: float) -> Steps[None]:
        """Wait until something has arrived."""
        while not self._bell.wait(connection.socket, selectors.EVENT_READ, _PULSE):
            if time.monotonic() > deadline:
                raise Refused(Failure(Kind.SILENT))
            yield None

    def _consume(self, connection: pq.abc.PGconn) -> bool:
        """Take in what has arrived, and tell whether more may come. What came before a connection broke is still there."""
        if not self._broken:
            try:
                connection.consume_input()
            except psycopg.Error:
                self._broken = True
        return not self._broken

    def _note_failure(self, result: pq.abc.PGresult) -> None:
        """Remember an error. What follows it must be taken in before the next statement is sent."""
        if result.status == _FATAL and self._failure is None:
            self._failure = _failure_of(result)

    def _open_one(self) -> pq.abc.PGconn:
        """Return the connection."""
        if self._pq is None:
            raise Closed
        return self._pq

    def _notice(self, result: pq.abc.PGresult) -> None:
        """Pass on that a cursor is old. Other notices are for whoever writes the statement."""
        text = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
        if hours := _HOURS_OLD.search(text):
            _log.warning("%s: the cursor is %s hours old: the feed begins late", self._named, hours[1].decode())


def finish(steps: Steps[T]) -> T:
    """Go through something that takes time, and return what it was for."""
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            value: T = ended.value
            return value


def _addresses(host: str, port: int) -> Iterator[str]:
    """Yield the addresses of a host: looked up here, since libpq would hold the interpreter while it waits. Raise `Refused`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise Refused(Failure(Kind.UNREACHABLE)) from None
    yield from dict.fromkeys(str(address[0]) for *_, address in found)


def _failure_of(result: pq.abc.PGresult) -> Failure:
    """Read an error response."""
    code = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
    text = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY)
    if not code and text is None:
        return Failure(Kind.BROKEN)  # made by the client library: the server said nothing
    return read_failure(code.decode("ascii", "replace"), (text or b"").decode("utf-8", "replace"))


def _text(value: bytes | None) -> str | None:
    """Decode a value in text form."""
    return None if value is None else value.decode("utf-8", "replace")
