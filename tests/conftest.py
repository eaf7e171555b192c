"""What many tests need: a small rulebook of made-up kinds, a key, and a batch made of JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from auditor.decoders.batch import TextBatch
from auditor.decoders.json_lines import JsonLines
from auditor.detect.detector import Detector
from auditor.detect.engines import make_engine
from auditor.detect.rule import Rule
from auditor.detect.rulebook import Rulebook, compile_rule
from auditor.identity import AuditKey
from auditor.model import Receipt, Sighting
from auditor.pipeline import Partial
from auditor.detect.toolkit import Toolkit


def make_rule(rule_id: str, prefilter: str, pattern: str, **more: object) -> Rule:
    """Return a rule of a made-up kind."""
    texts: dict[str, object] = {
        "name": "made-up token",
        "kind": "api-key",
        "severity": "high",
        "examples": [["x"]],
        "non_examples": [["y"]],
        "gains": "nothing, it is made up",
        "remedy": "there is nothing to revoke",
    }
    return Rule.model_validate({"id": rule_id, "prefilter": [prefilter], "pattern": pattern, **texts, **more})


@pytest.fixture
def key() -> AuditKey:
    """Return a fixed key."""
    return AuditKey(b"k" * 32)


@pytest.fixture
def rulebook() -> Rulebook:
    """Return rules for `acme_` and 20 letters or digits, its `acme_admin_` sibling, `Bearer` values, and a row-wide pair."""
    rules = [
        make_rule("acme.token", "acme_[0-9A-Za-z]{20}", r"(?<![0-9A-Za-z])acme_[0-9A-Za-z]{20}(?![0-9A-Za-z])", prefixes=["acme_"]),
        make_rule("acme.admin", "acme_admin_[0-9a-z]{20}", r"acme_admin_[0-9a-z]{20}", severity="critical", prefixes=["acme_admin_"]),
        make_rule("http.bearer", "Bearer [0-9A-Za-z._~-]{16}", r"Bearer (?P<secret>[0-9A-Za-z._~-]{16,})", specificity="context"),
        make_rule("pair.secret", "PAIRID[0-9]{6}", r"(?<![0-9A-Z])[A-Z]{24}(?![0-9A-Z])", scope="row"),
    ]
    return Rulebook([compile_rule(rule, "test", {}, trusted=True) for rule in rules], "test")


@pytest.fixture
def tools(rulebook: Rulebook, key: AuditKey) -> Toolkit:
    """Return the toolkit of those rules on the fastest engine."""
    return Toolkit(rulebook, make_engine(rulebook.expressions()), key)


@pytest.fixture
def partial() -> Partial:
    """Return an empty result of a unit."""
    return Partial(Receipt("file", 0, "file", "", "", "", 0, 0))


@pytest.fixture
def inspect_lines(tools: Toolkit, partial: Partial) -> Callable[[Sequence[bytes]], list[Sighting]]:
    """Return a function that inspects JSON lines of the table t."""

    def inspect(lines: Sequence[bytes]) -> list[Sighting]:
        detector = Detector(tools.rulebook, tools.engine, tools.key, uri="file", problems=partial)
        layout = JsonLines("wrapped")
        framed = layout.frame(b"".join(line + b"\n" for line in lines))
        return list(detector.inspect(TextBatch(framed, layout, uri="file", table="t", first_row=1, problems=partial)))

    return inspect
