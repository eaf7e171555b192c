"""Monitoring and product analytics: Sentry, Grafana, New Relic, Dynatrace, PostHog."""

from __future__ import annotations

from random import Random

from auditor.sample.tokens.checksums import crc32_little
from auditor.sample.tokens.kinds import plain, whole
from auditor.sample.tokens.randomness import BASE32, BASE36, BASE62, BASE64, HEX, UPPER36, base64_json, body, unix_time


def grafana_token(rng: Random) -> str:
    """Return a Grafana service account token with its CRC-32."""
    text = "glsa_" + body(rng, BASE62, 32)
    return f"{text}_{crc32_little(text)}"


def _grafana_policy(rng: Random) -> str:
    document = {"o": str(rng.randrange(100_000, 999_999)), "n": "stack-3-write", "k": body(rng, BASE62, 24), "m": {"r": "eu"}}
    return "glc_" + base64_json(document)


def _sentry_org(rng: Random) -> str:
    document = {
        "iat": unix_time(rng) + 0.25,
        "url": "https://sentry.io",
        "region_url": "https://us.sentry.io",
        "org": "northwind",
    }
    return f"sntrys_{base64_json(document)}_{body(rng, BASE64, 43)}"


KINDS = (
    whole("grafana-service-account", grafana_token),
    whole("grafana-cloud-policy-token", _grafana_policy),
    whole("sentry-org-token", _sentry_org),
    plain("sentry-user-token", "sntryu_", HEX, 64),
    plain("newrelic-user-key", "NRAK-", UPPER36, 27),
    whole("newrelic-license-key", lambda rng: f"eu01xx{body(rng, HEX, 30)}NRAL"),
    whole("dynatrace-token", lambda rng: f"dt0c01.{body(rng, BASE32, 24)}.{body(rng, BASE32, 64)}"),
    plain("honeycomb-api-key", "hcaik_", BASE36, 58),
    plain("posthog-personal-key", "phx_", BASE62, 47),
    whole("langsmith-key", lambda rng: f"lsv2_pt_{body(rng, HEX, 32)}_{body(rng, HEX, 10)}"),
)
