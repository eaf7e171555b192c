"""Named shapes: what has them, what nearly has them, and that all of a text's shapes are told."""

from __future__ import annotations

import base64
import hashlib
import pickle
import random
import re
import string
import time
import uuid
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.security import generate_password_hash

from auditor.shapes import FAMILIES, SHAPES, Kind, Shape, shapes_of
from auditor.shapes.digests import SIZES
from auditor.shapes.shape import linear

LETTERS = string.ascii_letters + string.digits
CRYPT = "./" + string.digits + string.ascii_letters
BASE64 = string.ascii_letters + string.digits + "+/"


def some(alphabet: str, count: int) -> str:
    return "".join(random.Random(f"{alphabet} {count}").choices(alphabet, k=count))


def b64(size: int, *, url: bool = False) -> str:
    data = random.Random(size).randbytes(size)
    return (base64.urlsafe_b64encode if url else base64.b64encode)(data).decode()


def hexes(count: int) -> str:
    return some("0123456789abcdef", count)


def armoured(label: str, end: str = "\n") -> str:
    return end.join(
        (f"-----BEGIN {label}-----", "", some(BASE64, 64), some(BASE64, 20) + "==", "=aB3d", f"-----END {label}-----", "")
    )


def pem(label: str) -> str:
    return f"-----BEGIN {label}-----\n{some(BASE64, 64)}\n{some(BASE64, 22)}==\n-----END {label}-----\n"


BCRYPT = f"$2b$12${some(CRYPT, 53)}"
ARGON2 = f"$argon2id$v=19$m=65536,t=3,p=4${some(BASE64, 22)}${some(BASE64, 43)}"

#: Texts as the formats' own programs write them, put together here.
EXAMPLES: dict[str, Callable[[], list[str]]] = {
    "sha256-hex": lambda: digests("sha256", "hex"),
    "sha256-base64": lambda: digests("sha256", "base64"),
    **{name: lambda name=name: digests(name, "hex") + digests(name, "base64") for name in SIZES if name != "sha256"},
    "labelled-digest": lambda: [
        f"sha256:{hexes(64)}",
        f"sha256-{b64(32)}",
        f"sha384-{b64(48)}",
        f"sha512-{b64(64)}",
        f"sha1:{hexes(40)}",
        f"md5-{b64(16)}",
        f"SHA256:{b64(32).rstrip('=')}",
        f"sha256={hexes(64)}",
        f"2::{hexes(64)}",
        f"MD5:{':'.join(re.findall('..', hexes(32)))}",
    ],
    "webhook-signature": lambda: [f"v0={hexes(64)}", f"t=1700000000,v1={hexes(64)},v0={hexes(64)}", f"v1,{b64(32)} v1,{b64(32)}"],
    "certificate-fingerprint": lambda: [":".join(re.findall("..", hexes(2 * size))) for size in (16, 20, 32)],
    "ipfs-cid": lambda: ["Qm" + some("123456789ABCDEFGHJKLMN", 44), "bafy" + some("abcdefgh234567", 55)],
    "etag": lambda: [f'"{hexes(32)}"', f'W/"{b64(20)}"'],
    "s3-etag": lambda: [f"{hexes(32)}-12"],
    "bcrypt": lambda: [
        BCRYPT,
        BCRYPT.replace("$2b", "$2y"),
        f"CRDB-{'BCRYPT'}$2a$10${some(CRYPT, 53)}",
        f"bcrypt_sha256${BCRYPT}",
        f"bcrypt${BCRYPT}",
        f"$wp{BCRYPT}",
        f"$bcrypt-sha256$v=2,t=2b,r=12${some(CRYPT, 22)}${some(CRYPT, 31)}",
        "\\x" + BCRYPT.encode().hex(),
        "\\x" + f"CRDB-{'BCRYPT'}$2a$10${some(CRYPT, 53)}".replace("$2a", "$2a").encode().hex().replace("24336124", "24326124"),
    ],
    "argon2": lambda: [ARGON2, f"argon2{ARGON2}", ARGON2.replace("argon2id$v=19", "argon2i")],
    "scrypt": lambda: [
        generate_password_hash("x", "scrypt:32768:8:1"),
        f"$scrypt$ln=16,r=8,p=1${some(BASE64, 22)}${some(BASE64, 43)}",
        f"scrypt$16384${some(LETTERS, 12)}$8$5${b64(64)}",
        f"$7$C6..../....{some(CRYPT, 11)}${some(CRYPT, 43)}",
    ],
    "pbkdf2": lambda: [
        generate_password_hash("x", "pbkdf2:sha256:1000"),
        generate_password_hash("x", "pbkdf2:sha512:1000"),
        f"pbkdf2_sha256$1000000${some(LETTERS, 22)}${b64(32)}",
        f"pbkdf2_sha1$1000000${some(LETTERS, 22)}${b64(20)}",
        f"$pbkdf2-sha256$29000${some(CRYPT, 22)}${some(CRYPT, 43)}",
        f"$pbkdf2-sha512$25000${some(CRYPT, 22)}${some(CRYPT, 86)}",
        f"$pbkdf2-sha256$i=10000,l=32${some(BASE64, 22)}${some(BASE64, 43)}",
        f"grub.pbkdf2.sha512.25000.{hexes(128).upper()}.{hexes(128).upper()}",
        f"{{PKCS5S2}}{b64(48)}",
    ],
    "sha512-crypt": lambda: [f"$6$rounds=5000${some(CRYPT, 16)}${some(CRYPT, 86)}", f"$6${some(CRYPT, 16)}${some(CRYPT, 86)}"],
    "sha256-crypt": lambda: [f"$5${some(CRYPT, 16)}${some(CRYPT, 43)}"],
    "md5-crypt": lambda: [f"$1${some(CRYPT, 8)}${some(CRYPT, 22)}", f"$apr1${some(CRYPT, 8)}${some(CRYPT, 22)}"],
    "sha1-crypt": lambda: [f"$sha1$40000${some(CRYPT, 8)}${some(CRYPT, 28)}"],
    "yescrypt": lambda: [f"$y$j9T${some(CRYPT, 22)}${some(CRYPT, 43)}"],
    "des-crypt": lambda: [some(CRYPT, 13)],
    "bsdi-crypt": lambda: ["_" + some(CRYPT, 19)],
    "phpass": lambda: ["$P$" + some(CRYPT, 31), "$H$" + some(CRYPT, 31), "$S$" + some(CRYPT, 52)],
    "salted-digest": lambda: [
        f"sha1${some(LETTERS, 12)}${hexes(40)}",
        f"md5${some(LETTERS, 12)}${hexes(32)}",
        f"sha256$ab${hexes(64)}",
    ],
    "unusable-password": lambda: ["!" + some(LETTERS, 40), "!"],
    "ldap-hash": lambda: [f"{{SSHA}}{b64(24)}", f"{{SHA}}{b64(20)}", f"{{SSHA512}}{b64(72)}", f"{{CRYPT}}{some(CRYPT, 13)}"],
    "mysql-password": lambda: ["*" + hexes(40).upper(), f"$A$005${some(LETTERS, 20)}{some(CRYPT, 43)}"],
    "mssql-password": lambda: ["0x0100" + hexes(48), "0x0200" + hexes(136).upper()],
    "oracle-password": lambda: ["S:" + hexes(60).upper()],
    "scram": lambda: [f"SCRAM-SHA-256$4096:{b64(16)}${b64(32)}:{b64(32)}"],
    "postgres-md5": lambda: ["md5" + hexes(32)],
    "aspnet-identity": lambda: [
        base64.b64encode(bytes(size) if size == 49 else b"\x01\0\0\0" + bytes(57)).decode() for size in (49, 61)
    ],
    "spring-password": lambda: [f"{{bcrypt}}{BCRYPT}", f"{{argon2}}{ARGON2}", f"{{pbkdf2}}{hexes(80)}"],
    "vault-transit": lambda: [f"vault:v1:{b64(40)}"],
    "kms": lambda: [
        base64.b64encode(bytes.fromhex("0102020078") + bytes(140)).decode(),
        "\\x" + bytes.fromhex("0102020078").hex() + hexes(280),
    ],
    "aws-encryption-sdk": lambda: ["AYAD" + some(BASE64, 200)],
    "fernet": lambda: [fernet(blocks) for blocks in (1, 2, 3, 4)],
    "jwe": lambda: [
        ".".join(("eyJ" + some(LETTERS, 40), some(LETTERS, 342), some(LETTERS, 16), some(LETTERS, 70), some(LETTERS, 22)))
    ],
    "pgp": lambda: [
        armoured("PGP MESSAGE"),
        armoured("PGP MESSAGE", "\r\n"),
        base64.b64encode(bytes.fromhex("85010c03") + bytes(268)).decode(),
        "\\xc30d0409030" + hexes(141),
        "\\x85010c03" + hexes(400),
    ],
    "age": lambda: [armoured("AGE ENCRYPTED FILE"), base64.b64encode(b"age-encryption.org/v1\n" + bytes(90)).decode()],
    "laravel-crypt": lambda: [base64.b64encode(b'{"iv":"' + some(BASE64, 24).encode() + b'","value":"' + bytes(60)).decode()],
    "rails-encrypted-attribute": lambda: [f'{{"p":"{b64(12)}","h":{{"iv":"{b64(12)}","at":"{b64(16)}"}}}}'],
    "rails-message": lambda: [f"{b64(40)}--{b64(12)}--{b64(16)}"],
    "ansible-vault": lambda: [f"$ANSIBLE_VAULT;1.1;AES256\n{hexes(80)}\n{hexes(40)}\n"],
    "sops": lambda: [f"ENC[AES256_GCM,data:{b64(9)},iv:{b64(32)},tag:{b64(16)},type:str]"],
    "openssl-enc": lambda: [base64.b64encode(b"Salted__" + random.Random(1).randbytes(40)).decode()],
    "jasypt": lambda: [f"ENC({b64(24)})"],
    "spring-cipher": lambda: ["{cipher}" + hexes(96)],
    "sealed-secret": lambda: ["Ag" + some(BASE64, 702)],
    "kubernetes-encrypted": lambda: [f"k8s:enc:aescbc:v1:key1:{b64(32)}"],
    "uuid": lambda: [str(uuid.UUID(int=random.Random(7).getrandbits(128), version=4)), str(uuid.uuid1()).upper()],
    "ulid": lambda: ["01" + some("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24)],
    "ksuid": lambda: ["2" + some(LETTERS, 26)],
    "objectid": lambda: [f"{int(time.time()):08x}{hexes(16)}"],
    "snowflake": lambda: ["1" + some(string.digits, 17), "9" + some(string.digits, 18)],
    "nanoid": lambda: ["V1StGXR8_Z5jdHi6B-myT"],
    "cuid": lambda: ["c" + some(string.ascii_lowercase + string.digits, 24)],
    "cuid2": lambda: ["t" + some(string.ascii_lowercase + string.digits, 23)],
    "xid": lambda: ["9m4e2mr0ui3e8a215n4g"],
    "firestore-id": lambda: [some(LETTERS, 20)],
    "push-id": lambda: ["-N" + some(LETTERS, 18)],
    "typeid": lambda: ["user_2x4y6z8a0b1c2d3e4f5g6h7j8k"],
    "stripe-id": lambda: ["cus_" + some(LETTERS, 14), "pi_" + some(LETTERS, 24), "cs_test_" + some(LETTERS, 58)],
    "slack-id": lambda: ["U" + some(string.ascii_uppercase + string.digits, 10)],
    "twilio-sid": lambda: ["AC" + hexes(32)],
    "aws-id": lambda: ["AIDA" + some("ABCDEFGH234567", 17), "i-" + hexes(17), "subnet-" + hexes(8)],
    "aws-arn": lambda: ["arn:aws:iam::123456789012:user/alice"],
    "aws-account": lambda: ["123456789012"],
    "oauth-client-id": lambda: [
        f"123456789012-{some(string.ascii_lowercase, 32)}.apps.googleusercontent.com",
        "Iv1." + hexes(16),
    ],
    "git-object": lambda: [hexes(40), hexes(7)],
    "traceparent": lambda: [f"00-{hexes(32)}-{hexes(16)}-01"],
    "trace-id": lambda: [hexes(32)],
    "span-id": lambda: [hexes(16)],
    "xray-id": lambda: [f"1-{hexes(8)}-{hexes(24)}", f"Root=1-{hexes(8)}-{hexes(24)}"],
    "b3": lambda: [f"{hexes(32)}-{hexes(16)}-1", f"{hexes(16)}-{hexes(16)}"],
    "masked": lambda: ["****1234", "sk_live_...wxyz", "••••••••", "XXXX-XXXX-1234", "**** **** **** 4242", "xxxxxxxx", "abcd…"],
    "redacted": lambda: ["[REDACTED]", "<redacted>", "[FILTERED]", "redacted", "(hidden)"],
    "secretsmanager-arn": lambda: ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:db/main-AbCdEf"],
    "gcp-secret": lambda: ["projects/shop/secrets/db/versions/latest"],
    "azure-key-vault": lambda: ["@Microsoft.KeyVault(SecretUri=https://shop.vault.azure.net/secrets/db/)"],
    "vault-path": lambda: ["vault:secret/data/shop#password"],
    "onepassword": lambda: ["op://Private/Shop DB/password"],
    "environment-reference": lambda: ["${DB_PASSWORD}", "{{ .Values.token }}", "env:DB_PASSWORD"],
    "ssh-public-key": lambda: [f"ssh-ed25519 AAAA{some(BASE64, 64)} alice@example.org", f"ssh-rsa AAAA{some(BASE64, 370)}=="],
    "pem-public-key": lambda: [pem("PUBLIC KEY"), pem("RSA PUBLIC KEY").replace("\n", " ")],
    "pem-certificate": lambda: [pem("CERTIFICATE") + pem("CERTIFICATE")],
    "age-recipient": lambda: ["age1" + some("023456789acdefghjkl", 58)],
    "nostr-public-key": lambda: ["npub1" + some("023456789acdefghjkl", 58)],
    "extended-public-key": lambda: ["xpub" + some("123456789ABCDEFGH", 107)],
    "stellar-account": lambda: ["G" + some("ABCDEFGH234567", 55)],
    "ethereum-address": lambda: ["0x" + hexes(40)],
    "publishable-key": lambda: ["pk_" + "live_" + some(LETTERS, 24), "phc_" + some(LETTERS, 43)],
    "base64-file": lambda: [base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(90)).decode(), "data:image/gif;base64," + b64(30)],
    "integer": lambda: ["0", "-42", "9223372036854775807"],
    "decimal": lambda: ["1.50", "-3", "1e-9"],
    "boolean": lambda: ["true", "false"],
    "timestamp": lambda: ["2026-01-31", "2026-01-31 23:59:59.123456", "2026-01-31T23:59:59Z", "2026-01-31 23:59:59+00:00"],
    "email": lambda: ["alice.b+c@example.co.uk"],
    "ipv4": lambda: ["10.0.0.1", "10.0.0.0/8"],
    "ipv6": lambda: ["::1", "2001:db8::ff00:42:8329", "fe80::/10"],
}


def digests(name: str, encoding: str) -> list[str]:
    raw = hashlib.new(name, b"some token").digest()
    in_bytes = "\\x" + raw.hex()
    if encoding == "hex":
        return [
            raw.hex(),
            raw.hex().upper(),
            in_bytes,
            "\\x" + raw.hex().encode().hex(),
            "\\x" + raw.hex().upper().encode().hex(),
        ]
    padded = base64.b64encode(raw).decode()
    url = base64.urlsafe_b64encode(raw).decode()
    return [
        padded,
        padded.rstrip("="),
        url,
        url.rstrip("="),
        in_bytes,
        "\\x" + padded.encode().hex(),
        "\\x" + url.rstrip("=").encode().hex(),
    ]


def fernet(blocks: int) -> str:
    data = b"\x80" + int(time.time()).to_bytes(8, "big") + random.Random(blocks).randbytes(48 + 16 * blocks)
    return base64.urlsafe_b64encode(data).decode()


def examples() -> Iterator[tuple[str, str]]:
    for name, texts in EXAMPLES.items():
        yield from ((name, text) for text in texts())


def test_every_shape_has_examples() -> None:
    """Each shape of the catalogue is tried on texts as its own programs write them."""
    assert EXAMPLES.keys() == SHAPES.keys()


@pytest.mark.parametrize(
    ("name", "text"), list(examples()), ids=[f"{name}-{index}" for index, (name, _) in enumerate(examples())]
)
def test_a_text_has_the_shape_that_it_was_written_in(name: str, text: str) -> None:
    """An example has its shape, whether it is asked for or all are told, in the whole of the text only."""
    shape = SHAPES[name]
    assert shape.matches(text)
    assert name in shapes_of(text)
    assert not shape.matches("")
    assert not shape.matches(f"é{text}")
    assert not shape.matches(f"\n{text}")
    if not shape.multiline:
        assert not shape.matches(f"{text}\n")
        assert not shape.matches(f"{text}\n{text}")


@pytest.mark.parametrize("shape", list(SHAPES.values()), ids=lambda shape: shape.name)
@settings(max_examples=10)
@given(data=st.data())
def test_shapes_mean_the_same_to_both_engines(shape: Shape, data: st.DataObject) -> None:
    """What a shape's expression makes is of that shape to `re` and to RE2, alone and among lines, and as it says of itself."""
    text = data.draw(st.from_regex(re.compile(shape.source, re.ASCII), fullmatch=True))
    assert shape.matches(text)
    assert shape.name in shapes_of(text)
    assert "\n" not in text
    assert linear(shape.source, lines=True).fullmatch(f"{text}\n{text}\n".encode())
    assert not shape.begins or text.startswith(shape.begins)
    assert not shape.lengths or len(text) in shape.lengths
    assert shape.holds in text


@pytest.mark.parametrize("shape", [shape for shape in SHAPES.values() if shape.multiline], ids=lambda shape: shape.name)
@settings(max_examples=10)
@given(data=st.data())
def test_texts_of_several_lines_are_found_by_their_beginning(shape: Shape, data: st.DataObject) -> None:
    """What an expression for several lines makes is among the shapes that are told."""
    text = data.draw(st.from_regex(re.compile(shape.multiline, re.ASCII), fullmatch=True))
    assert shape.matches(text)
    assert shape.name in shapes_of(text)


@settings(max_examples=300)
@given(
    text=st.one_of(
        st.text(), st.text(LETTERS + "$:/+=-_.{}[]*\\", max_size=70), st.sampled_from([text for _, text in examples()])
    )
)
def test_all_shapes_of_a_text_are_told(text: str) -> None:
    """The quick way tells what trying every shape does."""
    assert shapes_of(text) == tuple(name for name, shape in SHAPES.items() if text and shape.matches(text))


@settings(max_examples=100)
@given(shape=st.sampled_from([shape for shape in SHAPES.values() if shape.lengths]), data=st.data())
def test_a_character_more_or_less_is_another_shape(shape: Shape, data: st.DataObject) -> None:
    """A text of a shape with fixed lengths loses it with a length that is none of them, and with a character of no alphabet."""
    text = data.draw(st.from_regex(re.compile(shape.source, re.ASCII), fullmatch=True))
    at = data.draw(st.integers(0, len(text) - 1))
    for other in (text[:at] + text[at + 1 :], text[:at] + text[at] + text[at:]):
        assert len(other) in shape.lengths or not shape.matches(other)
    for letter in " \n\té!":
        assert not shape.matches(text[:at] + letter + text[at + 1 :])


NEAR_MISSES = {
    "sha256-hex": [hexes(63), hexes(65), hexes(32) + hexes(32).upper(), hexes(63) + "g", "0x" + hexes(64), "\\X" + hexes(64)],
    "sha256-base64": [b64(32)[:-2] + "B=", b64(31), b64(33), b64(32)[:20] + "-_+/" + b64(32)[24:]],
    "sha512": [hexes(64), b64(63)],
    "bcrypt": [BCRYPT[:-1], BCRYPT + "a", BCRYPT.replace("$2b", "$2c"), BCRYPT[1:], BCRYPT.replace("$12$", "$1$")],
    "argon2": [ARGON2.replace("id", "x"), ARGON2.replace("m=", "n="), ARGON2.rpartition("$")[0]],
    "scrypt": ["scrypt:32768:8:1$" + some(LETTERS, 16) + "$" + hexes(127)],
    "pbkdf2": ["plain$abc$secret", f"pbkdf2_sha256$1000${some(LETTERS, 12)}${b64(20)}", "$pbkdf2-sha256$29000$abc"],
    "uuid": [hexes(32), str(uuid.UUID(int=5))[:-1], "{" + str(uuid.UUID(int=5)) + "}"],
    "fernet": [fernet(1)[:-4], fernet(1).replace("gAAAAA", "hAAAAA"), fernet(2) + "AAAA"],
    "jwe": [".".join(("eyJ" + some(LETTERS, 30), "eyJ" + some(LETTERS, 40), some(LETTERS, 43)))],
    "vault-transit": ["vault:secret/data/x", "vault:v1:", "vault:vx:" + b64(20)],
    "kms": ["AQICAH", b64(150)],
    "pgp": [
        armoured("PGP MESSAGE")[10:],
        armoured("PGP PRIVATE KEY BLOCK"),
        "\\x85" + hexes(200)[:60],
        "-----BEGIN PGP MESSAGE-----",
    ],
    "masked": ["*", "1234", some(LETTERS, 20), "example", "sk_live_" + some(LETTERS, 24), "..", "xxx"],
    "ulid": ["8" + some("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 25), "01" + "U" * 24],
    "publishable-key": ["sk_" + "live_" + some(LETTERS, 24)],
    "stripe-id": ["sk_" + "live_" + some(LETTERS, 24), "pi_" + some(LETTERS, 24) + "_secret_" + some(LETTERS, 25)],
    "labelled-digest": ["sha256~" + b64(32, url=True).rstrip("="), "sha256:" + hexes(63)],
    "spring-password": ["{noop}" + "hunter2"],
    "pem-public-key": [pem("PRIVATE KEY"), pem("RSA PRIVATE KEY").replace("\n", " ")],
    "ssh-public-key": ["-----BEGIN OPENSSH " + "PRIVATE KEY-----"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in NEAR_MISSES.items() for text in texts])
def test_what_nearly_has_a_shape_has_it_not(name: str, text: str) -> None:
    """A near miss is refused."""
    assert not SHAPES[name].matches(text)
    assert name not in shapes_of(text)


@settings(max_examples=200)
@given(seed=st.integers(0, 2**32), size=st.integers(16, 64))
def test_a_random_token_describes_itself_as_nothing(seed: int, size: int) -> None:
    """URL-safe random tokens, as frameworks make them, are of no shape that says what it is."""
    token = base64.urlsafe_b64encode(random.Random(seed).randbytes(size)).decode().rstrip("=")
    assert not [name for name in shapes_of(token) if SHAPES[name].framed and SHAPES[name].kind is not Kind.BLOB]


def test_families_stand_for_shapes_that_there_are() -> None:
    """A family's members are names of shapes, and its own name is none."""
    assert all(name in SHAPES for names in FAMILIES.values() for name in names)
    assert FAMILIES.keys().isdisjoint(SHAPES)


def test_blocks_are_what_the_expression_takes() -> None:
    """The characters and the length that a shape gives for the quick check are of that shape."""
    for shape in SHAPES.values():
        for alphabet, length in shape.blocks:
            text = (alphabet * length)[:length]
            assert all(shape.matches(text[at:] + text[:at]) for at in range(len(alphabet)))


def test_a_shape_goes_to_another_process() -> None:
    """A shape that has been used can be pickled."""
    shape = SHAPES["uuid"]
    shape.matches("x")
    assert pickle.loads(pickle.dumps(shape)) == shape  # noqa: S301 - what was just dumped


def test_long_texts_are_told_in_linear_time() -> None:
    """A megabyte of anything takes no longer than its length says."""
    for text in (
        "a" * 1_000_000,
        "eyJ" + "a." * 500_000,
        "x" * 1_000_000,
        "a--" * 300_000,
        "1" * 1_000_000,
        zlib.compress(b"").hex() * 60_000,
    ):
        begun = time.perf_counter()
        shapes_of(text)
        assert time.perf_counter() - begun < 1
