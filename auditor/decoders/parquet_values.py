"""Values of Arrow arrays as the same feed in JSON would have them."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pyarrow as pa

_UUID_BYTES = 16


def values_of(array: Any, *, text: bool) -> list[Any]:
    """Return the values of an array: bytes in hex, unless they are ``text``; moments, decimals and UUIDs as text."""
    if isinstance(array, pa.DictionaryArray):
        array = array.dictionary_decode()
    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return list(array.to_numpy(zero_copy_only=False))  # a third of the time that `to_pylist` takes
    if isinstance(kind, pa.UuidType):
        return _uuids(array.storage)
    values = array.to_pylist()
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    return values if plain else list(map(_text if text else _plain, values))


def _uuids(array: Any) -> list[str | None]:
    """Return UUIDs as text: making an object of each takes five times as long."""
    start, size = array.offset * _UUID_BYTES, len(array) * _UUID_BYTES
    digits = array.buffers()[1].slice(start, size).to_pybytes().hex() if size else ""
    texts: list[str | None] = [
        f"{digits[at : at + 8]}-{digits[at + 8 : at + 12]}-{digits[at + 12 : at + 16]}-{digits[at + 16 : at + 20]}-"
        f"{digits[at + 20 : at + 32]}"
        for at in range(0, 2 * size, 2 * _UUID_BYTES)
    ]
    if array.null_count:
        for index in array.is_null().to_numpy(zero_copy_only=False).nonzero()[0].tolist():
            texts[index] = None
    return texts


def _text(value: object) -> object:
    """Return one value whose bytes are text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return list(map(_text, value)) if isinstance(value, list) else _plain(value)


def _plain(value: object) -> object:
    """Return one value."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, list | tuple):
        return list(map(_plain, value))
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value.isoformat() if isinstance(value, date | time) else str(value)
