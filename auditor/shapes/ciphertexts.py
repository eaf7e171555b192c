"""What encryption leaves: the text of key services, of libraries, and of files."""

from __future__ import annotations

from auditor.shapes.shape import Kind, Shape

_B = "[A-Za-z0-9+/]"
_U = "[A-Za-z0-9_-]"
_ARMOUR = r"-----BEGIN {0}-----\r?\n(?:[ -~]*\r?\n)+-----END {0}-----\s*"


def _of(name: str, title: str, source: str, *begins: str, multiline: str = "") -> Shape:
    return Shape(name, Kind.CIPHERTEXT, title, source, multiline, begins)


CIPHERTEXTS = (
    _of("vault-transit", "HashiCorp Vault's transit engine", r"vault:v[1-9][0-9]{0,5}:[A-Za-z0-9+/_-]{16,}={0,2}", "vault:v"),
    # The blob begins 01 02 02 00 7x or 01 02 03 00 7x; the shortest key it holds makes 184 characters of base64.
    _of(
        "kms",
        "AWS KMS",
        rf"AQI[CD]AH{_B}{{90,}}={{0,2}}|\\x0102(?:02|03)007[0-9a-f](?:[0-9a-f]{{2}}){{68,}}",
        "AQICAH", "AQIDAH", "\\x0102",
    ),
    _of("aws-encryption-sdk", "AWS Encryption SDK", f"(?:AYAD|AgV4|AQR4){_B}{{100,}}={{0,2}}", "AYAD", "AgV4", "AQR4"),
    # A version byte, 8 of time, 16 of IV, blocks of 16, 32 of HMAC: 57 + 16 n bytes, 48 of which make 64 characters.
    _of(
        "fernet",
        "Fernet",
        f"gAAAAA{_U}{{58}}(?:{_U}{{64}})*(?:{_U}{{12}}|{_U}{{33}}[AQgw](?:==)?|{_U}{{54}}[AEIMQUYcgkosw048]=?)",
        "gAAAAA",
    ),
    # RFC 7516; IVs of 12 or 16 bytes, tags of 16, 24 or 32 (RFC 7518, 5.1).
    _of(
        "jwe",
        "JWE in compact form",
        rf"eyJ{_U}{{16,}}\.{_U}*\.(?:{_U}{{16}}|{_U}{{22}})\.{_U}+\.(?:{_U}{{22}}|{_U}{{32}}|{_U}{{43}})",
        "eyJ",
    ),
    # Session keys (tags 1 and 3, RFC 9580) come first: for a key (version 3) or a password (version 4).
    _of(
        "pgp",
        "An OpenPGP message, armoured, as base64 or as BYTES",
        rf"(?:hQ[EIM]|wc[BDF]|jA0E|ww0E){_B}{{60,}}={{0,2}}"
        r"|\\x(?:84[0-9a-f]{2}03|85[0-9a-f]{4}03|8c0d04|c1(?:[0-9a-b][0-9a-f]|[c-d][0-9a-f]{3})03|c30d04)(?:[0-9a-f]{2}){30,}",
        "hQ", "wc", "jA0E", "ww0E", "\\x8", "\\xc", "-----BEGIN PGP MESSAGE-----",
        multiline=_ARMOUR.format("PGP MESSAGE"),
    ),
    _of(
        "age",
        "A file of age",
        rf"YWdlLWVuY3J5cHRpb24ub3JnL3Yx{_B}{{60,}}={{0,2}}",
        "YWdlLWVuY3J5cHRpb24ub3JnL3Yx", "-----BEGIN AGE ENCRYPTED FILE-----",
        multiline=_ARMOUR.format("AGE ENCRYPTED FILE"),
    ),
    _of("laravel-crypt", "Laravel's Crypt", f"eyJpdiI6{_B}{{60,}}={{0,2}}", "eyJpdiI6"),
    _of(
        "rails-encrypted-attribute",
        "Active Record Encryption",
        r'\{"p": ?"[A-Za-z0-9+/=]+", ?"h": ?\{[^\n]+\}\}',
        '{"p":',
    ),
    Shape(
        "rails-message",
        Kind.CIPHERTEXT,
        "Rails' MessageEncryptor: ciphertext--IV--tag",
        rf"{_B}{{4,}}={{0,2}}--(?:{_B}{{16}}--{_B}{{22}}==|{_B}{{22}}==)",
        holds="--",
    ),
    _of(
        "ansible-vault",
        "Ansible Vault",
        r"\$ANSIBLE_VAULT;[0-9.]{3};AES256(?:;[!-~]+)? [0-9a-f ]{60,}",
        "$ANSIBLE_VAULT;",
        multiline=r"\$ANSIBLE_VAULT;[0-9.]{3};AES256(?:;[!-~]+)?\r?\n(?:[0-9a-f]+\r?\n?)+",
    ),
    _of(
        "sops",
        "A value that SOPS encrypted",
        r"ENC\[AES256_GCM,data:[A-Za-z0-9+/=]*,iv:[A-Za-z0-9+/=]{4,},tag:[A-Za-z0-9+/=]{20,},type:[a-z]+\]",
        "ENC[",
    ),
    _of("openssl-enc", "openssl enc with a password", f"U2FsdGVkX1[89+/]{_B}{{20,}}={{0,2}}", "U2FsdGVkX1"),
    _of("jasypt", "Jasypt's ENC()", rf"ENC\({_B}{{16,}}={{0,2}}\)", "ENC("),
    _of("spring-cipher", "Spring Cloud Config's {cipher}", r"\{cipher\}[0-9A-Za-z+/=]{32,}", "{cipher}"),
    _of("sealed-secret", "A SealedSecret's value", f"Ag{_B}{{698,}}={{0,2}}", "Ag"),
    _of("kubernetes-encrypted", "A value that Kubernetes encrypted at rest", r"k8s:enc:[a-z0-9]+:v[0-9]:[^\n]+", "k8s:enc:"),
)  # fmt: skip
