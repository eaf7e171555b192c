"""The sample's policy: its rows keep it but for what is planted, and break it visibly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from auditor.decoders.options import ReadOptions
from auditor.identity import AuditKey
from auditor.sample.growing import grow
from auditor.sample.writer import SampleOptions, write_sample
from auditor.sources import find_inputs
from auditor.toolkit import Toolkit
from auditor.unit import Unit, scan_unit

BROKEN = {
    ("policy.shape", "users", "remember_token"),
    ("policy.shape", "users", "status"),
    ("policy.shape", "sessions", "refresh_token"),
    ("policy.forbidden-column", "users", "avatar"),
    ("policy.unknown-column", "orders", "payment_id"),
    ("policy.row.token-beside-fingerprint", "api_tokens", ""),
}


def found(options: SampleOptions) -> Iterator[tuple[str, str, str]]:
    """Yield what breaks the policy that was written: clause, table, column."""
    tools = Toolkit.load([], "", AuditKey(b"k" * 32), [options.policy])
    for source in find_inputs(str(options.folder)):
        for key, _ in scan_unit(Unit(source, ReadOptions()), tools, lambda _size: None).tally.places():
            if key.rule_id.startswith("policy."):
                yield key.rule_id, key.table.rpartition(".")[2], key.column


def test_what_is_planted_breaks_it_and_nothing_else(tmp_path: Path) -> None:
    """In every envelope that names its columns, whole and split into column families."""
    options = SampleOptions(tmp_path / "d", rows=100, formats=("wrapped", "families", "bare", "enriched", "webhook"))
    write_sample(options)
    assert set(found(options)) == BROKEN


def test_a_changefeed_that_grows_shows_its_breaches_at_once(tmp_path: Path) -> None:
    """A shape, an unknown column, a forbidden one and a condition within the first rounds."""
    options = SampleOptions(tmp_path / "d")
    rounds = iter((False, False, True))
    list(grow(options, 2.0, wait=lambda _seconds: next(rounds)))
    kinds = {rule for rule, _, _ in found(options)}
    assert {"policy.shape", "policy.unknown-column", "policy.row.token-beside-fingerprint"} <= kinds
