"""
Wrapped messages with the same members, parsed by what is known of them.

Members that nobody looks at are checked and stepped over, not made: half the time of parsing all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
import orjson

#: Kinds of messages whose parsers are kept.
_MOST_KINDS = 256


def parsed(text: bytes) -> object:
    """
    Parse JSON: integers of any size as they are, invalid UTF-8 replaced. Raise `orjson.JSONDecodeError`, which tells where.

    `orjson` turns integers over 64 bits into floats, and DECIMAL columns hold such.
    """
    try:
        return msgspec.json.decode(text)
    except UnicodeDecodeError:
        replaced = text.decode("utf-8", "replace").encode()
        return orjson.loads(replaced) if text == replaced else parsed(replaced)
    except (msgspec.DecodeError, RecursionError):
        return orjson.loads(text)


class Kind:
    """The messages whose rows have these columns now and before, or null; of columns not ``wanted`` only the bytes are kept."""

    def __init__(self, after: tuple[str, ...], before: tuple[str, ...], wanted: frozenset[str]) -> None:
        """Prepare the parser."""
        self._wanted = wanted
        self._names = {"after": after, "before": before}
        rows = _columns(after, wanted)
        previous = rows if before == after else _columns(before, wanted)
        others: list[tuple[str, Any, Any]] = [
            (name, msgspec.Raw, msgspec.Raw()) for name in ("updated", "mvcc_timestamp", "op", "ts_ns")
        ]
        members: list[Any] = [("after", rows | None), ("before", previous | None, None), ("key", Any, None), *others]
        self._parser = msgspec.json.Decoder(msgspec.defstruct("Message", members, forbid_unknown_fields=True, gc=False))

    def messages(self, lines: bytes) -> Sequence[Any] | None:
        """Parse JSON lines into messages with ``after``, ``before`` and ``key``; None if some are not of this kind."""
        try:
            return self._parser.decode_lines(lines)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def columns(self, part: str, rows: Sequence[Any]) -> Mapping[str, Sequence[object]]:
        """Return the columns of rows that are a part of such messages."""
        return _Columns(self._names[part], self._wanted, rows)

    def place(self, column: str) -> Callable[[Any], object]:
        """Return what takes a wanted column out of a row of ``after``, or of either part if both have the same columns."""
        return attrgetter(f"c{self._names['after'].index(column)}")

    def values(self, column: str, rows: Sequence[Any]) -> list[object]:
        """Return a wanted column's values, of rows as in `place`."""
        return list(map(self.place(column), rows))


@lru_cache(maxsize=_MOST_KINDS)
def kind_of(after: tuple[str, ...], before: tuple[str, ...], wanted: frozenset[str]) -> Kind:
    """Return a kind of messages."""
    return Kind(after, before, wanted)


def _columns(names: tuple[str, ...], wanted: frozenset[str]) -> Any:
    """Return the type of rows with exactly these columns."""
    fields = [(f"c{index}", Any if name in wanted else msgspec.Raw) for index, name in enumerate(names)]
    rename = {field: name for (field, _), name in zip(fields, names, strict=True)}
    return msgspec.defstruct("Columns", fields, rename=rename, forbid_unknown_fields=True, gc=False)


class _Columns(Mapping[str, Sequence[object]]):
    """Columns that are taken out of their rows when they are asked for."""

    def __init__(self, names: tuple[str, ...], wanted: frozenset[str], rows: Sequence[Any]) -> None:
        self._names, self._wanted, self._rows = names, wanted, rows

    def __getitem__(self, name: str) -> Sequence[object]:
        try:
            index = self._names.index(name)
        except ValueError:
            raise KeyError(name) from None
        values = map(attrgetter(f"c{index}"), self._rows)
        return list(values) if name in self._wanted else [parsed(bytes(value)) for value in values]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names
