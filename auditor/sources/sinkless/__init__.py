"""A sinkless changefeed: CockroachDB streams the rows of tables, and of all changes to them, over one SQL connection."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.delivery import ALL, Check, Claims, Position, Reader
from auditor.errors import ConfigError
from auditor.sources.sinkless.place import Place
from auditor.sources.sinkless.settings import SinklessSettings


class SinklessSource:
    """See `auditor.delivery.Source`."""

    def __init__(self, settings: SinklessSettings) -> None:
        """Take the settings; nothing is opened."""
        self._settings = settings

    def open(self, claims: Claims, *, until_caught_up: bool = False, rescan: bool = False) -> Reader:
        """Continue after the recorded cursor, or begin. The connection is made by whoever iterates."""
        _need_psycopg()
        from auditor.sources.sinkless.feed import Task
        from auditor.sources.sinkless.reader import SinklessReader

        position = claims.claim([ALL]).get(ALL)
        place = None if position is None else Place.of(position)
        return SinklessReader(self._settings, Task(place, until_caught_up, rescan))

    def checks(self, position: Position | None = None) -> Iterator[Check]:
        """Look whether the feed can be read; with a recorded position, also whether it can be gone on from."""
        try:
            _need_psycopg()
        except ConfigError as error:
            yield Check("psycopg", "fail", error.what, error.fix)
            return
        from auditor.sources.sinkless.checks import checks

        yield from checks(self._settings, None if position is None else Place.of(position).cursor)


def _need_psycopg() -> None:
    """Raise `ConfigError` if the client library is missing."""
    try:
        import psycopg  # noqa: F401 - is it there?
    except ImportError:
        raise ConfigError("sinkless feeds need the package psycopg", fix="pip install 'auditor[sinkless]'") from None
