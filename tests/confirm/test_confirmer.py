import base64
import gc
import hashlib
import hmac
import pickle
import sqlite3
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.confirm.confirmer import Event
from auditor.confirm.shelf import Holder
from auditor.confirm.suspects import Suspected, Suspects
from auditor.errors import ConfigError, StateError
from auditor.hlc import Timestamp
from auditor.model import Cell, Row
from auditor.protocols import Haystack
from tests.confirm.confirming import TABLE, batch, confirmer, declared, frame, sha256, token


def holder(number):
    return Holder(TABLE, "token_hash", f"id={number}")


def rows(*numbers):
    """Return rows whose key and token have the same number."""
    return [{"id": number, "token_hash": sha256(token(number))} for number in numbers]


def places(one, *messages):
    """Return where live tokens are."""
    return [(each.row, each.part, each.column, each.path, each.start, each.end) for each in one.confirmations(batch(*messages))]


def test_a_live_token_is_found_in_every_part_and_place():
    """In after, before and key, inside text, JSON and URLs: with row, column, path and span, once a place."""
    one = confirmer()
    one.learn([frame("after", rows(1, 2))])
    url = f"https://example.org/?token={token(1)}"
    found = places(
        one,
        {"after": {"id": 1, "text": "nothing"}},
        {"after": {"id": 2, "text": f"Bearer {token(1)}, again {token(1)}"}, "before": {"id": 2, "text": token(2)}},
        {"after": {"id": 3, "data": {"urls": [url]}}, "key": [token(2)]},
    )
    assert found == [
        (1, "after", "text", "", 7, 39),
        (1, "before", "text", "", 0, 32),
        (2, "after", "data", "$.urls[*]", len(url) - 32, len(url)),
        (2, "key", "", "", 0, 32),
    ]


def test_a_confirmation_names_the_rows_and_shows_no_token():
    """It says whose fingerprint it is, and what a finding needs of the token: its id and evidence."""
    one = confirmer(declared(token={"prefix": "sess_", "alphabet": "base62"}))
    value = f"sess_{token(1)}"
    one.learn([frame("after", [{"id": 7, "token_hash": sha256(value)}, {"id": "a@b.c", "token_hash": sha256(value)}])])
    (found,) = one.confirmations(batch({"after": {"text": f"é {value}"}}))
    assert (found.start, found.end, found.table) == (2, 39, "logs")
    assert found.evidence.redacted == "sess_..."
    assert found.secret_id == one._key.secret_id(value)
    shown, hidden = sorted(each.row_key for each in found.holders)
    assert shown == "id=7"
    assert hidden.startswith("id=digest:")
    assert token(1) not in repr(found)


def test_every_recipe_is_tried(monkeypatch):
    """Columns of several recipes and forms are learned and looked up side by side."""
    monkeypatch.setenv("APP_KEY", "a key of the application")
    raw = bytes(range(32))
    one = confirmer(
        declared(),
        declared(column="hashed", recipe={"hash": "sha512", "form": "base64", "bytes": 24}),
        declared(column="mac", recipe={"hash": "hmac-sha256", "key": {"env": "APP_KEY"}, "form": "bytes"}),
        declared(column="raw", recipe={"hash": "sha256", "form": "bytes"}, token={"lengths": [43], "encoding": "base64url"}),
    )
    url_safe = base64.urlsafe_b64encode(raw).decode().rstrip("=")

    one.learn(
        [
            frame("after", rows(1)),
            frame("after", [{"id": 2, "hashed": base64.b64encode(hashlib.sha512(token(2).encode()).digest()[:24]).decode()}]),
            frame(
                "after", [{"id": 3, "mac": "\\x" + hmac.digest(b"a key of the application", token(3).encode(), "sha256").hex()}]
            ),
            frame("after", [{"id": 4, "raw": "\\x" + hashlib.sha256(raw).hexdigest()}]),
        ]
    )
    message = {"after": {"a": token(1), "b": token(2), "c": token(3), "d": url_safe, "e": token(4)}}
    found = {each.column: each.holders for each in one.confirmations(batch(message))}
    assert {column: [(each.column, each.row_key) for each in held] for column, held in found.items()} == {
        "a": [("token_hash", "id=1")],
        "b": [("hashed", "id=2")],
        "c": [("mac", "id=3")],
        "d": [("raw", "id=4")],
    }


def test_long_buffers_give_what_short_ones_give():
    """A batch of thousands of rows and one of a single row find the same."""
    one = confirmer()
    one.learn([frame("after", rows(*range(0, 400, 2)))])
    messages = [{"after": {"id": number, "text": f"x={token(number)}&n"}} for number in range(400)]
    together = places(one, *messages)
    assert together == [(number, *place[1:]) for number, each in enumerate(messages) for place in places(one, each)]
    assert [place[0] for place in together] == list(range(0, 400, 2))


class Adjacent(NamedTuple):
    """Values of one column that lie back to back, as in Parquet."""

    values: list

    def haystacks(self):
        ends = np.cumsum([len(value) for value in self.values])
        joined = "".join(self.values).encode()
        return [Haystack(joined, lambda at: (np.arange(len(at)), np.searchsorted(ends, at, side="right")), cuts=lambda: ends)]

    def decode(self, index):
        return Row([Cell("after", "c", "", self.values[index])])

    def table_of(self, row):
        return "t"


def test_tokens_that_lie_back_to_back_are_told_apart():
    """Values without anything between them are separate values where their places are given."""
    one = confirmer()
    one.learn([frame("after", rows(*range(100)))])
    values = Adjacent([token(number) for number in range(100)])
    assert [each.row for each in one.confirmations(values)] == list(range(100))


def test_without_fingerprints_nothing_is_read():
    """Before the first fingerprint is known, and without settings, no buffer is asked for."""

    class Unread:
        def haystacks(self):
            raise AssertionError

    assert list(confirmer().confirmations(Unread())) == []


def test_a_suspect_is_confirmed_by_a_fingerprint_that_comes_later():
    """What was found before its fingerprint is confirmed with it, each time that it comes, and withdrawn with it."""
    one = confirmer()
    kept, events = one.suspect("fnd_1", f"Bearer {token(1)}")
    assert (len(kept) > 0, events) == (True, [])
    assert one.suspect("fnd_1", f"Bearer {token(1)}") == ([], [])
    assert one.learn([frame("after", rows(1, 2))]) == [Event("fnd_1", holder(1), live=True)]
    assert one.learn([frame("after", rows(1))]) == [Event("fnd_1", holder(1), live=True)]
    assert one.suspect("fnd_2", token(2))[1] == [Event("fnd_2", holder(2), live=True)]
    assert one.live() == {Event("fnd_1", holder(1), live=True), Event("fnd_2", holder(2), live=True)}
    assert one.learn([frame("key", [{"id": 1}])]) == [Event("fnd_1", holder(1), live=False)]
    one.dismiss(["fnd_2"])
    assert one.live() == set()


def test_suspects_come_back_after_a_restart(tmp_path):
    """What `suspect` gave out is enough to confirm it in another run."""
    one = confirmer(path=tmp_path / "store")
    kept, _ = one.suspect("fnd_1", token(1))
    one.close()
    two = confirmer(path=tmp_path / "store")
    two.restore(kept)
    assert two.learn([frame("after", rows(1))]) == [Event("fnd_1", holder(1), live=True)]
    two.close()


def test_findings_of_one_secret_share_its_names():
    """Several findings may wait for one fingerprint; those that are closed wait no longer."""
    suspects = Suspects()
    names = [Suspected(bytes([entry]) * 16, f"fnd_{number}") for entry in range(2) for number in range(3)]
    assert suspects.add(names) == names
    assert suspects.add(names) == []
    suspects.remove(["fnd_0", "fnd_2"])
    assert [suspects.of(entry) for entry in suspects.entries()] == [("fnd_1",), ("fnd_1",)]
    suspects.remove(["fnd_1"])
    assert len(suspects) == 0
    assert suspects.of(names[0].entry) == ()


#: (number of the row, number of its token or None where it is deleted), oldest first; and tokens that are suspects.
HISTORIES = st.lists(st.tuples(st.integers(0, 3), st.none() | st.integers(0, 3)), max_size=8)


@given(history=HISTORIES, suspected=st.sets(st.integers(0, 3)), data=st.data())
def test_order_is_free(history, suspected, data):
    """
    Fingerprints before or after suspects, versions shuffled and repeated, in any batches: what is live at the end is the same.

    The last word on each finding and row, of all that was said, agrees.
    """
    current = dict(history)
    expected = {
        Event(f"fnd_{held}", holder(number), live=True)
        for number, held in current.items()
        if held is not None and held in suspected
    }
    steps = [partial(learn_version, number, held, Timestamp(10 + at)) for at, (number, held) in enumerate(history)]
    steps += [partial(learn_suspect, held) for held in sorted(suspected)]
    again = data.draw(st.lists(st.sampled_from(steps), max_size=4)) if steps else []
    one = confirmer()
    said = {}
    for step in data.draw(st.permutations(steps + again)):
        for event in step(one):
            said[event.finding_id, event.holder] = event.live
    assert one.live() == expected
    assert {Event(*place, live=True) for place, live in said.items() if live} == expected
    message = {"after": {"text": " ".join(token(number) for number in range(4))}}
    live = {each.holders for each in one.confirmations(batch(message))}
    assert {each for holders in live for each in holders} == {
        holder(number) for number, held in current.items() if held is not None
    }


def learn_version(number, held, written, one):
    """Learn one version of a row, deleted if it holds nothing."""
    if held is None:
        return one.learn([frame("key", [{"id": number}])], {0: written})
    return one.learn([frame("after", [{"id": number, "token_hash": sha256(token(held))}])], {0: written})


def learn_suspect(held, one):
    """Suspect one token."""
    return one.suspect(f"fnd_{held}", token(held))[1]


@given(history=HISTORIES)
def test_batches_can_be_cut_in_any_way(history):
    """Rows learned one by one, or all in one batch, or all of it twice, leave the same."""
    frames = [
        frame("key", [{"id": number}], first=at)
        if held is None
        else frame("after", [{"id": number, "token_hash": sha256(token(held))}], first=at)
        for at, (number, held) in enumerate(history)
    ]
    written = {at: Timestamp(10 + at) for at in range(len(history))}
    single, together = confirmer(), confirmer()
    for one in frames:
        single.learn([one], written)
    together.learn(frames, written)
    together.learn(frames, written)
    left = [sorted(one._shelf._ask("SELECT slot, entry, row_key, written FROM held"), key=repr) for one in (single, together)]
    assert left[0] == left[1]
    assert len(single) == len(together)


def test_the_store_is_there_after_a_restart(tmp_path):
    """What was committed is known in the next run, in a file that only its owner can read."""
    path = tmp_path / "store"
    one = confirmer(path=path)
    one.learn([frame("after", rows(*range(50)))])
    one.learn([frame("key", [{"id": number} for number in range(10)])])
    one.commit()
    one.close()
    assert path.stat().st_mode & 0o777 == 0o600
    two = confirmer(path=path)
    assert len(two) == 40
    assert places(two, {"after": {"text": f"{token(9)} {token(10)}"}}) == [(0, "after", "text", "", 33, 65)]
    two.close()


def test_a_crash_leaves_what_was_committed_last(tmp_path):
    """What was learned but not committed is gone as a whole, and the file is sound."""
    path, copy = tmp_path / "store", tmp_path / "copy"
    one = confirmer(path=path)
    one.learn([frame("after", rows(*range(20)))])
    one.commit()
    one.learn([frame("after", rows(*range(20, 5000)))])
    one.learn([frame("key", [{"id": 0}])])
    for suffix in ("", "-wal"):  # as they lie on the disk when the power goes
        (tmp_path / f"copy{suffix}").write_bytes((tmp_path / f"store{suffix}").read_bytes())
    one.close()
    two = confirmer(path=copy)
    assert len(two) == 20
    assert two._shelf._ask("PRAGMA integrity_check") == [("ok",)]
    two.close()


def test_a_store_of_another_key_is_refused(tmp_path):
    """Names under another key mean nothing here: the error says what to do, and changes nothing."""
    path = tmp_path / "store"
    one = confirmer(path=path)
    one.learn([frame("after", rows(1))])
    one.commit()
    one.close()
    with pytest.raises(ConfigError, match="another key"):
        confirmer(path=path, subkey=b"o" * 32)
    again = confirmer(path=path)
    assert len(again) == 1
    again.close()
    gc.collect()


def test_a_file_that_is_no_store_is_refused(tmp_path):
    """A file of another kind is left as it is."""
    path = tmp_path / "store"
    path.write_bytes(b"not a database, " * 100)
    with pytest.raises(StateError, match="cannot be opened"):
        confirmer(path=path)
    assert path.read_bytes() == b"not a database, " * 100
    with pytest.raises(StateError, match="cannot be opened"):
        confirmer(path=tmp_path / "no folder" / "store")


def test_no_store_holds_a_token_or_a_digest_without_key(tmp_path):
    """Neither tokens nor fingerprints nor unusual keys are in the files, nor in what leaves: raw, in hex or in base64."""
    path = tmp_path / "store"
    one = confirmer(path=path)
    secret_key = "key:" + token(77)
    one.learn([frame("after", [*rows(*range(200)), {"id": secret_key, "token_hash": sha256(token(300))}])])
    kept = [one.suspect(f"fnd_{number}", token(number)) for number in range(250)]
    found = list(one.confirmations(batch({"after": {"text": f"{token(1)} {token(300)}"}})))
    one.commit()
    files = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    one.learn([frame("key", [{"id": 1}])])
    one.close()
    files += b"".join(each.read_bytes() for each in tmp_path.iterdir())
    held = files + pickle.dumps((kept, found)) + repr((kept, found)).encode()
    assert len(found) == 2
    assert TABLE.encode() in files
    for number in [*range(250), 300]:
        raw = token(number).encode()
        digest = hashlib.sha256(raw).digest()
        for secret in (raw, digest, digest[:16], secret_key.encode()):
            forms = (secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret).rstrip(b"=")[:-1])
            assert not any(form in held for form in forms)


def test_a_store_that_breaks_says_so_without_what_is_in_it(tmp_path):
    """An error of the database becomes one of the state."""
    one = confirmer(path=tmp_path / "store")
    other = sqlite3.connect(tmp_path / "store")
    other.execute("DROP TABLE held")
    other.commit()
    other.close()
    with pytest.raises(StateError, match="cannot be read"):
        one.learn([frame("after", rows(1))])
    one.close()
