"""`auditor coverage`: what was read, what was not, and with which rules."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import rich_click as click

from auditor.cli.stored import format_option, opened, show, state_options

_MOST_GAPS = 1000


@click.command("coverage")
@state_options
@format_option
@click.option("--rules", "rules_digest", default="", metavar="DIGEST", help="Only what was read with this set of rules.")
def coverage(state: str, config_file: Path | None, form: str, rules_digest: str) -> None:
    """Print what was read by feed and table, the spans between resolved timestamps that are proved, and every gap."""
    from auditor.state import coverage as ledger

    with opened(state, config_file) as database:
        covered = [each for each in ledger.tables(database) if rules_digest in ("", each.rules_digest)]
        spans = [each for each in ledger.spans(database) if rules_digest in ("", each.rules_digest)]
        marks = ledger.watermarks(database)
        gaps, gaps_total = ledger.gaps(database, _MOST_GAPS)
        notes = ledger.notes(database)
    tables: list[dict[str, object]] = [
        {
            **({"record": "table"} if form == "jsonl" else {}),
            "feed": each.feed,
            "table": each.table,
            "rules": each.rules_digest,
            "rows": each.rows,
            "bytes": each.bytes,
            "resent_secrets": each.resent,
            "gaps": each.gaps,
            "all_read_up_to": _when(str(mark)) if (mark := marks.get((each.feed, each.table))) else None,
            "last_read": each.last_at,
        }
        for each in covered
    ]
    show(tables, form, empty="nothing was read")
    proved: list[dict[str, object]] = [
        {
            **({"record": "span"} if form == "jsonl" else {}),
            "feed": each.feed,
            "shard": each.shard or "(all)",
            "rules": each.rules_digest,
            "after": str(each.since),
            "up_to": str(each.until),
            "time": f"{_when(str(each.since))} to {_when(str(each.until))}",
        }
        for each in spans
    ]
    missing: list[dict[str, object]] = [
        {
            **({"record": "gap"} if form == "jsonl" else {}),
            "feed": feed,
            "cause": cause,
            "at": at,
            "where": gap.uri,
            "row": gap.row,
            "reason": gap.reason,
        }
        for feed, cause, gap, at in reversed(gaps)
    ]
    if form == "jsonl":
        told: list[dict[str, object]] = [{"record": "note", "feed": feed, "text": text, "at": at} for feed, text, at in notes]
        show([*proved, *missing, *told], form, empty="")
        return
    click.echo("\nProved to be read, between resolved timestamps:")
    show(proved, form, empty="no span: the feeds carry no resolved timestamps yet")
    click.echo(f"\nGaps: {gaps_total:,}")
    if missing:
        show(missing, form, empty="")
    for feed, text, _ in notes:
        click.echo(f"Note on {feed}: {text}")


def _when(stamp: str) -> str:
    """Return the wall time of a timestamp of CockroachDB."""
    seconds = int(stamp.partition(".")[0]) // 1_000_000_000
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
