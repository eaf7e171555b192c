"""
Where alerts go: one file for each kind of alert sink.

An alert sink sends one body and raises `AlertSinkUnavailable` (again later) or `AlertRejected` (never).
"""

from __future__ import annotations

from typing import Annotated, Protocol

from pydantic import Field

from auditor.alerts.jsonl import JsonlAlerts, JsonlSettings
from auditor.alerts.stdout import StdoutAlerts, StdoutSettings


class AlertSink(Protocol):
    """Sends alerts, one at a time, from one thread."""

    def send(self, event_id: str, body: str) -> None:
        """Deliver an alert's JSON text. Raise `AlertSinkUnavailable` or `AlertRejected`."""

    def close(self) -> None:
        """Let go of files and connections."""


AlertSettings = Annotated[StdoutSettings | JsonlSettings, Field(discriminator="kind")]


def open_alert_sink(settings: StdoutSettings | JsonlSettings) -> AlertSink:
    """Open a configured alert sink."""
    return StdoutAlerts(settings) if isinstance(settings, StdoutSettings) else JsonlAlerts(settings)
