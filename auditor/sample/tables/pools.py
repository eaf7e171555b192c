"""
Ordinary data to draw rows from: names, sentences, user agents, stack traces.

Whole texts are made once and drawn, since composing them anew for each of a million rows would take most of the time.
"""

from __future__ import annotations

from random import Random

_RNG = Random("pools")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


FIRST = _listed(
    "Maya, Jonas, Inès, Tomasz, Aiko, Søren, Lucía, Zoë, Omar, Priya, Noah, Emma, Björn, Chloé, Юлия, Дмитрий, 美咲, 伟, "
    "Ahmed, Fatima, Łukasz, Dvořák, Ελένη, Amina, Kwame, Leilani, Siobhán, Renée, Müge, Iñaki, Tuấn, דנה"
)
LAST = _listed(
    "Nguyen, García, Müller, O'Neill, Kowalski, Andersson, Rossi, Haddad, Tanaka, Okafor, Silva, Dubois, Иванова, 佐藤, 王, "
    "Şahin, Novák, Papadopoulos, MacDonald, Þórsson, de la Cruz, van den Berg, Singh, Kaya, Cohen, Ибрагимов"
)
_LOGINS = _listed("maya, jonas, ines, tomasz, aiko, soren, lucia, zoe, omar, priya, noah, emma, bjorn, chloe, yulia, kwame")
_WORDS = _listed(
    "order, basket, parcel, courier, return, voucher, invoice, customer, support, morning, window, delivery, address, gift, "
    "colour, size, stock, shelf, warehouse, reply, answer, question, please, thanks, waiting, arrived, broken, missing, "
    "late, early, replace, refund, partial, credit, note, phone, call, again, before, after, weekend, holiday, street, "
    "corner, door, bell, neighbour, floor, leave, inside, outside, box, paper, plastic, blue, green, large, small, medium, "
    "cotton, wool, leather, summer, winter, sale, price, discount, member, loyalty, points, account, update, change, "
    "confirm"
)
_PLACES = _listed("Kraków, São Paulo, Zürich, 東京, Malmö, Łódź, Reykjavík, Montréal, Αθήνα, Lisboa, Gdańsk, Köln")

SERVICES = ("checkout", "billing", "gateway", "search", "mailer", "inventory", "identity", "webhooks", "reports", "scheduler")
REGIONS = ("eu-west-1", "us-east-1", "ap-south-1", "sa-east-1")
LANGUAGES = ("en", "de", "fr", "es", "pl", "ja", "pt-BR", "el")
_OS = ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64", "Linux; Android 15; Pixel 9")


def _user_agent() -> str:
    major = _RNG.randrange(118, 142)
    chrome = f"Chrome/{major}.0.{_RNG.randrange(5000, 7000)}.{_RNG.randrange(200)}"
    return f"Mozilla/5.0 ({_RNG.choice(_OS)}) AppleWebKit/537.36 (KHTML, like Gecko) {chrome} Safari/537.36"


def _sentence(low: int, high: int) -> str:
    text = " ".join(_RNG.choices(_WORDS, k=_RNG.randint(low, high)))
    return text[0].upper() + text[1:]


def _note() -> str:
    """Return a customer's note: line breaks, quotes, separators and other scripts included."""
    form = _RNG.choice(
        (
            "{0}.\n{1}.",
            '{0}: "{1}"',
            "{0}; {1} – {2}",
            "{0}\t{1}",
            "{0}, said O'Brien ({2}).\r\n{1}",
            "{0} | {1} 🎁",
            "« {0} »\n— {1}, {2}",
            "{0} <{1}> & {2}",
            " {0} \\ {1}",
            "{0}\f{1}\b",
        )
    )
    return form.format(_sentence(3, 9), _sentence(3, 8), _RNG.choice(_PLACES))


def _stack_trace() -> str:
    """Return a stack trace of one of three runtimes."""
    service, line = _RNG.choice(SERVICES), _RNG.randrange(20, 900)
    frames = range(_RNG.randint(3, 6))
    style = _RNG.randrange(3)
    if style == 0:
        lines = [
            f'  File "/srv/{service}/app/{_RNG.choice(_WORDS)}.py", line {line + n}, in {_RNG.choice(_WORDS)}' for n in frames
        ]
        return "Traceback (most recent call last):\n" + "\n".join(lines) + f"\nTimeoutError: {_sentence(3, 6)}"
    if style == 1:
        lines = [
            f"\tat com.northwind.{service}.{_RNG.choice(_WORDS).title()}Service.handle({service.title()}.java:{line + n})"
            for n in frames
        ]
        return f"java.lang.IllegalStateException: {_sentence(3, 6)}\n" + "\n".join(lines)
    lines = [
        f"main.{_RNG.choice(_WORDS)}(0xc000{_RNG.randrange(16**6):06x})\n\t/src/{service}/main.go:{line + n} +0x1d"
        for n in frames
    ]
    return "\x1b[31mpanic\x1b[0m: runtime error: " + _sentence(2, 5) + "\n\ngoroutine 42 [running]:\n" + "\n".join(lines)


USER_AGENTS = tuple(_user_agent() for _ in range(64))
SENTENCES = tuple(_sentence(5, 14) for _ in range(512))
NOTES = tuple(_note() for _ in range(512))
STACK_TRACES = tuple(_stack_trace() for _ in range(256))
ADDRESSES = tuple(f"{_RNG.randrange(1, 300)} {_RNG.choice(_WORDS).title()} Street, {_RNG.choice(_PLACES)}" for _ in range(256))
SUBNETS = tuple(f"{_RNG.choice((10, 81, 93, 178, 203))}.{_RNG.randrange(256)}.{_RNG.randrange(256)}" for _ in range(256))
TITLES = tuple(f"{_RNG.choice(_WORDS).title()} {_RNG.choice(_WORDS)}" for _ in range(128))

#: The first microsecond of 2026, and the length of the year up to November.
NEW_YEAR = 1_767_225_600_000_000
_SPAN = 26_000_000_000_000


def moment(rng: Random) -> int:
    """Return a time in 2026, in microseconds since 1970; one in sixteen falls on a whole second."""
    value = NEW_YEAR + int(rng.random() * _SPAN)
    return value if value & 15 else value // 1_000_000 * 1_000_000


def address(rng: Random) -> str:
    """Return an internet address; some are subnets, some IPv6."""
    roll = rng.random()
    if roll < 0.9:
        return f"{SUBNETS[int(roll * 256)]}.{int(rng.random() * 254) + 1}"
    if roll < 0.96:
        return f"2001:db8:{rng.getrandbits(16) | 1:x}::{rng.getrandbits(16) | 1:x}"
    return f"{SUBNETS[int(roll * 256)]}.0/24"


def login(rng: Random) -> str:
    """Return the name part of a mail address."""
    return f"{_LOGINS[int(rng.random() * 16)]}.{int(rng.random() * 90000) + 10000}"


def row_id(index: int, node: int) -> int:
    """Return what unique_rowid() would: tens of microseconds since 2015 and 15 bits of node."""
    return (36_600_000_000_000 + index * 997) << 15 | node


def uuid4(rng: Random) -> str:
    """Return a version 4 UUID."""
    digits = rng.randbytes(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
