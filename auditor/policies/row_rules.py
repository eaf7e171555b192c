"""
Conditions across the columns of a row, in CEL (the Common Expression Language).

An evaluation takes 18 us, as long as scanning 5 KB. Most conditions only ask whether columns are null, so rows are put together
by what the condition can see of them, column by column, and each kind is evaluated once.

A condition that asks for a column which the row does not have is not met; ``has(after.column)`` tells.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from auditor.errors import ConfigError
from auditor.model import Severity
from auditor.policies.clauses import Place
from auditor.policies.form import RowRule
from auditor.protocols import Frame

PARTS = ("after", "before", "key")
_KNOWN = frozenset((*PARTS, "op"))
_STRING = r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'"""
_TOKEN = re.compile(
    rf"(?P<string>{_STRING})|(?<![\w.])(?P<part>after|before|key)\b(?:\s*\.\s*(?P<name>[A-Za-z_]\w*)|\[\s*(?P<quoted>{_STRING})\s*\])?"
    r"|(?P<other>\w+|&&|\|\||[!=<>]=|\S)"
)
#: What may stand before and after ``column == null`` where that is all that is asked of the column.
_BEFORE = frozenset(("", "(", "&&", "||", "?", ":", ","))
_AFTER = frozenset(("", ")", "&&", "||", "?", ":", ","))
_BOUND = re.compile(r"\.\s*(?:all|exists|exists_one|existsOne|map|filter)\s*\(\s*(\w+)\s*,")
_ABSENT = ("absent",)


class Seen(NamedTuple):
    """What a condition sees of a part: a column (None: all of them), and whether only if it is there and null."""

    part: str
    column: str | None
    nullness: bool


@dataclass(frozen=True)
class Condition:
    """A compiled condition."""

    rule: RowRule
    place: Place
    where: str

    def __post_init__(self) -> None:
        """Compile it; raise `ConfigError` with the line for what is no CEL or names what a row does not have."""
        references = self._program.references()
        unknown = set(references["variables"]) - _KNOWN - set(_BOUND.findall(self.rule.when))
        if unknown:
            raise ConfigError(
                f"row rule {self.rule.name} names {min(unknown)}",
                where=self.where,
                fix=f"a condition sees {', '.join(sorted(_KNOWN))}",
            )
        try:
            self._program.execute({"after": {}, "before": {}, "key": {}, "op": "upsert"})
        except RuntimeError as error:
            raise ConfigError(f"row rule {self.rule.name}: {str(error).partition('.')[0]}", where=self.where) from None
        except Exception:  # noqa: BLE001, S110 - an empty row has none of the columns that it asks for
            pass

    @cached_property
    def _program(self) -> Any:
        import cel

        try:
            return cel.compile(self.rule.when)
        except ValueError as error:
            said = str(error).partition("ERROR: <input>:")[2].partition("\n")[0] or "is not CEL"
            raise ConfigError(f"row rule {self.rule.name}: the condition is not CEL, at {said}", where=self.where) from None

    @property
    def kind(self) -> str:
        """Return the kind of its breaches."""
        return f"policy.row.{self.rule.name}"

    @cached_property
    def seen(self) -> tuple[Seen, ...]:
        """Return all that the condition can see of a row, from its text."""
        text = self.rule.when
        if '"""' in text or "'''" in text:
            return tuple(Seen(part, None, nullness=False) for part in PARTS)
        tokens = list(_TOKEN.finditer(text))
        found: dict[tuple[str, str | None], bool] = {}
        for index, token in enumerate(tokens):
            if token["part"]:
                name = token["name"] or (token["quoted"] and _unquoted(token["quoted"])) or None
                nullness = name is not None and _asks_null(tokens, index)
                found[token["part"], name] = nullness and found.get((token["part"], name), True)
        return tuple(Seen(part, name, nullness) for (part, name), nullness in found.items())

    def met(self, row: Mapping[str, Any]) -> bool | None:
        """Tell whether a row meets the condition; None if that cannot be told."""
        try:
            result = self._program.execute(row)
        except KeyError:
            return False
        except Exception:  # noqa: BLE001 - whatever the library raises may quote the row
            return None
        return result if type(result) is bool else None

    def __getstate__(self) -> dict[str, Any]:
        """Go to another process without the program, which is compiled again there."""
        return {"rule": self.rule, "place": self.place, "where": self.where}


def _unquoted(text: str) -> str:
    """Return what a quoted name says; one with escapes is left to CEL."""
    return "" if "\\" in text else text[1:-1]


def _asks_null(tokens: Sequence[re.Match[str]], index: int) -> bool:
    """Tell whether a column is only asked for being there or null."""

    def text(at: int) -> str:
        return tokens[at][0] if 0 <= at < len(tokens) else ""

    if text(index - 2) == "has" and text(index - 1) == "(" and text(index + 1) == ")":
        return True
    compared = text(index + 1) in ("==", "!=") and text(index + 2) == "null"
    return compared and text(index - 1) in _BEFORE and text(index + 3) in _AFTER


class Met(NamedTuple):
    """A row that meets a condition (or about which that cannot be told), and the part that stands for it."""

    row: int
    ordinal: int
    part: str
    known: bool


class Rows:
    """The rows of one table in one batch, joined over the parts of the envelope."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        """Take all frames of the table."""
        self._frames = [frame for frame in frames if frame.part in PARTS]
        # A record may carry several rows: they are told apart by their order, and where a part lacks some of them, not at all.
        self._muddled: set[int] = set()
        self._numbered = False
        self._ids: list[Sequence[Hashable]] = [frame.rows for frame in self._frames]
        if any(len(set(frame.rows)) < len(frame.rows) for frame in self._frames):
            self._number()
            self._numbered = True
        self._places: dict[str, dict[Hashable, tuple[int, int]]] = {}

    def _number(self) -> None:
        """Give the rows of each record numbers."""
        counts: dict[str, Counter[int]] = {part: Counter() for part in PARTS}
        self._ids = []
        for frame in self._frames:
            count = counts[frame.part]
            ids: list[Hashable] = []
            for row in frame.rows:
                ids.append((row, count[row]))
                count[row] += 1
            self._ids.append(ids)
        present = [count for count in counts.values() if count]
        for row in set().union(*present):
            if len({count[row] for count in present if count[row]}) > 1:  # a part that none of them has is no question
                self._muddled.add(row)

    def _placed(self, part: str) -> dict[Hashable, tuple[int, int]]:
        """Return where each row of a part is: its frame, and the index in it."""
        known = self._places.get(part)
        if known is None:
            known = self._places[part] = {
                name: (at, index)
                for at, frame in enumerate(self._frames)
                if frame.part == part
                for index, name in enumerate(self._ids[at])
            }
        return known

    def met(self, condition: Condition) -> Iterator[Met]:
        """Yield the rows that meet a condition, or about which that cannot be told."""
        joins = any(seen.part != "after" for seen in condition.seen) or "op" in condition.rule.when
        for at, frame in enumerate(self._frames):
            indexes = self._standing(at)
            if not indexes:
                continue
            op = "upsert" if frame.part == "after" else "delete"
            symbols = [self._symbols(seen, at, indexes) for seen in condition.seen]
            signatures: Sequence[Hashable] = list(zip(*symbols, strict=True)) if symbols else [()] * len(indexes)
            kinds = dict(zip(signatures, indexes, strict=True))
            verdicts = {signature: condition.met(self._row(at, index, op)) for signature, index in kinds.items()}
            unclear = joins and self._muddled
            if unclear or any(verdict is not False for verdict in verdicts.values()):
                for index, signature in zip(indexes, signatures, strict=True):
                    row = frame.rows[index]
                    verdict = None if unclear and row in self._muddled else verdicts[signature]
                    if verdict is not False:
                        name = self._ids[at][index]
                        yield Met(row, name[1] if isinstance(name, tuple) else 0, frame.part, known=verdict is not None)

    def whole(self, capped: Mapping[tuple[int, int], Severity]) -> Mapping[int, Severity]:
        """Return, for records of which every row is capped, the highest of its caps."""
        highest: dict[int, Severity] = {}
        for (row, _), cap in capped.items():
            highest[row] = max(cap, highest.get(row, cap))
        if not self._numbered:
            return highest
        standing = Counter(row for at, frame in enumerate(self._frames) for row in (frame.rows[i] for i in self._standing(at)))
        met = Counter(row for row, _ in capped)
        return {row: cap for row, cap in highest.items() if met[row] == standing[row]}

    def _standing(self, at: int) -> Sequence[int]:
        """Return the indexes of the rows that a frame stands for: all of ``after``, else those that no better part has."""
        part = self._frames[at].part
        better = PARTS[: PARTS.index(part)]
        taken = [self._placed(name) for name in better]
        if not any(taken):
            return range(len(self._frames[at].rows))
        return [index for index, name in enumerate(self._ids[at]) if not any(name in one for one in taken)]

    def _symbols(self, seen: Seen, at: int, indexes: Sequence[int]) -> Sequence[Hashable]:
        """Return, for each row, what a condition sees of one column: what differs for it differs here."""
        frame = self._frames[at]
        if seen.part == frame.part and seen.column is not None:
            values = frame.columns.get(seen.column)
            if values is None:
                return [_ABSENT] * len(indexes)
            standing = values if isinstance(indexes, range) else [values[index] for index in indexes]
            return [value is None for value in standing] if seen.nullness else list(map(_symbol, standing))
        places = self._placed(seen.part)
        ids = self._ids[at]
        return [self._symbol_at(seen, places.get(ids[index])) for index in indexes]

    def _symbol_at(self, seen: Seen, place: tuple[int, int] | None) -> Hashable:
        """Return what a condition sees of a row in another part."""
        if place is None:
            return _ABSENT
        frame, index = self._frames[place[0]], place[1]
        if seen.column is None:
            return tuple((name, _symbol(values[index])) for name, values in frame.columns.items())
        values = frame.columns.get(seen.column)
        if values is None:
            return _ABSENT
        return values[index] is None if seen.nullness else _symbol(values[index])

    def _row(self, at: int, index: int, op: str) -> Mapping[str, Any]:
        """Return one row as a condition sees it."""
        name = self._ids[at][index]
        row: dict[str, Any] = {"op": op}
        for part in PARTS:
            place = self._placed(part).get(name)
            row[part] = {}
            if place is not None:
                row[part] = {column: values[place[1]] for column, values in self._frames[place[0]].columns.items()}
        return row


def _symbol(value: object) -> Hashable:
    """Return what tells a value from others: 1, 1.0 and true are equal in Python, and not in CEL."""
    return (type(value).__name__, value) if isinstance(value, str | int | float) or value is None else repr(value)


def cap_of(condition: Condition) -> Severity | None:
    """Return the severity that findings in a row of this condition have at most; None if it is a breach by itself."""
    return Severity.of(condition.rule.effect) if condition.rule.effect is not None else None
