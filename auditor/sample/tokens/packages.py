"""Package registries: npm, PyPI, RubyGems, crates.io, NuGet, JFrog."""

from __future__ import annotations

from random import Random

from auditor.sample.tokens.base_n import base58
from auditor.sample.tokens.code_hosts import github
from auditor.sample.tokens.kinds import plain, whole
from auditor.sample.tokens.randomness import (
    BASE58,
    BASE62,
    HEX,
    LOWER_BASE32,
    base64_of,
    base64url_of,
    body,
    unix_time,
    uuid,
)


def pypi(rng: Random) -> str:
    """Return a PyPI token: a version 2 macaroon with an id, a validity caveat and a signature."""
    identifier = uuid(rng).encode()
    start = unix_time(rng)
    caveat = f"[0,{start},{start + 31_536_000}]".encode()
    host = b"pypi" + b".org"
    macaroon = (
        b"\x02\x01" + bytes((len(host),)) + host + b"\x02" + bytes((len(identifier),)) + identifier + b"\0"
        b"\x02" + bytes((len(caveat),)) + caveat + b"\0\0\x06\x20" + rng.randbytes(32)
    )
    return "pypi-" + base64url_of(macaroon)


def _jfrog_key(rng: Random) -> str:
    """Return a JFrog API key: 54 bytes in base58 that begin AKCp."""
    low = 0
    for letter in "AKCp":
        low = low * 58 + BASE58.index(letter)
    number = low * 58**69 + rng.randrange(58**69)
    return base58(number.to_bytes(54, "big"), BASE58)


def _reference(rng: Random) -> str:
    """Return a JFrog reference token: base64 of type, version, expiry and 27 characters."""
    return base64_of(f"reftkn:01:{unix_time(rng)}:{body(rng, BASE62, 27)}".encode())


KINDS = (
    whole("npm-token", lambda rng: github(rng, "npm_")),
    whole("pypi-api-token", pypi),
    plain("rubygems-api-key", "rubygems_", HEX, 48),
    plain("crates-io-token", "cio", BASE62, 32),
    plain("nuget-api-key", "oy2", LOWER_BASE32, 43),
    plain("clojars-token", "CLOJARS_", HEX, 60),
    whole("jfrog-api-key", _jfrog_key),
    whole("jfrog-reference-token", _reference),
)
