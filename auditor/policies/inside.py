"""What is judged inside a column that holds JSON, path by path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from auditor.leaves import member
from auditor.model import Severity
from auditor.policies.breach import FORBIDDEN_COLUMN, SHAPE
from auditor.policies.clauses import Clauses
from auditor.policies.column_check import Bad, ColumnCheck, text_of
from auditor.policies.json_path import json_of, nodes, steps_of

#: Paths of a column about which what is to be done is remembered.
_MOST_PATHS = 4096


class BadInside(NamedTuple):
    """Something inside a value that breaks a policy: where it is in the column, and the path."""

    kind: str
    at: int
    path: str
    text: str | None
    severity: Severity
    rows: int = 1


class _Rule(NamedTuple):
    """What is to be done with the values at a path; without a check they are forbidden."""

    check: ColumnCheck | None
    severity: Severity


class Inside:
    """The clauses about one column, by the paths inside its values."""

    def __init__(self, clauses: Clauses, column: str) -> None:
        """Take the clauses of the table."""
        self._clauses, self._column = clauses, column
        paths = [
            entry.path for entry in clauses.of(column) if entry.path.text and ("shape" in entry.said or "forbid" in entry.said)
        ]
        self.judges = bool(paths)
        self._required = [(path.steps, path.required) for path in paths if path.required is not None]
        self._rules: dict[str, _Rule | None] = {}
        self._members: dict[str, tuple[str, ...]] = {}

    def severity(self, steps: tuple[str, ...]) -> Severity:
        """Return how severe a breach at a path is."""
        won = self._clauses.won("severity", self._column, steps)
        return won.value if won is not None else Severity.HIGH

    @staticmethod
    def texts(values: Sequence[object]) -> Iterator[Bad]:
        """Yield the texts of values that are no nulls."""
        for index, value in enumerate(values):
            text = text_of(value)
            if text is not None:
                yield Bad(index, text)

    def bad(self, values: Sequence[object]) -> Iterator[BadInside]:
        """Yield what breaks the policy inside the values: by path, and there in order."""
        found: dict[str, tuple[list[int], list[object]]] = {}
        missing: dict[str, list[int]] = {}
        for index, value in enumerate(values):
            whole = json_of(value)
            if type(whole) is not dict and type(whole) is not list:
                continue
            for path, node in nodes(whole):
                if path != "$" and self._rule(path) is not None:
                    indexes, inner = found.setdefault(path, ([], []))
                    indexes.append(index)
                    inner.append(node)
                if type(node) is dict:
                    for name in self._must_have(path):
                        if name not in node:
                            missing.setdefault(member(path, name), []).append(index)
        for path, (indexes, inner) in found.items():
            rule = self._rule(path)
            assert rule is not None
            yield from _judged(rule, path, indexes, inner)
        for path, indexes in missing.items():
            severity = min(Severity.LOW, self.severity(steps_of(path)))
            yield BadInside(SHAPE, indexes[0], path, None, severity, len(set(indexes)))

    def _rule(self, path: str) -> _Rule | None:
        """Return what is to be done at a path."""
        if path in self._rules:
            return self._rules[path]
        if len(self._rules) >= _MOST_PATHS:  # members may be named by data
            self._rules.clear()
        steps = steps_of(path)
        forbid = self._clauses.won_here("forbid", self._column, steps)
        shape = self._clauses.won_here("shape", self._column, steps)
        rule = None
        if forbid is not None and forbid.value:
            rule = _Rule(None, self.severity(steps))
        elif shape is not None:
            rule = _Rule(shape.value.check, self.severity(steps))
        self._rules[path] = rule
        return rule

    def _must_have(self, path: str) -> tuple[str, ...]:
        """Return the members that an object at a path must have."""
        known = self._members.get(path)
        if known is None:
            if len(self._members) >= _MOST_PATHS:
                self._members.clear()
            names = {name for steps, (above, name) in self._required if above == path and self._must(steps)}
            known = self._members[path] = tuple(sorted(names))
        return known

    def _must(self, steps: tuple[str, ...]) -> bool:
        """Tell whether there must be something at a path."""
        forbid = self._clauses.won_here("forbid", self._column, steps)
        shape = self._clauses.won_here("shape", self._column, steps)
        return shape is not None and not shape.value.optional and not (forbid and forbid.value)


def _judged(rule: _Rule, path: str, indexes: Sequence[int], values: Sequence[object]) -> Iterator[BadInside]:
    """Yield what breaks a policy among the values at one path."""
    if rule.check is None:
        yield BadInside(FORBIDDEN_COLUMN, indexes[0], path, None, rule.severity, len(set(indexes)))
        for index, text in Inside.texts(values):
            yield BadInside(FORBIDDEN_COLUMN, indexes[index], path, text, rule.severity)
        return
    for index, text in rule.check.bad(values):
        severity = rule.severity if text else min(rule.severity, Severity.LOW)
        yield BadInside(SHAPE, indexes[index], path, text, severity)
