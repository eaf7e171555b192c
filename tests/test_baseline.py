"""Accepted findings: the file, what it matches, and its errors."""

import itertools
import json
from datetime import date

import pytest

from auditor.baseline import Baseline, create, load, prune
from auditor.errors import ConfigError, StateError
from tests.report_examples import KEY_ID, finding

TODAY = date(2026, 11, 24)


def accepted(*numbers, **changes):
    options = {"reason": "test data", "owner": "platform"} | changes
    return create((finding(number) for number in numbers), KEY_ID, **options)


def written(tmp_path, *numbers, **changes):
    path = tmp_path / "baseline.jsonl"
    accepted(*numbers, **changes).write(path)
    return path


def ids(*numbers):
    return {finding(number).finding_id for number in numbers}


def test_an_accepted_finding_matches_by_its_id(tmp_path):
    """The entry of a finding is found again after the file was read; another finding has none."""
    baseline = load(written(tmp_path, 1, 2), KEY_ID)
    entry = baseline.match(finding(1).finding_id, TODAY)
    assert (entry.reason, entry.owner, entry.rule) == ("test data", "platform", "github.personal-access-token")
    assert baseline.match(finding(3).finding_id, TODAY) is None


def test_the_file_is_the_same_whatever_the_order(tmp_path):
    """Entries are sorted by place, so that the file changes only where its content does."""
    places = [
        finding(1, table="b"),
        finding(2, table="a", column="z"),
        finding(3, table="a", column="b"),
        finding(4, table="a", column="z"),
    ]
    texts = set()
    for order in itertools.permutations(places):
        path = tmp_path / "baseline.jsonl"
        create(order, KEY_ID, reason="r", owner="o").write(path)
        texts.add(path.read_text())
    (text,) = texts
    entries = [json.loads(line) for line in text.splitlines()[1:]]
    assert [(entry["table"], entry["column"]) for entry in entries] == [("a", "b"), ("a", "z"), ("a", "z"), ("b", "api_token")]


def test_nothing_in_the_file_changes_from_run_to_run(tmp_path):
    """Times, rows and counts are left out: a finding that was seen again, elsewhere and more often, has the same entry."""
    create([finding(1)], KEY_ID, reason="r", owner="o").write(tmp_path / "a")
    again = finding(1, first_seen="2027-01-01T00:00:00+00:00", last_seen="2027-01-01T00:00:00+00:00", occurrences=99)
    create([again], KEY_ID, reason="r", owner="o").write(tmp_path / "b")
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text()


def test_an_entry_says_what_it_stands_for(tmp_path):
    """A reviewer sees table, column, rule and shape, and never a row number."""
    entry = json.loads(written(tmp_path, 1, expires=date(2027, 6, 1)).read_text().splitlines()[1])
    assert entry == {
        "finding_id": finding(1).finding_id,
        "rule": "github.personal-access-token",
        "table": "defaultdb.public.users",
        "column": "api_token",
        "path": "",
        "shape": "gh" + "p_... 40 letters and digits",
        "reason": "test data",
        "owner": "platform",
        "expires": "2027-06-01",
    }


def test_a_column_finding_is_described_without_its_count():
    """How many secrets a column holds changes, so it is not part of the entry."""
    (entry,) = create([finding(1, secret_id="", distinct=12_000)], KEY_ID, reason="r", owner="o").entries
    assert entry.shape == "column of " + "gh" + "p_..."


def test_an_expired_entry_does_not_match_and_is_reported(tmp_path):
    """From the day of its expiry a finding counts again, and the entry is named."""
    baseline = load(written(tmp_path, 1, expires=TODAY), KEY_ID)
    assert baseline.match(finding(1).finding_id, date(2026, 11, 23)) is not None
    assert baseline.expired == []
    assert baseline.match(finding(1).finding_id, TODAY) is None
    assert [entry.finding_id for entry in baseline.expired] == [finding(1).finding_id]
    assert baseline.unused == []


def test_entries_that_met_nothing_are_named(tmp_path):
    """An entry whose finding did not come up is unused, and its label says what it was."""
    baseline = load(written(tmp_path, 1, 2), KEY_ID)
    baseline.match(finding(2).finding_id, TODAY)
    (unused,) = baseline.unused
    assert unused.label == (
        f"{finding(1).finding_id} github.personal-access-token in defaultdb.public.users.api_token (test data; platform)"
    )


def test_a_second_create_keeps_what_was_accepted(tmp_path):
    """Earlier entries keep their reason, owner and expiry, also those whose finding is not in this report."""
    earlier = load(written(tmp_path, 1, 2, expires=date(2027, 1, 1)), KEY_ID)
    later = create([finding(2), finding(3)], KEY_ID, reason="known", owner="security", earlier=earlier)
    assert [(entry.finding_id[-1], entry.reason, entry.owner, entry.expires) for entry in later.entries] == [
        ("1", "test data", "platform", date(2027, 1, 1)),
        ("2", "test data", "platform", date(2027, 1, 1)),
        ("3", "known", "security", None),
    ]


def test_prune_drops_what_was_not_seen(tmp_path):
    """The entries of findings that are gone leave the file, and are returned."""
    path = written(tmp_path, 1, 2, 3)
    assert {entry.finding_id for entry in prune(path, ids(2))} == ids(1, 3)
    assert {entry.finding_id for entry in load(path, KEY_ID).entries} == ids(2)
    assert {entry.finding_id for entry in prune(path, set())} == ids(2)


def test_prune_refuses_the_ids_of_another_key(tmp_path):
    """Ids of another key would drop everything, so the file stays as it was."""
    path = written(tmp_path, 1)
    before = path.read_text()
    with pytest.raises(ConfigError, match=f"key {KEY_ID}, and this run uses deadbeef"):
        prune(path, {"fnd_deadbeef" + "0" * 32})
    assert path.read_text() == before


def test_another_key_is_refused(tmp_path):
    """A baseline of another key matches nothing, so it is an error that names both keys."""
    path = written(tmp_path, 1)
    with pytest.raises(ConfigError, match=f"{path}: was made with the key {KEY_ID}, and this run uses deadbeef"):
        load(path, "deadbeef")
    with pytest.raises(ConfigError, match="earlier baseline"):
        create([], "deadbeef", reason="r", owner="o", earlier=load(path, KEY_ID))


@pytest.mark.parametrize("missing", [{"reason": " "}, {"owner": ""}])
def test_an_entry_needs_a_reason_and_an_owner(missing):
    """Nobody accepts a finding without saying why, and who answers for it."""
    with pytest.raises(ConfigError, match=f"needs a {next(iter(missing))}"):
        accepted(1, **missing)


HEADER = json.dumps({"record": "baseline", "schema_version": 1, "key_id": KEY_ID})
ENTRY = accepted(1).entries[0].as_line()


def changed(**changes):
    return json.dumps({name: value for name, value in (json.loads(ENTRY) | changes).items() if value != "absent"})


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", None, "is empty"),
        (ENTRY, 1, "no header"),
        (HEADER.replace('"schema_version": 1', '"schema_version": 9'), 1, "schema_version 9, and this version reads 1"),
        (HEADER.replace("}", ', "made_at": 1}'), 1, "unknown field made_at"),
        (f"{HEADER}\n\n{ENTRY}\n{ENTRY}", 4, "listed already on line 3"),
        (f"{HEADER}\n<<<<<<< ours\n{ENTRY}", 2, "merge conflict"),
        (f"{HEADER}\n[1]", 2, "no JSON object"),
        (f"{HEADER}\n{ENTRY[:-5]}", 2, "no JSON object"),
        (f"{HEADER}\n{changed(reason='absent')}", 2, "reason is missing"),
        (f"{HEADER}\n{changed(owner=' ')}", 2, "owner is empty"),
        (f"{HEADER}\n{changed(table=3)}", 2, "table is missing, or no string"),
        (f"{HEADER}\n{changed(expires='soon')}", 2, "expires is no date"),
        (f"{HEADER}\n{changed(expires=5)}", 2, "expires is no date"),
        (f"{HEADER}\n{changed(row=5)}", 2, "unknown field row"),
        (f"{HEADER}\n{changed(finding_id='fnd_deadbeef' + '0' * 32)}", 2, "not made with the key"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, line, message):
    """An edited or merged file that is wrong says where, and how to put it right."""
    path = tmp_path / "baseline.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load(path, KEY_ID)
    assert caught.value.where == (str(path) if line is None else f"{path}:{line}")


def test_a_file_that_cannot_be_read_says_so(tmp_path):
    """A missing file and one that is no text are errors of the command line."""
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "none", KEY_ID)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="no UTF-8 text"):
        load(tmp_path / "binary", KEY_ID)


def test_a_file_that_cannot_be_written_says_so(tmp_path):
    """A folder that is missing is an error with the place."""
    with pytest.raises(StateError, match="cannot be written: No such file"):
        Baseline(KEY_ID).write(tmp_path / "no" / "baseline")
