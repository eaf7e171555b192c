"""The record of an audit: merged in any order, the same findings."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor import tally
from auditor.errors import StateError
from auditor.identity import AuditKey
from auditor.model import Confidence, Evidence, Finding, FindingText, Gap, Note, Receipt, Setting, Severity, Sighting
from auditor.pipeline import Partial
from auditor.record.findings import FindingReader
from auditor.record.ledger import Ledger
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


def reader(ledger: Ledger) -> FindingReader:
    """Return the findings of a record, with fixed texts and time."""
    return FindingReader(
        ledger, KEY, describe=lambda *_place: FindingText("t", "api-key", "gains", "remedy"), suppression=None, seen_at="now"
    )


def told(ledger: Ledger) -> list[Finding]:
    """Read the findings of a record."""
    return list(reader(ledger))


def findings(partials: Sequence[Partial], path: Path | None = None) -> list[Finding]:
    """Merge units into a new record and read the findings."""
    ledger = Ledger.open(path, identity={"key": KEY.key_id})
    for partial in partials:
        ledger.add(partial, uri=partial.receipt.uri, version="1")
    result = told(ledger)
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


@pytest.mark.parametrize("feed", [True, False])
def test_a_feed_is_told_from_an_export(*, feed: bool) -> None:
    """A token in a changefeed comes with the step that changes the feed, one in an EXPORT does not; the receipt keeps which."""
    partial = unit("f", 0, 1, [sighting("a", 1)])
    partial.receipt = replace(partial.receipt, feed=feed)
    (finding,) = findings([partial])
    assert ("CREATE CHANGEFEED" in finding.remedy) is feed


def test_what_a_run_does_not_have_is_not_told(tmp_path: Path) -> None:
    """Of an earlier run's inputs only those that are asked for count: findings, joined paths, gaps, receipts. The rest stays."""
    ours = unit("f", 0, 10, [sighting("a", 1, path="$.m1")])
    other = unit("g", 0, 10, [sighting("a", 2), *(sighting(f"{n}", n + 1, path=f"$.m{n}") for n in range(150))])
    other.gap(Gap("g", "odd"))
    other.note(Note("g", "odd too"))
    ledger = Ledger.open(tmp_path / "record", identity={})
    for partial in (ours, other):
        ledger.add(partial, uri=partial.receipt.uri, version="1")
    everything = told(ledger)
    ledger.ask([("f", "1"), ("g", "2")])
    assert told(ledger) == findings([ours])
    assert [receipt.uri for receipt in ledger.receipts()] == ["f"]
    assert (ledger.gaps(9), ledger.notes()) == (([], 0), [])
    assert ledger.finished("g", "1") == {0}
    ledger.ask([("f", "1"), ("g", "1")])
    assert told(ledger) == everything
    assert everything != findings([ours])
    ledger.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(contents=_UNITS, suppressed=st.sampled_from([None, "0", "f"]))
def test_what_is_counted_is_what_is_told(contents: list[list[tuple[int, str, int]]], suppressed: str | None) -> None:
    """The numbers of a summary are those of the findings, in the same order, suppressed ones told apart."""
    ledger = Ledger.open(None, identity={})
    for number, rows in enumerate(contents):
        seen = [sighting(str(s), row + 1, part=part, path=f"$.m{member}") for row, (s, part, member) in enumerate(rows)]
        ledger.add(unit("f", number, 100, seen), uri="f", version="1")
    every = FindingReader(
        ledger,
        KEY,
        describe=lambda *_place: FindingText("t", "api-key", "gains", "remedy"),
        suppression=None if suppressed is None else lambda found: "known" if found.endswith(suppressed) else None,
        seen_at="now",
    )
    assert list(every.counted()) == [
        (found.rule_id, found.table, found.severity, found.confidence, found.occurrences, found.suppressed is not None)
        for found in every
    ]
    ledger.close()


@pytest.mark.parametrize("held", [1, 7, 300])
def test_what_a_unit_packs_changes_nothing(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings of one unit are the same however many of them are held as objects, columns full of secrets included."""
    rng = random.Random(4)
    seen = [
        sighting(
            str(rng.randrange(limit)),
            row + 1,
            part=rng.choice(["after", "before"]),
            column=column,
        )._replace(
            confidence=rng.choice(list(Confidence)),
            setting=rng.choice(list(Setting)),
            evidence=Evidence("...", 9, "digits", ("base64",) * rng.randrange(3)),
        )
        for column, limit in (("few", 20), ("thousand", 1000), ("full", 1 << 60))
        for row in range(1500)
    ]
    rng.shuffle(seen)
    seen.sort(key=lambda one: one.row)
    plain = findings([unit("f", 0, 1500, seen)])
    assert len(plain) > 500
    monkeypatch.setattr(tally, "MOST_HELD", held)
    assert findings([unit("f", 0, 1500, seen)]) == plain


def test_memory_is_that_of_one_unit() -> None:
    """Merging fifty units with a thousand findings each, and reading them back, takes no more than a few MB."""
    ledger = Ledger.open(None, identity={})
    tracemalloc.start()
    try:
        for number in range(50):
            seen = [sighting(f"{number}-{row}", row + 1, column=f"c{number}") for row in range(1000)]
            ledger.add(unit(f"f{number}", 0, 1000, seen), uri=f"f{number}", version="1")
        del seen
        tracemalloc.reset_peak()
        count = sum(1 for _ in reader(ledger))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    ledger.close()
    assert count == 50_000
    assert peak < 5_000_000
