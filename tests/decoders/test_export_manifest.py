from __future__ import annotations

import csv
import io

import pytest

from auditor.decoders.export_manifest import export_manifest

FILES = [
    ("export16808a04292505c80000000000000001-n1.0.csv", "17", "824"),
    ("export16808a04292505c80000000000000001-n2.0.csv", "3", "90"),
]


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_the_result_of_an_export_is_recognised(delimiter):
    """File names and rows are read from what the CLI printed."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([("filename", "rows", "bytes"), *FILES])
    assert export_manifest(out.getvalue().encode()) == [(name, int(rows), int(size)) for name, rows, size in FILES]


def test_the_result_of_an_export_is_recognised_on_a_terminal():
    """The table that the CLI prints on a terminal is read too."""
    lines = ["  filename                                          | rows | bytes", "-" * 52 + "+------+--------"]
    lines += [f"  {name:<49} | {rows:>4} | {size:>5}" for name, rows, size in FILES]
    assert export_manifest("\n".join([*lines, "(2 rows)", ""]).encode()) == [
        (name, int(rows), int(size)) for name, rows, size in FILES
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"filename,rows,bytes\n", b"filename,rows,bytes\nexports.csv,1,2\n", b"1,export,x\n2,export,y\n",
        b"filename,rows,bytes\nexport1-n1.0.csv,many,2\n", b'{"after": {"a": "export"}}\n',
    ],
)  # fmt: skip
def test_other_data_is_no_result_of_an_export(data):
    """Data that only looks like it is not taken for an account of files."""
    assert export_manifest(data) is None
