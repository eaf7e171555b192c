"""
Places where a crash is tried out: the process is killed as by the kernel when it passes one for the n-th time.

Nothing happens unless AUDITOR_FAILPOINT says so, as ``POINT`` or ``POINT:N``. They are passed once a delivery, transaction or
alert, never once a row.
"""

from __future__ import annotations

import os
import signal
from itertools import count

#: handed over by a source; inspected; inside the transaction; after it; after the source was told; after an alert was sent.
POINTS = ("delivered", "inspected", "recording", "recorded", "acknowledged", "alert-sent")

_point, _, _number = os.environ.get("AUDITOR_FAILPOINT", "").partition(":")
_passed = count(1)


def reach(point: str) -> None:
    """Pass a point; die if it is the one that was named."""
    if point == _point and next(_passed) == int(_number or 1):
        os.kill(os.getpid(), signal.SIGKILL)
