"""
One generic stage that notices encoded text, whatever it says: base64, base64url and hex runs that decode to printable ASCII.

The prefilter knows prefixes as they are. Their base64 and hex forms could be further prefilter expressions, but at 723 kinds
those slow it from 519 to 420 MB/s (forms of 6 stable characters and more; 371 MB/s with forms of 4), and still miss every
kind whose prefix is short. A class pattern for the same in Hyperscan ran at 600 to 900 MB/s. This stage runs beside the
prefilter at 1.1 to 2.2 GB/s, for any number of kinds.

Why it can tell text from random bytes: every byte of printable ASCII is 0x20-0x7e, so of each base64 group only 24, 24, 32
and 64 of 64 symbols are possible, 7 % of random groups; of each hex pair only 6 of 16 first digits. It looks at the 8 bytes
at every 16th position and asks whether they, and the 8 before or after, can be encoded text in one of 4 (base64) or 2 (hex)
alignments. A run of 23 characters holds two whole words side by side, one of them looked at, wherever it lies: that is any
encoded secret of 18 bytes.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BASE64_URL = _BASE64.replace("+", "-").replace("/", "_")
_STRIDE = 16
_PADDING = b" " * 24  # so that the last words are looked at, too, and a short buffer has words at all
_WORD = 8


def _classes() -> bytes:
    """For each byte, the places it may take in encoded printable text: bits 0-3 in a base64 group, bits 4-5 in a hex pair."""
    table = bytearray(256)
    for alphabet in (_BASE64, _BASE64_URL):
        for index, symbol in enumerate(alphabet):
            first = 8 <= index <= 31
            second = 2 <= (index & 15) <= 7
            third = (index & 3) <= 1
            table[ord(symbol)] = first | second << 1 | third << 2 | 1 << 3
    for digit in "0123456789abcdefABCDEF":
        table[ord(digit)] |= (digit in "234567") << 4 | 1 << 5
    return bytes(table)


def _masks() -> list[np.uint64]:
    """For each alignment, the class bits that the 8 bytes of a word must have, as a little-endian word."""
    words = [bytes(1 << (byte - shift) % 4 for byte in range(_WORD)) for shift in range(4)]
    words += [bytes(16 << (byte - shift) % 2 for byte in range(_WORD)) for shift in range(2)]
    return [np.uint64(int.from_bytes(word, "little")) for word in words]


_CLASSES = _classes()
_MASKS = _masks()
_HIGH = np.uint64(0x8080808080808080)
_FROM_PLUS = np.uint64(0x5555555555555555)  # + 0x55 sets the high bit of every byte >= '+' (0x2b)
_TO_Z = np.uint64(0x0505050505050505)  # + 0x05 sets the high bit of every byte > 'z' (0x7a)


def encoded_positions(data: bytes) -> NDArray[np.int64]:
    """Return ascending positions inside runs that may be encoded text; now and then one that is not (2 in 10,000 hashes)."""
    count = (len(data) + len(_PADDING)) // _WORD
    words = np.frombuffer(data + _PADDING, dtype="<u8", count=count)
    centre = _plausible(words)
    # Then by classes, first alone and, for the few per cent that pass, together with a neighbour.
    here = _classified(words[centre])
    found = np.zeros(len(centre), dtype=bool)
    for mask in _MASKS:
        found |= (here & mask) == mask
    centre, here = centre[found], here[found]
    before, after = _classified(words[centre - 1]), _classified(words[centre + 1])
    found = np.zeros(len(centre), dtype=bool)
    for mask in _MASKS:
        found |= ((here & mask) == mask) & (((before & mask) == mask) | ((after & mask) == mask))
    return np.minimum(centre[found] * _WORD, max(0, len(data) - 1))


def _plausible(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the sampled words that have no byte outside '+' to 'z': no space, quote or non-ASCII. In place: 6 GB/s."""
    above = words[1 : -1 : _STRIDE // _WORD].copy()
    below = above + _FROM_PLUS
    np.invert(below, out=below)
    below |= above
    above += _TO_Z
    below |= above
    below &= _HIGH
    return np.flatnonzero(below == 0) * (_STRIDE // _WORD) + 1


def _classified(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Replace each byte by its class bits."""
    return np.frombuffer(words.tobytes().translate(_CLASSES), dtype="<u8")


_ALPHABET = (_BASE64 + "-_").encode()
_SYMBOLS = re.compile(rb"[0-9A-Za-z+/_-]+")
_BEFORE, _AFTER = 24, 64
_SHORTEST = 23


def holds_text(data: bytes, position: int) -> bool:
    """
    Tell whether the run around a position decodes to text, from the bytes near by.

    For the few places that `encoded_positions` returns: it costs 2 us where decoding a row costs 20, and leaves nearly no
    random digest. The digits of an HLC timestamp, which look like hex, are too short a run.
    """
    before = data[max(0, position - _BEFORE) : position]
    after = data[position : position + _AFTER]
    start = len(before.rstrip(_ALPHABET))
    start += before[:start].endswith(b"\\")  # the x of \x BYTES is no part of the run, nor is an escape's letter
    run = before[start:] + after[: len(after) - len(after.lstrip(_ALPHABET))]
    if len(run) < _SHORTEST:
        return False
    if any(_TEXT.search(raw) for _, _, raw in _from_hex(run.decode("ascii"))):
        return True
    text = run.replace(b"-", b"+").replace(b"_", b"/").decode("ascii")
    return any(_TEXT.search(_from_base64(text[skip:])) for skip in range(4))


def run_end(data: bytes, position: int) -> int:
    """Return where the run at a position ends."""
    match = _SYMBOLS.match(data, position)
    return match.end() if match else position


class Decoded(NamedTuple):
    """Text that came out of an encoded run, how it was encoded, and the span of the run."""

    text: str
    encoding: str
    start: int
    end: int


#: Runs long enough to hide a secret of 12 bytes; line breaks inside base64 are allowed for (MIME, PEM).
_RUN = re.compile(r"[0-9A-Za-z+/_-]{16,}(?:\r?\n[0-9A-Za-z+/_-]{4,})*={0,2}")
_HEX = re.compile(r"[0-9a-f]{22,}|[0-9A-F]{22,}")
_BREAKS = re.compile(r"\s+")
_TEXT = re.compile(rb"[\t\n\r -~]{12}")
_STRETCH = re.compile(rb"[\t\n\r -~]{12,}")


def decoded_runs(text: str, known: Sequence[tuple[int, int]] = ()) -> Iterator[Decoded]:
    """
    Yield what every encoded run of a text decodes to, if that holds at least 12 printable characters in a row.

    Runs inside the spans of ``known`` secrets are passed over: what a JWT says is part of the JWT.

    Hex is tried on every stretch of hex digits, base64 on what is not all hex, though hex is valid base64 too. What stands
    before a run may be of its alphabet (a folder and its slash, a name and its dash), so base64 is tried from each of its
    first four symbols: one of them is in step.
    """
    for match in _RUN.finditer(text):
        run, start, end = match[0], match.start(), match.end()
        if any(first <= start and end <= last for first, last in known):
            continue
        for first, _, raw in _from_hex(run):
            for offset, inner in _texts(raw):
                place = start + first + 2 * offset
                yield Decoded(inner, "hex", place, place + 2 * len(inner))
        if _HEX.fullmatch(run):
            continue
        symbols = _BREAKS.sub("", run).rstrip("=")
        name = "base64url" if "-" in symbols or "_" in symbols else "base64"
        plain = symbols.replace("-", "+").replace("_", "/")
        for step in range(4):
            for offset, inner in _texts(_from_base64(plain[step:])):
                place = start + step + offset // 3 * 4
                yield Decoded(inner, name, place, min(end, place + -(-len(inner) // 3) * 4 + 4) if offset else end)


def _texts(raw: bytes) -> Iterator[tuple[int, str]]:
    """Yield (offset, text): all of it if it is UTF-8 with 12 printable characters in a row, else each printable stretch."""
    if not _TEXT.search(raw):
        return
    try:
        yield 0, raw.decode()
    except UnicodeDecodeError:
        for match in _STRETCH.finditer(raw):
            yield match.start(), match[0].decode("ascii")


def _from_hex(run: str) -> Iterator[tuple[int, int, bytes]]:
    """Yield the stretches of hex digits of a run, each from its first digit and from its second, with what they decode to."""
    for match in _HEX.finditer(run):
        for first in (match.start(), match.start() + 1):
            last = match.end() - (match.end() - first) % 2
            yield first, last, binascii.unhexlify(run[first:last])


def _from_base64(symbols: str) -> bytes:
    """Decode without padding; of a cut last group, what it holds."""
    if len(symbols) % 4 == 1:
        symbols = symbols[:-1]
    return base64.b64decode(symbols + "=" * (-len(symbols) % 4))
