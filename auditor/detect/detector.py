"""
The inspector of raw tokens: a cheap pass over whole buffers, an exact one over the decoded cells of rows that had a hit.

A batch goes through five steps, each over the whole batch, never row by row: (1) the prefilter and the encoded-run stage mark rows; (2) marked
rows are decoded; (3) their cells' texts are joined and go through the prefilter again, which names the rules to try on each text,
however the row was written: so that the same row gives the same findings in every format; (4) encoded texts are opened and go
through (3) again; (5) exact patterns, judgement, overlaps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from auditor.detect.encoded import encoded_positions
from auditor.detect.judge import judge
from auditor.detect.overlap import Claim, settle
from auditor.detect.rulebook import Rulebook
from auditor.detect.setting import setting_of
from auditor.detect.unwrap import Layer, opened, unwrapped
from auditor.identity import AuditKey
from auditor.model import Cell, Gap, Row, Sighting
from auditor.protocols import Engine, Problems, RowBatch
from auditor.redaction import evidence_of, shown_key

#: Text that one row may unwrap to, over all layers; what lies beyond is a gap.
MOST_UNWRAPPED = 16 << 20
_NEWLINE = "\n"


class _Place(NamedTuple):
    """A decoded row of a batch, with the number it is reported under."""

    row: Row
    number: int


class Detector:
    """Finds raw tokens in batches. One instance a thread (the engine's scratch space is not shared)."""

    def __init__(self, rulebook: Rulebook, engine: Engine, key: AuditKey, *, uri: str, problems: Problems) -> None:
        """Take compiled rules and the engine that was made from their expressions."""
        self._rules = rulebook.rules
        self._engine = engine
        self._key = key
        self._uri = uri
        self._problems = problems
        self._shown = lru_cache(maxsize=4096)(self.scrub)

    def inspect(self, batch: RowBatch) -> Iterator[Sighting]:
        """Yield confirmed secrets in row order; see `auditor.protocols.Inspector`."""
        indexes = self._marked(batch)
        if not indexes:
            return
        places = [
            _Place(row, batch.row_number(index))
            for index in indexes
            for first in (batch.decode(index),)
            for row in (first._replace(also=()), *first.also)
        ]
        claims = self._claims(places)
        for position, place in enumerate(places):
            found = claims.get(position)
            if found:
                yield from self._sightings(batch, place, settle(found))

    def scrub(self, text: str) -> str:
        """Return a text with every secret in it replaced by its redacted form: for names, paths, addresses and logs."""
        if len(text) < 8:
            return text
        claims = self._claims([_Place(Row([Cell("after", "", "{name}", text)]), 0)]).get(0)
        if not claims:
            return text
        shown = text
        for claim in sorted(settle(claims), key=lambda claim: -claim.layer.span[0] - claim.start):
            start, end = claim.layer.span if claim.layer.decoded_by else (claim.start, claim.end)
            prefix = _prefix(self._rules[claim.rule].rule.prefixes, claim.secret)
            shown = shown[:start] + evidence_of(claim.secret, prefix).redacted + shown[end:]
        return shown

    def _marked(self, batch: RowBatch) -> list[int]:
        """Return the ascending indexes of rows in which something may be."""
        marked: set[int] = set()
        for haystack in batch.haystacks():
            positions = [position for _, position in self._engine.search(haystack.data)]
            encoded = encoded_positions(haystack.data)
            if positions or len(encoded):
                where = np.concatenate((np.unique(np.array(positions, dtype=np.int64)), encoded))
                marked.update(np.unique(haystack.rows(where)).tolist())
        return sorted(marked)

    def _claims(self, places: Sequence[_Place]) -> dict[int, list[Claim]]:
        """Return what the rules claim, by index of the place."""
        frontier = [(index, layer) for index, place in enumerate(places) for cell in place.row.cells for layer in opened(cell)]
        claims: dict[int, list[Claim]] = {}
        whole_row: dict[int, set[int]] = {}
        texts: dict[int, list[Layer]] = {}
        spent: dict[int, int] = {}
        while frontier:
            rules_of, encoded = self._search_texts([layer.text for _, layer in frontier])
            inner: list[tuple[int, Layer]] = []
            for order, (index, layer) in enumerate(frontier):
                texts.setdefault(index, []).append(layer)
                for number in rules_of.get(order, ()):
                    if self._rules[number].whole_row:
                        whole_row.setdefault(index, set()).add(number)
                    else:
                        self._try(number, layer, claims.setdefault(index, []))
                for deeper in unwrapped(layer, encoded=order in encoded):
                    spent[index] = spent.get(index, 0) + len(deeper.text)
                    if spent[index] > MOST_UNWRAPPED:
                        self._too_much(places[index])
                        break
                    inner.append((index, deeper))
            frontier = inner
        for index, numbers in whole_row.items():
            for number in numbers:
                for layer in texts[index]:
                    self._try(number, layer, claims.setdefault(index, []))
        return claims

    def _search_texts(self, texts: Sequence[str]) -> tuple[dict[int, set[int]], set[int]]:
        """Run both stages over many texts at once; return the rules to try on each, and which hold encoded runs."""
        raw = [text.encode("utf-8", "replace") for text in texts]
        ends = np.cumsum(np.fromiter((len(part) + 1 for part in raw), dtype=np.int64, count=len(raw)))
        joined = b"\n".join(raw) + b"\n"
        rules_of: dict[int, set[int]] = {}
        events = self._engine.search(joined)
        if events:
            owners = np.searchsorted(ends, np.array([position for _, position in events], dtype=np.int64), side="right")
            for (number, _), owner in zip(events, owners.tolist(), strict=True):
                rules_of.setdefault(owner, set()).add(number)
        encoded = np.searchsorted(ends, encoded_positions(joined), side="right")
        return rules_of, set(encoded.tolist())

    def _try(self, number: int, layer: Layer, claims: list[Claim]) -> None:
        """Run one rule's exact pattern over one text."""
        compiled = self._rules[number]
        for match in compiled.matches(layer.text):
            judged = judge(compiled, match)
            if judged is not None:
                secret, start, end, confidence = judged
                setting = setting_of(layer.text, match)
                claims.append(Claim(number, compiled.rank, secret, confidence, start, end, layer, setting))

    def _too_much(self, place: _Place) -> None:
        """Say that a row's encodings were not all undone."""
        reason = f"a row's encoded text unwraps to more than {MOST_UNWRAPPED >> 20} MiB; the rest was not scanned"
        self._problems.gap(Gap(self._uri, reason, row=place.number))

    def _sightings(self, batch: RowBatch, place: _Place, claims: Sequence[Claim]) -> Iterator[Sighting]:
        """
        Turn a row's claims into sightings without plaintext.

        The same secret at the same place in ``after`` and ``before`` of one event is one sighting, in ``after``.
        """
        current = {
            (claim.rule, claim.secret, claim.layer.cell.column, claim.layer.cell.path)
            for claim in claims
            if claim.layer.cell.part == "after"
        }
        seen: set[tuple[str, str, str, str, str]] = set()
        row_key = shown_key(place.row.key, self._key.digest)
        table = self._shown(batch.table_of(place.row))
        for claim in claims:
            part, column, path, _ = claim.layer.cell
            if part == "before" and (claim.rule, claim.secret, column, path) in current:
                continue
            compiled = self._rules[claim.rule]
            secret_id = self._key.secret_id(claim.secret)
            place_of = (compiled.rule.id, secret_id, part, column, path)
            if place_of in seen:
                continue
            seen.add(place_of)
            prefix = _prefix(compiled.rule.prefixes, claim.secret)
            yield Sighting(
                rule_id=compiled.rule.id,
                secret_id=secret_id,
                table=table,
                column=self._shown(column),
                path=self._shown(path),
                part=part,
                row=place.number,
                row_key=row_key,
                updated=place.row.updated,
                severity=compiled.severity,
                confidence=claim.confidence,
                setting=claim.setting,
                evidence=evidence_of(claim.secret, prefix, claim.layer.decoded_by),
            )


def _prefix(prefixes: Sequence[str], secret: str) -> str:
    """Return the longest public prefix that the secret begins with."""
    return max((prefix for prefix in prefixes if secret.startswith(prefix)), key=len, default="")
