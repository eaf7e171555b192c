"""Positional encodings: base62 and the like, base58check, bech32 (BIP 173)."""

from __future__ import annotations

_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def base_n(number: int, digits: str, width: int) -> str:
    """Write a number most significant digit first, padded with the first digit to ``width``."""
    text = ""
    while number:
        number, digit = divmod(number, len(digits))
        text = digits[digit] + text
    return text.rjust(width, digits[0])


def base58(data: bytes, alphabet: str) -> str:
    """Write bytes in base58; each leading zero byte is one leading first digit."""
    zeros = len(data) - len(data.lstrip(b"\0"))
    return alphabet[0] * zeros + base_n(int.from_bytes(data, "big"), alphabet, 0)


def bech32(prefix: str, data: bytes) -> str:
    """Write bytes in bech32 with its six check characters, lower case."""
    values = _five_bit(data)
    expanded = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    residue = _polymod([*expanded, *values, 0, 0, 0, 0, 0, 0]) ^ 1
    check = [residue >> 5 * (5 - place) & 31 for place in range(6)]
    return prefix + "1" + "".join(_BECH32[value] for value in (*values, *check))


def _five_bit(data: bytes) -> list[int]:
    """Regroup bytes into groups of five bits, zeros at the end."""
    groups = -(-len(data) * 8 // 5)
    number = int.from_bytes(data, "big") << groups * 5 - len(data) * 8
    return [number >> 5 * (groups - 1 - place) & 31 for place in range(groups)]


def _polymod(values: list[int]) -> int:
    """Return the checksum residue of BIP 173."""
    residue = 1
    for value in values:
        top = residue >> 25
        residue = (residue & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATORS):
            if top >> place & 1:
                residue ^= generator
    return residue
