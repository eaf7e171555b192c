"""Chat, mail and customer platforms: Slack, Discord, Telegram, SendGrid, Mailgun, Twilio, HubSpot, Salesforce."""

from __future__ import annotations

from random import Random
from urllib.parse import quote

from auditor.sample.tokens.kinds import Kind, Made, Shape, plain, whole
from auditor.sample.tokens.randomness import BASE62, BASE64URL, DIGITS, HEX, UPPER36, base64_of, base64url_of, body, uuid


def _slack_webhook(rng: Random) -> str:
    return f"https://hooks.slack.com/services/T{body(rng, UPPER36, 10)}/B{body(rng, UPPER36, 10)}/{body(rng, BASE62, 24)}"


def _snowflake(rng: Random) -> str:
    """Return a Discord id of the years 2018 to 2026."""
    return str(rng.randrange(400_000_000_000_000_000, 1_400_000_000_000_000_000))


def _discord_bot(rng: Random) -> str:
    return f"{base64url_of(_snowflake(rng).encode())}.G{body(rng, BASE64URL, 5)}.{body(rng, BASE64URL, 38)}"


def _slack_session(rng: Random) -> Made:
    """Return the client token and its cookie, which work only together."""
    token = f"xoxc-{body(rng, DIGITS, 12)}-{body(rng, DIGITS, 12)}-{body(rng, DIGITS, 13)}-{body(rng, HEX, 64)}"
    cookie = "xoxd-" + base64_of(rng.randbytes(130))
    return Made(f"Cookie: d={quote(cookie, safe='')}; d-s=1763 token={token}", token, (("slack-session-cookie", cookie),))


KINDS = (
    whole("slack-bot-token", lambda rng: f"xoxb-{body(rng, DIGITS, 12)}-{body(rng, DIGITS, 13)}-{body(rng, BASE62, 24)}"),
    whole(
        "slack-user-token",
        lambda rng: f"xoxp-{body(rng, DIGITS, 12)}-{body(rng, DIGITS, 12)}-{body(rng, DIGITS, 13)}-{body(rng, HEX, 32)}",
    ),
    whole("slack-app-level-token", lambda rng: f"xapp-1-A{body(rng, UPPER36, 10)}-{body(rng, DIGITS, 13)}-{body(rng, HEX, 64)}"),
    whole("slack-config-access-token", lambda rng: f"xoxe.xoxp-1-Mi0y{body(rng, BASE62, 162)}"),
    whole("slack-config-refresh-token", lambda rng: f"xoxe-1-My0x{body(rng, BASE62, 142)}"),
    Kind("slack-client-session-token", _slack_session, Shape.TEXT),
    whole("slack-webhook-url", _slack_webhook, Shape.URL),
    whole("discord-bot-token", _discord_bot),
    whole(
        "discord-webhook-url",
        lambda rng: f"https://discord.com/api/webhooks/{_snowflake(rng)}/{body(rng, BASE64URL, 68)}",
        Shape.URL,
    ),
    whole("telegram-bot-token", lambda rng: f"{rng.randrange(10**9, 8 * 10**9)}:AA{body(rng, BASE64URL, 33)}"),
    whole("sendgrid-api-key", lambda rng: f"SG.{body(rng, BASE64URL, 22)}.{body(rng, BASE64URL, 43)}"),
    plain("mailgun-private-key", "key-", HEX, 32),
    whole("mailgun-api-key-v2", lambda rng: f"{body(rng, HEX, 32)}-{body(rng, HEX, 8)}-{body(rng, HEX, 8)}"),
    whole("mailchimp-api-key", lambda rng: f"{body(rng, HEX, 32)}-us{rng.randrange(1, 22)}"),
    whole("brevo-api-key", lambda rng: f"xkeysib-{body(rng, HEX, 64)}-{body(rng, BASE62, 16)}"),
    whole("resend-api-key", lambda rng: f"re_{body(rng, BASE62, 8)}_{body(rng, BASE62, 24)}"),
    plain("twilio-api-key-sid", "SK", HEX, 32),
    whole("hubspot-private-app-token", lambda rng: f"pat-{rng.choice(('na1', 'eu1'))}-{uuid(rng)}"),
    whole("salesforce-access-token", lambda rng: f"00D{body(rng, BASE62, 12)}!{body(rng, BASE62 + '._', 96)}"),
)
