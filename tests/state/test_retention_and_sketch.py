"""What the state forgets, and how many secrets a full column has."""

from __future__ import annotations

import hashlib

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from auditor.state.database import open_database
from auditor.state.retention import prune
from auditor.state.schema import FINDING, GAP, PLACE
from auditor.state.sketch import Sketch


def ids(count: int) -> list[str]:
    """Return made-up secret ids."""
    return [f"sec_5da6b4b8{hashlib.sha256(str(number).encode()).hexdigest()[:32]}" for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 255, 1001, 50_000])
def test_a_sketch_counts_different_secrets(count: int) -> None:
    """Exact below 256, within a fifth above."""
    sketch = Sketch("")
    sketch.add(ids(count))
    if count < 256:
        assert sketch.distinct == count
    else:
        assert 0.8 * count < sketch.distinct < 1.2 * count


@given(st.lists(st.integers(0, 2000), max_size=600), st.integers(0, 600))
def test_a_sketch_does_not_depend_on_order_or_cutting(numbers: list[int], cut: int) -> None:
    """The same secrets give the same sketch, in pieces and through its stored form, too."""
    known = ids(2001)
    whole, pieces = Sketch(""), Sketch("")
    whole.add(known[number] for number in numbers)
    pieces.add(known[number] for number in numbers[cut:])
    pieces = Sketch(pieces.text)
    pieces.add(known[number] for number in reversed(numbers[:cut]))
    assert (whole.text, whole.distinct) == (pieces.text, pieces.distinct)
    bound = whole.bound("5da6b4b8")
    if bound:
        assert not whole.add(secret_id for secret_id in known if secret_id > bound)


def test_old_decisions_and_gaps_are_forgotten(state_url: str) -> None:
    """What is open stays however old it is."""
    database = open_database(state_url, exclusive=True)
    old, new = "2020-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z"
    finding = {
        "secret_id": "s",
        "place": 1,
        "severity": 1,
        "confidence": 1,
        "setting": "alone",
        "evidence": "[]",
        "layers": 0,
        "occurrences": 1,
        "resent": 0,
        "debt": 0,
        "first_seen": old,
        "reason": "",
        "decided_by": "",
        "exposures": 0,
    }
    gap = {"feed": "f", "shard": "", "cause": "lost", "uri": "", "reason": "r"}

    def fill(connection: sa.engine.Connection) -> None:
        place = {"rule_id": "r", "cluster": "", "table_name": "", "column_name": "", "path": "", "secrets": 1}
        connection.execute(sa.insert(PLACE).values(id=1, debt_told=False, smallest="", **place))
        rows = [("a", "resolved", old), ("b", "resolved", new), ("c", "open", old), ("d", "ignored", old)]
        values = [{**finding, "finding_id": name, "status": status, "last_seen": seen} for name, status, seen in rows]
        connection.execute(sa.insert(FINDING), values)
        connection.execute(sa.insert(GAP), [{**gap, "at": old}, {**gap, "at": new}])

    database.transact(fill)
    assert prune(database, 400) == 2
    left = database.transact(lambda connection: sorted(connection.execute(sa.select(FINDING.c.finding_id)).scalars()))
    gaps = database.transact(lambda connection: list(connection.execute(sa.select(GAP.c.at)).scalars()))
    database.close()
    assert left == ["b", "c"]
    assert gaps == [new]
