"""The form of a rule and of a rule file. Rules are data; `schemas/rule.schema.json` is made from these types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from auditor.model import Severity


class Kind(StrEnum):
    """What sort of credential it is."""

    API_KEY = "api-key"
    ACCESS_TOKEN = "access-token"
    REFRESH_TOKEN = "refresh-token"
    OAUTH_CLIENT_SECRET = "oauth-client-secret"
    JWT = "jwt"
    SESSION = "session"
    COOKIE = "cookie"
    BASIC_AUTH = "basic-auth"
    PASSWORD = "password"
    CONNECTION_STRING = "connection-string"
    PRIVATE_KEY = "private-key"
    SIGNING_SECRET = "signing-secret"
    SIGNED_URL = "signed-url"
    RECOVERY_CODE = "recovery-code"


class Specificity(StrEnum):
    """
    How much a match says. Where two rules claim the same secret, the more specific one reports it.

    A vendor's own prefix says more than a standard structure (JWT, PEM), which says more than the
    place a value stands in (after ``Bearer``, in a URL's query).
    """

    VENDOR = "vendor"
    STRUCTURE = "structure"
    CONTEXT = "context"

    @property
    def rank(self) -> int:
        """Return a number that is higher for the more specific."""
        return ("context", "structure", "vendor").index(self.value)


class Scope(StrEnum):
    """Where the exact pattern is tried after the prefilter has matched: that cell, or the whole row."""

    CELL = "cell"
    ROW = "row"


class Innermost(StrEnum):
    """How the innermost secret is taken out of the ``secret`` group before it is identified."""

    PERCENT = "percent"
    PEM = "pem"
    BASIC_PASSWORD = "basic-password"


Parts = Annotated[tuple[str, ...], Field(min_length=1, description="pieces that are joined, so that no file holds a credential")]


class Rule(BaseModel):
    r"""
    One kind of secret.

    ``prefilter`` is matched on raw bytes of any format by Hyperscan, so it has no boundaries, no look-around,
    exact minimum repeats, ends before the first character that some format escapes (``" \ & = % + / <`` and
    controls), and never matches a newline. ``pattern`` is matched by Python's `re` (ASCII) on the decoded text; its
    group ``secret``, or the whole match, is the secret.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")
    replaces: tuple[str, ...] = ()
    name: str = Field(min_length=3)
    kind: Kind
    severity: str
    specificity: Specificity = Specificity.VENDOR
    scope: Scope = Scope.CELL
    prefilter: tuple[str, ...] = Field(min_length=1)
    pattern: str
    prefixes: tuple[str, ...] = Field(default=(), description="public beginnings of the secret that evidence may show")
    innermost: Innermost | None = None
    min_entropy: float = Field(default=0.0, ge=0, le=6, description="bits per character of the secret, below which it is dropped")
    checks: tuple[str, ...] = Field(default=(), description="names in detect/checks; a failed checksum lowers the confidence")
    placeholders: tuple[str, ...] = Field(
        default=(), description="text that, anywhere in the match and in any case, makes it no secret"
    )
    examples: tuple[Parts, ...] = Field(min_length=1)
    non_examples: tuple[Parts, ...] = Field(min_length=1)
    gains: str = Field(min_length=10, description="what an attacker gets")
    remedy: str = Field(min_length=10, description="how to make the secret worthless")

    @field_validator("severity")
    @classmethod
    def _known_severity(cls, value: str) -> str:
        Severity.of(value)
        return value


def flaws(rule: Rule) -> Iterator[str]:
    """
    Yield what is wrong with a rule's expressions, as text.

    Apart from the model, since compiling the shipped packs' thousand expressions twice at every start would cost 0.1 s: they are
    proved by `auditor rules test`, a user's file whenever it is read.
    """
    try:
        re.compile(rule.pattern, re.ASCII)
    except re.error as error:
        yield f"the pattern does not compile: {error}"
    for expression in rule.prefilter:
        try:
            compiled = re.compile(expression.encode("ascii"))
        except (re.error, UnicodeEncodeError) as error:
            yield f"a prefilter does not compile: {error}"
            continue
        if compiled.search(b""):
            yield "a prefilter matches nothing at all"
        if re.search(rb"\n", expression.encode()) or any(compiled.fullmatch(b"\n" * count) for count in range(1, 4)):
            yield "a prefilter matches a line feed"


class RuleFile(BaseModel):
    """A file of rules. ``pack`` names it in reports."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pack: str
    rules: tuple[Rule, ...]
