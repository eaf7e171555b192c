"""Profiles are sets: whatever way rows are cut, dealt out and merged, they say the same, and hold no value."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from random import Random
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.columns import Profiles, Verdict
from auditor.columns.profile import MOST_ENTRIES, MOST_PATHS
from auditor.columns.sampling import ALWAYS, TABLE_ROWS
from auditor.errors import StateError
from auditor.identity import AuditKey
from auditor.protocols import Frame
from tests.columns import value_makers as make

KEY = AuditKey(bytes(range(32)))


class Row(NamedTuple):
    """A row of a made-up table."""

    hash: int
    table: str
    columns: dict[str, object]


def rows_of(seed: int, count: int, tables: Sequence[str] = ("app.sessions",)) -> list[Row]:
    """Make rows with columns of several kinds: dense, sparse, of JSON with few paths and with many; some rows come twice."""
    rng = Random(seed)
    rows = []
    for number in range(count):
        columns: dict[str, object] = {
            "token": make.text(rng, make.BASE62, 32),
            "sparse": make.text(rng, make.LOWER, 20) if rng.random() < 0.02 else None,
            "email": make.email(rng, number),
            "meta": {
                "auth": {"refresh_token": rng.randbytes(16).hex()},
                "list": [make.text(rng, make.LOWER, 4) for _ in range(12)],
            },
            "map": {"".join(rng.choices("abcdefghij", k=3)): rng.choice(make.WORDS), "same": number % 7},
            "text": '{"inner": "' + rng.choice(make.WORDS) + '"}' if number % 3 else "plain words",
        }
        if number % 5 == 0:
            columns["late"] = rng.choice(make.WORDS)
        rows.append(Row(rng.getrandbits(64), rng.choice(tables), columns))
    return [*rows, *rng.sample(rows, count // 10)]


def frames_of(rows: Sequence[Row], chosen: Iterable[int]) -> list[Frame]:
    """Decode rows of a batch, as a format would."""
    groups: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for index in chosen:
        groups.setdefault((rows[index].table, tuple(rows[index].columns)), []).append(index)
    return [
        Frame(table, "after", indexes, {name: [rows[index].columns[name] for index in indexes] for name in names})
        for (table, names), indexes in groups.items()
    ]


def add(profiles: Profiles, rows: Sequence[Row], source: str | None) -> int:
    """Add a batch; return how many of its rows were decoded."""
    hashes = np.array([row.hash for row in rows], np.uint64)
    chosen = profiles.wanted(source, hashes)
    indexes = range(len(rows)) if chosen is None else chosen.tolist()
    profiles.add(source, frames_of(rows, indexes), hashes)
    return len(indexes)


def verdicts(profiles: Profiles) -> list[Verdict]:
    """Return all verdicts."""
    return [verdict for table in profiles.tables() for verdict in profiles.judge(table)]


def whole(rows: Sequence[Row], source: str | None) -> list[Verdict]:
    """Return the verdicts on rows that come in one batch."""
    profiles = Profiles(KEY)
    add(profiles, rows, source)
    return verdicts(profiles)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.sampled_from([30, 400, 1500, 4000]),
    mixed=st.booleans(),
    data=st.data(),
)
def test_verdicts_depend_on_the_set_of_rows_alone(seed: int, count: int, mixed: bool, data: st.DataObject):  # noqa: FBT001
    """Any order of rows, cut into any batches, dealt to any units, merged in any order, gives the verdicts of one pass."""
    tables = ("app.sessions", "app.orders") if mixed else ("app.sessions",)
    source = None if mixed else "app.sessions"
    rows = rows_of(seed, count, tables)
    expected = whole(rows, source)
    rng = Random(data.draw(st.integers(0, 2**32)))
    rng.shuffle(rows)
    units = [Profiles(KEY) for _ in range(data.draw(st.integers(1, 4)))]
    largest = data.draw(st.sampled_from([7, 90, 1200]))
    at = 0
    while at < len(rows):
        size = rng.randint(1, largest)
        add(rng.choice(units), rows[at : at + size], source)
        at += size
    rng.shuffle(units)
    while len(units) > 1:
        first, second = units.pop(rng.randrange(len(units))), units.pop()
        if rng.random() < 0.5:
            second = pickle.loads(pickle.dumps(second))  # noqa: S301 - just dumped
        if rng.random() < 0.3:
            for table in second.tables():
                first.restore(second.snapshot(table))
        first.merge(second)
        units.append(first)
    assert verdicts(units[0]) == expected


def test_rows_that_come_again_change_nothing():
    """A feed that is read again from an earlier position, or a merge that is done twice, leaves the verdicts as they are."""
    rows = rows_of(1, 900)
    profiles = Profiles(KEY)
    add(profiles, rows, "app.sessions")
    expected = verdicts(profiles)
    add(profiles, rows[300:], "app.sessions")
    profiles.merge(pickle.loads(pickle.dumps(profiles)))  # noqa: S301 - just dumped
    assert verdicts(profiles) == expected


def test_bounds_of_other_units_spare_rows_and_change_no_verdict():
    """A unit that is told the bounds of an earlier one decodes less, and their merge says the same."""
    rows = rows_of(2, 6000)
    first, second, alone = Profiles(KEY), Profiles(KEY), Profiles(KEY)
    add(first, rows[:4000], "app.sessions")
    second = Profiles(KEY, first.bounds())
    assert add(second, rows[4000:], "app.sessions") < add(alone, rows[4000:], "app.sessions") * 0.7
    first.merge(second)
    assert verdicts(first) == whole(rows, "app.sessions")


def test_the_first_rows_are_decoded_densely_and_few_of_the_others():
    """All of a table's first rows are wanted; of a million rows, fewer than one in a hundred."""
    profiles = Profiles(KEY)
    rng = np.random.default_rng(3)
    assert profiles.wanted("t", rng.integers(0, 2**64 - 1, TABLE_ROWS - 1, np.uint64)) is None
    wanted = 0
    for _ in range(400):
        chosen = profiles.wanted("t", rng.integers(0, 2**64 - 1, 2500, np.uint64))
        assert chosen is not None
        wanted += len(chosen)
    assert 1_000_000 * ALWAYS / 2**64 < wanted < 14_000


def test_columns_that_are_hardly_ever_filled_are_judged_from_more_rows():
    """A column that one row in fifty fills is judged from the whole sample, and its share of NULL is told."""
    rng = Random(4)
    profiles = Profiles(KEY)
    for _ in range(60):
        rows = [
            Row(
                rng.getrandbits(64),
                "app.users",
                {"reset_token": rng.randbytes(20).hex() + "x" if rng.random() < 0.02 else None, "n": 1},
            )
            for _ in range(3000)
        ]
        add(profiles, rows, "app.users")
    (verdict,) = [one for one in verdicts(profiles) if one.column == "reset_token"]
    assert verdict.classification == "raw-token"
    assert verdict.counts.looked_at >= 20
    assert 0.96 < verdict.counts.null_share < 0.99
    assert 1500 < verdict.counts.values < 6500


def test_neither_snapshot_nor_pickle_holds_a_value():
    """No value, nor any piece of one of four characters and more, is in what is stored or sent."""
    rng = Random(5)
    values = [make.text(rng, make.UPPER, 24) for _ in range(300)]
    rows = [
        Row(rng.getrandbits(64), "app.sessions", {"token": value, "meta": {"key": value, value: {"of": "a member's name"}}})
        for value in values
    ]
    profiles = Profiles(KEY)
    add(profiles, rows, "app.sessions")
    for held in (profiles.snapshot("app.sessions"), pickle.dumps(profiles), repr(verdicts(profiles)).encode()):
        for value in values:
            for piece in (value[start : start + 4].encode() for start in range(0, 21, 4)):
                assert piece not in held


def test_a_column_takes_a_few_kilobytes():
    """However many rows there are, a column and path holds 256 entries of 32 bytes, and so does its snapshot."""
    profiles = Profiles(KEY)
    for seed in range(4):
        rows = [row._replace(columns={"token": row.columns["token"]}) for row in rows_of(seed, 2000)]
        add(profiles, rows, "app.sessions")
    assert profiles.nbytes("app.sessions") == MOST_ENTRIES * 32
    assert len(profiles.snapshot("app.sessions")) < MOST_ENTRIES * 32 + 2 * TABLE_ROWS * 8 + 500


def test_paths_are_bounded_and_those_of_maps_joined():
    """An object whose members are data is judged as one path, and no more than a bounded number of paths is held."""
    rng = Random(6)
    rows = []
    for _ in range(2000):
        name = "".join(rng.choices(make.WORDS, k=2)) + rng.choice("abcdefgh")
        rows.append(Row(rng.getrandbits(64), "t", {"map": {name: {"password": make.password(rng, 0)}}}))
    profiles = Profiles(KEY)
    for start in range(0, 2000, 150):
        add(profiles, rows[start : start + 150], "t")
    found = verdicts(profiles)
    assert [one.path for one in found] == ["$.*.password"]
    assert found[0].classification == "raw-token"
    assert profiles.nbytes("t") <= MOST_PATHS * 2 * 32


def test_names_that_may_be_data_are_not_kept():
    """A member or column named by a token, an address or a number has the path of any member."""
    rng = Random(7)
    columns = {
        rng.randbytes(16).hex(): "a",
        "someone@mail.example": "b",
        "by_id": {make.text(rng, make.BASE62, 30): "c", "12345": "d"},
    }
    profiles = Profiles(KEY)
    add(profiles, [Row(rng.getrandbits(64), "t", dict(columns)) for _ in range(30)], "t")
    assert {(one.column, one.path) for one in verdicts(profiles)} == {(".*", ""), ("by_id", "$.*")}


def test_parts_of_one_record_count_for_the_same_column():
    """A value in ``before``, ``after`` and the key of one record is looked at once."""
    rng = Random(8)
    values = [make.text(rng, make.BASE62, 32) for _ in range(50)]
    profiles = Profiles(KEY)
    frames = [Frame("t", part, range(50), {"session_token": values}) for part in ("after", "before", "key")]
    profiles.add("t", frames, np.arange(50, dtype=np.uint64))
    (verdict,) = verdicts(profiles)
    assert verdict.counts.looked_at == verdict.counts.values == 50


def test_csv_and_json_are_judged_alike():
    """Numbers and booleans give the verdicts that their texts give."""
    rng = Random(9)
    typed = [Row(rng.getrandbits(64), "t", {"pin_code": rng.randint(1000, 9999), "paid": rng.random() < 0.5}) for _ in range(300)]
    texts = [
        row._replace(columns={"pin_code": str(row.columns["pin_code"]), "paid": "true" if row.columns["paid"] else "false"})
        for row in typed
    ]
    assert whole(typed, "t") == whole(texts, "t")


def test_what_was_stored_under_another_key_is_refused():
    """Profiles of two keys do not mix, and bytes that are no profile are said to be none."""
    profiles, other = Profiles(KEY), Profiles(AuditKey(b"another key of bytes"))
    add(profiles, rows_of(10, 20), "app.sessions")
    with pytest.raises(StateError, match="made with the key"):
        other.restore(profiles.snapshot("app.sessions"))
    with pytest.raises(StateError, match="made with the key"):
        other.merge(profiles)
    for data in (b"", b"\0\0\0\2{}", profiles.snapshot("app.sessions")[:-5]):
        with pytest.raises(StateError, match="cannot be read"):
            profiles.restore(data)
