"""Shapes as owners write them: a name, or a form with arguments such as ``hmac(sha256, hex)`` or ``length(8..64)``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping

from auditor.shapes.catalogue import FAMILIES, SHAPES
from auditor.shapes.digests import ENCODINGS, HEX, SIZES, digest, hex_forms
from auditor.shapes.masks import masked_like
from auditor.shapes.shape import Kind, Shape, linear

_CALL = re.compile(r"([a-z0-9-]+)\((.*)\)", re.DOTALL)
_LENGTH = re.compile(r"(\d{1,9})?(\.\.)?(\d{1,9})?")
_ITEM = re.compile(r"""\s*(?:'([^'\n]*)'|"([^"\n]*)"|([^,'"\n]*?))\s*(?:,|\Z)""")
_LONGEST_HEX = 128


def parse(expression: str) -> tuple[Shape, ...]:
    """
    Return the shapes that an expression stands for; any of them will do.

    Raise `ValueError` saying what is wrong with it, without a place. ``null`` and ``absent`` are no shapes of a text.
    """
    text = expression.strip()
    if text in SHAPES:
        return (SHAPES[text],)
    if text in FAMILIES:
        return tuple(SHAPES[name] for name in FAMILIES[text])
    name, _, encoding = text.rpartition("-")
    if name in SIZES and encoding in ENCODINGS:
        return (digest(text, f"{name} as {encoding}", SIZES[name], encoding),)
    call = _CALL.fullmatch(text)
    if call is None or call[1] not in FORMS:
        raise ValueError(_unknown(call[1] if call else text))
    return (FORMS[call[1]](call[2]),)


def _unknown(name: str) -> str:
    """Say that there is no such shape, and which one was meant."""
    known = [*SHAPES, *FAMILIES, *FORMS, "null", "absent"]
    if "(" in name and not name.endswith(")"):
        return f"{name} is cut off at a comma: in a list of YAML, put a form that has commas in quotes"
    near = difflib.get_close_matches(name, known, n=1)
    if name in FORMS:
        return f"the shape {name} needs arguments: {_USAGE[name]}"
    return f"there is no shape {name}" + (
        f", did you mean {near[0]}?" if near else "; docs/how-to/write-a-policy.md lists them all"
    )


def _hmac(arguments: str) -> Shape:
    """Read ``hmac(sha256)``, ``hmac(sha256, base64)`` or ``hmac(sha256, hex, 32)``: its first 32 digits."""
    words = [word.strip() for word in arguments.split(",")]
    name = _algorithm(words[0], "hmac")
    encoding = words[1] if len(words) > 1 else ""
    title = f"HMAC with {name}"
    shown = f"hmac({', '.join(words)})"
    if len(words) > 3 or encoding not in ("", *ENCODINGS) or (len(words) == 3 and encoding != "hex"):
        raise ValueError(f"{shown} is not of the form {_USAGE['hmac']}")
    if len(words) == 3:
        return _hex_prefix(shown, title, SIZES[name], words[2])
    return digest(shown, title, SIZES[name], *((encoding,) if encoding else ENCODINGS))


def _debezium_hash(arguments: str) -> Shape:
    """
    Read ``debezium-hash(SHA-256)`` or ``debezium-hash(SHA-256, 32)``.

    Debezium (``column.mask.hash``) writes lower-case hex, cut to the length of the column.
    """
    words = [word.strip() for word in arguments.split(",")]
    name = _algorithm(words[0].lower().replace("-", ""), "debezium-hash")
    shown = f"debezium-hash({', '.join(words)})"
    if len(words) > 2:
        raise ValueError(f"{shown} is not of the form {_USAGE['debezium-hash']}")
    return _hex_prefix(shown, f"{name} by Debezium", SIZES[name], words[1] if len(words) == 2 else str(2 * SIZES[name]))


def _algorithm(name: str, form: str) -> str:
    """Return the name of a digest."""
    if name not in SIZES:
        raise ValueError(f"{form}() knows no digest of that name: one of {', '.join(SIZES)}")
    return name


def _hex_prefix(name: str, title: str, size: int, digits: str) -> Shape:
    """Return the shape of a digest's first hex digits."""
    if not digits.isascii() or not digits.isdecimal() or not 8 <= int(digits) <= 2 * size:
        raise ValueError(f"{name}: a digest of {size} bytes has 8 to {2 * size} hex digits to keep")
    count = int(digits)
    return Shape(name, Kind.HASH, title, hex_forms(size, count), blocks=((HEX, count),))


def _regex(pattern: str) -> Shape:
    """Read ``regex(...)``: an expression of RE2 for the whole value."""
    linear(pattern)
    return Shape(f"regex({pattern})", Kind.DECLARED, "The form that the policy gives", pattern, linear=True)


def _one_of(arguments: str) -> Shape:
    """Read ``one-of(a, b, 'c, d')``."""
    values, at = [], 0
    while at < len(arguments):
        item = _ITEM.match(arguments, at)
        if item is None:
            raise ValueError(f"one-of({arguments}) is not of the form {_USAGE['one-of']}")
        values.append(next(value for value in item.groups() if value is not None))
        at = item.end()
    if not arguments.strip() or len(set(values)) < len(values):
        raise ValueError(f"one-of({arguments}) has no values, or one of them twice")
    source = "|".join(map(re.escape, sorted(values, key=len, reverse=True)))
    return Shape(f"one-of({arguments})", Kind.DECLARED, "One of the values that the policy gives", source)


def _length(arguments: str) -> Shape:
    """Read ``length(8)``, ``length(8..64)``, ``length(..64)`` or ``length(8..)``, in characters."""
    match = _LENGTH.fullmatch(arguments.strip())
    if match is None or not (match[1] or match[3]) or (match[3] and not match[2]):
        raise ValueError(f"length({arguments}) is not of the form {_USAGE['length']}")
    low, high = match[1] or "0", (match[3] or "") if match[2] else match[1]
    if high and int(low) > int(high):
        raise ValueError(f"length({arguments}) has its ends the wrong way round")
    count = f"{{{int(low)},{int(high) if high else ''}}}"
    return Shape(f"length({arguments})", Kind.DECLARED, f"Text of {arguments} characters", rf"[^\n]{count}", rf"[\s\S]{count}")


FORMS: Mapping[str, Callable[[str], Shape]] = {
    "hmac": _hmac,
    "debezium-hash": _debezium_hash,
    "masked": masked_like,
    "regex": _regex,
    "one-of": _one_of,
    "length": _length,
}
_USAGE = {
    "hmac": "hmac(sha256), hmac(sha256, base64) or hmac(sha256, hex, 32)",
    "debezium-hash": "debezium-hash(SHA-256) or debezium-hash(SHA-256, 32)",
    "masked": "masked(*????)",
    "regex": "regex([A-Z]{3}-[0-9]+)",
    "one-of": "one-of(active, revoked)",
    "length": "length(8), length(8..64), length(..64) or length(8..)",
}
