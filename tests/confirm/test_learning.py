import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.hlc import Timestamp
from auditor.protocols import Frame
from tests.confirm.confirming import TABLE, batch, confirmer, declared, frame, sha256, token


def row(number, held, **more):
    return {"id": number, "token_hash": None if held is None else sha256(token(held)), **more}


def known(one, *numbers):
    """Return which of these tokens are found in a message, with the rows that hold their fingerprints."""
    message = {"after": {"id": 1, "text": " ".join(token(number) for number in numbers)}}
    by_secret = {one._key.secret_id(token(number)): number for number in numbers}
    return {by_secret[each.secret_id]: [holder.row_key for holder in each.holders] for each in one.confirmations(batch(message))}


def test_fingerprints_are_learned_replaced_and_removed():
    """What a row holds now counts: new values replace old ones, NULL and deletion remove them."""
    one = confirmer()
    one.learn([frame("after", [row(1, 1), row(2, 2)])])
    assert known(one, 1, 2, 3) == {1: ["id=1"], 2: ["id=2"]}
    one.learn([frame("after", [row(1, 3)]), frame("before", [row(1, 1)])])
    assert known(one, 1, 2, 3) == {2: ["id=2"], 3: ["id=1"]}
    one.learn([frame("after", [row(1, None)])])
    one.learn([frame("before", [row(2, 2)])])
    assert known(one, 1, 2, 3) == {}
    assert len(one) == 0


@pytest.mark.parametrize("key", [{"id": 1}, {"": 1}, {"another": 1}])
def test_a_key_alone_deletes_its_row(key):
    """A deletion that says no more than the key removes what the row held, whatever the key's part is called."""
    one = confirmer()
    one.learn([frame("after", [row(1, 1)]), frame("key", [key])])
    assert known(one, 1) == {1: ["id=1"]}
    one.learn([frame("key", [key])], deletions=False)
    assert known(one, 1) == {1: ["id=1"]}
    one.learn([frame("key", [key])])
    assert known(one, 1) == {}


def test_a_fingerprint_of_several_rows_goes_with_the_last():
    """Two rows may hold one fingerprint; both are named, and it is known until both are gone."""
    one = confirmer()
    one.learn([frame("after", [row(1, 1), row(2, 1), row(2, 1)])])
    assert known(one, 1) == {1: ["id=1", "id=2"]}
    one.learn([frame("before", [row(1, 1)])])
    assert known(one, 1) == {1: ["id=2"]}
    one.learn([frame("key", [{"id": 2}])])
    assert known(one, 1) == {}


def test_only_live_rows_count():
    """A row is live while its columns have the values that settings name, typed or as csv prints them."""
    one = confirmer(declared(live_when={"revoked_at": None, "status": ["active", "idle"], "enabled": True}))

    def learn(revoked, status, enabled):
        one.learn([frame("after", [row(1, 1, revoked_at=revoked, status=status, enabled=enabled)])])
        return 1 in known(one, 1)

    assert learn(None, "active", True)
    assert learn(None, "idle", "true")
    assert not learn("2026-01-01", "active", True)
    assert not learn(None, "closed", True)
    assert not learn(None, "active", "false")
    assert learn(None, "active", True)
    # A column family without the fingerprint says that the row is dead, or nothing.
    one.learn([frame("after", [{"id": 1, "revoked_at": None}])])
    assert known(one, 1)
    one.learn([frame("after", [{"id": 1, "name": "x"}]), frame("key", [{"id": 1}])])
    assert known(one, 1)
    one.learn([frame("after", [{"id": 1, "revoked_at": "2026-01-01"}])])
    assert not known(one, 1)


def test_an_older_version_changes_nothing():
    """Where the feed says when a version was written, the newest counts in whatever order they come; so does a deletion."""
    one = confirmer()
    one.learn([frame("after", [row(1, 2)])], {0: Timestamp(20)})
    one.learn([frame("after", [row(1, 1)])], {0: Timestamp(10, 5)})
    assert known(one, 1, 2) == {2: ["id=1"]}
    one.learn([frame("key", [{"id": 1}])], {0: Timestamp(30)})
    one.learn([frame("after", [row(1, 2)])], {0: Timestamp(20)})
    assert known(one, 1, 2) == {}
    one.forget(Timestamp(31))
    assert one._shelf._ask("SELECT count(*) FROM held") == [(0,)]


@given(st.lists(st.tuples(st.integers(0, 2), st.none() | st.integers(0, 3)), max_size=12), st.integers(1, 12))
def test_without_times_the_last_version_of_a_batch_counts(history, size):
    """A row that is deleted and written again within a batch, or the other way round, is as its last version says."""
    one = confirmer()
    for first in range(0, len(history), size):
        some = history[first : first + size]
        after = [(at, number, held) for at, (number, held) in enumerate(some) if held is not None]
        gone = [(at, number) for at, (number, held) in enumerate(some) if held is None]
        columns = {"id": [number for _, number, _ in after], "token_hash": [sha256(token(held)) for _, _, held in after]}
        one.learn(
            [
                Frame(TABLE, "key", [at for at, _ in gone], {"": [number for _, number in gone]}),
                Frame(TABLE, "after", [at for at, _, _ in after], columns),
            ]
        )
    expected = {}
    for number, held in dict(history).items():
        if held is not None:
            expected.setdefault(held, []).append(f"id={number}")
    assert known(one, *range(4)) == {held: sorted(keys) for held, keys in expected.items()}


def test_tables_are_globs_without_dots():
    """A star never crosses a dot; a name that is incomplete is compared by what it has; other tables are not read."""
    one = confirmer(declared(table="app.*.s*s"))
    assert one.concerns("app.public.sessions")
    assert not one.concerns("app.public.sessions.extra")
    assert one.concerns("sessions")
    assert one.concerns("public.sessions")
    assert not one.concerns("users")
    assert not one.concerns("")
    one.learn([frame("after", [row(1, 1)], table="app.public.users")])
    assert len(one) == 0


def test_values_that_are_no_fingerprints_are_counted():
    """A recipe that does not fit its column, or a key that rows lack, shows by numbers; what the row held before is gone."""
    one = confirmer()
    one.learn([frame("after", [row(1, 1)])])
    one.learn([frame("after", [{"id": 1, "token_hash": "plain"}, {"id": 2, "token_hash": ""}, {"id": 3, "token_hash": None}])])
    one.learn([frame("after", [{"token_hash": sha256(token(1))}]), frame("key", [{"id": 1}])])
    assert one.unread == {("app.public.sessions", "token_hash"): 2}
    assert known(one, 1) == {}


def test_rows_are_known_by_all_of_their_key():
    """Rows that share a part of their key, or the text of its parts joined, are different rows; unusual keys are not shown."""
    one = confirmer(declared(key=["tenant", "id"]))
    rows = [("a", "bc", 1), ("ab", "c", 2), (1, "x", 3), (None, token(9), 4)]
    one.learn(
        [frame("after", [{"tenant": tenant, "id": each, "token_hash": sha256(token(held))} for tenant, each, held in rows])]
    )
    found = known(one, 1, 2, 3, 4)
    assert {held: found[held] for held in (1, 2, 3)} == {1: ["tenant=a, id=bc"], 2: ["tenant=ab, id=c"], 3: ["tenant=1, id=x"]}
    assert token(9) not in str(found)
    one.learn([frame("key", [{"id": "c", "tenant": "ab"}])])
    assert known(one, 1, 2) == {1: ["tenant=a, id=bc"]}
    one.learn([frame("key", [{"": "a", "name": "bc"}])])
    assert known(one, 1) == {}


def test_csv_and_typed_rows_are_the_same_rows():
    """A key of text and one of numbers name one row."""
    one = confirmer()
    one.learn([frame("after", [row(1, 1)])])
    one.learn([frame("after", [row("1", 2)])])
    assert known(one, 1, 2) == {2: ["id=1"]}
