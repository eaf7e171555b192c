"""The rules in force: the shipped packs and the user's files, compiled once for a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from auditor.detect.checks import Check, all_checks
from auditor.detect.rule import Rule, RuleFile, Scope, Specificity, flaws
from auditor.errors import ConfigError
from auditor.identity import digest_of
from auditor.model import Severity
from auditor.yaml_file import load


@dataclass(frozen=True)
class CompiledRule:
    """A rule ready to run; ``trusted`` is true for the shipped packs."""

    rule: Rule
    pack: str
    severity: Severity
    checks: tuple[Check, ...]
    placeholders: tuple[str, ...]
    whole_row: bool
    rank: int
    vendor: bool
    trusted: bool

    @cached_property
    def pattern(self) -> Any:
        """
        Return the exact pattern, compiled when it is first needed: most runs need few of them.

        A user's pattern runs on RE2, which takes linear time whatever it says, so that no rule can hang a stream.
        """
        return re.compile(self.rule.pattern, re.ASCII) if self.trusted else _linear(self.rule)

    @cached_property
    def group(self) -> str | int:
        """Return the group that is the secret."""
        return "secret" if "secret" in self.pattern.groupindex else 0

    def matches(self, text: str) -> Iterator[Any]:
        """Return the matches of the exact pattern, left to right."""
        iterator: Iterator[Any] = self.pattern.finditer(text)
        return iterator


class Rulebook:
    """All rules of a run by index, in the order they were read."""

    def __init__(self, rules: Sequence[CompiledRule], digest: str) -> None:
        """Take compiled rules; refuse two with one id."""
        self.rules = rules
        self.digest = digest
        self.by_id: dict[str, CompiledRule] = {}
        owners: dict[str, list[int]] = {}
        for index, compiled in enumerate(rules):
            if self.by_id.setdefault(compiled.rule.id, compiled) is not compiled:
                raise ConfigError(f"two rules have the id {compiled.rule.id}", fix="give one another id")
            for expression in compiled.rule.prefilter:
                owners.setdefault(expression, []).append(index)
        #: The different prefilter expressions, in the order an engine numbers them.
        self.expressions = tuple(owners)
        #: For each expression, the rules that it stands before.
        self.owners = tuple(map(tuple, owners.values()))


def load_rulebook(user_files: Iterable[Path] = ()) -> Rulebook:
    """Read the shipped packs, then the user's files. Raise `ConfigError` naming file and line."""
    checks = all_checks()
    compiled: list[CompiledRule] = []
    texts: list[bytes] = []
    folder = files("auditor.detect") / "rules"
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".yaml"):
            text = entry.read_bytes()
            texts.append(text)
            pack = load(text, RuleFile, f"rules/{entry.name}")
            compiled.extend(compile_rule(rule, pack.pack, checks, trusted=True) for rule in pack.rules)
    for path in user_files:
        try:
            text = path.read_bytes()
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from None
        texts.append(text)
        pack = load(text, RuleFile, str(path))
        compiled.extend(compile_rule(rule, pack.pack, checks, trusted=False) for rule in pack.rules)
    return Rulebook(compiled, digest_of(texts))


def compile_rule(rule: Rule, pack: str, checks: Mapping[str, Check], *, trusted: bool) -> CompiledRule:
    """Look up a rule's checks; try a user's expressions at once, so that a mistake is told before anything is read."""
    missing = [name for name in rule.checks if name not in checks]
    if missing:
        raise ConfigError(f"rule {rule.id}: there is no check called {missing[0]}", fix=f"one of: {', '.join(sorted(checks))}")
    compiled = CompiledRule(
        rule=rule,
        pack=pack,
        severity=Severity.of(rule.severity),
        checks=tuple(checks[name] for name in rule.checks),
        placeholders=tuple(word.lower() for word in rule.placeholders),
        whole_row=rule.scope is Scope.ROW,
        rank=rule.specificity.rank,
        vendor=rule.specificity is Specificity.VENDOR,
        trusted=trusted,
    )
    if not trusted:
        for flaw in flaws(rule):
            raise ConfigError(f"rule {rule.id}: {flaw}")
        _ = compiled.pattern
    return compiled


def _linear(rule: Rule) -> Any:
    """Compile a user's pattern with RE2; it has no look-around."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(rule.pattern, options)
    except re2.error:
        raise ConfigError(
            f"rule {rule.id}: RE2 does not take its pattern", fix="user rules run on RE2: no look-around and no backreferences"
        ) from None
