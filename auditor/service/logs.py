"""The service's log: structured, on standard error, and looked through by the detector itself before a line is written."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

from auditor.config import LogSettings


class Scrubber:
    """A processor that takes secrets out of every text of a log line. Call it from any thread."""

    def __init__(self, scrub: Callable[[str], str]) -> None:
        """Take what scrubs one text, which is called by one thread at a time."""
        self._scrub = scrub
        self._lock = threading.Lock()

    def __call__(self, _logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Return the line with its texts scrubbed."""
        with self._lock:
            for name, value in event.items():
                if isinstance(value, str):
                    event[name] = self._scrub(value)
        return event


def set_up(settings: LogSettings, scrub: Callable[[str], str]) -> None:
    """Send everything that this process logs, libraries included, through the scrubber to standard error, without tracebacks."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        _without_traceback,
        Scrubber(scrub),
    ]
    last: Any = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for noisy in ("uvicorn", "httpx2", "httpcore2", "alembic"):
        logging.getLogger(noisy).setLevel("WARNING")


def _without_traceback(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name an exception by its kind: its text and its frames may hold values."""
    info = event.pop("exc_info", None)
    record = event.get("_record")
    if not info and record is not None:
        info, record.exc_info, record.exc_text = record.exc_info, None, None
    if isinstance(info, tuple) and info[0] is not None:
        event["error"] = info[0].__name__
    return event
