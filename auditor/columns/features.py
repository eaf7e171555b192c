"""
What is kept of a value: 32 bytes that say how it looks, and not what it is.

An entry holds the hash of its row, a keyed digest of the value, and features that are the same for many values: length, which
classes of characters occur, how mixed they are. Two features are one-byte keyed sums of how a value begins: they tell whether
many values of a column begin alike, and mean nothing without the key. What mixes characters is told of the body: the longest run
of letters and digits if something comes before it and it is long enough to tell, else of the whole. All are computed for many
texts at once, which takes 2 to 4 us a text.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from auditor.columns.forms import forms_of
from auditor.columns.letters import COMMON
from auditor.identity import AuditKey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    _Codes = NDArray[np.uint8]
    _Places = NDArray[np.int32]

#: One value of one row. ``row`` and ``digest`` together are its identity.
ENTRY = np.dtype(
    [
        ("row", "<u8"),
        ("digest", "<u8"),
        ("classes", "<u4"),
        ("length", "<u2"),
        ("flags", "<u2"),
        ("form", "u1"),
        ("letters", "u1"),  # classes of letters and digits in the body
        ("distinct", "u1"),  # different characters of the body
        ("words", "u1"),  # share of the body's letter pairs that are of words, of 200; 255 if there are no pairs
        ("run", "u1"),  # longest run of letters and digits
        ("switches", "u1"),  # neighbours of different classes in the body, of 200
        ("head", "u1"),  # keyed sum of the first two characters
        ("start", "u1"),  # keyed sum of what comes before the longest run, 0 if nothing does
    ]
)
#: Characters of a value that are looked at; its length is its own.
LOOKED_AT = 64
#: A run of this many letters and digits, after something else, is the body of a value.
LONG_RUN = 16
_DIGESTED = 4096
_SHORTEST_FORM = 8
_AT_ONCE = 2048


class Chars(enum.IntFlag):
    """Classes of characters."""

    DIGIT = 1
    HEX_LOWER = enum.auto()
    LOWER = enum.auto()
    HEX_UPPER = enum.auto()
    UPPER = enum.auto()
    DASH = enum.auto()
    UNDERSCORE = enum.auto()
    PLUS = enum.auto()
    SLASH = enum.auto()
    EQUALS = enum.auto()
    DOT = enum.auto()
    COLON = enum.auto()
    SPACE = enum.auto()
    AT = enum.auto()
    COMMA = enum.auto()
    BRACKET = enum.auto()
    QUOTE = enum.auto()
    MASK = enum.auto()
    SIGN = enum.auto()
    CONTROL = enum.auto()
    FOREIGN = enum.auto()


class Flags(enum.IntFlag):
    """What a value as a whole is, told by a pattern."""

    URL = 1
    PASSWORD_IN_URL = enum.auto()
    TOKEN_IN_URL = enum.auto()
    LED_BY_SCHEME = enum.auto()


_MEMBERS = {
    Chars.DIGIT: "0123456789",
    Chars.HEX_LOWER: "abcdef",
    Chars.LOWER: "ghijklmnopqrstuvwxyz",
    Chars.HEX_UPPER: "ABCDEF",
    Chars.UPPER: "GHIJKLMNOPQRSTUVWXYZ",
    Chars.DASH: "-",
    Chars.UNDERSCORE: "_",
    Chars.PLUS: "+",
    Chars.SLASH: "/",
    Chars.EQUALS: "=",
    Chars.DOT: ".",
    Chars.COLON: ":",
    Chars.SPACE: " ",
    Chars.AT: "@",
    Chars.COMMA: ",;",
    Chars.BRACKET: "()[]{}<>",
    Chars.QUOTE: "\"'`",
    Chars.MASK: "*",
    Chars.SIGN: "!#$%&?\\^|~",
    Chars.FOREIGN: "\x80",
}
_CLASSES = np.full(256, int(Chars.CONTROL), np.uint32)
for _class, _characters in _MEMBERS.items():
    _CLASSES[list(_characters.encode("latin-1"))] = int(_class)
_ALNUM = np.isin(np.arange(256), list(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
_LETTER = np.zeros(256, np.uint16)
_LETTER[list(range(65, 91))] = range(1, 27)
_LETTER[list(range(97, 123))] = range(1, 27)
# Digits, small letters, capitals: what neighbouring characters switch between. 0 is none of them.
_KIND = np.zeros(256, np.uint8)
_KIND[48:58], _KIND[97:123], _KIND[65:91] = 1, 2, 3
_WORDLIKE = np.zeros((27, 27), bool)
for _pair in COMMON:
    _WORDLIKE[ord(_pair[0]) - 96, ord(_pair[1]) - 96] = True
_PAIRS = _WORDLIKE.ravel()
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_PASSWORD_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/?#:@]{0,100}:[^\s/?#@*]{3,300}@[^\s@]")
_TOKEN_IN_URL = re.compile(
    r"https?://[^\s?#]{3,300}(?:[?#&](?:[^\s&=#]{1,50}=[^\s&#]{0,500}&){0,10}"
    r"(?:[A-Za-z_-]{0,30}(?:token|code|secret|otp|magic|key|sig|nonce|auth|ticket))=|"
    r"/(?:[a-z_-]{0,20}(?:reset|magic|login|verify|confirm|activate|invite|unlock)[a-z_-]{0,20})/)[A-Za-z0-9_.~%-]{16,}",
    re.IGNORECASE,
)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s]{2}")
_SCHEME = re.compile(r"(?:Bearer|Basic|Token|token|ApiKey|Api-Key) [A-Za-z0-9._~+/-]{12,}=*", re.IGNORECASE)


def secret_of(key: AuditKey) -> bytes:
    """Derive the 32 bytes that profiles are keyed by."""
    return bytes.fromhex("".join(key.digest(f"column profiles {number}") for number in range(4)))


class Featurer:
    """Turns texts into entries under one key."""

    def __init__(self, secret: bytes) -> None:
        """Take what the digests and sums are keyed by (see `secret_of`)."""
        self._secret = secret
        self._digest = hashlib.blake2b(key=secret, digest_size=8)
        salt = hashlib.blake2b(b"sums", key=secret, digest_size=8).digest()
        generator = np.random.default_rng(int.from_bytes(salt, "big"))
        self._first = generator.permutation(256).astype(np.uint8)
        self._second = generator.permutation(256).astype(np.uint8)
        self._places = generator.integers(0, 128, LOOKED_AT, np.uint8) * 2 + 1

    def __reduce__(self) -> tuple[type[Featurer], tuple[bytes]]:
        """Go to another process as the secret."""
        return Featurer, (self._secret,)

    def entries(self, texts: Sequence[str], rows: NDArray[np.uint64]) -> NDArray[np.void]:
        """Return an entry for each text, none of which is empty; ``rows`` are the hashes of their rows."""
        result = np.zeros(len(texts), ENTRY)
        result["row"] = rows
        for start in range(0, len(texts), _AT_ONCE):
            self._fill(texts[start : start + _AT_ONCE], result[start : start + _AT_ONCE])
        return result

    def _fill(self, texts: Sequence[str], result: NDArray[np.void]) -> None:
        """Fill in everything but the rows."""
        result["digest"] = np.frombuffer(self._digests(texts), "<u8")
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        result["length"] = np.minimum(lengths, 65535)
        sizes = np.minimum(lengths, LOOKED_AT)
        joined = "".join([text[:LOOKED_AT] for text in texts]) if lengths.max() > LOOKED_AT else "".join(texts)
        if not joined.isascii():
            joined = _FOREIGN.sub("\x80", joined)
        codes = np.frombuffer(joined.encode("latin-1"), np.uint8)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
        owner = np.repeat(np.arange(len(texts), dtype=np.int32), sizes)
        kinds = _CLASSES[codes]
        classes = np.bitwise_or.reduceat(kinds, starts)
        result["classes"] = classes
        body = self._fill_runs(codes, owner, starts, result)
        result["letters"] = np.bitwise_or.reduceat(np.where(body, kinds, 0), starts) & 31
        present = np.zeros(len(texts) << 8, bool)
        present[((owner << 8) | codes)[body]] = True
        result["distinct"] = np.count_nonzero(present.reshape(-1, 256), axis=1)
        self._fill_pairs(codes, owner, starts, body, result)
        second = np.where(sizes > 1, self._second[codes[np.minimum(starts + 1, len(codes) - 1)]], 0)
        result["head"] = self._first[codes[starts]] ^ second
        urls = (classes & (Chars.COLON | Chars.SLASH)) == (Chars.COLON | Chars.SLASH)
        spaced = (classes & Chars.SPACE) != 0
        for index in np.flatnonzero(urls | (spaced & ((classes & Chars.DIGIT) != 0) & (lengths < 512))).tolist():
            result["flags"][index] = _flags_of(texts[index])
        for index, form in forms_of(texts, joined):
            if lengths[index] >= _SHORTEST_FORM:
                result["form"][index] = form

    def _digests(self, texts: Sequence[str]) -> bytes:
        """Return the keyed digests of values one after another; of a long one, that of its length and beginning."""
        begun, digests = self._digest.copy, []
        for text in texts:
            digest = begun()
            if len(text) > _DIGESTED:
                text = f"{len(text)}:{text[:_DIGESTED]}"  # noqa: PLW2901
            try:
                digest.update(text.encode())
            except UnicodeEncodeError:
                digest.update(text.encode("utf-8", "surrogatepass"))
            digests.append(digest.digest())
        return b"".join(digests)

    @staticmethod
    def _fill_pairs(codes: _Codes, owner: _Places, starts: _Places, body: NDArray[np.bool_], result: NDArray[np.void]) -> None:
        """Fill in what neighbouring characters say."""
        same = (owner[1:] == owner[:-1]) & body[1:] & body[:-1]
        letters = _LETTER[codes]
        pair = same & (letters[1:] > 0) & (letters[:-1] > 0)
        wordlike = pair & _PAIRS[letters[:-1] * 27 + letters[1:]]
        kinds = _KIND[codes]
        neighbours = same & (kinds[1:] > 0) & (kinds[:-1] > 0)
        # A capital before a small letter begins a word: no switch.
        switched = neighbours & (kinds[1:] != kinds[:-1]) & ~((kinds[:-1] == 3) & (kinds[1:] == 2))
        pairs, words, beside, switches = (_sums(mask, starts) for mask in (pair, wordlike, neighbours, switched))
        result["words"] = np.where(pairs > 0, np.rint(200.0 * words / np.maximum(pairs, 1)), 255)
        result["switches"] = np.rint(200.0 * switches / np.maximum(beside, 1))

    def _fill_runs(self, codes: _Codes, owner: _Places, starts: _Places, result: NDArray[np.void]) -> NDArray[np.bool_]:
        """Fill in the longest run of letters and digits and the sum of what comes before; tell which characters are body."""
        alnum = _ALNUM[codes]
        begins = np.ones(len(codes), bool)
        begins[1:] = (owner[1:] != owner[:-1]) | (alnum[1:] != alnum[:-1])
        places = np.flatnonzero(begins)
        runs = np.where(alnum[places], np.diff(np.append(places, len(codes))), 0)
        firsts = np.searchsorted(places, starts)
        longest = np.maximum.reduceat(runs, firsts)
        result["run"] = longest
        where = np.minimum.reduceat(np.where(runs == longest[owner[places]], places, len(codes)), firsts) - starts
        offsets = np.arange(len(codes), dtype=np.int32) - starts[owner]
        before = offsets < where.astype(np.int32)[owner]
        weighed = np.where(before, (codes + np.uint8(1)) * self._places[offsets] + self._first[codes], np.uint8(0))
        result["start"] = np.where(where > 0, np.maximum(np.add.reduceat(weighed, starts, dtype=np.uint8), 1), 0)
        ends = np.where((where == 0) | (longest < LONG_RUN), -1, where + longest).astype(np.int32)[owner]
        return np.asarray((ends < 0) | (~before & (offsets < ends)))


def _sums(mask: NDArray[np.bool_], starts: _Places) -> NDArray[np.uint8]:
    """Count what is marked in each text; a mark is of a character and the next one."""
    # A text is short, so bytes are wide enough, and added four times as fast as words.
    return np.add.reduceat(np.append(mask.view(np.uint8), np.uint8(0)), starts, dtype=np.uint8)


def _flags_of(text: str) -> int:
    """Return the flags of a text."""
    flags = 0
    if _URL.match(text):
        flags |= Flags.URL
        if _PASSWORD_IN_URL.match(text):
            flags |= Flags.PASSWORD_IN_URL
        if _TOKEN_IN_URL.match(text):
            flags |= Flags.TOKEN_IN_URL
    elif _SCHEME.fullmatch(text):
        flags |= Flags.LED_BY_SCHEME
    return int(flags)
