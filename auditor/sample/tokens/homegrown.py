"""Tokens that no rule can know by their shape: home-grown schemes, and random text whose column alone tells."""

from __future__ import annotations

from random import Random

from auditor.sample.tokens.kinds import Expect, Kind, Shape, whole
from auditor.sample.tokens.randomness import BASE32, BASE36, BASE62, BASE64URL, HEX, body


def _own(kind: str, make: str, alphabet: str, size: int, expect: Expect, shape: Shape = Shape.VALUE) -> Kind:
    def made(rng: Random) -> str:
        return make.format(body(rng, alphabet, size))

    return whole(kind, made, shape, expect)


#: Schemes of our own invention; a column that should hold fingerprints alone is how they are found.
UNKNOWN = (
    _own("homegrown-acme-tok", "acme_tok_{}", BASE62, 32, Expect.UNKNOWN),
    _own("homegrown-nw-session", "nwsess.v2.{}", BASE64URL, 48, Expect.UNKNOWN),
    _own("homegrown-ticket", "TKT/{}", BASE32, 40, Expect.UNKNOWN),
    _own("homegrown-partner-key", "PK~{}", BASE62, 36, Expect.UNKNOWN),
    _own("homegrown-device", "dev:{}", HEX, 48, Expect.UNKNOWN),
)
#: For columns whose name says what their values are.
OPAQUE = (
    _own("hex-opaque-token-32", "{}", HEX, 32, Expect.OPAQUE),
    _own("hex-opaque-token-64", "{}", HEX, 64, Expect.OPAQUE),
    _own("base64url-opaque-token", "{}", BASE64URL, 43, Expect.OPAQUE),
    _own("base62-opaque-token", "{}", BASE62, 40, Expect.OPAQUE),
    _own("laravel-remember-token", "{}", BASE62, 60, Expect.OPAQUE),
    _own("django-session-id", "{}", BASE36, 32, Expect.OPAQUE),
)
