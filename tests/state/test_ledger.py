"""The record of an audit: merged in any order, the same findings."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.errors import StateError
from auditor.identity import AuditKey
from auditor.model import Confidence, Evidence, Finding, Gap, Receipt, Setting, Severity, Sighting
from auditor.pipeline import Partial
from auditor.state.findings import FindingReader, RuleText
from auditor.state.ledger import Ledger
from auditor.tally import PlaceKey, Tally

KEY = AuditKey(b"k" * 32)


def sighting(secret: str, row: int, *, part: str = "after", path: str = "", column: str = "c", rule: str = "r.one") -> Sighting:
    """Return a sighting of a secret in table t."""
    evidence = Evidence("...", len(secret), "digits")
    place = ("t", column, path, part, row, str(row), None)
    return Sighting(rule, KEY.secret_id(secret), *place, Severity.HIGH, Confidence.HIGH, Setting.ALONE, evidence)


def unit(uri: str, ordinal: int, rows: int, sightings: Sequence[Sighting]) -> Partial:
    """Return what a unit of so many rows found."""
    partial = Partial(Receipt(uri, ordinal, "file", "ndjson (wrapped)", "", "t", rows, rows * 10, {"*": ""}))
    for one in sightings:
        partial.tally.add(one)
    return partial


def findings(partials: Sequence[Partial], path: Path | None = None) -> list[Finding]:
    """Merge units into a new record and read the findings."""
    ledger = Ledger.open(path, identity={"key": KEY.key_id})
    for partial in partials:
        ledger.add(partial, uri=partial.receipt.uri, version="1")
    reader = FindingReader(
        ledger,
        KEY,
        describe=lambda _rule: RuleText("t", "api-key", "gains", "remedy"),
        suppression=lambda _id: None,
        seen_at="now",
    )
    result = list(reader)
    ledger.close()
    return result


def test_rows_count_on_over_units() -> None:
    """A row of the second unit is numbered after the rows of the first, whichever was merged first."""
    units = [unit("f", 0, 100, [sighting("a", 7)]), unit("f", 1, 50, [sighting("b", 3)])]
    for order in (units, units[::-1]):
        rows = {finding.secret_id: finding.exposures[0].row for finding in findings(order)}
        assert rows == {KEY.secret_id("a"): 7, KEY.secret_id("b"): 103}


def test_one_secret_in_two_inputs_is_one_finding_with_two_exposures() -> None:
    """Closing one exposure leaves the other open, so both are told, with their parts."""
    (finding,) = findings(
        [unit("f", 0, 9, [sighting("a", 1), sighting("a", 4)]), unit("g", 0, 9, [sighting("a", 2, part="key")])]
    )
    assert finding.occurrences == 3
    assert [(seen.uri, seen.part, seen.row, seen.count) for seen in finding.exposures] == [
        ("f", "after", 1, 2),
        ("g", "key", 2, 1),
    ]


def test_a_column_of_secrets_is_one_finding() -> None:
    """Past 1,000 different secrets a place is one finding, with an exact count and a good estimate of how many differ."""
    partials = [unit("f", number, 500, [sighting(f"{number}-{row}", row + 1) for row in range(500)]) for number in range(10)]
    partials.append(unit("f", 10, 100, [sighting(f"0-{row}", row + 1) for row in range(100)]))
    (finding,) = findings(partials)
    assert finding.collapsed
    assert finding.occurrences == 5100
    assert abs(finding.distinct - 5000) < 600
    assert finding.exposures[0].count == 5100


def test_a_thousand_secrets_are_told_one_by_one() -> None:
    """At 1,000 nothing is joined."""
    partials = [unit("f", number, 250, [sighting(f"{number}-{row}", row + 1) for row in range(250)]) for number in range(4)]
    assert len(findings(partials)) == 1000


_UNITS = st.lists(
    st.lists(st.tuples(st.integers(0, 1500), st.sampled_from(["after", "before", "key"]), st.integers(0, 130)), max_size=60),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(contents=_UNITS, seed=st.integers(0, 99))
def test_any_order_of_merging_gives_the_same(contents: list[list[tuple[int, str, int]]], seed: int) -> None:
    """Units merged in any order give equal findings in equal order, joined paths included."""
    partials = [
        unit(
            "f",
            number,
            100,
            [sighting(str(s), row + 1, part=part, path=f"$.m{member}") for row, (s, part, member) in enumerate(rows)],
        )
        for number, rows in enumerate(contents)
    ]
    shuffled = partials[:]
    random.Random(seed).shuffle(shuffled)
    assert findings(partials) == findings(shuffled)


def test_a_unit_replaces_its_earlier_self(tmp_path: Path) -> None:
    """A unit that is merged again counts once; if its input has changed, all of its old units are dropped."""
    path = tmp_path / "record"
    ledger = Ledger.open(path, identity={"key": "k"})
    for version in ("1", "1", "2"):
        ledger.add(unit("f", 0, 9, [sighting("a", 1)]), uri="f", version=version)
    assert ledger.finished("f", "2") == {0}
    assert ledger.finished("f", "1") == set()
    assert [receipt.rows for receipt in ledger.receipts()] == [9]
    ledger.close()


def test_a_record_of_another_key_is_refused(tmp_path: Path) -> None:
    """Resuming with another key or other rules is an error that names both."""
    path = tmp_path / "record"
    Ledger.open(path, identity={"key": "one"}).close()
    with pytest.raises(StateError, match="another key \\(one, now two\\)"):
        Ledger.open(path, identity={"key": "two"})
    (tmp_path / "text").write_text("no database, but more than a hundred bytes of text" * 40)
    with pytest.raises(StateError, match="cannot open"):
        Ledger.open(tmp_path / "text", identity={"key": "one"})


def test_gaps_are_numbered_and_counted() -> None:
    """A gap's row counts on over units, and all are counted even where not all are kept."""
    first, second = unit("f", 0, 10, []), unit("f", 1, 10, [])
    second.gap(Gap("f", "odd", row=2))
    ledger = Ledger.open(None, identity={})
    for partial in (second, first):
        ledger.add(partial, uri="f", version="1")
    gaps, total = ledger.gaps(10)
    assert (gaps[0].row, total) == (12, 1)
    ledger.close()


def test_bounds_of_earlier_units_change_nothing() -> None:
    """A unit that was told what others have found keeps less, and the merge is the same."""
    contents = [[sighting(f"{number}-{row}", row + 1) for row in range(900)] for number in range(4)]
    plain = [unit("f", number, 900, sightings) for number, sightings in enumerate(contents)]
    bounds: dict[PlaceKey, str] = {}
    told = []
    for number, sightings in enumerate(contents):
        partial = Partial(Receipt("f", number, "file", "ndjson (wrapped)", "", "t", 900, 9000, {"*": ""}), Tally(bounds))
        for one in sightings * 2 if number < 2 else sightings:
            partial.tally.add(one)
        plain[number] = plain[number] if number >= 2 else unit("f", number, 900, sightings * 2)
        bounds.update(partial.tally.bounds())
        told.append(partial)
    assert findings(told) == findings(plain)
