"""`auditor watch`: the long-running consumer."""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import rich_click as click

from auditor.model import Severity


@click.command("watch")
@click.argument("uris", nargs=-1, metavar="[URI]...")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="The configuration; else give URIs of feeds.")
@click.option("--state", default="", metavar="URL", help="sqlite:///FILE, postgresql://... or cockroachdb://...; with URIs.")
@click.option("--rules", "rule_files", multiple=True, type=click.Path(path_type=Path), help="A file of further rules; with URIs.")
@click.option("--policy", "policy_files", multiple=True, type=click.Path(path_type=Path), help="A policy file; with URIs.")
@click.option("--key-file", type=click.Path(path_type=Path), help="File with the key of ids; default AUDITOR_KEY.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="KIND=PATH",
    help="text, jsonl, csv, sarif, junit or html (repeatable), written from the state at the end.",
)
@click.option("--until-caught-up", is_flag=True, help="End when what is there now has been read; exit codes as those of scan.")
@click.option(
    "--fail-on",
    default="low",
    show_default=True,
    type=click.Choice([level.label for level in Severity]),
    help="With --until-caught-up: exit 1 from this severity on.",
)
def watch(
    uris: tuple[str, ...],
    config_file: Path | None,
    state: str,
    rule_files: tuple[Path, ...],
    policy_files: tuple[Path, ...],
    key_file: Path | None,
    reports: tuple[str, ...],
    until_caught_up: bool,
    fail_on: str,
) -> None:
    """
    Audit changefeeds for as long as they run: every row once or more, findings and positions in one transaction.

    A feed is given in the configuration, or as a URI for a quick look: kafka://HOST:PORT?topics=a,b&group=g,
    cockroachdb://USER@HOST:26257/DB?tables=a,b, webhook://127.0.0.1:8443/path, file:///folder, s3://bucket/prefix.
    """
    # Process 1 of a container ignores what it has no handler for. Until the service has its own, there is nothing to record yet.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(130 if until_caught_up else 0))
    from auditor.cli.configuration import config_of_uris, key_for, read_config, state_url
    from auditor.memory import suit_scanning
    from auditor.reports import parse_reports, write_reports
    from auditor.service.logs import set_up
    from auditor.service.service import Loaded, Service
    from auditor.state.database import bind_identity, file_of, open_database, umask_private
    from auditor.state.findings import FindingStore
    from auditor.state.summary import summary_of_state
    from auditor.toolkit import Toolkit

    suit_scanning()
    umask_private()
    specs = parse_reports(reports)
    config = read_config(config_file) if config_file is not None else config_of_uris(uris, state, rule_files, policy_files)
    key = key_for(config, key_file)

    def load() -> Loaded:
        now = read_config(config_file) if config_file is not None else config
        file_of(state_url(now.state))  # what the next start would stumble over is said now
        return Loaded(now, Toolkit.load(now.rules, now.engine, key, now.policies))

    loaded = load()
    set_up(config.log, Toolkit.load(config.rules, config.engine, key).scrub)
    database = open_database(state_url(config.state), exclusive=True)
    try:
        bind_identity(database, key.key_id)
        started = _now()
        service = Service(loaded, database, key, path=config_file, reload=load, until_caught_up=until_caught_up)
        service.run()
        store = FindingStore(database, service.describe)
        summary = summary_of_state(
            database,
            (stored.finding for stored in store.all()),
            key_id=key.key_id,
            rules_digest=loaded.tools.digest,
            times=(started, _now()),
            fail_on=Severity.of(fail_on),
            failed=service.failures,
            interrupted=service.interrupted and until_caught_up,
        )
        write_reports(specs, lambda: (stored.finding for stored in store.all()), summary)
    finally:
        database.close()
    # A service that ends because it was told to is well, whatever it found.
    sys.exit(summary.exit_code if until_caught_up else 3 if service.failures else 0)


def _now() -> str:
    """Return the time as in reports."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
