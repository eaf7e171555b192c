"""The report for code scanning services."""

import io
import json
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from auditor.model import Severity
from auditor.reports import sarif
from tests.report_examples import TROUBLE, exposure, finding, findings, summary

SCHEMA = Path(__file__).parents[1] / "data" / "sarif-2.1.0.schema.json"


@cache
def validator():
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")), format_checker=jsonschema.FormatChecker())


def log(found=(), counts=None):
    out = io.StringIO()
    sarif.REPORT.write(iter(found), counts or summary(list(found)), out)
    parsed = json.loads(out.getvalue())
    validator().validate(parsed)
    return parsed


def run(found=(), counts=None):
    (only,) = log(found, counts)["runs"]
    return only


@pytest.mark.parametrize("count", [0, 1, 300])
def test_the_log_is_valid(count):
    """Any number of findings, with or without trouble, makes a log that the schema allows."""
    found = list(findings(count))
    assert len(run(found, summary(found, **TROUBLE))["results"]) == count
    assert run(found, summary(found))["tool"]["driver"]["name"] == "auditor"


def test_each_result_points_to_its_rule():
    """Rules are listed once, and a result's index is that of its rule."""
    only = run(list(findings(300)))
    rules = only["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in only["results"])


@pytest.mark.parametrize(
    ("severity", "level"),
    [("critical", "error"), ("high", "error"), ("medium", "warning"), ("low", "note"), ("info", "note")],
)
def test_a_level_is_that_of_the_severity(severity, level):
    """The four levels of SARIF stand for the five severities."""
    (result,) = run([finding(severity=Severity.of(severity))])["results"]
    assert (result["level"], result["properties"]["severity"]) == (level, severity)


def test_fingerprints_are_the_keyed_ids():
    """A viewer tells findings apart by their ids, never by rows."""
    entry = finding(7)
    (result,) = run([entry])["results"]
    assert result["partialFingerprints"] == {
        "auditorFindingId/v1": entry.finding_id,
        "auditorSecretId/v1": entry.secret_id,
        "primaryLocationLineHash": f"{entry.finding_id}:1",
    }


def test_a_location_is_file_row_and_column():
    """The record number is the line, and the place in the database a logical location."""
    (result,) = run([finding(path="$.a[*]")])["results"]
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "exports/users.csv", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 17},
    }
    assert location["logicalLocations"] == [
        {"name": "api_token $.a[*]", "fullyQualifiedName": "defaultdb.public.users.api_token $.a[*]", "kind": "member"}
    ]


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("a b/ü#1.csv", {"uri": "a%20b/%C3%BC%231.csv", "uriBaseId": "%SRCROOT%"}),
        ("x:y.csv", {"uri": "x%3Ay.csv", "uriBaseId": "%SRCROOT%"}),
        ("{here}/in/f.csv", {"uri": "in/f.csv", "uriBaseId": "%SRCROOT%"}),
        ("/elsewhere/f.csv", {"uri": "file:///elsewhere/f.csv"}),
        ("s3://bucket/a b?...", {"uri": "s3://bucket/a%20b?..."}),
    ],
)
def test_uris_are_relative_where_they_can_be(tmp_path, monkeypatch, uri, shown):
    """A file below the current folder is relative to it; no path of the machine gets out for it."""
    monkeypatch.chdir(tmp_path)
    (result,) = run([finding(exposures=(exposure(uri=uri.format(here=tmp_path.resolve())),))])["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == shown


def test_a_suppressed_finding_is_a_suppressed_result():
    """The baseline's reason is the justification, and a result that counts says that it has none."""
    accepted, counted = run([finding(1, suppressed="test data"), finding(2)])["results"]
    assert accepted["suppressions"] == [{"kind": "external", "status": "accepted", "justification": "test data"}]
    assert counted["suppressions"] == []


def test_results_end_at_the_limit_and_say_so(monkeypatch):
    """What goes beyond the limit is counted in a notification and in the properties."""
    monkeypatch.setattr(sarif, "MOST_RESULTS", 10)
    only = run(list(findings(25)))
    assert len(only["results"]) == 10
    assert (only["properties"]["resultsWritten"], only["properties"]["resultsLeftOut"]) == (10, 15)
    notes = [note["message"]["text"] for note in only["invocations"][0]["toolExecutionNotifications"]]
    assert any("15 more" in note for note in notes)


def test_the_limit_is_that_of_the_service():
    """25,000 results a run are taken."""
    assert sarif.MOST_RESULTS == 25_000


@pytest.mark.parametrize(("exit_code", "successful"), [(0, True), (1, True), (3, False), (4, False)])
def test_a_run_with_gaps_is_not_successful(exit_code, successful):
    """Findings are a success of the tool; what was not scanned is not."""
    (invocation,) = run(counts=summary(exit_code=exit_code))["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (successful, exit_code)
    assert invocation["startTimeUtc"] == "2026-11-24T08:00:00.000Z"


def test_gaps_are_notifications():
    """Each gap is a warning with its place, up to a number; the rest is counted."""
    (invocation,) = run(counts=summary(**TROUBLE | {"gaps_total": 9}))["invocations"]
    notes = invocation["toolExecutionNotifications"]
    assert [note["level"] for note in notes] == ["note", "warning", "warning", "warning", "warning"]
    assert notes[2]["locations"][0]["physicalLocation"]["region"] == {"startLine": 40_312}
    assert "6 further gaps" in notes[-1]["message"]["text"]
