"""What is listed of a feed's folder or prefix, and what of that is to be read."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator

from auditor.names import ChangefeedFile, ResolvedFile
from auditor.sources.follow.listed import Listed, Since
from auditor.sources.follow.settings import FollowSettings

#: Ends of names of files that are being written: they get another name once they are whole.
_TEMPORARY = (".tmp", ".part", "~")


#: Lists everything, or what may be no earlier than a time. Raises `SourceUnavailable` or `ConfigError`.
Lister = Callable[[Since | None], Iterator[Listed]]


def lister_of(settings: FollowSettings) -> Lister:
    """Return what lists the files that the settings name. Of a changefeed's own those before the time given may be left out."""

    def listed(since: Since | None) -> Iterator[Listed]:
        for each in all_listed(settings, since):
            if isinstance(each.file, ResolvedFile) or is_wanted(settings, each):
                yield each

    return listed


def all_listed(settings: FollowSettings, since: Since | None = None) -> Iterator[Listed]:
    """Yield whatever lies there, wanted or not. Raise `SourceUnavailable` or `ConfigError`."""
    if settings.local:
        from auditor.sources.follow.folder import listed_folder

        return listed_folder(settings.folder, since.time if since else None, growing=settings.tail)
    from auditor.sources.follow.prefix import listed_prefix

    return listed_prefix(settings.uri, since)


def is_wanted(settings: FollowSettings, listed: Listed) -> bool:
    """Tell whether a file is one of those that the settings name."""
    last = listed.name.rpartition("/")[2]
    if last.startswith(".") or last.endswith(_TEMPORARY):
        return False
    if settings.files and not any(fnmatch.fnmatchcase(listed.name, pattern) for pattern in settings.files):
        return False
    if not settings.tables:
        return True
    table = listed.file.table if isinstance(listed.file, ChangefeedFile) else ""
    table = table.removeprefix(settings.topic_prefix)
    return any(table == name or table.endswith(f".{name}") for name in settings.tables)
