"""What the judges of a column conclude, before it is put into a verdict."""

from __future__ import annotations

from typing import NamedTuple

from auditor.columns.naming import Meaning
from auditor.columns.verdict import Classification
from auditor.model import Confidence, Severity


class Opinion(NamedTuple):
    """A classification, how sure it is, and why."""

    classification: Classification
    confidence: Confidence
    reasons: tuple[str, ...]
    severity: Severity = Severity.INFO


def ordinary(reason: str) -> Opinion:
    """Say that there is nothing to see."""
    return Opinion(Classification.ORDINARY, Confidence.HIGH, (reason,))


def raw(confidence: Confidence, meaning: Meaning, *reasons: str) -> Opinion:
    """Say that a column holds raw tokens."""
    return Opinion(Classification.RAW_TOKEN, confidence, reasons, meaning.severity)
