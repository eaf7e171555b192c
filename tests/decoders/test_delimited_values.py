"""A field is found in its record's text only where splitting the record would find the same."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders.delimited import Delimited
from auditor.decoders.excerpt import FEWEST
from auditor.protocols import Framed

TEXT = "q7Zt3Lx9"
COLUMNS = ("a", "b", "c")
FIELDS = st.sampled_from(
    ["", "x", TEXT, f"a {TEXT}", f"{TEXT},{TEXT}", f'"{TEXT}"', '"', '""', f"{TEXT}\n{TEXT}", "é", "\r\n", "NULL"]
)
RECORDS = st.lists(st.lists(FIELDS, min_size=2, max_size=4), max_size=6)


def compare(data: bytes, layout: Delimited) -> int:
    """Check all places of the text; return how many fields were found without splitting."""
    data = f"{TEXT}{layout.delimiter}{layout.delimiter}\n".encode() * FEWEST + data
    framed: Framed = layout.frame(data)
    positions = np.array([match.end() - 1 for match in re.finditer(TEXT.encode(), data)], dtype=np.int64)
    rows = np.searchsorted(framed.ends, positions, side="right")
    values = layout.values(framed)
    assert values is not None
    starts = values.starts(positions, rows)
    count = 0
    for index in set(rows.tolist()):
        begin = int(framed.ends[index - 1]) if index else 0
        whole = layout.decode(data[begin : int(framed.ends[index])])
        found = sorted(set(starts[rows == index].tolist()))
        row = None if -1 in found else values.row(index, found)
        if row is not None:
            assert list(row.cells) == [cell for cell in whole.cells if TEXT in cell.text]
            count += len(row.cells)
    return count


@given(records=RECORDS, ending=st.sampled_from(["\n", "\r\n"]), last=st.booleans(), mark=st.sampled_from(",;"))
def test_agrees_with_splitting(records: list[list[str]], *, ending: str, last: bool, mark: str) -> None:
    """Whatever is found is every field of the record that holds the text."""
    out = io.StringIO()
    csv.writer(out, delimiter=mark, lineterminator=ending).writerows(records)
    text = out.getvalue() if last else out.getvalue().removesuffix(ending)
    compare(text.encode(), Delimited("csv", mark, len(COLUMNS), COLUMNS, nullas="NULL"))


@given(data=st.lists(st.sampled_from([TEXT, '"', ",", "\n", "\r\n", "x", " "]), max_size=30))
def test_agrees_with_splitting_what_nobody_writes(data: list[str]) -> None:
    """Quotes anywhere, records of any width."""
    compare("".join(data).encode(), Delimited("csv", ",", len(COLUMNS), COLUMNS))


def test_finds_the_usual_field() -> None:
    """Quoted and not, first and last, a field needs no splitting."""
    text = f'{TEXT},"a ""{TEXT}"", b",x\n1,2,{TEXT}\n'
    assert compare(text.encode(), Delimited("csv", ",", 3, COLUMNS)) == FEWEST + 3
