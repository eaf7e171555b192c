"""The doctor's questions to a cluster: each with what to do about the answer. They change nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

from auditor.delivery import Check
from auditor.errors import ConfigError
from auditor.hlc import Timestamp
from auditor.sources.sinkless import catalog
from auditor.sources.sinkless.bell import Bell
from auditor.sources.sinkless.connection import Connection, finish
from auditor.sources.sinkless.errors import Failure, Kind, Refused, Watched, error_of, grant
from auditor.sources.sinkless.login import login
from auditor.sources.sinkless.settings import SinklessSettings
from auditor.sql_quoting import identifier, table_name

_TOO_MUCH = ("INSERT", "UPDATE", "DELETE")
_SKEW = 5.0
_LEAST_TTL = 3600
_RANGEFEEDS = "kv.rangefeed.enabled"


def checks(settings: SinklessSettings, cursor: Timestamp | None) -> Iterator[Check]:
    """Answer what can be answered; without a connection that is one thing."""
    bell = Bell()
    connection = Connection(bell, settings.name)
    try:
        yield from _Doctor(settings, connection, cursor).answers()
    finally:
        connection.finish()
        bell.remove()


class _Doctor:
    """Asks over one connection."""

    def __init__(self, settings: SinklessSettings, connection: Connection, cursor: Timestamp | None) -> None:
        self._settings = settings
        self._connection = connection
        self._cursor = cursor

    def answers(self) -> Iterator[Check]:
        """Yield one answer after the other."""
        try:
            finish(self._connection.open(login(self._settings)))
            version = finish(catalog.version(self._connection))
        except ConfigError as error:
            yield Check("connection", "fail", error.what, error.fix)
            return
        except Refused as refusal:
            yield self._failed("connection", refusal.failure)
            return
        yield Check("connection", "ok", f"connected to {self._settings.origin}")
        yield self._encryption()
        yield self._version(version)
        yield self._rangefeeds()
        for table in self._settings.tables:
            yield from self._table(table)
        yield self._clock()

    def _encryption(self) -> Check:
        """Tell whether what is read can be read by others on the way."""
        if self._connection.encrypted:
            return Check("TLS", "ok", f"the connection is encrypted (sslmode {self._settings.sslmode})")
        return Check(
            "TLS", "warn", "the connection is not encrypted: rows pass over the network as they are", "sslmode: verify-full"
        )

    def _version(self, version: tuple[int, int]) -> Check:
        """Tell what the server's version means for the feed."""
        named = ".".join(map(str, version))
        if version == (0, 0):
            return Check("version", "warn", "the server does not say its version", "options are tried and left out if refused")
        if self._settings.envelope == "enriched" and version < (25, 2):
            return Check("version", "fail", f"v{named} has no enriched envelope", "envelope: wrapped, or upgrade to v25.2")
        return Check("version", "ok", f"CockroachDB v{named}")

    def _rangefeeds(self) -> Check:
        """Tell whether changefeeds can run at all."""
        try:
            value = finish(catalog.setting(self._connection, _RANGEFEEDS))
        except Refused as refusal:
            if refusal.failure.kind is not Kind.FORBIDDEN:
                return self._failed("rangefeeds", refusal.failure)
            fix = f"GRANT SYSTEM VIEWCLUSTERSETTING TO {identifier(self._settings.user)}"
            return Check("rangefeeds", "warn", f"{_RANGEFEEDS} cannot be read", fix)
        if value in ("t", "true", "on"):
            return Check("rangefeeds", "ok", f"{_RANGEFEEDS} is on")
        if self._settings.initial_scan == "only":
            return Check("rangefeeds", "ok", f"{_RANGEFEEDS} is off: an initial scan only does not need it")
        return Check("rangefeeds", "fail", f"{_RANGEFEEDS} is off", f"SET CLUSTER SETTING {_RANGEFEEDS} = true")

    def _table(self, table: str) -> Iterator[Check]:
        """Tell whether a table can be read, by no more rights than needed, and for how long its history is kept."""
        name = f"table {table}"
        try:
            held = finish(catalog.privileges(self._connection, table, ("SELECT", *_TOO_MUCH)))
            if "SELECT" not in held:
                yield Check(name, "fail", "the user may not read it", grant([table], self._settings.user))
                return
            yield self._rights(name, table, [privilege for privilege in held if privilege in _TOO_MUCH])
            yield self._families(name, finish(catalog.families(self._connection, table)))
        except Refused as refusal:
            yield self._failed(name, refusal.failure)
            return
        yield self._history(name, table)

    def _rights(self, name: str, table: str, beyond: list[str]) -> Check:
        """Warn of rights that a reader does not need."""
        if not beyond:
            return Check(name, "ok", "the user may read it, and no more")
        rights = ", ".join(beyond)
        user = identifier(self._settings.user)
        if user in ("root", "admin"):
            own = f"CREATE USER auditor; {grant([table], 'auditor')}"
            return Check(name, "warn", "the user may do everything: read it with a user of its own", own)
        return Check(
            name,
            "warn",
            f"the user may do more than read it: {rights}",
            f"REVOKE {rights} ON TABLE {table_name(table)} FROM {user}",
        )

    def _families(self, name: str, count: int) -> Check:
        """Tell whether all of a row is read."""
        if count > 1 and self._settings.split_column_families is False:
            return Check(name, "fail", f"it has {count} column families", "leave split_column_families out, or set it to true")
        several = "one column family" if count == 1 else f"{count} column families: each sends its own messages"
        return Check(name, "ok", several)

    def _history(self, name: str, table: str) -> Check:
        """Compare how long history is kept with how long ago the feed was last read."""
        try:
            ttl = finish(catalog.gc_ttl(self._connection, table))
        except Refused as refusal:
            return Check(
                name,
                "warn",
                f"its zone configuration cannot be read: {refusal.failure.kind.value}",
                grant([table], self._settings.user),
            )
        fix = f'ALTER TABLE {table_name(table)} CONFIGURE ZONE USING "gc.ttlseconds" = 90000'
        if ttl is None:
            return Check(name, "warn", "its zone configuration names no gc.ttlseconds", fix)
        age = time.time() - self._cursor.wall / 1e9 if self._cursor else 0.0
        if age > ttl:
            return Check(
                name,
                "fail",
                f"the feed was last read {_hours(age)} ago, and history is kept for {_hours(ttl)}",
                "on_position_lost: rescan",
            )
        if age > ttl / 2 or ttl < _LEAST_TTL:
            last = f", and the feed was last read {_hours(age)} ago" if self._cursor else ""
            return Check(name, "warn", f"history is kept for {_hours(ttl)}{last}: a longer outage loses rows", fix)
        return Check(name, "ok", f"history is kept for {_hours(ttl)}: an outage may last as long")

    def _clock(self) -> Check:
        """Compare this machine's clock with the cluster's."""
        try:
            moment = finish(catalog.now(self._connection))
        except Refused as refusal:
            return self._failed("clock", refusal.failure)
        skew = abs(time.time() - moment.wall / 1e9)
        if skew > _SKEW:
            return Check("clock", "warn", f"this machine's clock is {skew:.0f} s away from the cluster's", "run NTP on both")
        return Check("clock", "ok", "this machine's clock agrees with the cluster's")

    def _failed(self, name: str, failure: Failure) -> Check:
        """Turn a refusal into an answer."""
        settings = self._settings
        error = error_of(failure, Watched(settings.origin, settings.tables, settings.user, None))
        return Check(name, "fail", error.what, error.fix)


def _hours(seconds: float) -> str:
    """Say a time span."""
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds:.0f} s"
