"""One feed and those who read it, from its first row to the judgement."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.origins import Origin
from tests.soak.program import Program, eventually
from tests.soak.rows import Rows, pieces
from tests.soak.verdict import Judge, State, read_state

#: Set for the full form: troubles last as long as the requirements say, not just as long as a test may take.
FULL = os.environ.get("AUDITOR_SOAK") == "full"
_BURST = 50


@dataclass
class Case:
    """An origin, the programs that read from it (the first one is started by itself), and who judges them."""

    rows: Rows
    origin: Origin
    programs: Sequence[Program]
    judge: Judge
    _sent: int = field(default=0)

    @property
    def program(self) -> Program:
        """Return the first program."""
        return self.programs[0]

    def send(self, share: float = 1.0, *, pause: float = 0.02) -> None:
        """Send rows, in bursts, until this share of all was sent."""
        until = int(self.rows.count * share)
        for burst in pieces(range(self._sent, until), _BURST):
            self.origin.send(burst)
            time.sleep(pause)
        self._sent = until

    def state(self) -> State:
        """Read the state."""
        return read_state(self.program.state)

    def found(self, count: int = 1, seconds: float = 30.0) -> None:
        """Wait until so many tokens are found."""
        eventually(lambda: len(self.state().findings) >= count, seconds, lambda: self.program.said()[-2000:])

    def read(self, seconds: float = 30.0) -> None:
        """Wait until all rows are read that were sent."""
        eventually(lambda: self.state().rows >= self._sent, seconds, lambda: f"not all of {self._sent} rows were read")

    def finish(self) -> State:
        """Send what is left, and judge."""
        self.send()
        return finish(self.judge, self.programs)


@contextmanager
def case(
    rows: Rows,
    origin: Origin,
    folder: Path,
    *,
    state: str = "",
    names: Sequence[str] = ("auditor",),
    alerts: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Case]:
    """Run programs on an origin for as long as a block lasts."""
    programs = [
        Program(folder / "program", [origin.settings], state=state, name=name, alerts=alerts, environment=environment)
        for name in names
    ]
    try:
        programs[0].start()
        yield Case(rows, origin, programs, Judge(rows, origin, programs[0].key, programs[0].folder))
    finally:
        for program in programs:
            program.kill()


def finish(judge: Judge, programs: Sequence[Program]) -> State:
    """Wait until the programs have read all that was sent, end them as an operator does, and judge."""
    url = programs[0].state
    eventually(
        lambda: judge.caught_up(read_state(url)),
        60 + judge.rows.count / 2000,
        lambda: f"it did not catch up: {_summary(read_state(url))}; {[program.said()[-2000:] for program in programs]}",
    )
    for program in programs:
        if program.alive:
            code = program.stop()
            assert code == 0, f"it ended with {code}: {program.said()[-2000:]}"
    state = read_state(url)
    judge.at_the_end(state)
    assert not any("Traceback" in program.said() for program in programs)
    return state


def _summary(state: State) -> str:
    """Say in a line how far it came."""
    return f"{state.rows} rows, {len(state.findings)} findings, read up to {state.marks}, {len(state.waiting)} alerts wait"
