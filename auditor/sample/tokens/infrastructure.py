"""What runs other software: Vault, Terraform, Doppler, 1Password, Docker, OpenShift, NATS' neighbours, Matrix."""

from __future__ import annotations

import base64
from random import Random

from auditor.sample.tokens.checksums import crc32, crc32_base62, crc32_base62_reversed
from auditor.sample.tokens.kinds import plain, whole
from auditor.sample.tokens.randomness import (
    BASE36,
    BASE62,
    BASE64URL,
    HEX,
    LETTERS,
    LOWER,
    base64_json,
    base64url_of,
    between,
    body,
    uuid,
)


def _service_account(rng: Random) -> str:
    """Return a 1Password service account token: base64 JSON of its sign-in."""
    return "ops_" + base64_json(
        {
            "signInAddress": "northwind.1password.com",
            "userAuth": {
                "method": "SRPg-4096",
                "alg": "PBES2g-HS256",
                "iterations": 650000,
                "salt": base64url_of(rng.randbytes(16)),
            },
            "email": f"{body(rng, BASE36, 13)}@1passwordserviceaccounts.com",
            "srpX": body(rng, HEX, 64),
            "muk": {
                "alg": "A256GCM",
                "ext": True,
                "k": base64url_of(rng.randbytes(32)),
                "key_ops": ["encrypt", "decrypt"],
                "kty": "oct",
            },
            "secretKey": f"A3-{body(rng, BASE36.upper(), 6)}-{body(rng, BASE36.upper(), 11)}",
            "deviceUuid": body(rng, BASE36, 26),
        }
    ).rstrip("=")


def zuplo_key(rng: Random) -> str:
    """Return a Zuplo consumer key: 32 characters and their CRC-32 in hex."""
    random_part = body(rng, BASE36, 32)
    return f"zpka_{random_part}_{crc32(random_part):08x}"


def synapse_token(rng: Random) -> str:
    """Return a Synapse access token: the user's name in base64, 20 letters, CRC-32."""
    user = (
        base64.b64encode(f"{rng.choice(('maya', 'jonas', 'ines', 'tomasz'))}{rng.randrange(10, 99)}".encode())
        .decode()
        .rstrip("=")
    )
    text = f"syt_{user}_{body(rng, LETTERS, 20)}"
    return f"{text}_{crc32_base62(text)}"


def mas_token(rng: Random) -> str:
    """Return a token of Matrix Authentication Service."""
    text = rng.choice(("mat_", "mar_", "mct_", "mcr_")) + body(rng, BASE62, 30)
    return f"{text}_{crc32_base62_reversed(text)}"


KINDS = (
    whole("hashicorp-vault-service-token", lambda rng: "hvs.CAESI" + between(rng, BASE64URL, 85, 95)),
    whole("hashicorp-vault-batch-token", lambda rng: "hvb.AAAAAQ" + between(rng, BASE64URL, 150, 200)),
    whole("hashicorp-vault-recovery-token", lambda rng: "hvr." + between(rng, BASE64URL, 90, 110)),
    whole("terraform-cloud-token", lambda rng: f"{body(rng, BASE62, 14)}.atlasv1.{body(rng, BASE62, 67)}"),
    plain("doppler-personal-token", "dp.pt.", BASE62, 43),
    whole("doppler-service-token", lambda rng: f"dp.st.prd.{body(rng, BASE62, 43)}"),
    whole("onepassword-service-account", _service_account),
    plain("openshift-user-token", "sha256~", BASE64URL, 43),
    plain("docker-hub-pat", "dckr_pat_", BASE64URL, 27),
    plain("docker-hub-org-token", "dckr_oat_", BASE64URL, 32),
    whole("docker-swarm-join-token", lambda rng: f"SWMTKN-1-{body(rng, BASE36, 50)}-{body(rng, BASE36, 25)}"),
    whole(
        "bitwarden-access-token",
        lambda rng: f"0.{uuid(rng)}.{body(rng, BASE62, 30)}:{base64.b64encode(rng.randbytes(16)).decode()}",
    ),
    whole("zuplo-consumer-key", zuplo_key),
    whole("matrix-synapse-access-token", synapse_token),
    whole("matrix-mas-token", mas_token),
    whole("ory-token", lambda rng: f"ory_at_{body(rng, BASE64URL, 43)}.{body(rng, BASE64URL, 43)}"),
    plain("inngest-signing-key", "signkey-prod-", HEX, 64),
    whole("svix-webhook-secret", lambda rng: "whsec_" + base64.b64encode(rng.randbytes(32)).decode()),
    plain("ramp-client-secret", "ramp_sec_", BASE62, 48),
    whole("mercury-token", lambda rng: f"mercury_production_{body(rng, LOWER, 3)}_{body(rng, BASE62, 44)}_yrucrem"),
)
