"""The report for CI servers."""

import io
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.model import Confidence, Gap, Severity
from auditor.reports import junit
from tests.report_examples import TROUBLE, finding, findings, summary


def document(found=(), counts=None):
    out = io.StringIO()
    junit.REPORT.write(iter(found), counts or summary(list(found)), out)
    return ET.fromstring(out.getvalue().encode("utf-8"))  # noqa: S314 - written by ourselves


def outcomes(suites, name):
    (suite,) = [suite for suite in suites if suite.get("name") == name]
    return [(case.get("name"), [child.tag for child in case]) for case in suite]


def test_a_rule_in_a_column_is_a_failing_case():
    """All findings of one rule at one place are one case, in the suite of its table."""
    suites = document([finding(1), finding(2), finding(3, column="other")])
    assert outcomes(suites, "defaultdb.public.users") == [
        ("github.personal-access-token in api_token", ["failure"]),
        ("github.personal-access-token in other", ["failure"]),
    ]
    failure = suites.find(".//failure")
    assert failure.get("message") == "GitHub personal access token: critical: 2 findings, 2 occurrences"
    assert "exports/users.csv row 17" in failure.text
    assert "ALTER TABLE users DROP COLUMN api_token;" in failure.text


def test_a_clean_table_passes():
    """A table that was read and had nothing is one case that passes, and so is complete coverage."""
    suites = document([finding(1)])
    assert outcomes(suites, "defaultdb.public.logs") == [("no findings", ["system-out"])]
    assert outcomes(suites, "coverage") == [("everything was scanned", ["system-out"])]


def test_gaps_are_errors():
    """What was not scanned is an error of the suite `coverage`; gaps beyond the list are counted."""
    suites = document(counts=summary(**TROUBLE | {"gaps_total": 5, "partial": "interrupted"}))
    cases = outcomes(suites, "coverage")
    assert [tags for _, tags in cases] == [["error"]] * 5
    assert cases[0][0] == "partial"
    assert cases[-1][0] == "further gaps"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"severity": Severity.MEDIUM}, "below high: medium: 1 finding, 1 occurrence"),
        ({"confidence": Confidence.LOW}, "confidence low: critical: 1 finding, 1 occurrence"),
        ({"suppressed": "test data"}, "suppressed: test data"),
    ],
)
def test_what_does_not_fail_the_run_is_skipped(changes, message):
    """A case fails if and only if its findings make the exit code 1; the others say why they do not."""
    skipped = document([finding(**changes)], summary(fail_on="high")).find(".//skipped")
    assert skipped.get("message") == message


def test_the_counts_add_up():
    """Tests, failures, errors and skipped cases are those of the suites below."""
    found = list(findings(200))
    suites = document(found, summary(found, **TROUBLE))
    for element in [suites, *suites]:
        cases = list(element.iter("testcase"))
        assert int(element.get("tests")) == len(cases)
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(element.get(attribute)) == sum(case.find(tag) is not None for case in cases)


def test_groups_beyond_the_limit_are_one_case(monkeypatch):
    """The rest fails if one of its groups does."""
    monkeypatch.setattr(junit, "MOST_CASES", 3)
    found = [finding(number, column=f"c{number}") for number in range(8)]
    assert outcomes(document(found), "further findings") == [("further findings", ["failure"])]
    weak = [finding(number, column=f"c{number}", confidence=Confidence.LOW) for number in range(8)]
    assert outcomes(document(weak), "further findings") == [("further findings", ["skipped"])]


@given(st.text())
def test_any_name_gives_valid_xml(name):
    """Characters that XML forbids are escaped, and markup is text."""
    found = [finding(table=name, column=name, path=name, title=name, remedy=name, suppressed=None)]
    suites = document(found, summary(found, gaps=(Gap(name, name, column=name),), partial=name))
    assert suites.find(".//failure") is not None
