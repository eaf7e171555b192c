"""The complete report: one JSON object a line."""

import io
import json
from pathlib import Path

import jsonschema
import pytest

from auditor.model import Confidence, Severity
from auditor.reports.jsonl import REPORT
from auditor.reports.record import finding_record
from auditor.reports.schema import finding_schema
from tests.report_examples import TROUBLE, exposure, finding, findings, summary

SCHEMA = Path(__file__).parents[2] / "schemas" / "finding.schema.json"


def lines(found, counts=None):
    out = io.StringIO()
    REPORT.write(iter(found), counts or summary(found), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_findings_come_in_the_order_given_and_the_summary_last():
    """Nothing is left out or reordered, suppressed findings included."""
    found = list(findings(200))
    *records, last = lines(found)
    assert [record["finding_id"] for record in records] == [entry.finding_id for entry in found]
    assert {record["record"] for record in records} == {"finding"}
    assert last["record"] == "summary"
    assert last["findings"] == sum(entry.suppressed is None for entry in found)


def test_every_line_is_what_the_schema_says():
    """A finding or a summary of any kind is valid, and the schema knows every field."""
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    found = [*findings(100), finding(secret_id="", distinct=5000, policy_id="tokens", exposures_total=300)]
    for record in lines(found, summary(found, **TROUBLE)):
        validator.validate(record)
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(record | {"unknown": 1})


def test_every_level_is_one_that_the_schema_knows():
    """The words for severity and confidence are those of the types."""
    properties = finding_schema()["$defs"]["FindingRecord"]["properties"]
    assert properties["severity"]["enum"] == [level.label for level in Severity]
    assert properties["confidence"]["enum"] == [level.label for level in Confidence]


def test_the_place_of_a_finding_is_that_of_its_first_exposure():
    """Part, row key, source and updated are those of the first of its exposures; a value of the past is marked."""
    feed = exposure(kind="s3", uri="s3://b/f.ndjson", part="before", row=9, row_key="id=1", updated="17.0000000001", count=2)
    record = finding_record(finding(exposures=(feed, exposure()), exposures_total=7))
    assert (record["part"], record["row_key"], record["updated"]) == ("before", "id=1", "17.0000000001")
    assert record["source"] == {"kind": "s3", "uri": "s3://b/f.ndjson", "row": 9}
    assert [seen["past_value"] for seen in record["exposures"]] == [True, False]
    assert (record["occurrences"], record["exposures_total"]) == (3, 7)


def test_the_summary_carries_the_whole_coverage():
    """Gaps, notes, tables, reconciled files and resolved timestamps are all there."""
    (last,) = lines([], summary(**TROUBLE))
    assert last["gaps_total"] == len(last["gaps"]) == 3
    assert last["gaps"][1] == {
        "uri": "s3://acme-cdc/2026-11-24/x.ndjson.gz",
        "reason": "the gzip stream ends early",
        "row": 40_312,
        "column": None,
        "bytes": 1_200_000,
    }
    assert last["resolved"] == {"s3://acme-cdc/2026-11-24": "1784758975071714277.0000000001"}
    assert last["tables"][0]["columns"]["id"] == "INT8 holds no text"
    assert last["exit_meaning"] == "nothing at or above low, but not everything was scanned"
