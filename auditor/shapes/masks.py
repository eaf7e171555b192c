"""Values that were masked, cut or replaced before they were stored."""

from __future__ import annotations

import re

from auditor.shapes.shape import Kind, Shape

#: What masks are made of. Runs of letters are told from words and tokens by their length.
_ANY_MASK = r"(?:\*+|•+|●+|█+|…|\.{3,}|#{3,}|x{4,}|X{4,})"
_WORDS = tuple(
    word for name in ("redacted", "filtered", "masked", "hidden", "removed", "scrubbed") for word in (name, name.upper())
)
_BRACKETS = (("", ""), ("[", "]"), ("<", ">"), ("(", ")"), ("***", "***"))

MASKS = (
    # Few clear characters around a run of what hides, or groups of it as in card numbers.
    Shape(
        "masked",
        Kind.MASKED,
        "A masked value (****1234, sk_live_...wxyz, XXXX-XXXX-1234)",
        r"[0-9A-Za-z_-]{0,8}(?:[*•●█#.]{3,}|…)[0-9A-Za-z]{0,6}|[0-9A-Za-z]{0,6}(?:x{4,}|X{4,})[0-9A-Za-z]{0,6}"
        r"|(?:[*•#xX]{2,6}[ -]){1,5}[*•#xX0-9A-Za-z]{2,6}",
    ),
    Shape(
        "redacted",
        Kind.MASKED,
        "A word in place of the value ([REDACTED], <hidden>)",
        "|".join(re.escape(before + word + after) for before, after in _BRACKETS for word in _WORDS),
        begins=tuple(before + word for before, _ in _BRACKETS for word in _WORDS),
    ),
)


def masked_like(pattern: str) -> Shape:
    """
    Return the shape of a mask that its owner describes; raise `ValueError` where it hides nothing.

    In the pattern ``*`` stands for what hides (a run of asterisks, bullets, dots or x), ``?`` for one clear character, and
    everything else for itself.
    """
    if "*" not in pattern:
        raise ValueError(f"masked({pattern}) hides nothing: * stands for what is hidden, ? for one clear character")
    parts = {"*": _ANY_MASK, "?": "[!-)+-~]"}
    source = "".join(parts.get(part, "") or re.escape(part) for part in re.split(r"([*?])", re.sub(r"\*+", "*", pattern)) if part)
    return Shape(f"masked({pattern})", Kind.MASKED, f"A value masked like {pattern}", source)
