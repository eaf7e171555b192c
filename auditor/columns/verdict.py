"""What is said of a column."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from auditor.model import Confidence, Evidence, Severity


class Classification(StrEnum):
    """What a column holds."""

    RAW_TOKEN = "raw-token"
    HASH_OR_CIPHERTEXT = "hash-or-ciphertext"
    IDENTIFIER = "identifier"
    ORDINARY = "ordinary"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Counts:
    """
    What the sample of a column says about all of it.

    ``looked_at`` values were looked at. ``values`` (rows that have one) and ``distinct`` are estimates where the table has more
    rows than the sample. ``null_share`` counts rows where the column is NULL, empty or absent. Lengths are in characters:
    shortest, median and longest of those that were looked at.
    """

    looked_at: int
    values: int
    null_share: float
    distinct: int
    lengths: tuple[int, int, int]
    alphabet: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    One column (or a path in its JSON), judged. ``reasons`` are sentences without values.

    ``evidence`` describes the column as `auditor.redaction.evidence_of` describes a single secret: length and alphabet.
    """

    table: str
    column: str
    path: str
    classification: Classification
    confidence: Confidence
    severity: Severity
    kind: str
    reasons: tuple[str, ...]
    counts: Counts
    evidence: Evidence
