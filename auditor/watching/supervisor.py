"""One feed, kept going: opened, run, opened again after what passes, stopped with a reason after what does not."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from auditor.delivery import Lost, Progress, Schemas, Source
from auditor.errors import AuditorError, ConfigError, Fenced, PositionLost
from auditor.feed_settings import FeedSettings
from auditor.hlc import Timestamp
from auditor.pipeline import Inspected
from auditor.state.database import Database
from auditor.state.leases import LEASE_SECONDS, Lease
from auditor.state.recording import FeedFacts, Recorded, Recorder
from auditor.toolkit import Toolkit
from auditor.watching.inspection import Inspection
from auditor.watching.naming import naming_of
from auditor.watching.run import FeedRun
from auditor.watching.shards import Shards

_LOG = logging.getLogger("auditor.feed")
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 60.0
#: A run that lasted so long was well: what fails after it is waited for briefly again.
_WELL_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class Feed:
    """A configured feed with what it is run by. ``leased`` feeds are run by one instance at a time."""

    settings: FeedSettings
    kind: str
    form: str
    source: Source
    schemas: Schemas | None
    leased: bool


class Supervisor:
    """
    Runs one feed on a thread of its own, whatever happens to it.

    ``condition`` says how it is: ``starting``, ``running``, ``standby`` (another instance has the lease), ``waiting: ...``,
    ``stopped: ...`` or ``ended``.
    """

    def __init__(
        self,
        feed: Feed,
        tools: Toolkit,
        database: Database,
        recorder: Recorder,
        *,
        holder: str,
        adopt_before: Timestamp | None,
        until_caught_up: bool,
        recorded: Callable[[str, list[Inspected], Recorded], None],
    ) -> None:
        """Prepare a feed; `start` runs it."""
        self.feed = feed
        self.condition = "starting"
        self.failure: AuditorError | None = None
        self._database, self._recorder = database, recorder
        self._lease = Lease(database, feed.settings.name, holder) if feed.leased and database.shared else None
        self._adopt_before, self._until_caught_up, self._recorded = adopt_before, until_caught_up, recorded
        self._inspection = Inspection(tools, feed.settings, kind=feed.kind, form=feed.form, schemas=feed.schemas)
        self._stopping = threading.Event()
        self._run: FeedRun | None = None
        self._thread = threading.Thread(target=self._keep_going, name=f"feed {feed.settings.name}", daemon=True)

    @property
    def backlog(self) -> int | None:
        """Return how much waits at the source, None if that cannot be told, or nobody reads."""
        run = self._run
        return None if run is None else run.backlog

    @property
    def under_way(self) -> int:
        """Return how many deliveries are read and not recorded."""
        run = self._run
        return 0 if run is None else run.under_way

    @property
    def alive(self) -> bool:
        """Tell whether the feed may still deliver."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the feed to end: what was inspected is recorded. Returns at once; `join` waits."""
        self._stopping.set()
        run = self._run
        if run is not None:
            run.close()

    def join(self, seconds: float) -> bool:
        """Wait for the end; return whether it came in time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def use(self, tools: Toolkit) -> None:
        """Inspect with other rules from the next delivery on."""
        self._inspection.tools = tools

    def _keep_going(self) -> None:
        """Open and run the feed until it ends, is stopped, or cannot be helped."""
        wait = _FIRST_WAIT
        rescan = False
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                if not self._leased():
                    self.condition = "standby"
                    self._stopping.wait(LEASE_SECONDS / 4)
                    continue
                self._open_and_run(rescan=rescan)
                rescan = False
                if not self._stopping.is_set():
                    self.condition = "ended"
                    break
            except PositionLost as error:
                rescan = self.feed.settings.on_position_lost == "rescan" and not rescan
                self._say(error)
                if rescan:
                    continue
                self._give_up(error)
                break
            except ConfigError as error:
                self._give_up(error)
                break
            except Fenced:
                self.condition = "standby"
                self._stopping.wait(LEASE_SECONDS / 4)
            except Exception as error:  # noqa: BLE001 - one failing feed never stops the others
                if time.monotonic() - began > _WELL_AFTER:
                    wait = _FIRST_WAIT
                self._say(error)
                self.condition = f"waiting: {_told(error)}"
                self._stopping.wait(wait * random.uniform(0.5, 1))  # noqa: S311 - so that feeds do not come back all at once
                wait = min(2 * wait, _LONGEST_WAIT)
        self._end()

    def _open_and_run(self, *, rescan: bool) -> None:
        """Run the feed once, from where the state says."""
        settings = self.feed.settings
        shards = Shards(self._database, settings.name, self._inspection.tools.key, self._adopt_before)
        reader = self.feed.source.open(shards, until_caught_up=self._until_caught_up, rescan=rescan)
        facts = FeedFacts(
            settings.name,
            self.feed.kind,
            settings.cluster,
            self._inspection.tools.digest,
            naming_of(settings),
            shards.epochs,
            self._adopt_before,
        )
        run = FeedRun(
            reader, shards, self._inspection, self._recorder, facts, lambda done, what: self._recorded(settings.name, done, what)
        )
        self._run = run
        renewal = threading.Thread(target=self._renew, args=(self._lease, run), name=f"lease {settings.name}", daemon=True)
        ended = self._ended = threading.Event()
        try:
            if self._stopping.is_set():
                run.close()
            self.condition = "running"
            if self._lease is not None:
                renewal.start()
            run.run()
        finally:
            ended.set()
            self._run = None

    def _leased(self) -> bool:
        """Tell whether this instance may run the feed."""
        return self._lease is None or self._lease.hold()

    def _renew(self, lease: Lease, run: FeedRun) -> None:
        """Renew the lease while a run lasts; end the run when it is lost."""
        ended = self._ended
        last = time.monotonic()
        while not ended.wait(LEASE_SECONDS / 4):
            try:
                if lease.hold():
                    last = time.monotonic()
                    continue
            except AuditorError:
                if time.monotonic() - last < LEASE_SECONDS / 2:
                    continue
            run.close()
            return

    def _give_up(self, error: AuditorError) -> None:
        """Stop for good, and say so where coverage is told, too."""
        self.failure = error
        self.condition = f"stopped: {_told(error)}"
        if not isinstance(error, PositionLost):
            self._say(error)
            return
        try:
            shards = Shards(self._database, self.feed.settings.name, self._inspection.tools.key, None)
            shards.claim([""])
            lost = next(iter(self._inspection.inspect(Progress(lost=[Lost("", error.what)]), shards.events(""))))
            settings = self.feed.settings
            facts = FeedFacts(settings.name, self.feed.kind, settings.cluster, "", naming_of(settings), shards.epochs)
            self._recorder.record(facts, [lost])
        except AuditorError as unrecorded:
            self._say(unrecorded)

    def _end(self) -> None:
        """Give the lease back."""
        if self._stopping.is_set() and not self.condition.startswith("stopped"):
            self.condition = "ended"
        if self._lease is not None:
            try:
                self._lease.let_go()
            except AuditorError as error:
                self._say(error)

    def _say(self, error: Exception) -> None:
        """Log what went wrong; an error of our own says it in words, any other only by its kind and place."""
        if isinstance(error, AuditorError):
            _LOG.warning("%s: %s", self.feed.settings.name, error)
        else:
            _LOG.error("%s: %s", self.feed.settings.name, _told(error))


def _told(error: Exception) -> str:
    """Say an error without any value that it may quote."""
    if isinstance(error, AuditorError):
        return str(error)
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f" in {frame.tb_frame.f_code.co_name}, line {frame.tb_lineno}" if frame else ""
    return f"{type(error).__name__}{place}"
