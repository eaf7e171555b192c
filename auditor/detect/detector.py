"""
The inspector of raw tokens: a cheap pass over whole buffers, an exact one over the cells that had a hit.

A batch goes through these steps: (1) the prefilter and the encoded-run stage say in which values something may be, and what to
try on them; (2) rows whose values cannot be found as they lie are decoded, and their cells go through the prefilter again; (3)
exact patterns and judgement; (4) encoded texts are opened and go through the prefilter, too; (5) overlaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from auditor.detect.encoded import decoded_runs, encoded_positions
from auditor.detect.hits import Prefilter, Spot
from auditor.detect.judge import judge
from auditor.detect.overlap import Claim, place_of, settle
from auditor.detect.rulebook import Rulebook
from auditor.detect.setting import setting_of
from auditor.detect.unwrap import DEEPEST, Layer, opened, unwrapped
from auditor.identity import AuditKey
from auditor.model import Cell, Confidence, Gap, Row, Sighting
from auditor.protocols import Engine, Problems, RowBatch
from auditor.redaction import evidence_of, shown_key

#: Text that one row may unwrap to, over all layers; what lies beyond is a gap.
MOST_UNWRAPPED = 16 << 20
#: Secrets of one row that are weighed against each other, which takes the square of their number; more are a gap.
MOST_CLAIMS = 1000


#: (rule id, table, column, path, part, secret id) -> whether such a sighting will be told, and not just counted.
Tells = Callable[[str, str, str, str, str, str], bool]


def always(*_sighting: str) -> bool:
    """Tell everything."""
    return True


class _Search(NamedTuple):
    """A text, and what to do with it: rules to try, and whether it holds a run that may be encoded."""

    layer: Layer
    rules: set[int]
    encoded: bool


class Detector:
    """Finds raw tokens in batches. One instance a thread (the engine's scratch space is not shared)."""

    def __init__(
        self, rulebook: Rulebook, engine: Engine, key: AuditKey, *, uri: str, problems: Problems, tells: Tells = always
    ) -> None:
        """Take compiled rules, the engine that was made from their expressions, and who says what need not be described."""
        self._tells = tells
        self._rules = rulebook.rules
        self._rules_of = rulebook.owners
        self._of_encoded = rulebook.of_encoded
        self._whole_row = frozenset(index for index, compiled in enumerate(rulebook.rules) if compiled.whole_row)
        self._engine = engine
        self._prefilter = Prefilter(rulebook, engine)
        self._key = key
        self._uri = uri
        self._problems = problems
        self._shown = lru_cache(maxsize=4096)(self.scrub)

    def inspect(self, batch: RowBatch) -> Iterator[Sighting]:
        """Yield confirmed secrets in row order; see `auditor.protocols.Inspector`."""
        for index, located, spots in self._prefilter.hits(batch):
            number = batch.row_number(index)
            if located is not None:
                searches = self._spotted(located.cells, spots)
                if searches is not None:
                    if claims := self._claims(located.cells, searches, number):
                        yield from self._sightings(batch, index, located, settle(claims), whole=False)
                    continue
            first = batch.decode(index)
            for row in (first, *first.also):
                if claims := self._claims(row.cells, self._search_all(_opened(row.cells)), number):
                    yield from self._sightings(batch, index, row, settle(claims), whole=True)

    def _spotted(self, cells: Sequence[Cell], spots: Sequence[Spot]) -> list[_Search] | None:
        """Return what to try on the cells of a row that were found without decoding it; None if a rule wants the whole row."""
        searches: list[_Search] = []
        for cell, (rules, encoded) in zip(cells, spots, strict=True):
            if not rules.isdisjoint(self._whole_row):
                return None
            layers = opened(cell)
            if len(layers) == 1 and layers[0].cell is cell:
                searches.append(_Search(layers[0], rules, encoded))
            else:
                searches += self._search_all(layers)
        return searches

    def _row_key(self, row: Row, claims: Sequence[Claim]) -> str:
        """Show a row's key; a part that is one of the row's secrets is none of the plain words that may be shown."""
        secrets = {claim.secret for claim in claims}
        parts = [(self._shown(name), value) for name, value in row.key]
        hidden = [(name, f"\0{value}" if str(value) in secrets else value) for name, value in parts]
        return shown_key(hidden, self._key.digest)

    def scrub(self, text: str) -> str:
        """Return a text with every secret in it replaced by its redacted form: for names, paths, addresses and logs."""
        if len(text) < 8:
            return text
        shown = text
        cells = [Cell("after", "", "{name}", text)]
        claims = settle(self._claims(cells, self._search_all(_opened(cells)), 0))
        for claim in sorted(claims, key=place_of, reverse=True):
            start, end = place_of(claim)
            prefix = _prefix(self._rules[claim.rule].rule.prefixes, claim.secret)
            shown = shown[:start] + evidence_of(claim.secret, prefix).redacted + shown[end:]
        return shown

    def _claims(self, cells: Sequence[Cell], frontier: list[_Search], number: int) -> list[Claim]:
        """Return what the rules claim in one row, whose cells are known to hold something at the searches given."""
        claims: list[Claim] = []
        whole_row: set[int] = set()
        texts: list[Layer] = []
        left = MOST_UNWRAPPED
        while frontier:
            inner: list[Layer] = []
            for layer, rules, encoded in frontier:
                texts.append(layer)
                for rule in rules | self._of_encoded if encoded else rules:
                    if rule in self._whole_row:
                        whole_row.add(rule)
                    else:
                        self._try(rule, layer, claims)
                left = self._unwrap(layer, inner, left, number, known=_proved(layer, claims) if encoded else None)
            frontier = self._search_all(inner)
        if whole_row:
            seen = {id(layer.cell) for layer in texts}
            texts += [layer for cell in cells if id(cell) not in seen for layer in opened(cell)]
            for rule in whole_row:
                for layer in texts:
                    self._try(rule, layer, claims)
        if len(claims) >= MOST_CLAIMS:
            self._problems.gap(Gap(self._uri, f"over {MOST_CLAIMS} secrets in one row; the others were not told", row=number))
        return claims

    def _unwrap(
        self, layer: Layer, inner: list[Layer], left: int, number: int, *, known: Sequence[tuple[int, int]] | None
    ) -> int:
        """
        Append what is inside a text; return how much more may be unwrapped in its row. A bound that bites is a gap.

        ``known`` are the spans of secrets that need not be opened, None if the text holds no encoded run.
        """
        encoded = known is not None
        if known is not None and layer.depth >= DEEPEST and any(decoded_runs(layer.text, known)):
            self._problems.gap(Gap(self._uri, f"text encoded over {DEEPEST} times; the innermost was not scanned", row=number))
        for deeper in unwrapped(layer, encoded=encoded, known=known or ()):
            left -= len(deeper.text)
            if left < 0:
                reason = f"a row's encoded text unwraps to more than {MOST_UNWRAPPED >> 20} MiB; the rest was not scanned"
                self._problems.gap(Gap(self._uri, reason, row=number))
                break
            inner.append(deeper)
        return left

    def _search_all(self, layers: Sequence[Layer]) -> list[_Search]:
        """Run both stages over many texts at once, and say what to do with each."""
        if not layers:
            return []
        raw = [layer.text.encode("utf-8", "replace") for layer in layers]
        ends = np.cumsum(np.fromiter((len(part) + 1 for part in raw), dtype=np.int64, count=len(raw)))
        joined = b"\n".join(raw) + b"\n"
        searches = [_Search(layer, set(), encoded=False) for layer in layers]
        events = self._engine.search(joined)
        if events:
            owners = np.searchsorted(ends, np.array([position for _, position in events], dtype=np.int64), side="right")
            for (expression, _), owner in zip(events, owners.tolist(), strict=True):
                searches[owner].rules.update(self._rules_of[expression])
        for owner in set(np.searchsorted(ends, encoded_positions(joined), side="right").tolist()):
            searches[owner] = searches[owner]._replace(encoded=True)
        return searches

    def _try(self, number: int, layer: Layer, claims: list[Claim]) -> None:
        """Run one rule's exact pattern over one text."""
        compiled = self._rules[number]
        for match in compiled.matches(layer.text):
            if len(claims) >= MOST_CLAIMS:
                return
            judged = judge(compiled, match)
            if judged is not None:
                secret, start, end, confidence = judged
                setting = setting_of(layer.text, match)
                claims.append(Claim(number, compiled.rank, secret, confidence, start, end, layer, setting))

    def _sightings(self, batch: RowBatch, index: int, row: Row, claims: Sequence[Claim], *, whole: bool) -> Iterator[Sighting]:
        """
        Turn a row's claims into sightings without plaintext; a row that is not ``whole`` is decoded again if its key is told.

        The same secret at the same place in ``after`` and ``before`` of one event is one sighting, in ``after``.
        """
        current = {_place_of(claim) for claim in claims if claim.layer.cell.part == "after"} if len(claims) > 1 else frozenset()
        seen: set[tuple[str, str, str, str, str, str]] = set()
        row_key = ""
        table = self._shown(batch.table_of(row))
        for claim in claims:
            part, column, path, _ = claim.layer.cell
            if part == "before" and _place_of(claim) in current:
                continue
            rule = self._rules[claim.rule]
            secret_id = self._key.secret_id(claim.secret)
            column, path = self._shown(column), self._shown(path)
            place = (rule.rule.id, table, column, path, part, secret_id)
            if place in seen:
                continue
            seen.add(place)
            evidence = None
            if self._tells(*place):
                if not whole:
                    row, whole = batch.decode(index), True
                row_key = row_key or self._row_key(row, claims)
                evidence = evidence_of(claim.secret, _prefix(rule.rule.prefixes, claim.secret), claim.layer.decoded_by)
            yield Sighting(
                rule.rule.id,
                secret_id,
                table,
                column,
                path,
                part,
                batch.row_number(index),
                row_key if evidence else "",
                row.updated,
                rule.severity,
                claim.confidence,
                claim.setting,
                evidence,
            )


def _opened(cells: Sequence[Cell]) -> list[Layer]:
    """Return the layers of all cells as read."""
    return [layer for cell in cells for layer in opened(cell)]


def _proved(layer: Layer, claims: Sequence[Claim]) -> list[tuple[int, int]]:
    """Return the spans of the secrets of a text whose form is proved."""
    return [
        (claim.start, claim.end) for claim in claims if claim.layer is layer and claim.confidence is Confidence.CONFIRMED_FORMAT
    ]


def _place_of(claim: Claim) -> tuple[int, str, str, str]:
    """Return what a secret in ``before`` is compared with one in ``after`` by."""
    return (claim.rule, claim.secret, claim.layer.cell.column, claim.layer.cell.path)


def _prefix(prefixes: Sequence[str], secret: str) -> str:
    """Return the longest public prefix that the secret begins with."""
    return max((prefix for prefix in prefixes if secret.startswith(prefix)), key=len, default="")
