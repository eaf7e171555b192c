"""
One bit a byte: which bytes of a buffer are quotes, delimiters, line feeds, as 64-bit words.

Questions such as "is this line feed inside quotes" become a few passes over an eighth of the data. On 1 MiB of quoted csv the
mask of one byte value takes 60 us and the running parity 60 us, where the same by index arrays takes three times as long. Bit
``i % 64`` of word ``i // 64`` stands for byte ``i``.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Words of 64 bits, the first byte in the lowest bit.
Bits: TypeAlias = NDArray[np.uint64]

_ONE, _TOP = np.uint64(1), np.uint64(63)
_DOUBLINGS = tuple(np.uint64(1 << power) for power in range(6))


def where(data: NDArray[np.uint8], byte: int) -> Bits:
    """Mark the bytes of this value."""
    return from_bools(data == byte)


def from_bools(marks: NDArray[np.bool_]) -> Bits:
    """Pack one truth value a byte."""
    bits = np.zeros((len(marks) + 63) // 64, dtype="<u8")
    packed = np.packbits(marks, bitorder="little")
    bits.view(np.uint8)[: len(packed)] = packed
    return bits


def running_parity(bits: Bits) -> Bits:
    """Mark the positions up to which, themselves included, an odd number of bits is set."""
    parity = bits.copy()
    shifted = np.empty_like(parity)
    for distance in _DOUBLINGS:
        np.left_shift(parity, distance, out=shifted)
        np.bitwise_xor(parity, shifted, out=parity)
    # Each word so far counts from its own start; a word after an odd number of bits is flipped.
    odd = np.bitwise_xor.accumulate((parity >> _TOP).view(np.int64))
    if len(odd):
        flips = shifted.view(np.int64)
        flips[0] = 0
        np.negative(odd[:-1], out=flips[1:])
        np.bitwise_xor(parity, shifted, out=parity)
    return parity


def following(bits: Bits) -> Bits:
    """Mark the position after each set bit; a bit at the very end has none."""
    moved = bits << _ONE
    moved[1:] |= bits[:-1] >> _TOP
    return moved


def preceding(bits: Bits) -> Bits:
    """Mark the position before each set bit; a bit at the very front has none."""
    moved = bits >> _ONE
    moved[:-1] |= bits[1:] << _TOP
    return moved


def positions(bits: Bits) -> NDArray[np.int64]:
    """Return the positions of the set bits, ascending."""
    words = np.flatnonzero(bits != 0)
    # The view as truth values matters: flatnonzero on it is ten times as fast as on the same bytes as numbers.
    found = np.flatnonzero(np.unpackbits(bits[words].view(np.uint8), bitorder="little").view(np.bool_))
    found_at: NDArray[np.int64] = (words[found >> 6] << 6) + (found & 63)
    return found_at


def rank(bits: Bits, where: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many bits are set before each of these positions, which lie within the data."""
    until = np.cumsum(np.bitwise_count(bits), dtype=np.int64)
    words = where >> 6
    at_or_after = np.bitwise_count(bits[words] >> (where & 63).astype(np.uint64))
    before: NDArray[np.int64] = until[words] - at_or_after
    return before
