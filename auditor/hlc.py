"""
CockroachDB's hybrid logical clock timestamps, as two integers.

Text form ``<wall nanoseconds>.<10-digit logical>``, for example ``1784758975071714277.0000000001``
(CockroachDB docs, changefeed messages). A float would lose the last digits, so none is ever made.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_TEXT = re.compile(r"(\d{1,19})(?:\.(\d{1,10}))?", re.ASCII)


class Timestamp(NamedTuple):
    """Nanoseconds since 1970 and a logical counter; tuples compare as the clock does."""

    wall: int
    logical: int = 0

    @classmethod
    def parse(cls, text: str) -> Timestamp:
        """Read the text form; raise `ValueError` without repeating the text."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ValueError("not an HLC timestamp")
        # "1.5" is logical 5000000000: the fraction is a decimal fraction of ten digits.
        return cls(int(match[1]), int((match[2] or "0").ljust(10, "0")))

    def __str__(self) -> str:
        """Return the form that a changefeed's ``cursor`` option takes."""
        return f"{self.wall}.{self.logical:010d}"

    def utc(self) -> datetime:
        """Return the wall part as a UTC time, cut to microseconds."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.wall // 1000)


def later(one: str | None, other: str | None) -> str | None:
    """Return the later of two timestamps in text form as CockroachDB writes it, None if there is none."""
    if one is None or other is None:
        return other if one is None else one
    return max(one, other, key=_in_order)


def _in_order(text: str) -> tuple[int, str]:
    """Order texts of the clock as its numbers: nanoseconds have no leading zeros, the counter always has ten digits."""
    return len(text), text
