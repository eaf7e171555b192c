"""Whether a column's values have one of the shapes that are declared for it: all at once, one by one where some have not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from auditor.shapes import Shape
from auditor.shapes.shape import linear

#: A JSON null by itself, where a feed tells it from SQL NULL.
_JSON_NULL = {"__crdb_json_null__": True}
#: So few values are tried one by one.
_FEW = 8


class Bad(NamedTuple):
    """A value of another form: where it is in the column, and its text, None for a null."""

    at: int
    text: str | None


class ColumnCheck:
    """
    The shapes that a column may have, compiled.

    The joined values are matched by one expression on RE2, three times as fast as by `re` and in linear time; digests by the
    positions of line ends and the characters between, ten times as fast. That way values are only ever passed. One is refused by
    its own match alone, so the way that rows are cut into batches changes nothing.
    """

    def __init__(self, shapes: Sequence[Shape], *, null: bool) -> None:
        """Take the shapes, any of which will do, and whether a null will."""
        self.shapes = tuple(shapes)
        self.null = null
        self._blocks = tuple((alphabet.encode(), width) for shape in self.shapes for alphabet, width in shape.blocks)

    def bad(self, values: Sequence[object]) -> Iterator[Bad]:
        """Yield the values of none of the shapes, in order."""
        try:
            joined = "\n".join(values)  # type: ignore[arg-type]
        except TypeError:
            yield from self._mixed(values)
            return
        if not self._all(joined, len(values)):
            texts: Sequence[str] = values  # type: ignore[assignment]
            yield from (Bad(index, texts[index]) for index in self._search(texts, 0))

    def _mixed(self, values: Sequence[object]) -> Iterator[Bad]:
        """Yield those of a column with nulls, numbers, truth values or JSON."""
        if not self.null:
            yield from self._placed(values)
            return
        texts = [value for value in values if value is not None]
        try:
            joined = "\n".join(texts)  # type: ignore[arg-type]
        except TypeError:
            yield from self._placed(values)
            return
        if texts and not self._all(joined, len(texts)):
            yield from self._placed(values)

    def _placed(self, values: Sequence[object]) -> Iterator[Bad]:
        """Yield those of a column whose values must be looked at for what they are."""
        places: list[int] = []
        texts: list[str] = []
        nulls: list[int] = []
        for index, value in enumerate(values):
            text = text_of(value)
            if text is None:
                nulls.append(index)
            else:
                places.append(index)
                texts.append(text)
        found = [Bad(places[at], texts[at]) for at in self._search(texts, 0)]
        if not self.null:
            found += [Bad(index, None) for index in nulls]
            found.sort()
        yield from found

    def matches(self, text: str) -> bool:
        """Tell whether one text has one of the shapes."""
        return any(match(text) for match in self._matches)

    def _search(self, texts: Sequence[str], start: int) -> Iterator[int]:
        """Yield the indexes of texts without any of the shapes, by halves: few are bad, as a rule."""
        if len(texts) <= _FEW:
            matches = self.matches
            yield from (start + index for index, text in enumerate(texts) if not matches(text))
            return
        middle = len(texts) // 2
        for half, begin in ((texts[:middle], start), (texts[middle:], start + middle)):
            if not self._all("\n".join(half), len(half)):
                yield from self._search(half, begin)

    def _all(self, joined: str, count: int) -> bool:
        """Tell whether all of ``count`` joined texts are known to have one of the shapes; they may if this is false."""
        if not count or not self.shapes:
            return not count
        data = joined.encode("utf-8", "surrogatepass")
        ends = b"\n" * (count - 1)
        for alphabet, width in self._blocks:
            if (
                len(data) == count * (width + 1) - 1
                and data[width :: width + 1] == ends
                and data.translate(None, alphabet) == ends
            ):
                return True
        if self._lines is None or data.count(b"\n") != count - 1:
            return False
        return self._lines.fullmatch(data + b"\n") is not None

    @cached_property
    def _lines(self) -> Any:
        """Return the expression for joined texts, None where RE2 has no room for it."""
        try:
            return linear(f"(?:{'|'.join(shape.source for shape in self.shapes)})", lines=True)
        except ValueError:
            return None

    @cached_property
    def _matches(self) -> list[Any]:
        """Return what decides about one text: one expression for the named shapes, then those of owners."""
        sources = [source for shape in self.shapes if not shape.linear for source in (shape.source, shape.multiline) if source]
        named = [re.compile("|".join(sources), re.ASCII).fullmatch] if sources else []
        return named + [shape.fullmatch for shape in self.shapes if shape.linear]


def text_of(value: object) -> str | None:
    """
    Return a value as CockroachDB prints it where formats have no types, so that every format is judged alike.

    None for a null, of JSON or of SQL.
    """
    if type(value) is str:
        return value
    if value is None or value == _JSON_NULL:
        return None
    if type(value) is bool:
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
