r"""
Digests, in every text form that they are stored in. Lengths follow from the sizes of the digests.

A digest of n bytes is 2n hex digits; or base64, whose last character carries only the bits that are left, so that three of four
random strings of that length are none. CockroachDB prints BYTES as ``\x`` and hex: of the digest itself, or of its text.
"""

from __future__ import annotations

from auditor.shapes.shape import Kind, Shape

#: Bytes of each digest. An HMAC is as long as its digest.
SIZES = {"md5": 16, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
ENCODINGS = ("hex", "base64")
HEX = "0123456789abcdef"
_HEX_BYTES = r"\\x(?:3[0-9]|6[1-6])"  # BYTES that hold hex digits
_BASE64_BYTES = "(?:2[bdf]|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])"  # ditto, base64 of either alphabet
#: By the bytes left over at the end: the last character's alphabet, and the padding.
_LAST = {0: ("", ""), 1: ("[AQgw]", "=="), 2: ("[AEIMQUYcgkosw048]", "=")}


def hex_forms(size: int, digits: int | None = None) -> str:
    """Return an expression for a digest of ``size`` bytes as hex, or for its first ``digits``."""
    count = digits or 2 * size
    raw = rf"|\\x[0-9a-f]{{{count}}}" if count % 2 == 0 else ""
    ascii_hex = rf"|\\x(?:3[0-9]|6[1-6]){{{count}}}|\\x(?:3[0-9]|4[1-6]){{{count}}}"
    return f"[0-9a-f]{{{count}}}|[0-9A-F]{{{count}}}{raw}{ascii_hex}"


def base64_forms(size: int) -> str:
    """Return an expression for a digest of ``size`` bytes as base64 or base64url, padded or not."""
    last, padding = _LAST[size % 3]
    body = base64_length(size) - (1 if last else 0)
    padded = f"(?:{padding})?" if padding else ""
    texts = "|".join(f"[A-Za-z0-9{signs}]{{{body}}}{last}{padded}" for signs in ("+/", "_-"))
    in_bytes = rf"\\x{_BASE64_BYTES}{{{base64_length(size)}}}" + (f"(?:{'3d' * len(padding)})?" if padding else "")
    return rf"{texts}|\\x[0-9a-f]{{{2 * size}}}|{in_bytes}"


def base64_length(size: int) -> int:
    """Return the length of base64 without padding."""
    return (size * 4 + 2) // 3


def lengths(size: int, *encodings: str) -> frozenset[int]:
    """Return every length that a digest's text may have."""
    found = {2 * size + 2}
    if "hex" in encodings:
        found |= {2 * size, 4 * size + 2}
    if "base64" in encodings:
        bare = base64_length(size)
        padded = bare + len(_LAST[size % 3][1])
        found |= {bare, padded, 2 * bare + 2, 2 * padded + 2}
    return frozenset(found)


def digest(name: str, title: str, size: int, *encodings: str) -> Shape:
    """Return the shape of a digest in some encodings."""
    forms = [hex_forms(size)] if "hex" in encodings else []
    if "base64" in encodings:
        forms.append(base64_forms(size))
    blocks = ((HEX, 2 * size),) if "hex" in encodings else ()
    return Shape(name, Kind.HASH, title, "|".join(forms), lengths=lengths(size, *encodings), blocks=blocks)


def _title(name: str) -> str:
    return name.upper() if name == "md5" else f"SHA-{name[3:]}"


_LABELLED = (
    r"(?:sha256|SHA256|sha-256)[:=-](?:[0-9a-f]{64}|[A-Za-z0-9+/]{43}=?)|(?:sha384|sha-384)[:=-](?:[0-9a-f]{96}|[A-Za-z0-9+/]{64})"
    r"|(?:sha512|sha-512)[:=-](?:[0-9a-f]{128}|[A-Za-z0-9+/]{86}(?:==)?)|(?:sha1|SHA1)[:=-](?:[0-9a-f]{40}|[A-Za-z0-9+/]{27}=?)"
    r"|(?:md5|MD5)[:=-](?:[0-9a-f]{32}|[A-Za-z0-9+/]{22}==|(?:[0-9a-f]{2}:){15}[0-9a-f]{2})|urn:sha1:[A-Z2-7]{32}|2::[0-9a-f]{64}"
)
_SIGNATURES = (
    "v0=[0-9a-f]{64}|t=[0-9]{10},v1=[0-9a-f]{64}(?:,v[01]=[0-9a-f]{64}){0,4}|v1,[A-Za-z0-9+/]{43}=(?: v1,[A-Za-z0-9+/]{43}=){0,4}"
)

DIGESTS = (
    digest("sha256-hex", "SHA-256 as hex", 32, "hex"),
    digest("sha256-base64", "SHA-256 as base64", 32, "base64"),
    *(digest(name, _title(name), size, *ENCODINGS) for name, size in SIZES.items() if name != "sha256"),
    Shape(
        "labelled-digest",
        Kind.HASH,
        "A digest that names its algorithm (sha256:..., SRI, SSH and Rails session digests)",
        _LABELLED,
        begins=("sha", "SHA", "md5", "MD5", "urn:sha1:", "2::"),
    ),
    Shape(
        "webhook-signature",
        Kind.HASH,
        "A webhook's signature (Slack, Stripe and Standard Webhooks)",
        _SIGNATURES,
        begins=("v0=", "t=", "v1,"),
    ),
    Shape(
        "certificate-fingerprint",
        Kind.HASH,
        "A certificate's fingerprint, pairs of hex digits",
        r"(?:[0-9A-Fa-f]{2}:){15}(?:(?:[0-9A-Fa-f]{2}:){4}(?:(?:[0-9A-Fa-f]{2}:){12})?)?[0-9A-Fa-f]{2}",
        lengths=frozenset((47, 59, 95)),
    ),
    Shape(
        "ipfs-cid",
        Kind.HASH,
        "The content id of a file in IPFS",
        "Qm[1-9A-HJ-NP-Za-km-z]{44}|baf[a-z2-7]{56}",
        begins=("Qm", "baf"),
    ),
    Shape("etag", Kind.HASH, "An ETag, quoted", r'(?:W/)?"[0-9A-Za-z+/=_:.-]{1,128}"', begins=('"', 'W/"')),
    Shape(
        "s3-etag",
        Kind.HASH,
        "The ETag of a multipart upload to S3",
        "[0-9a-f]{32}-[1-9][0-9]{0,4}",
        lengths=frozenset(range(34, 39)),
    ),
)
