"""
Named forms of values: digests, password hashes, ciphertexts, identifiers, masks.

Facts from the formats' own documentation. A shape says what a value looks like, never what it is: 32 random bytes and a SHA-256
look alike.
"""

from __future__ import annotations

from auditor.shapes.catalogue import FAMILIES, SHAPES, shapes_of
from auditor.shapes.forms import parse
from auditor.shapes.shape import Kind, Shape

__all__ = ["FAMILIES", "SHAPES", "Kind", "Shape", "parse", "shapes_of"]
