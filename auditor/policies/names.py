"""
Globs of names, and which of two is the more specific.

``*`` stands for any characters but a dot, ``?`` for one. A destination's ``*`` stands for anything: addresses are full of dots.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

_WILD = frozenset("*?")
Rank = tuple[int, int]


@dataclass(frozen=True)
class Glob:
    """A glob of one name. ``rank`` grows with how much it says: no wild card first, then more letters."""

    text: str
    crosses: bool = False

    @property
    def exact(self) -> bool:
        """Tell whether it is the name of one thing."""
        return _WILD.isdisjoint(self.text)

    @cached_property
    def rank(self) -> Rank:
        """Return what is compared."""
        return int(self.exact), sum(letter not in _WILD for letter in self.text)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        star, one = (r"[\s\S]*", r"[\s\S]") if self.crosses else ("[^.]*", "[^.]")
        parts = {"*": star, "?": one}
        return re.compile("".join(parts.get(letter) or re.escape(letter) for letter in self.text))

    def matches(self, name: str) -> bool:
        """Tell whether a name is meant."""
        return name == self.text if self.exact else self._pattern.fullmatch(name) is not None

    def overlaps(self, other: Glob) -> bool:
        """Tell whether there is a name that both mean."""
        return _overlap(self.text, other.text, self.crosses)


@lru_cache(maxsize=1 << 16)
def _overlap(one: str, two: str, crosses: bool) -> bool:  # noqa: FBT001 - private, and a cache takes no keywords cheaply
    """Tell whether two globs have a name in common: walk all pairs of places in them."""
    pending, seen = [(0, 0)], {(0, 0)}
    while pending:
        i, j = pending.pop()
        if i == len(one) and j == len(two):
            return True
        a, b = one[i : i + 1], two[j : j + 1]
        steps = []
        if a == "*":
            steps.append((i + 1, j))
            if b and b != "*" and (crosses or b != "."):
                steps.append((i, j + 1))
        if b == "*":
            steps.append((i, j + 1))
            if a and a != "*" and (crosses or a != "."):
                steps.append((i + 1, j))
        if a and b and "*" not in (a, b) and (a == b or ("?" in (a, b) and (crosses or "." not in (a, b)))):
            steps.append((i + 1, j + 1))
        for step in steps:
            if step not in seen:
                seen.add(step)
                pending.append(step)
    return False


@dataclass(frozen=True)
class TableGlob:
    """
    A glob of a table, ``database.schema.table`` or less of it.

    A table's name may come incomplete (``users``, ``public.users``), too: names are compared from their ends, by the parts that
    both have.
    """

    text: str

    @cached_property
    def parts(self) -> tuple[Glob, ...]:
        """Return its parts, the table's own name first."""
        return tuple(map(Glob, reversed(self.text.split("."))))

    @cached_property
    def rank(self) -> Rank:
        """Return what is compared: more parts without a wild card first, then more letters."""
        return sum(part.exact for part in self.parts), sum(part.rank[1] for part in self.parts)

    def matches(self, table: str) -> bool:
        """Tell whether a table is meant."""
        return all(part.matches(name) for part, name in zip(self.parts, reversed(table.split(".")), strict=False))

    def overlaps(self, other: TableGlob) -> bool:
        """Tell whether there is a table that both mean."""
        return all(one.overlaps(two) for one, two in zip(self.parts, other.parts, strict=False))
