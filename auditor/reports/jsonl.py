"""Every finding as one JSON object a line, complete; the last line is the summary."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import IO

from auditor.model import Finding, Summary
from auditor.protocols import Report
from auditor.reports.record import finding_record, summary_record


class JsonlReport:
    """Stream findings as given. ASCII only: a name cannot hide a control or a direction override in the file."""

    kind = "jsonl"

    def write(self, findings: Iterable[Finding], summary: Summary, out: IO[str]) -> None:
        """Write one line a finding and the summary; see `auditor.protocols.Report`."""
        for finding in findings:
            out.write(json.dumps(finding_record(finding), separators=(",", ":")) + "\n")
        out.write(json.dumps(summary_record(summary), separators=(",", ":")) + "\n")


REPORT: Report = JsonlReport()
