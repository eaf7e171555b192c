"""The wall clock jumps: nothing waits for a time that is long gone or far away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.soak.case import case
from tests.soak.folder_origin import folder_origin
from tests.soak.origins import Opened
from tests.soak.program import ROOT
from tests.soak.rows import Rows
from tests.soak.webhook_origin import webhook_origin

_DAY = 86_400


@pytest.mark.parametrize("opened", [folder_origin, webhook_origin])
def test_the_clock_jumps_back_and_forth(opened: Opened, tmp_path: Path) -> None:
    """Rows go on being read as they come, what comes again is still known, and no finding ends before it begins."""
    rows = Rows(1500, 15)
    shift = tmp_path / "shift"
    shift.write_text("0")
    path = os.pathsep.join((str(Path(__file__).parent / "shifted_clock"), str(ROOT)))
    environment = {"PYTHONPATH": path, "AUDITOR_TEST_CLOCK": str(shift)}
    with opened(rows, tmp_path / "origin") as origin, case(rows, origin, tmp_path, environment=environment) as running:
        for share, seconds in ((0.2, -_DAY), (0.4, _DAY), (0.6, -400 * _DAY), (0.8, 0)):
            running.send(share)
            running.found(int(rows.tokens * share))
            shift.write_text(str(seconds))
            if not origin.exact:
                origin.send(range(int(rows.count * share)))
        state = running.finish()
    assert all(stored.finding.first_seen <= stored.finding.last_seen for stored in state.findings)
    assert origin.exact or state.resent
