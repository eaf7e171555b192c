"""
Checksums that vendors build into their tokens: CRC-32 in many spellings, and one SHA-256.

A random text passes a CRC-32 once in 4 billion. Where a docstring says nothing else, the vendor's own source code or statement is
the source, or the rule held on every public sample at hand.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Mapping

from auditor.detect.bases import BASE36, BASE62, read_base62, written
from auditor.detect.bounded import from_base64
from auditor.detect.checks import Check, Verdict


def _crc(text: str) -> int:
    """Return CRC-32 (IEEE 802.3, as in zlib) of a text."""
    return zlib.crc32(text.encode())


def _sum_holds(holds: bool) -> Verdict:  # noqa: FBT001 - the one thing that it is told
    """Turn the outcome of a checksum into a verdict."""
    return Verdict.PROVEN if holds else Verdict.FAILED


def crc32_of_body(secret: str, _matched: str) -> Verdict:
    """GitHub, npm, Vercel: after the first underscore a body, then its CRC-32 in six base62 digits."""
    body = secret.partition("_")[2]
    return _sum_holds(read_base62(body[-6:]) == _crc(body[:-6]))


def github_fine_grained(secret: str, _matched: str) -> Verdict:
    """
    ``github_pat_``: eight base32 characters of SHA-256 over all before them, then eight that nothing covers.

    GitHub does not document it. It held on unrelated public samples (chance 2^-80); some older ones that look
    real do not pass, so a failure says nothing.
    """
    digest = base64.b32encode(hashlib.sha256(secret[:-16].encode()).digest()).decode()
    return Verdict.PROVEN if secret[-16:-8] == digest[:8] else Verdict.UNKNOWN


def gitlab_routable(secret: str, _matched: str) -> Verdict:
    """
    GitLab's routable form: prefix, base64url, ``.01.``, its length in two base36 digits, CRC-32 of all before in seven.

    The CRC of the earlier form, without ``01``, was never confirmed.
    """
    head, version, tail = secret.rpartition(".01.")
    if not version:
        return Verdict.UNKNOWN
    try:
        prefix = head[: len(head) - int(tail[:2], 36)]
    except ValueError:
        return Verdict.FAILED
    return _sum_holds(prefix.endswith(("-", "_")) and tail[2:] == written(_crc(secret[:-7]), BASE36, 7))


def crc32_upper_hex(secret: str, _matched: str) -> Verdict:
    """Atlassian, Bitbucket: the last eight characters are CRC-32 of all before them (a ``=`` too) in capital hex."""
    return _sum_holds(secret[-8:] == f"{_crc(secret[:-8]):08X}")


def grafana_service_account(secret: str, _matched: str) -> Verdict:
    """``glsa_``: CRC-32 of all before the last underscore, as hex of its little-endian bytes."""
    body, _, tail = secret.rpartition("_")
    return _sum_holds(tail == _crc(body).to_bytes(4, "little").hex())


def confluent(secret: str, _matched: str) -> Verdict:
    """``cflt``: CRC-32 of the 54 characters between, little-endian, the first six characters of its base64."""
    tail = base64.b64encode(_crc(secret[4:-6]).to_bytes(4, "little")).decode()
    return _sum_holds(secret[-6:] == tail[:6])


def zuplo(secret: str, _matched: str) -> Verdict:
    """``zpka_``: CRC-32 of the body between the underscores, in hex."""
    body, _, tail = secret.partition("_")[2].partition("_")
    return _sum_holds(tail == f"{_crc(body):08x}")


def synapse(secret: str, _matched: str) -> Verdict:
    """Matrix Synapse: CRC-32 of all before the last underscore, in six base62 digits; the user's name in base64."""
    body, _, tail = secret.rpartition("_")
    user = body.split("_")[1] if "_" in body else ""
    return _sum_holds(from_base64(user) is not None and tail == written(_crc(body), BASE62, 6))


def matrix_authentication_service(secret: str, _matched: str) -> Verdict:
    """``mat_`` and kin: CRC-32 of all before the last underscore; base62 digits least significant first, then left-padded."""
    body, _, tail = secret.rpartition("_")
    return _sum_holds(tail == written(_crc(body), BASE62, 0)[::-1].rjust(6, "0"))


def sanctum(secret: str, _matched: str) -> Verdict:
    """Laravel Sanctum: the last eight characters are CRC-32, in hex, of the 40 before them."""
    return _sum_holds(secret[-8:] == f"{_crc(secret[-48:-8]):08x}")


CHECKS: Mapping[str, Check] = {
    "atlassian-crc32": crc32_upper_hex,
    "confluent-crc32": confluent,
    "crc32-of-body": crc32_of_body,
    "github-fine-grained": github_fine_grained,
    "gitlab-routable": gitlab_routable,
    "grafana-crc32": grafana_service_account,
    "matrix-mas-crc32": matrix_authentication_service,
    "matrix-synapse-crc32": synapse,
    "sanctum-crc32": sanctum,
    "zuplo-crc32": zuplo,
}
