"""GitHub, GitLab, Atlassian, and the tools around a repository."""

from __future__ import annotations

from random import Random

from auditor.sample.tokens.base_n import base_n
from auditor.sample.tokens.checksums import crc32_base36, crc32_base62, crc32_upper, sha256_base32
from auditor.sample.tokens.jwt import signed
from auditor.sample.tokens.kinds import Kind, Made, Shape, plain, whole
from auditor.sample.tokens.randomness import BASE36, BASE62, BASE64URL, DIGITS, HEX, base64_of, base64url_of, body, unix_time


def github(rng: Random, prefix: str, size: int = 30) -> str:
    """Return a classic GitHub token: random part and CRC-32 in base62 (npm uses the same scheme)."""
    random_part = body(rng, BASE62, size)
    return prefix + random_part + crc32_base62(random_part)


def fine_grained(rng: Random) -> str:
    """Return a fine-grained personal access token of GitHub."""
    text = f"github_pat_11{body(rng, BASE62, 20)}_{body(rng, BASE62, 43)}"
    return text + sha256_base32(text) + body(rng, BASE62, 8)


def routable(rng: Random, prefix: str) -> str:
    """Return a GitLab token that carries its routing: random bytes, routing lines, their length, then length and CRC-32."""
    routing = "\n".join(f"{field}:{base_n(rng.randrange(1, 60_000), BASE36, 0)}" for field in "cou").encode()
    payload = base64url_of(rng.randbytes(16) + routing + bytes((len(routing),)))
    text = f"{prefix}{payload}.01.{base_n(len(payload), BASE36, 2)}"
    return text + crc32_base36(text)


def atlassian(rng: Random, prefix: str, size: int, end: str) -> str:
    """Return an Atlassian token: text and its CRC-32 in capital hex."""
    text = prefix + body(rng, BASE62 if end == "" else BASE64URL, size) + end
    return text + crc32_upper(text)


def _data_center(rng: Random) -> str:
    """Return base64 of a decimal id, a colon and 20 random bytes."""
    return base64_of(f"{body(rng, DIGITS, 12)}:".encode() + rng.randbytes(20))


def _remote(rng: Random) -> Made:
    token = github(rng, "ghs_")
    return Made(f"https://x-access-token:{token}@github.com/northwind/checkout.git", token)


def _github(kind: str, prefix: str, size: int = 30) -> Kind:
    return whole(kind, lambda rng: github(rng, prefix, size))


def _installation(rng: Random) -> str:
    issued = unix_time(rng)
    claims = {"iat": issued, "exp": issued + 3600, "iss": "github", "jti": body(rng, HEX, 16)}
    return f"ghs_{body(rng, DIGITS, 7)}_{signed(rng, claims, algorithm='RS256')}"


KINDS = (
    _github("github-pat-classic", "ghp_"),
    _github("github-oauth-token", "gho_"),
    _github("github-app-user-token", "ghu_"),
    _github("github-app-installation-token", "ghs_"),
    _github("github-refresh-token", "ghr_", 70),
    whole("github-app-installation-jwt", _installation),
    whole("github-pat-fine-grained", fine_grained),
    Kind("git-remote-uri-with-token", _remote, Shape.URL),
    plain("gitlab-pat", "glpat-", BASE64URL, 20),
    whole("gitlab-routable-token", lambda rng: routable(rng, "glpat-")),
    whole("gitlab-runner-auth-token", lambda rng: routable(rng, "glrt-t3_")),
    plain("gitlab-deploy-token", "gldt-", BASE64URL, 20),
    whole("gitlab-ci-job-token", lambda rng: f"glcbt-{body(rng, DIGITS, 2)}_{body(rng, BASE64URL, 20)}"),
    plain("gitlab-trigger-token", "glptt-", HEX, 40),
    plain("gitlab-feed-token", "glft-", BASE64URL, 20),
    plain("gitlab-incoming-mail-token", "glimt-", BASE36, 25),
    plain("gitlab-agent-token", "glagent-", BASE64URL, 50),
    plain("gitlab-scim-token", "glsoat-", BASE64URL, 20),
    plain("gitlab-oauth-app-secret", "gloas-", HEX, 64),
    whole("atlassian-api-token", lambda rng: atlassian(rng, "ATATT3xFfGF0", 171, "=")),
    whole("bitbucket-repo-access-token", lambda rng: atlassian(rng, "ATCTT3xFfGN0", 171, "=")),
    whole("bitbucket-app-password", lambda rng: atlassian(rng, "ATBB", 24, "")),
    whole("bitbucket-dc-http-token", lambda rng: "BBDC-" + _data_center(rng)),
    whole("circleci-personal-token", lambda rng: f"CCIPAT_{body(rng, BASE62, 22)}_{body(rng, HEX, 40)}"),
    plain("buildkite-user-token", "bkua_", HEX, 40),
    whole("harness-pat", lambda rng: f"pat.{body(rng, BASE62, 22)}.{body(rng, HEX, 24)}.{body(rng, BASE62, 20)}"),
    plain("sonarqube-token", "squ_", HEX, 40),
    plain("pulumi-access-token", "pul-", HEX, 40),
    whole("postman-api-key", lambda rng: f"PMAK-{body(rng, HEX, 24)}-{body(rng, HEX, 34)}"),
    whole("sourcegraph-token", lambda rng: f"sgp_{body(rng, HEX, 16)}_{body(rng, HEX, 40)}"),
    plain("linear-api-key", "lin_api_", BASE62, 40),
    whole("notion-token", lambda rng: f"ntn_{body(rng, DIGITS, 11)}{body(rng, BASE62, 35)}"),
    plain("figma-pat", "figd_", BASE64URL, 40),
)
