"""Clouds and platforms besides the big three: DigitalOcean, Alibaba, Heroku, Vercel, Cloudflare, Fly, Tailscale and others."""

from __future__ import annotations

from random import Random

from auditor.sample.tokens.checksums import crc32_base62
from auditor.sample.tokens.kinds import Kind, Shape, plain, whole
from auditor.sample.tokens.randomness import BASE36, BASE62, BASE64, BASE64URL, HEX, base64_json, base64_of, between, body, uuid


def vercel(rng: Random, prefix: str) -> str:
    """Return a Vercel token: 50 characters and their CRC-32 in base62."""
    random_part = body(rng, BASE64URL, 50)
    return prefix + random_part + crc32_base62(random_part)


def _vercel(kind: str, prefix: str) -> Kind:
    return whole(kind, lambda rng: vercel(rng, prefix))


def _tailscale(kind: str, prefix: str) -> Kind:
    return whole(kind, lambda rng: f"{prefix}k{body(rng, BASE62, 11)}CNTRL-{body(rng, BASE62, 32)}")


def _tunnel(rng: Random) -> str:
    """Return a Cloudflare tunnel token: base64 JSON of account, tunnel and secret."""
    return base64_json({"a": body(rng, HEX, 32), "t": uuid(rng), "s": base64_of(rng.randbytes(32))})


KINDS = (
    plain("digitalocean-pat", "dop_v1_", HEX, 64),
    plain("digitalocean-oauth-token", "doo_v1_", HEX, 64),
    plain("digitalocean-refresh-token", "dor_v1_", HEX, 64),
    plain("alibaba-access-key-id", "LTAI5t", BASE62, 18),
    plain("heroku-api-key", "HRKU-AA", BASE64URL, 58),
    plain("netlify-token", "nfp_", BASE62, 36),
    _vercel("vercel-pat", "vcp_"),
    _vercel("vercel-integration-token", "vci_"),
    _vercel("vercel-app-access-token", "vca_"),
    _vercel("vercel-app-refresh-token", "vcr_"),
    _vercel("vercel-ai-gateway-key", "vck_"),
    plain("render-api-key", "rnd_", BASE62, 28),
    whole("flyio-token", lambda rng: "FlyV1 fm2_" + between(rng, BASE64, 320, 420), Shape.TEXT),
    plain("cloudflare-user-token", "cfut_", BASE62, 48),
    plain("cloudflare-account-token", "cfat_", BASE62, 48),
    whole("cloudflare-origin-ca-key", lambda rng: f"v1.0-{body(rng, HEX, 24)}-{body(rng, HEX, 146)}"),
    whole("cloudflare-tunnel-token", _tunnel),
    _tailscale("tailscale-auth-key", "tskey-auth-"),
    _tailscale("tailscale-api-key", "tskey-api-"),
    plain("shopify-admin-token", "shpat_", HEX, 32),
    plain("shopify-shared-secret", "shpss_", HEX, 32),
    whole("akamai-edgegrid-token", lambda rng: f"akab-{body(rng, BASE36, 16)}-{body(rng, BASE36, 16)}"),
)
