"""
Which ``.RESOLVED`` files may be believed.

All that a changefeed writes before one of them sorts before it (``sink_cloudstorage.go``), but its name does not say which
changefeed wrote it. Nor do the names of data files: their session is made up at random by each node, whenever the changefeed
starts. So several sessions are no sign of several changefeeds, but two sessions of one node are that go on side by side: after a
restart nothing comes from the session before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Literal, NamedTuple

from auditor.hlc import Timestamp
from auditor.names import ChangefeedFile

SEVERAL = "several changefeeds write here, and a .RESOLVED file does not say whose it is: no resolved timestamp is relied on"


class Believed(NamedTuple):
    """The marks that may be believed, ascending; else why there is none."""

    marks: Sequence[Timestamp]
    reason: str


def believed(
    files: Iterable[ChangefeedFile], marks: Iterable[Timestamp], changefeeds: Literal["auto", "one", "several"]
) -> Believed:
    """
    Judge marks by the files that lie beside them.

    Two sessions of a node between the same two marks may be a restart, so only that mark is passed over.
    """
    ordered = sorted(marks)
    if changefeeds != "auto":
        return Believed(ordered, "") if changefeeds == "one" else Believed((), SEVERAL)
    spans: dict[int, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for file in files:
        # Between two marks: a file of a mark's own time sorts before it.
        spans[file.node][file.session].add(bisect_left(ordered, file.timestamp))
    doubtful: set[int] = set()
    for sessions in spans.values():
        latest = -1
        for begins, ends in sorted((min(span), max(span)) for span in sessions.values()):
            if latest > begins:
                return Believed((), SEVERAL)
            latest = max(latest, ends)
        shared = Counter(chain.from_iterable(sessions.values()))
        doubtful |= {number for number, count in shared.items() if count > 1}
    return Believed([mark for number, mark in enumerate(ordered) if number not in doubtful], "")
