"""What is done to a service that is busy: it is stopped, reloaded, frozen, or killed while another stands by."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.postgres_server import PostgresServer
from tests.soak.case import case
from tests.soak.folder_origin import folder_origin
from tests.soak.origins import Opened, origins
from tests.soak.rows import Rows
from tests.soak.webhook_origin import quiet, webhook_origin


def test_a_sender_that_runs_out_of_patience_sends_again(tmp_path: Path) -> None:
    """The auditor is frozen for longer than the sink waits: what it records late and what comes again is counted once."""
    rows = Rows(2000, 20)
    with webhook_origin(rows, tmp_path / "origin", timeout=0.4) as origin, case(rows, origin, tmp_path) as running:
        running.send(0.2)
        running.found(2)
        for share in (0.4, 0.6, 0.8):
            running.program.signal(signal.SIGSTOP)
            running.send(share)
            time.sleep(1)
            running.program.signal(signal.SIGCONT)
            quiet(origin, 20)
        state = running.finish()
        assert origin.again > 0
    assert state.rows > rows.count, "nothing came twice"


@pytest.mark.parametrize(
    ("source", "opened"),
    [pytest.param(name, opened, id=name, marks=[pytest.mark.needs(needs)] if needs else []) for name, opened, needs in origins()],
)
def test_sigterm_under_load(source: str, opened: Opened, tmp_path: Path) -> None:
    """It ends with 0 within ten seconds, whatever is under way; the next process goes on and nothing is missed or doubled."""
    rows = Rows(30_000, 60)
    with opened(rows, tmp_path / "origin") as origin:
        if source != "webhook":
            origin.send(range(15_000))
        with case(rows, origin, tmp_path) as running:
            if source == "webhook":
                origin.send(range(15_000))
            running.found(1)
            began = time.monotonic()
            assert running.program.stop() == 0
            assert time.monotonic() - began < 10
            state = running.state()
            running.judge.meanwhile(state)
            running.program.start()
            origin.send(range(15_000, rows.count))
            running._sent = rows.count
            running.finish()


def test_a_broken_configuration_changes_nothing(tmp_path: Path) -> None:
    """What ran goes on, the place of the mistake is named, and the configuration is taken up once it is right."""
    rows = Rows(1500, 15)
    with folder_origin(rows, tmp_path / "origin") as origin, case(rows, origin, tmp_path) as running:
        program = running.program
        running.send(0.3)
        running.found(2)
        good = program.config.read_text()
        for broken, place in (
            ("feeds: [", "not valid YAML"),
            (good.replace("poll:", "pole:"), "feeds[0].follow.pole"),
            (good.replace("kind: jsonl", "kind: pigeon"), "alerts[0]"),
        ):
            program.config.write_text(broken)
            program.signal(signal.SIGHUP)
            program.heard(place)
        running.send(0.6)
        running.found(7)
        empty = tmp_path / "empty"
        empty.mkdir()
        program.configure([origin.settings, {"kind": "follow", "name": "another", "uri": empty.as_uri()}])
        program.signal(signal.SIGHUP)
        program.heard("feed another: started")
        running.finish()


@pytest.mark.needs("postgresql")
def test_a_standby_takes_a_feed_over(postgres: PostgresServer, tmp_path: Path) -> None:
    """Within half a minute of its holder's death a feed is read by the one that stood by, which doubles and misses nothing."""
    rows = Rows(2000, 20)
    with (
        webhook_origin(rows, tmp_path / "origin") as origin,
        case(rows, origin, tmp_path, state=postgres.new_database(), names=("a", "b")) as running,
    ):
        holder, standby = running.programs
        running.send(0.3)
        running.found(3)
        standby.start()
        standby.heard(": started")
        running.send(0.5)
        quiet(origin, 20)
        found = len(running.state().findings)
        holder.kill()
        running.send(0.7)
        began = time.monotonic()
        running.found(found + 1, 30)
        assert time.monotonic() - began < 30
        running.finish()
