"""`auditor rules`: what is looked for, why, and the proof that it is found."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import rich_click as click

from auditor.errors import ConfigError

_FILES = click.option(
    "--rules", "rule_files", multiple=True, type=click.Path(path_type=Path), help="A file of further rules (repeatable)."
)


@click.group("rules")
def rules() -> None:
    """List, show and test the rules."""


@rules.command("list")
@_FILES
@click.option("--format", "form", default="table", show_default=True, type=click.Choice(["table", "jsonl"]))
def list_rules(rule_files: tuple[Path, ...], form: str) -> None:
    """List every rule: id, severity, kind and name."""
    from auditor.detect.rulebook import load_rulebook

    for compiled in load_rulebook(rule_files).rules:
        rule = compiled.rule
        if form == "jsonl":
            line = {"id": rule.id, "pack": compiled.pack, "severity": rule.severity, "kind": rule.kind.value, "name": rule.name}
            click.echo(json.dumps(line))
        else:
            click.echo(f"{rule.id:44} {rule.severity:9} {rule.kind.value:20} {rule.name}")


@rules.command("show")
@click.argument("rule_id")
@_FILES
def show_rule(rule_id: str, rule_files: tuple[Path, ...]) -> None:
    """Show one rule: patterns, checks, what an attacker gets, what to do."""
    from auditor.detect.rulebook import load_rulebook

    rulebook = load_rulebook(rule_files)
    compiled = rulebook.by_id.get(rule_id) or next((c for c in rulebook.rules if rule_id in c.rule.replaces), None)
    if compiled is None:
        near = [known for known in rulebook.by_id if rule_id in known][:5]
        raise ConfigError(
            f"there is no rule {rule_id}", fix=f"near: {', '.join(near)}" if near else "`auditor rules list` names them"
        )
    shown: dict[str, Any] = {"pack": compiled.pack, **compiled.rule.model_dump(mode="json", exclude={"examples", "non_examples"})}
    for name, value in shown.items():
        if value not in (None, [], (), 0.0):
            click.echo(f"{name:12} {', '.join(value) if isinstance(value, list | tuple) else value}")
    click.echo(
        f"{'examples':12} {len(compiled.rule.examples)} found, {len(compiled.rule.non_examples)} passed by (`auditor rules test`)"
    )


@rules.command("test")
@_FILES
def test_rules(rule_files: tuple[Path, ...]) -> None:
    """Run every rule's examples and non-examples on both engines; exit 1 if one does not behave."""
    from auditor.detect.examples import failures
    from auditor.detect.rulebook import load_rulebook

    rulebook = load_rulebook(rule_files)
    failed = list(failures(rulebook))
    for failure in failed:
        click.echo(f"{failure.rule_id}: {failure.example} on {failure.engine}: {failure.reason}")
    click.echo(f"{len(rulebook.rules)} rules, {len(failed)} failures")
    sys.exit(1 if failed else 0)
