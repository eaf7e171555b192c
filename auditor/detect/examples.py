"""The proof that comes with every rule: its examples are found, its non-examples are not, on both engines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from auditor.detect.engines import make_engine
from auditor.detect.judge import judge
from auditor.detect.rule import flaws
from auditor.detect.rulebook import CompiledRule, Rulebook
from auditor.errors import ConfigError
from auditor.protocols import Engine


class Failure(NamedTuple):
    """An example that does not behave. ``example`` is its number from 1; its text is never repeated."""

    rule_id: str
    engine: str
    example: str
    reason: str


ENGINES = ("hyperscan", "standard")


def failures(rulebook: Rulebook) -> Iterator[Failure]:
    """Try every rule's examples and non-examples on every engine that is installed."""
    for name in ENGINES:
        try:
            engine = make_engine(rulebook.expressions, name)
        except ConfigError:
            continue
        for number, compiled in enumerate(rulebook.rules):
            for flaw in flaws(compiled.rule):
                yield Failure(compiled.rule.id, name, "expressions", flaw)
            expressions = {index for index, owners in enumerate(rulebook.owners) if number in owners}
            yield from _rule_failures(expressions, compiled, engine)


def _rule_failures(expressions: set[int], compiled: CompiledRule, engine: Engine) -> Iterator[Failure]:
    """Try one rule on one engine."""
    rule = compiled.rule
    for index, parts in enumerate(rule.examples, 1):
        text = "".join(parts)
        for form, written in (("as it is", text), ("in JSON", json.dumps(text)), ("in csv", '"' + text.replace('"', '""') + '"')):
            if not any(found in expressions for found, _ in engine.search(written.encode())):
                yield Failure(rule.id, engine.name, f"example {index}", f"the prefilter does not match it {form}")
        if not any(judge(compiled, match) for match in compiled.matches(text)):
            yield Failure(rule.id, engine.name, f"example {index}", "it is not found")
    for index, parts in enumerate(rule.non_examples, 1):
        if any(judge(compiled, match) for match in compiled.matches("".join(parts))):
            yield Failure(rule.id, engine.name, f"non-example {index}", "it is found")
