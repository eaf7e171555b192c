"""
The process of `auditor watch`: start, main loop, reload, shutdown.

Signals only set flags; the main loop acts on them. SIGTERM and SIGINT end it within ten seconds: what was inspected is recorded,
what was only read is read again next time. SIGHUP, and a change of the configuration's files, reload it; what does not load is
named, and what ran before goes on.
"""

from __future__ import annotations

import logging
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from auditor.alerts import open_alert_sink
from auditor.alerts.event import compose
from auditor.alerts.worker import AlertWorker
from auditor.config import Config
from auditor.errors import AuditorError, PositionLost
from auditor.hlc import Timestamp
from auditor.identity import AuditKey
from auditor.model import FindingText
from auditor.pipeline import Inspected
from auditor.service import systemd
from auditor.service.endpoints import Endpoints
from auditor.service.feeds import feed_of
from auditor.service.metrics import Metrics
from auditor.state.database import Database
from auditor.state.recording import Recorded, Recorder
from auditor.state.retention import prune
from auditor.toolkit import Toolkit
from auditor.watching.supervisor import Supervisor

_LOG = logging.getLogger("auditor.service")
#: Feeds get so long to record what they have; the rest of the ten seconds is for alerts.
_DRAIN, _LAST_ALERTS = 7.0, 2.0
_LOOK_FOR_CHANGES = 2.0
_PRUNE_EVERY = 3600.0


class Loaded(NamedTuple):
    """A configuration with the rules that it names."""

    config: Config
    tools: Toolkit


class Service:
    """Runs feeds and alert sinks until told to end, or until every feed has ended."""

    def __init__(
        self,
        loaded: Loaded,
        database: Database,
        key: AuditKey,
        *,
        path: Path | None,
        reload: Callable[[], Loaded],
        until_caught_up: bool,
    ) -> None:
        """Take an open state; ``reload`` reads the configuration again, whose file is at ``path``, if it has one."""
        self.metrics = Metrics()
        self._config, self._tools = loaded
        self._database, self._key, self._until_caught_up = database, key, until_caught_up
        self._path, self._reload = path, reload
        self._holder = f"{socket.gethostname()[:40]}-{secrets.token_hex(4)}"
        self._ending = threading.Event()
        self._reload_asked = threading.Event()
        self._woken = threading.Event()
        self._supervisors: dict[str, Supervisor] = {}
        self._workers: dict[str, AlertWorker] = {}
        self._recorder = Recorder(
            database, key, describe=self.describe, compose=compose, alert_sinks=[sink.name for sink in self._config.alerts]
        )
        self._seen = self._stamps()

    def run(self) -> None:
        """Run to the end."""
        with _signals(self._end, self._ask_for_reload):
            endpoints = self._open_endpoints()
            try:
                self._start()
                systemd.notify("READY=1")
                self._main_loop()
            finally:
                systemd.notify("STOPPING=1")
                self._shut_down()
                if endpoints is not None:
                    endpoints.close()

    @property
    def failures(self) -> list[str]:
        """Return why feeds were given up; a lost position is a gap in coverage and no failure of the run."""
        return [
            f"{name}: {supervisor.failure}"
            for name, supervisor in self._supervisors.items()
            if supervisor.failure is not None and not isinstance(supervisor.failure, PositionLost)
        ]

    @property
    def interrupted(self) -> bool:
        """Tell whether the run was ended from outside."""
        return self._ending.is_set()

    def ready(self) -> dict[str, str]:
        """Return what is not as it should be, by feed; nothing means ready."""
        # Probes may come before the feeds are there.
        conditions = {feed.name: "starting" for feed in self._config.feeds}
        conditions |= {name: supervisor.condition for name, supervisor in self._supervisors.items()}
        return {name: condition for name, condition in conditions.items() if condition not in ("running", "standby", "ended")}

    def _open_endpoints(self) -> Endpoints | None:
        """Listen for probes, if that is wanted."""
        server = self._config.server
        if server is None:
            return None
        self.metrics.watch_outbox(self._database)
        endpoints = Endpoints(server.host, server.port, ready=self.ready, metrics=self._metrics_text)
        _LOG.info("listening on http://%s:%s for /healthz, /readyz and /metrics", server.host, endpoints.port)
        return endpoints

    def _metrics_text(self) -> bytes:
        """Return the metrics, each feed's condition among them."""
        for name, supervisor in self._supervisors.items():
            running = supervisor.condition == "running"
            self.metrics.read(name, running=running, backlog=supervisor.backlog, under_way=supervisor.under_way)
        return self.metrics.text()

    def _start(self) -> None:
        """Start alert sinks, then feeds."""
        for settings in self._config.alerts:
            self._workers[settings.name] = worker = AlertWorker(self._database, settings.name, open_alert_sink(settings))
            worker.start()
        for feed in self._config.feeds:
            self._supervise(feed)

    def _supervise(self, settings: object) -> None:
        """Start one feed."""
        feed = feed_of(settings)
        # The scratch space of the engine is one thread's: every feed has its own rules.
        tools = self._load_tools()
        supervisor = Supervisor(
            feed,
            tools,
            self._database,
            self._recorder,
            holder=self._holder,
            adopt_before=_as_timestamp(self._config),
            until_caught_up=self._until_caught_up,
            recorded=self._recorded,
        )
        self._supervisors[feed.settings.name] = supervisor
        self.metrics.expect(feed.settings.name)
        supervisor.start()
        _LOG.info("feed %s: started", feed.settings.name)

    def _recorded(self, feed: str, inspected: Sequence[Inspected], recorded: Recorded) -> None:
        """Count a transaction, and let new alerts go."""
        self.metrics.recorded(feed, inspected, recorded)
        if recorded.opened:
            for worker in self._workers.values():
                worker.wake()

    def _main_loop(self) -> None:
        """Wait for signals, changes of files and the end of all feeds."""
        pruned = 0.0
        while not self._ending.is_set():
            if all(not supervisor.alive for supervisor in self._supervisors.values()):
                return
            if time.monotonic() - pruned > _PRUNE_EVERY or not pruned:
                pruned = time.monotonic()
                self._prune()
            self._woken.wait(_LOOK_FOR_CHANGES if not self._until_caught_up else 0.1)
            self._woken.clear()
            if self._reload_asked.is_set() or self._stamps() != self._seen:
                self._reload_asked.clear()
                self._seen = self._stamps()
                self._load_again()

    def _prune(self) -> None:
        """Forget what is older than it is kept for."""
        try:
            prune(self._database, self._config.state.retention_days)
        except AuditorError as error:
            _LOG.warning("%s", error)

    def _load_again(self) -> None:
        """Use the configuration as it is now, or say why not and go on as before."""
        systemd.reloading()
        try:
            config, tools = self._reload()
            before = self._config
            _LOG.info("configuration reloaded")
            for name in ("state", "key", "server", "log", "alerts", "adopt_before"):
                if getattr(config, name) != getattr(before, name):
                    _LOG.warning("%s was changed, which takes effect at the next start", name)
            self._tools = tools
            self._config = before.model_copy(
                update={"feeds": config.feeds, "rules": config.rules, "policies": config.policies, "engine": config.engine}
            )
            self._change_feeds({feed.name: feed for feed in before.feeds}, {feed.name: feed for feed in config.feeds})
        except AuditorError as error:
            _LOG.error("the configuration was not reloaded, and what ran goes on: %s", error)
            self.metrics.reloads.labels("failed").inc()
        else:
            self.metrics.reloads.labels("ok").inc()
            self.metrics.reloaded_at.set_to_current_time()
        systemd.notify("READY=1")

    def _change_feeds(self, before: dict[str, object], after: dict[str, object]) -> None:
        """Stop feeds that are gone or different, start those that are new or different, and give the others the new rules."""
        for name, settings in before.items():
            if after.get(name) != settings:
                supervisor = self._supervisors.pop(name)
                supervisor.stop()
                supervisor.join(_DRAIN)
                _LOG.info("feed %s: stopped", name)
        for name, settings in after.items():
            if name in self._supervisors:
                self._supervisors[name].use(self._load_tools())
            else:
                self._supervise(settings)

    def _shut_down(self) -> None:
        """End feeds, then alert sinks; what is not recorded or delivered by then stays where it is."""
        deadline = time.monotonic() + _DRAIN
        for supervisor in self._supervisors.values():
            supervisor.stop()
        for name, supervisor in self._supervisors.items():
            if not supervisor.join(max(0.0, deadline - time.monotonic())):
                _LOG.warning("feed %s did not end in time; what it had under way is read again next time", name)
        for worker in self._workers.values():
            worker.stop(_LAST_ALERTS)

    def describe(self, rule_id: str, table: str, column: str, path: str) -> FindingText:
        """Return what is said of findings, by the newest rules and policies."""
        return self._tools.describe(rule_id, table, column, path)

    def _load_tools(self) -> Toolkit:
        """Load the rules and policies of the configuration."""
        config = self._config
        return Toolkit.load(config.rules, config.engine, self._key, config.policies)

    def _stamps(self) -> dict[Path, float]:
        """Return when the configuration's files were changed."""
        paths = [*self._config.rules, *self._config.policies, *([self._path] if self._path else [])]
        return {path: path.stat().st_mtime for path in paths if path.exists()}

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        """Ask the main loop to end."""
        self._ending.set()
        self._woken.set()

    def _ask_for_reload(self, _signal: int, _frame: FrameType | None) -> None:
        """Ask the main loop to reload."""
        self._reload_asked.set()
        self._woken.set()


class _signals:  # noqa: N801 - used as a verb
    """Handles signals for as long as a block runs, if this is the main thread."""

    def __init__(self, end: Callable[[int, FrameType | None], None], reload: Callable[[int, FrameType | None], None]) -> None:
        self._handlers = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: reload}
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, handler) for number, handler in self._handlers.items()}

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal returned


def _as_timestamp(config: Config) -> Timestamp | None:
    """Return the moment from which each secret is told."""
    moment = config.adopt_before
    return None if moment is None else Timestamp(int(moment.timestamp()) * 1_000_000_000)
