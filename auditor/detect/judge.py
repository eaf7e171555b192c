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

#: What documentation, masking and templates leave behind, looked for in the lower-cased secret. Plain words: `in` is 8 times as
#: fast as one pattern of alternatives, and this runs on every match.
_PLACEHOLDERS = (
    "example",
    "xxxxx",
    "***",
    "00000000",
    "1234567890",
    "changeme",
    "change_me",
    "your_",
    "your-",
    "placeholder",
    "redacted",
    "dummy",
    "...",
    "•••",
)
#: A whole secret that is a template's variable, a printf directive, or a bracketed remark.
_TEMPLATE = re.compile(r"\$?\{.*\}|<.*>|\$\(.*\)|%[sd(].*|\[.*\]", re.DOTALL)
_TEMPLATE_START = frozenset("${<%[")
_LONG = 100
_LINE_BREAKS = re.compile(r"\\+[nrt]|\s")
_BY_RANK = (Confidence.MEDIUM, Confidence.HIGH, Confidence.HIGH)


class Judged(NamedTuple):
    """A secret that stands, where it lies in its text, and how sure that is."""

    secret: str
    start: int
    end: int
    confidence: Confidence


def judge(compiled: CompiledRule, match: Any) -> Judged | None:
    """Return the secret of a match, or None if it is none."""
    rule = compiled.rule
    secret, matched = match[compiled.group], match[0]
    start, end = match.span(compiled.group)
    if not secret:
        return None
    confidence = _checked(compiled, secret, matched)
    if confidence is None:
        return None
    if compiled.placeholders:
        lowered = matched.lower()
        if any(word in lowered for word in compiled.placeholders):
            return None
    # A vendor's own checksum, or a long structure, says more than a word that happens to stand in a random text.
    proved = confidence is Confidence.CONFIRMED_FORMAT and (compiled.vendor or len(secret) > _LONG)
    if not proved and (is_placeholder(secret) or (rule.min_entropy and entropy(secret) < rule.min_entropy)):
        return None
    innermost = _innermost(secret, rule.innermost)
    if not innermost or (innermost != secret and is_placeholder(innermost)):
        return None
    return Judged(innermost, start, end, confidence)


def _checked(compiled: CompiledRule, secret: str, matched: str) -> Confidence | None:
    """Return the confidence that the rule's checks leave, None if one of them rejects the match."""
    confidence = _BY_RANK[compiled.rank]
    for check in compiled.checks:
        verdict = check(secret, matched)
        if verdict is Verdict.REJECTED:
            return None
        if verdict is Verdict.FAILED:
            confidence = Confidence.LOW
        elif verdict is Verdict.PROVEN and confidence is not Confidence.LOW:
            confidence = Confidence.CONFIRMED_FORMAT
    return confidence


def is_placeholder(secret: str) -> bool:
    """Tell whether a secret is documentation's, a mask, a template's variable, or one character over and over."""
    lowered = secret.lower()
    for word in _PLACEHOLDERS:
        if word in lowered:
            return True
    return (secret[0] in _TEMPLATE_START and _TEMPLATE.fullmatch(secret) is not None) or secret.count(secret[0]) == len(secret)


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
    if how is Innermost.PEM:  # a key's line breaks may be real, escaped, or escaped twice: it is the same key
        return _LINE_BREAKS.sub("", secret)
    try:
        pair = base64.b64decode(secret + "=" * (-len(secret) % 4)).decode("utf-8", "replace")
    except binascii.Error:
        return ""
    return pair.partition(":")[2]
