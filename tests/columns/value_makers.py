"""Makers of values for columns of every kind. Each takes a generator and the row's number: a column comes back with its seed."""

from __future__ import annotations

import base64
import hashlib
import json
import string
import uuid
from collections.abc import Callable
from random import Random

Make = Callable[[Random, int], object]

LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
BASE62 = string.ascii_letters + string.digits
BASE58 = "".join(sorted(set(BASE62) - set("0OIl")))
BASE32 = string.ascii_uppercase + "234567"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
URL_SAFE = BASE62 + "-_"
NAMES = [
    "anna",
    "ben",
    "carla",
    "dmitri",
    "elena",
    "farid",
    "grace",
    "hiro",
    "ines",
    "jonas",
    "kofi",
    "lena",
    "maria",
    "nikhil",
    "olga",
    "pedro",
    "qiang",
    "rosa",
    "sven",
    "tara",
]
SURNAMES = [
    "garcia",
    "smith",
    "mueller",
    "nguyen",
    "kowalski",
    "ivanov",
    "tanaka",
    "singh",
    "patel",
    "silva",
    "rossi",
    "dubois",
    "hassan",
    "chen",
    "olsen",
    "virtanen",
    "okafor",
]
WORDS = [
    "harbour",
    "copper",
    "window",
    "garden",
    "silver",
    "market",
    "autumn",
    "button",
    "castle",
    "driver",
    "engine",
    "forest",
    "guitar",
    "hammer",
    "island",
    "jacket",
    "kitchen",
    "ladder",
    "mirror",
    "needle",
    "orange",
    "pencil",
    "quarter",
    "ribbon",
    "saddle",
    "timber",
    "umbrella",
    "valley",
    "whistle",
    "yellow",
    "anchor",
    "basket",
    "candle",
    "desert",
]
PASSWORDS = [
    "summer",
    "winter",
    "dragon",
    "monkey",
    "letmein",
    "sunshine",
    "princess",
    "football",
    "shadow",
    "master",
    "welcome",
    "flower",
    "liverpool",
    "tiger",
    "ginger",
]


def text(rng: Random, alphabet: str, length: int) -> str:
    """Return random characters."""
    return "".join(rng.choices(alphabet, k=length))


def of(alphabet: str, length: int, before: str = "", after: str = "") -> Make:
    """Make random texts of one length, with what is around them."""
    return lambda rng, _: before + text(rng, alphabet, length) + after


def hexes(size: int, before: str = "") -> Make:
    """Make so many random bytes in hex."""
    return lambda rng, _: before + rng.randbytes(size).hex()


def b64(size: int, before: str = "") -> Make:
    """Make so many random bytes in base64."""
    return lambda rng, _: before + base64.b64encode(rng.randbytes(size)).decode()


def b64url(size: int, before: str = "") -> Make:
    """Make so many random bytes in base64url without padding."""
    return lambda rng, _: before + base64.urlsafe_b64encode(rng.randbytes(size)).decode().rstrip("=")


def digest(name: str, before: str = "") -> Make:
    """Make digests in hex."""
    return lambda rng, _: before + hashlib.new(name, rng.randbytes(16)).hexdigest()


def uuid4(rng: Random, _: int) -> str:
    """Return a random UUID."""
    return str(uuid.UUID(bytes=rng.randbytes(16), version=4))


def uuid7(rng: Random, row: int) -> str:
    """Return a UUID that begins with the time."""
    stamp = 1_760_000_000_000 + row * 977
    return str(uuid.UUID(int=(stamp << 80) | (7 << 76) | (rng.getrandbits(12) << 64) | (2 << 62) | rng.getrandbits(62)))


def ulid(rng: Random, row: int) -> str:
    """Return a ULID."""
    number = ((1_760_000_000_000 + row * 977) << 80) | rng.getrandbits(80)
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def ksuid(rng: Random, row: int) -> str:
    """Return a KSUID."""
    number = ((360_000_000 + row) << 128) | rng.getrandbits(128)
    digits = ""
    while number:
        number, place = divmod(number, 62)
        digits = (string.digits + string.ascii_uppercase + string.ascii_lowercase)[place] + digits
    return digits.rjust(27, "0")


def object_id(rng: Random, row: int) -> str:
    """Return an ObjectId."""
    return f"{0x68F00000 + row:08x}{rng.randbytes(8).hex()}"


def digits(length: int) -> Make:
    """Make so many digits."""
    return of(string.digits, length)


def pick(*choices: object) -> Make:
    """Make one of a few values."""
    return lambda rng, _: rng.choice(choices)


def words(low: int, high: int, between: str = " ", alphabet: list[str] = WORDS) -> Make:
    """Make so many words."""
    return lambda rng, _: between.join(rng.choices(alphabet, k=rng.randint(low, high)))


def person(rng: Random, _: int) -> str:
    """Return a name."""
    return f"{rng.choice(NAMES).title()} {rng.choice(SURNAMES).title()}"


def login(rng: Random, _: int) -> str:
    """Return a name to log in by."""
    return f"{rng.choice(NAMES)}{rng.choice(['.', '_', ''])}{rng.choice(SURNAMES)}{rng.randint(1, 999)}"


def email(rng: Random, row: int) -> str:
    """Return an address."""
    return f"{login(rng, row)}@{rng.choice(WORDS)}.example"


def password(rng: Random, _: int) -> str:
    """Return what people type."""
    word = rng.choice(PASSWORDS)
    return rng.choice([word, word.title(), word.upper()]) + str(rng.randint(1, 9999)) + rng.choice(["", "!", "#", "?", ""])


def moment(rng: Random, row: int) -> str:
    """Return a time."""
    return f"2025-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{row % 60:02}Z"


def integer(low: int, high: int) -> Make:
    """Make numbers."""
    return lambda rng, _: rng.randint(low, high)


def counter(start: int, before: str = "", width: int = 0) -> Make:
    """Make numbers in order."""
    return lambda _, row: f"{before}{start + row:0{width}}" if before or width else start + row


def amount(rng: Random, _: int) -> str:
    """Return money."""
    return f"{rng.randint(0, 99999)}.{rng.randint(0, 99):02}"


def phone(rng: Random, _: int) -> str:
    """Return a number to call."""
    return f"+{rng.choice(['1', '44', '49', '91'])}{text(rng, string.digits, 10)}"


def address(rng: Random, _: int) -> str:
    """Return a street."""
    return f"{rng.randint(1, 240)} {rng.choice(WORDS).title()} Street, {rng.choice(WORDS).title()}ton"


def ipv4(rng: Random, _: int) -> str:
    """Return an address of the internet."""
    return ".".join(str(rng.randint(1, 254)) for _ in range(4))


def mac(rng: Random, _: int) -> str:
    """Return an address of a network card."""
    return ":".join(f"{rng.randint(0, 255):02x}" for _ in range(6))


def version(rng: Random, _: int) -> str:
    """Return a version."""
    return f"{rng.randint(0, 9)}.{rng.randint(0, 30)}.{rng.randint(0, 99)}"


def agent(rng: Random, _: int) -> str:
    """Return a browser's name."""
    system = rng.choice(["X11; Linux x86_64", "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"])
    browser = f"Chrome/{rng.randint(90, 130)}.0.{rng.randint(1, 9999)}.0"
    return f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) {browser} Safari/537.36"


def url(rng: Random, _: int) -> str:
    """Return a page's address."""
    return f"https://{rng.choice(WORDS)}.example/{rng.choice(WORDS)}/{rng.choice(WORDS)}-{rng.randint(1, 9999)}"


def path(rng: Random, _: int) -> str:
    """Return a file's path."""
    name = f"{rng.choice(WORDS)}_{rng.randint(1, 999)}.{rng.choice(['pdf', 'csv', 'png'])}"
    return f"/srv/{rng.choice(WORDS)}/{rng.choice(WORDS)}/{name}"


def html(rng: Random, row: int) -> str:
    """Return a piece of a page."""
    return f'<p class="{rng.choice(WORDS)}">{words(5, 40)(rng, row)}</p>'


def png(rng: Random, _: int) -> str:
    """Return an image in base64."""
    return base64.b64encode(bytes.fromhex("89504e470d0a1a0a0000000d49484452") + rng.randbytes(rng.randint(300, 900))).decode()


def document(rng: Random, row: int) -> dict[str, object]:
    """Return a value of JSON."""
    return {
        "theme": rng.choice(["dark", "light"]),
        "size": rng.randint(8, 20),
        "tags": rng.choices(WORDS, k=3),
        "by": login(rng, row),
    }


def document_text(rng: Random, row: int) -> str:
    """Return JSON as text."""
    return json.dumps(document(rng, row))


def bcrypt(rng: Random, _: int) -> str:
    """Return what looks like a bcrypt hash."""
    return f"$2b$12${text(rng, BASE62 + './', 53)}"


def argon2(rng: Random, row: int) -> str:
    """Return what looks like an Argon2 hash."""
    return f"$argon2id$v=19$m=65536,t=3,p=4${b64url(16)(rng, row)}${b64url(32)(rng, row)}".replace("-", "+").replace("_", "/")


def django_hash(rng: Random, row: int) -> str:
    """Return what looks like one of Django's password hashes."""
    return f"pbkdf2_sha256$600000${text(rng, BASE62, 22)}${b64(32)(rng, row)}"


def fernet(rng: Random, _: int) -> str:
    """Return what looks like a Fernet ciphertext."""
    stamp = (1_760_000_000 + rng.randint(0, 9999)).to_bytes(8, "big")
    return base64.urlsafe_b64encode(b"\x80" + stamp + rng.randbytes(16 + 48 + 32)).decode()


def vault(rng: Random, row: int) -> str:
    """Return what looks like a ciphertext of Vault's transit engine."""
    return f"vault:v1:{b64(44)(rng, row)}"


def kms(rng: Random, _: int) -> str:
    """Return what looks like a blob encrypted by a key of AWS KMS."""
    return base64.b64encode(bytes.fromhex("010202007800") + rng.randbytes(150)).decode()


def card_masked(rng: Random, _: int) -> str:
    """Return a card's number with its middle hidden."""
    return f"{rng.choice('45')}{text(rng, string.digits, 3)}********{text(rng, string.digits, 4)}"


def connection(rng: Random, row: int) -> str:
    """Return the address of a database with its password."""
    return f"postgresql://{login(rng, row)}:{text(rng, BASE62, 16)}@db-{rng.randint(1, 9)}.{rng.choice(WORDS)}.example:26257/app"


def odbc(rng: Random, row: int) -> str:
    """Return the settings of a connection with its password."""
    return f"Server=db-{rng.randint(1, 99)};Database=app;User Id={login(rng, row)};Pass{'word'}={text(rng, BASE62, 14)}"


def link(page: str, name: str, make: Make) -> Make:
    """Make addresses that carry a token."""
    return lambda rng, row: f"https://app.example/{page}?{name}={make(rng, row)}"


def ssh_public(rng: Random, row: int) -> str:
    """Return what looks like a public key of SSH."""
    return f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{text(rng, BASE62, 43)} {login(rng, row)}@laptop"


def pem(label: str) -> Make:
    """Make what looks like a block of PEM."""
    return lambda rng, row: f"-----BEGIN {label}-----\n{b64(200)(rng, row)}\n-----END {label}-----"


def mixed(*parts: tuple[float, Make]) -> Make:
    """Make values of several kinds, each with its share."""
    shares, makes = [share for share, _ in parts], [make for _, make in parts]
    return lambda rng, row: rng.choices(makes, shares)[0](rng, row)


def inside(name: str, make: Make, beside: Make = document) -> Make:
    """Put a value into a JSON object, under a path of member names."""

    def value(rng: Random, row: int) -> object:
        outer = beside(rng, row)
        assert isinstance(outer, dict)
        *between, last = name.split(".")
        inner = outer
        for step in between:
            inner = inner.setdefault(step, {})
        inner[last] = make(rng, row)
        return outer

    return value
