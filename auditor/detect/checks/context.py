"""
Values that only their place makes secret: after ``Basic``, as a URI's password, as a query parameter.

Here it is told what such a place holds when it holds no secret: placeholders, hashes and ciphertext that are meant to
be stored, pointers to a secret manager, words, numbers, identifiers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, unquote_plus

from auditor.detect.bounded import from_base64
from auditor.detect.checks import Check, Verdict

#: What documentation, masking and default accounts put where a password goes.
_NO_PASSWORD = re.compile(
    r"""
    admin|bar|default|demo|demo12345|empty|false|foo(?:bar)?|guest|hidden|masked?|me|my_?pass(?:word)?|mysecret|n/a|nil|no|none
    |null|pass|passphrase|passwd|password(?:1|123)?|postgres|pw|pwd|removed|replace_?me|root|sa|sanitized|secret|sensitive|test
    |test123|testing|token|true|undefined|unknown|user(?:name)?(?::pass(?:word)?)?|your_?password
    """,
    re.VERBOSE | re.IGNORECASE,
)
_TEMPLATE = re.compile(
    r"[$%]?[{(<\[].*[})>\]]s?|[$%]?[{(<\[]+[A-Za-z_. -]{1,60}|\$\w+|%\w+%|%[sdvq@]|:\w+|\?|process\.env.*|os\.environ.*|ENV\[.*"
    r"|[A-Z0-9_]*(?:PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL)[A-Z0-9_]*|(.)\1*|[*.xX•]{3,}.{0,4}|.{0,4}[*•]{3,}|.{0,12}…+.{0,6}",
    re.DOTALL,
)
#: Password hashes, ciphertext and pointers to a secret manager, each by its framing.
_STORED_FORM = re.compile(
    r"""
    \$(?:2[abxy]|argon2(?:id|i|d)|scrypt|pbkdf2(?:-sha\d+)?|bcrypt-sha256|scram|krb5\w+|sha1|apr1|gy|wp|[1567yHPSA])\$
    |CRDB-BCRYPT|SCRAM-SHA-|md5[0-9a-f]{32}$|\*[0-9A-F]{40}$|0x0[12]00[0-9A-Fa-f]{40}
    |(?:pbkdf2|scrypt|bcrypt|argon2|sha\d*|md5)[\w-]*[$:]|sha(?:1|256|384|512)-|grub\.pbkdf2
    |\{(?:S?SHA\d*|S?MD5|CRYPT|PKCS5S2|bcrypt|pbkdf2|argon2|scrypt|cipher)\}
    |vault:|ENC[\[(]|\$ANSIBLE_VAULT|age-encryption|k8s:enc|AQICAH|AQIDAH|U2FsdGVkX1|AQAAAA[IE]
    |![0-9A-Za-z]{40}$|[ST]:[0-9A-F]{60,160}$|-----BEGIN|\\*xc30d04|(?:AYAD|AgV4|AQR4|Ag|hQ[EI]|wcB|jA0E)[\w+/-]{100}
    |@Microsoft\.KeyVault|arn:aws|projects/[^/]+/secrets|op://|env:|file:|secretref:
    """,
    re.VERBOSE,
)
#: A port and what follows the end of an address: "http://10.0.0.1:8080,ops@..." has no password.
_PORT = re.compile(r"\d{1,5}[,;|)\]?]")
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-([0-9a-fA-F])[0-9a-fA-F]{3}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_ULID = re.compile(r"0[1-3][0-9A-HJKMNP-TV-Z]{24}")
_FILE = re.compile(
    r"\.(?:css|csv|gif|gz|html?|ico|jpe?g|js|json|map|mp[34]|pdf|php|png|svg|tar|txt|webp|xml|ya?ml|zip)$", re.IGNORECASE
)
_SEPARATORS = re.compile(r"[^0-9A-Za-z]+")
#: A word in any one case or in camel case, a short number, or the two together as in ``page2`` and ``v10``.
_WORD = re.compile(r"[A-Z]?[a-z]{1,20}(?:[A-Z][a-z]{1,20}){0,7}\d{0,4}|[A-Z]{1,20}\d{0,4}|\d{1,20}(?:[a-z]{0,2}|T\d{2})|")


def is_placeholder(password: str) -> bool:
    """Tell whether a password is a template, a mask, or a word that documentation uses for one."""
    return _NO_PASSWORD.fullmatch(password) is not None or _TEMPLATE.fullmatch(password) is not None


def password(secret: str, _matched: str) -> Verdict:
    """Reject placeholders, hashes, ciphertext and pointers."""
    plain = unquote(secret)
    return Verdict.REJECTED if is_placeholder(plain) or _STORED_FORM.match(plain) else Verdict.UNKNOWN


def uri_password(secret: str, matched: str) -> Verdict:
    """Reject what `password` does, and the defaults whose password is the user's own name."""
    user = matched.partition("://")[2].partition(":")[0]
    if _PORT.match(secret) or (user and unquote(user).casefold() == unquote(secret).casefold()):
        return Verdict.REJECTED
    return password(secret, matched)


def basic_credentials(secret: str, _matched: str) -> Verdict:
    """RFC 7617: base64 of printable text with a colon and something after it."""
    try:
        user, _, word = (from_base64(secret) or b"").decode().partition(":")
    except UnicodeDecodeError:
        return Verdict.REJECTED
    if not word or not (user + word).isprintable() or user.casefold() == word.casefold() or is_placeholder(word):
        return Verdict.REJECTED
    return Verdict.PROVEN


def opaque(secret: str, _matched: str) -> Verdict:
    """Reject what people or programs wrote to be read: words, numbers, file names, identifiers ordered by time, hashes."""
    plain = unquote_plus(secret).strip()
    uuid = _UUID.fullmatch(plain)
    if uuid:
        return Verdict.UNKNOWN if uuid[1] == "4" else Verdict.REJECTED
    readable = all(_WORD.fullmatch(piece) for piece in _SEPARATORS.split(plain))
    framed = _STORED_FORM.match(plain) or _TEMPLATE.fullmatch(plain) or _ULID.fullmatch(plain) or _FILE.search(plain)
    return Verdict.REJECTED if readable or framed else Verdict.UNKNOWN


def opaque_not_uuid(secret: str, matched: str) -> Verdict:
    """Reject what `opaque` does, and any UUID: for places that name things rather than prove anything."""
    return Verdict.REJECTED if _UUID.fullmatch(unquote(secret)) else opaque(secret, matched)


CHECKS: Mapping[str, Check] = {
    "basic-credentials": basic_credentials,
    "opaque": opaque,
    "opaque-not-uuid": opaque_not_uuid,
    "password": password,
    "uri-password": uri_password,
}
