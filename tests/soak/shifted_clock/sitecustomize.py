"""
Imported by Python itself at its start where this folder is on the path: shifts the wall clock, the monotonic one goes on as ever.

The seconds stand in the file that AUDITOR_TEST_CLOCK names, and may change at any time.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

_FILE = Path(os.environ["AUDITOR_TEST_CLOCK"])
_true_time, _true_time_ns = time.time, time.time_ns


def _shift() -> int:
    return int(_FILE.read_text())


class _Kind(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, datetime)


class _Datetime(datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.fromtimestamp(time.time(), tz)


time.time = lambda: _true_time() + _shift()
time.time_ns = lambda: _true_time_ns() + _shift() * 10**9
dt.datetime = _Datetime  # type: ignore[misc]
