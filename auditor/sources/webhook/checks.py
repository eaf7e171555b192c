"""What `auditor doctor` asks about a webhook feed. Each answer says what to do."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

from auditor.delivery import Check
from auditor.errors import ConfigError, SourceUnavailable
from auditor.sources.webhook.listening import listen
from auditor.sources.webhook.settings import WebhookSettings, is_loopback
from auditor.sources.webhook.tls import Certificate

_SOON = 30
_DAY = 86400
_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_PATIENCE = 3.0


def checks(settings: WebhookSettings) -> Iterator[Check]:
    """Yield one answer a question."""
    yield _certificate(settings)
    yield _port(settings)
    yield _senders(settings)
    if settings.forward_to:
        yield _endpoint_behind(settings)


def _certificate(settings: WebhookSettings) -> Check:
    """Check that TLS is spoken, with a certificate that holds for another month."""
    name = "certificate"
    if settings.certificate is None or settings.key is None:
        if is_loopback(settings.host):
            return Check(name, "ok", "plain HTTP, on loopback alone")
        fix = "give certificate and key; CockroachDB's sink posts to https alone, so something before this must end TLS"
        return Check(name, "warn", "plain HTTP can be read by whoever is on the way", fix)
    try:
        Certificate(settings.certificate, settings.key, settings.client_ca)
        left = (_expiry(settings.certificate, settings.key) - time.time()) / _DAY
    except ConfigError as error:
        return Check(name, "fail", str(error), error.fix or "give PEM files that belong together")
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _EXPIRED:
            return Check(name, "fail", f"{settings.certificate} has expired", "renew it: it is loaded again without a restart")
        return Check(name, "fail", f"{settings.certificate} is not for a server: {error.verify_message}", "have another one made")
    except ssl.SSLError as error:
        return Check(name, "fail", f"{settings.certificate}: {error.reason}", "have another one made")
    if left < _SOON:
        what = f"{settings.certificate} expires in {left:.0f} days"
        return Check(name, "warn", what, "renew it: it is loaded again without a restart")
    return Check(name, "ok", f"{settings.certificate} holds for {left:.0f} days")


def _expiry(certificate: Path, key: Path) -> float:
    """Return the time at which a certificate ends, told by a client that trusts it alone. Raise `ssl.SSLError`."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(certificate)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = Certificate(certificate, key, None).context.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server)
    for side in (theirs, ours, theirs):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    told = theirs.getpeercert() or {}
    return float(ssl.cert_time_to_seconds(str(told["notAfter"])))


def _port(settings: WebhookSettings) -> Check:
    """Check that the port can be listened on."""
    where = f"{settings.host}:{settings.port}"
    try:
        listen(settings).close()
    except SourceUnavailable:
        return Check("port", "warn", f"{where} is in use", "that is right if the auditor is running; else choose another port")
    except ConfigError as error:
        return Check("port", "fail", str(error), "choose a host of this machine and a port that may be used")
    return Check("port", "ok", f"{where} can be listened on")


def _senders(settings: WebhookSettings) -> Check:
    """Check that not everybody may post."""
    name = "authorization"
    try:
        accepted = settings.accepted()
    except ConfigError as error:
        return Check(name, "fail", error.what, error.fix or "set it")
    if accepted and settings.certificate is None and not is_loopback(settings.host):
        return Check(name, "warn", "the Authorization header travels in plain text", "give certificate and key")
    if accepted:
        return Check(name, "ok", f"{len(accepted)} accepted value{'s' if len(accepted) > 1 else ''} of the Authorization header")
    if settings.client_ca is not None:
        return Check(name, "ok", f"clients must have a certificate of {settings.client_ca}")
    fix = "give authorization, and the same value in the changefeed's webhook_auth_header; or give client_ca"
    return Check(name, "warn", "whoever reaches the port may post", fix)


def _endpoint_behind(settings: WebhookSettings) -> Check:
    """Check that the endpoint behind can be reached, without sending it a request."""
    from auditor.sources.webhook.tee import client_context, place_of

    name = "forward_to"
    host, port, secure = place_of(settings)
    try:
        context = client_context(settings)
        with socket.create_connection((host, port), timeout=_PATIENCE) as connection:
            if secure:
                context.wrap_socket(connection, server_hostname=host).close()
    except ConfigError as error:
        return Check(name, "fail", str(error), "give a PEM file")
    except ssl.SSLCertVerificationError as error:
        fix = "give its authority as forward_ca"
        return Check(name, "fail", f"{host}:{port} is not trusted: {error.verify_message}", fix)
    except OSError as error:
        reason = error.strerror or "no answer"
        return Check(name, "fail", f"{host}:{port} cannot be reached: {reason}", "without it every request is answered with 502")
    return Check(name, "ok", f"{host}:{port} can be reached")
