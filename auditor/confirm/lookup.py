"""Every candidate in a buffer, under every recipe, looked up at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, NamedTuple, Protocol

from numpy.typing import NDArray

from auditor.confirm.form import Candidate, Cutter, Form
from auditor.confirm.mac import Mac
from auditor.confirm.recipe import Recipe
from auditor.confirm.runs import RunFinder, Spans, bytea_places
from auditor.confirm.settings import FingerprintSettings

if TYPE_CHECKING:
    import numpy as np

#: Bytes of an entry's name: one match by chance in 2^128 comparisons.
WIDTH = 16
#: A buffer of fewer bytes is searched by a regular expression: numpy's calls would take longer.
_SHORT = 2048


class Known(Protocol):
    """Says which entries there are."""

    def __len__(self) -> int:
        """Return how many."""

    def found(self, entries: Sequence[bytes]) -> list[int]:
        """Return the indexes of those that are known, ascending."""


class Match(NamedTuple):
    """A candidate whose fingerprint is known, the public prefix of its form, and the fingerprint's name."""

    candidate: Candidate
    prefix: str
    entry: bytes


class Namer:
    """Names fingerprints of one recipe under the audit's key: HMAC(key, tag of the recipe, fingerprint), cut to `WIDTH`."""

    def __init__(self, recipe: Recipe, key: bytes) -> None:
        """Take the key."""
        self.recipe = recipe
        self._mac = Mac(key, head=recipe.tag)

    def entry(self, fingerprint: bytes) -> bytes:
        """Return the name of a fingerprint."""
        return self._mac.digest(fingerprint)[:WIDTH]

    def entries(self, values: Sequence[bytes]) -> list[bytes]:
        """Return the names of the fingerprints that values have."""
        hashed, inner_of, outer_of = self.recipe.plain(), self._mac.inner, self._mac.outer
        found: list[bytes] = []
        add = found.append
        for value in values:
            inner, outer = inner_of(), outer_of()
            inner.update(hashed(value))
            outer.update(inner.digest())
            add(outer.digest()[:WIDTH])
        return found


class Lookup:
    """
    Looks for tokens whose fingerprints are known.

    Recipes whose tokens have one form share the search for candidates. Several threads may use it.
    """

    def __init__(self, settings: Sequence[FingerprintSettings], recipes: Sequence[Recipe], key: bytes) -> None:
        """Take each column's settings and its recipe."""
        groups: dict[Form, dict[bytes, Namer]] = {}
        for one, recipe in zip(settings, recipes, strict=True):
            groups.setdefault(Form.of(one.token), {})[recipe.tag] = Namer(recipe, key)
        self._groups = [(Cutter(form), RunFinder(form), tuple(namers.values())) for form, namers in groups.items()]

    def candidates(self, data: bytes, cuts: NDArray[np.int64] | None = None) -> Iterator[Candidate]:
        """Yield what may be a token of any form; ``cuts`` as in `matches`."""
        printed, edges = _printed(data), () if cuts is None else cuts.tolist()
        for cutter, finder, _ in self._groups:
            spans = _spans(cutter, finder, data, cuts)
            for start, end in (*spans.whole, *spans.joined):
                yield from cutter.of_run(data, start, end)
            yield from cutter.of_bytea(data, printed, edges)

    def entries(self, value: bytes) -> list[bytes]:
        """Return the names that any token inside a value, or the value itself, would have as a fingerprint."""
        found: dict[bytes, None] = {}
        for cutter, _, namers in self._groups:
            values = list(dict.fromkeys([value, *(candidate.value for candidate in cutter.candidates(value))]))
            for namer in namers:
                found.update(dict.fromkeys(namer.entries(values)))
        return list(found)

    def matches(self, data: bytes, known: Known, cuts: NDArray[np.int64] | None = None) -> list[Match]:
        """
        Return the candidates whose fingerprints are known, in no order.

        ``cuts`` are the places, ascending, where values that lie back to back begin: no token lies on both sides of one.
        """
        if not len(known):
            return []
        matches: list[Match] = []
        printed, edges = _printed(data), () if cuts is None else cuts.tolist()
        for cutter, finder, namers in self._groups:
            spans = _spans(cutter, finder, data, cuts)
            # Rows repeat themselves: what is the same is cut and hashed once.
            unique = {data[start:end] for start, end in spans.whole}
            runs = {data[start:end] for start, end in spans.joined}
            inner = list(cutter.of_bytea(data, printed, edges))
            unique.update(value for run in runs for value in cutter.values(run))
            unique.update(candidate.value for candidate in inner)
            values = list(unique)
            for namer in namers:
                entries = namer.entries(values)
                if there := known.found(entries):
                    by_value = {values[index]: entries[index] for index in there}
                    candidates = [*_holding(data, spans, cutter, by_value.keys()), *inner]
                    matches += [
                        Match(candidate, cutter.form.prefix.decode(), by_value[candidate.value])
                        for candidate in candidates
                        if candidate.value in by_value
                    ]
        return matches


def _holding(data: bytes, spans: Spans, cutter: Cutter, values: AbstractSet[bytes]) -> Iterator[Candidate]:
    """Yield candidates, among them all that have one of these values."""
    for start, end in spans.whole:
        if (run := data[start:end]) in values:
            yield Candidate(start, end, run)
    runs = {data[start:end] for start, end in spans.joined}
    holding = {run for run in runs if not values.isdisjoint(cutter.values(run))}
    for start, end in spans.joined:
        if data[start:end] in holding:
            yield from cutter.of_run(data, start, end)


def _spans(cutter: Cutter, finder: RunFinder, data: bytes, cuts: NDArray[np.int64] | None) -> Spans:
    """Return the runs of one form that are to be tried."""
    if cutter.anchored:
        return Spans((), cutter.prefixed_spans(data, () if cuts is None else cuts.tolist()))
    if len(data) < _SHORT and cuts is None:
        return Spans((), cutter.spans(data))
    return finder.runs(data, cuts)


def _printed(data: bytes) -> Sequence[int] | None:
    r"""Return where ``\\x`` stands in a long buffer."""
    return None if len(data) < _SHORT else bytea_places(data)
