"""The text leaves of a JSON value, with their paths. Used wherever JSON is met: envelopes, JSONB, JSON inside text."""

from __future__ import annotations

import json
from collections.abc import Iterator

from auditor.model import Cell

#: Names shorter than this cannot hold a secret that any rule knows, so they are not offered as cells.
SHORTEST_NAME = 8
_new = tuple.__new__  # a third of the time that a named tuple's own constructor takes
#: Members that make an object one credential (JWK, JWS in JSON form, Docker's auth): it is also offered whole, as text.
WHOLE = frozenset(("kty", "signature", "signatures", "auth"))
#: Deeper nesting is offered as the JSON text of the subtree: still scanned, under the path of its root.
DEEPEST = 64


def leaves(part: str, column: str, value: object, path: str = "", depth: int = 0) -> Iterator[Cell]:
    """
    Yield the text leaves of one column's value in document order, a member's name before its value.

    Numbers, booleans and null hold no text. ``path`` is that of ``value`` itself: '' for the column's own value,
    ``$`` for the root of JSON found inside its text. Array indexes are ``[*]``.
    """
    if type(value) is str:
        yield Cell(part, column, path, value)
    elif type(value) is dict:
        yield from _members(part, column, value, path, depth)
    elif type(value) is list:
        if depth >= DEEPEST:
            yield Cell(part, column, path, json.dumps(value, ensure_ascii=False))
            return
        below = f"{path or '$'}[*]"
        for child in value:
            yield from leaves(part, column, child, below, depth + 1)


def _members(part: str, column: str, value: dict[str, object], path: str, depth: int) -> Iterator[Cell]:
    """Yield the leaves of an object: itself if it is one credential, then each member's name and value."""
    base = path or "$"
    if depth >= DEEPEST or not WHOLE.isdisjoint(value):
        yield Cell(part, column, base, json.dumps(value, ensure_ascii=False))
    if depth >= DEEPEST:
        return
    for name, child in value.items():
        if len(name) >= SHORTEST_NAME:
            yield Cell(part, column, f"{base}.{{name}}", name)
        # Text is yielded here and not by a generator of its own: most leaves are text, and this runs for every hit row.
        if type(child) is str:
            yield _new(Cell, (part, column, member(base, name), child))
        elif type(child) is dict or type(child) is list:
            yield from leaves(part, column, child, member(base, name), depth + 1)


def member(path: str, name: str) -> str:
    """Return the path of a member: ``$.name``, or ``$["odd name"]`` where the name is no identifier."""
    return f"{path}.{name}" if name.isidentifier() else f"{path}[{json.dumps(name, ensure_ascii=False)}]"
