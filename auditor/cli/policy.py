"""`auditor policy`: a first policy for what is there, and what leaves the database against it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from auditor.cli.policy_explain import explain
from auditor.errors import ConfigError

if TYPE_CHECKING:
    from auditor.egress import EgressFinding, Exit, Schema
    from auditor.egress.mapping import Mismatch
    from auditor.policies import Policies

_DDL = click.option(
    "--ddl",
    "ddl_files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="CREATE TABLE statements, or what SHOW CREATE printed.",
)
_FROM = click.option("--from", "source", metavar="URI", help="A running cluster: cockroachdb://USER@HOST:26257/DATABASE.")
_DATABASE = click.option("--database", default="", help="The database of tables whose names do not tell it.")


@click.group("policy")
def policy() -> None:
    """Propose policies, check them against tables and ways out, and explain what they decide."""


policy.add_command(explain)


@policy.command("init")
@_DDL
@_FROM
@_DATABASE
@click.option(
    "--avro", "avro_files", multiple=True, type=click.Path(path_type=Path), help="Avro schemas of values, from a registry."
)
@click.option("--name", default="proposed", show_default=True, help="The name of the policy; it stands in findings.")
@click.option("--output", type=click.Path(path_type=Path), help="Write it there instead of printing it.")
def init(
    ddl_files: tuple[Path, ...], source: str | None, database: str, avro_files: tuple[Path, ...], name: str, output: Path | None
) -> None:
    """Propose a policy for the tables of a cluster, of DDL or of Avro schemas, with a reason for each line."""
    from auditor.egress.propose import propose, schema_of_avro
    from auditor.egress.schema import Schema

    if not (ddl_files or source or avro_files):
        raise click.UsageError("give --ddl, --avro or --from")
    tables = list(_schema(ddl_files, source, database).tables)
    tables += schema_of_avro(_text(path).decode("utf-8", "replace") for path in avro_files).tables
    text = propose(Schema(tables), name=name)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(output), fix="a file that is there is kept") from None
    click.echo(f"{output}: {len(tables)} tables", err=True)


@policy.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--policy", "policy_files", multiple=True, type=click.Path(path_type=Path), help="A policy file (repeatable).")
@click.option(
    "--rules", "rule_files", multiple=True, type=click.Path(path_type=Path), help="A file of further rules (repeatable)."
)
@_DDL
@_FROM
@_DATABASE
@click.option("--changefeeds", is_flag=True, help="Also look at every way out that the cluster of --from shows.")
@click.option("--audited", multiple=True, metavar="NAME", help="A topic, address or job that is audited; others are told of.")
@click.option("--format", "form", default="text", show_default=True, type=click.Choice(["text", "jsonl"]))
@click.option(
    "--fail-on",
    default="low",
    show_default=True,
    type=click.Choice(["info", "low", "medium", "high", "critical"]),
    help="The severity from which the exit code is 1.",
)
def check(
    files: tuple[Path, ...],
    policy_files: tuple[Path, ...],
    rule_files: tuple[Path, ...],
    ddl_files: tuple[Path, ...],
    source: str | None,
    database: str,
    changefeeds: bool,
    audited: tuple[str, ...],
    form: str,
    fail_on: str,
) -> None:
    """
    Check policies against tables, and ways out against both.

    FILES hold CREATE CHANGEFEED or EXPORT statements, the output of SHOW CHANGEFEED JOBS, SHOW SCHEDULES or SHOW EXTERNAL
    CONNECTIONS, or the JSON of a Debezium connector. Exit codes: 0 nothing found, 1 something, 4 not everything could be seen.
    """
    from auditor.model import Severity

    if changefeeds and not source:
        raise click.UsageError("--changefeeds needs --from")
    if not (policy_files or files or changefeeds):
        raise click.UsageError("give --policy, FILES or --changefeeds")
    ways, unseen = _ways(files, source if changefeeds else None)
    schema = _schema(ddl_files, source, database)
    policies = _policies(policy_files, rule_files)
    findings = _findings(ways, schema, policies, audited)
    apart = _mismatch(policies, schema)
    for line in (_jsonl if form == "jsonl" else _text_lines)(ways, findings, apart, unseen):
        click.echo(line)
    failed = any(finding.severity >= Severity.of(fail_on) for finding in findings) or bool(apart)
    sys.exit(1 if failed else 4 if unseen else 0)


def _text(path: Path) -> bytes:
    """Read a file; - is standard input."""
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from None


def _schema(ddl_files: Iterable[Path], source: str | None, database: str) -> Schema:
    """Return the tables of files and of a cluster."""
    from auditor.egress.schema import Schema, read_schema

    tables = [table for path in ddl_files for table in read_schema(_text(path), str(path), database=database).tables]
    if source:
        from auditor.egress.live import schema_of
        from auditor.sources.catalogue import SqlCatalogue

        with SqlCatalogue(source) as catalogue:
            tables += schema_of(catalogue).tables
    return Schema(tables)


def _ways(files: Iterable[Path], source: str | None) -> tuple[list[Exit], Sequence[str]]:
    """Return the ways out of files and of a cluster, and what could not be looked at."""
    from auditor.egress.reading import read_exits

    ways = [way for path in files for way in read_exits(_text(path), str(path))]
    if not source:
        return ways, ()
    from auditor.egress.live import inventory
    from auditor.sources.catalogue import SqlCatalogue

    with SqlCatalogue(source) as catalogue:
        found = inventory(catalogue)
    return [*ways, *found.ways], found.unseen


def _policies(policy_files: Sequence[Path], rule_files: Sequence[Path]) -> Policies | None:
    """Read the policies; None if there are none."""
    if not policy_files:
        return None
    from auditor.detect.rulebook import load_rulebook
    from auditor.policies import Policies
    from auditor.toolkit import allowed_ids

    return Policies.load(policy_files, allowed_ids(load_rulebook(rule_files)))


def _findings(ways: Sequence[Exit], schema: Schema, policies: Policies | None, audited: Sequence[str]) -> list[EgressFinding]:
    """Return what is wrong with ways out, the worst first."""
    from auditor.egress.lint import lint, unaudited
    from auditor.egress.policy_judge import PolicyJudge

    found = lint(ways, schema, PolicyJudge(policies) if policies is not None else None)
    found += unaudited(ways, schema, audited) if audited else []
    return sorted(found, key=lambda finding: (-finding.severity, finding.id))


def _mismatch(policies: Policies | None, schema: Schema) -> Mismatch | None:
    """Compare policies with the tables that are known; None if either is missing."""
    if policies is None or not schema.tables:
        return None
    from auditor.egress.mapping import mismatch

    return mismatch(policies, schema)


def _text_lines(
    ways: Sequence[Exit], findings: Sequence[EgressFinding], apart: Mismatch | None, unseen: Sequence[str]
) -> Iterator[str]:
    """Yield the report for people."""
    for way in ways:
        tables = ", ".join(target.table for target in way.targets) or (f"all of {way.database}" if way.database else "")
        yield f"{way.title} ({way.where}): {f'{tables} -> ' if tables else ''}{way.destination.shown}"
    for finding in findings:
        yield f"\n{finding.severity.label.upper()} {finding.code}: {finding.message}"
        yield from (f"    {line}" for line in finding.remedy.splitlines())
    if apart is not None:
        yield from (f"no policy names the table {table}" for table in apart.tables)
        yield from (f"no policy names the column {table}.{column}" for table, column in apart.columns)
        yield from (str(error) for error in apart.dead)
    yield from (f"not seen: {line}" for line in unseen)
    yield f"{len(ways)} ways out, {len(findings)} findings"


def _jsonl(
    ways: Sequence[Exit], findings: Sequence[EgressFinding], apart: Mismatch | None, unseen: Sequence[str]
) -> Iterator[str]:
    """Yield the report as JSON, a record a line."""
    for way in ways:
        record = {
            "record": "exit",
            "kind": way.kind,
            "name": way.name,
            "where": way.where,
            "destination": way.destination.shown,
            "tables": [target.table for target in way.targets],
            "database": way.database,
            "columns": way.columns,
        }
        yield json.dumps(record)
    for finding in findings:
        record = {
            "record": "finding",
            "id": finding.id,
            "code": finding.code,
            "severity": finding.severity.label,
            "table": finding.table,
            "column": finding.column,
            "exit": finding.way.name or finding.way.where,
            "destination": finding.way.destination.shown,
            "message": finding.message,
            "remedy": finding.remedy,
        }
        yield json.dumps(record)
    if apart is not None:
        yield from (json.dumps({"record": "unmapped", "table": table, "column": ""}) for table in apart.tables)
        yield from (json.dumps({"record": "unmapped", "table": table, "column": column}) for table, column in apart.columns)
        yield from (json.dumps({"record": "dead", "where": error.where, "what": error.what}) for error in apart.dead)
    yield from (json.dumps({"record": "unseen", "what": line}) for line in unseen)
