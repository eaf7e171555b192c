"""
Compare a scan's jsonl report with the truth of a sample: what was found, what was missed, what was reported that is none.

`python -m auditor.sample.score REPORT TRUTH`
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from auditor.sample.truth import TruthLine, read_lines

#: Delimited formats with a header: read without being told of it, their records count from the header, and columns are numbered.
_HEADED = frozenset(("export-csv-header", "sql-csv", "sql-tsv"))
_NUMBERED = re.compile(r"col[0-9]+")
#: Rows may be matched by column only where the format has columns of its own: logs have one text for all.
_LOGS = "audit-"
_BEFORE_COLUMN = "__crdb__before"
_SHOWN = 20


class Sight(NamedTuple):
    """One exposure of a finding. ``row`` is 0 if the finding stands for a whole column; ``length`` is that of its secret."""

    file: str
    part: str
    row: int
    column: str
    path: str
    length: int
    rule: str
    confidence: str


@dataclass(slots=True)
class Score:
    """
    The outcome. Counts are of truth lines and exposures, not of distinct secrets.

    Several plants in one column of one row are told apart by path and by the secret's length, since a report holds no secret.

    ``recall`` is over the lines that expect ``found``; ``recall_of_known`` leaves out the kinds that were found nowhere, which
    have no rule. ``precision`` is over exposures of confidence above low. ``elsewhere`` are exposures in a planted row and part,
    but another column: neither right nor false. ``low`` counts the lines with a failed checksum by how they were reported:
    ``low``, ``higher`` or ``missed``.
    """

    expected: int = 0
    found: int = 0
    found_of_known: int = 0
    expected_of_known: int = 0
    exposures: int = 0
    true: int = 0
    low: Counter[str] = field(default_factory=Counter)
    unscored: Counter[str] = field(default_factory=Counter)
    missed: list[TruthLine] = field(default_factory=list)
    false: list[Sight] = field(default_factory=list)
    false_low: list[Sight] = field(default_factory=list)
    elsewhere: list[Sight] = field(default_factory=list)
    unknown_kinds: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Return the share of expected lines that were found."""
        return self.found / self.expected if self.expected else 1.0

    @property
    def recall_of_known(self) -> float:
        """Return the same among kinds that were found at least once."""
        return self.found_of_known / self.expected_of_known if self.expected_of_known else 1.0

    @property
    def precision(self) -> float:
        """Return the share of judged exposures that are true."""
        judged = self.true + len(self.false)
        return self.true / judged if judged else 1.0


def score(report: Path, truth: Path, kinds: Collection[str] = ()) -> Score:
    """Compare a report with a truth file; ``kinds`` limits recall to kinds that have a rule."""
    return compare(sights(_findings(report)), list(read_lines(truth)), kinds)


def compare(seen: Iterable[Sight], lines: Sequence[TruthLine], kinds: Collection[str] = ()) -> Score:
    """Compare exposures with truth lines."""
    planted = _Planted(lines)
    result = Score()
    hits: dict[int, str] = {}
    for sight in seen:
        result.exposures += 1
        _judge(result, sight, planted.lookup(sight), hits)
    _count(result, lines, hits, kinds)
    return result


def _judge(result: Score, sight: Sight, match: _Match, hits: dict[int, str]) -> None:
    """Sort one exposure into true, false, or neither, and remember the lines that it hits."""
    low = sight.confidence == "low"
    for number in match.lines:
        hits[number] = "low" if low and hits.get(number, "low") == "low" else "higher"
    if match.expects & {"found", "low"}:
        result.true += not low
        result.unscored["low-confidence"] += low
    elif match.expects & {"opaque", "unknown"}:
        result.unscored["opaque-or-unknown"] += 1
    elif match.repeated:
        result.unscored["earlier-version"] += 1
    elif match.near and "none" not in match.expects:
        result.elsewhere.append(sight)
    else:
        (result.false_low if low else result.false).append(sight)


def _count(result: Score, lines: Sequence[TruthLine], hits: Mapping[int, str], kinds: Collection[str]) -> None:
    """Count what was found and missed."""
    expected = [
        (number, line) for number, line in enumerate(lines) if line.expect == "found" and (not kinds or line.kind in kinds)
    ]
    known = {line.kind for number, line in expected if number in hits}
    for number, line in expected:
        result.expected += 1
        result.expected_of_known += line.kind in known
        if number in hits:
            result.found += 1
            result.found_of_known += 1
        else:
            result.missed.append(line)
    result.unknown_kinds = sorted({line.kind for _, line in expected} - known)
    for number, line in enumerate(lines):
        if line.expect == "low":
            result.low[hits.get(number, "missed")] += 1


class _Match(NamedTuple):
    """
    What the truth says about an exposure.

    ``lines`` are those it hits, ``expects`` what they expect. Else ``repeated`` says that the cell's current value is planted,
    ``near`` that another column of the same row and part is.
    """

    lines: Sequence[int]
    expects: frozenset[str]
    repeated: bool
    near: bool


class _Planted:
    """
    Truth lines by where they are.

    Files are known by the ends of their names, since a report names them as the scan was told to.
    """

    def __init__(self, lines: Sequence[TruthLine]) -> None:
        self._lines = lines
        self._files: dict[str, str] = {}
        self._known = {line.file for line in lines}
        self._headed = {line.file for line in lines if line.format in _HEADED}
        self._rows: dict[tuple[str, str, int], list[int]] = defaultdict(list)
        self._columns: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, line in enumerate(lines):
            if line.row is None:
                self._columns[line.file, line.part].append(number)
            else:
                self._rows[line.file, line.part, line.row].append(number)

    def lookup(self, sight: Sight) -> _Match:
        """Return what is planted where the exposure is. A whole-column finding hits every line of its column in that file."""
        file = self._file(sight.file)
        if file in self._headed and _NUMBERED.fullmatch(sight.column):
            sight = sight._replace(row=max(0, sight.row - 1))
        if sight.row == 0:
            near = [
                number
                for (name, part, _), numbers in self._rows.items()
                if (name, part) == (file, sight.part)
                for number in numbers
            ]
        else:
            near = self._rows.get((file, sight.part, sight.row), [])
        hit = [number for number in near if self._same_column(sight.column, self._lines[number])]
        if sight.row:
            hit = self._closest(sight, hit)
        throughout = self._columns.get((file, sight.part), ())
        hit.extend(number for number in throughout if not hit and self._same_column(sight.column, self._lines[number]))
        current = self._rows.get((file, "after", sight.row), ()) if sight.part == "before" else ()
        repeated = any(self._same_column(sight.column, self._lines[number]) for number in current)
        return _Match(hit, frozenset(self._lines[number].expect for number in hit), repeated, bool(near))

    def _closest(self, sight: Sight, numbers: list[int]) -> list[int]:
        """Of several plants in one column of one row, keep those that agree in path and length, else in length, else in path."""

        def agreeing(test: Callable[[TruthLine], bool]) -> list[int]:
            return [number for number in numbers if test(self._lines[number])]

        both = agreeing(lambda line: line.path == sight.path and len(line.secret) == sight.length)
        by_length = both or agreeing(lambda line: len(line.secret) == sight.length)
        return by_length or agreeing(lambda line: line.path == sight.path) or numbers

    def _file(self, shown: str) -> str:
        """Return the truth's name of a file that a report shows as a path or address."""
        if shown not in self._files:
            path = shown.replace("\\", "/").partition("?")[0]
            parts = path.split("/")
            ends = ("/".join(parts[start:]) for start in range(len(parts)))
            self._files[shown] = next((end for end in ends if end in self._known), path)
        return self._files[shown]

    @staticmethod
    def _same_column(column: str, line: TruthLine) -> bool:
        """Tell whether a report's column is that of a truth line. A key has no column names; nor have logs."""
        if line.part == "key" or line.format.startswith(_LOGS):
            return True
        if line.part == "before" and column == _BEFORE_COLUMN:
            return True
        return column == line.column or (line.position is not None and column == f"col{line.position}")


def sights(findings: Iterable[Mapping[str, Any]]) -> Iterator[Sight]:
    """Yield the exposures of findings as a jsonl report has them."""
    for finding in findings:
        whole_column = finding["secret_id"] == ""
        for exposure in finding["exposures"]:
            row = 0 if whole_column else exposure["row"]
            yield Sight(
                exposure["uri"],
                exposure["part"],
                row,
                finding["column"],
                finding["path"],
                finding["evidence"]["length"],
                finding["rule_id"],
                finding["confidence"],
            )


def _findings(report: Path) -> Iterator[Mapping[str, Any]]:
    with report.open("rb") as source:
        for line in source:
            record = orjson.loads(line)
            if record.get("record") == "finding":
                yield record


def shown(result: Score) -> str:
    """Return the outcome as text for people: counts, then kinds and rules, never a planted value."""
    lines = [
        f"recall     {result.recall:.4f}  {result.found} of {result.expected} planted secrets",
        f"  known    {result.recall_of_known:.4f}  leaving out {len(result.unknown_kinds)} kinds that were found nowhere",
        f"precision  {result.precision:.4f}  {len(result.false)} false of {result.true + len(result.false)} judged exposures",
        f"elsewhere  {len(result.elsewhere)} in a planted row, but another column",
        f"failed checksums: {dict(sorted(result.low.items()))}",
        f"not scored: {dict(sorted(result.unscored.items()))}, false with low confidence: {len(result.false_low)}",
    ]
    lines += _listed("missed", Counter(f"{line.kind} in {line.format} {line.part}" for line in result.missed))
    lines += _listed("false", Counter(f"{sight.rule} in column {sight.column}" for sight in result.false))
    if result.unknown_kinds:
        lines.append("found nowhere: " + " ".join(result.unknown_kinds))
    return "\n".join(lines)


def _listed(title: str, counts: Counter[str]) -> list[str]:
    rest = len(counts) - _SHOWN
    lines = [f"{title}:", *(f"  {count:6} {name}" for name, count in counts.most_common(_SHOWN))] if counts else []
    return [*lines, f"  ... and {rest} more"] if rest > 0 else lines


def main(arguments: Sequence[str]) -> int:
    """Print the score of a report; return 2 for wrong usage, else 0."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m auditor.sample.score REPORT TRUTH\n")
        return 2
    sys.stdout.write(shown(score(Path(arguments[0]), Path(arguments[1]))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
