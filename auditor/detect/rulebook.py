"""The rules in force: the shipped packs and the user's files, compiled once for a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from auditor.detect.checks import Check, all_checks
from auditor.detect.rule import Rule, RuleFile, Scope
from auditor.errors import ConfigError
from auditor.identity import digest_of
from auditor.model import Severity
from auditor.yaml_file import load


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """
    A rule ready to run. ``pattern`` is `re`'s for the shipped packs; ``group`` is the secret in it.

    A user's pattern runs on RE2, which takes linear time whatever it says, so that no rule can hang a stream.
    """

    rule: Rule
    pack: str
    pattern: Any
    severity: Severity
    checks: tuple[Check, ...]
    placeholders: tuple[str, ...]
    group: str | int
    whole_row: bool
    rank: int

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
        self.by_id = {compiled.rule.id: compiled for compiled in rules}
        if len(self.by_id) != len(rules):
            seen: set[str] = set()
            twice = next(c.rule.id for c in rules if c.rule.id in seen or seen.add(c.rule.id))  # type: ignore[func-returns-value]
            raise ConfigError(f"two rules have the id {twice}", fix="give one another id")

    def expressions(self) -> list[tuple[int, str]]:
        """Return (rule index, prefilter expression) pairs for an engine."""
        return [(index, expression) for index, compiled in enumerate(self.rules) for expression in compiled.rule.prefilter]


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


def compile_rule(rule: Rule, pack: str, checks: Any, *, trusted: bool) -> CompiledRule:
    """Compile one rule's pattern and look up its checks."""
    missing = [name for name in rule.checks if name not in checks]
    if missing:
        raise ConfigError(f"rule {rule.id}: there is no check called {missing[0]}", fix=f"one of: {', '.join(sorted(checks))}")
    pattern: Any = re.compile(rule.pattern, re.ASCII) if trusted else _linear(rule)
    return CompiledRule(
        rule=rule,
        pack=pack,
        pattern=pattern,
        severity=Severity.of(rule.severity),
        checks=tuple(checks[name] for name in rule.checks),
        placeholders=tuple(word.lower() for word in rule.placeholders),
        group="secret" if "secret" in pattern.groupindex else 0,
        whole_row=rule.scope is Scope.ROW,
        rank=rule.specificity.rank,
    )


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
