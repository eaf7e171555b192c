"""
One generic stage that notices encoded text, whatever it says: base64, base64url and hex runs that decode to printable ASCII.

The prefilter knows prefixes as they are. Their base64 and hex forms could be further prefilter expressions, but at 723 kinds
those slow it from 519 to 420 MB/s (forms of 6 stable characters and more; 371 MB/s with forms of 4), and still miss every
kind whose prefix is short. A class pattern for the same in Hyperscan ran at 600 to 900 MB/s. This stage runs beside the
prefilter at 2.1 to 2.7 GB/s, for any number of kinds.

Why it can tell text from random bytes: every byte of printable ASCII is 0x20-0x7e, so of each base64 group only 24, 24, 32
and 64 of 64 symbols are possible, 7 % of random groups; of each hex pair only 6 of 16 first digits. It looks at the 4 bytes
at every 20th position, a pair of bytes at a time in a table, and asks whether they and four times 4 bytes around them can be
encoded text in one of 4 (base64) or 2 (hex) alignments. A run of 23 characters holds such 20, with a place that is looked at
among them, wherever it lies: that is any encoded secret of 18 bytes. Of SHA-256 digests 1 in 1,000 passes in hex, and 1 in 30,000
in base64.
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
_STRIDE = 20
_PAIRS = _STRIDE // 2
_PADDING = b" " * (2 * _STRIDE)  # so that the last places are looked at, too
_WORTH_TWO = 4096


def _alignments(byte: int, offset: int) -> int:
    """Return the alignments in which encoded printable text may hold a byte at an offset: 4 bits for base64, 2 for hex."""
    found = 0
    for alphabet in (_BASE64, _BASE64_URL):
        index = alphabet.find(chr(byte))
        fits = (8 <= index <= 31, 2 <= (index & 15) <= 7, (index & 3) <= 1, True)
        found |= sum(fits[(offset - shift) % 4] << shift for shift in range(4)) if index >= 0 else 0
    digits = (chr(byte) in "234567", chr(byte) in "0123456789abcdefABCDEF")
    return found | sum(digits[(offset - shift) % 2] << 4 + shift for shift in range(2))


def _table(offset: int) -> NDArray[np.uint8]:
    """Return the alignments of each two bytes, as a little-endian number, at an offset from the place looked at."""
    first, second = (np.array([_alignments(byte, offset + step) for byte in range(256)], dtype=np.uint8) for step in (0, 1))
    return (second[:, None] & first[None, :]).reshape(-1)


_FIRST, _SECOND = _table(0), _table(2)


def encoded_positions(data: bytes) -> NDArray[np.int64]:
    """Return ascending positions inside runs that may be encoded text; now and then one that is not."""
    whole = len(data) // _STRIDE * _STRIDE
    if whole < _WORTH_TWO:
        return np.minimum(_positions(data + _PADDING), max(0, len(data) - 1))
    # Padding a copy of all of it would take a tenth of the time.
    last = whole - _STRIDE
    at_end = np.minimum(_positions(data[last:] + _PADDING) + last, len(data) - 1)
    return np.concatenate((_positions(memoryview(data)[:whole]), at_end))


def _positions(data: bytes | memoryview) -> NDArray[np.int64]:
    """Return the positions in whole strides of a buffer."""
    count = len(data) // _STRIDE
    pairs = np.frombuffer(data, dtype="<u2", count=count * _PAIRS)
    grid = pairs.reshape(count, _PAIRS)
    here = _FIRST.take(grid[:, 0])
    here &= _SECOND.take(grid[:, 1])
    at = np.flatnonzero(here != 0)
    fits = here[at]
    at *= _PAIRS

    def four(steps: int) -> NDArray[np.uint8]:
        """Return the alignments of four bytes, so many times four away; before the first place comes the end of the buffer."""
        place = at + 2 * steps
        return _FIRST.take(pairs.take(place, mode="wrap")) & _SECOND.take(pairs.take(place + 1, mode="wrap"))

    # Most places are ruled out by their neighbours; so they are asked step by step.
    after, before = fits & four(1), fits & four(-1)
    left = np.flatnonzero((after | before) != 0)
    if not len(left):
        return left
    at, after, before = at[left], after[left], before[left]
    after2, before2 = after & four(2), before & four(-2)
    left = np.flatnonzero(((after & before) | after2 | before2) != 0)
    if not len(left):
        return left
    at, after, before, after2, before2 = at[left], after[left], before[left], after2[left], before2[left]
    after3, before3 = after2 & four(3), before2 & four(-3)
    whole = (after3 & four(4)) | (after3 & before) | (after2 & before2) | (after & before3) | (before3 & four(-4))
    return at[np.flatnonzero(whole)] * 2


_SYMBOLS = (_BASE64 + "-_").encode()
_BEFORE, _AFTER = 24, 28


def run_around(data: bytes, position: int) -> bytes:
    """Return the run around a position, as far as it is near by: 20 characters and more of one that may be encoded text."""
    before, after = data[max(0, position - _BEFORE) : position], data[position : position + _AFTER]
    start = len(before.rstrip(_SYMBOLS))
    start += before[:start].endswith(b"\\")  # an escape's letter is no part of the run
    return before[start:] + after[: len(after) - len(after.lstrip(_SYMBOLS))]


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
