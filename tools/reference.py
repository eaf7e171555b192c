"""
Write docs/reference/ from the program: its commands, its rules, and the fields of its findings.

`python -m tools.reference`
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from tools import generated

FOLDER = "docs/reference"


def texts() -> Mapping[str, str]:
    """Return every page by its file name."""
    from auditor.cli import group
    from auditor.detect.rulebook import load_rulebook
    from auditor.reports.schema import finding_schema

    return {
        "cli.md": _page("Commands", _commands(group, ("auditor",))),
        "findings.md": _page("Findings", _fields(finding_schema())),
        "rules.md": _page("Rules", _rules([compiled.rule for compiled in load_rulebook().rules])),
    }


def _page(title: str, lines: Iterator[str]) -> str:
    return "\n".join([f"# {title}", "", "Written by `make docs`.", *lines]) + "\n"


def _commands(command: click.Command, path: Sequence[str]) -> Iterator[str]:
    """Describe a command and those under it."""
    context = click.Context(command, info_name=path[-1])
    name = " ".join(path)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    yield from ("", f"## {name}", "", "```", usage, "```", "", _plain(command.help))
    records = [option.get_help_record(context) for option in command.params if isinstance(option, click.Option)]
    if records:
        yield from ("", "| option | |", "| --- | --- |")
        yield from (f"| `{_cell(record[0])}` | {_cell(record[1])} |" for record in records if record)
    if command.epilog:
        yield from ("", _plain(command.epilog))
    if isinstance(command, click.Group):
        for verb in command.list_commands(context):
            found = command.get_command(context, verb)
            assert found is not None, verb
            yield from _commands(found, (*path, verb))


def _plain(text: str | None) -> str:
    """Take the indent and click's mark for "do not wrap" out of a help text."""
    return inspect.cleandoc(text or "").replace("\b\n", "")


def _rules(rules: Sequence[Any]) -> Iterator[str]:
    """List the rules by id."""
    yield from ("", f"{len(rules)} rules. What each finds, how grave that is, and what to do: `auditor rules show ID`.", "")
    yield from ("| id | what it finds | kind | severity | checks |", "| --- | --- | --- | --- | --- |")
    for rule in sorted(rules, key=lambda rule: rule.id):
        yield f"| `{rule.id}` | {_cell(rule.name)} | {rule.kind} | {rule.severity} | {', '.join(rule.checks)} |"


def _fields(schema: Mapping[str, Any]) -> Iterator[str]:
    """List the fields of each object of the schema, the records first."""
    yield from ("", "A line of `--report jsonl=FILE` is a finding or, last, the summary:")
    yield "[the JSON Schema](../../schemas/finding.schema.json)."
    definitions = schema["$defs"]
    for name in sorted(definitions, key=lambda name: (not _is_record(definitions[name]), name)):
        definition = definitions[name]
        yield from ("", f"## {name.removesuffix('Record')}", "", " ".join(definition.get("description", "").split()), "")
        yield from ("| field | type | |", "| --- | --- | --- |")
        for field, about in definition["properties"].items():
            yield f"| `{field}` | {_cell(_type(about))} | {_cell(about.get('description', ''))} |"


def _is_record(definition: Mapping[str, Any]) -> bool:
    return "record" in definition["properties"]


def _type(about: Mapping[str, Any]) -> str:
    """Say a type of the schema in words."""
    if "anyOf" in about:
        return " or ".join(_type(option) for option in about["anyOf"])
    if "$ref" in about:
        title = about["$ref"].rpartition("/")[2].removesuffix("Record")
        return f"[{title}](#{title.lower()})"
    if "const" in about or "enum" in about:
        return ", ".join(f"`{value}`" for value in about.get("enum", [about.get("const")]))
    if about.get("type") == "array":
        return f"list of {_type(about['items'])}"
    if isinstance(about.get("additionalProperties"), Mapping):
        return f"object of {_type(about['additionalProperties'])}"
    return str(about.get("type", "any"))


def _cell(text: str) -> str:
    """Put a text into one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    generated.write(FOLDER, texts())
