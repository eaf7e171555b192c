"""The rows of a soak: as many as wanted, each a pure function of its number, some with a token of its own in it."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from auditor.hlc import Timestamp

TABLE = "shop.public.users"
#: In every token, so that one look tells whether any of them has leaked.
MARK = "Qv7Zk2Xw9"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_BEGINNING = 1_784_759_045 * 10**9
_APART = 10**6
_FILLER = "a note of no interest about order %d of a customer who pays by invoice, and what was said on the telephone"


def moment(number: int) -> Timestamp:
    """Return when a row was written, which is also a resolved timestamp for all rows up to it."""
    return Timestamp(_BEGINNING + number * _APART)


def token(seed: int, number: int) -> str:
    """Return a made-up token of a kind that the rules know, with the mark inside."""
    rng = random.Random(f"{seed} {number}")
    letters = rng.choices(_LETTERS, k=11)
    return "gl" + "pat-" + "".join(letters[:5]) + MARK + "".join(letters[5:])


@dataclass(frozen=True)
class Rows:
    """
    So many rows with so many tokens, one token in each stretch of equal length, somewhere in it.

    ``width`` is the length of a text that each row has besides.
    """

    count: int
    tokens: int
    seed: int = 0
    width: int = 0

    @cached_property
    def planted(self) -> dict[int, str]:
        """Return the tokens by the number of their row."""
        stretch = self.count // self.tokens
        rng = random.Random(self.seed)
        places = (number * stretch + rng.randrange(stretch) for number in range(self.tokens))
        return {place: token(self.seed, place) for place in places}

    def key(self, number: int) -> bytes:
        """Return a row's key."""
        return b"[%d]" % number

    def value(self, number: int) -> bytes:
        """Return a row as a wrapped message."""
        return self._text(number, "").encode()

    def element(self, number: int) -> str:
        """Return a row as an element of a webhook's payload."""
        return self._text(number, f', "key": [{number}], "topic": "{TABLE}"')

    def line(self, number: int) -> bytes:
        """Return a row as a line of a file."""
        return self._text(number, f', "key": [{number}]').encode() + b"\n"

    def resolved(self, number: int) -> bytes:
        """Return the resolved message that stands after a row."""
        return f'{{"resolved":"{moment(number)}"}}'.encode()

    def _text(self, number: int, more: str) -> str:
        secret = self.planted.get(number)
        note = _FILLER % number if secret is None else f"it did not work with {secret} as I told you"
        at = moment(number)
        text = f', "text": "{"so much to say " * (self.width // 15)}"' if self.width else ""
        times = f'"mvcc_timestamp": "{at}", "updated": "{at}"'
        return f'{{"after": {{"id": {number}, "note": "{note}"{text}}}, "before": null{more}, {times}}}'


def pieces(rows: range, size: int) -> Iterator[range]:
    """Yield a stretch of rows in pieces."""
    for start in range(rows.start, rows.stop, size):
        yield range(start, min(start + size, rows.stop))


def needles(texts: list[str]) -> list[bytes]:
    """Return what would give a text away: itself, in hex, and in base64 wherever it stands among other bytes."""
    found: set[bytes] = set()
    for raw in (text.encode() for text in texts):
        found |= {raw, raw[::-1], raw.hex().encode(), raw.hex().upper().encode()}
        for before in range(3):
            # The characters at both ends depend on the neighbours.
            padded = base64.b64encode(bytes(before) + raw)
            start, after = -(-before * 8 // 6), (before + len(raw)) % 3
            inner = padded.rstrip(b"=")[start : -1 if after else None]
            found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return sorted(found)
