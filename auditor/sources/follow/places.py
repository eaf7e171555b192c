"""Where reading stands in files: known to the thread that inspects, and asked for by the one that reads."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from auditor.sources.follow.known import Standing


class Places:
    """Places by key; see `auditor.sources.follow.known.place_key`."""

    def __init__(self, places: Mapping[str, Standing]) -> None:
        """Begin with those of a position."""
        self._lock = threading.Lock()
        self._places = dict(places)

    def get(self, key: str) -> Standing | None:
        """Return where reading stands in a file."""
        with self._lock:
            return self._places.get(key)

    def put(self, key: str, standing: Standing | None) -> dict[str, Standing]:
        """Note a place, or with None that there is none any more; return all."""
        with self._lock:
            if standing is None:
                self._places.pop(key, None)
            else:
                self._places[key] = standing
            return dict(self._places)

    def drop(self, keys: Iterable[str]) -> None:
        """Forget places of files that are gone."""
        with self._lock:
            for key in keys:
                self._places.pop(key, None)

    def all(self) -> dict[str, Standing]:
        """Return all places."""
        with self._lock:
            return dict(self._places)
