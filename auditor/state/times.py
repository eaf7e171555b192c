"""Our own clock, as the state stores it."""

from __future__ import annotations

from datetime import UTC, datetime

from auditor.hlc import Timestamp


def now() -> str:
    """Return the present time as RFC 3339 text in UTC with milliseconds: it sorts as it reads."""
    return text_of(datetime.now(UTC))


def text_of(moment: datetime) -> str:
    """Return a time as the state stores it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def text_of_event(event: Timestamp | None) -> str:
    """Return the time of a change in the database, or the present where the feed does not tell it."""
    return now() if event is None else text_of(event.utc())
