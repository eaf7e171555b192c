"""What policies say of one table on its way to one destination, and what breaks it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, NamedTuple

from auditor.model import Severity
from auditor.names import NAMELESS
from auditor.policies.breach import (
    FORBIDDEN_COLUMN,
    ROW,
    ROW_ERROR,
    SHAPE,
    UNKNOWN_COLUMN,
    UNKNOWN_TABLE,
    Breach,
    Decision,
    PolicyText,
)
from auditor.policies.clauses import KEYS, Clauses
from auditor.policies.column_check import ColumnCheck
from auditor.policies.compiling import Declared, Unlisted
from auditor.policies.inside import Inside
from auditor.policies.json_path import steps_of
from auditor.policies.row_rules import PARTS, Condition, Rows, cap_of
from auditor.policies.texts import text_of_breach
from auditor.protocols import Frame

#: Different member sets of rows for which what is to be checked is remembered.
_MOST_PLANS = 1024
_LEVELS = {"report": Severity.INFO, "alert": Severity.MEDIUM}


class _Check(NamedTuple):
    """A column to check, and how severe a value of another form is; a null in it says nothing to an attacker."""

    column: str
    check: ColumnCheck
    severity: Severity


@dataclass(frozen=True)
class _Plan:
    """What is to be done with frames of the same columns."""

    unknown: tuple[str, ...]
    forbidden: tuple[tuple[str, Severity], ...]
    missing: tuple[tuple[str, Severity], ...]
    checks: tuple[_Check, ...]
    inside: tuple[tuple[str, Inside], ...]

    @cached_property
    def columns(self) -> frozenset[str]:
        """Return the columns whose values are looked at."""
        names = (
            *(name for name, _ in self.forbidden),
            *(check.column for check in self.checks),
            *(name for name, _ in self.inside),
        )
        return frozenset(names)

    @property
    def idle(self) -> bool:
        """Tell whether there is nothing to do."""
        return not (self.unknown or self.forbidden or self.missing or self.checks or self.inside)


class TablePolicy:
    """The policies of one table. It holds no state but what it remembers of column names."""

    def __init__(
        self,
        table: str,
        clauses: Clauses,
        conditions: Sequence[Condition],
        unknown_columns: Unlisted | None,
        unknown_table: Unlisted | None,
    ) -> None:
        """Take what is about the table; with ``unknown_table`` nothing is, which is itself to be told."""
        self.table = table
        self._clauses, self._conditions = clauses, conditions
        self._unknown_columns, self._unknown_table = unknown_columns, unknown_table
        self._plans: dict[tuple[str, tuple[str, ...]], _Plan] = {}
        self._judging = [entry for entry in clauses.entries if _judges(entry.said, clauses)]
        self._exact = sorted({entry.column.text for entry in self._judging if entry.column.exact and not entry.path.text})
        self._caps = [condition for condition in conditions if cap_of(condition) is not None]
        self._rules = [condition for condition in conditions if cap_of(condition) is None]

    def wanted(self, names: tuple[str, ...]) -> frozenset[str]:
        """Return which columns of a row with these will be looked at, in any part of the envelope."""
        if self._unknown_table is not None:
            return frozenset()
        seen = [one.column for condition in self._conditions for one in condition.seen]
        if None in seen:
            return frozenset(names)
        return frozenset(name for name in names if name in seen).union(*(self._plan(part, names).columns for part in PARTS))

    def judge(self, frames: Sequence[Frame]) -> Iterator[Breach]:
        """
        Yield what breaks the policy in the frames of this table in one batch.

        Values come one by one; what a frame's columns alone tell comes once a frame, with its first row.
        """
        rows = Rows(frames) if self._conditions and self._unknown_table is None else None
        caps = self._caps_of(rows) if rows is not None and self._caps else {}
        if not caps:
            yield from self._breaches(frames, rows)
            return
        for breach in self._breaches(frames, rows):
            cap = caps.get(breach.row)
            yield breach if cap is None or cap >= breach.severity else breach._replace(severity=cap)

    def caps(self, frames: Sequence[Frame]) -> Mapping[int, Severity]:
        """
        Return, for rows that a rule with an effect is about, the severity that any finding in them has at most.

        A record that carries several rows is capped only where all of them are, at the highest.
        """
        return self._caps_of(Rows(frames)) if self._caps else {}

    def _caps_of(self, rows: Rows) -> Mapping[int, Severity]:
        """Return what rows are capped at."""
        capped: dict[tuple[int, int], Severity] = {}
        for condition in self._caps:
            cap = cap_of(condition)
            assert cap is not None
            for met in rows.met(condition):
                if met.known:
                    name = met.row, met.ordinal
                    capped[name] = min(cap, capped.get(name, cap))
        return rows.whole(capped)

    def _breaches(self, frames: Sequence[Frame], rows: Rows | None) -> Iterator[Breach]:
        """Yield what breaks the policy, as severe as the files say."""
        for frame in frames:
            if not len(frame.rows):
                continue
            if self._unknown_table is not None:
                severity = _LEVELS[self._unknown_table.level]
                yield Breach(UNKNOWN_TABLE, frame.rows[0], frame.table, frame.part, "", "", None, severity, len(frame.rows))
                continue
            plan = self._plan(frame.part, tuple(frame.columns))
            if not plan.idle:
                yield from self._frame(frame, plan)
        if rows is not None:
            yield from self._row_breaches(rows, frames[0].table if frames else self.table)

    def _frame(self, frame: Frame, plan: _Plan) -> Iterator[Breach]:
        """Yield what breaks the policy in one frame."""
        table, part, rows = frame.table, frame.part, frame.rows
        for breach in self._names(table, part, rows[0], plan):
            yield breach._replace(rows=len(rows))
        for name, severity in plan.forbidden:
            texts = Inside.texts(frame.columns[name])
            yield from (Breach(FORBIDDEN_COLUMN, rows[index], table, part, name, "", text, severity) for index, text in texts)
        for name, check, severity in plan.checks:
            for index, text in check.bad(frame.columns[name]):
                shown = severity if text else min(severity, Severity.LOW)
                yield Breach(SHAPE, rows[index], table, part, name, "", text, shown)
        for name, inside in plan.inside:
            for kind, index, path, text, severity, count in inside.bad(frame.columns[name]):
                yield Breach(kind, rows[index], table, part, name, path, text, severity, count)

    def _names(self, table: str, part: str, row: int, plan: _Plan) -> Iterator[Breach]:
        """Yield what the names of columns alone tell."""
        for name in plan.unknown:
            assert self._unknown_columns is not None
            yield Breach(UNKNOWN_COLUMN, row, table, part, name, "", None, _LEVELS[self._unknown_columns.level])
        for name, severity in plan.forbidden:
            yield Breach(FORBIDDEN_COLUMN, row, table, part, name, "", None, severity)
        for name, severity in plan.missing:
            yield Breach(SHAPE, row, table, part, name, "", None, severity)

    def judge_names(self, names: Sequence[str]) -> Iterator[Breach]:
        """Yield what columns by themselves break, before there is any row."""
        if self._unknown_table is not None:
            yield Breach(UNKNOWN_TABLE, 0, self.table, "after", "", "", None, _LEVELS[self._unknown_table.level])
        else:
            yield from self._names(self.table, "after", 0, self._plan("after", tuple(names)))

    def _row_breaches(self, rows: Rows, table: str) -> Iterator[Breach]:
        """Yield the rows that meet a condition; once for each part, those about which it cannot be told."""
        for condition in self._rules:
            severity = Severity.of(condition.rule.severity or "medium")
            found = list(rows.met(condition))
            untold: dict[str, list[int]] = {}
            for met in found:
                if not met.known:
                    untold.setdefault(met.part, []).append(met.row)
            for part, errors in untold.items():
                kind = f"{ROW_ERROR}{condition.rule.name}"
                yield Breach(kind, min(errors), table, part, "", "", None, Severity.INFO, len(errors))
            for met in found:
                if met.known:
                    yield Breach(condition.kind, met.row, table, met.part, "", "", None, severity)

    def _plan(self, part: str, names: tuple[str, ...]) -> _Plan:
        """Return what is to be done with frames of these columns."""
        known = self._plans.get((part, names))
        if known is None:
            if len(self._plans) >= _MOST_PLANS:  # rows of one table may have any members
                self._plans.clear()
            known = self._plans[part, names] = self._planned(part, names)
        return known

    def _planned(self, part: str, names: tuple[str, ...]) -> _Plan:
        """Look up every column, and what ought to be there."""
        unknown, forbidden, checks, inside = [], [], [], []
        watched = self._unknown_columns is not None and part in PARTS
        for name in names:
            clauses = self._clauses.of(name)
            if not clauses:
                if watched and not (part == "key" and NAMELESS.fullmatch(name)):
                    unknown.append(name)
                continue
            inner = Inside(self._clauses, name)
            if self._forbids(name):
                forbidden.append((name, inner.severity(())))
                continue
            declared = self._declared(name)
            if declared is not None:
                checks.append(_Check(name, declared.check, inner.severity(())))
            if inner.judges:
                inside.append((name, inner))
        missing = [
            (name, self._missing_severity(name)) for name in self._exact if part == "after" and self._is_missing(name, names)
        ]
        return _Plan(tuple(unknown), tuple(forbidden), tuple(missing), tuple(checks), tuple(inside))

    def _forbids(self, column: str) -> bool:
        won = self._clauses.won_here("forbid", column, ())
        return won is not None and bool(won.value)

    def _declared(self, column: str) -> Declared | None:
        won = self._clauses.won_here("shape", column, ())
        return won.value if won is not None else None

    def _is_missing(self, column: str, names: Collection[str]) -> bool:
        """Tell whether a column that a policy names is not there and ought to be. A glob names none."""
        if column in names or self._forbids(column):
            return False
        won = self._clauses.won_here("shape", column, ())
        return won is not None and won.entry.column.exact and not won.value.optional

    def _missing_severity(self, column: str) -> Severity:
        return min(Severity.LOW, Inside(self._clauses, column).severity(()))

    def allows(self, rule_id: str, column: str, path: str, today: date) -> str | None:
        """Return the reason why a rule may match here, None if it may not or no longer may."""
        won = self._clauses.won("allow", column, steps_of(path))
        for allow in won.value if won is not None else ():
            if fnmatchcase(rule_id, allow.rule) and (allow.expires is None or today < allow.expires):
                return str(allow.reason)
        return None

    @property
    def unlisted(self) -> bool:
        """Tell whether no policy names the table: its rows need not be decoded to say so."""
        return self._unknown_table is not None

    def text(self, kind: str, column: str, path: str, *, scrubbed: bool = False) -> PolicyText | None:
        """
        Return what a finding of a kind at a place says; None if no clause says so any more.

        A place whose names were ``scrubbed``, since they hold a secret, is no longer one that a clause is about.
        """
        if kind == UNKNOWN_TABLE and self._unknown_table is not None:
            return text_of_breach(kind, self._unknown_table.place.source, column, path)
        if kind == UNKNOWN_COLUMN and self._unknown_columns is not None:
            return text_of_breach(kind, self._unknown_columns.place.source, column, path)
        for prefix in (ROW, ROW_ERROR):
            if kind.startswith(prefix):
                condition = next((one for one in self._rules if one.rule.name == kind.removeprefix(prefix)), None)
                if condition is None:
                    return None
                rule = condition.rule
                text = text_of_breach(kind, condition.place.source, column, path, named=rule.message or rule.name)
                return text._replace(remedy=rule.remedy or text.remedy, owner=rule.owner or "")
        steps = steps_of(path)
        won = self._clauses.won_here("shape" if kind == SHAPE else "forbid", column, steps)
        if not self._clauses.entries or (won is None and not scrubbed):
            return None
        source = (won.entry if won else self._clauses.entries[0]).place.source
        named = ", ".join(won.value.names) if won and kind == SHAPE else ""
        text = text_of_breach(kind, source, column, path, named=named)
        remedy, owner = (self._clauses.won(key, column, steps) for key in ("remedy", "owner"))
        return text._replace(remedy=remedy.value if remedy else text.remedy, owner=owner.value if owner else "")

    def decisions(self, column: str, path: str = "") -> Iterator[Decision]:
        """Yield all that policies say of a column or a path inside it, and which of it holds: the most specific first."""
        steps = steps_of(path)
        for key in KEYS:
            find = self._clauses.won_here if key in ("shape", "forbid") else self._clauses.won
            won = find(key, column, steps)
            for entry in self._clauses.of(column):
                here = len(entry.path.steps) == len(steps) or key not in ("shape", "forbid")
                if key in entry.said and here and entry.path.covers(steps):
                    yield Decision(key, _shown(entry.said[key]), entry.lines[key], won is not None and entry is won.entry)

    def row_decisions(self, column: str) -> Iterator[Decision]:
        """Yield the conditions on rows that look at a column."""
        for condition in self._conditions:
            if any(seen.column in (None, column) for seen in condition.seen):
                yield Decision(f"row rule {condition.rule.name}", condition.rule.when, condition.where, holds=True)


def _judges(said: Mapping[str, Any], clauses: Clauses) -> bool:
    """Tell whether a clause says anything that values are judged by."""
    tagged = [clauses.tags[name].said for name in said.get("tags", ())]
    return any("shape" in one or one.get("forbid") for one in (said, *tagged))


def _shown(value: Any) -> object:
    """Return what a clause says as its file says it."""
    return value.names if isinstance(value, Declared) else value
