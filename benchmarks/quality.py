"""
How much of what is planted a scanner finds, and how much of what it finds is planted.

For the auditor `auditor.sample.score` says so, by file, row, part and column. Peers give a file and a line: theirs is right if
anything is planted in that row, which favours them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auditor.sample.score import score
from auditor.sample.truth import TruthLine, read_lines
from benchmarks.data import Data

_BLOCK = 1 << 24
_QUOTE, _NEWLINE = 0x22, 0x0A


@dataclass(frozen=True, slots=True)
class Quality:
    """
    The judgement on one scanner.

    ``recall`` is over all planted secrets of a published format, ``recall_known`` over those of kinds that it found once.
    """

    recall: float
    recall_known: float
    precision: float
    false_per_million: float

    @property
    def cells(self) -> str:
        """Return the numbers as cells of a table."""
        return f"{self.recall:.3f} / {self.recall_known:.3f} | {self.precision:.3f} | {self.false_per_million:.1f}"


def of_auditor(scanned: Data, report: Path) -> Quality:
    """Judge a jsonl report."""
    result = score(report, scanned.truth)
    rows = max(1, _summary(report)["rows"])
    return Quality(result.recall, result.recall_of_known, result.precision, len(result.false) / rows * 1e6)


def of_peer(scanned: Data, found: Iterable[tuple[Path, int]]) -> Quality:
    """
    Judge (file, line) pairs.

    What is planted beyond the end of the files is not asked for; a kind that is planted throughout a file is one secret a row.
    """
    rows = {path.relative_to(scanned.folder).as_posix(): _rows_of_lines(path) for path in scanned.files}
    planted: dict[tuple[str, int], list[TruthLine]] = defaultdict(list)
    for line in read_lines(scanned.truth):
        last = int(rows[line.file][-1])
        if line.row is None and line.expect == "found":
            for row in range(1, last + 1):
                planted[line.file, row] = [line]
        elif line.row is not None and line.row <= last:
            planted[line.file, line.row].append(line)
    hit: set[tuple[str, int]] = set()
    true = false = 0
    for path, number in found:
        name = path.relative_to(scanned.folder).as_posix()
        place = name, int(rows[name][number - 1])
        hit.add(place)
        expects = {line.expect for line in planted.get(place, ())}
        true += bool(expects & {"found", "low"})
        false += not expects - {"none"}
    return _quality(planted, hit, true=true, false=false, rows=sum(int(each[-1]) for each in rows.values()))


def _quality(
    planted: Mapping[tuple[str, int], list[TruthLine]], hit: set[tuple[str, int]], true: int, false: int, rows: int
) -> Quality:
    wanted = [(place, line.kind) for place, lines in planted.items() for line in lines if line.expect == "found"]
    known = {kind for place, kind in wanted if place in hit}
    got = sum(place in hit for place, _ in wanted)
    return Quality(
        got / max(1, len(wanted)),
        got / max(1, sum(kind in known for _, kind in wanted)),
        true / max(1, true + false),
        false / max(1, rows) * 1e6,
    )


def _rows_of_lines(path: Path) -> NDArray[np.int64]:
    """Return for each line of a file the 1-based record that it belongs to: they differ where csv quotes a newline."""
    ends = []
    parity = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            data = np.frombuffer(block, np.uint8)
            lines = np.flatnonzero(data == _NEWLINE)
            if path.suffix == ".csv":
                quotes = np.searchsorted(np.flatnonzero(data == _QUOTE), lines) + parity
                ends.append(quotes % 2 == 0)
                parity += int(np.count_nonzero(data == _QUOTE))
            else:
                ends.append(np.ones(len(lines), np.bool_))
    ended = np.concatenate([np.zeros(1, np.bool_), *ends])
    return np.cumsum(ended)[: max(1, len(ended) - 1)] + 1


def _summary(report: Path) -> Mapping[str, int]:
    """Return the last record of a report."""
    with report.open("rb") as file:
        *_, last = file
    found: Mapping[str, int] = json.loads(last)
    return found
