"""From a match of an exact pattern to a verdict: placeholder, too regular, proved, or plausible."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from math import log2
from typing import Any, NamedTuple
from urllib.parse import unquote

from auditor.detect.checks import Verdict
from auditor.detect.rule import Innermost
from auditor.detect.rulebook import CompiledRule
from auditor.model import Confidence

#: What documentation, masking and templates leave behind; looked for in the secret, in any case.
_PLACEHOLDER = re.compile(
    r"example|x{5}|\*{3}|0{8}|1234567890|changeme|change_me|your[_-]|placeholder|redacted|dummy|\.\.\.|•{3}"
    r"|^\$?\{.*\}$|^<.*>$|^\$\(.*\)$|^%[sd(]|^\[.*\]$|^(.)\1*$",
    re.IGNORECASE,
)
_BY_KIND = {"vendor": Confidence.HIGH, "structure": Confidence.HIGH, "context": Confidence.MEDIUM}


class Judged(NamedTuple):
    """A secret that stands, where it lies in its text, and how sure that is."""

    secret: str
    start: int
    end: int
    confidence: Confidence


def judge(compiled: CompiledRule, match: Any) -> Judged | None:
    """Return the secret of a match, or None if it is none."""
    rule = compiled.rule
    group = "secret" if "secret" in compiled.pattern.groupindex else 0
    secret = match[group]
    start, end = match.span(group)
    matched = match[0]
    if not secret or _PLACEHOLDER.search(secret):
        return None
    if rule.placeholders and any(word in matched.lower() for word in (text.lower() for text in rule.placeholders)):
        return None
    if rule.min_entropy and entropy(secret) < rule.min_entropy:
        return None
    confidence = _BY_KIND[rule.specificity]
    for check in compiled.checks:
        verdict = check(secret, matched)
        if verdict is Verdict.REJECTED:
            return None
        if verdict is Verdict.FAILED:
            confidence = Confidence.LOW
        elif verdict is Verdict.PROVEN and confidence is not Confidence.LOW:
            confidence = Confidence.CONFIRMED_FORMAT
    innermost = _innermost(secret, rule.innermost)
    if not innermost or (innermost != secret and _PLACEHOLDER.search(innermost)):
        return None
    return Judged(innermost, start, end, confidence)


def entropy(text: str) -> float:
    """Return the Shannon entropy in bits per character."""
    size = len(text)
    return -sum(count / size * log2(count / size) for count in Counter(text).values()) if size else 0.0


def _innermost(secret: str, how: Innermost | None) -> str:
    """Take the secret proper out of its last wrapping; '' if the wrapping is not what it should be."""
    if how is None:
        return secret
    if how is Innermost.PERCENT:
        return unquote(secret)
    try:
        pair = base64.b64decode(secret + "=" * (-len(secret) % 4)).decode("utf-8", "replace")
    except binascii.Error:
        return ""
    return pair.partition(":")[2]
