"""Identifiers that look random and open nothing by themselves."""

from __future__ import annotations

from auditor.shapes.shape import Kind, Shape

_STRIPE = (
    "acct|ba|bps|card|ch|cn|cus|di|dp|du|evt|fee|file|iauth|ic|ii|il|in|ipi|link|mandate|or|pi|plink|pm|po|price|prod|promo|py|pyr"
    "|qt|re|req|rp|seti|sli|src|sub|tax|ti|tok|tr|trr|tu|txi|txn|txr|we"
)


def _of(name: str, title: str, source: str, *begins: str, lengths: tuple[int, ...] = ()) -> Shape:
    return Shape(name, Kind.IDENTIFIER, title, source, begins=begins, lengths=frozenset(lengths))


def _uuid(digits: str) -> str:
    return "-".join(f"{digits}{{{count}}}" for count in (8, 4, 4, 4, 12))


IDENTIFIERS = (
    _of("uuid", "A UUID", f"{_uuid('[0-9a-f]')}|{_uuid('[0-9A-F]')}", lengths=(36,)),
    _of("ulid", "A ULID", "[0-7][0-9A-HJKMNP-TV-Z]{25}|[0-7][0-9a-hjkmnp-tv-z]{25}", lengths=(26,)),
    # Seconds since 2014 come first; the first digit of base62 is past 9 in 2050.
    _of("ksuid", "A KSUID", "[0-9][0-9A-Za-z]{26}", lengths=(27,)),
    # Unix time comes first: 0x40000000 is in 2004, 0x7fffffff in 2038.
    _of("objectid", "MongoDB's ObjectId", "[4-7][0-9a-f]{23}", lengths=(24,)),
    _of("snowflake", "A Snowflake or CockroachDB's unique_rowid()", "[1-9][0-9]{16,19}", lengths=(17, 18, 19, 20)),
    _of("nanoid", "A NanoID", "[A-Za-z0-9_-]{21}", lengths=(21,)),
    _of("cuid", "A CUID", "c[0-9a-z]{24}", lengths=(25,)),
    _of("cuid2", "A CUID2", "[a-z][0-9a-z]{23}", lengths=(24,)),
    _of("xid", "An XID", "[0-9a-v]{20}", lengths=(20,)),
    _of("firestore-id", "A Firestore id", "[A-Za-z0-9]{20}", lengths=(20,)),
    _of("push-id", "A Firebase push id", "-[A-Za-z0-9_-]{19}", lengths=(20,)),
    Shape(
        "typeid",
        Kind.IDENTIFIER,
        "A TypeID: a type and a ULID in lower case",
        "[a-z](?:[a-z_]{0,61}[a-z])?_[0-7][0-9a-hjkmnp-tv-z]{25}",
        holds="_",
    ),
    _of(
        "stripe-id",
        "An id of Stripe's, or named as they are (cus_..., pi_...)",
        f"(?:{_STRIPE})_(?:test_)?[0-9A-Za-z]{{8,32}}|cs_(?:test|live)_[0-9A-Za-z]{{40,80}}|user_[0-9A-Za-z]{{8,32}}",
        *(f"{word}_" for word in _STRIPE.split("|")), "cs_", "user_",
    ),
    _of("slack-id", "An id of Slack's", "[ABCDEGTUW][A-Z0-9]{8,10}", lengths=(9, 10, 11)),
    _of(
        "twilio-sid",
        "A SID of Twilio's",
        "(?:AC|AD|AP|BU|CA|CH|CN|CR|CU|GP|IS|KS|MB|MG|MM|NO|PN|QU|RE|SK|SM|TD|VA|WA|WF|WK|WS|WT|WW|ZS)[0-9a-f]{32}",
        lengths=(34,),
    ),
    _of(
        "aws-id",
        "An id of IAM or EC2 (access key ids are none: they stand beside a secret)",
        "(?:AIDA|AROA|AGPA|AIPA|ANPA|ANVA|APKA|ASCA)[A-Z2-7]{16,17}"
        "|(?:acl|ami|dopt|eipalloc|eni|fs|i|igw|lt|nat|pcx|rtb|sg|snap|subnet|tgw|vol|vpc|vpce)-(?:[0-9a-f]{17}|[0-9a-f]{8})",
        "AIDA", "AROA", "AGPA", "AIPA", "ANPA", "ANVA", "APKA", "ASCA", "acl-", "ami-", "dopt-", "eipalloc-", "eni-", "fs-", "i-",
        "igw-", "lt-", "nat-", "pcx-", "rtb-", "sg-", "snap-", "subnet-", "tgw-", "vol-", "vpc-", "vpce-",
    ),
    _of("aws-arn", "An ARN", r"arn:aws[a-z-]{0,12}:[a-z0-9-]{2,40}:[a-z0-9-]{0,24}:[0-9]{0,12}:[!-~]{1,512}", "arn:aws"),
    _of("aws-account", "An AWS account", "[0-9]{12}", lengths=(12,)),
    _of(
        "oauth-client-id",
        "The id of an OAuth client (Google, GitHub, Salesforce)",
        r"[0-9]{8,14}(?:-[0-9a-z]{32})?\.apps\.googleusercontent\.com|Iv1\.[0-9a-f]{16}|(?:Iv23|Ov23)[0-9A-Za-z]{16}"
        r"|3MVG9[0-9A-Za-z._]{60,100}",
        *"0123456789", "Iv1.", "Iv23", "Ov23",
    ),
    _of(
        "git-object",
        "The name of a git object, whole or cut",
        "[0-9a-f]{7,12}|[0-9a-f]{40}|[0-9a-f]{64}",
        lengths=(*range(7, 13), 40, 64),
    ),
    _of("traceparent", "A traceparent (W3C)", "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", lengths=(55,)),
    _of("trace-id", "The id of a trace", "[0-9a-f]{32}", lengths=(32,)),
    _of("span-id", "The id of a span", "[0-9a-f]{16}", lengths=(16,)),
    _of("xray-id", "A trace id of AWS X-Ray", "(?:Root=)?1-[0-9a-f]{8}-[0-9a-f]{24}", lengths=(35, 40)),
    _of(
        "b3",
        "A B3 header",
        "(?:[0-9a-f]{32}|[0-9a-f]{16})-[0-9a-f]{16}(?:-[01d](?:-[0-9a-f]{16})?)?",
        lengths=(33, 35, 49, 51, 52, 68),
    ),
)  # fmt: skip
