"""The form of a token generator: a kind has a name, a maker, and the places that suit it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import NamedTuple

from auditor.sample.tokens.randomness import body


class Shape(StrEnum):
    """What a planted text looks like; it decides where it may stand."""

    VALUE = "value"  # one line without spaces
    TEXT = "text"  # one line with spaces: a header, settings
    URL = "url"
    BLOCK = "block"  # several lines, such as PEM
    DOCUMENT = "document"  # JSON text


class Expect(StrEnum):
    """What an honest detector does with a plant."""

    FOUND = "found"
    LOW = "low"  # right shape, wrong checksum: reported with low confidence
    OPAQUE = "opaque"  # random text whose column alone tells what it is
    UNKNOWN = "unknown"  # home-grown: no published rule knows it
    NONE = "none"  # looks like a token and is none


class Made(NamedTuple):
    """
    A planted text and the innermost secret in it.

    ``also`` names further secrets in the same text, as (kind, secret).
    """

    text: str
    secret: str
    also: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to write one kind of token. ``id`` is that of the table of formats; several ways may share it."""

    id: str
    make: Callable[[Random], Made]
    shape: Shape = Shape.VALUE
    expect: Expect = Expect.FOUND


def whole(kind: str, make: Callable[[Random], str], shape: Shape = Shape.VALUE, expect: Expect = Expect.FOUND) -> Kind:
    """Return a kind whose whole text is the secret."""

    def made(rng: Random) -> Made:
        text = make(rng)
        return Made(text, text)

    return Kind(kind, made, shape, expect)


def plain(kind: str, prefix: str, alphabet: str, length: int, suffix: str = "") -> Kind:
    """Return a kind that is a prefix, random characters of an alphabet, and perhaps a fixed end."""
    return whole(kind, lambda rng: prefix + body(rng, alphabet, length) + suffix)
