"""
What a run tells: one file a kind of report.

A new kind is one file that ends in ``REPORT`` and one word in `KINDS`.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple, cast

from auditor.atomic import replacing
from auditor.errors import ConfigError, StateError
from auditor.model import Finding, Summary
from auditor.protocols import Report

KINDS = ("text", "jsonl", "csv", "sarif", "junit", "html")


def _load(kind: str) -> Report:
    """Import the file of a kind; jinja2 and rich are paid for only by who asks for them."""
    return cast("Report", importlib.import_module(f"auditor.reports.{kind}").REPORT)


#: kind -> a function that loads it
REPORTS: Mapping[str, Callable[[], Report]] = {kind: functools.partial(_load, kind) for kind in KINDS}


class ReportSpec(NamedTuple):
    """One ``--report KIND=PATH``; a ``path`` of None is standard output."""

    kind: str
    path: Path | None


def parse_reports(values: Iterable[str]) -> list[ReportSpec]:
    """
    Read ``KIND=PATH`` options; ``KIND`` alone and ``KIND=-`` go to standard output.

    Raise `ConfigError` for what could only fail after the work is done: an unknown kind, a folder that is missing or
    may not be written, two reports to one place.
    """
    specs: list[ReportSpec] = []
    taken: set[object] = set()
    for value in values:
        kind, equals, target = value.partition("=")
        if kind not in REPORTS:
            raise ConfigError("no such kind of report", where=f"--report {value}", fix=f"one of {', '.join(REPORTS)}")
        if equals and not target:
            raise ConfigError("names no file", where=f"--report {value}", fix=f"--report {kind}=FILE, or {kind}=- to print it")
        path = None if target in ("", "-") else Path(target)
        place = "-" if path is None else os.path.realpath(path)
        if place in taken:
            raise ConfigError("two reports go to the same place", where=f"--report {value}", fix="give each its own file")
        taken.add(place)
        if path is not None:
            _require_writable(path, f"--report {value}")
        specs.append(ReportSpec(kind, path))
    return specs


def _require_writable(path: Path, where: str) -> None:
    """Raise `ConfigError` if the file could not be put in its folder."""
    if path.is_dir():
        raise ConfigError("is a folder", where=where, fix="name a file in it")
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise ConfigError("the folder does not exist", where=where, fix=f"mkdir -p {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError("the folder may not be written", where=where, fix="choose another, or change its permissions")


def write_reports(specs: Sequence[ReportSpec], findings: Callable[[], Iterator[Finding]], summary: Summary) -> None:
    """
    Write every report, each in a pass of its own over ``findings()``.

    A file appears only when it is complete, and only its owner may read it. A file that cannot be written does not keep
    the others from it; the first such `StateError` is raised at the end.
    """
    failed: StateError | None = None
    for kind, path in specs:
        report = REPORTS[kind]()
        if path is None:
            with _standard_output() as out:
                report.write(findings(), summary, out)
            continue
        try:
            with replacing(path, mode=0o600) as out:
                report.write(findings(), summary, out)
        except OSError as error:
            failed = failed or StateError(
                f"the {kind} report could not be written: {error.strerror}",
                where=str(path),
                fix="free space or name another file",
            )
    if failed is not None:
        raise failed


@contextlib.contextmanager
def _standard_output() -> Iterator[IO[str]]:
    """Lend standard output; a character that its encoding lacks is written as its escape."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    yield sys.stdout
    sys.stdout.flush()
