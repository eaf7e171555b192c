"""
The catalogue of a cluster over SQL: what is there, not what is in it. The only file of this kind that knows the client library.

Every statement runs in a transaction that may only read, and ends after a while.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import psycopg

from auditor.errors import ConfigError, SourceUnavailable
from auditor.secret_ref import SecretRef

_CONNECT_WITHIN = 10
_ANSWER_WITHIN = "60s"


class SqlCatalogue:
    """A connection that reads the catalogue; a context manager."""

    def __init__(self, uri: str) -> None:
        """
        Connect to ``cockroachdb://USER@HOST:26257/DATABASE?sslmode=...``; ``postgresql://`` means the same.

        The password comes by ``password_env=NAME`` or ``password_file=PATH``. Raise `ConfigError` or `SourceUnavailable`.
        """
        conninfo, password, self._where = _parameters(uri)
        try:
            self._connection = psycopg.connect(
                conninfo,
                password=password,
                autocommit=True,
                connect_timeout=_CONNECT_WITHIN,
                application_name="auditor",
                options=f"-c default_transaction_read_only=on -c statement_timeout={_ANSWER_WITHIN}",
            )
        except psycopg.Error:
            raise SourceUnavailable(
                "the server does not let this user in, or does not answer",
                where=self._where,
                fix="check host, user, password and sslmode in the address",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connection.close()

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Return the rows of a statement. Raise `ConfigError` if it is refused, `SourceUnavailable` if the connection breaks."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement.encode())
                return cursor.fetchall()
        except psycopg.OperationalError:
            raise SourceUnavailable("the connection broke, or took too long", where=self._where) from None
        except psycopg.Error:
            raise ConfigError("the server has no such statement, or not for this user", where=self._where) from None


def _parameters(uri: str) -> tuple[str, str | None, str]:
    """Return the connection string without the password, the password, and what of the address may be shown."""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError("the address is no URL", fix="cockroachdb://USER@HOST:26257/DATABASE") from None
    where = f"cockroachdb://{host}:{port or 26257}{parts.path}"
    if parts.scheme not in ("cockroachdb", "postgresql", "postgres") or not host:
        raise ConfigError("not the address of a cluster", where=where, fix="cockroachdb://USER@HOST:26257/DATABASE")
    if parts.password is not None:
        raise ConfigError(
            "a password stands in the address, where others can see it",
            where=where,
            fix="use password_env=NAME or password_file=PATH",
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    password = None
    for kind in ("env", "file"):
        if (reference := options.pop(f"password_{kind}", None)) is not None:
            password = SecretRef.model_validate({kind: reference}).reveal()
    netloc = parts.netloc if port else f"{parts.netloc}:26257"
    return parts._replace(scheme="postgresql", netloc=netloc, query=urlencode(options)).geturl(), password, where
