"""
Where tokens hide in a row: a column of their own, JSON members, free text, keys, encoded forms.

A place puts a text into a row and says how it can be found again. It never changes a nested value in place, since rows share
those.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from auditor.sample.sql_types import Row
from auditor.sample.tokens.kinds import Shape

_ANY = frozenset(Shape)
_LINE = frozenset({Shape.VALUE, Shape.TEXT, Shape.URL})
_PROSE = frozenset({Shape.VALUE, Shape.TEXT, Shape.URL, Shape.BLOCK})
_VALUE = frozenset({Shape.VALUE})
_TEXT = frozenset({Shape.TEXT})
_URL = frozenset({Shape.URL})


class Place(NamedTuple):
    """
    One way to hide a text in a table's rows.

    ``encoding`` names what is done to the text first: base64, base64url, hex, percent, json (inside a JSON string) or bytes (the
    column is BYTES). ``special`` places take a few kinds only, plain ones take every kind that suits them.
    """

    table: str
    column: str
    path: str
    accepts: frozenset[Shape]
    put: Callable[[Row, str], None]
    encoding: str = ""
    special: bool = False
    past: bool = False

    @property
    def name(self) -> str:
        """Return a name that no other place has."""
        return f"{self.table}.{self.column}{self.path}{'@before' if self.past else ''}{self.encoding}"

    @property
    def telling(self) -> bool:
        """Tell whether the name of the column or member says that it holds a credential."""
        return "token" in self.column + self.path or "credentials" in self.path

    def encoded(self, text: str) -> tuple[str, ...]:
        """Return the encodings between the column's value and the text, outermost first, in a format that prints BYTES as hex."""
        if self.encoding == "percent":
            return ("percent",) if quote(text, safe="") != text else ()
        return {"": (), "bytes": ("hex",)}.get(self.encoding, (self.encoding,))


def _own(column: str) -> Callable[[Row, str], None]:
    """Return what makes the text the whole value of a column."""

    def put(row: Row, text: str) -> None:
        row[column] = text

    return put


def _in(column: str, form: str) -> Callable[[Row, str], None]:
    """Return what sets the text into a sentence."""
    before, after = form.split("{}")

    def put(row: Row, text: str) -> None:
        row[column] = before + text + after

    return put


def _wrapped(column: str, form: str, encode: Callable[[str], str]) -> Callable[[Row, str], None]:
    """Return what encodes the text and sets it into a sentence."""
    put = _in(column, form)
    return lambda row, text: put(row, encode(text))


def _member(column: str, build: Callable[[str], dict[str, object]]) -> Callable[[Row, str], None]:
    """Return what adds members to a JSON object; objects that are there already are joined."""

    def put(row: Row, text: str) -> None:
        value = row[column]
        assert isinstance(value, dict)
        row[column] = _joined(value, build(text))

    return put


def _joined(one: dict[str, object], other: dict[str, object]) -> dict[str, object]:
    result = dict(one)
    for name, value in other.items():
        there = result.get(name)
        result[name] = _joined(there, value) if isinstance(there, dict) and isinstance(value, dict) else value
    return result


def _bytes(column: str, form: str) -> Callable[[Row, str], None]:
    before, after = form.split("{}")

    def put(row: Row, text: str) -> None:
        row[column] = (before + text + after).encode()

    return put


def _element(column: str, build: Callable[[str], object]) -> Callable[[Row, str], None]:
    """Return what appends an element to an array or JSON array."""

    def put(row: Row, text: str) -> None:
        value = row[column]
        assert isinstance(value, list)
        row[column] = [*value, build(text)]

    return put


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _json_text(name: str) -> Callable[[str], str]:
    return lambda text: json.dumps({"v": 2, name: text})


def _percent(text: str) -> str:
    return quote(text, safe="")


PLACES: tuple[Place, ...] = (
    # users
    Place("users", "remember_token", "", _ANY, _own("remember_token")),
    Place(
        "users",
        "preferences",
        "$.integrations.token",
        _ANY,
        _member("preferences", lambda text: {"integrations": {"token": text}}),
    ),
    Place("users", "bio", "", _PROSE, _in("bio", 'Note to self: "{}"\nremove later')),
    Place(
        "users",
        "preferences",
        "$.exported",
        _ANY,
        _member("preferences", lambda text: {"exported": _base64(text)}),
        "base64",
        special=True,
    ),
    # sessions
    Place("sessions", "refresh_token", "", _ANY, _own("refresh_token")),
    Place("sessions", "session_id", "", _VALUE, _own("session_id"), special=True),
    Place("sessions", "data", "$.auth.access_token", _VALUE, _member("data", lambda text: {"auth": {"access_token": text}})),
    Place("sessions", "data", "$.headers[*]", _TEXT, _member("data", lambda text: {"headers": ["Accept: */*", text]})),
    Place("sessions", "data", "$.redirect", _URL, _member("data", lambda text: {"redirect": text})),
    Place(
        "sessions",
        "data",
        "$.raw.token",
        _ANY,
        _member("data", lambda text: {"raw": _json_text("token")(text)}),
        "json",
        special=True,
    ),
    Place("sessions", "refresh_token", "", _VALUE, _own("refresh_token"), special=True, past=True),
    # api_tokens
    Place("api_tokens", "token", "", _ANY, _own("token")),
    Place(
        "api_tokens", "metadata", "$.credentials.value", _ANY, _member("metadata", lambda text: {"credentials": {"value": text}})
    ),
    Place(
        "api_tokens", "metadata", "$.hooks[*].url", _URL, _member("metadata", lambda text: {"hooks": [{"url": text, "on": True}]})
    ),
    Place("api_tokens", "secret_box", "", _ANY, _bytes("secret_box", "{}"), "bytes", special=True),
    Place("api_tokens", "token", "", _ANY, _own("token"), special=True, past=True),
    Place("api_tokens", "metadata", "$.seen.{name}", _VALUE, _member("metadata", lambda text: {"seen": {text: 3}}), special=True),
    Place(
        "api_tokens",
        "metadata",
        "$.packed",
        _ANY,
        _member("metadata", lambda text: {"packed": _base64url(text)}),
        "base64url",
        special=True,
    ),
    Place(
        "api_tokens",
        "metadata",
        "$.dump",
        _LINE,
        _member("metadata", lambda text: {"dump": text.encode().hex()}),
        "hex",
        special=True,
    ),
    # orders
    Place("orders", "note", "", _PROSE, _in("note", "Customer pasted ({}) into the form")),
    Place("orders", "items", "$[*].gift.token", _VALUE, _element("items", lambda text: {"gift": {"token": text}, "qty": 1})),
    Place("orders", "callback_url", "", _URL, _own("callback_url")),
    Place(
        "orders",
        "callback_url",
        "",
        _LINE,
        _wrapped("callback_url", "https://partner.northwind.internal/hook?state={}&n=1", _percent),
        "percent",
        special=True,
    ),
    Place("orders", "receipt", "", _LINE, _bytes("receipt", "receipt v1\nmemo: {}\nend\n"), "bytes", special=True),
    # logs
    Place("logs", "message", "", _LINE, _in("message", 'upstream said no to "{}" after 30 s')),
    Place("logs", "error", "", _PROSE, _in("error", "ConnectionError: giving up\n  config: {}\n  at main.go:42")),
    Place(
        "logs",
        "request",
        "$.headers[*]",
        _TEXT,
        _member("request", lambda text: {"headers": ["Host: api.northwind.internal", text]}),
    ),
    Place("logs", "request", "$.url", _URL, _member("request", lambda text: {"url": text})),
    Place("logs", "tags", "$[*]", _VALUE, _element("tags", lambda text: text)),
    Place(
        "logs",
        "request",
        "$.body.token",
        _ANY,
        _member("request", lambda text: {"body": _json_text("token")(text)}),
        "json",
        special=True,
    ),
    Place("logs", "message", "", _LINE, _wrapped("message", "payload {} dropped", _base64), "base64", special=True),
)
