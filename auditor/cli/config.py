"""`auditor config`: check a configuration, or print its JSON Schema for an editor."""

from __future__ import annotations

from pathlib import Path

import orjson
import rich_click as click


@click.group("config")
def config() -> None:
    """Check the configuration of `auditor watch`."""


@config.command("check")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
def check(path: Path) -> None:
    """Read a configuration and the rules that it names; an error names line and path. Nothing is connected to: see doctor."""
    from auditor.cli.configuration import key_for, read_config, state_url
    from auditor.detect.rulebook import load_rulebook

    read = read_config(path)
    load_rulebook(read.rules)
    key = key_for(read, None)
    state_url(read.state)
    feeds = ", ".join(f"{feed.name} ({feed.kind})" for feed in read.feeds)
    alerts = ", ".join(f"{sink.name} ({sink.kind})" for sink in read.alerts)
    click.echo(f"{path}: good. Feeds: {feeds}. Alerts to: {alerts}. Key {key.key_id}.")


@config.command("schema")
def schema() -> None:
    """Print the JSON Schema of the configuration."""
    from auditor.config import Config

    click.echo(orjson.dumps(Config.model_json_schema(), option=orjson.OPT_INDENT_2).decode())
