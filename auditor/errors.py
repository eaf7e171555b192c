"""
What can go wrong, named for what happens next.

::

    AuditorError
    ├── ConfigError         edit the command, file or rule; exit 2
    ├── SourceUnavailable   the input cannot be reached or read; exit 3
    ├── PositionLost        rows can no longer be had; stop, or rescan and say which
    ├── DecodeError         one payload is quarantined, the rest goes on; a coverage gap
    ├── Fenced              another instance has taken over; drop what is under way
    └── StateError          findings cannot be saved: stop, commit nothing; exit 3

A message says what failed, where, and what to do. It never holds a value that was read from a row.
"""

from __future__ import annotations


class AuditorError(Exception):
    """Base of every error that this package raises on purpose."""

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        """Keep the three parts apart, so that a report can show them in columns."""
        self.what, self.where, self.fix = what, where, fix
        super().__init__(what, where, fix)

    def __str__(self) -> str:
        """Say it in one line: place, failure, fix."""
        place = f"{self.where}: " if self.where else ""
        fix = f" ({self.fix})" if self.fix else ""
        return f"{place}{self.what}{fix}"


class ConfigError(AuditorError):
    """The command line, a rule or a file of settings is wrong; nothing was read."""


class SourceUnavailable(AuditorError):
    """An input cannot be opened or stopped answering."""


class DecodeError(AuditorError):
    """One payload is not what its format says. The caller quarantines it and goes on."""


class StateError(AuditorError):
    """The record of findings cannot be written or does not belong to this run."""


class PositionLost(AuditorError):
    """What was to be read next is gone: garbage collected, expired, truncated. Stop, or rescan and say what is missing."""


class Fenced(AuditorError):
    """Another instance has taken this over; whatever was under way here is dropped, and read there."""


class AlertSinkUnavailable(AuditorError):
    """An alert sink cannot be reached for now; the alert stays in the outbox."""


class AlertRejected(AuditorError):
    """An alert sink will never take this alert; it is put aside, and said so."""
