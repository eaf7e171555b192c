"""`auditor sample`: a realistic feed and exports with planted synthetic tokens, and the truth about them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from auditor.sample.catalogue import FORMATS
from auditor.sample.formats.export import SCHEMA

if TYPE_CHECKING:
    from auditor.sample.writer import SampleOptions

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_LISTED = 12


class _Size(click.ParamType[int]):
    """A number of bytes: ``700``, ``10MB`` (millions), ``1GiB`` (powers of two)."""

    name = "size"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the bytes."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(value.strip())
        if match is None:
            self.fail(f"{value!r} is not a size such as 10MB or 1GB", param, ctx)
        size = int(float(match[1]) * (1024 if match[3] else 1000) ** " kmgt".index(match[2].lower() or " "))
        if size < 1000:
            self.fail("a file takes 1kB or more", param, ctx)
        return size


@click.command(
    "sample",
    epilog="Formats: " + "; ".join(f"{name} ({form.about})" for name, form in FORMATS.items()) + ".",
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--rows", default=300, show_default=True, type=click.IntRange(1, 100_000_000), help="Changes of each of the five tables."
)
@click.option("--size", type=_Size(), help="Bytes of each file, such as 1GB, instead of rows; needs --format.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="The same seed writes the same bytes.")
@click.option("--format", "formats", multiple=True, metavar="NAME", help="One of the formats below (repeatable); default all.")
@click.option(
    "--token-every-row", default="", metavar="KIND", help="Plant this one kind in every row, e.g. jwt-signed, and nothing else."
)
@click.option(
    "--compression",
    default=None,
    type=click.Choice(["none", "gzip", "zstd"]),
    help="Compress formats that can be; default as each one is.",
)
@click.option("--force", is_flag=True, help="Replace the sample that DIR holds.")
@click.option(
    "--grow",
    type=click.FloatRange(0.1),
    metavar="SECONDS",
    help="Write a changefeed that grows: new files every so many seconds, until interrupted. For `auditor watch file://DIR`.",
)
def sample(
    folder: Path,
    rows: int,
    size: int | None,
    seed: int,
    formats: tuple[str, ...],
    token_every_row: str,
    compression: str | None,
    force: bool,
    grow: float | None,
) -> None:
    """
    Write a realistic feed and exports into DIR, with planted synthetic tokens.

    Five tables, in every format that CockroachDB data leaves in. What is planted where stands in DIR.truth.jsonl, next to the
    folder, so that a scan of the folder does not find it there; DIR.policy.yaml is a policy for the tables, which the rows mostly
    keep. Every token is random and opens nothing.
    """
    from auditor.sample.writer import SampleOptions, write_sample

    options = SampleOptions(
        folder, rows, size, seed, formats, token_every_row, None if compression == "none" and not formats else compression, force
    )
    if grow is not None:
        _grow(options, grow)
        return
    written = write_sample(options)
    total = sum((folder / name).stat().st_size for name in written)
    for name in written[:_LISTED]:
        click.echo(f"  {name}")
    if len(written) > _LISTED:
        click.echo(f"  ... and {len(written) - _LISTED} more")
    click.echo(f"Wrote {len(written)} files, {total / 1e6:.1f} MB, to {folder}")
    click.echo(f"What is planted where: {options.truth}")
    click.echo(f"Next: auditor scan {folder}, or with --policy {options.policy}")
    if SCHEMA in written:
        click.echo(f"      with --ddl {folder / SCHEMA}, columns of csv files have their names")


def _grow(options: SampleOptions, interval: float) -> None:
    """Write a growing changefeed until SIGINT or SIGTERM."""
    import signal
    import threading

    from auditor.sample.growing import grow

    enough = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: enough.set())
    click.echo(f"A changefeed grows in {options.folder} every {interval:g} s; Ctrl-C ends it")
    files = max(grow(options, interval, wait=enough.wait))
    click.echo(f"Wrote {files} files to {options.folder}; what is planted where: {options.truth}")
