"""What the pages show works: settings, commands, statements and metrics are those of the program."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click
import jsonschema
import pytest
import yaml
from pydantic import TypeAdapter

from auditor.alerts import AlertSettings
from auditor.cli import group
from auditor.config import Config, Feed
from auditor.confirm.settings import FingerprintFile
from auditor.detect.rule import RuleFile
from auditor.policies.form import PolicyFile
from auditor.service.metrics import Metrics
from auditor.sources.sinkless.settings import SinklessSettings
from auditor.sources.sinkless.statement import Dialect, changefeed
from tools import alert_samples

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
#: What a part of a configuration is completed with.
LEAST = {"state": {"url": "sqlite:///state.db"}, "feeds": [{"kind": "files", "name": "some", "inputs": ["folder"]}]}


class Snippet(NamedTuple):
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def snippets(*languages: str) -> list[Snippet]:
    """Return the blocks of these languages in all pages."""
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start(2)) + 1
            found.append(Snippet(str(page.relative_to(ROOT)), line, match[1], match[2]))
    return [snippet for snippet in found if snippet.language in languages]


def commands(snippet: Snippet) -> Iterator[list[str]]:
    """Yield each command of `auditor` in a block of a terminal, as its words."""
    joined = snippet.text.replace("\\\n", " ")
    for line in joined.splitlines():
        # A quoted word may hold an ampersand; nothing else of the shell is inside quotes in these pages.
        words = shlex.split(line.removeprefix("$ "), comments=True)
        command: list[str] = []
        for word in [*words, ";"]:
            if word in (";", "&&", "|", "||"):
                if Path(command[0]).name == "auditor" if command else False:
                    yield command[1:]
                command = []
            else:
                command.append(word)


def metric_names() -> set[str]:
    """Return the names that /metrics has; those of the outbox are read from its state."""
    named = set(re.findall(r"^# TYPE (\w+)", Metrics().text().decode(), re.MULTILINE))
    return named | {"auditor_alerts_waiting", "auditor_alerts_dead"}


@pytest.mark.parametrize("snippet", snippets("yaml"), ids=str)
def test_settings_that_are_shown_are_read_by_the_program(snippet: Snippet) -> None:
    """Each block of YAML is a configuration or a part of it, or one of the other files that the program or Prometheus reads."""
    shown = yaml.safe_load(snippet.text)
    if "groups" in shown:
        assert alerted(shown) <= metric_names()
    elif "kind" in shown:
        TypeAdapter[Any](Feed | AlertSettings).validate_python(shown)
    elif "fingerprints" in shown:
        FingerprintFile.model_validate(shown)
    elif "tables" in shown:
        PolicyFile.model_validate(shown)
    elif any(isinstance(rule, Mapping) for rule in shown.get("rules", ())):
        RuleFile.model_validate(shown)
    else:
        Config.model_validate({**LEAST, **shown})


def alerted(shown: Mapping[str, Any]) -> set[str]:
    """Return the names of the metrics in rules for Prometheus."""
    return {name for each in shown["groups"] for rule in each["rules"] for name in re.findall(r"\bauditor_\w+", rule["expr"])}


@pytest.mark.parametrize("snippet", snippets("console", "ini"), ids=str)
def test_commands_that_are_shown_can_be_given(snippet: Snippet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command of the program has a verb, options and arguments that it takes, whatever files are there."""
    monkeypatch.setattr(click.Path, "convert", lambda _self, value, _param, _ctx: value)
    text = snippet.text
    if snippet.language == "ini":
        text = "\n".join(re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE))
    for words in commands(snippet._replace(text=text)):
        parsed(words)


def parsed(words: list[str]) -> None:
    """Parse a command without running it; raise `click.UsageError` for what it does not take."""
    command: click.Command = group
    context = click.Context(group, info_name="auditor")
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None, name
        command = found
        context = click.Context(command, parent=context, info_name=name)
    with command.make_context(context.info_name, list(words), parent=context.parent):
        pass


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_text_exist(page: Path) -> None:
    """Each `auditor VERB --option` within a sentence names a verb and options of the program."""
    for shown in re.findall(r"`auditor ([a-z][^`]*)`", page.read_text("utf-8")):
        command: click.Command = group
        context = click.Context(group)
        for word in shown.split():
            if isinstance(command, click.Group):
                found = [command.get_command(context, name) for name in word.split("|")]
                assert all(found), shown
                command = found[0] or command
            elif word.startswith("--"):
                assert any(word.partition("=")[0] in option.opts for option in command.params), shown


def test_metrics_that_are_listed_are_those_that_are_told() -> None:
    """The page about running has all metrics and no other."""
    page = (ROOT / "docs/how-to/run-the-service.md").read_text("utf-8")
    table = page.partition("\n## Metrics\n")[2].partition("\n\nLabels")[0]
    named = {name.removesuffix("_total") for name in re.findall(r"`(auditor_\w+)`", table)}
    assert named == {name.removesuffix("_total") for name in metric_names() if not name.endswith("_created")}


def test_the_statement_that_is_shown_is_the_one_that_is_run() -> None:
    """The page about tables over SQL shows the statement which its configuration leads to."""
    page = "docs/how-to/watch-sinkless.md"
    configured = next(yaml.safe_load(one.text) for one in snippets("yaml") if one.page == page and "feeds" in one.text)
    shown = next(one.text for one in snippets("sql") if one.page == page and "CREATE CHANGEFEED" in one.text)
    settings = SinklessSettings.model_validate(configured["feeds"][0])
    assert "".join(words_of(shown)) == "".join(words_of(changefeed(settings, Dialect((25, 4)))))


def words_of(statement: str) -> Iterator[str]:
    """Yield the words of a statement, names without quotes where these change nothing, options in the order of the alphabet."""
    plain = re.sub(r'"([a-z_]+)"', r"\1", " ".join(statement.rstrip(";\n ").split()))
    head, _, options = plain.partition(" WITH ")
    yield head
    yield from sorted(options.split(", "))


def test_every_kind_of_alert_is_shown_as_it_is_sent() -> None:
    """The page about alerts has a sample of each kind, and the schema takes it."""
    schema = json.loads((ROOT / "schemas/alert.schema.json").read_text("utf-8"))
    shown = [json.loads(one.text) for one in snippets("json") if one.page == "docs/reference/alerts.md"]
    assert [one["type"] for one in shown] == list(alert_samples.WHEN)
    assert {one["type"] for one in shown} == set(schema["properties"]["type"]["enum"])
    for one in shown:
        jsonschema.validate(one, schema)
