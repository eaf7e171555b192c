"""What `auditor doctor` asks of a folder or prefix."""

from __future__ import annotations

import os
from collections.abc import Iterator

from auditor.delivery import Check
from auditor.errors import AuditorError
from auditor.hlc import Timestamp
from auditor.names import ChangefeedFile, ResolvedFile
from auditor.redaction import shown_uri
from auditor.sources.follow.known import MOST_OTHERS
from auditor.sources.follow.listed import Listed
from auditor.sources.follow.listing import all_listed, is_wanted
from auditor.sources.follow.marks import believed
from auditor.sources.follow.settings import FollowSettings


class _Survey:
    """What lies there, counted."""

    def __init__(self, settings: FollowSettings) -> None:
        self.files: list[ChangefeedFile] = []
        self.marks: set[Timestamp] = set()
        self.wanted = self.others = self.left_out = 0
        self.last: Listed | None = None
        for listed in all_listed(settings):
            if isinstance(listed.file, ResolvedFile):
                self.marks.add(listed.file.timestamp)
            elif is_wanted(settings, listed):
                self._count(listed)
            else:
                self.left_out += 1

    def _count(self, listed: Listed) -> None:
        self.wanted += 1
        self.last = listed
        if isinstance(listed.file, ChangefeedFile):
            self.files.append(listed.file)
        elif not listed.grows:
            self.others += 1


def checks(settings: FollowSettings) -> Iterator[Check]:
    """Yield the answers."""
    try:
        found = _Survey(settings)
    except AuditorError as error:
        yield Check("listing", "fail", str(error), error.fix or "check the address, and the right to list")
        return
    what = f"{found.wanted:,} files to read, {len(found.marks):,} .RESOLVED files, {found.left_out:,} files left out"
    yield Check("listing", "ok", what)
    if found.last is None:
        yield Check("files", "warn", "there is nothing to read yet", "check the address, `files` and `tables`")
    else:
        yield _readable(found.last)
    if found.others > MOST_OTHERS:
        what = f"{found.others:,} files that no changefeed has named; {MOST_OTHERS:,} can be told apart"
        yield Check("other files", "fail", what, "follow their folders as feeds of their own, or move away what was read")
    if found.files and not found.marks:
        fix = "create the changefeed WITH resolved: without it no span of time can be called covered"
        yield Check("resolved", "warn", "no .RESOLVED file lies there", fix)
    if reason := believed(found.files, found.marks, settings.changefeeds).reason:
        yield Check("changefeeds", "warn", reason, "give each changefeed a prefix of its own")
    if settings.local and os.access(settings.folder, os.W_OK):
        yield Check("rights", "warn", "this user may change the folder", "listing and reading are enough")


def _readable(listed: Listed) -> Check:
    """Read the first byte of a file."""
    where = shown_uri(listed.input.uri)
    try:
        with listed.input.open() as file:
            file.read(1)
    except AuditorError as error:
        return Check("reading", "fail", str(error), error.fix or "grant the right to read")
    except OSError as error:
        return Check("reading", "fail", f"{where}: {error.strerror}", "grant the right to read")
    return Check("reading", "ok", f"{where} can be read")
