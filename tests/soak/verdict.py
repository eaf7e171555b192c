"""What a soak is judged by: the state, the alerts and every byte that was written, against what was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from auditor.hlc import Timestamp
from auditor.identity import AuditKey
from auditor.model import FindingText
from auditor.state import coverage
from auditor.state.database import Database, open_database
from auditor.state.findings import FindingStore, Stored
from auditor.state.schema import OUTBOX, SHARD
from tests.soak.origins import Origin
from tests.soak.rows import MARK, Rows, moment, needles

RULE = "gitlab.pat"


@dataclass(frozen=True)
class State:
    """What a state holds at one moment."""

    findings: Sequence[Stored] = ()
    rows: int = 0
    gaps: Sequence[tuple[str, str]] = ()
    spans: Sequence[coverage.Span] = ()
    marks: Sequence[Timestamp | None] = ()
    resolved: dict[str, Timestamp] = field(default_factory=dict)
    positions: dict[str, dict[str, Any]] = field(default_factory=dict)
    waiting: Sequence[dict[str, Any]] = ()

    def found(self) -> set[str]:
        """Return the ids of the secrets that were found."""
        return {stored.finding.secret_id for stored in self.findings}

    @property
    def resent(self) -> int:
        """Return how often a secret came again in an event that was counted before."""
        return sum(stored.resent for stored in self.findings)


def read_state(url: str) -> State:
    """Read a state, whether a process uses it or not; one that was not made yet is empty."""
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return State()
    database = open_database(url, exclusive=False)
    try:
        return _read(database)
    finally:
        database.close()


def _read(database: Database) -> State:
    shards = database.transact(lambda connection: connection.execute(sa.select(SHARD)).all())
    bodies = database.transact(lambda connection: list(connection.execute(sa.select(OUTBOX.c.body)).scalars()))
    gaps, _ = coverage.gaps(database, 100)
    return State(
        list(FindingStore(database, lambda rule, *_place: FindingText(rule, "", "", "")).all()),
        sum(table.rows for table in coverage.tables(database)),
        [(cause, gap.reason) for _, cause, gap, _ in gaps],
        coverage.spans(database),
        list(coverage.watermarks(database).values()),
        {row.shard: Timestamp(row.resolved_wall, row.resolved_logical) for row in shards if row.resolved_wall is not None},
        {row.shard: orjson.loads(row.position) for row in shards if row.position is not None},
        [orjson.loads(body) for body in bodies],
    )


@dataclass(frozen=True)
class Judge:
    """Knows what was planted, who sends it, under which key it is looked for, and where the program writes."""

    rows: Rows
    origin: Origin
    key: AuditKey
    folder: Path

    def secrets(self) -> dict[str, int]:
        """Return the row of each planted token by the id that its finding has."""
        return {self.key.secret_id(token): number for number, token in self.rows.planted.items()}

    def meanwhile(self, state: State) -> None:
        """Check what must hold at any moment at which nothing runs."""
        sent, resolved = self.origin.handed_over()
        self._check_findings(state)
        self._check_claims(state, resolved)
        if self.origin.exact:
            assert state.rows <= sent, f"{state.rows} rows were counted, and only {sent} were sent"
        if (counted := self.origin.counted(state.positions)) is not None:
            assert state.rows == counted, f"{state.rows} rows were counted where the positions stand for {counted}"
        self._check_alerts(state)
        assert not state.gaps, f"nothing was missing, and the state says {state.gaps[:3]}"
        assert self.leaks([MARK]) == []

    def at_the_end(self, state: State) -> None:
        """Check what must hold once everything was read."""
        self.meanwhile(state)
        missing = self.secrets().keys() - state.found()
        assert not missing, f"{len(missing)} of {self.rows.tokens} tokens were never found"
        assert state.rows >= self.rows.count
        if self.origin.exact:
            assert state.rows == self.rows.count, f"{state.rows} rows were counted of {self.rows.count}"
        assert self._all_claimed(state)
        told = self.alerts()
        untold = [stored for stored in state.findings if stored.finding.finding_id not in told]
        assert not untold, f"{len(untold)} findings were never told"
        assert not state.waiting
        assert self.leaks(list(self.rows.planted.values())) == []

    def caught_up(self, state: State) -> bool:
        """Tell whether everything was read and told."""
        return (
            len(state.findings) >= self.rows.tokens and self._all_claimed(state) and not state.waiting and self.origin.settled()
        )

    def _all_claimed(self, state: State) -> bool:
        """Tell whether everything is said to be read. Resolved timestamps of one moment may differ in their logical part."""
        return {mark and mark.wall for mark in state.marks} == {moment(self.rows.count - 1).wall}

    def alerts(self) -> dict[str, Counter[str]]:
        """Return, by finding, the ids of the alerts that were delivered, and how often each was."""
        told: dict[str, Counter[str]] = {}
        for path in self.folder.rglob("*.jsonl"):
            for line in path.read_bytes().splitlines():
                alert = orjson.loads(line)
                assert alert["type"] == "finding.opened", alert["type"]
                told.setdefault(alert["data"]["finding"]["finding_id"], Counter())[alert["id"]] += 1
        return told

    def leaks(self, texts: list[str]) -> list[str]:
        """Return the written files that hold a token, plain or encoded."""
        wanted = needles(texts)

        def leaks(data: bytes) -> bool:
            return any(needle in data for needle in wanted)

        return [path.name for path in sorted(self.folder.rglob("*")) if path.is_file() and leaks(path.read_bytes())]

    def _check_findings(self, state: State) -> None:
        """Each finding is of one planted token, once, at one place."""
        planted = self.secrets()
        secrets = [stored.finding.secret_id for stored in state.findings]
        assert len(set(secrets)) == len(secrets), "a token has two findings"
        assert len({stored.finding.finding_id for stored in state.findings}) == len(secrets)
        for stored in state.findings:
            finding = stored.finding
            number = planted.get(finding.secret_id)
            assert number is not None, f"a finding of nothing that was planted: {finding.rule_id}"
            assert (finding.rule_id, finding.column) == (RULE, "note")
            assert finding.occurrences == 1, f"row {number} was counted {finding.occurrences} times"
            # The key of an Avro message is a record with names.
            places = [(exposure.row_key.removeprefix("id="), exposure.count) for exposure in finding.exposures]
            assert places == [(str(number), 1)], f"row {number} was found at {places}"

    def _check_claims(self, state: State, resolved: int) -> None:
        """Check that what is said to be read was sent, and that what was in it is found."""
        found = state.found()
        newest = {**state.resolved}
        for span in state.spans:
            assert span.since <= span.until <= newest[span.shard]
        for shard, mark in newest.items():
            assert mark.wall <= moment(resolved).wall, (
                f"{shard or 'the feed'} is said to be read up to {mark}, which nobody has said yet"
            )
            for secret, number in self.secrets().items():
                claimed = moment(number) <= mark and self.origin.in_shard(number, shard)
                assert not claimed or secret in found, f"row {number} is said to be read, and its token is not found"
        assert {mark for mark in state.marks if mark is not None} <= set(newest.values())

    def _check_alerts(self, state: State) -> None:
        """Each finding was told or is about to be, under one id."""
        told = self.alerts()
        waiting = {alert["data"]["finding"]["finding_id"]: alert["id"] for alert in state.waiting}
        for stored in state.findings:
            finding_id = stored.finding.finding_id
            ids = {*told.get(finding_id, ()), *filter(None, [waiting.get(finding_id)])}
            assert len(ids) == 1, f"a finding has {len(ids)} alerts"
        assert told.keys() <= {stored.finding.finding_id for stored in state.findings}, "an alert tells of what is not recorded"
