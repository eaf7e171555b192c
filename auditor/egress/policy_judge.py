"""Policies, asked about ways out."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.egress.judging import Clause
from auditor.policies import Policies
from auditor.policies.breach import FORBIDDEN_COLUMN, UNKNOWN_COLUMN, UNKNOWN_TABLE


class PolicyJudge:
    """The policies of a run."""

    def __init__(self, policies: Policies) -> None:
        """Take the policies."""
        self._policies = policies

    def maps(self, table: str, destinations: tuple[str, ...]) -> bool:
        """See `judging.Judge`."""
        return all(breach.kind != UNKNOWN_TABLE for breach in self._policies.judge_columns(table, (), destinations))

    def unmapped(self, table: str, columns: Sequence[str], destinations: tuple[str, ...]) -> list[str]:
        """See `judging.Judge`."""
        breaches = self._policies.judge_columns(table, columns, destinations)
        return [breach.column for breach in breaches if breach.kind == UNKNOWN_COLUMN]

    def clause(self, table: str, column: str, destinations: tuple[str, ...]) -> Clause | None:
        """See `judging.Judge`."""
        policy = self._policies.for_table(table, destinations)
        if policy is None:
            return None
        for breach in self._policies.judge_columns(table, (column,), destinations):
            if breach.kind == FORBIDDEN_COLUMN and breach.column == column:
                said = policy.text(FORBIDDEN_COLUMN, column, "")
                return Clause(True, (), breach.severity, said.policy_id if said is not None else "")
        shapes = next(
            (decision.value for decision in policy.decisions(column) if decision.key == "shape" and decision.holds), None
        )
        return Clause(False, tuple(map(str, shapes))) if isinstance(shapes, tuple | list) else None
