"""One reading of a feed: one statement after another on one connection, and the place after each row."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Generator
from dataclasses import dataclass, replace

from auditor.delivery import ALL, Delivery, Lost, Progress
from auditor.errors import AuditorError, PositionLost, SourceUnavailable
from auditor.hlc import Timestamp
from auditor.sources.sinkless import catalog
from auditor.sources.sinkless.bell import Bell
from auditor.sources.sinkless.connection import Connection, Rows, Steps
from auditor.sources.sinkless.errors import Failure, Kind, Refused, Watched, error_of
from auditor.sources.sinkless.login import login
from auditor.sources.sinkless.place import Place, targets_of
from auditor.sources.sinkless.runs import resolved_of, runs
from auditor.sources.sinkless.settings import SinklessSettings
from auditor.sources.sinkless.statement import DISPENSABLE, Dialect, changefeed

_log = logging.getLogger("auditor.sinkless")

_PULSE = 0.5
#: An idle feed and a dead one look alike but for resolved rows.
_SILENCE = 30.0
#: Before its first row a feed may have hours of history to go through, and a scan has no resolved rows.
_PATIENCE = 10

Deliveries = Generator[Delivery | None, None, None]
#: Deliveries up to what ended them, None if that was their end.
UpTo = Generator[Delivery | None, None, Failure | None]


@dataclass(frozen=True, slots=True)
class Task:
    """How a feed is opened: from where, whether it ends once it has caught up, and whether lost rows are given up."""

    place: Place | None
    until_caught_up: bool = False
    rescan: bool = False


class Feed:
    """
    A feed from its start to its end, or to its first trouble that cannot be mended here.

    What can be mended: options and forms of the statement that the server does not know, a schema change that stops the feed, and
    with ``rescan`` rows that are gone.
    """

    def __init__(self, settings: SinklessSettings, task: Task, bell: Bell) -> None:
        self._settings = settings
        self._task = task
        self._connection = Connection(bell, settings.name)
        self._targets = targets_of(settings)
        self._place = task.place or Place(targets=self._targets)
        self._dialect = Dialect()
        self._until: Timestamp | None = None

    def deliveries(self) -> Deliveries:
        """Yield everything. Raise what `Reader` says, and `Closed`."""
        try:
            yield from self._connect()
            yield from self._begin()
        except Refused as refusal:
            failure = refusal.failure
        else:
            return
        finally:
            self._connection.finish()
        raise self._error(failure)

    def _connect(self) -> Steps[None]:
        """Connect, and learn what the server can do."""
        yield from self._connection.open(login(self._settings))
        version = yield from catalog.version(self._connection)
        several = False
        for table in self._settings.tables:
            try:
                several |= (yield from catalog.families(self._connection, table)) > 1
            except Refused as refusal:
                failure = refusal.failure
            else:
                continue
            raise self._error(failure, [table])
        self._dialect = Dialect(version, several)
        if self._task.until_caught_up:
            self._until = yield from catalog.now(self._connection)

    def _begin(self) -> Deliveries:
        """Do what comes before following, and then follow."""
        if self._settings.initial_scan == "only":
            self._place = replace(self._place, cursor=None)
            yield from self._scan((), (yield from catalog.now(self._connection)))
            return
        if self._place.cursor is None and self._place.missing is not None:
            yield from self._rescan(self._place.missing, "a scan after rows were lost was cut short")
        elif self._place.cursor is None and self._settings.initial_scan == "no":
            # Changes from now on, also if it is cut short before its first resolved row.
            self._place = replace(self._place, cursor=(yield from catalog.now(self._connection)), targets=self._targets)
            yield Progress(position=self._place.position())
        elif self._place.cursor is None:
            self._place = replace(self._place, targets=self._targets)
        elif added := [target for target in self._targets if target not in self._place.targets]:
            # What was not watched until now was not scanned either.
            yield from self._scan(added if self._settings.tables else (), (yield from catalog.now(self._connection)))
        yield from self._follow()

    def _follow(self) -> Deliveries:
        """Read changes after the cursor, or first all that is there."""
        given_up = False
        end = self._settings.end_time
        while end is None or (self._place.cursor or Timestamp(0)) < end:
            failure = yield from self._read(self._place.cursor, None)
            if failure is None:
                if self._caught_up():
                    return
                break
            before = self._place.cursor
            if failure.kind is Kind.SCHEMA_CHANGE and (moment := Timestamp.parse(failure.detail)) > (before or Timestamp(0)):
                # Everything before it was resolved; `schema_change_policy: stop` asks for a new changefeed from there on.
                _log.info("%s: the schema changed at %s: going on from there", self._settings.name, moment)
                self._place = replace(self._place, cursor=moment)
                continue
            error = self._error(failure)
            if not isinstance(error, PositionLost) or not self._task.rescan or before is None or given_up:
                raise error
            given_up = True
            yield from self._rescan(before, error.what)
        if end is None:
            raise SourceUnavailable("the changefeed ended by itself", where=self._settings.origin, fix="it is tried again")
        self._place = replace(self._place, cursor=max(self._place.cursor or Timestamp(0), end))
        yield Progress(position=self._place.position(), resolved=end)

    def _rescan(self, since: Timestamp, why: str) -> Deliveries:
        """Say what is missing, and read what is there now. Cut short, it says so again, of what went missing meanwhile."""
        until = yield from catalog.now(self._connection)
        self._place = Place(None, self._place.rows, self._targets, until)
        lost = Lost(ALL, f"changes after {since} and before the scan at {until}: {why}")
        yield Progress(position=self._place.position(), lost=(lost,))
        yield from self._scan((), until)

    def _scan(self, tables: Collection[str], moment: Timestamp) -> Deliveries:
        """Read what tables (all, if none are named) hold at a moment; go on from the cursor, or from there if there is none."""
        kept = self._place.cursor
        failure = yield from self._read(moment, tables)
        if failure is not None:
            # A scan has no position that could be lost: it begins anew.
            raise self._error(failure, scanning=True)
        self._place = Place(kept or moment, self._place.rows, self._targets)
        yield Progress(position=self._place.position(), resolved=None if kept else moment)

    def _read(self, cursor: Timestamp | None, scan: Collection[str] | None) -> UpTo:
        """Run a changefeed to its end; return what ended it, None if it came to its end or caught up."""
        while True:
            self._connection.start(changefeed(self._settings, self._dialect, cursor=cursor, scan=scan))
            failure = yield from self._rows(scanning=scan is not None)
            dialect = _without(self._dialect, failure, self._settings)
            if dialect is None:
                return failure
            unknown = (failure and failure.detail) or "CREATE CHANGEFEED without a sink"
            _log.warning("%s: the server does not know %s: going on without", self._settings.name, unknown)
            self._dialect = dialect

    def _rows(self, *, scanning: bool) -> UpTo:
        """Hand over rows as they come."""
        patience = max(_SILENCE, 5 * _interval(self._settings, self._dialect))
        silent_until = time.monotonic() + patience * _PATIENCE
        while True:
            rows = self._connection.pull()
            if rows.tables:
                yield from self._handed_over(rows)
                silent_until = time.monotonic() + patience * (_PATIENCE if self._place.cursor is None or scanning else 1)
            if rows.ended:
                return rows.failure
            if not scanning and self._caught_up():
                return None
            if not rows.tables and not self._connection.wait(_PULSE):
                if time.monotonic() > silent_until:
                    raise Refused(Failure(Kind.SILENT))
                yield None

    def _handed_over(self, rows: Rows) -> Deliveries:
        """Yield rows as messages. Only a resolved row moves the cursor, and only forwards."""
        first = self._place.rows + 1
        before = self._place = replace(self._place, rows=self._place.rows + len(rows.tables))
        if rows.tables[-1] is None:
            moment = resolved_of(rows.values[-1])
            if moment is None:
                _log.warning("%s: a resolved row has a form that is not known: it cannot be gone on from", self._settings.name)
            elif self._place.cursor is None or moment > self._place.cursor:
                self._place = replace(self._place, cursor=moment)
        yield from runs(rows, first, self._settings.origin, before.position(), self._place.position())

    def _caught_up(self) -> bool:
        """Tell whether everything was read that was there when the feed was opened."""
        return self._until is not None and self._place.cursor is not None and self._place.cursor >= self._until

    def _error(self, failure: Failure, tables: Collection[str] | None = None, *, scanning: bool = False) -> AuditorError:
        """Return the error that a failure is to whoever runs the feed."""
        settings = self._settings
        cursor = None if scanning else self._place.cursor
        return error_of(failure, Watched(settings.origin, tuple(tables or settings.tables), settings.user, cursor))


def _interval(settings: SinklessSettings, dialect: Dialect) -> float:
    """Return how far apart resolved rows are at most, as long as nothing holds them back."""
    least = 30.0 if "min_checkpoint_frequency" in dialect.refused else settings.min_checkpoint_frequency or 0
    return max(settings.resolved, least)


def _without(dialect: Dialect, failure: Failure | None, settings: SinklessSettings) -> Dialect | None:
    """Return what else to try after the server did not understand a statement, None if there is nothing."""
    if failure is None:
        return None
    if failure.kind is Kind.OPTION and failure.detail in DISPENSABLE - settings.options.keys() - dialect.refused:
        return replace(dialect, refused=dialect.refused | {failure.detail})
    if failure.kind is Kind.SYNTAX and settings.tables and not dialect.old:
        return replace(dialect, experimental=True)
    return None
