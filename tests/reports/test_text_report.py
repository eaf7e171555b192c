"""The report at a terminal."""

import io
import re

import pytest

from auditor.model import Gap, Severity
from auditor.reports.text import REPORT
from tests.report_examples import TROUBLE, finding, findings, summary


class Terminal(io.StringIO):
    """A text file that says it is a terminal."""

    def isatty(self):
        """Say yes."""
        return True


def text(found=(), counts=None, out=None):
    out = out or io.StringIO()
    REPORT.write(iter(found), counts or summary(list(found)), out)
    return out.getvalue()


def flat(report):
    return " ".join(report.split())


def test_the_gravest_comes_first():
    """Findings are grouped by severity, then by place and rule, with counts."""
    found = [finding(1), finding(2), finding(3, severity=Severity.LOW, rule_id="x.y", title="Something", table="t", column="c")]
    report = text(found)
    critical, low = report.index(" CRITICAL  2 findings"), report.index(" LOW  1 finding\n")
    assert critical < report.index("GitHub personal access token") < low < report.index("Something")
    assert re.search(r"api_token +github\.personal-access-token, +.*\n", report)


def test_a_remedy_is_said_once():
    """Places with the same remedy share it; its SQL stands on lines of its own, whatever their length."""
    sql = "    " + "SELECT a, " * 40 + "b;"
    found = [finding(number, column=f"c{number}", remedy=f"1. Do it.\n{sql}") for number in range(5)]
    report = text(found)
    assert report.count("1. Do it.") == 1
    assert f"\n  {sql}\n" in report
    assert "and 2 other places" in report


def test_what_was_not_scanned_is_named_twenty_times_at_most():
    """Gaps are listed with place and reason, and those beyond are counted."""
    gaps = tuple(Gap(f"f{number}.csv", "is damaged", row=number) for number in range(50))
    report = text(counts=summary(gaps=gaps, gaps_total=70))
    assert "Not scanned: 70" in report
    assert report.count("is damaged") == 20
    assert "and 50 more" in report


def test_coverage_names_what_was_read_and_what_was_not():
    """Tables, columns with reasons, resolved timestamps, reconciled files and unused baseline entries are there."""
    report = flat(text(counts=summary(**TROUBLE)))
    assert "12 inputs, 1,234,567 rows, 1.2 GB; csv 4, ndjson 8" in report
    assert "defaultdb.public.users: 2 inputs, 10,000 rows, 5.0 MB, scanned 2 of 3 columns INT8 holds no text: id" in report
    assert "s3://acme-cdc/2026-11-24: 1784758975071714277.0000000001 (2026-07-22 22:22:55 UTC)" in report
    assert "n2.csv: 1,000 rows exported, 998 read" in report
    assert "n3.csv: 500 rows exported, the file was not given" in report
    assert "exports/README: scanned as text lines" in report
    assert "Baseline entries that met nothing (auditor baseline prune): 1" in report


@pytest.mark.parametrize(
    ("changes", "found", "ending"),
    [
        (
            {},
            "0 findings",
            "no gaps; exit 0: nothing at or above low, and everything was scanned",
        ),
        (
            {"gaps_total": 2, "exit_code": 4, "suppressed": 3, "fail_on": "high"},
            "0 findings, 3 suppressed",
            "2 gaps; exit 4: nothing at or above high, but not everything was scanned",
        ),
        (
            {"findings": 2, "by_severity": {"critical": 1, "high": 0, "low": 1}, "exit_code": 3, "partial": "interrupted"},
            "2 findings (1 critical, 1 low)",
            "no gaps; PARTIAL: interrupted; exit 3: an input could not be read, or the run failed",
        ),
    ],
)
def test_the_last_line_says_it_all(changes, found, ending):
    """Findings by severity, gaps and the exit code with its meaning stand on one line."""
    assert (
        text(counts=summary(**changes)).rstrip("\n").rpartition("\n")[2]
        == f"{found} in 12 inputs, 1,234,567 rows, 1.2 GB; {ending}"
    )


def test_a_file_gets_plain_text_without_padding():
    """Outside a terminal there is no escape, and no line ends with spaces."""
    found = list(findings(60))
    report = text(found, summary(found, **TROUBLE))
    assert "\x1b" not in report
    assert not re.search(r" $", report, re.MULTILINE)


def test_a_terminal_gets_colour_unless_it_wants_none(monkeypatch):
    """NO_COLOR and a dumb terminal get plain text."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    found = list(findings(5))
    assert "\x1b[" in text(found, out=Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in text(found, out=Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in text(found, out=Terminal())


@pytest.mark.parametrize("width", [40, 72, 100, 160])
def test_tables_fit_the_terminal(monkeypatch, width):
    """No line but SQL and the last is wider than the terminal, and every place is in the report."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    found = list(findings(30))
    report = text(found, out=Terminal())
    wide = [line for line in report.rstrip("\n").split("\n")[:-1] if len(line.rstrip()) > width]
    assert all(line.startswith("      ") for line in wide)
    assert "First seen" in report or width < 100
    assert all(entry.table.rpartition(".")[2] in report for entry in found if entry.suppressed is None)


def test_suppressed_findings_are_counted_apart():
    """A group that the baseline accepts is not shown as a finding; in a mixed group its members are counted."""
    report = flat(text([finding(1, suppressed="known"), finding(2), finding(3, column="other", suppressed="known")]))
    assert "and 1 suppressed by the baseline" in report
    assert "1 group suppressed by the baseline" in report
    assert "other" not in report


def test_only_the_first_groups_are_shown():
    """Beyond 200 groups the rest is counted; beyond 10 remedies too."""
    found = [finding(number, column=f"c{number:03}", remedy=f"1. Remedy {number}.") for number in range(250)]
    report = flat(text(found))
    assert "50 further groups of findings" in report
    assert "190 further remedies" in report


def test_a_whole_column_is_said_to_be_one():
    """A collapsed finding shows the estimate of its secrets."""
    assert "the whole column: about 12,345 secrets" in flat(text([finding(secret_id="", distinct=12_345)]))
