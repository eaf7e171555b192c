"""Every kind that the sample plants, in one table."""

from __future__ import annotations

from auditor.errors import ConfigError
from auditor.sample.tokens import (
    ai,
    aws,
    azure,
    code_hosts,
    cookies,
    databases,
    google,
    headers_and_links,
    homegrown,
    hosting,
    infrastructure,
    jwt,
    lookalikes,
    messaging,
    observability,
    packages,
    payments,
    private_keys,
    spoiled,
    wallets,
)
from auditor.sample.tokens.kinds import Kind

_FAMILIES = (
    aws,
    google,
    azure,
    hosting,
    infrastructure,
    databases,
    code_hosts,
    packages,
    observability,
    messaging,
    payments,
    ai,
    jwt,
    cookies,
    headers_and_links,
    private_keys,
    wallets,
)

#: Real shapes with valid checksums.
REAL: tuple[Kind, ...] = tuple(kind for family in _FAMILIES for kind in family.KINDS)
SPOILED: tuple[Kind, ...] = spoiled.KINDS
UNKNOWN: tuple[Kind, ...] = homegrown.UNKNOWN
OPAQUE: tuple[Kind, ...] = homegrown.OPAQUE
LOOKALIKES: tuple[Kind, ...] = lookalikes.KINDS


def kind_named(name: str) -> Kind:
    """Return the first way to write a kind; raise `ConfigError` for an unknown name."""
    for kind in (*REAL, *UNKNOWN, *OPAQUE):
        if kind.id == name:
            return kind
    raise ConfigError(
        f"no kind of token is called {name!r}", fix="the first column of a truth file names the kinds, e.g. jwt-signed"
    )
