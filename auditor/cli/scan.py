"""`auditor scan`: the one-off audit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import rich_click as click

from auditor.cli.keys import find_key
from auditor.model import Severity


@click.command("scan")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--table", default="", help="The table that the inputs hold, where they do not say it themselves.")
@click.option("--columns", default="", metavar="A,B,C", help="Column names of a csv without a header.")
@click.option(
    "--ddl",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CREATE TABLE statements that name tables and columns.",
)
@click.option("--header", is_flag=True, help="The first record of every csv is its header.")
@click.option("--delimiter", default="", help="Delimiter of csv files; recognised if not given.")
@click.option("--nullas", default=None, help="What EXPORT wrote for NULL.")
@click.option("--input-format", default="", help="Read every input as this format instead of recognising it.")
@click.option(
    "--rules", "rule_files", multiple=True, type=click.Path(path_type=Path), help="A file of further rules (repeatable)."
)
@click.option("--policy", "policy_files", multiple=True, type=click.Path(path_type=Path), help="A policy file (repeatable).")
@click.option(
    "--fingerprints",
    type=click.Path(path_type=Path),
    help="A file that declares which columns hold hashes of live tokens: those tokens are then looked for in all inputs.",
)
@click.option(
    "--key-file", type=click.Path(path_type=Path), help="File with the key of ids; default AUDITOR_KEY, then your own key."
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="KIND=PATH",
    help="text, jsonl, csv, sarif, junit or html (repeatable); PATH - is stdout.",
)
@click.option(
    "--fail-on",
    default="low",
    show_default=True,
    type=click.Choice([level.label for level in Severity]),
    help="Exit 1 from this severity on; findings of low confidence do not count.",
)
@click.option("--baseline", "baseline_file", type=click.Path(path_type=Path), help="Known findings that are not to count.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 256), help="Worker processes.")
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    help="Keep the record of this run in a file, and skip what an earlier run finished.",
)
@click.option(
    "--engine", default="", type=click.Choice(["", "hyperscan", "standard"]), help="Scan engine; default the fastest installed."
)
@click.option("--quiet", is_flag=True, help="No progress, and no text report unless asked for.")
def scan(
    inputs: tuple[str, ...],
    table: str,
    columns: str,
    ddl: Path | None,
    rule_files: tuple[Path, ...],
    policy_files: tuple[Path, ...],
    fingerprints: Path | None,
    key_file: Path | None,
    reports: tuple[str, ...],
    fail_on: str,
    baseline_file: Path | None,
    jobs: int,
    resume: Path | None,
    engine: str,
    quiet: bool,
    **reading: Any,
) -> None:
    """
    Audit files, folders, globs, s3:// gs:// az:// http(s):// URLs, or - (stdin).

    Formats are recognised by content: changefeed ndjson, csv and parquet, EXPORT files, webhook and Pub/Sub bodies, sinkless
    captures, output of `cockroach sql`, SQL audit logs. Anything else is scanned as text, and said so.
    """
    from auditor.audit import Audit, Job
    from auditor.baseline import Baseline, load
    from auditor.cli.progress import shown
    from auditor.confirming import fresh_confirmer
    from auditor.decoders.ddl import read_ddl
    from auditor.decoders.options import ReadOptions
    from auditor.memory import suit_scanning
    from auditor.reports import parse_reports, write_reports
    from auditor.toolkit import Toolkit

    suit_scanning()
    specs = parse_reports(reports or (() if quiet else ("text",)))
    options = ReadOptions(table=table, columns=tuple(filter(None, columns.split(","))), **reading)
    tables = read_ddl(ddl.read_bytes(), str(ddl)) if ddl is not None else {}
    key = find_key(key_file, may_create=baseline_file is None and (resume is None or not resume.exists()))
    baseline = load(baseline_file, key.key_id) if baseline_file is not None else Baseline(key.key_id)
    job = Job(inputs, options, tables, jobs, engine, rule_files, policy_files, fingerprints, resume)
    with fresh_confirmer(fingerprints, key) as confirmer:
        audit = Audit(job, Toolkit.load(rule_files, engine, key, policy_files, confirmer), baseline)
        with shown(audit.size, quiet=quiet) as progress:
            audit.scan(progress)
        summary = audit.summary(Severity.of(fail_on))
        write_reports(specs, audit.findings, summary)
        audit.close()
    sys.exit(summary.exit_code)
