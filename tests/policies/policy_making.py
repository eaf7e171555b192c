"""Policies from text, and frames from rows."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from auditor.policies import Breach, Policies, TablePolicy
from auditor.protocols import Frame

RULES = ("jwt.signed", "jwt.encrypted", "key.openssh", "stripe.secret-key")
USERS = "shop.public.users"


def policies(*texts: str) -> Policies:
    """Compile texts as the files a.yaml, b.yaml, ..."""
    files = [(f"{name}.yaml", textwrap.dedent(text).lstrip("\n").encode()) for name, text in zip("abcdef", texts, strict=False)]
    return Policies(files, RULES)


def users(columns: str, *, table: str = USERS, more: str = "", head: str = "") -> TablePolicy:
    """Return the policy of a table about these columns, a line each."""
    lines = "".join(f"      {line}\n" for line in textwrap.dedent(columns).strip().splitlines())
    text = f"name: p\n{head}tables:\n  {table}:\n{textwrap.indent(textwrap.dedent(more), '    ')}    columns:\n{lines}"
    policy = Policies([("a.yaml", text.encode())], RULES).for_table(USERS)
    assert policy is not None
    return policy


def frame(part: str = "after", table: str = USERS, rows: Sequence[int] | None = None, **columns: Sequence[object]) -> Frame:
    """Return a frame of columns of values."""
    count = max(map(len, columns.values()), default=0)
    return Frame(table, part, rows if rows is not None else range(count), columns)


def frames_of(rows: Sequence[Mapping[str, Mapping[str, Any] | None]], table: str = USERS) -> list[Frame]:
    """Return the frames of rows, each a part's columns by the part."""
    groups: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for index, row in enumerate(rows):
        for part, columns in row.items():
            if columns is not None:
                groups.setdefault((part, tuple(columns)), []).append(index)
    return [
        Frame(table, part, indexes, {name: [(rows[index][part] or {})[name] for index in indexes] for name in names})
        for (part, names), indexes in groups.items()
    ]


def told(breaches: Sequence[Breach] | Any) -> list[tuple[Any, ...]]:
    """Return kind, row, column and value of breaches."""
    return [(breach.kind.removeprefix("policy."), breach.row, breach.column + breach.path, breach.value) for breach in breaches]
