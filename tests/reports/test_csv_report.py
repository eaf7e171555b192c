"""The report for a spreadsheet."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from auditor.reports.csv import COLUMNS, REPORT
from tests.report_examples import exposure, finding, findings, summary


def rows(found):
    out = io.StringIO(newline="")
    REPORT.write(iter(found), summary(), out)
    return list(csv.DictReader(io.StringIO(out.getvalue(), newline=""), strict=True))


def test_there_is_a_line_for_every_exposure():
    """A finding seen in two places has two lines, with the finding's own cells on both."""
    found = list(findings(50))
    read = rows(found)
    assert len(read) == sum(len(entry.exposures) for entry in found)
    two = finding(exposures=(exposure(), exposure(kind="s3", uri="s3://b/x", part="before", row=3, updated="1.0", count=4)))
    first, second = rows([two])
    assert first["finding_id"] == second["finding_id"] == two.finding_id
    assert (first["source_uri"], first["row"], first["past_value"]) == ("exports/users.csv", "17", "false")
    assert (second["source_kind"], second["part"], second["count"], second["past_value"]) == ("s3", "before", "4", "true")
    assert (second["kind"], second["occurrences"]) == ("access-token", "5")


def test_lines_end_as_rfc_4180_says():
    """Lines end with CR LF, and line ends inside a cell stay as they are."""
    out = io.StringIO(newline="")
    REPORT.write(iter([finding(remedy="a\nb")]), summary(), out)
    assert out.getvalue().startswith(",".join(COLUMNS) + "\r\n")
    assert out.getvalue().count("\r\n") == 2
    assert rows([finding(remedy="a\nb")])[0]["remedy"] == "a\nb"


@given(st.text(st.sampled_from("=+-@\t\r\n\"',;a")))
def test_no_cell_is_a_formula(name):
    """A cell that a spreadsheet would run begins with an apostrophe; any other is as it was, controls but line ends escaped."""
    (row,) = rows([finding(column=name)])
    shown = name.replace("\t", "\\x09").replace("\r", "\\x0d")
    assert row["column"] == (f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown)
