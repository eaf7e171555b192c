import subprocess
import sys

import orjson
import pytest

from auditor.sample.score import compare, score, shown, sights
from auditor.sample.truth import SCHEMA_VERSION, TruthLine


def line(row=3, part="after", column="token", **other):
    """Return a truth line; its secret is of no interest here."""
    fields = {
        "file": "exports/csv/t/export1-n1.0.csv",
        "format": "export-csv",
        "table": "t",
        "position": None,
        "path": "",
        "kind": "k",
    }
    fields |= {"expect": "found", "encoded": (), "secret": "s", "text": "s"} | other
    return TruthLine(schema_version=SCHEMA_VERSION, row=row, part=part, column=column, **fields)


FILE = "/tmp/d/exports/csv/t/export1-n1.0.csv"


def finding(row=3, part="after", column="token", *, uri=FILE, confidence="high", secret="sec_1", path="", length=1):
    """Return a finding as a jsonl report has it."""
    exposure = {"kind": "file", "uri": uri, "part": part, "row": row, "row_key": "", "updated": None, "count": 1}
    return {
        "record": "finding",
        "rule_id": "r.x",
        "secret_id": secret,
        "column": column,
        "path": path,
        "evidence": {"redacted": "...", "length": length},
        "confidence": confidence,
        "exposures": [exposure],
    }


def compared(findings, lines, kinds=()):
    return compare(sights(findings), lines, kinds)


def test_a_finding_at_the_planted_place_is_true():
    """File by the end of its name, row, column and part decide."""
    result = compared([finding()], [line()])
    assert (result.recall, result.precision, result.missed, result.false) == (1.0, 1.0, [], [])


@pytest.mark.parametrize("other", [{"row": 4}, {"part": "key"}, {"uri": "/tmp/d/exports/csv/u/export1-n1.0.csv"}])
def test_a_finding_elsewhere_is_false_and_the_plant_is_missed(other):
    """Another row, part or file is another place."""
    result = compared([finding(**other)], [line()])
    assert result.recall == 0
    assert result.precision == 0
    assert [missed.row for missed in result.missed] == [3]
    assert len(result.false) == 1


def test_another_column_of_a_planted_row_is_neither_right_nor_false():
    """It is listed apart, and the plant counts as missed."""
    result = compared([finding(column="note")], [line()])
    assert (len(result.elsewhere), result.recall, result.precision) == (1, 0.0, 1.0)


def test_a_headerless_csv_is_matched_by_position():
    """``colN`` is the N-th column, and its name serves too."""
    planted = line(position=7)
    assert compared([finding(column="col7")], [planted]).recall == 1
    assert compared([finding(column="token")], [planted]).recall == 1
    assert compared([finding(column="col8")], [planted]).recall == 0


def test_plants_that_share_a_column_are_told_apart():
    """By path and length together, else by length, else by path; where nothing agrees, any of them counts."""
    lines = [line(path="$.a", secret="s" * 20), line(path="$.b", secret="t" * 30), line(path="$.b", secret="u" * 40)]
    assert compared([finding(path="$.b", length=40)], lines).missed == lines[:2]
    assert compared([finding(path="$.c", length=30)], lines).missed == [lines[0], lines[2]]
    assert compared([finding(path="$.a", length=99)], lines).missed == lines[1:]
    assert compared([finding(path="$.c", length=99)], lines).missed == []


def test_keys_and_logs_have_no_columns_of_their_own():
    """A key's column may be named or not; a log's text may be called anything."""
    assert compared([finding(part="key", column="session_id")], [line(part="key", column="")]).recall == 1
    assert compared([finding(column="message")], [line(format="audit-json", column="Statement")]).recall == 1


def test_the_earlier_row_in_parquet_may_be_named_by_its_metadata_column():
    """``__crdb__before`` holds the earlier row of every column."""
    assert compared([finding(part="before", column="__crdb__before")], [line(part="before")]).recall == 1


def test_a_lookalike_that_is_reported_is_false():
    """Expecting none makes any report of it wrong; one of low confidence is listed apart."""
    assert compared([finding()], [line(expect="none")]).precision == 0
    quiet = compared([finding(confidence="low")], [line(expect="none")])
    assert (quiet.precision, len(quiet.false_low)) == (1.0, 1)


def test_failed_checksums_are_counted_by_how_they_were_reported():
    """Low is right; higher confidence and silence are told apart; none of them touches recall."""
    lines = [line(row=row, expect="low") for row in (1, 2, 3)]
    result = compared([finding(row=1, confidence="low"), finding(row=2)], lines)
    assert dict(result.low) == {"low": 1, "higher": 1, "missed": 1}
    assert result.expected == 0


def test_opaque_and_unknown_values_are_not_scored():
    """Whether they are reported depends on policies and column judgement; a line without a row covers its column."""
    result = compared([finding(row=9), finding(row=5)], [line(row=None, expect="opaque"), line(row=5, expect="unknown")])
    assert (result.precision, result.unscored["opaque-or-unknown"]) == (1.0, 2)


def test_a_planted_row_in_an_opaque_column_is_still_told_apart():
    """The line of the row itself comes before that of its column."""
    result = compared([finding()], [line(row=None, expect="opaque"), line()])
    assert (result.true, result.recall) == (1, 1.0)


def test_a_column_finding_hits_all_its_plants():
    """Past a thousand secrets a finding stands for the whole column of a file."""
    result = compared([finding(row=1, secret="")], [line(row=row) for row in range(1, 50)] + [line(row=50, column="other")])
    assert (result.found, result.expected) == (49, 50)


def test_the_earlier_version_of_a_current_plant_is_no_false_finding():
    """The truth tells such a secret once; a report may tell it twice."""
    result = compared([finding(), finding(part="before")], [line()])
    assert (result.precision, result.unscored["earlier-version"]) == (1.0, 1)


def test_recall_can_be_limited_to_kinds_with_a_rule():
    """By name, or by leaving out the kinds that were found nowhere."""
    lines = [line(row=1, kind="known"), line(row=2, kind="known"), line(row=3, kind="other")]
    result = compared([finding(row=1)], lines)
    assert (result.expected, result.expected_of_known, result.recall_of_known, result.unknown_kinds) == (3, 2, 0.5, ["other"])
    assert compared([finding(row=1)], lines, {"known"}).recall == 0.5


def test_the_score_reads_files_and_shows_no_secret(tmp_path):
    """As a function and as a program, on a jsonl report and a truth file; what it prints holds no planted value."""
    secret = "assembled-" + "value"
    report, truth = tmp_path / "r.jsonl", tmp_path / "d.truth.jsonl"
    report.write_bytes(b"\n".join(map(orjson.dumps, [finding(), finding(row=8), {"record": "summary"}])) + b"\n")
    truth.write_bytes(
        orjson.dumps(line(secret=secret, text=secret)) + b"\n" + orjson.dumps(line(row=4, secret=secret, text=secret)) + b"\n"
    )
    result = score(report, truth)
    assert (result.recall, result.precision) == (0.5, 0.5)
    assert secret not in shown(result)
    program = [sys.executable, "-m", "auditor.sample.score"]
    done = subprocess.run([*program, report, truth], capture_output=True, text=True, check=True)
    assert "recall     0.5000" in done.stdout
    assert subprocess.run(program, capture_output=True, check=False).returncode == 2
