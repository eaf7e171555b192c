"""The JSON Schema of one line of a jsonl report, made from the record types."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, TypeAdapter

from auditor.reports.record import FindingRecord, SummaryRecord


def finding_schema() -> dict[str, Any]:
    """Return what `schemas/finding.schema.json` holds: a finding or a summary, told apart by ``record``."""
    line = TypeAdapter[Any](Annotated[FindingRecord | SummaryRecord, Discriminator("record")])
    return line.json_schema()
