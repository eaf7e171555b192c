"""Payments and shipping: Stripe, Square, PayPal, Braintree, Plaid and others."""

from __future__ import annotations

from auditor.sample.tokens.kinds import plain, whole
from auditor.sample.tokens.randomness import BASE36, BASE62, BASE64URL, HEX, body, uuid

KINDS = (
    plain("stripe-secret-key", "sk_live_51", BASE62, 97),
    plain("stripe-restricted-key", "rk_live_51", BASE62, 97),
    plain("stripe-test-key", "sk_test_51", BASE62, 97),
    plain("stripe-webhook-secret", "whsec_", BASE62, 32),
    whole("stripe-payment-client-secret", lambda rng: f"pi_{body(rng, BASE62, 24)}_secret_{body(rng, BASE62, 25)}"),
    plain("square-access-token", "EAAA", BASE64URL, 60),
    plain("square-pat-legacy", "sq0atp-", BASE64URL, 22),
    plain("square-oauth-secret", "sq0csp-", BASE64URL, 43),
    plain("paypal-access-token", "A21AA", BASE64URL, 92),
    whole("braintree-access-token", lambda rng: f"access_token$production${body(rng, BASE36, 16)}${body(rng, HEX, 32)}"),
    whole("plaid-access-token", lambda rng: f"access-production-{uuid(rng)}"),
    plain("paystack-secret", "sk_live_", HEX, 40),
    whole("flutterwave-secret", lambda rng: f"FLWSECK-{body(rng, HEX, 32)}-X"),
    plain("easypost-key", "EZAK", BASE62, 54),
    plain("shippo-token", "shippo_live_", HEX, 40),
    plain("duffel-token", "duffel_live_", BASE64URL, 43),
    plain("razorpay-key", "rzp_live_", BASE62, 14),
)
