"""Google Cloud, Workspace and Firebase."""

from __future__ import annotations

import json
from random import Random

from auditor.sample.tokens.kinds import Kind, Made, Shape, plain, whole
from auditor.sample.tokens.private_keys import PKCS8, pem
from auditor.sample.tokens.randomness import BASE36, BASE64URL, DIGITS, HEX, LOWER, UPPER36, between, body


def _service_account(rng: Random) -> Made:
    """Return the JSON key file of a service account; its secret is the private key."""
    project = f"{body(rng, LOWER, 6)}-prod-{body(rng, DIGITS, 5)}"
    key = pem(rng, "PRIVATE KEY", PKCS8, 608) + "\n"
    email = f"billing@{project}.iam.gserviceaccount.com"
    document = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": body(rng, HEX, 40),
        "private_key": key,
        "client_email": email,
        "client_id": body(rng, DIGITS, 21),
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
    }
    return Made(json.dumps(document), key.rstrip())


def _signed_url(rng: Random) -> Made:
    """Return a signed storage address, V4 form."""
    signature = body(rng, HEX, 512)
    text = (
        f"https://storage.googleapis.com/exports-{body(rng, LOWER, 6)}/{body(rng, BASE36, 10)}.csv"
        "?X-Goog-Algorithm=GOOG4-RSA-SHA256"
        f"&X-Goog-Credential=etl%40{body(rng, LOWER, 7)}.iam.gserviceaccount.com%2F20261103%2Fauto%2Fstorage%2Fgoog4_request"
        f"&X-Goog-Date=20261103T091500Z&X-Goog-Expires=3600&X-Goog-SignedHeaders=host&X-Goog-Signature={signature}"
    )
    return Made(text, signature)


def _authorized_user(rng: Random) -> Made:
    """Return application default credentials; the refresh token is the stronger of its two secrets."""
    refresh = "1//0" + body(rng, BASE64URL, 99)
    secret = "GOCSPX-" + body(rng, BASE64URL, 28)
    client = f"{body(rng, DIGITS, 12)}-{body(rng, BASE36, 32)}.apps.googleusercontent.com"
    document = {"client_id": client, "client_secret": secret, "refresh_token": refresh, "type": "authorized_user"}
    return Made(json.dumps(document), refresh, (("google-oauth-client-secret", secret),))


KINDS = (
    plain("gcp-api-key", "AIza", BASE64URL, 35),
    plain("gcp-gemini-auth-key", "AQ.Ab8RN6", BASE64URL, 44),
    whole("google-oauth-access-token", lambda rng: "ya29." + between(rng, BASE64URL, 120, 220)),
    whole("google-oauth-refresh-token", lambda rng: "1//0" + body(rng, BASE64URL, 99)),
    plain("google-oauth-client-secret", "GOCSPX-", BASE64URL, 28),
    Kind("gcp-service-account-json", _service_account, Shape.DOCUMENT),
    Kind("gcp-application-default-credentials", _authorized_user, Shape.DOCUMENT),
    plain("gcs-hmac-access-id", "GOOG1E", UPPER36, 55),
    Kind("gcs-signed-url", _signed_url, Shape.URL),
    whole("firebase-fcm-server-key", lambda rng: f"AAAA{body(rng, BASE64URL, 7)}:APA91b{body(rng, BASE64URL, 134)}"),
)
