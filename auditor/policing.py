"""The inspector of tables that have a policy: raw tokens first, then what is declared of their columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from auditor.detect.detector import Detector, Tells
from auditor.identity import AuditKey
from auditor.model import Confidence, Evidence, Row, Setting, Severity, Sighting
from auditor.policies import Breach, Policies, TablePolicy
from auditor.policies.breach import SHAPE
from auditor.protocols import Frame, RowBatch
from auditor.redaction import evidence_of, shown_key

#: What is shown of a breach that is about no value: a null, a column that is missing or must not be there, a row.
_NO_VALUE = Evidence("no value", 0, "none")
#: Stands for no value where one is named: an empty text is one.
_NOTHING = "\0"
#: (row number, part, column, path)
_Place = tuple[int, str, str, str]


class Outlet(NamedTuple):
    """
    Where rows leave through: the names that policies may know it by (feed, topic, address), and what completes a table's name.

    See `auditor.watching.naming`.
    """

    destinations: tuple[str, ...] = ()
    canonical: Callable[[str], str] = str


ANY = Outlet()


def _nothing(names: tuple[str, ...]) -> frozenset[str]:
    """Want none of the columns."""
    del names
    return frozenset()


class Policing:
    """
    See `auditor.protocols.Inspector`. Tables without a policy cost nothing, all others are decoded once.

    A value that a token rule has claimed is told by that rule and not again as one of the wrong shape; one that is the same in
    ``before`` and ``after`` is told in ``after``. Where a policy allows a rule, what that finds is not told.
    """

    def __init__(self, policies: Policies, detector: Detector, key: AuditKey, *, tells: Tells, outlet: Outlet) -> None:
        """Take the inspector of raw tokens, and where the rows leave through."""
        self._policies, self._detector, self._key = policies, detector, key
        self._tells, self._outlet = tells, outlet
        self._today = datetime.now(UTC).date()

    def inspect(self, batch: RowBatch) -> Iterator[Sighting]:
        """Yield raw tokens, then breaches, each in the order of rows."""
        found = [sighting for sighting in self._detector.inspect(batch) if not self._allowed(sighting, self._today)]
        policy = self._policy(batch.table)
        if (policy is None or (policy.unlisted and batch.table)) and not batch.names_tables():
            yield from found
            if policy is not None and len(batch):
                yield from self._sightings(batch, _unlisted(policy, batch.table, 0, len(batch)), set())
            return
        claimed = {(sighting.row, sighting.part, sighting.column, sighting.path) for sighting in found}
        breaches, caps = self._judged(batch)
        for sighting in found:
            cap = caps.get(sighting.row)
            yield sighting if cap is None or sighting.severity <= cap else sighting._replace(severity=cap)
        yield from self._sightings(batch, breaches, claimed)

    def _policy(self, table: str) -> TablePolicy | None:
        """Return what is declared of a table."""
        return self._policies.for_table(self._outlet.canonical(table), self._outlet.destinations)

    def _allowed(self, sighting: Sighting, today: date) -> bool:
        """Tell whether a policy lets a rule match here."""
        policy = self._policy(sighting.table)
        return policy is not None and policy.allows(sighting.rule_id, sighting.column, sighting.path, today) is not None

    def _judged(self, batch: RowBatch) -> tuple[list[Breach], dict[int, Severity]]:
        """Return what breaks a policy, by rows, and the highest severity that findings in a row may have, by row numbers."""
        breaches: list[Breach] = []
        caps: dict[int, Severity] = {}
        elsewhere: set[int] = set()
        for frames in self._frames(batch):
            own = {row for frame in frames.get(batch.table, ()) for row in frame.rows}
            for table, of_table in frames.items():
                rows = {row for frame in of_table for row in frame.rows}
                if table != batch.table:
                    elsewhere |= rows - own
                policy = self._policy(table)
                if policy is None or (policy.unlisted and table and table == batch.table):
                    continue
                if policy.unlisted:
                    breaches += _unlisted(policy, table, min(rows), len(rows))
                    continue
                breaches += policy.judge(of_table)
                caps |= {batch.row_number(row): cap for row, cap in policy.caps(of_table).items()}
        mine = self._policy(batch.table)
        if mine is not None and mine.unlisted and batch.table and len(elsewhere) < len(batch):
            # As where no row names its table: whatever is not known to be of another one is of the batch's.
            first = next(row for row in range(len(batch)) if row not in elsewhere)
            breaches += _unlisted(mine, batch.table, first, len(batch) - len(elsewhere))
        breaches.sort(key=lambda breach: (breach.row, breach.part))  # after, before
        return breaches, caps

    def _frames(self, batch: RowBatch) -> Iterator[Mapping[str, Sequence[Frame]]]:
        """Yield the frames of some rows at a time, by their tables."""
        policy = self._policy(batch.table)
        for frames in batch.frames(wanted=policy.wanted if policy is not None else _nothing):
            tables: dict[str, list[Frame]] = defaultdict(list)
            for frame in frames:
                tables[frame.table].append(frame)
            yield tables

    def _sightings(self, batch: RowBatch, breaches: Iterable[Breach], claimed: set[_Place]) -> Iterator[Sighting]:
        """Turn breaches into sightings without plaintext."""
        shown = self._detector.shown
        index, row = -1, Row(())
        current: set[tuple[str, str, str, str | None]] = set()
        for breach in breaches:
            number = batch.row_number(breach.row)
            column, path = shown(breach.column), shown(breach.path)
            if breach.kind == SHAPE and (number, breach.part, column, path) in claimed:
                continue
            if breach.row != index:
                index, row = breach.row, batch.decode(breach.row)
                current = {(SHAPE, cell.column, cell.path, cell.text) for cell in row.cells if cell.part == "after"}
            place = (breach.kind, breach.column, breach.path, breach.value)
            if breach.value is not None and breach.part == "before" and place in current:
                continue
            if breach.part == "after":
                current.add(place)
            value = breach.value or ""
            secret_id = self._key.secret_id(_NOTHING if breach.value is None else value)
            table = shown(breach.table)
            told = self._tells(breach.kind, table, column, path, breach.part, secret_id)
            yield Sighting(
                breach.kind,
                secret_id,
                table,
                column,
                path,
                breach.part,
                number,
                self._row_key(row, value) if told else "",
                row.updated,
                breach.severity,
                Confidence.HIGH,
                Setting.ALONE,
                (_NO_VALUE if breach.value is None else evidence_of(value, "")) if told else None,
                row.written,
                breach.rows,
            )

    def _row_key(self, row: Row, value: str) -> str:
        """Show a row's key; a part that is the offending value is none of the plain words that may be shown."""
        if row.also:
            return ""  # a body of several rows: which of them it is cannot be told
        shown = self._detector.shown
        parts = [(shown(name), part if str(part) != value else f"\0{part}") for name, part in row.key]
        return shown_key(parts, self._key.digest)


def _unlisted(policy: TablePolicy, table: str, first: int, records: int) -> list[Breach]:
    """Return that so many records are of a table that no policy names."""
    return [breach._replace(row=first, rows=records, table=table) for breach in policy.judge_names(())]
