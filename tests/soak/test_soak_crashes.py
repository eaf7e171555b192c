"""The program is killed where it hurts most, and at random: nothing is missed, doubled, or claimed without being read."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from auditor.failpoints import POINTS
from tests.postgres_server import PostgresServer
from tests.soak.case import case, finish
from tests.soak.crashes import RANDOM, Soak
from tests.soak.folder_origin import folder_origin
from tests.soak.kafka_origin import tansu_origin
from tests.soak.origins import Opened, origins
from tests.soak.rows import Rows

_KILLS = 10


@pytest.mark.parametrize(
    ("source", "opened"),
    [pytest.param(name, opened, id=name, marks=[pytest.mark.needs(needs)] if needs else []) for name, opened, needs in origins()],
)
def test_kills_lose_and_double_nothing(source: str, opened: Opened, tmp_path: Path) -> None:
    """Killed at every failpoint and at random moments, each token is found once, told once, and coverage claims what was read."""
    rows = Rows(3900, 39)
    outcome = Soak(rows, _KILLS, random.Random(4)).run(source, opened, tmp_path)
    assert sum(outcome.kills.values()) == _KILLS
    assert outcome.kills.keys() == {*POINTS, RANDOM}


@pytest.mark.needs("tansu")
@pytest.mark.needs("postgresql")
def test_kills_lose_and_double_nothing_on_postgresql(postgres: PostgresServer, tmp_path: Path) -> None:
    """The same on a server's state, which goes on without the process that was killed in the middle of a transaction."""
    rows = Rows(3900, 39)
    outcome = Soak(rows, 6, random.Random(5), postgres.new_database()).run("kafka", tansu_origin, tmp_path)
    assert outcome.kills.keys() == {*POINTS}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_kills_in_the_middle_of_a_large_file(packed: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    """What was recorded of a file is not read again: killed after its first part, the rest is read from there on."""
    rows = Rows(3000, 30, width=100_000)
    with folder_origin(rows, tmp_path / "origin", packed=packed) as origin, case(rows, origin, tmp_path) as running:
        running.program.kill()
        origin.send(range(rows.count))
        counted = []
        for point in ("recording:1", "recorded:1"):
            running.program.start(point)
            assert running.program.wait(60) == -9, running.program.said()
            running.judge.meanwhile(running.state())
            counted.append(running.state().rows)
        assert counted[0] == 0 < counted[1] < rows.count
        running.program.start()
        finish(running.judge, running.programs)
