"""
The text inside an Arrow array, as buffers: where each value lies, and which row it belongs to.

A Parquet column of text arrives as one buffer of values back to back and a list of offsets; inside lists and structs too, with
the offsets of each list on top. So a column can be scanned as it lies, and a hit found again in its row by binary search.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from auditor.errors import DecodeError
from auditor.leaves import member

_TEXT = (pa.types.is_string, pa.types.is_binary, pa.types.is_large_string, pa.types.is_large_binary)
_WIDE = (pa.types.is_large_string, pa.types.is_large_binary)
#: Bytes of a value that tell it from others, spread over it; and what they are told apart by.
_MARKED, _PRIME = 8, np.uint64(0x100000001B3)
_VIEWS = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}


class SchemaLeaf(NamedTuple):
    """A leaf of the file's schema that can hold text: its dotted path, which pyarrow selects by, and its column."""

    path: str
    column: str
    number: int


def text_schema(schema: Any) -> tuple[list[SchemaLeaf], dict[str, str]]:
    """Return the leaves that can hold text, and for each column '' or why it holds none."""
    found: list[SchemaLeaf] = []
    columns: dict[str, str] = {}
    fields = schema.to_arrow_schema()
    names = [field.name for field in fields for _ in range(_leaf_count(field.type))]
    for index, column in zip(range(len(schema)), names, strict=True):
        leaf = schema.column(index)
        logical = leaf.logical_type.type
        if leaf.physical_type == "BYTE_ARRAY" or (leaf.physical_type == "FIXED_LEN_BYTE_ARRAY" and logical == "NONE"):
            found.append(SchemaLeaf(leaf.path, column, index))
            columns[column] = ""
        elif columns.get(column) != "":
            kind = leaf.physical_type if logical in ("NONE", "INT") else f"{leaf.physical_type} {logical}"
            columns[column] = f"{kind}: holds no text"
    return found, columns


def _leaf_count(kind: Any) -> int:
    """Return how many leaves of the Parquet schema make up an Arrow type."""
    if isinstance(kind, pa.BaseExtensionType):
        return _leaf_count(kind.storage_type)
    if pa.types.is_map(kind):
        return _leaf_count(kind.key_type) + _leaf_count(kind.item_type)
    if pa.types.is_struct(kind):
        return sum(_leaf_count(kind.field(index).type) for index in range(kind.num_fields))
    if pa.types.is_nested(kind):
        return _leaf_count(kind.value_type)
    return 1


@dataclass(frozen=True, slots=True)
class TextLeaf:
    """
    All values of one text leaf of a column.

    Value ``i`` is ``data[offsets[i]:offsets[i + 1]]``. ``levels`` holds the offsets of each list around it, outermost first.
    ``codes`` is set for a dictionary: the value that each element refers to, -1 for null.
    """

    path: str
    data: memoryview
    offsets: NDArray[np.integer[Any]]
    levels: tuple[NDArray[np.int64], ...] = ()
    codes: NDArray[np.int64] | None = None

    @property
    def size(self) -> int:
        """Return the bytes of all values."""
        return int(self.offsets[-1] - self.offsets[0])

    def joined(self) -> bytes:
        """
        Return the values as one run of bytes.

        The copy takes 5 % of the time that reading the column takes. With a line feed between values (Arrow's binary_join) it
        would take 100 %.
        """
        return bytes(self.data[int(self.offsets[0]) : int(self.offsets[-1])])

    def rows(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pair positions in `joined` with rows: one each, or for a dictionary all that refer to the values there."""
        elements: NDArray[np.int64] = np.searchsorted(self.offsets, positions + int(self.offsets[0]), side="right") - 1
        which = np.arange(len(elements))
        if self.codes is not None:
            values, inverse = np.unique(elements, return_inverse=True)
            referring = [np.flatnonzero(self.codes == value) for value in values.tolist()]
            which = np.repeat(which, [len(referring[value]) for value in inverse.tolist()])
            elements = np.concatenate([referring[value] for value in inverse.tolist()]) if len(inverse) else elements
        for level in reversed(self.levels):
            elements = np.searchsorted(level, elements, side="right") - 1
        return which, elements

    def ends(self) -> NDArray[np.int64]:
        """Return where in `joined` each value ends."""
        return self.offsets[1:].astype(np.int64) - int(self.offsets[0])

    def spans(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where in `joined` the values around positions begin and end."""
        elements = np.searchsorted(self.offsets, positions + int(self.offsets[0]), side="right")
        places = self.offsets.astype(np.int64) - int(self.offsets[0])
        return places[elements - 1], places[elements]

    def marks(self) -> NDArray[np.uint64]:
        """Return a number for each element, from the length and a few bytes of its value; NULL and '' have the same."""
        starts, ends = self.offsets[:-1].astype(np.int64), self.offsets[1:].astype(np.int64)
        array = np.frombuffer(self.data, dtype=np.uint8)
        lengths = ends - starts
        found = lengths.astype(np.uint64)
        there = lengths > 0
        for share in range(_MARKED):
            places = starts[there] + (lengths[there] - 1) * share // (_MARKED - 1)
            found[there] = found[there] * _PRIME + array[places]
        if self.codes is None:
            return found
        return np.where(self.codes >= 0, found[np.maximum(self.codes, 0)], np.uint64(0))

    def texts(self, row: int) -> list[str]:
        """Return the values of one row that are not empty. Bytes that are no UTF-8 become U+FFFD; ASCII beside them stays."""
        # Through memoryviews: to take one number out of a numpy array costs three times as much.
        elements: Iterable[int] = (row,)
        if self.levels:
            start, stop = row, row + 1
            for level in self.levels:
                start, stop = level.data[start], level.data[stop]
            elements = range(start, stop)
        if self.codes is not None:
            codes = self.codes.data
            elements = [codes[element] for element in elements if codes[element] >= 0]
        places = self.offsets.data
        return [
            str(self.data[places[element] : places[element + 1]], "utf-8", "replace")
            for element in elements
            if places[element] < places[element + 1]
        ]


def text_leaves(array: Any, path: str = "", levels: tuple[NDArray[np.int64], ...] = ()) -> Iterator[TextLeaf]:
    """
    Yield every text leaf of an Arrow array: of text, binary, dictionaries of them, and lists, structs and maps around them.

    ``path`` is '' for the column's own value, as in `auditor.model.Cell`. Raise `DecodeError` for any other type.
    """
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        yield from text_leaves(array.storage, path, levels)
    elif not len(array):
        return
    elif pa.types.is_dictionary(kind):
        yield from _dictionary(array, path, levels)
    elif pa.types.is_struct(kind):
        for index in range(kind.num_fields):
            yield from text_leaves(array.field(index), member(path or "$", kind.field(index).name), levels)
    elif pa.types.is_map(kind):
        offsets, children = _children(array.offsets, array.keys, array.items)
        for name, child in zip(("key", "value"), children, strict=True):
            yield from text_leaves(child, f"{path or '$'}[*].{name}", (*levels, offsets))
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        offsets, (child,) = _children(array.offsets, array.values)
        yield from text_leaves(child, f"{path or '$'}[*]", (*levels, offsets))
    elif pa.types.is_fixed_size_list(kind):
        offsets = np.arange(len(array) + 1, dtype=np.int64) * kind.list_size
        child = array.values.slice(array.offset * kind.list_size, int(offsets[-1]))
        yield from text_leaves(child, f"{path or '$'}[*]", (*levels, offsets))
    else:
        yield TextLeaf(path, *_values(array), levels)


def _children(offsets: Any, *children: Any) -> tuple[NDArray[np.int64], list[Any]]:
    """Cut the children of a list to what these offsets refer to; return the offsets into that."""
    places = np.asarray(offsets, dtype=np.int64)
    first, count = int(places[0]), int(places[-1] - places[0])
    return places - first, [child.slice(first, count) for child in children]


def _dictionary(array: Any, path: str, levels: tuple[NDArray[np.int64], ...]) -> Iterator[TextLeaf]:
    """Scan a dictionary's values once, unless most of them belong to other batches: then each of this one's elements."""
    if not len(array.dictionary) or len(array.dictionary) > len(array):
        yield from text_leaves(array.dictionary_decode(), path, levels)
        return
    codes = np.asarray(array.indices.cast(pa.int64()).fill_null(-1), dtype=np.int64)
    yield TextLeaf(path, *_values(array.dictionary), levels, codes)


def _values(array: Any) -> tuple[memoryview, NDArray[Any]]:
    """Return the data of a text array and the offsets of its values in it, without copying (but for views)."""
    kind = array.type
    if kind in _VIEWS:
        return _values(array.cast(_VIEWS[kind]))
    count = len(array) + 1
    if pa.types.is_fixed_size_binary(kind):
        _, data = array.buffers()
        return memoryview(data), (np.arange(count, dtype=np.int64) + array.offset) * kind.byte_width
    if not any(is_kind(kind) for is_kind in _TEXT):
        raise DecodeError(f"the Arrow type {kind} is not known to hold text")
    _, places, data = array.buffers()
    offsets = np.frombuffer(places, dtype=np.int64 if any(is_kind(kind) for is_kind in _WIDE) else np.int32)
    return memoryview(b"" if data is None else data), offsets[array.offset : array.offset + count]
