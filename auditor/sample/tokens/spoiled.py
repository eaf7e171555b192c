"""Tokens whose shape is right and whose checksum is not: a detector keeps them, with low confidence."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from auditor.sample.tokens.azure import annotated_key, identifiable_key
from auditor.sample.tokens.code_hosts import atlassian, github, routable
from auditor.sample.tokens.cookies import sanctum
from auditor.sample.tokens.databases import confluent_secret
from auditor.sample.tokens.hosting import vercel
from auditor.sample.tokens.infrastructure import mas_token, synapse_token, zuplo_key
from auditor.sample.tokens.kinds import Expect, Kind, whole
from auditor.sample.tokens.observability import grafana_token
from auditor.sample.tokens.private_keys import age_key, nats_seed
from auditor.sample.tokens.wallets import nostr_key, stellar_seed


def spoiled(text: str, place: int) -> str:
    """Return the text with one character, at ``place`` or the next that serves, replaced by another that occurs in it."""
    start = place % len(text)
    for position in (*range(start, len(text)), *range(start)):
        old = text[position]
        # From the end, so that a prefix or a separator (bech32's "1") gives no character that the body may not hold.
        others = (letter for letter in text[-24:] if letter != old and letter.isalnum() and _class_of(letter) == _class_of(old))
        new = next(others, "")
        if new:
            return text[:position] + new + text[position + 1 :]
    raise AssertionError("a token holds two characters of one class")


def _class_of(letter: str) -> tuple[bool, bool, bool]:
    return letter.isdigit(), letter.islower(), letter.isupper()


def _spoiled(kind: str, make: Callable[[Random], str], place: int) -> Kind:
    return whole(kind, lambda rng: spoiled(make(rng), place), expect=Expect.LOW)


KINDS = (
    _spoiled("github-pat-classic", lambda rng: github(rng, "ghp_"), 12),
    _spoiled("github-oauth-token", lambda rng: github(rng, "gho_"), 14),
    _spoiled("npm-token", lambda rng: github(rng, "npm_"), 9),
    _spoiled("vercel-pat", lambda rng: vercel(rng, "vcp_"), 5),
    _spoiled("gitlab-routable-token", lambda rng: routable(rng, "glpat-"), -1),
    _spoiled("bitbucket-app-password", lambda rng: atlassian(rng, "ATBB", 24, ""), 7),
    _spoiled("atlassian-api-token", lambda rng: atlassian(rng, "ATATT3xFfGF0", 171, "="), 40),
    _spoiled("grafana-service-account", grafana_token, 10),
    _spoiled("confluent-api-secret", confluent_secret, 4),
    _spoiled("zuplo-consumer-key", zuplo_key, 5),
    _spoiled("matrix-synapse-access-token", synapse_token, -8),
    _spoiled("matrix-mas-token", mas_token, -8),
    _spoiled("laravel-sanctum-token", sanctum, 10),
    _spoiled("azure-storage-account-key", lambda rng: identifiable_key(rng, "azure-storage-account-key"), 3),
    _spoiled("azure-devops-pat", lambda rng: annotated_key(rng, "AZDO"), 3),
    _spoiled("age-secret-key", age_key, -1),
    _spoiled("nats-nkey-seed", nats_seed, 20),
    _spoiled("stellar-secret-seed", stellar_seed, 20),
    _spoiled("nostr-nsec", nostr_key, -1),
)
