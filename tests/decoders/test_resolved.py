"""The bodies of ``.RESOLVED`` files."""

from __future__ import annotations

import pyarrow as pa
import pytest

from auditor.decoders.resolved import read_resolved
from auditor.errors import DecodeError
from auditor.hlc import Timestamp
from tests.decoders.parquet_examples import with_text_decimals, written

STAMP = Timestamp(1784758975071714277, 1)


def parquet(value: bytes | None, name: str = "__crdb__resolved") -> bytes:
    """Return the file of a Parquet feed."""
    return with_text_decimals(written(pa.table({name: pa.array([value], pa.binary())})), name, precision=2147483647, scale=0)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"resolved":"{STAMP}"}}'.encode(),
        f'{{"__crdb__": {{"resolved": "{STAMP}"}}}}\n'.encode(),
        parquet(str(STAMP).encode()),
    ],
    ids=["json", "bare", "parquet"],
)
def test_a_resolved_timestamp_is_read(body: bytes):
    """JSON and Parquet feeds state the same two integers."""
    assert read_resolved(body) == STAMP


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "invalid JSON"),
        (b'{"resolved": ', "invalid JSON"),
        (b'{"resolved": "soon"}', "no resolved timestamp"),
        (b'{"after": null}', "no resolved timestamp"),
        (b"[]", "no resolved timestamp"),
        (b"PAR1PAR1PAR1", "Parquet"),
        (parquet(b"soon"), "not an HLC timestamp"),
        (parquet(None), "no row with __crdb__resolved"),
        (parquet(b"1.0", "amount"), "no row with __crdb__resolved"),
    ],
    ids=range(9),
)
def test_a_body_without_a_timestamp_is_an_error(body: bytes, reason: str):
    """What states no timestamp is a `DecodeError`, which repeats nothing of it."""
    with pytest.raises(DecodeError, match=reason) as caught:
        read_resolved(body)
    assert "soon" not in str(caught.value)
