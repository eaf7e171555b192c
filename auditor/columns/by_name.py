"""
What values are whose look alone does not say it, by what their name says.

Each judge takes the values under one kind of name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from auditor.columns.features import Chars
from auditor.columns.forms import Form
from auditor.columns.naming import Meaning, Role
from auditor.columns.opinion import Opinion, ordinary, raw
from auditor.columns.population import Population
from auditor.columns.verdict import Classification
from auditor.model import Confidence

#: Bits from which a value cannot be guessed, and from which it can be nothing but a secret, a digest or an id.
_SOME_BITS, _MANY_BITS = 38, 60
_LONGEST = 600


def by_name(values: Population, meaning: Meaning) -> Opinion:
    """Judge values that do not say what they are."""
    return _JUDGES[meaning.role](values, meaning)


def _opaque(values: Population) -> bool:
    """Tell whether values are of one piece and look random."""
    return values.random and values.bits >= _SOME_BITS and values.median <= _LONGEST and values.has(Chars.SPACE) < 0.02


def _few_values(values: Population) -> bool:
    """Tell whether the same few values come again and again: an enumeration."""
    return values.different <= max(5, 0.04 * values.size)


def _token(values: Population, meaning: Meaning) -> Opinion:
    """Judge values under the name of a token."""
    named = f"the {'table' if meaning.by_table else 'name'} is that of a {meaning.kind or 'token'}"
    if _few_values(values):
        return ordinary("the same few values come again and again")
    uuids = values.form(Form.UUID)
    if uuids > 0.5:
        return _uuids(values, meaning, named)
    if not _opaque(values):
        return (
            raw(Confidence.MEDIUM, meaning, named, _LESS_RANDOM)
            if _prefixed(values) or _chosen(values, meaning)
            else _plain(values)
        )
    look = f"{values.different} of {values.size} values differ and look random: {values.median} characters, {values.alphabet[0]}"
    if values.ordered or values.form(Form.IDENTIFIER) > 0.5:
        if meaning.by_table or values.form(Form.IDENTIFIER) > 0.5:
            return Opinion(Classification.IDENTIFIER, Confidence.MEDIUM, ("values begin as those of ids do",))
        return raw(Confidence.MEDIUM, meaning, named, look, "they begin alike, as ids made in order do")
    if values.digest_sized:
        return raw(Confidence.MEDIUM, meaning, named, look, "a digest of that length would look the same")
    if meaning.by_table or values.bits < _MANY_BITS:
        return raw(Confidence.MEDIUM, meaning, named, look)
    return raw(Confidence.HIGH, meaning, named, look)


_LESS_RANDOM = "the values differ, and are of letters and digits that make no words"


def _prefixed(values: Population) -> bool:
    """Tell whether values are a common beginning and something that differs, such as a UUID."""
    mixed = values.has(Chars.DIGIT) > 0.9 and values.switches > 0.1
    same = max(values.prefixed, values.alike) > 0.8 and values.spread <= 2 and values.different > 0.9 * values.size
    return mixed and same and values.letters < 95 and 20 <= values.median <= _LONGEST


def _chosen(values: Population, meaning: Meaning) -> bool:
    """Tell whether values of a secret look like what people choose for one."""
    mixed = values.has(Chars.DIGIT) > 0.8 and values.has(Chars.SPACE) < 0.05 and values.different > 0.5 * values.size
    return mixed and meaning.kind == "secret" and not meaning.by_table and 6 <= values.median <= 40 and values.spread > 1


def _uuids(values: Population, meaning: Meaning, named: str) -> Opinion:
    """Judge UUIDs under the name of a token: those that say the time they were made are ids."""
    if meaning.by_table or values.alike > 0.5:
        return Opinion(Classification.IDENTIFIER, Confidence.MEDIUM, ("the values are UUIDs, and the name alone is no token's",))
    return raw(Confidence.MEDIUM, meaning, named, "the values are random UUIDs")


def _password(values: Population, meaning: Meaning) -> Opinion:
    """Judge values under the name of a password: anything that people type, and no hash."""
    named = "the name is that of a password"
    if _few_values(values):
        return ordinary("the same few values come again and again")
    if values.median > 200 or values.median < 4 or values.alphabet[1] == 10:
        return _plain(values)
    if values.digest_sized and values.random:
        return Opinion(Classification.HASH_OR_CIPHERTEXT, Confidence.MEDIUM, ("all values have the length of one digest",))
    lengths = f"{int(values.lengths[0])} to {int(values.lengths[-1])} characters"
    look = f"{values.different} of {values.size} values differ, {lengths}, and are no hashes"
    return raw(Confidence.HIGH if values.different > 0.5 * values.size else Confidence.MEDIUM, meaning, named, look)


def _code(values: Population, meaning: Meaning) -> Opinion:
    """Judge values under the name of a code that someone types once."""
    if _few_values(values) or (values.words >= 0.75 and values.alphabet[1] != 10 and not _opaque(values)):
        return _plain(values)
    numeric = values.alphabet[1] == 10
    if numeric and not (4 <= values.median <= 10 and values.spread <= 1):
        return _plain(values)
    if not numeric and (values.median > 100 or values.has(Chars.SPACE) > 0.5 or values.median < 4):
        return _plain(values)
    look = f"{values.different} of {values.size} values differ: {values.median} characters, {values.alphabet[0]}"
    confidence = Confidence.HIGH if _opaque(values) else Confidence.MEDIUM
    return raw(confidence, meaning, f"the name is that of a {meaning.kind or 'code'}", look)


def _connection(values: Population, meaning: Meaning) -> Opinion:
    """Judge connection settings that are no addresses: ``name=value`` in a row."""
    pairs = values.has(Chars.EQUALS)
    if pairs > 0.5 and values.has(Chars.COMMA | Chars.SPACE) > 0.5 and values.different > 0.2 * values.size:
        return raw(
            Confidence.MEDIUM, meaning, "the name is that of a connection", "the values are settings that may hold its password"
        )
    return _plain(values)


def _stored(values: Population, meaning: Meaning) -> Opinion:
    """Judge values under the name of a digest or ciphertext: what else they may be shows by its form alone."""
    named = f"the name is that of a {'digest' if meaning.role is Role.DIGEST else 'ciphertext'}"
    varied = values.spread > 0 and not values.has(Chars.EQUALS) > 0.2
    typed = varied and values.median < 24 and values.different > 0.2 * values.size and values.alphabet[1] > 16
    if meaning.of_secret and meaning.role is Role.DIGEST:
        if meaning.kind == "password" and typed and values.has(Chars.SPACE) < 0.5 and values.median >= 5:
            return raw(Confidence.HIGH, meaning, named, "the values have no length of a digest, and vary as passwords do")
        if (
            values.prefixed > 0.9
            and values.random
            and values.alphabet[1] in (62, 64)
            and not values.digest_sized
            and values.bits >= _MANY_BITS
        ):
            return raw(Confidence.MEDIUM, meaning, named, "the values all begin with one prefix, as tokens do and digests never")
    return Opinion(Classification.HASH_OR_CIPHERTEXT, Confidence.HIGH if values.spread == 0 else Confidence.MEDIUM, (named,))


def _weak(values: Population, meaning: Meaning) -> Opinion:
    """Judge values under a name that may be a token's, and often is not."""
    if _opaque(values) and not values.ordered and values.form(Form.UUID, Form.IDENTIFIER) < 0.5 and not _few_values(values):
        return Opinion(
            Classification.UNCLEAR, Confidence.LOW, ("the values look random", "the name may be that of a token, or of an id")
        )
    return _unnamed(values, meaning)


def _unnamed(values: Population, _meaning: Meaning) -> Opinion:
    """Judge values under a name that says nothing of the kind."""
    if values.form(Form.UUID, Form.IDENTIFIER) > 0.5 or (values.ordered and _opaque(values)):
        return Opinion(Classification.IDENTIFIER, Confidence.MEDIUM, ("the values have the form of identifiers",))
    if _opaque(values) and values.bits >= 2 * _MANY_BITS and not _few_values(values):
        return Opinion(
            Classification.UNCLEAR, Confidence.LOW, ("the values look random", "the name says nothing of what they are")
        )
    return _plain(values)


def _plain(values: Population) -> Opinion:
    """Judge what is no token by its look."""
    if values.form(Form.UUID, Form.IDENTIFIER) > 0.5:
        return Opinion(Classification.IDENTIFIER, Confidence.MEDIUM, ("the values have the form of identifiers",))
    return ordinary("the values do not look random")


def _session_id(values: Population, meaning: Meaning) -> Opinion:
    """Judge the ids of a table of sessions that has nothing else to show."""
    if _opaque(values) and values.bits >= 2 * _MANY_BITS and not values.ordered and not values.form(Form.UUID):
        return _token(values, meaning)
    return _identifier(values, meaning)


def _identifier(values: Population, _meaning: Meaning) -> Opinion:
    """Judge values under the name of an identifier."""
    if _opaque(values):
        return Opinion(Classification.IDENTIFIER, Confidence.HIGH, ("the name is that of an identifier",))
    return _plain(values)


def _public(_values: Population, _meaning: Meaning) -> Opinion:
    """Judge values under a name that says that everyone may see them."""
    return ordinary("the name says that it is public")


def _about(_values: Population, meaning: Meaning) -> Opinion:
    """Judge values under a name that ends in a property."""
    return ordinary(
        "the name tells something about a token, and is not that of one" if meaning.kind else "the name is that of a property"
    )


_JUDGES: Mapping[Role, Callable[[Population, Meaning], Opinion]] = {
    Role.TOKEN: _token,
    Role.SESSION_ID: _session_id,
    Role.PASSWORD: _password,
    Role.CODE: _code,
    Role.CONNECTION: _connection,
    Role.DIGEST: _stored,
    Role.CIPHER: _stored,
    Role.WEAK: _weak,
    Role.IDENTIFIER: _identifier,
    Role.PUBLIC: _public,
    Role.ABOUT: _about,
    Role.LINK: _about,
    Role.NONE: _unnamed,
}
