"""Write a sample: the folder, format by format, and next to it the truth and a policy."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from auditor.errors import ConfigError
from auditor.sample import plan
from auditor.sample.catalogue import FORMATS
from auditor.sample.changes import Clock
from auditor.sample.formats import export
from auditor.sample.job import Job
from auditor.sample.tables import TABLES
from auditor.sample.tokens.catalogue import kind_named

#: 2026-11-02 22:40 UTC, in nanoseconds: a sample by rows takes 160 minutes from there, over midnight.
_START = 1_793_659_200_000_000_000
_SPAN = 9_600_000_000_000
#: A plant of every kind lies within so many rows of each table at most, and within the first half of a file of given size.
_WINDOW = 20_000
_ROW_BYTES = 700
#: The folders at the top of a sample; forcing replaces these and touches nothing else.
_PARTS = ("changefeed", "captures", "exports", "shell", "logs")


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """What to write; ``size`` (bytes a file) takes the place of ``rows`` (a table)."""

    folder: Path
    rows: int = 300
    size: int | None = None
    seed: int = 1
    formats: Sequence[str] = ()
    token_every_row: str = ""
    compression: str | None = None
    force: bool = False

    @property
    def truth(self) -> Path:
        """Return where the truth goes: beside the folder, so that a scan of the folder does not read it."""
        return self.folder.with_name(self.folder.name + ".truth.jsonl")

    @property
    def policy(self) -> Path:
        """Return where the policy of the tables goes: beside the folder, too."""
        return self.folder.with_name(self.folder.name + ".policy.yaml")


def write_sample(options: SampleOptions) -> Sequence[str]:
    """
    Write everything; return the names of the files, relative to the folder, in the order written.

    Raise `ConfigError` for a folder that holds anything (unless forced: then an earlier sample in it is replaced), an unknown
    format, or a compression that a named format has not.
    """
    names = _chosen(options)
    planned = _plan(options)
    prepare(options)
    write_policy(options)
    rows = None if options.size is not None else options.rows
    clock = Clock(_START, _SPAN // rows if rows else 2_000_000)
    written: list[str] = []
    with options.truth.open("wb") as truth:
        for name in names:
            compression = options.compression if options.compression in FORMATS[name].compressions else None
            job = Job(options.folder, planned, clock, rows, options.size, compression, truth, written)
            FORMATS[name].write(job, name)
        if any(name.startswith(("export-", "sql-")) for name in names):
            export.write_schema(Job(options.folder, planned, clock, rows, options.size, None, truth, written))
    return written


def _chosen(options: SampleOptions) -> Sequence[str]:
    """Return the formats to write."""
    for name in options.formats:
        if name not in FORMATS:
            raise ConfigError(f"no format is called {name!r}", fix="`auditor sample --help` names them")
        if options.compression and options.compression not in FORMATS[name].compressions:
            possible = ", ".join(FORMATS[name].compressions)
            raise ConfigError(f"{name} cannot be written with compression {options.compression}", fix=f"it takes: {possible}")
    if options.size is not None and not options.formats:
        raise ConfigError("a size is for each file, and there are over a hundred", fix="name the formats with --format")
    return options.formats or tuple(FORMATS)


def _plan(options: SampleOptions) -> plan.Plan:
    if options.token_every_row:
        return plan.in_every_row(options.seed, kind_named(options.token_every_row))
    if options.size is None:
        return plan.spread(options.seed, min(options.rows, _WINDOW))
    return plan.spread(options.seed, max(300, min(options.size // _ROW_BYTES // len(TABLES) // 2, _WINDOW)))


def write_policy(options: SampleOptions) -> None:
    """Write the policy that the sample's tables keep, but for what is planted."""
    options.policy.write_bytes(resources.files("auditor.sample").joinpath("policy.yaml").read_bytes())


def prepare(options: SampleOptions) -> None:
    """Make sure that the folder is there and empty."""
    if options.folder.is_dir() and any(options.folder.iterdir()):
        if not options.force:
            raise ConfigError(
                "the folder is not empty", where=str(options.folder), fix="name another one, or --force to replace its sample"
            )
        for part in _PARTS:
            shutil.rmtree(options.folder / part, ignore_errors=True)
    elif options.folder.exists() and not options.folder.is_dir():
        raise ConfigError("this is a file, not a folder", where=str(options.folder))
    options.folder.mkdir(parents=True, exist_ok=True)
