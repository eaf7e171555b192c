"""States that go away or fill up while rows come: the auditor says so, goes on when it can, and has lost nothing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.postgres_server import postgres_server
from tests.soak.case import FULL, case
from tests.soak.folder_origin import folder_origin
from tests.soak.program import Program
from tests.soak.rows import Rows
from tests.soak.small_disk import small_disk
from tests.soak.webhook_origin import webhook_origin


@pytest.mark.needs("postgresql")
def test_postgresql_is_restarted(tmp_path: Path) -> None:
    """Requests are refused meanwhile and sent again; afterwards each token was counted once."""
    rows = Rows(2000, 20)
    with (
        postgres_server() as server,
        webhook_origin(rows, tmp_path / "origin") as origin,
        case(rows, origin, tmp_path, state=server.new_database()) as running,
    ):
        for share in (0.3, 0.6):
            running.send(share)
            running.found(int(rows.tokens * share) - 2)
            server.stop()
            running.send(share + 0.1)
            time.sleep(20 if FULL else 1)
            server.start()
        running.finish()
        assert origin.again > 0


@pytest.mark.needs("tmpfs")
def test_the_disk_of_the_state_is_full(tmp_path: Path) -> None:
    """The auditor says that it cannot write, keeps running, and goes on by itself when there is room again."""
    rows = Rows(20_000, 200)
    with (
        folder_origin(rows, tmp_path / "origin") as origin,
        # The write-ahead log alone takes 4 MB before it is written back.
        small_disk(tmp_path / "program" / "disk", 16 << 20) as disk,
        case(rows, origin, tmp_path, state=f"sqlite:///{disk.folder}/state.db") as running,
    ):
        running.send(0.2)
        running.found(20)
        disk.fill()
        running.send(0.7, pause=0)
        running.program.heard("disk is full")
        time.sleep(20 if FULL else 2)
        assert running.program.alive
        disk.make_room()
        running.finish()


@pytest.mark.needs("tmpfs")
def test_the_disk_of_the_alerts_is_full(tmp_path: Path) -> None:
    """Alerts wait in the outbox until there is room, and no line of the file is torn."""
    rows = Rows(4000, 40)
    with (
        folder_origin(rows, tmp_path / "origin") as origin,
        small_disk(tmp_path / "program" / "disk", 1 << 20) as disk,
        case(rows, origin, tmp_path, alerts=disk.folder / "alerts.jsonl") as running,
    ):
        running.send(0.3)
        running.found(8)
        # The next page is there, so that an alert finds room for a part of it.
        disk.fill(but=1)
        running.send(0.6)
        running.program.heard("written in part")
        disk.make_room()
        running.finish()


def test_a_second_process_on_the_same_file_is_refused(tmp_path: Path) -> None:
    """It ends at once, with the exit code of a wrong configuration, and says what to do; the first one goes on."""
    rows = Rows(500, 5)
    with folder_origin(rows, tmp_path / "origin") as origin, case(rows, origin, tmp_path) as running:
        running.send(0.5)
        running.found()
        second = Program(tmp_path / "second", [origin.settings], state=running.program.state)
        second.start()
        assert second.wait(20) == 2
        assert "another process uses this state" in second.said()
        assert "PostgreSQL" in second.said()
        running.finish()
