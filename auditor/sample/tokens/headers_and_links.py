"""Tokens that their surroundings give away: Authorization headers, links, query parameters."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from auditor.sample.tokens.base_n import base_n
from auditor.sample.tokens.code_hosts import github
from auditor.sample.tokens.jwt import session_claims, signed
from auditor.sample.tokens.kinds import Kind, Made, Shape
from auditor.sample.tokens.randomness import BASE36, BASE62, BASE64URL, HEX, UPPER_HEX, base64_of, body

_APP = "https://app.northwind.internal"


def _basic(rng: Random, form: str = "Authorization: Basic {}") -> Made:
    password = body(rng, BASE62, 20)
    return Made(form.format(base64_of(f"svc_billing:{password}".encode())), password)


def _docker_auth(rng: Random) -> Made:
    password = body(rng, BASE62, 24)
    auth = base64_of(f"deploy:{password}".encode())
    return Made(f'{{"auths": {{"registry.northwind.internal": {{"auth": "{auth}"}}}}}}', password)


def _npmrc(rng: Random) -> Made:
    password = body(rng, BASE62, 24)
    return Made(f"//registry.northwind.internal/:_auth={base64_of(f'deploy:{password}'.encode())}", password)


def _around(kind: str, before: str, make: Callable[[Random], str], after: str, shape: Shape) -> Kind:
    """Return a kind whose secret stands between two fixed texts."""

    def made(rng: Random) -> Made:
        secret = make(rng)
        return Made(before + secret + after, secret)

    return Kind(kind, made, shape)


def _link(kind: str, before: str, make: Callable[[Random], str], after: str = "") -> Kind:
    return _around(kind, _APP + before, make, after, Shape.URL)


def _header(kind: str, before: str, make: Callable[[Random], str]) -> Kind:
    return _around(kind, before, make, "", Shape.TEXT)


def _django_reset(rng: Random) -> str:
    """Return Django's reset token: base36 seconds since 2001 and 32 hex digits."""
    return f"{base_n(rng.randrange(820_000_000, 840_000_000), BASE36, 0)}-{body(rng, HEX, 32)}"


KINDS = (
    _header("http-bearer-authorization", "Authorization: Bearer ", lambda rng: body(rng, BASE64URL, 43)),
    _header("http-bearer-authorization", "authorization: Bearer ", lambda rng: signed(rng, session_claims(rng))),
    _header("http-bearer-authorization", "Authorization: Bearer ", lambda rng: github(rng, "ghp_")),
    Kind("http-basic-authorization", _basic, Shape.TEXT),
    Kind("cockroachdb-changefeed-webhook-auth", lambda rng: _basic(rng, "webhook_auth_header='Basic {}'"), Shape.TEXT),
    Kind("docker-config-auth", _docker_auth, Shape.DOCUMENT),
    Kind("npmrc-basic-auth", _npmrc, Shape.VALUE),
    _header("http-api-key-header", "X-API-Key: ", lambda rng: body(rng, BASE62, 40)),
    _header("http-api-key-header", "PRIVATE-TOKEN: ", lambda rng: body(rng, BASE64URL, 32)),
    _header("okta-ssws-header", "Authorization: SSWS 00", lambda rng: body(rng, BASE64URL, 40)),
    _link(
        "oauth-access-token-in-url",
        "/cb#access_token=",
        lambda rng: body(rng, BASE64URL, 43),
        "&token_type=bearer&expires_in=3600",
    ),
    _link("oauth-access-token-in-url", "/v1/orders?access_token=", lambda rng: body(rng, BASE62, 40), "&page=2"),
    _link("oauth-authorization-code", "/callback?code=", lambda rng: body(rng, BASE62, 40), "&state=kq3V8mZr"),
    _link("password-reset-url", "/users/password/edit?reset_password_token=", lambda rng: body(rng, BASE62, 20)),
    _link("password-reset-url", "/reset-password?token=", lambda rng: body(rng, BASE64URL, 43), "&lang=de"),
    _link("django-password-reset-token", "/reset/NDcxMQ/", _django_reset, "/"),
    _link("laravel-password-reset-token", "/password/reset/", lambda rng: body(rng, HEX, 64)),
    _link("magic-link-url", "/auth/magic?token=", lambda rng: body(rng, BASE64URL, 43), "&email=ines%40northwind.internal"),
    _link("invite-url", "/invitations/accept?token=", lambda rng: body(rng, BASE64URL, 32)),
    _link("email-verification-url", "/verify-email?token=", lambda rng: body(rng, BASE64URL, 32)),
    _link("api-key-in-query", "/v1/rates?api_key=", lambda rng: body(rng, BASE62, 40), "&base=EUR"),
    _link("session-id-in-url", "/cart;jsessionid=", lambda rng: body(rng, UPPER_HEX, 32)),
    _link("signed-url-generic", "/files/invoice.pdf?expires=1796083200&signature=", lambda rng: body(rng, BASE64URL, 43)),
)
