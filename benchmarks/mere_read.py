"""
Read a file to its end on one thread and do nothing with it: the floor for whoever scans it.

`python -m benchmarks.mere_read FILE...` by content: Parquet through Arrow, all columns, one row group after another; gzip through
isal. Other files are not opened, so an empty one costs what starting costs.
"""

from __future__ import annotations

import sys

from isal import igzip
from pyarrow import parquet

_BLOCK = 1 << 20


def read(path: str) -> None:
    """Read one file."""
    with open(path, "rb") as file:  # noqa: PTH123 - as plain as it gets: this is the floor
        magic = file.read(4)
    if magic == b"PAR1":
        for _ in parquet.ParquetFile(path).iter_batches(use_threads=False):
            pass
    elif magic[:2] == b"\x1f\x8b":
        with igzip.open(path, "rb") as file:  # type: ignore[no-untyped-call]  # isal leaves it untyped
            while file.read(_BLOCK):
                pass


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        read(argument)
