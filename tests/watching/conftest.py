"""A state with a recorder, and feeds over scripted sources, for the tests of running feeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from auditor.alerts.event import compose
from auditor.delivery import Schemas, Source
from auditor.feed_settings import FeedSettings
from auditor.hlc import Timestamp
from auditor.identity import AuditKey
from auditor.model import FindingText
from auditor.pipeline import Inspected
from auditor.state.database import Database, bind_identity, open_database
from auditor.state.findings import FindingStore, Stored
from auditor.state.recording import Recorded, Recorder
from auditor.toolkit import Toolkit
from auditor.watching.supervisor import Feed, Supervisor


@dataclass
class Bench:
    """A state, and what it takes to run feeds into it."""

    database: Database
    key: AuditKey
    tools: Toolkit
    recorded: list[tuple[list[Inspected], Recorded]] = field(default_factory=list)

    def describe(self, rule_id: str, *_place: str) -> FindingText:
        """Return a rule's texts."""
        rule = self.tools.rulebook.by_id[rule_id].rule
        return FindingText(rule.name, rule.kind.value, rule.gains, rule.remedy)

    @property
    def recorder(self) -> Recorder:
        """Return a recorder that alerts one sink."""
        return Recorder(self.database, self.key, describe=self.describe, compose=compose, alert_sinks=["test"])

    def supervisor(self, source: Source, **more: object) -> Supervisor:
        """Return a supervisor of a feed called ``feed``."""
        options: dict[str, object] = {
            "settings": FeedSettings(name="feed"),
            "form": "json",
            "schemas": None,
            "leased": True,
            "adopt_before": None,
            "until_caught_up": True,
            "holder": "one",
            **more,
        }
        settings, schemas = options["settings"], options["schemas"]
        assert isinstance(settings, FeedSettings)
        assert schemas is None or isinstance(schemas, Schemas)
        adopt_before = options["adopt_before"]
        assert adopt_before is None or isinstance(adopt_before, Timestamp)
        return Supervisor(
            Feed(settings, "test", str(options["form"]), source, schemas, bool(options["leased"])),
            self.tools,
            self.database,
            self.recorder,
            holder=str(options["holder"]),
            adopt_before=adopt_before,
            until_caught_up=bool(options["until_caught_up"]),
            recorded=lambda _feed, inspected, recorded: self.recorded.append((inspected, recorded)),
        )

    def run(self, source: Source, **more: object) -> Supervisor:
        """Run a bounded feed to its end."""
        supervisor = self.supervisor(source, **more)
        supervisor.start()
        assert supervisor.join(20), "the feed did not end"
        return supervisor

    def findings(self, *statuses: str) -> list[Stored]:
        """Return the findings of the state."""
        return list(FindingStore(self.database, self.describe).all(statuses))


@pytest.fixture(scope="module")
def tools() -> Toolkit:
    """Return the shipped rules under a fixed key."""
    return Toolkit.load((), "", AuditKey(b"k" * 32))


@pytest.fixture
def bench(state_url: str, tools: Toolkit) -> Iterator[Bench]:
    """Return an empty state on SQLite, then on PostgreSQL."""
    database = open_database(state_url, exclusive=True)
    bind_identity(database, tools.key.key_id)
    yield Bench(database, tools.key, tools)
    database.close()
