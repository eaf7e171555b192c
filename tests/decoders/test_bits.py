from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders import bits

truths = st.lists(st.booleans(), max_size=300)


def pack(values):
    return bits.from_bools(np.array(values, dtype=np.bool_))


@given(truths)
def test_positions_are_where_the_bits_are(values):
    """Packing and listing are inverse, over word borders."""
    expected = [index for index, value in enumerate(values) if value]
    assert bits.positions(pack(values)).tolist() == expected


@given(truths)
def test_running_parity_counts_up_to_each_position(values):
    """A bit is set where an odd number of bits lies up to it."""
    parity = bits.positions(bits.running_parity(pack(values)))
    assert [index for index in parity.tolist() if index < len(values)] == [
        i for i in range(len(values)) if sum(values[: i + 1]) % 2
    ]


@given(truths)
def test_neighbours_are_over_word_borders(values):
    """The masks of the following and the preceding positions are shifted by one."""
    at = [index for index, value in enumerate(values) if value]
    assert [p for p in bits.positions(bits.following(pack(values))).tolist() if p < len(values)] == [
        i + 1 for i in at if i + 1 < len(values)
    ]
    assert bits.positions(bits.preceding(pack(values))).tolist() == [i - 1 for i in at if i]


@given(truths.filter(bool), st.data())
def test_rank_counts_the_bits_before_a_position(values, draw):
    """Rank does not count the position itself."""
    at = draw.draw(st.lists(st.integers(0, len(values) - 1), max_size=10))
    assert bits.rank(pack(values), np.array(at, dtype=np.int64)).tolist() == [sum(values[:index]) for index in at]


@given(st.binary(max_size=200), st.integers(0, 255))
def test_where_marks_the_bytes_of_a_value(data, byte):
    """Every byte of the value is marked, and no other."""
    assert bits.positions(bits.where(np.frombuffer(data, dtype=np.uint8), byte)).tolist() == [
        i for i, b in enumerate(data) if b == byte
    ]
