"""Amazon: access keys, session tokens, Login with Amazon, presigned addresses."""

from __future__ import annotations

import base64
from random import Random

from auditor.sample.tokens.kinds import Kind, Made, Shape, plain, whole
from auditor.sample.tokens.randomness import BASE36, BASE64, BASE64URL, HEX, LOWER, between, body, uuid

_REGIONS = ("eu-west-1", "us-east-1", "ap-southeast-2", "eu-central-1")


def access_key_id(rng: Random, family: str = "AKIA") -> str:
    """Return a key id whose first 48 bits hold a random 12-digit account number, as real ones do."""
    account = rng.randrange(100_000_000_000, 999_999_999_999)
    head = (account << 7 | rng.getrandbits(7) | 1 << 47).to_bytes(6, "big")
    return family + base64.b32encode(head + rng.randbytes(4)).decode()


def secret_access_key(rng: Random) -> str:
    """Return the 40 characters of a secret access key."""
    return body(rng, BASE64, 40)


def _pair(rng: Random) -> Made:
    """Return the two lines of an environment file, on one line."""
    key_id, secret = access_key_id(rng), secret_access_key(rng)
    text = f"AWS_ACCESS_KEY_ID={key_id} AWS_SECRET_ACCESS_KEY={secret} AWS_REGION={rng.choice(_REGIONS)}"
    return Made(text, secret, (("aws-access-key-id", key_id),))


def _presigned(rng: Random) -> Made:
    """Return a presigned S3 address; the signature is what makes it work."""
    signature, region = body(rng, HEX, 64), rng.choice(_REGIONS)
    key_id = access_key_id(rng)
    text = (
        f"https://media-{body(rng, LOWER, 6)}.s3.{region}.amazonaws.com/{body(rng, BASE36, 12)}.pdf"
        "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={key_id}%2F20261103%2F{region}%2Fs3%2Faws4_request"
        f"&X-Amz-Date=20261103T0914{rng.randrange(10, 60)}Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host"
        f"&X-Amz-Signature={signature}"
    )
    return Made(text, signature, (("aws-access-key-id", key_id),))


def _bedrock(rng: Random) -> str:
    """Return a long-term Bedrock key: base64 of a user part, a colon and a secret."""
    user = f"BedrockAPIKey-{body(rng, BASE36, 4)}-at-{rng.randrange(10**11, 10**12)}"
    return "ABSK" + base64.b64encode(f"{user}:{body(rng, BASE64, 44)}".encode()).decode()


KINDS = (
    whole("aws-access-key-id", access_key_id),
    whole("aws-sts-access-key-id", lambda rng: access_key_id(rng, "ASIA")),
    Kind("aws-secret-access-key", _pair, Shape.TEXT),
    whole("aws-session-token", lambda rng: "IQoJb3JpZ2luX2Vj" + body(rng, BASE64, rng.randrange(396, 520) // 4 * 4)),
    whole("aws-bedrock-key-long-term", _bedrock),
    whole("aws-bedrock-key-short-term", lambda rng: "bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t" + body(rng, BASE64, 176)),
    plain("aws-appsync-api-key", "da2-", BASE36, 26),
    whole("aws-mws-auth-token", lambda rng: "amzn.mws." + uuid(rng)),
    whole("amazon-lwa-access-token", lambda rng: "Atza|" + between(rng, BASE64URL, 160, 320)),
    whole("amazon-lwa-refresh-token", lambda rng: "Atzr|" + between(rng, BASE64URL, 200, 360)),
    plain("amazon-lwa-client-secret", "amzn1.oa2-cs.v1.", HEX, 64),
    Kind("aws-presigned-url", _presigned, Shape.URL),
)
