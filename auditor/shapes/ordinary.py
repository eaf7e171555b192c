"""What a column ought to be full of: numbers, times, addresses."""

from __future__ import annotations

from auditor.shapes.shape import Kind, Shape

_DIGITS = tuple("0123456789")
_TIME = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2}){0,2})?"


def _of(name: str, title: str, source: str, *begins: str, holds: str = "") -> Shape:
    return Shape(name, Kind.ORDINARY, title, source, begins=begins, holds=holds)


ORDINARY = (
    _of("integer", "A whole number", "-?[0-9]{1,19}", "-", *_DIGITS),
    _of("decimal", "A number", r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,4})?", "-", *_DIGITS),
    _of("boolean", "true or false", "true|false", "true", "false"),
    _of(
        "timestamp",
        "A date, with a time or without",
        rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[T ]{_TIME})?",
        *_DIGITS,
        holds="-",
    ),
    _of(
        "email",
        "An e-mail address",
        r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
        holds="@",
    ),
    _of("ipv4", "An IPv4 address or network", r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?:/[0-9]{1,2})?", *_DIGITS, holds="."),
    _of("ipv6", "An IPv6 address or network", "[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?:/[0-9]{1,3})?", holds=":"),
)
