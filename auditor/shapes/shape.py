"""What a shape is: a form that a whole text may have, with a name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any


class Kind(StrEnum):
    """What a text of a shape is."""

    HASH = "hash"
    PASSWORD_HASH = "password-hash"
    CIPHERTEXT = "ciphertext"
    IDENTIFIER = "identifier"
    MASKED = "masked"
    POINTER = "pointer"
    PUBLIC = "public"
    BLOB = "blob"
    ORDINARY = "ordinary"
    DECLARED = "declared"
    """What an owner wrote: an expression, a list, a length."""


@dataclass(frozen=True)
class Shape:
    r"""
    One form of a whole text.

    ``source`` is an expression that stands in a group of its own, so it fits into any other. It captures nothing, has no anchors,
    look-around or references, never matches a line feed, and means the same to `re` (with ASCII) and to RE2. ``multiline`` is its
    like for texts with line feeds, '' if those never have the shape. A text begins with one of ``begins``, has one of ``lengths``
    and contains ``holds``, where these are given: all shapes of a text are then told without trying each.

    A shape with ``begins`` describes itself (``$2b$...``). One with ``lengths`` alone does not: 32 random bytes look like a
    SHA-256, and only the column's name can tell.

    ``blocks`` are the forms that are so many characters of one alphabet, (alphabet, length): a column full of these is checked
    faster than by any expression. ``linear`` says that the expression is an owner's, and runs on RE2 alone.
    """

    name: str
    kind: Kind
    title: str
    source: str
    multiline: str = ""
    begins: tuple[str, ...] = ()
    lengths: frozenset[int] = frozenset()
    holds: str = ""
    blocks: tuple[tuple[str, int], ...] = ()
    linear: bool = False

    def __post_init__(self) -> None:
        """Put the expressions into groups."""
        object.__setattr__(self, "source", f"(?:{self.source})")
        if self.multiline:
            object.__setattr__(self, "multiline", f"(?:{self.multiline})")

    @property
    def framed(self) -> bool:
        """Tell whether a text says by itself that it is of this shape."""
        return bool(self.begins) and self.kind is not Kind.ORDINARY

    def matches(self, text: str) -> bool:
        """Tell whether a text has this shape."""
        return self.fullmatch(text) is not None

    @cached_property
    def fullmatch(self) -> Callable[[str], object]:
        """Return what is None for a text without this shape; the expression is compiled when it is first needed."""
        if self.linear:
            match = linear(self.source).fullmatch
            return lambda text: match(text.encode("utf-8", "surrogatepass"))
        return re.compile(f"{self.source}|{self.multiline}" if self.multiline else self.source, re.ASCII).fullmatch

    def __getstate__(self) -> dict[str, Any]:
        """Go to another process without what is compiled."""
        return {name: value for name, value in self.__dict__.items() if name != "fullmatch"}


def linear(source: str, *, lines: bool = False) -> Any:
    r"""
    Compile for RE2, which takes linear time whatever the expression; raise `ValueError` for what it does not take.

    With ``lines`` it matches lines of text that each end in a line feed, and all of them must have the form. Nothing in the
    expression matches a line feed then, not even ``\s``.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    options.never_nl = lines
    # \C is any byte: after the end of a line that can only be its line feed, which `never_nl` keeps from being named.
    whole = rf"(?m:(?:^{source}$\C)*)" if lines else source
    try:
        return re2.compile(whole.encode(), options)
    except re2.error as error:
        raise ValueError(f"RE2 does not take the expression: {_said(error)}") from None


def _said(error: Exception) -> str:
    """Return RE2's own words."""
    text = error.args[0] if error.args else ""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
