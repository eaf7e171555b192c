"""How inputs are cut into units."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from auditor.decoders.options import ReadOptions
from auditor.plan import plan
from auditor.protocols import Input
from auditor.sources import find_inputs

SIZE = 1 << 20


@pytest.fixture
def source(tmp_path: Path) -> Input:
    """Return a file of 5 MB, in lines."""
    path = tmp_path / "f.ndjson"
    path.write_text("".join(json.dumps({"after": {"a": f"{number:060}"}}) + "\n" for number in range(60_000)))
    (found,) = find_inputs(str(path))
    return found


def test_units_end_where_the_next_begins_and_grow_finer(source: Input) -> None:
    """Every byte is in one unit, units begin at record starts, none is much larger than asked for, and the last are small."""
    units = list(plan(source, ReadOptions(), size=SIZE))
    data = Path(source.uri.removeprefix("file://")).read_bytes()
    ends = [len(data) if unit.end is None else unit.end for unit in units]
    lengths = [end - unit.start for unit, end in zip(units, ends, strict=True)]
    assert [unit.ordinal for unit in units] == list(range(len(units)))
    assert [0, *ends[:-1]] == [unit.start for unit in units]
    assert ends[-1] == source.size
    assert all(data[unit.start - 1 : unit.start] == b"\n" for unit in units[1:])
    assert max(lengths) < SIZE * 1.1
    assert max(lengths[-4:]) < SIZE // 4


def test_a_small_input_is_one_unit(source: Input) -> None:
    """Nothing is opened for it."""
    (unit,) = plan(source, ReadOptions(), size=1 << 23)
    assert (unit.ordinal, unit.start, unit.end) == (0, 0, None)


class _BreakingFile(io.BytesIO):
    """A file that breaks at its fourth read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, three times."""
        self._reads += 1
        if self._reads > 3:
            raise OSError(5, "Input/output error")
        return super().read(size)


class _Breaking:
    """An input whose file can be read twice, and then no more."""

    def __init__(self, inner: Input) -> None:
        self.kind, self.uri, self.folder, self.name = inner.kind, inner.uri, inner.folder, inner.name
        self.size, self.version, self._inner = inner.size, inner.version, inner

    def open(self) -> BinaryIO:
        """Open it."""
        with self._inner.open() as file:
            return _BreakingFile(file.read())


def test_an_input_that_breaks_while_it_is_cut_is_still_planned_whole(source: Input) -> None:
    """What could not be cut goes with the last unit, so that whoever scans it says why; nothing comes twice."""

    def pieces() -> Iterator[tuple[int, int | None]]:
        for unit in plan(_Breaking(source), ReadOptions(), size=SIZE):
            yield unit.start, unit.end

    (first, *_, last) = cut = list(pieces())
    assert first[0] == 0
    assert last[1] is None
    assert [end for _, end in cut[:-1]] == [start for start, _ in cut[1:]]
    assert len(cut) < 5
