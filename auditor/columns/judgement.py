"""
From a column's name and what its values look like together to a verdict.

Neither alone is enough: 32 random bytes and a SHA-256 look alike, and a column named `token` may count them. The order is that of
certainty: what values say by themselves (a bcrypt hash, a masked number, a password inside a URL), what the name rules out, what
the name and the look of the values say together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from auditor.columns.by_name import by_name
from auditor.columns.features import Flags
from auditor.columns.forms import Form
from auditor.columns.naming import Meaning, Role, meaning_of
from auditor.columns.observed import Observed
from auditor.columns.opinion import Opinion, ordinary, raw
from auditor.columns.population import Population
from auditor.columns.profile import Leaf
from auditor.columns.verdict import Classification, Counts, Verdict
from auditor.model import Confidence, Evidence, Severity

#: Fewer values than this decide nothing, unless the name is a token's and the values look like tokens: then this many do.
ENOUGH = 100
_FEW = {Confidence.HIGH: 20, Confidence.MEDIUM: 50}
#: Values of another kind than the rest of a column: this many, and this share.
_STRAY, _STRAY_SHARE = 10, 0.03
_SAFE = (Form.HASH, Form.PASSWORD_HASH, Form.CIPHERTEXT, Form.MASKED, Form.POINTER, Form.PUBLIC, Form.BLOB)
_NOT_TEXT = ("BOOL", "INT", "FLOAT", "DECIMAL", "NUMERIC", "DATE", "TIME", "INTERVAL", "INET", "GEO", "BIT", "VARBIT", "TSVECTOR")


def judged(
    table: str, leaves: Mapping[Leaf, Observed], types: Mapping[str, str], claimed: AbstractSet[tuple[str, str]]
) -> Iterator[Verdict]:
    """Yield the verdict on each leaf of a table that no rule has claimed."""
    columns = {leaf.column for leaf in leaves}
    for leaf, seen in leaves.items():
        if leaf in claimed:
            continue
        meaning = meaning_of(leaf.column, leaf.path, table, columns - {leaf.column})
        population = Population(seen.entries)
        opinion = _opinion(population, meaning, "" if leaf.path else types.get(leaf.column, ""))
        alphabet = population.alphabet[0]
        yield Verdict(
            table,
            leaf.column,
            leaf.path,
            opinion.classification,
            opinion.confidence,
            opinion.severity,
            meaning.kind,
            opinion.reasons,
            _counts(seen, population, alphabet),
            Evidence("...", population.median, alphabet),
        )


def _counts(seen: Observed, population: Population, alphabet: str) -> Counts:
    """Count what a verdict rests on."""
    lengths = population.lengths
    filled = round(seen.filled)
    distinct = population.different if seen.whole else min(max(filled, population.different), population.distinct)
    share = 1 - min(1.0, seen.filled / seen.rows) if seen.rows else 0.0
    return Counts(
        population.size, filled, round(share, 3), distinct, (int(lengths[0]), population.median, int(lengths[-1])), alphabet
    )


def _opinion(population: Population, meaning: Meaning, declared: str) -> Opinion:
    """Weigh name and values, with what few values cannot decide left open."""
    opinion = _weighed(population, meaning, declared)
    if population.size >= ENOUGH or opinion.classification is Classification.UNCLEAR:
        return opinion
    if population.size >= _FEW.get(opinion.confidence, ENOUGH):
        return opinion._replace(confidence=Confidence.MEDIUM, reasons=(*opinion.reasons, f"only {population.size} values so far"))
    return Opinion(Classification.UNCLEAR, Confidence.LOW, (f"only {population.size} values so far",))


def _weighed(population: Population, meaning: Meaning, declared: str) -> Opinion:
    """Weigh name and values."""
    by_urls = _urls(population, meaning)
    if by_urls is not None:
        return by_urls
    safe = population.form(*_SAFE)
    rest = population.without(*_SAFE) if safe else population
    if safe and (rest.size < _STRAY or rest.size < _STRAY_SHARE * population.size):
        return _framed(population)
    if declared.upper().startswith(_NOT_TEXT) and meaning.role not in (Role.CODE, Role.PASSWORD):
        return ordinary(f"its type is {declared.split('(', maxsplit=1)[0].upper()}")
    opinion = by_name(rest, meaning)
    if safe > 0.5 and opinion.classification is not Classification.RAW_TOKEN:
        return _framed(population)
    if safe > 0.1 and opinion.classification is Classification.RAW_TOKEN:
        return opinion._replace(
            reasons=(*opinion.reasons, f"{rest.size} of {population.size} values are not hashed or masked as the others are")
        )
    return opinion


def _framed(population: Population) -> Opinion:
    """Judge a column of values that say what they are."""
    form = max(population.forms, key=lambda one: population.forms[one] if one in _SAFE else 0)
    share = population.form(*_SAFE)
    reason = f"{share:.0%} of the values say that they are {_NAMES[form]}"
    hashed = population.form(Form.HASH, Form.PASSWORD_HASH, Form.CIPHERTEXT) > 0.5 * share
    kind = Classification.HASH_OR_CIPHERTEXT if hashed else Classification.ORDINARY
    return Opinion(kind, Confidence.HIGH, (reason,))


_NAMES = {
    Form.HASH: "digests",
    Form.PASSWORD_HASH: "password hashes",
    Form.CIPHERTEXT: "ciphertexts",
    Form.MASKED: "masked",
    Form.POINTER: "references to a secret store",
    Form.PUBLIC: "public keys or certificates",
    Form.BLOB: "encoded files",
    Form.IDENTIFIER: "identifiers",
    Form.UUID: "UUIDs",
    Form.NONE: "none of the known forms",
}


def _urls(population: Population, meaning: Meaning) -> Opinion | None:
    """Judge addresses that carry what opens them."""
    if population.flagged(Flags.PASSWORD_IN_URL) > 0.1:
        reason = f"{population.flagged(Flags.PASSWORD_IN_URL):.0%} of the values are addresses with a password"
        return Opinion(Classification.RAW_TOKEN, Confidence.HIGH, (reason,), Severity.HIGH)
    tokens = population.flagged(Flags.TOKEN_IN_URL)
    if meaning.role is Role.LINK and tokens > 0.1:
        reasons = (
            f"the name is that of a link that logs in or confirms ({meaning.kind or 'link'})",
            f"{tokens:.0%} of the values carry a token",
        )
        return raw(Confidence.HIGH, meaning, *reasons)
    if population.flagged(Flags.LED_BY_SCHEME) > 0.3 and population.different > 0.1 * population.size:
        reason = "the values are those of an Authorization header"
        return Opinion(Classification.RAW_TOKEN, Confidence.HIGH, (reason,), Severity.HIGH)
    if population.flagged(Flags.URL) > 0.5:
        return ordinary("most values are addresses")
    return None
