"""One connection to the replay server. The messages are pygwire's; what they say is decided in `statements`."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pygwire import messages
from pygwire.connection import BackendConnection

from tests.replay.cluster import Flood, Hangup
from tests.replay.feed import Item, Notice, SqlError, Values
from tests.replay.statements import BYTEA, Answer, answer

if TYPE_CHECKING:
    from tests.replay.server import ReplayServer

_BUFFER = 64 << 10
_FLOOD_BLOCK = 256 << 10


class Gone(Exception):
    """The client hung up."""


class Session(threading.Thread):
    """Serves one client until it hangs up."""

    def __init__(self, server: ReplayServer, sock: socket.socket, number: int) -> None:
        super().__init__(name=f"replay-{number}", daemon=True)
        self.user = ""
        self.number = number
        self.secret = os.urandom(4)
        self.query_id = ""
        self.running = ""
        self.cancelled = threading.Event()
        self._server = server
        self._socket = sock
        self._wire = BackendConnection()
        self._failed = False
        self._answer: Answer | None = None
        self._query = ""
        self._formats: list[int] = []
        self._later: deque[messages.PGMessage] = deque()

    def others(self) -> dict[str, str]:
        """Return the statements that run on the server, by their query id."""
        return {session.query_id: session.running for session in self._server.sessions() if session.running}

    def cancel(self, query_id: str) -> bool:
        """Cancel a statement by its query id."""
        found = [session for session in self._server.sessions() if session.running and session.query_id == query_id]
        for session in found:
            session.cancelled.set()
        return bool(found)

    def hang_up(self) -> None:
        """Break the connection from another thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def run(self) -> None:
        """Answer until the client is gone."""
        with contextlib.suppress(Gone, OSError):
            while True:
                for message in self._wire.receive(self._received()):
                    self._handle(message)
                    while self._later:
                        self._handle(self._later.popleft())
        self.running = ""
        self._socket.close()
        self._server.forget(self)

    def _received(self) -> bytes:
        data = self._socket.recv(_BUFFER)
        if not data:
            raise Gone
        return data

    def _send(self, *parts: messages.PGMessage) -> None:
        self._socket.sendall(b"".join(map(self._wire.send, parts)))

    def _handle(self, message: messages.PGMessage) -> None:
        match message:
            case messages.SSLRequest():
                self._encrypt()
            case messages.GSSEncRequest():
                self._send(messages.GSSResponse(accepted=False))
            case messages.CancelRequest():
                self._server.cancel(message.process_id, message.secret_key)
                raise Gone
            case messages.StartupMessage():
                self._start(message)
            case messages.PasswordMessage():
                self._log_in(message)
            case messages.Query():
                self._simple(message.query_string)
            case messages.Sync():
                self._failed = False
                self._send(messages.ReadyForQuery())
            case messages.Terminate():
                raise Gone
            case _ if not self._failed:
                self._extended(message)

    def _encrypt(self) -> None:
        context = self._server.tls
        self._send(messages.SSLResponse(accepted=context is not None))
        if context is not None:
            try:
                self._socket = context.wrap_socket(self._socket, server_side=True)
            except ssl.SSLError:
                raise Gone from None

    def _start(self, message: messages.StartupMessage) -> None:
        self.user = message.params.get("user", "")
        if self._server.tls is not None and not isinstance(self._socket, ssl.SSLSocket):
            self._fatal("28000", "node is running secure mode, SSL connection required")
        if self._server.cluster.passwords:
            self._send(messages.AuthenticationCleartextPassword())
        else:
            self._welcome()

    def _log_in(self, message: messages.PasswordMessage) -> None:
        given = message.password if isinstance(message.password, str) else message.password.decode()
        if self._server.cluster.passwords.get(self.user) != given:
            self._fatal("28P01", f"password authentication failed for user {self.user}")
        self._welcome()

    def _fatal(self, sqlstate: str, text: str) -> None:
        self._send(messages.ErrorResponse(fields={"S": "FATAL", "V": "FATAL", "C": sqlstate, "M": text}))
        raise Gone

    def _welcome(self) -> None:
        parameters = {
            "server_version": "13.0.0",
            "crdb_version": self._server.cluster.version,
            "client_encoding": "UTF8",
            "server_encoding": "UTF8",
            "DateStyle": "ISO, MDY",
            "integer_datetimes": "on",
            "standard_conforming_strings": "on",
        }
        statuses = [messages.ParameterStatus(name=name, value=value) for name, value in parameters.items()]
        key = messages.BackendKeyData(process_id=self.number, secret_key=self.secret)
        self._send(messages.AuthenticationOk(), *statuses, key, messages.ReadyForQuery())

    def _simple(self, sql: str) -> None:
        self._formats = []
        try:
            found = answer(self._server.cluster, self, sql.strip().rstrip(";"))
            if found.columns:
                self._send(self._description(found))
            self._execute(found, sql)
        except SqlError as error:
            self._report(error)
        self._send(messages.ReadyForQuery())

    def _extended(self, message: messages.PGMessage) -> None:
        try:
            match message:
                case messages.Parse():
                    self._query = message.query
                    self._answer = answer(self._server.cluster, self, message.query)
                    self._send(messages.ParseComplete())
                case messages.Bind():
                    self._formats = message.result_formats
                    self._send(messages.BindComplete())
                case messages.Describe():
                    assert self._answer is not None
                    self._send(self._description(self._answer) if self._answer.columns else messages.NoData())
                case messages.Execute():
                    assert self._answer is not None
                    assert message.max_rows == 0, "a changefeed through a portal with a row limit"
                    self._execute(self._answer, self._query)
                case messages.Close():
                    self._send(messages.CloseComplete())
        except SqlError as error:
            self._failed = True
            self._report(error)

    def _description(self, found: Answer) -> messages.RowDescription:
        return messages.RowDescription(
            fields=[
                messages.FieldDescription(
                    name=name, type_oid=kind, type_size=-1, type_modifier=-1, format_code=self._format(index)
                )
                for index, (name, kind) in enumerate(found.columns)
            ]
        )

    def _format(self, column: int) -> int:
        if len(self._formats) > 1:
            return self._formats[column]
        return self._formats[0] if self._formats else 0

    def _report(self, error: SqlError) -> None:
        severity = "FATAL" if error.fatal else "ERROR"
        fields = {"S": severity, "V": severity, "C": error.sqlstate, "M": error.message}
        self._send(messages.ErrorResponse(fields=fields))
        if error.fatal:
            raise Gone

    def _execute(self, found: Answer, sql: str) -> None:
        self.cancelled.clear()
        self.query_id, self.running = f"{self.number:016x}{id(found):016x}", sql
        try:
            for part in self._parts(found, found.run()):
                self._socket.sendall(part)
        finally:
            self.running = ""
        self._send(messages.CommandComplete(tag=found.tag))

    def _parts(self, found: Answer, items: Iterator[Item]) -> Iterator[bytes]:
        """Yield what to send, several rows in one where they come at once."""
        waiting = bytearray()
        for item in items:
            if isinstance(item, tuple) and not isinstance(item, Notice | Hangup | Flood):
                waiting += self._row(found, item)
                if len(waiting) < _BUFFER:
                    continue
            if waiting:
                yield bytes(waiting)
                waiting.clear()
            self._look()
            if isinstance(item, Notice):
                notice = messages.NoticeResponse(fields={"S": "NOTICE", "V": "NOTICE", "C": "00000", "M": item.message})
                yield self._wire.send(notice)
            elif isinstance(item, Hangup):
                whole = self._row(found, (b"shop.public.users", b"[1]", b'{"after": null}'))
                yield whole[: len(whole) // 2]
                raise Gone
            elif isinstance(item, Flood):
                yield from self._flood(found, item)
        if waiting:
            yield bytes(waiting)

    def _flood(self, found: Answer, flood: Flood) -> Iterator[bytes]:
        block = b"".join(self._row(found, row) for row in flood.rows)
        blocks = max(1, _FLOOD_BLOCK // len(block))
        for _ in range(flood.times // blocks):
            yield block * blocks
            self._look()
        yield block * (flood.times % blocks)

    def _row(self, found: Answer, values: Values) -> bytes:
        columns = [
            value if value is None or kind != BYTEA or self._format(index) else b"\\x" + value.hex().encode()
            for index, ((_, kind), value) in enumerate(zip(found.columns, values, strict=True))
        ]
        return messages.DataRow(columns=columns).to_wire()

    def _look(self) -> None:
        """See whether the client has hung up or somebody has cancelled the statement."""
        if self.cancelled.is_set():
            raise SqlError("57014", "query execution canceled")
        pending = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()
        if pending or select.select([self._socket], [], [], 0)[0]:
            for message in self._wire.receive(self._received()):
                if isinstance(message, messages.Terminate):
                    raise Gone
                # What was sent along with the statement (Sync) is answered after it.
                self._later.append(message)
