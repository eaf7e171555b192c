"""Which forms a profile tells apart: those that a value shows by itself, whatever the column is called."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from auditor.shapes import SHAPES, Kind, Shape


class Form(enum.IntEnum):
    """What a value is by its own word. The numbers are stored."""

    NONE = 0
    HASH = 1
    PASSWORD_HASH = 2
    CIPHERTEXT = 3
    IDENTIFIER = 4
    MASKED = 5
    POINTER = 6
    PUBLIC = 7
    BLOB = 8
    UUID = 9


_FORMS = {
    Kind.HASH: Form.HASH,
    Kind.PASSWORD_HASH: Form.PASSWORD_HASH,
    Kind.CIPHERTEXT: Form.CIPHERTEXT,
    Kind.IDENTIFIER: Form.IDENTIFIER,
    Kind.MASKED: Form.MASKED,
    Kind.POINTER: Form.POINTER,
    Kind.PUBLIC: Form.PUBLIC,
    Kind.BLOB: Form.BLOB,
}
# A shape that may begin with any digit is no sign of anything at its beginning.
_FRAMED = tuple(shape for shape in SHAPES.values() if shape.framed and shape.kind in _FORMS and "0" not in shape.begins)
_UUID = SHAPES["uuid"]
_MASKED = SHAPES["masked"]
_MASKS = ("***", "...", "xxxx", "XXXX", "###", "…", "•", "●", "█")


def _by_beginning() -> dict[str, tuple[Shape, ...]]:
    """Map the first three characters (or all, if there are fewer) of what shapes begin with to the shapes."""
    found: dict[str, tuple[Shape, ...]] = {}
    for shape in _FRAMED:
        for begin in dict.fromkeys(begin[:3] for begin in shape.begins):
            found[begin] = (*found.get(begin, ()), shape)
    return found


_BEGINNING = _by_beginning()


def forms_of(texts: Sequence[str], joined: str) -> list[tuple[int, Form]]:
    """
    Return the index and form of each text that has one; ``joined`` are all of them, one after another.

    Shapes that only a length tells (digests, most ids) are none. Most texts are passed over at 0.2 us each.
    """
    beginning = _BEGINNING
    found = {
        index: form
        for index, text in enumerate(texts)
        if (text[:3] in beginning or text[:2] in beginning or text[:1] in beginning or (len(text) == 36 and text[8] == "-"))
        and (form := _form_of(text))
    }
    masks = [mask for mask in _MASKS if mask in joined]
    if masks:
        for index, text in enumerate(texts):
            if index not in found and any(mask in text for mask in masks) and _MASKED.matches(text):
                found[index] = Form.MASKED
    return list(found.items())


def _form_of(text: str) -> Form:
    """Return the form that a text shows by its beginning."""
    if len(text) == 36 and text[8] == "-" and _UUID.matches(text):
        return Form.UUID
    for begin in (text[:3], text[:2], text[:1]):
        for shape in _BEGINNING.get(begin, ()):
            if shape.matches(text):
                return _FORMS[shape.kind]
    return Form.NONE
