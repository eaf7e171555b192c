r"""
Which pieces of a buffer may be tokens of one declared form (or of none).

A run is as long as it can be of the form's characters, with ``%`` and ``\`` among them, since what they escape may be inside a
token. Of a run, the whole is tried, and what lies between separators: ``token=x``, ``a/b/x``, ``prefix_x``.
"""

from __future__ import annotations

import binascii
import re
import string
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from auditor.confirm.settings import LONGEST, SHORTEST, SHORTEST_DECLARED, TokenSettings

_ALNUM = string.digits + string.ascii_letters
_ALPHABETS = {
    "digits": string.digits,
    "hex": string.hexdigits,
    "base32": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567=",
    "base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "base62": _ALNUM,
    "base64": _ALNUM + "+/=",
    "base64url": _ALNUM + "-_=",
}
#: What a bearer token is made of (RFC 6750, b64token), and what joins one to other text.
UNDECLARED = _ALNUM + "-._~+/=:|"
ESCAPES = b"%\\"
#: Characters of an escape of JSON before its last digit.
ESCAPE = 5
#: In a run that is longer than this, or longer than the other and holds both, `+` and `/` join nothing: it is base64.
_BLOB, _BASE64 = 512, 64
#: A run of more places than this is not tried between any two of them, only from its start, to its end, and from one to the next.
_MOST_PLACES = 8
#: JSON inside the text of JSON: how often escapes are undone.
_MOST_LAYERS = 8
_JSON_ESCAPE = re.compile(rb"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f"}
_LETTER = re.compile(rb"[A-Za-z]")
#: BYTES as CockroachDB prints them, in JSON text with the backslash escaped.
_BYTEA = re.compile(rb"\\x((?:[0-9a-fA-F]{2})+)")
#: A timestamp has at least and at most so many characters (RFC 3339 to the second; with nanoseconds and an offset).
SHORTEST_TIMESTAMP, LONGEST_TIMESTAMP = 19, 35
#: Characters of salt and digest in a bcrypt hash, after `$2b$12$`.
BCRYPT = 53


class Candidate(NamedTuple):
    """Where in a buffer something may be a token, and what it is after escapes are undone."""

    start: int
    end: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """
    What tokens look like.

    ``characters`` are those of runs without escapes. ``lengths`` is empty if any from ``shortest`` to ``longest`` will do.
    ``declared`` tells that nothing of this form may be passed over; else numbers, timestamps and bcrypt digests are.
    """

    characters: frozenset[int]
    lengths: frozenset[int]
    shortest: int
    longest: int
    prefix: bytes
    declared: bool

    @classmethod
    def of(cls, settings: TokenSettings) -> Form:
        """Return the form that settings declare."""
        declared = bool(settings.lengths or settings.alphabet or settings.prefix)
        least = SHORTEST_DECLARED if settings.prefix or settings.lengths else SHORTEST
        alphabet = _ALPHABETS[settings.alphabet] if settings.alphabet else UNDECLARED
        return cls(
            frozenset((alphabet + settings.prefix).encode()),
            frozenset(settings.lengths),
            min(settings.lengths, default=settings.shortest or max(least, len(settings.prefix) + 1)),
            max(settings.lengths, default=settings.longest or LONGEST),
            settings.prefix.encode(),
            declared,
        )


class Cutter:
    """Cuts runs of one form into candidates."""

    def __init__(self, form: Form) -> None:
        """Compile what the form says."""
        self.form = form
        inside = re.escape(bytes(sorted(form.characters)))
        outside = re.escape(bytes(sorted(form.characters | set(ESCAPES))))
        self._run = re.compile(b"[%b]*" % outside)
        self._runs = re.compile(b"[%b]{%d,}" % (outside, form.shortest))
        #: Whether the prefix leads to the tokens: no format or URL ever escapes a character of it.
        self.anchored = re.fullmatch(rb"[A-Za-z0-9._~-]+", form.prefix) is not None
        self._bare = re.compile(b"[%b]{%d,}" % (inside, form.shortest))
        joins = form.characters - frozenset(_ALNUM.encode())
        self._cut_escapes = cuts_escapes(form)
        self._joint = _any_of(frozenset(range(256)) if form.prefix else joints(form))
        self._begins = _any_of(joins if form.declared else joins - frozenset(b"-"))
        self._ends = _any_of(joins if form.declared else joins - frozenset(b"-_~+"))
        self._blob_joins = _any_of(joins - frozenset(b"+/-_~"))

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        """Return the runs of a short text that are to be tried; `auditor.confirm.runs` finds those of a long one sooner."""
        if self.anchored:
            return self.prefixed_spans(data, ())
        found = [match.span() for match in self._runs.finditer(data)]
        if self._cut_escapes:
            found = [(_begun(data, start), end) for start, end in found]
        return found if self.form.declared else [span for span in found if not passed_over(data, *span)]

    def prefixed_spans(self, data: bytes, cuts: Sequence[int]) -> list[tuple[int, int]]:
        """Return what is like a run from each place of the prefix; none has a place of ``cuts`` inside it."""
        found: list[tuple[int, int]] = []
        prefix, least = self.form.prefix, self.form.shortest
        for start in _places(data, prefix):
            match = self._run.match(data, start)
            end = match.end() if match else start
            place = bisect_right(cuts, start)
            if place < len(cuts):
                end = min(end, cuts[place])
            if end - start >= least:
                found.append((start, end))
        return found

    def candidates(self, data: bytes) -> Iterator[Candidate]:
        """Yield the candidates of a short text."""
        for start, end in self.spans(data):
            yield from self.of_run(data, start, end)
        yield from self.of_bytea(data)

    def values(self, run: bytes) -> Sequence[bytes]:
        """Return the candidates' values of one run."""
        if self._joint.search(run) is None:
            size = len(run)
            if self.form.lengths:
                return (run,) if size in self.form.lengths else ()
            return (run,) if self.form.shortest <= size <= self.form.longest else ()
        if b"\\" in run or b"%" in run:
            return [candidate.value for candidate in self.of_run(run, 0, len(run))]
        return [run[start:end] for start, end in self._pieces(run)]

    def of_bytea(self, data: bytes, places: Iterable[int] | None = None, cuts: Sequence[int] = ()) -> Iterator[Candidate]:
        r"""
        Yield the candidates inside BYTES, which are printed as ``\x`` and hex.

        ``places`` are those of ``\x``, if known; no printed value goes on beyond one of ``cuts``.
        """
        for place in _places(data, b"\\x") if places is None else places:
            cut = bisect_right(cuts, place)
            match = _BYTEA.match(data, place, cuts[cut] if cut < len(cuts) else len(data))
            if match is not None and len(match[1]) >= 2 * self.form.shortest:
                inner = binascii.unhexlify(match[1])
                for start, end in self.spans(inner):
                    for candidate in self.of_run(inner, start, end):
                        yield Candidate(*match.span(), candidate.value)

    def of_run(self, data: bytes, first: int, last: int) -> Iterator[Candidate]:
        """Yield the candidates of one run."""
        run = data[first:last]
        if b"\\" not in run and b"%" not in run:
            for start, end in self._pieces(run):
                yield Candidate(first + start, first + end, run[start:end])
            return
        for bare in self._bare.finditer(run):
            for start, end in self._pieces(bare[0]):
                yield Candidate(first + bare.start() + start, first + bare.start() + end, bare[0][start:end])
        # JSON may be inside the text of JSON.
        texts, text = {run}, _unescaped(run)
        while text not in texts and len(texts) < _MOST_LAYERS:
            texts.add(text)
            text = _unescaped(text)
        for text in (texts | set(map(unquote_to_bytes, texts))) - {run}:
            for bare in self._bare.finditer(text):
                for start, end in self._pieces(bare[0]):
                    yield Candidate(first, last, bare[0][start:end])

    def _pieces(self, run: bytes) -> Iterator[tuple[int, int]]:
        """Yield the spans in a run without escapes that may be tokens."""
        form, size = self.form, len(run)
        if form.prefix:
            yield from self._prefixed(run)
            return
        blob = not form.declared and (size > _BLOB or (size > _BASE64 and b"+" in run and b"/" in run))
        starts = [0, *(match.end() for match in (self._blob_joins if blob else self._begins).finditer(run))]
        ends = [*(match.start() for match in (self._blob_joins if blob else self._ends).finditer(run)), size]
        if len(starts) > _MOST_PLACES and not form.lengths:
            spans = {(0, end) for end in ends} | {(start, size) for start in starts}
            spans |= {(start, next((end for end in ends if end > start), size)) for start in starts}
        elif form.lengths:
            there = set(ends)
            spans = {(start, start + length) for start in starts for length in form.lengths if start + length in there}
        else:
            spans = {(start, end) for start in starts for end in ends if end > start}
        for start, end in sorted(spans):
            if form.shortest <= end - start <= form.longest and (form.declared or _LETTER.search(run, start, end)):
                yield start, end

    def _prefixed(self, run: bytes) -> Iterator[tuple[int, int]]:
        """Yield the spans that begin with the prefix, of the lengths there are, or to wherever they may end."""
        form = self.form
        if self.anchored and not run.startswith(form.prefix):
            return
        for start in (0,) if self.anchored else _places(run, form.prefix):
            if form.lengths:
                ends = {start + length for length in form.lengths if start + length <= len(run)}
            else:
                ends = {match.start() for match in self._ends.finditer(run, start + form.shortest)} | {len(run)}
            for end in sorted(ends):
                if form.shortest <= end - start <= form.longest:
                    yield start, end


def _places(data: bytes, text: bytes) -> Iterator[int]:
    """Yield where a text stands."""
    place = data.find(text)
    while place >= 0:
        yield place
        place = data.find(text, place + 1)


def passed_over(data: bytes, start: int, end: int) -> bool:
    """Tell whether a run of no declared form is not worth a try: no letter in it, a timestamp, or the digest of a bcrypt hash."""
    run = data[start:end]
    if _LETTER.search(run) is None:
        return True
    time = SHORTEST_TIMESTAMP <= len(run) <= LONGEST_TIMESTAMP and run[4:8:3] == b"--" and run[10:14:3] == b"T:"
    bcrypt = len(run) == BCRYPT and start >= 4 and data[start - 1] == data[start - 4] == 0x24
    return (time or bcrypt) and b"\\" not in run and b"%" not in run


def joints(form: Form) -> frozenset[int]:
    """Return the characters that may lie between the pieces of a run."""
    joins = form.characters - frozenset(_ALNUM.encode())
    return joins | frozenset(ESCAPES) if form.declared else (joins | frozenset(ESCAPES)) - frozenset(b"-")


def cuts_escapes(form: Form) -> bool:
    r"""Tell whether the digits of an escape such as ``\u003d`` may begin a run, so that the rest of it is to be taken along."""
    return not form.characters.issuperset(b"u0123456789abcdefABCDEF")


def _begun(data: bytes, start: int) -> int:
    """Return where the escape begins whose last digits may begin a run, else where the run does."""
    place = data.rfind(b"\\u", max(0, start - ESCAPE), start)
    return start if place < 0 else place


def _any_of(characters: frozenset[int]) -> re.Pattern[bytes]:
    """Return a pattern of one of some characters."""
    return re.compile(b"[%b]" % re.escape(bytes(sorted(characters))) if characters else b"(?!)")


def _unescaped(run: bytes) -> bytes:
    """Undo the escapes of JSON text."""
    return _JSON_ESCAPE.sub(_meant, run)


def _meant(match: re.Match[bytes]) -> bytes:
    """Return what one escape stands for."""
    said = match[1]
    if len(said) == 5:
        return chr(int(said[1:], 16)).encode("utf-8", "replace")
    return _LETTERS.get(said, said)
