"""One secret, one finding: where claims overlap, the most specific one stands."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

from auditor.detect.unwrap import Layer
from auditor.model import Confidence, Setting


class Claim(NamedTuple):
    """A rule's claim to a secret; ``start`` and ``end`` are its place in the layer's text."""

    rule: int
    rank: int
    secret: str
    confidence: Confidence
    start: int
    end: int
    layer: Layer
    setting: Setting


def settle(claims: list[Claim]) -> list[Claim]:
    """
    Return the claims that stand, in the order of their cells and places.

    Claims about the same secret compete. First the specificity of the rule decides (a vendor's prefix before a structure
    before a context), then confidence, then the claim with the fewest decodings, then the longer secret, then the earlier
    rule. A claim on a text whose JSON was opened gives way to the same secret's claim on the member that holds it. What is not
    proved and only a stretch of a longer secret that is, is none: any three letters turn up in signatures.
    """
    if len(claims) == 1:
        return claims
    by_cell: dict[int, list[Claim]] = {}
    for claim in claims:
        by_cell.setdefault(id(claim.layer.cell), []).append(claim)
    standing: list[Claim] = []
    for rivals in by_cell.values():
        kept: list[Claim] = []
        proved = [claim for claim in rivals if claim.confidence is Confidence.CONFIRMED_FORMAT]
        for claim in sorted(rivals, key=_strength):
            if not any(_stretch_of(claim, other) for other in proved) and not any(_same_secret(claim, other) for other in kept):
                kept.append(claim)
        kept.sort(key=lambda claim: (claim.layer.span, claim.start, claim.end, claim.rule))
        standing.extend(kept)
    if len(by_cell) == 1:
        return standing
    return [claim for claim in standing if not any(_inside(other, claim) for other in standing)]


def _strength(claim: Claim) -> tuple[int, int, int, int, int]:
    """Sort the stronger claim first."""
    return (-claim.rank, -claim.confidence, claim.layer.depth, -len(claim.secret), claim.rule)


def _stretch_of(claim: Claim, proved: Claim) -> bool:
    """Tell whether a claim that is not proved lies inside of a longer one that is."""
    return (
        claim.confidence is not Confidence.CONFIRMED_FORMAT
        and claim.layer is proved.layer
        and proved.start <= claim.start
        and claim.end <= proved.end
        and claim.end - claim.start < proved.end - proved.start
    )


def _same_secret(one: Claim, other: Claim) -> bool:
    """Tell whether two claims in one cell are about the same secret."""
    if one.secret == other.secret:
        return True
    if one.layer is other.layer:
        return one.start < other.end and other.start < one.end
    first, second = unquote(one.secret), unquote(other.secret)
    if first in second or second in first:
        return True
    if "percent" in one.layer.decoded_by or "percent" in other.layer.decoded_by:
        return False  # a percent-decoded text as a whole has the place of its original: that says nothing
    (start, end), (other_start, other_end) = place_of(one), place_of(other)
    return start < other_end and other_start < end and one.layer.decoded_by != other.layer.decoded_by


def place_of(claim: Claim) -> tuple[int, int]:
    """Return a claim's place in the cell's own text: for one in a decoded run, the part of the run that it came from."""
    layer = claim.layer
    if not layer.decoded_by:
        return claim.start, claim.end
    start, end = layer.span
    if len(layer.decoded_by) == 1 and layer.text.isascii():
        if layer.decoded_by[0] == "hex":
            return start + 2 * claim.start, start + 2 * claim.end
        if layer.decoded_by[0].startswith("base64"):
            return start + claim.start // 3 * 4, min(end, start + -(-claim.end // 3) * 4)
    return start, end


def _inside(inner: Claim, outer: Claim) -> bool:
    """Tell whether ``inner`` is the same secret at a deeper path of the same value: a member of an object offered whole, too."""
    one, other = inner.layer.cell, outer.layer.cell
    return (
        inner.secret == outer.secret
        and one.part == other.part
        and one.column == other.column
        and len(one.path) > len(other.path)
        and one.path.startswith(other.path)
        and one.path[len(other.path)] in ".[$"
    )
