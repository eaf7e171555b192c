"""Alerts on standard output: as lines of JSON for a container's log or a pipe, or as lines of text for a person."""

from __future__ import annotations

import sys
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict

from auditor.errors import AlertSinkUnavailable


class StdoutSettings(BaseModel):
    """Settings of the alert sink."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["stdout"] = "stdout"
    name: str = "stdout"
    format: Literal["json", "text"] = "json"


class StdoutAlerts:
    """See `auditor.alerts.AlertSink`."""

    def __init__(self, settings: StdoutSettings) -> None:
        """Print in the form that is set."""
        self._text = settings.format == "text"

    def send(self, event_id: str, body: str) -> None:
        """Print one line."""
        del event_id
        try:
            sys.stdout.write((line_of(orjson.loads(body)) if self._text else body) + "\n")
            sys.stdout.flush()
        except OSError as error:
            raise AlertSinkUnavailable(f"standard output cannot be written: {error.strerror}") from None

    def close(self) -> None:
        """Leave standard output open."""


def line_of(record: Any) -> str:
    """Return an alert in one line: when, how bad, what, where."""
    data = record["data"]
    if "gap" in data:
        gap = data["gap"]
        place = gap["uri"] if gap["row"] is None else f"{gap['uri']} row {gap['row']}"
        return _printable(f"{record['timestamp']} COVERAGE {gap['cause']}: {gap['reason']} ({place}, feed {data['feed']})")
    finding = data["finding"]
    place = ".".join(filter(None, (finding["table"], finding["column"]))) + finding["path"].removeprefix("$")
    how = {"finding.reopened": " AGAIN", "finding.debt": " (debt)"}.get(record["type"], "")
    many = f", {finding['distinct']:,} secrets in this column" if finding["collapsed"] else ""
    row = finding["row_key"] or (str(finding["source"]["row"]) if finding["source"] else "?")
    return _printable(
        f"{record['timestamp']} {finding['severity'].upper()}{how} {finding['title']} in {place or 'text'}"
        f" ({finding['part']} of row {row}{many}) {finding['evidence']['redacted']} {finding['finding_id'][:20]}"
    )


def _printable(text: str) -> str:
    """Return a line that cannot move a terminal's cursor."""
    return "".join(character if character.isprintable() else " " for character in text)
