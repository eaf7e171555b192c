"""BYTES as the wire protocol's text shows them: in hex, or in escape form."""

from __future__ import annotations

_ESCAPES = {byte: f"\\{byte:03o}" for byte in (*range(0x20), *range(0x7F, 0x100))} | {0x5C: "\\\\"}
_TABLE = [_ESCAPES.get(byte, chr(byte)) for byte in range(0x100)]


def hex_form(text: str) -> str:
    r"""Return ``\x`` and hex digits of the text's UTF-8."""
    return "\\x" + text.encode().hex()


def escape_form(text: str) -> str:
    """Return readable ASCII as it is, a backslash doubled, every other byte as three octal digits."""
    return "".join(map(_TABLE.__getitem__, text.encode()))
