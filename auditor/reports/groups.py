"""Findings gathered by place and rule, as a reader thinks of them, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from auditor.model import Confidence, Finding, Severity


@dataclass(frozen=True, slots=True)
class Group:
    """
    All findings of one rule at one place.

    ``first`` is the first one that is not suppressed, else the first. ``findings``, ``occurrences`` and ``confidence``
    (the highest) leave out suppressed findings; ``suppressed`` counts those.
    """

    first: Finding
    findings: int
    occurrences: int
    confidence: Confidence
    suppressed: int

    def fails(self, bar: Severity) -> bool:
        """Tell whether this makes the exit code 1: at or above the bar, and more than a guess."""
        return self.findings > 0 and self.first.severity >= bar and self.confidence > Confidence.LOW


def grouped(findings: Iterable[Finding]) -> Iterator[Group]:
    """Gather a sorted stream of findings; only one group is held at a time."""
    for _, members in groupby(findings, key=_place_and_rule):
        yield _gather(members)


def _place_and_rule(finding: Finding) -> tuple[Severity, str, str, str, str]:
    """Return what makes two findings members of one group."""
    return finding.severity, finding.table, finding.column, finding.path, finding.rule_id


def _gather(members: Iterator[Finding]) -> Group:
    """Count one group."""
    first = next(members)
    count = occurrences = suppressed = 0
    confidence = Confidence.LOW
    for finding in _chain(first, members):
        if finding.suppressed is not None:
            suppressed += 1
            continue
        if not count:
            first = finding
        count += 1
        occurrences += finding.occurrences
        confidence = max(confidence, finding.confidence)
    return Group(first, count, occurrences, confidence, suppressed)


def _chain(first: Finding, rest: Iterator[Finding]) -> Iterator[Finding]:
    """Put the first one back in front."""
    yield first
    yield from rest
