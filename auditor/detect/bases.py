"""Numbers in the bases that tokens are written in."""

from __future__ import annotations

import string

BASE36 = string.digits + string.ascii_lowercase
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
BASE58 = "".join(symbol for symbol in BASE62 if symbol not in "0OIl")
BASE64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
BECH32 = "qpzry9x8gf2tvdw0" + "s3jn54khce6mua7l"


def written(number: int, alphabet: str, width: int = 0) -> str:
    """Write a number, most significant digit first, left-padded to a width with the alphabet's zero."""
    digits: list[str] = []
    base = len(alphabet)
    while number:
        digits.append(alphabet[number % base])
        number //= base
    return "".join(reversed(digits)).rjust(width, alphabet[0])


_VALUES62 = {character: value for value, character in enumerate(BASE62)}


def read_base62(text: str) -> int:
    """Read a number in base62, most significant digit first; -1 if a character is no digit of it."""
    number = 0
    for character in text:
        value = _VALUES62.get(character)
        if value is None:
            return -1
        number = number * 62 + value
    return number


def from_base58(text: str) -> bytes | None:
    """Decode base58 (each leading 1 is a zero byte); None if a character is not of its alphabet."""
    number = 0
    for character in text:
        digit = BASE58.find(character)
        if digit < 0:
            return None
        number = number * len(BASE58) + digit
    zeros = len(text) - len(text.lstrip(BASE58[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
