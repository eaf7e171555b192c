"""What may be seen by anyone: public keys, certificates, publishable keys, pictures, and names of secrets kept elsewhere."""

from __future__ import annotations

from auditor.shapes.shape import Kind, Shape

_B = "[A-Za-z0-9+/]"


def _of(name: str, kind: Kind, title: str, source: str, *begins: str, multiline: str = "") -> Shape:
    return Shape(name, kind, title, source, multiline, begins)


def _pem(name: str, title: str, label: str) -> Shape:
    """Return the shape of PEM, its lines as they are or joined by spaces."""
    one_line = rf"(?:-----BEGIN {label}----- (?:[A-Za-z0-9+/=]+ )+-----END {label}----- ?)+"
    lines = rf"(?:-----BEGIN {label}-----\s+(?:[A-Za-z0-9+/=]+\s+)+-----END {label}-----\s*)+"
    return _of(name, Kind.PUBLIC, title, one_line, "-----BEGIN ", multiline=lines)


POINTERS = (
    _of(
        "secretsmanager-arn",
        Kind.POINTER,
        "The ARN of a secret in AWS Secrets Manager or a parameter",
        r"arn:aws[a-z-]{0,12}:(?:secretsmanager:[a-z0-9-]{1,24}:[0-9]{12}:secret|ssm:[a-z0-9-]{1,24}:[0-9]{12}:parameter)[:/][!-~]{1,512}",
        "arn:aws",
    ),
    _of(
        "gcp-secret",
        Kind.POINTER,
        "The name of a secret in Google's Secret Manager",
        "projects/[a-z0-9:.-]{1,64}/secrets/[A-Za-z0-9_-]{1,255}(?:/versions/(?:[0-9]{1,9}|latest))?",
        "projects/",
    ),
    _of(
        "azure-key-vault",
        Kind.POINTER,
        "A reference to Azure Key Vault",
        r"@Microsoft\.KeyVault\([!-(*-~]{1,512}\)|https://[a-z0-9-]{3,24}\.vault\.azure\.net/(?:secrets|keys)/[0-9A-Za-z/-]{1,200}",
        "@Microsoft.KeyVault(", "https://",
    ),
    _of("vault-path", Kind.POINTER, "A path in HashiCorp Vault", r"vault:[a-z0-9_-]{1,64}/[!-~]{1,255}", "vault:"),
    _of("onepassword", Kind.POINTER, "A reference to 1Password", r"op://[^/\n]{1,128}(?:/[^/\n]{1,128}){1,3}", "op://"),
    _of(
        "environment-reference",
        Kind.POINTER,
        "A variable's name, to be put in later",
        r"env:[A-Za-z_][0-9A-Za-z_]{0,127}|\$\{[A-Za-z_][^{}\n]{0,127}\}|\{\{ ?[A-Za-z_.][^{}\n]{0,127}\}\}",
        "env:", "${", "{{",
    ),
)  # fmt: skip
PUBLIC = (
    _of(
        "ssh-public-key",
        Kind.PUBLIC,
        "An SSH public key",
        r"(?:ssh-ed25519|ssh-rsa|ssh-dss|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)"
        rf" AAAA{_B}{{40,}}={{0,2}}(?: [ -~]{{0,255}})?",
        "ssh-", "ecdsa-", "sk-",
    ),
    _pem("pem-public-key", "A public key (PEM)", "(?:RSA )?PUBLIC KEY"),
    _pem("pem-certificate", "Certificates (PEM)", "CERTIFICATE"),
    _of("age-recipient", Kind.PUBLIC, "A recipient of age", "age1[02-9ac-hj-np-z]{58}", "age1"),
    _of("nostr-public-key", Kind.PUBLIC, "A public key of Nostr", "npub1[02-9ac-hj-np-z]{58}", "npub1"),
    _of(
        "extended-public-key",
        Kind.PUBLIC,
        "An extended public key (BIP 32)",
        "[xyztuv]pub[1-9A-HJ-NP-Za-km-z]{107}",
        *(f"{letter}pub" for letter in "xyztuv"),
    ),
    Shape("stellar-account", Kind.PUBLIC, "An account of Stellar", "G[A-Z2-7]{55}", lengths=frozenset((56,))),
    Shape("ethereum-address", Kind.PUBLIC, "An address of Ethereum", "0x[0-9a-fA-F]{40}", lengths=frozenset((42,))),
    _of(
        "publishable-key",
        Kind.PUBLIC,
        "A key that its vendor means to be published",
        r"pk_(?:live|test)_[0-9A-Za-z]{14,128}|phc_[0-9A-Za-z]{32,64}|sb_publishable_[0-9A-Za-z_-]{20,64}|pub[0-9a-f]{32}"
        r"|pk\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}",
        "pk_", "phc_", "sb_publishable_", "pub", "pk.eyJ",
    ),
    _of(
        "base64-file",
        Kind.BLOB,
        "A picture, PDF or archive as base64 or as a data: URL",
        rf"(?:iVBORw0KGgo|/9j/|R0lGOD|UklGR|JVBERi0|H4sI|UEsDB|Qk0|PHN2Zy)[A-Za-z0-9+/_-]{{16,}}={{0,2}}"
        rf"|data:[a-z]+/[a-z0-9.+-]+(?:;[a-z0-9=-]+)*;base64,{_B}*={{0,2}}",
        "iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR", "JVBERi0", "H4sI", "UEsDB", "Qk0", "PHN2Zy", "data:",
    ),
)  # fmt: skip
