"""All named shapes, and which of them a text has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from auditor.shapes.ciphertexts import CIPHERTEXTS
from auditor.shapes.digests import DIGESTS
from auditor.shapes.identifiers import IDENTIFIERS
from auditor.shapes.masks import MASKS
from auditor.shapes.ordinary import ORDINARY
from auditor.shapes.password_hashes import CRYPT, PASSWORD_HASHES
from auditor.shapes.public import POINTERS, PUBLIC
from auditor.shapes.shape import Shape

#: Every named shape, by its name.
SHAPES: Mapping[str, Shape] = {
    shape.name: shape for shape in (*DIGESTS, *PASSWORD_HASHES, *CIPHERTEXTS, *IDENTIFIERS, *MASKS, *POINTERS, *PUBLIC, *ORDINARY)
}
#: Names that stand for several shapes.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "sha256": ("sha256-hex", "sha256-base64"),
    "crypt": CRYPT,
    "password-hash": tuple(shape.name for shape in PASSWORD_HASHES if shape.framed),
    "secret-pointer": tuple(shape.name for shape in POINTERS),
}


def shapes_of(text: str) -> tuple[str, ...]:
    """Return the names of all named shapes that a text has, in the order of `SHAPES`."""
    if not text:
        return ()
    return tuple([name for name, holds, fullmatch in _possible(text[:3], len(text)) if holds in text and fullmatch(text)])


@lru_cache(maxsize=1 << 16)
def _possible(start: str, length: int) -> tuple[tuple[str, str, Callable[[str], object]], ...]:
    """Return the shapes that a text may have by its first characters and its length: name, what it holds, what decides."""
    shapes = _beginning(start)
    return tuple((shape.name, shape.holds, shape.fullmatch) for shape in shapes if not shape.lengths or length in shape.lengths)


@lru_cache(maxsize=1 << 12)
def _beginning(start: str) -> tuple[Shape, ...]:
    """Return the shapes that may begin so."""
    return tuple(
        shape
        for shape in SHAPES.values()
        if not shape.begins or any(begin.startswith(start) or start.startswith(begin) for begin in shape.begins)
    )
