"""`auditor policy explain`: what policies and rules decide about one column, or about one value in it, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from auditor.policies import TablePolicy
    from auditor.toolkit import Toolkit

_Record = dict[str, Any]


@click.command("explain")
@click.argument("table")
@click.argument("column")
@click.option(
    "--policy", "policy_files", multiple=True, required=True, type=click.Path(path_type=Path), help="A policy file (repeatable)."
)
@click.option(
    "--rules", "rule_files", multiple=True, type=click.Path(path_type=Path), help="A file of further rules (repeatable)."
)
@click.option("--destination", "destinations", multiple=True, metavar="NAME", help="Where the rows go: a feed, topic or address.")
@click.option("--value", type=click.Choice(["-"]), help="Judge a value, too: - reads it from standard input; it is never shown.")
@click.option("--format", "form", default="text", show_default=True, type=click.Choice(["text", "jsonl"]))
def explain(
    table: str,
    column: str,
    policy_files: tuple[Path, ...],
    rule_files: tuple[Path, ...],
    destinations: tuple[str, ...],
    value: str | None,
    form: str,
) -> None:
    """
    Show every decision about COLUMN of TABLE: what policies say, where, and which of it holds.

    COLUMN is a name, or a name and a path inside its JSON, as in a policy: 'payload $.auth.tokens[*]'.
    """
    import secrets

    from auditor.identity import AuditKey
    from auditor.toolkit import Toolkit

    # Ids are not shown, so any key will do.
    tools = Toolkit.load(rule_files, "", AuditKey(secrets.token_bytes(32)), policy_files)
    assert tools.policies is not None
    policy = tools.policies.for_table(table, destinations)
    name, found, inside = column.partition(" $")
    path = f"${inside}" if found else ""
    records = list(_decisions(policy, name, path))
    if value is not None:
        text = sys.stdin.buffer.read().decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
        records += _judged(tools, policy, (table, name, path), text)
    for record in records:
        click.echo(json.dumps(record) if form == "jsonl" else _line(record))


def _decisions(policy: TablePolicy | None, column: str, path: str) -> Iterator[_Record]:
    """Yield what is said of a column."""
    if policy is None:
        yield {"record": "note", "text": "no policy is about this table, and unknown tables are allowed"}
        return
    known = False
    for one in (*policy.decisions(column, path), *policy.row_decisions(column)):
        known = True
        yield {"record": "decision", "key": one.key, "value": _plain(one.value), "where": one.where, "holds": one.holds}
    told = [breach for breach in policy.judge_names([column]) if breach.column in ("", column) and not path]
    for breach in told:
        yield {"record": "breach", "rule_id": breach.kind, "severity": breach.severity.label, "by": "its presence"}
    if not known and not told:
        yield {"record": "note", "text": "nothing is said of this column, and nothing is asked of it"}


def _judged(tools: Toolkit, policy: TablePolicy | None, place: tuple[str, str, str], text: str) -> Iterator[_Record]:
    """Yield what is decided about a value at a place: table, column, path."""
    from auditor.decoders.names_batch import NamesBatch
    from auditor.detect.detector import always
    from auditor.model import Cell, Receipt, Row
    from auditor.pipeline import Partial
    from auditor.policies.json_path import wrapped_at
    from auditor.protocols import Frame
    from auditor.shapes import shapes_of

    table, column, path = place
    yield {"record": "value", "length": len(text), "shapes": list(shapes_of(text))}
    problems = Partial(Receipt("", 0, "", "", "", "", 0, 0))
    batch = NamesBatch(Row([Cell("after", column, path, text)]), table)
    claimed = False
    today = datetime.now(UTC).date()
    for sighting in tools.detector("", problems, always).inspect(batch):
        reason = None if policy is None else policy.allows(sighting.rule_id, column, path, today)
        claimed |= reason is None
        yield {
            "record": "rule",
            "rule_id": sighting.rule_id,
            "severity": sighting.severity.label,
            "confidence": sighting.confidence.label,
            "allowed": reason,
        }
    frame = Frame(table, "after", [0], {column: [wrapped_at(path, text)]})
    for breach in () if policy is None else policy.judge([frame]):
        if breach.value == text and breach.column == column and breach.path == path and breach.kind.startswith("policy."):
            by = "its value, which is told by the token rule" if claimed and breach.kind == "policy.shape" else "its value"
            yield {"record": "breach", "rule_id": breach.kind, "severity": breach.severity.label, "by": by}


def _plain(value: object) -> object:
    """Return what a clause says as JSON."""
    from pydantic import BaseModel

    from auditor.model import Severity

    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, Severity):
        return value.label
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


def _line(record: _Record) -> str:
    """Return a record for people."""
    kind = record["record"]
    if kind == "decision":
        value = record["value"]
        said = ", ".join(map(_said, value)) if isinstance(value, list) else _said(value)
        return f"{record['where']}: {record['key']}: {said}{'' if record['holds'] else '  (gives way to a more specific clause)'}"
    if kind == "breach":
        return f"breaks the policy by {record['by']}: {record['rule_id']}, {record['severity']}"
    if kind == "rule":
        allowed = "" if record["allowed"] is None else f"; allowed here: {record['allowed']}"
        return f"rule {record['rule_id']} matches: {record['severity']}, confidence {record['confidence']}{allowed}"
    if kind == "value":
        return f"a value of {record['length']} characters; its shapes: {', '.join(record['shapes']) or 'none that has a name'}"
    return str(record["text"])


def _said(value: object) -> str:
    """Return one thing that a clause says."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)
