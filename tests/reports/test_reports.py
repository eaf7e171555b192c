"""All reports: their registry, their options, and how their files appear."""

import re
import stat
import tracemalloc

import pytest

from auditor.errors import ConfigError, StateError
from auditor.model import Gap, Note, TableCoverage
from auditor.reports import REPORTS, ReportSpec, parse_reports, write_reports
from tests.report_examples import TROUBLE, exposure, finding, findings, summary


class Sink:
    """A file that only counts."""

    def __init__(self):
        self.size = 0

    def write(self, text):
        """Count it."""
        self.size += len(text)
        return len(text)

    def writelines(self, lines):
        """Count them."""
        for line in lines:
            self.write(line)

    def flush(self):
        """Do nothing."""

    def isatty(self):
        """Be a file."""
        return False


@pytest.mark.parametrize("kind", list(REPORTS))
def test_a_report_has_the_name_that_loads_it(kind):
    """The word of the command line is the report's kind."""
    assert REPORTS[kind]().kind == kind


def test_every_report_is_written_in_a_pass_of_its_own(tmp_path, capsys):
    """Several reports at once each see all findings; one may go to standard output."""
    passes = []

    def factory():
        passes.append(1)
        return findings(30)

    specs = [ReportSpec(kind, tmp_path / kind) for kind in REPORTS] + [ReportSpec("text", None)]
    write_reports(specs, factory, summary(list(findings(30))))
    assert len(passes) == len(REPORTS) + 1
    assert {path.name for path in tmp_path.iterdir()} == set(REPORTS)
    assert {stat.S_IMODE((tmp_path / kind).stat().st_mode) for kind in REPORTS} == {0o600}
    assert capsys.readouterr().out == (tmp_path / "text").read_text()


def test_a_report_that_cannot_be_written_does_not_keep_others_from_it(tmp_path):
    """The rest is written; then the failure is raised with its place."""
    gone = tmp_path / "gone" / "r.csv"
    with pytest.raises(StateError, match="the csv report could not be written: No such file") as caught:
        write_reports([ReportSpec("csv", gone), ReportSpec("jsonl", tmp_path / "r.jsonl")], lambda: findings(3), summary())
    assert caught.value.where == str(gone)
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 4


def test_options_name_a_kind_and_a_file(tmp_path):
    """KIND=FILE goes to the file, KIND and KIND=- to standard output."""
    assert parse_reports([f"html={tmp_path}/r.html", "text"]) == [
        ReportSpec("html", tmp_path / "r.html"),
        ReportSpec("text", None),
    ]
    assert parse_reports(["jsonl=-"]) == [ReportSpec("jsonl", None)]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["pdf=x"], "no such kind"),
        (["csv="], "names no file"),
        (["csv=.", "text"], "is a folder"),
        (["csv=none/x"], "folder does not exist"),
        (["csv=x", "jsonl=./x"], "same place"),
        (["csv", "jsonl=-"], "same place"),
    ],
)
def test_an_option_that_could_only_fail_later_is_refused_at_once(tmp_path, monkeypatch, values, message):
    """Hours of scanning do not end in a report that has no place to go to."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        parse_reports(values)


@pytest.mark.parametrize(("kind", "limit"), [("jsonl", 2), ("csv", 2), ("text", 10), ("sarif", 12), ("junit", 20), ("html", 60)])
def test_memory_does_not_grow_with_the_number_of_findings(kind, limit):
    """20,000 findings need no more than a fixed number of MB; what is held is groups or the rows that are shown."""
    report = REPORTS[kind]()
    counts = summary()
    report.write(findings(10), counts, Sink())
    tracemalloc.start()
    try:
        report.write(findings(20_000), counts, Sink())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < limit * 1_000_000


HOSTILE = "a\x1b[31m\x9b2J\x7f\r\t\x08\u202eb\u200b\ud800\ufffe\x00</script><script>boom()</script>\"'&]]>{{ 7*7 }}"


def hostile():
    """Return a finding and a summary whose every name came from an enemy."""
    seen = exposure(uri=f"{HOSTILE}.csv", row_key=HOSTILE, part="after")
    found = finding(
        rule_id="github.personal-access-token",
        table=f"db.{HOSTILE}",
        column=HOSTILE,
        path=f'$["{HOSTILE}"]',
        title=HOSTILE,
        gains=HOSTILE,
        remedy=f"1. {HOSTILE}\n    SELECT '{HOSTILE}';",
        suppressed=None,
        exposures=(seen,),
    )
    counts = summary(
        [found],
        gaps=(Gap(HOSTILE, HOSTILE, row=1, column=HOSTILE),),
        notes=(Note(HOSTILE, HOSTILE),),
        partial=HOSTILE,
        unused_baseline=(HOSTILE,),
        resolved={HOSTILE: HOSTILE},
        formats={HOSTILE: 1},
        tables=(TableCoverage(HOSTILE, 1, 1, 1, {HOSTILE: HOSTILE, "ok": ""}),),
    )
    return found, counts


@pytest.mark.parametrize("kind", list(REPORTS))
def test_a_hostile_name_reaches_no_terminal_as_a_control(tmp_path, kind):
    """Escapes, direction overrides, zero-width and lone surrogates are visible in every report; only lines end."""
    found, counts = hostile()
    write_reports([ReportSpec(kind, tmp_path / "r")], lambda: iter([found]), counts)
    with (tmp_path / "r").open(encoding="utf-8", newline="") as file:
        text = file.read()
    if kind == "csv":
        text = text.replace("\r\n", "\n")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufffe\ud800-\udfff]", text)


@pytest.mark.parametrize("kind", list(REPORTS))
def test_a_report_of_everything_and_one_of_nothing_can_be_written(tmp_path, kind):
    """No list may be empty, or full, in a way that fails a report."""
    many = list(findings(300))
    for found, counts in (([], summary()), ([], summary(tables=(), formats={})), (many, summary(many, **TROUBLE))):
        write_reports([ReportSpec(kind, tmp_path / "r")], lambda found=found: iter(found), counts)
        assert (tmp_path / "r").stat().st_size > 0
