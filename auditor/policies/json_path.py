"""
Paths into a column's JSON, as `auditor.leaves` writes them.

``$.auth.tokens[*]``, ``$["odd name"]``; in a policy also ``.*`` for any member. ``.{name}`` are the members' names themselves.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from auditor.leaves import DEEPEST, member

_STEP = re.compile(r'\.\{name\}|\.\*|\.\w+|\["(?:[^"\\]|\\.)*"\]|\[\*\]')
_NAMES = ".{name}"
_ANY = ".*"
_ITEMS = "[*]"


def steps_of(path: str) -> tuple[str, ...]:
    """Return the steps of a path, () for the column's own value; what is no step ends it."""
    steps, at = [], 1
    while found := _STEP.match(path, at):
        steps.append(found[0])
        at = found.end()
    return tuple(steps)


@dataclass(frozen=True)
class JsonPath:
    """A path in a policy. '' is the column's own value."""

    text: str

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """Return its steps."""
        return steps_of(self.text)

    @property
    def valid(self) -> bool:
        """Tell whether all of it is steps, and names of members are its end."""
        whole = not self.text or (bool(self.steps) and f"${''.join(self.steps)}" == self.text)
        return whole and _NAMES not in self.steps[:-1]

    @cached_property
    def rank(self) -> tuple[int, int]:
        """Return what is compared: more steps first, then more of them exact."""
        return len(self.steps), sum(step != _ANY for step in self.steps)

    def covers(self, steps: tuple[str, ...]) -> bool:
        """Tell whether a concrete path is this one or lies below it."""
        return len(steps) >= len(self.steps) and all(map(_same, self.steps, steps))

    def overlaps(self, other: JsonPath) -> bool:
        """Tell whether there is a path that both are."""
        return len(self.steps) == len(other.steps) and all(map(_same, self.steps, other.steps))

    @cached_property
    def required(self) -> tuple[str, str] | None:
        """Return the object that it asks a member of, and the member's name; None if it has wild cards or ends in an array."""
        if not self.steps or {_ANY, _ITEMS, _NAMES}.intersection(self.steps):
            return None
        last = self.steps[-1]
        name = last[1:] if last.startswith(".") else json.loads(last[1:-1])
        above = "".join(self.steps[:-1])
        return f"${above}", str(name)


def _same(one: str, two: str) -> bool:
    """Tell whether a step of a policy and another step may be the same."""
    if _ANY in (one, two):
        return not {one, two} & {_ITEMS, _NAMES}
    return one == two


def nodes(value: object, path: str = "$", depth: int = 0) -> Iterator[tuple[str, object]]:
    """
    Yield all that JSON holds with its path, an object or array before what is in it, and the names of members as text.

    Deeper than `auditor.leaves.DEEPEST` nothing is taken apart.
    """
    yield path, value
    if depth >= DEEPEST:
        return
    if type(value) is dict:
        for name, child in value.items():
            yield f"{path}{_NAMES}", name
            yield from nodes(child, member(path, name), depth + 1)
    elif type(value) is list:
        for child in value:
            yield from nodes(child, f"{path}{_ITEMS}", depth + 1)


def json_of(value: object) -> object:
    """Return a column's value as JSON: formats without types give its text."""
    if type(value) is str and value[:1] in "{[":
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def wrapped_at(path: str, value: object) -> object:
    """Return a column's value that holds ``value`` at a path without wild cards but those of arrays."""
    for step in reversed(steps_of(path)):
        if step == _ITEMS:
            value = [value]
        elif step == _NAMES:
            value = {str(value): None}
        else:
            value = {step[1:] if step.startswith(".") else str(json.loads(step[1:-1])): value}
    return value
