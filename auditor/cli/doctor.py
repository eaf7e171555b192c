"""`auditor doctor`: looks whether everything that is configured can work, and changes nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from auditor.errors import AuditorError, ConfigError

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.delivery import Check
    from auditor.identity import AuditKey

_MARKS = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}


@click.command("doctor")
@click.argument("uris", nargs=-1, metavar="[URI]...")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="The configuration to check.")
def doctor(uris: tuple[str, ...], config_file: Path | None) -> None:
    """Check key, state, disk, and whether every feed can be read. Each trouble comes with its fix; exit 1 if anything fails."""
    from auditor.cli.configuration import config_of_uris, read_config

    config = read_config(config_file) if config_file is not None else config_of_uris(uris, "sqlite:///auditor.db")
    failed = False
    for owner, check in _checks(config, own=config_file is not None):
        failed |= check.level == "fail"
        fix = f"\n       fix: {check.fix}" if check.fix else ""
        click.echo(f"{_MARKS[check.level]} {owner}: {check.name}: {check.what}{fix}")
    sys.exit(1 if failed else 0)


def _checks(config: Config, *, own: bool) -> Iterator[tuple[str, Check]]:
    """Yield the checks of the service itself, then of each feed."""
    from auditor.cli.configuration import key_for, state_url
    from auditor.delivery import Check
    from auditor.service.doctor import service_checks
    from auditor.service.feeds import feed_of
    from auditor.state.positions import recorded

    if own:
        key: AuditKey | ConfigError
        try:
            key = key_for(config, None)
        except ConfigError as error:
            key = error
        yield from (("auditor", check) for check in service_checks(config, state_url(config.state), key))
    for settings in config.feeds:
        try:
            position = recorded(state_url(config.state), settings.name) if own else None
            yield from ((settings.name, check) for check in feed_of(settings).source.checks(position))
        except AuditorError as error:
            level = "fail" if isinstance(error, ConfigError) else "warn"
            yield settings.name, Check("feed", level, error.what, error.fix)
