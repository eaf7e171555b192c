"""Numbers that describe the values of a column together, from the features of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from auditor.columns.features import LONG_RUN, LOOKED_AT, Chars
from auditor.columns.forms import Form

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LETTERS = Chars.HEX_LOWER | Chars.LOWER | Chars.HEX_UPPER | Chars.UPPER
_TOKEN = _LETTERS | Chars.DIGIT
_JOINED = _TOKEN | Chars.DASH | Chars.UNDERSCORE | Chars.PLUS | Chars.SLASH | Chars.EQUALS | Chars.DOT | Chars.COLON | Chars.SIGN
_URL_SAFE = _TOKEN | Chars.DASH | Chars.UNDERSCORE
#: Smallest alphabet first, as `auditor.redaction.alphabet_of` names them, with how many characters each has.
ALPHABETS = (
    ("digits", Chars.DIGIT, 10),
    ("lower-case hex", Chars.DIGIT | Chars.HEX_LOWER, 16),
    ("upper-case hex", Chars.DIGIT | Chars.HEX_UPPER, 16),
    ("lower-case letters and digits", Chars.DIGIT | Chars.HEX_LOWER | Chars.LOWER, 36),
    ("upper-case letters and digits", Chars.DIGIT | Chars.HEX_UPPER | Chars.UPPER, 36),
    ("letters and digits", _TOKEN, 62),
    ("base64url", _URL_SAFE | Chars.EQUALS, 64),
    ("base64", _TOKEN | Chars.PLUS | Chars.SLASH | Chars.EQUALS, 64),
)
#: Lengths of digests of 16 bytes and more, by alphabet size: hex, and base64 with padding or without.
_DIGESTS = {16: {32, 40, 48, 56, 64, 96, 128}, 64: {22, 24, 27, 28, 43, 44, 64, 86, 88}, 62: {22, 27, 43}}
_NONE = 255


@dataclass(frozen=True)
class Population:
    """Values of one column, as entries. None of the shares is exact: a sample is looked at."""

    entries: NDArray[np.void]

    @property
    def size(self) -> int:
        """Return how many values there are."""
        return len(self.entries)

    @cached_property
    def forms(self) -> dict[Form, float]:
        """Return the share of each form that values show by themselves."""
        numbers, counts = np.unique(self.entries["form"], return_counts=True)
        return {Form(number): count / self.size for number, count in zip(numbers.tolist(), counts.tolist(), strict=True)}

    def form(self, *forms: Form) -> float:
        """Return the share of values that have one of these forms."""
        return sum(self.forms.get(form, 0.0) for form in forms)

    def without(self, *forms: Form) -> Population:
        """Return the values that have none of these forms."""
        return Population(self.entries[~np.isin(self.entries["form"], forms)])

    @cached_property
    def different(self) -> int:
        """Return how many different values there are."""
        return len(np.unique(self.entries["digest"]))

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Return the lengths, sorted."""
        return np.sort(self.entries["length"].astype(np.int64))

    @property
    def median(self) -> int:
        """Return the median length."""
        return int(self.lengths[self.size // 2])

    @cached_property
    def spread(self) -> int:
        """Return how far the lengths of most values (18 of 20) lie apart."""
        return int(self.lengths[self.size * 19 // 20] - self.lengths[self.size // 20])

    def has(self, classes: int) -> float:
        """Return the share of values with a character of these classes."""
        return float(np.count_nonzero(self.entries["classes"] & np.uint32(classes)) / self.size)

    def flagged(self, flags: int) -> float:
        """Return the share of values with one of these flags."""
        return float(np.count_nonzero(self.entries["flags"] & np.uint16(flags)) / self.size)

    @cached_property
    def classes(self) -> int:
        """Return the classes of characters that occur in more than one value of fifty."""
        present = (self.entries["classes"][:, None] >> np.arange(21, dtype=np.uint32)) & 1
        return int(sum(1 << place for place in np.flatnonzero(present.sum(axis=0) > self.size / 50).tolist()))

    @cached_property
    def alphabet(self) -> tuple[str, int]:
        """Return the smallest alphabet that nearly all values are written in, and its size; 95 if it is none of them."""
        for name, members, size in ALPHABETS:
            if not self.classes & ~int(members):
                return name, size
        return ("printable ASCII" if not self.classes & (Chars.CONTROL | Chars.FOREIGN) else "other characters"), 95

    @cached_property
    def joined(self) -> bool:
        """Tell whether values are written in an alphabet of tokens, in parts that a dot, colon, bar or the like keeps apart."""
        return not self.classes & ~int(_JOINED) and self.entries["run"].mean() >= 14

    @cached_property
    def framed(self) -> bool:
        """Tell whether most values have a body after a beginning (see `auditor.columns.features`)."""
        bodies = (self.entries["start"] > 0) & (self.entries["run"] >= LONG_RUN)
        return bool(np.count_nonzero(bodies) > self.size / 2)

    @cached_property
    def letters(self) -> int:
        """Return the size of the alphabet that the bodies of values are written in; 95 if it is none of tokens."""
        whole = self.alphabet[1]
        if not self.framed or (whole == 95 and not self.joined):
            return whole
        present = (self.entries["letters"][:, None] >> np.arange(5, dtype=np.uint8)) & 1
        classes = sum(1 << place for place in np.flatnonzero(present.sum(axis=0) > self.size / 50).tolist())
        return next((size for _, members, size in ALPHABETS if not classes & ~int(members)), whole)

    @cached_property
    def words(self) -> float:
        """Return how much the letters are those of words: near 0.36 for random ones, 0.95 for prose; 1 without letters."""
        known = self.entries["words"][self.entries["words"] != _NONE]
        return float(known.mean() / 200) if len(known) > self.size / 4 else 1.0

    @cached_property
    def switches(self) -> float:
        """Return how often digits, small and capital letters follow on one another, per neighbours."""
        return float(self.entries["switches"].mean() / 200)

    @cached_property
    def alike(self) -> float:
        """Return the share of values that begin with the commonest two characters."""
        return float(np.bincount(self.entries["head"]).max() / self.size)

    @cached_property
    def prefixed(self) -> float:
        """Return the share of values that have the commonest beginning before their longest run; 0 if most have none."""
        starts = self.entries["start"][self.entries["start"] > 0]
        return float(np.bincount(starts).max() / self.size) if len(starts) else 0.0

    @cached_property
    def variety(self) -> float:
        """Return how many different characters a value has, of those that random text of its length would have."""
        letters = self.letters
        bodies = (self.entries["start"] > 0) & (self.entries["run"] >= LONG_RUN)
        lengths = np.where(bodies, self.entries["run"], np.minimum(self.entries["length"], LOOKED_AT)).astype(float)
        expected = letters * (1 - (1 - 1 / letters) ** lengths)
        return float((self.entries["distinct"] / expected).mean())

    @cached_property
    def random(self) -> bool:
        """Tell whether values look drawn at random from their alphabet, apart from a common beginning."""
        letters = self.letters
        # Letters and digits by turns make no words; their alphabet may be larger than what most of a value is written in.
        mixed = self.switches > 0.35 and letters > 10
        if letters == 95 or self.variety < (0.45 if mixed else 0.72):
            return False
        if mixed:
            return True
        if letters == 10:
            return self.alike < 0.25
        if letters == 16:
            return self.switches > 0.3
        if self.has(int(_LETTERS)) < 0.9:
            return False
        return self.words < 0.6 and (self.switches > 0.12 or self.words < 0.5)

    @cached_property
    def bits(self) -> float:
        """Return how many bits a typical value holds if it is random; what comes before a common separator is not counted."""
        letters = self.letters
        body = self.median if self.prefixed < 0.9 else max(int(np.median(self.entries["run"])), self.median - 12)
        return body * math.log2(letters)

    @cached_property
    def digest_sized(self) -> bool:
        """Tell whether nearly all values have the length of one digest in one encoding."""
        _, letters = self.alphabet
        return self.spread == 0 and self.median in _DIGESTS.get(letters, ())

    @cached_property
    def ordered(self) -> bool:
        """Tell whether values begin alike without a separator, as ids do that begin with the time."""
        return self.alike > 0.5 and self.prefixed < 0.5 and self.spread == 0

    @property
    def distinct(self) -> int:
        """
        Estimate how many different values there are in all, from those seen once and twice (Chao's estimate).

        It is a lower bound, and without end where nothing is seen twice.
        """
        times = np.bincount(np.unique(self.entries["digest"], return_counts=True)[1], minlength=3)
        once, twice = int(times[1]), int(times[2])
        return self.different + (once * once // (2 * twice) if twice else once * self.size)
