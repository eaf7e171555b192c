"""
Paths of map-like objects, joined.

An object whose members are named by data (`{"user-1": ..., "user-2": ...}`) would give each of its findings a path of its
own. Where more than 100 different members of one object hold findings, they become ``.*``, and their subtrees one. The result
depends on the set of paths only, not on their order, so audits in pieces agree with audits in one go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: More different members than this, and an object is taken for a map.
MOST_MEMBERS = 100
#: What stands for all members of a map.
MAPPED = ".*"
_STEP = re.compile(r'\.\{name\}|\.\*|\.\w+|\["(?:[^"\\]|\\.)*"\]|\[\*\]|.')
_FIXED = frozenset((".{name}", "[*]", "$"))


class _Node:
    """An object or array on the way: its steps, and the given paths that end here."""

    __slots__ = ("children", "ends")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.ends: list[str] = []


def joined_paths(paths: Iterable[str]) -> dict[str, str]:
    """
    Map every path of one column to itself with the members of map-like objects replaced by ``.*``.

    A path that holds ``.*`` already says that the object there is one.
    """
    root = _Node()
    for path in paths:
        node = root
        for step in _STEP.findall(path):
            node = node.children.setdefault(step, _Node())
        node.ends.append(path)
    result: dict[str, str] = {}
    pending = [(root, "")]
    while pending:
        node, name = pending.pop()
        for path in node.ends:
            result[path] = name
        members = [step for step in node.children if step not in _FIXED and step != MAPPED]
        known = node.children.get(MAPPED)
        if len(members) > MOST_MEMBERS or known is not None:
            merged = known or _Node()
            for step in members:
                _merge(merged, node.children.pop(step))
            node.children[MAPPED] = merged
        pending.extend((child, name + step) for step, child in node.children.items())
    return result


def _merge(target: _Node, other: _Node) -> None:
    """Add a subtree to another."""
    target.ends.extend(other.ends)
    for step, child in other.children.items():
        known = target.children.get(step)
        if known is None:
            target.children[step] = child
        else:
            _merge(known, child)
