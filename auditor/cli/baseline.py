"""`auditor baseline`: accept what is known, drop what is gone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import rich_click as click


@click.group("baseline")
def baseline() -> None:
    """Accept known findings, so that a scan fails on new ones only."""


@baseline.command("create")
@click.argument("report", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(path_type=Path),
    help="The baseline; entries that it has already are kept as they are.",
)
@click.option("--reason", required=True, help="Why these findings are accepted.")
@click.option("--owner", required=True, help="Who answers for that.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="First day on which they count again.")
def create_baseline(report: Path, output: Path, reason: str, owner: str, expires: datetime | None) -> None:
    """Accept every finding of a jsonl REPORT."""
    from auditor.baseline import create, load
    from auditor.errors import ConfigError
    from auditor.reports.reading import read_findings

    findings = list(read_findings(report))
    if not findings:
        raise ConfigError("holds no findings", where=str(report), fix="there is nothing to accept")
    key_id = findings[0].finding_id[4:12]
    earlier = load(output, key_id) if output.exists() else None
    made = create(findings, key_id, reason=reason, owner=owner, expires=expires.date() if expires else None, earlier=earlier)
    made.write(output)
    click.echo(f"{output}: {len(made.entries)} entries")


@baseline.command("prune")
@click.argument("baseline_file", metavar="BASELINE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("report", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def prune_baseline(baseline_file: Path, report: Path) -> None:
    """Drop the entries of a BASELINE whose finding is not in a jsonl REPORT."""
    from auditor.baseline import prune
    from auditor.reports.reading import read_findings

    gone = prune(baseline_file, {finding.finding_id for finding in read_findings(report)})
    for entry in gone:
        click.echo(f"dropped {entry.label}")
    click.echo(f"{len(gone)} entries dropped")
