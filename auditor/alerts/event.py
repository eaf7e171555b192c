"""
The body of an alert: one JSON object, the same for every alert sink. `schemas/alert.schema.json` is made from these types.

The outline is that of Standard Webhooks 1.0.0: ``type``, ``timestamp``, ``data``.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired

import orjson
from pydantic import ConfigDict, TypeAdapter, with_config
from typing_extensions import TypedDict

from auditor.reports.record import FindingRecord, finding_record
from auditor.state.outbox import Alert

ALERT_VERSION = 1
_CLOSED = ConfigDict(extra="forbid", use_attribute_docstrings=True)


@with_config(_CLOSED)
class CoverageGap(TypedDict):
    """Rows, payloads or columns that were not read or not scanned."""

    cause: Literal["lost", "quarantined", "unscanned"]
    """Never read; not of its format, and scanned as text; or known and not scanned."""
    uri: str
    """The topic, file or endpoint, or the shard that was lost."""
    reason: str
    row: int | None
    """Offset or number of the first of them."""
    count: int
    """How many of this cause and place came together; further ones of an hour are only counted."""


@with_config(_CLOSED)
class AlertData(TypedDict):
    """What happened. Either ``finding`` or ``gap`` is there."""

    feed: str
    """The name of the feed in the configuration."""
    finding: NotRequired[FindingRecord]
    """The finding as reports show it, with the exposures that this event added."""
    gap: NotRequired[CoverageGap]


@with_config(_CLOSED)
class AlertRecord(TypedDict):
    """One alert."""

    id: str
    """The same in every attempt to deliver this alert."""
    type: Literal["finding.opened", "finding.reopened", "finding.debt", "finding.withdrawn", "coverage.gap"]
    """
    `finding.debt` tells, once for a column, of secrets older than the moment from which each is told. `finding.withdrawn` takes
    back a column's finding that more rows have disproved.
    """
    schema_version: int
    timestamp: str
    """When it was recorded (RFC 3339, UTC)."""
    data: AlertData


def compose(alert: Alert) -> str:
    """Return the body of an alert."""
    data: AlertData = {"feed": alert.feed}
    if alert.finding is not None:
        data["finding"] = finding_record(alert.finding)
    if alert.gap is not None:
        data["gap"] = {
            "cause": alert.cause,  # type: ignore[typeddict-item]  # the state knows no others
            "uri": alert.gap.uri,
            "reason": alert.gap.reason,
            "row": alert.gap.row,
            "count": alert.count,
        }
    record: AlertRecord = {
        "id": alert.event_id,
        "type": alert.kind,  # type: ignore[typeddict-item]  # ditto
        "schema_version": ALERT_VERSION,
        "timestamp": alert.at,
        "data": data,
    }
    return orjson.dumps(record).decode()


def alert_schema() -> dict[str, Any]:
    """Return what `schemas/alert.schema.json` holds."""
    return TypeAdapter[Any](AlertRecord).json_schema()
