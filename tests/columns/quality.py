"""
How often verdicts are right: ``python -m tests.columns.quality``.

Recall counts columns of raw tokens that are called so. A false verdict is a column of another kind that is called so; calling it
unclear raises no alarm. The seeds are others than those that rules were looked at with. Bounds are Wilson's, one-sided, 95 %.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from auditor.columns import Classification
from auditor.identity import AuditKey
from tests.columns.labelled import Kind, sample_of, verdict_on
from tests.columns.other_kinds import OTHER
from tests.columns.raw_kinds import RAW

#: Seeds that figures are reported with; smaller ones are for looking.
REPORTED = range(1000, 1020)
_Z = 1.6449


class Score(NamedTuple):
    """How many columns there were, how many were called raw tokens, and what was said of those that were wrong."""

    columns: int
    called: int
    wrong: Counter[str]


class Quality(NamedTuple):
    """Both sides, and how many kinds each has."""

    raw_kinds: int
    raw: Score
    other_kinds: int
    other: Score

    @property
    def recall(self) -> float:
        """Return the share of columns of raw tokens that are called so."""
        return self.raw.called / self.raw.columns

    @property
    def recall_bound(self) -> float:
        """Return what recall is at least, with 95 % confidence."""
        return lower_bound(self.raw.called, self.raw.columns)

    @property
    def false_per_500(self) -> float:
        """Return how many of 500 columns of other kinds are called raw tokens."""
        return 500 * self.other.called / self.other.columns


def lower_bound(hits: int, total: int) -> float:
    """Return Wilson's lower bound of a share, one-sided, 95 %."""
    share = hits / total
    centre = share + _Z**2 / (2 * total)
    margin = _Z * math.sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2))
    return (centre - margin) / (1 + _Z**2 / total)


def measure(seeds: Sequence[int], raw: Sequence[Kind] = RAW, other: Sequence[Kind] = OTHER) -> Quality:
    """Judge a column of each kind for each seed."""
    return Quality(len(raw), _score(raw, seeds, raw=True), len(other), _score(other, seeds, raw=False))


def _score(kinds: Iterable[Kind], seeds: Sequence[int], *, raw: bool) -> Score:
    """Judge columns of kinds that are all raw tokens, or none."""
    key = AuditKey(bytes(range(32)))
    columns = called = 0
    wrong: Counter[str] = Counter()
    for kind in kinds:
        for seed in seeds:
            sample = sample_of(kind, seed)
            verdict = verdict_on(sample, key)
            alarm = verdict.classification is Classification.RAW_TOKEN
            columns += 1
            called += alarm
            if alarm is not raw:
                wrong[f"{sample.place}{kind.path}: {verdict.classification}, {'; '.join(verdict.reasons)}"] += 1
    return Score(columns, called, wrong)


def report(found: Quality) -> str:
    """Say the figures, and what went wrong."""
    raw, other = found.raw, found.other
    lines = [
        f"raw tokens: {raw.columns} columns of {found.raw_kinds} kinds",
        f"  recall {found.recall:.4f}, at least {found.recall_bound:.4f}",
        f"others: {other.columns} columns of {found.other_kinds} kinds",
        f"  {other.called} false, {found.false_per_500:.2f} of 500",
    ]
    for label, score in (("missed", raw), ("false", other)):
        lines += [f"  {label} {times} x {what}" for what, times in score.wrong.most_common()]
    return "\n".join(lines)


def main() -> None:
    """Measure with the seeds that are reported, or those from and to a number."""
    seeds = range(*map(int, sys.argv[1:3])) if len(sys.argv) > 2 else REPORTED
    sys.stdout.write(report(measure(seeds)) + "\n")


if __name__ == "__main__":
    main()
