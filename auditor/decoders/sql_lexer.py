"""
SQL text to tokens, and literals and names to what they stand for: as much of CockroachDB's lexical rules as dumps and DDL need.

Facts: CockroachDB docs "SQL Constants" and "Keywords & Identifiers"; its writers in ``pkg/sql/lexbase/encode.go``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<skip>    \s+ | --[^\n]* | /\*.*?\*/ )
  | (?P<string>  [eEbB]'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+' | [xX]?'[^']*+(?:''[^']*+)*+' | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
  | (?P<quoted>  "[^"]*+(?:""[^"]*+)*+" )
  | (?P<word>    [^\W\d][\w$]* )
  | (?P<number>  \d[\w.]* )
  | (?P<mark>    :::?|. )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|''", re.DOTALL)
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"a": b"\a"}


class Token(NamedTuple):
    """One token: ``kind`` is ``string quoted word number mark``; ``text`` is as written."""

    kind: str
    text: str


def tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens, comments and white space left out. A quote that is never closed is a ``mark``."""
    for match in _TOKEN.finditer(sql):
        if match.lastgroup != "skip":
            kind = "string" if match["string"] is not None else str(match.lastgroup)
            yield Token(kind, match[0])


def is_unclosed(token: Token) -> bool:
    """Tell whether this is the quote of a literal or name that is never closed."""
    return token.kind == "mark" and token.text in "'\""


def literal(token: Token) -> str:
    r"""Return the text of a string literal; ``x'6869'`` becomes BYTES in text form, ``\x6869``."""
    text = token.text
    if text.startswith("$"):
        mark = text[: text.index("$", 1) + 1]
        return text[len(mark) : -len(mark)]
    body = text[text.index("'") + 1 : -1]
    if text[0] in "xX":
        return "\\x" + body
    if text[0] in "eEbB":
        return _ESCAPE.sub(_unescaped, body.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
    return body.replace("''", "'")


def _unescaped(match: re.Match[bytes]) -> bytes:
    """Return the bytes of one escape."""
    byte, octal, short, long, other = match.groups()
    if byte:
        return bytes.fromhex(byte.decode())
    if octal:
        return bytes((int(octal, 8) & 0xFF,))
    if code := short or long:
        number = int(code, 16)
        return chr(number).encode("utf-8", "replace") if number <= 0x10FFFF else match[0]
    return _CONTROLS.get(other, other) if other else b"'"


def identifier(token: Token) -> str:
    """Return the name that a word or quoted token stands for; unquoted names are lower case."""
    return token.text[1:-1].replace('""', '"') if token.kind == "quoted" else token.text.lower()
