"""Kill the program again and again while rows come, and judge what it leaves behind, after each kill and at the end."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from auditor.failpoints import POINTS
from tests.soak.case import finish
from tests.soak.origins import Opened, Origin
from tests.soak.program import Program, eventually
from tests.soak.rows import Rows, pieces
from tests.soak.verdict import Judge, read_state

RANDOM = "at a random moment"
#: Seconds from its start within which a process is killed at random: starting takes about one.
_RANDOM_WITHIN = 2.5
#: Seconds in which a failpoint is reached, or it is not reached any more.
_REACHED_WITHIN = 10.0
#: Rows come in so many bursts a life, some before the process listens, the others while it works.
_BURSTS, _PAUSE = 6, 0.1
#: After so many kills, some of them in an initial scan, the scan is let through: until then it begins anew each time.
_UNDISTURBED = 3


@dataclass
class Outcome:
    """What a soak came to."""

    source: str
    rows: Rows
    kills: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    counted: int = 0
    resent: int = 0
    alerts: int = 0
    starts: int = 0


@dataclass(frozen=True)
class Soak:
    """A program on one feed, which is killed so often. ``rng`` says when; ``state`` is a URL, unless it is a file of its own."""

    rows: Rows
    kills: int
    rng: random.Random
    state: str = ""

    def run(self, source: str, opened: Opened, folder: Path) -> Outcome:
        """Run it to its end; raise `AssertionError` for whatever is not as it must be."""
        began = time.monotonic()
        outcome = Outcome(source, self.rows)
        with opened(self.rows, folder / "origin") as origin:
            program = Program(folder / "program", [origin.settings], state=self.state)
            judge = Judge(self.rows, origin, program.key, program.folder)
            try:
                self._lives(outcome, program, origin, judge)
                program.start()
                state = finish(judge, [program])
                assert "[error" not in program.said(), program.said()[-2000:]
            finally:
                program.kill()
        outcome.seconds = time.monotonic() - began
        outcome.counted, outcome.resent, outcome.starts = state.rows, state.resent, program.starts
        outcome.alerts = sum(sum(ids.values()) for ids in judge.alerts().values())
        return outcome

    def plan(self) -> Iterator[str]:
        """Yield how each life ends: every failpoint at least once, and at random moments as often as not."""
        ends = [f"{point}:1" for point in POINTS]
        while len(ends) < self.kills:
            # Whether a point is passed more than once depends on what comes together in one transaction.
            ends.append("" if len(ends) % 2 else f"{self.rng.choice(POINTS)}:{self.rng.randint(1, 3)}")
        self.rng.shuffle(ends)
        yield from ends

    def _lives(self, outcome: Outcome, program: Program, origin: Origin, judge: Judge) -> None:
        """Let the program live and die, each time with its share of the rows."""
        ends = list(self.plan())
        shares = pieces(range(self.rows.count), -(-self.rows.count // (len(ends) + 1)))
        for number, (end, share) in enumerate(zip(ends, shares, strict=False)):
            if number == _UNDISTURBED:
                self._undisturbed(program)
            sender = threading.Thread(target=self._send, args=(origin, share, self.rng.random() < 0.3), name="sender")
            sender.start()
            program.start(end)
            died = program.wait(_REACHED_WITHIN if end else self.rng.uniform(0.1, _RANDOM_WITHIN))
            program.kill()
            sender.join()
            assert died in (None, -9), f"it ended by itself with {died}: {program.said()[-2000:]}"
            outcome.kills[end.partition(":")[0] if died else RANDOM] += 1
            judge.meanwhile(read_state(program.state))
        for share in shares:
            self._send(origin, share, True)

    def _undisturbed(self, program: Program) -> None:
        """Let the program come so far that there is a resolved timestamp to go on from."""
        program.start()
        eventually(
            lambda: (marks := read_state(program.state).marks) and all(marks),
            60,
            lambda: f"no resolved: {program.said()[-2000:]}",
        )
        program.kill()

    def _send(self, origin: Origin, share: range, at_once: bool) -> None:  # noqa: FBT001 - a thread's target
        """Send rows at once, or in bursts."""
        for rows in pieces(share, len(share) if at_once else -(-len(share) // _BURSTS)):
            origin.send(rows)
            if not at_once:
                time.sleep(_PAUSE)
