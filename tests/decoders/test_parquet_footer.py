"""Footers that pyarrow refuses are edited until it does not."""

from __future__ import annotations

import io
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.decoders.parquet_footer import read_footer, without_byte_array_decimals
from auditor.errors import DecodeError
from tests.decoders.parquet_examples import footer_of, orders, with_footer, with_text_decimals, written

UNSPECIFIED = 2147483647


def read(body: bytes) -> list[dict[str, object]]:
    """Read a file with its edited footer."""
    file = io.BytesIO(body)
    return pq.ParquetFile(file, metadata=read_footer(file)).read().to_pylist()


def alone(body: bytes) -> object:
    """Return what pyarrow makes of a file by itself."""
    try:
        return pq.ParquetFile(io.BytesIO(body)).read().to_pylist()
    except (pa.ArrowException, OSError) as error:
        return type(error)


@pytest.mark.parametrize("logical", [True, False], ids=["both annotations", "the old annotation"])
@pytest.mark.parametrize("precision", [38, UNSPECIFIED])
def test_decimals_of_digits_are_read_as_they_are(precision: int, logical: bool):  # noqa: FBT001 - a parameter of the test
    """Every row and column of a file with CockroachDB's decimals is read; pyarrow alone refuses or misreads it."""
    body = with_text_decimals(written(orders(10), row_group_size=4), "amount", precision=precision, logical=logical)
    assert alone(body) != orders(10).to_pylist()
    assert read(body) == orders(10).to_pylist()


def test_decimals_inside_lists_and_structs_are_found():
    """The annotation goes from every leaf, however deep it lies."""
    table = pa.table({"lines": pa.array([[{"price": b"9.99"}], None], pa.list_(pa.struct({"price": pa.binary()})))})
    assert read(with_text_decimals(written(table), "price")) == [{"lines": [{"price": b"9.99"}]}, {"lines": None}]


def test_decimals_of_twos_complement_become_their_bytes():
    """BYTE_ARRAY decimals that other writers make as the format says are read as bytes: nothing is lost for a scan."""
    table = pa.table({"amount": pa.array([(1234).to_bytes(2, signed=True), (-5).to_bytes(1, signed=True)], pa.binary())})
    assert read(with_text_decimals(written(table), "amount", precision=9, scale=2)) == table.to_pylist()


def test_other_decimals_are_left_alone():
    """Decimals in INT32, INT64 and FIXED_LEN_BYTE_ARRAY, which pyarrow can read, keep their type; so does the whole footer."""
    table = pa.table({"amount": pa.array([Decimal("1.23"), None], pa.decimal128(30, 2)), "name": ["a", "b"]})
    for body in (written(table), written(table, store_decimal_as_integer=True)):
        assert without_byte_array_decimals(footer_of(body)) == footer_of(body)
        assert read(body) == table.to_pylist()


BODY = written(orders(3))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "too short"),
        (b"PAR1", "too short"),
        (BODY[:-1], "does not end"),
        (BODY[: len(BODY) // 2], "does not end"),
        (BODY[:-8] + (10**9).to_bytes(4, "little") + b"PAR1", "length that cannot be"),
        (BODY[:-4] + b"PARE", "encrypted"),
        (with_footer(BODY, b"\x00"), "no schema"),
        (with_footer(BODY, b"\x15\x04\x15\x04\x00"), "no schema"),
        (with_footer(BODY, b"\x15\x04\x19\x1c\x00\x00"), "damaged"),
        (with_footer(BODY, footer_of(BODY)[:200]), "damaged"),
        (with_footer(BODY, b"\xff" * 60), "damaged"),
    ],
    ids=range(11),
)
def test_a_footer_that_cannot_be_read_is_named(body: bytes, reason: str):
    """Cut, encrypted and damaged footers are a `DecodeError` that says which."""
    with pytest.raises(DecodeError, match=reason):
        read_footer(io.BytesIO(body))
