"""
The inspector of raw tokens: a cheap pass over whole buffers, an exact one over the cells that had a hit.

A batch goes through these steps: (1) the prefilter and the encoded-run stage say in which values something may be, and what to
try on them; (2) rows whose values cannot be found as they lie are decoded, and their cells known by the clues that the prefilter
left; (3) exact patterns and judgement; (4) encoded texts are opened and go through the prefilter, too; (5) overlaps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from auditor.detect.encoded import decoded_runs
from auditor.detect.hits import Prefilter, Spot
from auditor.detect.judge import judge
from auditor.detect.overlap import Claim, place_of, settle
from auditor.detect.rulebook import Rulebook
from auditor.detect.setting import setting_of
from auditor.detect.unwrap import DEEPEST, Layer, opened, unwrapped
from auditor.identity import AuditKey
from auditor.model import Cell, Confidence, Gap, Row, Sighting
from auditor.protocols import Problems, RowBatch
from auditor.redaction import evidence_of, shown_key

#: Text that one row may unwrap to, over all layers; what lies beyond is a gap.
MOST_UNWRAPPED = 16 << 20
#: Secrets of one row that are weighed against each other, which takes the square of their number; more are a gap.
MOST_CLAIMS = 1000
#: Clues of one record that are looked for in its cells.
MOST_CLUES = 16
_MOST_NAMES = 4096


#: (rule id, table, column, path, part, secret id) -> whether such a sighting will be told, and not just counted.
Tells = Callable[[str, str, str, str, str, str], bool]


def always(*_sighting: str) -> bool:
    """Tell everything."""
    return True


class _Search(NamedTuple):
    """A text, and what to try on it."""

    layer: Layer
    spot: Spot


class Detector:
    """Finds raw tokens in batches. One instance a thread (the engine's scratch space is not shared)."""

    def __init__(
        self, rulebook: Rulebook, prefilter: Prefilter, key: AuditKey, *, uri: str, problems: Problems, tells: Tells = always
    ) -> None:
        """Take compiled rules, the prefilter that was made from them, and who says what need not be described."""
        self._tells = tells
        self._rules = rulebook.rules
        self._prefilter = prefilter
        self._key = key
        self._uri = uri
        self._problems = problems
        self._names: dict[str, str] = {}

    def inspect(self, batch: RowBatch) -> Iterator[Sighting]:
        """Yield confirmed secrets in row order; see `auditor.protocols.Inspector`."""
        for index, located, spots, clues in self._prefilter.hits(batch):
            number = batch.row_number(index)
            if located is not None:
                if claims := self._claims(located.cells, self._searches(located.cells, spots), number):
                    yield from self._sightings(batch, index, located, settle(claims), whole=False)
                continue
            first = batch.decode(index)
            rows = (first, *first.also)
            for row, searches in zip(rows, self._clued(rows, clues), strict=True):
                if claims := self._claims(row.cells, searches, number):
                    yield from self._sightings(batch, index, row, settle(claims), whole=True)

    def _searches(self, cells: Sequence[Cell], spots: Sequence[Spot]) -> list[_Search]:
        """Return what to try on cells, each of which has its spot; one that holds JSON is searched again, member by member."""
        searches: list[_Search] = []
        for cell, spot in zip(cells, spots, strict=True):
            layers = opened(cell)
            if layers[0].cell is cell:
                searches.append(_Search(layers[0], spot))
            else:
                searches += self._search_all(layers)
        return searches

    def _clued(self, rows: Sequence[Row], clues: Sequence[tuple[str, Spot]]) -> list[list[_Search]]:
        """
        Return what to try on each of some rows, whose cells are known by clues.

        A clue that no cell holds as it is (the format had encoded the whole record) has every cell searched once more, and so
        have many clues: each is looked for in every cell.
        """
        found: list[dict[tuple[int, int], tuple[Layer, list[Spot]]]] = [{} for _ in rows]
        opened_cells: dict[int, list[Layer]] = {}
        for clue, spot in clues[:MOST_CLUES]:
            held = False
            for row, searches in zip(rows, found, strict=True):
                for place, cell in enumerate(row.cells):
                    if clue not in cell.text:
                        continue
                    layers = opened_cells.get(id(cell))
                    if layers is None:
                        layers = opened_cells[id(cell)] = opened(cell)
                    for inner, layer in enumerate(layers):
                        if clue in layer.text:
                            searches.setdefault((place, inner), (layer, []))[1].append(spot)
                            held = True
            if not held or len(clues) > MOST_CLUES:
                return [self._search_all(_opened(row.cells)) for row in rows]
        joined = self._prefilter.joined
        return [[_Search(layer, joined(tuple(there))) for _, (layer, there) in sorted(one.items())] for one in found]

    def _row_key(self, row: Row, claims: Sequence[Claim]) -> str:
        """Show a row's key; a part that is one of the row's secrets is none of the plain words that may be shown."""
        secrets = {claim.secret for claim in claims}
        parts = [(self.shown(name), value) for name, value in row.key]
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

    def shown(self, name: str) -> str:
        """Return a name of a table, a column or a path without secrets: the few of an input are looked at once."""
        known = self._names.get(name)
        if known is None:
            if len(self._names) >= _MOST_NAMES:
                self._names.clear()
            known = self._names[name] = self.scrub(name)
        return known

    def _claims(self, cells: Sequence[Cell], frontier: list[_Search], number: int) -> list[Claim]:
        """Return what the rules claim in one row, whose cells are known to hold something at the searches given."""
        claims: list[Claim] = []
        whole_row: set[int] = set()
        texts: list[Layer] = []
        left = MOST_UNWRAPPED
        while frontier:
            inner: list[Layer] = []
            for layer, spot in frontier:
                texts.append(layer)
                rules = spot.rules
                if spot.whole_row:
                    whole_row.update(rule for rule in rules if self._rules[rule].whole_row)
                    rules = tuple(rule for rule in rules if not self._rules[rule].whole_row)
                proved = self._try_all(rules, layer, claims)
                if not proved and (spot.encoded or layer.depth or "%" in layer.text):
                    left = self._unwrap(layer, inner, left, number, known=_proved(layer, claims) if spot.encoded else None)
            frontier = self._search_all(inner)
        if whole_row:
            seen = {id(layer.cell) for layer in texts}
            texts += [layer for cell in cells if id(cell) not in seen for layer in opened(cell)]
            rules = tuple(sorted(whole_row, key=lambda rule: (-self._rules[rule].rank, rule)))
            for layer in texts:
                self._try_all(rules, layer, claims)
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
        """Search many texts at once, and say what to try on each."""
        if not layers:
            return []
        return list(map(_Search, layers, self._prefilter.spots([layer.text for layer in layers])))

    def _try_all(self, rules: Sequence[int], layer: Layer, claims: list[Claim]) -> bool:
        """
        Run the exact patterns of rules, the most specific first, over one text.

        Return whether all of the text is a secret of proved form: then no rule further on could claim any of it (see `settle`),
        and there is nothing inside that is not part of it.
        """
        text = layer.text
        for number in rules:
            compiled = self._rules[number]
            for match in compiled.matches(text):
                if len(claims) >= MOST_CLAIMS:
                    return False
                judged = judge(compiled, match)
                if judged is not None:
                    secret, start, end, confidence = judged
                    setting = setting_of(text, *match.span())
                    claims.append(Claim(number, compiled.rank, secret, confidence, start, end, layer, setting))
                    if confidence is Confidence.CONFIRMED_FORMAT and end - start == len(text) == len(secret):
                        return True
        return False

    def _sightings(self, batch: RowBatch, index: int, row: Row, claims: Sequence[Claim], *, whole: bool) -> Iterator[Sighting]:
        """
        Turn a row's claims into sightings without plaintext; a row that is not ``whole`` is decoded again if its key is told.

        The same secret at the same place in ``after`` and ``before`` of one event is one sighting, in ``after``.
        """
        several = len(claims) > 1
        current = {_place_of(claim) for claim in claims if claim.layer.cell.part == "after"} if several else frozenset()
        seen: set[tuple[str, str, str, str, str, str]] = set()
        row_key = ""
        table = self.shown(batch.table_of(row))
        for claim in claims:
            part, column, path, _ = claim.layer.cell
            if part == "before" and _place_of(claim) in current:
                continue
            rule = self._rules[claim.rule]
            secret_id = self._key.secret_id(claim.secret)
            column, path = self.shown(column), self.shown(path)
            place = (rule.rule.id, table, column, path, part, secret_id)
            if several:
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
                place[0],
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
                row.written,
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
