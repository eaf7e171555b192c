"""TIMESTAMPTZ and HLC timestamps as text. Times are integers: microseconds for values, nanoseconds for commits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_DAY = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).strftime("%Y-%m-%d")


@lru_cache(maxsize=90_000)
def _clock(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def _parts(microseconds: int) -> tuple[str, str]:
    """Return date and time of day; the fraction without trailing zeros, and without its dot if there is none."""
    day, rest = divmod(microseconds, _DAY)
    second, fraction = divmod(rest, 1_000_000)
    return _date(day), f"{_clock(second)}.{fraction:06d}".rstrip("0") if fraction else _clock(second)


def iso_utc(microseconds: int) -> str:
    """Return the form of changefeed JSON: ``2026-01-02T03:04:05.123456Z``."""
    date, time = _parts(microseconds)
    return f"{date}T{time}Z"


def sql_utc(microseconds: int) -> str:
    """Return the form of EXPORT and of the SQL shell: ``2026-01-02 03:04:05.123456+00``."""
    date, time = _parts(microseconds)
    return f"{date} {time}+00"


def hlc(wall: int) -> str:
    """Return an HLC timestamp with logical part 0."""
    return f"{wall}.0000000000"


def utc(wall: int) -> datetime:
    """Return nanoseconds since 1970 as a UTC time, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=wall // 1000)
