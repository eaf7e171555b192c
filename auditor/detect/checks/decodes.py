"""
Tokens that decode to something only their vendor writes.

PROVEN where all of it is there. Where it is not: REJECTED if only the decoded content tells the kind apart (``eyJrIjoi`` begins a
Grafana key and a Power BI link alike), FAILED if a prefix of the vendor's own says that it was meant to be one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from auditor.detect.bounded import from_base64, json_object
from auditor.detect.checks import Check, Verdict

# A snowflake: its bits above the 22nd are milliseconds since 2015, so 17 to 19 digits, and 19 begin with 1 until 2030.
_SNOWFLAKE = re.compile(rb"[1-9][0-9]{16,17}|1[0-9]{18}")
_DATA_CENTER = re.compile(rb"[0-9]+:.", re.DOTALL)


def members(text: str) -> Mapping[str, object]:
    """Return the members of the JSON object that a text decodes to; none if it is no such thing."""
    return json_object(from_base64(text))


def bedrock(secret: str, _matched: str) -> Verdict:
    """AWS Bedrock, ``ABSK``: ``BedrockAPIKey-`` and a user, a colon, the key."""
    raw = from_base64(secret.removeprefix("ABSK")) or b""
    return Verdict.PROVEN if raw.startswith(b"BedrockAPIKey-") and b":" in raw else Verdict.FAILED


def cloudflare_tunnel(secret: str, _matched: str) -> Verdict:
    """Cloudflare Tunnel: a JSON object of account, tunnel and secret."""
    return Verdict.PROVEN if members(secret).keys() >= {"a", "t", "s"} else Verdict.REJECTED


def grafana_api_key(secret: str, _matched: str) -> Verdict:
    """Old Grafana keys: a JSON object of key, name and organisation."""
    return Verdict.PROVEN if members(secret).keys() >= {"k", "n", "id"} else Verdict.REJECTED


def grafana_cloud(secret: str, _matched: str) -> Verdict:
    """Grafana Cloud, ``glc_``: a JSON object of organisation, name, key and metadata."""
    return Verdict.PROVEN if members(secret.removeprefix("glc_")).keys() >= {"o", "n", "k", "m"} else Verdict.FAILED


def one_password(secret: str, _matched: str) -> Verdict:
    """1Password, ``ops_``: a JSON object with the account's secret key and the encrypted master unlock key."""
    return Verdict.PROVEN if members(secret.removeprefix("ops_")).keys() >= {"secretKey", "muk"} else Verdict.FAILED


def sentry_organization(secret: str, _matched: str) -> Verdict:
    """Sentry, ``sntrys_``: a JSON object that names the organisation, then an underscore and the secret."""
    body = secret.removeprefix("sntrys_").rpartition("_")[0]
    return Verdict.PROVEN if members(body).keys() >= {"iat", "url", "region_url", "org"} else Verdict.FAILED


def mapbox(secret: str, _matched: str) -> Verdict:
    """Mapbox, ``sk.``: a JSON object of user and authorisation, a dot, a signature."""
    return Verdict.PROVEN if members(secret.split(".")[1] if "." in secret else "").keys() >= {"u", "a"} else Verdict.FAILED


def jwt_inside(secret: str, _matched: str) -> Verdict:
    """JWT behind a vendor's prefix: header and claims must be JSON objects, the header with an algorithm."""
    parts = secret[secret.find("eyJ") :].split(".")
    holds = len(parts) == 3 and "alg" in members(parts[0]) and bool(members(parts[1]))
    return Verdict.PROVEN if holds else Verdict.FAILED


def jfrog_reference(secret: str, _matched: str) -> Verdict:
    """JFrog reference tokens: ``reftkn:01:``, the expiry in seconds, the token."""
    fields = (from_base64(secret) or b"").split(b":")
    holds = len(fields) == 4 and fields[:2] == [b"reftkn", b"01"] and fields[2].isdigit()
    return Verdict.PROVEN if holds else Verdict.REJECTED


def bitbucket_data_center(secret: str, _matched: str) -> Verdict:
    """Bitbucket Data Center, ``BBDC-``: a decimal id, a colon, random bytes."""
    return Verdict.PROVEN if _DATA_CENTER.match(from_base64(secret.removeprefix("BBDC-")) or b"") else Verdict.FAILED


def discord_bot(secret: str, _matched: str) -> Verdict:
    """Discord: before the first dot stands the bot's id, a snowflake, in base64."""
    return Verdict.PROVEN if _SNOWFLAKE.fullmatch(from_base64(secret.partition(".")[0]) or b"") else Verdict.REJECTED


def pypi(secret: str, _matched: str) -> Verdict:
    """
    PyPI: a version 2 macaroon that ends with its signature.

    02, host (field 1), identifier (2), 00; caveats, each an identifier and 00; 00; a signature (6) of 32 bytes.
    """
    raw = from_base64(secret.removeprefix("pypi-")) or b""
    kinds: list[int] = []
    at = 1
    while at < len(raw):
        kind = raw[at]
        kinds.append(kind)
        size, at = _size(raw, at + 1) if kind else (0, at + 1)
        at += size
    caveats = kinds[3:-2]
    holds = (
        at == len(raw)
        and raw[:1] == b"\x02"
        and kinds[:3] == [1, 2, 0]
        and kinds[-2:] == [0, 6]
        and caveats == [2, 0] * (len(caveats) // 2)
        and raw[-34:-32] == b"\x06\x20"
    )
    return Verdict.PROVEN if holds else Verdict.FAILED


def _size(raw: bytes, at: int) -> tuple[int, int]:
    """Read a varint; return it and the position after it."""
    size = shift = 0
    while at < len(raw):
        byte, at = raw[at], at + 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return size, at


CHECKS: Mapping[str, Check] = {
    "bedrock-key": bedrock,
    "bitbucket-data-center": bitbucket_data_center,
    "cloudflare-tunnel": cloudflare_tunnel,
    "discord-bot": discord_bot,
    "grafana-api-key": grafana_api_key,
    "grafana-cloud": grafana_cloud,
    "jfrog-reference": jfrog_reference,
    "jwt-inside": jwt_inside,
    "mapbox": mapbox,
    "one-password": one_password,
    "pypi-macaroon": pypi,
    "sentry-organization": sentry_organization,
}
