"""
Write docs/reference/ from the program: its commands, its settings, its rules, its alerts, and the fields of its findings.

`python -m tools.reference`
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from tools import generated

FOLDER = "docs/reference"


def texts() -> Mapping[str, str]:
    """Return every page by its file name."""
    from auditor.alerts.event import alert_schema
    from auditor.cli import group
    from auditor.config import Config
    from auditor.detect.rulebook import load_rulebook
    from auditor.feed_settings import FeedSettings
    from auditor.reports.schema import finding_schema

    return {
        "alerts.md": _page("Alerts", _alerts(alert_schema())),
        "cli.md": _page("Commands", _commands(group, ("auditor",))),
        "configuration.md": _page("Configuration", _settings(Config.model_json_schema(), FeedSettings.model_json_schema())),
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
        yield from ("", f"## {_title(name)}", "", " ".join(definition.get("description", "").split()), "")
        yield from ("| field | type | |", "| --- | --- | --- |")
        for field, about in definition["properties"].items():
            yield f"| `{field}` | {_cell(_type(about))} | {_cell(about.get('description', ''))} |"


def _is_record(definition: Mapping[str, Any]) -> bool:
    return "record" in definition["properties"]


def _settings(schema: Mapping[str, Any], common: Mapping[str, Any]) -> Iterator[str]:
    """List the settings: the whole configuration, what every feed has, then each kind of feed and alert sink with its parts."""
    yield from (
        "",
        "The file that `auditor watch --config FILE` reads, in YAML. Unknown names are refused; `auditor config check`",
    )
    yield "says in which line. [The JSON Schema](../../schemas/config.schema.json) lets an editor complete and check it."
    yield "Paths are relative to where the program was started. What has no default must be given."
    yield from ("", "## The whole file", "", *_table(schema))
    yield from ("", "## Every feed", "", *_prose(common), "", *_table(common))
    definitions = schema["$defs"]
    for name in _in_order(schema, definitions):
        definition = definitions[name]
        own = {
            field: about
            for field, about in definition["properties"].items()
            # What every feed has stands in its own table, unless this kind takes something else there.
            if field != "kind" and about != common["properties"].get(field)
        }
        yield from ("", f"## {_title(name)}", "", *_prose(definition))
        if own:
            yield from ("", *_table({**definition, "properties": own}))


def _in_order(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[str]:
    """Return the names of the definitions as they are met from the top."""
    found: list[str] = []
    for reference in re.findall(r'"#/\$defs/(\w+)"', json.dumps(schema["properties"])):
        for name in (reference, *_in_order(definitions[reference], definitions)):
            if name not in found:
                found.append(name)
    return found


def _prose(definition: Mapping[str, Any]) -> Iterator[str]:
    """Give the description of some settings."""
    kind = definition["properties"].get("kind", {}).get("const")
    if kind is not None:
        yield from (f"`kind: {kind}`", "")
    yield inspect.cleandoc(definition.get("description", "")).replace("``", "`")


def _table(definition: Mapping[str, Any]) -> Iterator[str]:
    """List the settings of one object."""
    required = definition.get("required", ())
    yield from ("| setting | type | default | |", "| --- | --- | --- | --- |")
    for field, about in definition["properties"].items():
        default = "" if field in required else f"`{json.dumps(about.get('default'))}`"
        if field not in required and "default" not in about:
            default = "`{}`"
        yield f"| `{field}` | {_cell(_type(about))} | {_cell(default)} | {_cell(about.get('description', ''))} |"


def _alerts(schema: Mapping[str, Any]) -> Iterator[str]:
    """Tell of every kind of event, each with a sample."""
    from tools.alert_samples import WHEN, sample

    yield from ("", "What an alert sink is handed: one JSON object for each event, after the outline of Standard Webhooks.")
    yield "[The JSON Schema](../../schemas/alert.schema.json). `data.finding` is a [finding](findings.md#finding) as reports have"
    yield "it, with the exposures that this event added. None holds a secret."
    yield from ("", "| field | type | |", "| --- | --- | --- |")
    for field, about in schema["properties"].items():
        kind = "object, see the samples" if "$ref" in about else _type(about)
        yield f"| `{field}` | {_cell(kind)} | {_cell(about.get('description', ''))} |"
    for kind, when in WHEN.items():
        shown = json.dumps(json.loads(sample(kind)), indent=2, ensure_ascii=False)
        yield from ("", f"## {kind}", "", when, "", "```json", shown, "```")


def _title(name: str) -> str:
    """Return the heading of a type: its name in words."""
    plain = name.removesuffix("Record").removesuffix("Settings")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain).capitalize()


def _type(about: Mapping[str, Any]) -> str:
    """Say a type of the schema in words."""
    for choice in ("anyOf", "oneOf"):
        if choice in about:
            return " or ".join(_type(option) for option in about[choice])
    if "$ref" in about:
        title = _title(about["$ref"].rpartition("/")[2])
        return f"[{title}](#{title.lower().replace(' ', '-')})"
    if "const" in about or "enum" in about:
        return ", ".join(f"`{value}`" if value else "nothing" for value in about.get("enum", [about.get("const")]))
    if about.get("type") == "array":
        return f"list of {_type(about['items'])}"
    if isinstance(about.get("additionalProperties"), Mapping):
        return f"object of {_type(about['additionalProperties'])}"
    if about.get("format") in ("path", "date-time"):
        return {"path": "path", "date-time": "time with its zone"}[about["format"]]
    return str(about.get("type", "any")) + _bounds(about)


def _bounds(about: Mapping[str, Any]) -> str:
    """Say the bounds of a number."""
    least = about.get("minimum", about.get("exclusiveMinimum"))
    most = about.get("maximum")
    if least is None:
        return ""
    above = "over" if "exclusiveMinimum" in about else "from"
    return f", {above} {least}" + (f" to {most}" if most is not None else "")


def _cell(text: str) -> str:
    """Put a text into one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    generated.write(FOLDER, texts())
