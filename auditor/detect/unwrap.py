r"""
Undo encodings, one layer at a time: JSON in text, percent-encoding, base64, base64url, hex, ``\x`` BYTES.

Every text that comes out is a `Layer` that remembers its cell, how it was decoded, and where in the cell it came from, so
that two layers that show the same secret can be told to be one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import unquote

import orjson

from auditor.detect.encoded import decoded_runs
from auditor.leaves import leaves
from auditor.model import Cell

#: How many encodings are undone inside each other.
DEEPEST = 5
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_JSON_START = frozenset("{[ \t\r\n")
_LIKE_JSON = re.compile(r"\s*[\[{]")


class Layer(NamedTuple):
    """A text to be scanned. ``span`` is its place in the cell's own text, (0, length) for the cell itself."""

    cell: Cell
    text: str
    decoded_by: tuple[str, ...]
    span: tuple[int, int]
    depth: int


def opened(cell: Cell) -> list[Layer]:
    """Return the layers of a cell as read: its JSON leaves if its text is a JSON object or array, else the text itself."""
    if cell.text[:1] in _JSON_START and _LIKE_JSON.match(cell.text) and not cell.path.endswith("{name}"):
        inside = [Layer(leaf, leaf.text, (), (0, len(leaf.text)), 0) for leaf in _json_leaves(cell)]
        if inside:
            return inside
    return [Layer(cell, cell.text, (), (0, len(cell.text)), 0)]


def unwrapped(layer: Layer, *, encoded: bool, known: Sequence[tuple[int, int]] = ()) -> Iterator[Layer]:
    """
    Yield the layers one step inside.

    ``encoded`` says that the text holds a run that may be base64 or hex; ``known`` are spans of secrets that need not be opened.
    """
    if layer.depth >= DEEPEST:
        return
    cell, text = layer.cell, layer.text
    if layer.depth and _LIKE_JSON.match(text):
        for leaf in _json_leaves(cell._replace(text=text)):
            yield Layer(leaf, leaf.text, (*layer.decoded_by, "json"), layer.span, layer.depth + 1)
    if "%" in text and _PERCENT.search(text):
        plain = unquote(text)
        if plain != text:
            yield Layer(cell, plain, (*layer.decoded_by, "percent"), layer.span, layer.depth + 1)
    if encoded:
        for run in decoded_runs(text, known):
            span = (run.start, run.end) if layer.depth == 0 else layer.span
            yield Layer(cell, run.text, (*layer.decoded_by, run.encoding), span, layer.depth + 1)


def _json_leaves(cell: Cell) -> Iterator[Cell]:
    """Yield the text leaves of a cell's JSON text; none if it is no JSON."""
    try:
        value = orjson.loads(cell.text)
    except orjson.JSONDecodeError:
        return
    yield from leaves(cell.part, cell.column, value, cell.path or "$")
