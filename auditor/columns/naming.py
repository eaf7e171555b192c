"""
What the name of a column says: a token, what is left of one (a hash, a ciphertext), an identifier, or something about a token.

The last word decides (`token_count` counts, `api_key_id` identifies), the words before it say of what. A bare `key`, `code` or
`value` takes its meaning from its table and its neighbours.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import NamedTuple

from auditor.columns import lexicon
from auditor.model import Severity


class Role(StrEnum):
    """What a name says that the values are."""

    TOKEN = "token"
    PASSWORD = "password"
    CODE = "code"
    LINK = "link"
    CONNECTION = "connection"
    SESSION_ID = "session-id"
    WEAK = "weak"
    DIGEST = "digest"
    CIPHER = "cipher"
    IDENTIFIER = "identifier"
    PUBLIC = "public"
    ABOUT = "about"
    NONE = "none"


class Meaning(NamedTuple):
    """What a name says, what kind of secret it names, and how bad that would be. ``of_secret``: a digest or ciphertext of one."""

    role: Role
    kind: str
    severity: Severity
    of_secret: bool = False
    by_table: bool = False


_STEP = re.compile(r"\.(\w+)|\[\"((?:[^\"\\]|\\.)*)\"\]")
_PIECE = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+[a-z]*")


@functools.lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """Split a name in snake, kebab or camel case into words in lower case and the singular."""
    words: list[str] = []
    for piece in _PIECE.findall(name):
        word = piece.lower()
        words += lexicon.COMPOUNDS.get(word, (_singular(word),))
    return tuple(words)


def _singular(word: str) -> str:
    """Return a word without its plural's ending."""
    if (
        len(word) > 3
        and word.endswith("s")
        and not word.endswith(("ss", "us", "is", "sms", "https"))
        and word not in lexicon.UNCHANGED
    ):
        return "address" if word == "addresses" else word[:-1]
    return word


def meaning_of(column: str, path: str, table: str, siblings: AbstractSet[str]) -> Meaning:
    """Tell what a column's name and path say, in its table and beside its other columns."""
    steps = [column, *(plain or quoted for plain, quoted in _STEP.findall(path))]
    words = words_of(steps[-1])
    # The object that a member is in says more of it than the table does.
    around = words_of(steps[-2] if path and len(steps) > 1 else table.rpartition(".")[2])
    while len(words) > 1 and words[-1] in lexicon.TRAILING:
        words = words[:-1]
    while len(words) > 1 and words[0] in lexicon.LEADING:
        words = words[1:]
    found = _by_words(words)
    if words == ("id",) and not path:
        return _by_table(around, siblings) or found
    if found.role is Role.CODE and frozenset(around) & lexicon.PAYMENTS and frozenset(words) & {"auth", "authorization"}:
        return found._replace(role=Role.IDENTIFIER)
    if found.role in (Role.WEAK, Role.NONE):
        return _by_context(words, around, siblings) or found
    return found


class _Name(NamedTuple):
    """The words of a name: the last one, those before it, all of them, the first, and the last but one."""

    head: str
    before: frozenset[str]
    all: frozenset[str]
    first: str
    next: str


def _code_role(name: _Name) -> Role:
    """Tell what a code is for."""
    if name.before & lexicon.CODE_OF or name.head != "code":
        return Role.CODE
    return Role.WEAK if not name.before or name.before & lexicon.MAYBE_CODES else Role.IDENTIFIER


def _key_role(name: _Name) -> Role:
    """Tell what a key opens, or of what it is the name."""
    if name.before & lexicon.IDENTIFIES:
        return Role.IDENTIFIER
    if name.before & lexicon.KEY_OF:
        return Role.TOKEN
    return Role.NONE if name.before else Role.WEAK


def _is_digest(name: _Name) -> bool:
    """Tell whether a name is that of a digest; the key that signs is none."""
    return bool(name.all & lexicon.DIGESTS) and not (name.head in lexicon.SIGNING_HEADS and name.all & lexicon.SIGNING)


#: What a name says, the first that fits.
_ROLES: tuple[tuple[Callable[[_Name], object], Role | Callable[[_Name], Role]], ...] = (
    (lambda name: name.before and name.first in lexicon.ASKING, Role.ABOUT),
    (lambda name: name.head in lexicon.LINKS and name.all & lexicon.LINK_OF, Role.LINK),
    (lambda name: name.head in lexicon.CONNECTION_HEADS and name.all & lexicon.CONNECTIONS, Role.CONNECTION),
    (lambda name: name.head in lexicon.ABOUT, Role.ABOUT),
    (_is_digest, Role.DIGEST),
    (lambda name: name.all & lexicon.CIPHERS and not name.all & lexicon.CIPHERING, Role.CIPHER),
    (lambda name: name.all & lexicon.PUBLIC, Role.PUBLIC),
    (lambda name: name.all & lexicon.PLACES, Role.IDENTIFIER),
    (lambda name: name.head in lexicon.PASSWORDS or (name.head == "phrase" and name.before & lexicon.PHRASE_OF), Role.PASSWORD),
    (lambda name: name.head == "seed", lambda name: Role.TOKEN if name.before & lexicon.SEED_OF else Role.NONE),
    (lambda name: name.head == "id" and name.before & lexicon.SESSIONS and not name.before & lexicon.OTHER_SESSIONS, Role.TOKEN),
    (lambda name: name.head in lexicon.SURROGATES and name.next in lexicon.SURROGATE_OF, Role.IDENTIFIER),
    (lambda name: name.head in lexicon.CODES, _code_role),
    (lambda name: name.head in lexicon.KEYS, _key_role),
    (lambda name: name.head in lexicon.TOKENS, Role.TOKEN),
    (lambda name: name.head in lexicon.WEAK, Role.WEAK),
    (lambda name: name.head in lexicon.IDENTIFIES, Role.IDENTIFIER),
)


def _by_words(words: tuple[str, ...]) -> Meaning:
    """Judge a name by itself."""
    if not words:
        return Meaning(Role.NONE, "", Severity.INFO)
    name = _Name(words[-1], frozenset(words[:-1]), frozenset(words), words[0], words[-2] if len(words) > 1 else "")
    kind, severity = _kind(name.all)
    role = next((role for fits, role in _ROLES if fits(name)), Role.NONE)
    if not isinstance(role, Role):
        role = role(name)
    if role is Role.CODE and not kind:
        kind, severity = "one-time code", Severity.LOW
    secret = name.all & lexicon.SECRETS or "key" in name.all
    return Meaning(role, kind, severity, of_secret=bool(secret) and not name.all & (lexicon.IDENTIFIES - lexicon.DIGESTS))


def _by_context(words: tuple[str, ...], around: tuple[str, ...], siblings: AbstractSet[str]) -> Meaning | None:
    """Judge a name that says little by its table, the objects around it and its neighbours."""
    if words and words[-1] in lexicon.LINKS and frozenset(around) & lexicon.LINK_OF:
        return Meaning(Role.LINK, *_kind(frozenset(around)))
    if words == ("code",) and frozenset(around) & lexicon.CODE_TABLES:
        kind, severity = _kind(frozenset(around))
        return Meaning(Role.CODE, kind, severity)
    if words == ("seed",) and frozenset(around) & lexicon.SEED_OF:
        return Meaning(Role.TOKEN, *_kind(frozenset((*words, *around))))
    vague = not words or (len(words) == 1 and words[0] in lexicon.VAGUE)
    if not vague:
        return None
    together = frozenset(around)
    kind, severity = _kind(together)
    of_tokens = bool(together & lexicon.SECRETS) or ("key" in together and bool(together & lexicon.KEY_OF))
    if together & lexicon.DIGESTS or together & lexicon.CIPHERS or together & lexicon.PUBLIC or together & lexicon.PLACES:
        return None
    lives = sum(bool(frozenset(words_of(name)) & lexicon.LIFE) for name in siblings)
    if of_tokens and around and around[-1] not in lexicon.ABOUT:
        return Meaning(Role.TOKEN, kind, severity, by_table=True)
    if words and words[0] in {"key", "token"} and lives >= 2:
        return Meaning(Role.TOKEN, kind, severity, by_table=True)
    return None


def _by_table(around: tuple[str, ...], siblings: AbstractSet[str]) -> Meaning | None:
    """Judge the id of a table of sessions: it is what a browser shows, if the table has nothing else that could be."""
    if "session" not in around or frozenset(around) & (lexicon.OTHER_SESSIONS | lexicon.DIGESTS):
        return None
    beside = [frozenset(words_of(name)) for name in siblings]
    others = any(words & (lexicon.SECRETS | lexicon.DIGESTS) and not words & lexicon.ABOUT for words in beside)
    lives = sum(bool(words & lexicon.LIFE) for words in beside)
    return None if others or lives < 2 else Meaning(Role.SESSION_ID, "session", Severity.HIGH, by_table=True)


def _kind(words: frozenset[str]) -> tuple[str, Severity]:
    """Return what kind of secret words name, and how bad its loss is."""
    for kind, severity, members in lexicon.KINDS:
        if words & members:
            return kind, severity
    return "", Severity.MEDIUM
