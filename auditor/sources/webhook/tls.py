"""The server's certificate: loading it, and loading it again when its files change."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from auditor.errors import ConfigError
from auditor.sources.webhook.settings import WebhookSettings

_log = logging.getLogger(__name__)


class Certificate:
    """
    A certificate with its key, in a context that lives as long as the server.

    New connections get what was loaded last. The authority of the clients is read once.
    """

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        """Load everything; raise `ConfigError` naming the file."""
        self._certificate, self._key = certificate, key
        self._seen = self._versions()
        self.context = _context()
        _load(self.context, certificate, key)
        self.context.set_alpn_protocols(["http/1.1"])
        if client_ca is not None:
            try:
                self.context.load_verify_locations(client_ca)
            except OSError as error:
                raise ConfigError(f"the clients' authority cannot be read: {_reason(error)}", where=str(client_ca)) from None
            self.context.verify_mode = ssl.CERT_REQUIRED

    @classmethod
    def of(cls, settings: WebhookSettings) -> Certificate | None:
        """Return the certificate that the settings name, if they do."""
        if settings.certificate is None or settings.key is None:
            return None
        return cls(settings.certificate, settings.key, settings.client_ca)

    def refresh(self) -> bool:
        """Load the files again if they have changed, and tell so. Halves of two pairs do no harm: the old one stays."""
        versions = self._versions()
        if versions == self._seen:
            return False
        try:
            # Into another context first: a key that does not fit would leave this one with half of each.
            _load(_context(), self._certificate, self._key)
            _load(self.context, self._certificate, self._key)
        except ConfigError as error:
            _log.warning("the certificate that was in use stays in use: %s", error)
            return False
        self._seen = versions
        return True

    def _versions(self) -> tuple[object, ...]:
        """Return what tells the files from other ones; a file that is missing has none."""
        versions: list[object] = []
        for path in (self._certificate, self._key):
            try:
                stat = path.stat()
            except OSError:
                versions.append(None)
            else:
                versions.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(versions)


def _context() -> ssl.SSLContext:
    """Return a server's context without a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Load a pair of files; raise `ConfigError`."""
    try:
        # An empty password: without one OpenSSL would ask at the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        where = f"{certificate}, {key}"
        fix = "give PEM files: the certificate before its chain, and its key without a password"
        raise ConfigError(f"the certificate cannot be used: {_reason(error)}", where=where, fix=fix) from None


def _reason(error: OSError | ValueError) -> str:
    """Say what was wrong, in words that hold nothing of the files."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "not PEM").lower().replace("_", " ")
    return (isinstance(error, OSError) and error.strerror) or "not PEM"
