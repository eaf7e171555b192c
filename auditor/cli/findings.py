"""`auditor findings`: what a running auditor has found, and what is decided about it."""

from __future__ import annotations

import getpass
from datetime import date, datetime
from pathlib import Path

import rich_click as click

from auditor.cli.stored import format_option, opened, show, state_options, store_of
from auditor.errors import ConfigError

_REMOVED = "removed: the row no longer holds it, which closes no token"


@click.group("findings")
def findings() -> None:
    """List findings of a running auditor, and decide about them."""


@findings.command("list")
@state_options
@format_option
@click.option("--all", "everything", is_flag=True, help="Resolved and ignored ones, too.")
def list_(state: str, config_file: Path | None, form: str, *, everything: bool) -> None:
    """Print findings, most severe first."""
    from auditor.reports.record import finding_record

    with opened(state, config_file) as database:
        stored = list(store_of(database).all(() if everything else ("open", "acknowledged")))
    if form == "jsonl":
        show(
            [{**finding_record(one.finding), "status": one.status, "removed_at_source": one.removed_at_source} for one in stored],
            form,
            empty="",
        )
        return
    rows: list[dict[str, object]] = [
        {
            "id": one.finding.finding_id[:20],
            "severity": one.finding.severity.label,
            "confidence": one.finding.confidence.label,
            "rule": one.finding.rule_id,
            "place": ".".join(filter(None, (one.finding.table, one.finding.column))) + one.finding.path.removeprefix("$"),
            "seen": one.finding.occurrences,
            "last_seen": one.finding.last_seen,
            "status": one.status + (", removed at source" if one.removed_at_source else ""),
        }
        for one in stored
    ]
    show(rows, form, empty="no findings")


@findings.command("show")
@click.argument("finding_id")
@state_options
def show_(finding_id: str, state: str, config_file: Path | None) -> None:
    """Print all that is known of one finding, named by the beginning of its id."""
    with opened(state, config_file) as database:
        store = store_of(database)
        one = store.one(finding_id)
        history = store.history(one.finding.finding_id)
    finding = one.finding
    lines = [
        f"{finding.finding_id}  {finding.title}",
        f"  severity     {finding.severity.label}, confidence {finding.confidence.label}",
        f"  place        {finding.table or '(table unknown)'} {finding.column} {finding.path}".rstrip(),
        f"  evidence     {finding.evidence.redacted} ({finding.evidence.length} characters, {finding.evidence.alphabet})",
        f"  seen         {finding.occurrences:,} times, {one.resent:,} more in events sent again, {one.debt:,} of them debt",
        f"  first, last  {finding.first_seen}, {finding.last_seen}",
        f"  status       {one.status}" + (f": {one.reason} ({one.decided_by}, {one.decided_at})" if one.reason else ""),
        f"  at source    {_REMOVED if one.removed_at_source else 'still there as far as seen'}",
        "  exposures",
        *(f"    {each.uri} row {each.row} {each.part} key {each.row_key or '-'}: {each.count:,}" for each in finding.exposures),
        "  what an attacker gets",
        f"    {finding.gains}",
        "  remedy",
        *(f"    {line}" for line in finding.remedy.splitlines()),
    ]
    if history:
        lines += ["  history", *(f"    {at} {status} by {who}: {reason}" for at, status, reason, who in history)]
    click.echo("\n".join(lines))


def _decision(verb: str, status: str, help_text: str) -> None:
    """Add a verb that records a decision."""

    @findings.command(verb, help=help_text)
    @click.argument("finding_ids", nargs=-1, required=True)
    @state_options
    @click.option(
        "--reason", required=True, help="Why; for `resolve` one of fixed, revoked, row-deleted, and more words if you like."
    )
    @click.option("--by", "decided_by", default="", help="Who decides; default the user.")
    @click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="For `ignore`: the day from which it counts again.")
    def decide(
        finding_ids: tuple[str, ...], state: str, config_file: Path | None, reason: str, decided_by: str, until: datetime | None
    ) -> None:
        _require(verb, reason, until)
        ends = None if until is None else f"{until.date().isoformat()}T00:00:00.000Z"
        with opened(state, config_file) as database:
            store = store_of(database)
            for one in [store.one(finding_id) for finding_id in finding_ids]:
                store.decide(
                    one.finding.finding_id, status, reason=reason, decided_by=decided_by or getpass.getuser(), until=ends
                )
                click.echo(f"{one.finding.finding_id}: {status}")


def _require(verb: str, reason: str, until: datetime | None) -> None:
    """Raise `ConfigError` for a decision that lacks what makes it one."""
    from auditor.state.findings import RESOLUTIONS

    if verb == "resolve" and reason.split(maxsplit=1)[0].rstrip(":,") not in RESOLUTIONS:
        raise ConfigError(
            "a finding is resolved because it is fixed, revoked or row-deleted",
            where="--reason",
            fix="begin with one of these words",
        )
    if verb == "ignore" and (until is None or until.date() <= date.today()):  # noqa: DTZ011 - the user's own day
        raise ConfigError("nothing is ignored for ever", where="--until", fix="--until with a day in the future")
    if verb != "ignore" and until is not None:
        raise ConfigError("only `ignore` has an end", where="--until", fix="leave it away")


_decision("ack", "acknowledged", "Say that somebody is on it.")
_decision(
    "resolve", "resolved", "Say that it is done: fixed, revoked or row-deleted. A later row with the same secret opens it again."
)
_decision("ignore", "ignored", "Let it not count until a day, for a reason.")
_decision("reopen", "open", "Let it count again.")
