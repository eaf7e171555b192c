"""Findings read back from a jsonl report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from auditor.errors import ConfigError
from auditor.model import SCHEMA_VERSION, Confidence, Evidence, Exposure, Finding, Severity


def read_findings(path: Path) -> Iterator[Finding]:
    """Yield the findings of a jsonl report in its order; raise `ConfigError` with the line of what is none."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    record = json.loads(line)
                    if record["schema_version"] != SCHEMA_VERSION:
                        raise ConfigError("was written by another version", where=f"{path}:{number}", fix="scan again")
                    if record["record"] == "finding":
                        yield _finding(record)
                except (ValueError, KeyError, TypeError):
                    raise ConfigError(
                        "is no line of a jsonl report", where=f"{path}:{number}", fix="--report jsonl=FILE writes one"
                    ) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from None


def _finding(record: dict[str, Any]) -> Finding:
    """Return the finding of one line."""
    evidence = record["evidence"]
    return Finding(
        severity=Severity.of(record["severity"]),
        confidence=Confidence.of(record["confidence"]),
        evidence=Evidence(
            evidence["redacted"],
            evidence["length"],
            evidence["alphabet"],
            tuple(evidence["decoded_by"]),
            tuple(evidence.get("held_by", ())),  # reports of earlier versions have none
        ),
        exposures=tuple(
            Exposure(seen["kind"], seen["uri"], seen["part"], seen["row"], seen["row_key"], seen["updated"], seen["count"])
            for seen in record["exposures"]
        ),
        **{name: record[name] for name in _PLAIN},
    )


_PLAIN = (
    "finding_id",
    "secret_id",
    "rule_id",
    "policy_id",
    "title",
    "kind",
    "table",
    "column",
    "path",
    "occurrences",
    "distinct",
    "exposures_total",
    "first_seen",
    "last_seen",
    "gains",
    "remedy",
    "suppressed",
)
