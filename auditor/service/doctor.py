"""Checks of what the service itself needs: key, state, disk, clock, alert files. Nothing is changed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from auditor.alerts.jsonl import JsonlSettings
from auditor.config import Config
from auditor.delivery import Check
from auditor.errors import AuditorError, ConfigError
from auditor.identity import AuditKey
from auditor.state.database import clock_of, file_of, stored_key

#: A full disk stops a SQLite state; a state of a million findings takes about 1 GiB.
_LEAST_FREE = 1 << 30
#: Leases end by the clocks of the instances.
_MOST_SKEW = 2.0


def service_checks(config: Config, url: str, key: AuditKey | ConfigError) -> Iterator[Check]:
    """Yield the checks; ``url`` is the state's with its password, ``key`` what came of looking for the key."""
    if isinstance(key, ConfigError):
        yield Check("key", "fail", key.what, key.fix)
    else:
        yield Check("key", "ok", f"key {key.key_id}")
    yield from _state(url, None if isinstance(key, ConfigError) else key)
    for settings in config.alerts:
        if isinstance(settings, JsonlSettings):
            yield _writable(f"alerts {settings.name}", settings.path)


def _state(url: str, key: AuditKey | None) -> Iterator[Check]:
    """Look at the state: there, ours, with room to grow, its clock like ours."""
    path = file_of(url)
    if path is not None:
        yield _writable("state", path)
        folder = next(each for each in (path.parent, *path.parent.parents) if each.exists())
        free = shutil.disk_usage(folder).free
        level = "ok" if free >= _LEAST_FREE else "warn"
        yield Check(
            "disk", level, f"{free >> 20:,} MiB free beside the state", "" if level == "ok" else "make room: 1 GiB at least"
        )
        if not path.exists():
            yield Check("state", "ok", "will be made at the first start")
            return
    try:
        known = stored_key(url)
        if path is None:
            skew = abs(clock_of(url) - time.time())
            level = "ok" if skew <= _MOST_SKEW else "fail"
            yield Check("clock", level, f"{skew:.1f} s from the state's", "" if level == "ok" else "keep both in time (NTP)")
    except AuditorError as error:
        yield Check("state", "fail", error.what, error.fix)
        return
    if known and key is not None and known != key.key_id:
        yield Check("state", "fail", f"was made with the key {known}", "use the key it was made with")
    else:
        yield Check("state", "ok", "can be read" if known else "is empty, and will be filled at the first start")


def _writable(name: str, path: Path) -> Check:
    """Look whether a file could be written."""
    place = path if path.exists() else next(each for each in path.parents if each.exists())
    if os.access(place, os.W_OK):
        return Check(name, "ok", f"{path} can be written")
    return Check(name, "fail", f"{path} cannot be written", f"change the permissions of {place}, or name another file")
