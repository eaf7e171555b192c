"""The service's own log holds no secret, whoever logs it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from auditor.config import LogSettings
from auditor.identity import AuditKey
from auditor.service.logs import set_up
from auditor.toolkit import Toolkit


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Put the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.usefixtures("restored_logging")
def test_secrets_are_taken_out_of_every_line(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Texts, arguments and exceptions, of this program and of libraries, are scrubbed before they are written."""
    secret = "gl" + "pat-" + "A1b2C3d4E5f6G7h8I9j0"
    set_up(LogSettings(format=form), Toolkit.load((), "", AuditKey(b"k" * 32)).scrub)
    logging.getLogger("auditor.feed").warning("%s failed with %s", "orders", secret)
    logging.getLogger("some.library").error(f"cannot use {secret}")  # noqa: G004 - as libraries do
    try:
        int(secret)
    except ValueError:
        logging.getLogger("some.library").exception("it broke")
    written = capsys.readouterr().err
    assert secret not in written
    assert secret[6:] not in written
    assert written.count("glpat-...") == 2
    assert "ValueError" in written
    assert "Traceback" not in written
    if form == "json":
        assert [json.loads(line)["level"] for line in written.splitlines()] == ["warning", "error", "error"]
