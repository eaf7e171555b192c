"""The texts of a protobuf payload as they are met: where they lie, or what they say where that is not how they lie."""

from __future__ import annotations

import re

from auditor.decoders.messages.located import Place, Span, as_text
from auditor.decoders.messages.protobuf_wire import SIZED, WireField, fields_of
from auditor.errors import DecodeError
from auditor.leaves import DEEPEST, SHORTEST_NAME
from auditor.model import Cell

#: Texts hardly hold one of these, least of all names and times; a message in their place does.
_CONTROLS = re.compile(rb"[\x00-\x1f]")
#: How often a byte may be offered again, as what is inside of what may be a message.
_MOST_OFTEN = 8


class Texts:
    """
    What was read so far. ``spans`` are texts as they lie, ``cells`` those that do not.

    ``odd`` counts what does not fit the schema; its texts are in ``cells``. ``whole`` asks for values beside their places.
    """

    def __init__(self, data: bytes, *, whole: bool = False) -> None:
        """Take the payload."""
        self.data, self.whole = data, whole
        self.spans: list[Span] = []
        self.cells: list[Cell] = []
        self.odd = 0
        self._left = _MOST_OFTEN * len(data)

    def read(self, field: WireField) -> str:
        """Return a text."""
        return as_text(self.data[field.begin : field.end])

    def inside(self, field: WireField) -> list[WireField] | None:
        """Return the fields of a message inside this one, None if it is none."""
        if field.kind != SIZED:
            return None
        try:
            return fields_of(self.data, field.begin, field.end)
        except DecodeError:
            return None

    def text(self, field: WireField, place: Place) -> None:
        """Note a text."""
        self.spans.append(_new(Span, (field.begin, field.end, place)))

    def made(self, text: str, place: Place) -> None:
        """Note a text that does not lie there: a number's meaning, a time."""
        self.cells.append(Cell(place.part, place.column, place.path, text))

    def name(self, field: WireField, called: str, place: Place) -> None:
        """Note a name, if it is long enough to hide a secret."""
        if self.is_binary(field):
            self.unknown(field, place)
        elif len(called) >= SHORTEST_NAME:
            self.text(field, place)

    def is_binary(self, field: WireField) -> bool:
        """Tell whether what should be a text is a message by its bytes: of another schema, then."""
        return _CONTROLS.search(self.data, field.begin, field.end) is not None and self.inside(field) is not None

    def unknown(self, field: WireField, place: Place, depth: int = 0) -> None:
        """
        Offer what does not fit the schema as text: all of it, and if it may be a message, each text inside.

        Which of the two it is cannot be told: in all of it, a text inside stands behind a length that may be a letter; and the
        fields of what is no message are pieces of it.
        """
        self.odd += 1
        if field.kind != SIZED:
            return
        self.made(self.read(field), place)
        self._left -= field.end - field.begin
        if depth < DEEPEST and self._left > 0:
            for inner in self.inside(field) or ():
                self.unknown(inner, place, depth + 1)


_new = tuple.__new__  # a third of the time that a named tuple's own constructor takes
