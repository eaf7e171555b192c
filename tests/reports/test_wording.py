"""The words that reports share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.model import Evidence, Severity
from auditor.reports.chart import MOST_BARS, MOST_PARTS, bars
from auditor.reports.coverage import ColumnCoverage
from auditor.reports.groups import grouped
from auditor.reports.wording import (
    byte_size,
    counted,
    evidence_words,
    exposure_words,
    place,
    printable,
    printable_lines,
    resolved_words,
    seconds_between,
    time_words,
)
from tests.report_examples import exposure, finding, findings


@given(st.text())
def test_everything_printable_is_visible_and_on_one_line(text):
    """Whatever a name holds, what is shown of it can be printed; what is printable already stays as it is."""
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)
    assert printable_lines(text).count("\n") == text.count("\n")


def test_controls_become_escapes():
    """An escape says which character stood there."""
    assert printable("a\x1b[0m\u202e\ud800\U000e0001\n") == "a\\x1b[0m\\u202e\\ud800\\U000e0001\\x0a"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_999, "1.0 MB"),
        (1_234_567_890, "1.2 GB"),
        (10**16, "10,000.0 TB"),
    ],
)
def test_sizes_are_decimal(number, words):
    """A kilobyte is 1,000 bytes, and a number is never rounded up to 1,000.0 of a unit."""
    assert byte_size(number) == words


def test_counts_know_one_from_many():
    """One finding, two findings."""
    assert [counted(1, "finding"), counted(1200, "finding"), counted(2, "remedy", "remedies")] == [
        "1 finding",
        "1,200 findings",
        "2 remedies",
    ]


def test_a_place_is_named_as_far_as_it_is_known():
    """Table, column and path, each where known."""
    assert place("db.t", "c", "$.a") == "db.t.c $.a"
    assert place("", "c", "") == "(table unknown).c"


def test_an_exposure_says_where_and_in_which_part():
    """Parts other than the row itself are named; what only `before` holds is a past value."""
    assert exposure_words(exposure()) == "exports/users.csv row 17, key id=3"
    assert exposure_words(exposure(part="before", row_key="")) == "exports/users.csv row 17, past value"
    assert exposure_words(exposure(part="header")).endswith("in the header")


def test_evidence_is_a_shape():
    """Prefix, length and alphabet, and how it was decoded."""
    assert evidence_words(Evidence("x_...", 40, "digits", ("base64", "json"))) == "x_... 40 characters, digits; base64 > json"


def test_times_are_shown_in_utc():
    """An ISO time becomes UTC to the second; what is none stays as it is."""
    assert time_words("2026-11-24T09:00:00+01:00") == "2026-11-24 08:00:00 UTC"
    assert time_words("soon") == "soon"
    assert seconds_between("2026-11-24T08:00:00+00:00", "2026-11-24T08:00:02.5+00:00") == 2.5
    assert seconds_between("", "") is None
    assert resolved_words("nonsense") == "nonsense"


def test_columns_are_told_apart_by_reason():
    """Scanned columns are counted, others named under their reason, the most frequent first."""
    columns = ColumnCoverage.of({"a": "", "b": "no text", "c": "no text", "d": "unreadable"})
    assert columns.words() == "1 of 4 columns"
    assert columns.other_words() == ["no text: b, c", "unreadable: d"]
    assert ColumnCoverage.of({"*": ""}).words() == "every member of every row"
    assert ColumnCoverage.of({}).words() == "whole rows"
    many = ColumnCoverage.of({f"c{number:03}": "no text" for number in range(100)})
    assert many.other_words()[0].endswith("c011 and 88 more")


@given(st.integers(0, 300))
def test_groups_count_every_finding_once(count):
    """The groups of a sorted stream hold all of it, and no place and rule comes twice."""
    found = list(findings(count))
    groups = list(grouped(found))
    assert sum(group.findings + group.suppressed for group in groups) == len(found)
    keys = [
        (group.first.severity, group.first.table, group.first.column, group.first.path, group.first.rule_id) for group in groups
    ]
    assert len(set(keys)) == len(keys)


def test_a_group_speaks_for_what_is_not_suppressed():
    """The example of a group is one that counts, if there is one."""
    (group,) = grouped([finding(1, suppressed="known"), finding(2)])
    assert (group.first.finding_id[-1], group.findings, group.suppressed) == ("2", 1, 1)


def test_a_chart_is_bounded():
    """Tables beyond the limit are counted, rules beyond it are one part, and every finding is in a number."""
    counts = {(f"t{table}", f"r{rule}"): table * 20 + rule + 1 for table in range(20) for rule in range(20)}
    chart = bars(counts, {f"r{rule}": (Severity.HIGH, f"rule {rule}") for rule in range(20)})
    assert (len(chart.bars), chart.left_out) == (MOST_BARS, 20 - MOST_BARS)
    assert all(len(bar.parts) == MOST_PARTS for bar in chart.bars)
    first = chart.bars[0]
    assert first.table == "t19"
    assert sum(int(part.shown.replace(",", "")) for part in first.parts) == int(first.shown.replace(",", ""))
    assert first.parts[-1].title == "13 other rules"
