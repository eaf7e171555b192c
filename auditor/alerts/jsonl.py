"""Alerts as lines of JSON in a file that only its owner may read, and that is put aside when it has grown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from auditor.errors import AlertSinkUnavailable


class JsonlSettings(BaseModel):
    """Settings of the alert sink: ``keep`` older files of up to ``max_bytes`` stay beside it, as ``FILE.1`` and so on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["jsonl"] = "jsonl"
    name: str = "jsonl"
    path: Path
    max_bytes: int = Field(default=64 << 20, ge=1 << 16)
    keep: int = Field(default=5, ge=0, le=1000)


class JsonlAlerts:
    """See `auditor.alerts.AlertSink`."""

    def __init__(self, settings: JsonlSettings) -> None:
        """Open at the first alert."""
        self._settings = settings

    def send(self, event_id: str, body: str) -> None:
        """Append one line, and see it on the disk."""
        del event_id
        line = body.encode() + b"\n"
        try:
            self._rotate(len(line))
            handle = os.open(self._settings.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                written = os.write(handle, line)
                if written != len(line):
                    # What is there of it would make the next line unreadable, too.
                    os.ftruncate(handle, os.fstat(handle).st_size - written)
                    raise AlertSinkUnavailable("an alert was written in part", where=str(self._settings.path), fix="free space")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise AlertSinkUnavailable(
                f"cannot be written: {error.strerror}",
                where=str(self._settings.path),
                fix="free space, or change its permissions",
            ) from None

    def close(self) -> None:
        """Have nothing open between alerts."""

    def _rotate(self, more: int) -> None:
        """Put the file aside if it would grow too large."""
        path = self._settings.path
        if not path.exists() or path.stat().st_size + more <= self._settings.max_bytes:
            return
        for number in range(self._settings.keep, 0, -1):
            older = path if number == 1 else Path(f"{path}.{number - 1}")
            if older.exists():
                older.replace(f"{path}.{number}")
        if not self._settings.keep:
            path.unlink()
