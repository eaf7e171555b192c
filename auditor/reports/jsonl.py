"""Every finding as one JSON object a line, complete; the last line is the summary."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import IO

import orjson

from auditor.model import Finding, Summary
from auditor.protocols import Report
from auditor.reports.record import FindingRecord, SummaryRecord, finding_record, summary_record

_UNSAFE = re.compile("[^ -~]")


class JsonlReport:
    """Stream findings as given. Printable ASCII only: a name cannot hide a control or a direction override in the file."""

    kind = "jsonl"

    def write(self, findings: Iterable[Finding], summary: Summary, out: IO[str]) -> None:
        """Write one line a finding and the summary; see `auditor.protocols.Report`."""
        for finding in findings:
            out.write(_line(finding_record(finding)) + "\n")
        out.write(_line(summary_record(summary)) + "\n")


def _line(record: FindingRecord | SummaryRecord) -> str:
    """Write a record as JSON. The standard library takes ten times as long, most of it for the remedy."""
    try:
        line = orjson.dumps(record).decode()
    except orjson.JSONEncodeError:  # a name that holds half of a surrogate pair
        line = json.dumps(record, separators=(",", ":"))
    return line if line.isascii() and "\x7f" not in line else _UNSAFE.sub(_escape, line)


def _escape(match: re.Match[str]) -> str:
    """Write a character as JSON escapes it; outside of its strings JSON has none of these."""
    return json.dumps(match[0])[1:-1] if match[0] != "\x7f" else "\\u007f"


REPORT: Report = JsonlReport()
