"""HLC timestamps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.hlc import Timestamp


@given(wall=st.integers(0, 10**19 - 1), logical=st.integers(0, 2**31 - 1))
def test_text_round_trips(wall: int, logical: int) -> None:
    """The text form is read back to the same two integers, exactly."""
    stamp = Timestamp(wall, logical)
    assert Timestamp.parse(str(stamp)) == stamp


def test_order_is_the_clocks() -> None:
    """Logical parts count after walls, as numbers."""
    assert Timestamp.parse("2.0000000010") > Timestamp.parse("2.0000000009") > Timestamp.parse("1.9999999999")
    assert Timestamp.parse("5") == Timestamp(5, 0)


@pytest.mark.parametrize("text", ["", "x", "1.", "1.12345678901", "-1", "1.0e3", "١"])
def test_other_text_is_refused_without_repeating_it(text: str) -> None:
    """The error does not quote what was given."""
    with pytest.raises(ValueError, match="not an HLC timestamp"):
        Timestamp.parse(text)


def test_utc_time() -> None:
    """The wall part is nanoseconds since 1970."""
    assert Timestamp.parse("1784758975071714277.0000000000").utc().isoformat() == "2026-07-22T22:22:55.071714+00:00"
