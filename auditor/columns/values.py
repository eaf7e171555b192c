"""
The texts of a value, with their paths: a column's own, or those inside its JSON.

A member's name goes into the path, and the path into what is kept; so a name that may itself be data (an id, a token, an address)
is written ``.*``, as `auditor.paths` writes the members of a map. That depends on the name alone, so the paths of a row are the
same wherever it is read.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

import orjson

from auditor.columns.letters import looks_random
from auditor.leaves import member
from auditor.paths import MAPPED

#: Texts taken of one value, in document order, and of one path in it.
MOST_TEXTS = 100
MOST_REPEATS = 8
#: Text of this many characters and more is not opened as JSON.
LONGEST_JSON = 1 << 16
_DEEPEST = 12
_LONGEST_NAME = 48
_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z_$.:\- ]*(?:[0-9]{1,4}[A-Za-z_$.:\- ]*){0,2}")
_JSON_NULL = "__crdb_json_null__"


def texts_of(value: object) -> Iterator[tuple[str, str]]:
    """
    Yield (path, text) of a value that is neither None nor ''. Text that holds JSON is opened once.

    Numbers and booleans are as JSON writes them, and inside JSON left out: no secret is kept as one.
    """
    if type(value) is str:
        inner = _opened(value)
        if inner is None:
            yield "", value
            return
        value = inner
    if type(value) is dict or type(value) is list:
        yield from _bounded(value)
    elif value is not None:
        yield "", orjson.dumps(value).decode() if isinstance(value, int | float) else str(value)


def _opened(text: str) -> object:
    """Return the object or array that a text holds, None if it holds none."""
    if not (text[0] in "{[" and text[-1] in "}]" and len(text) < LONGEST_JSON):
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _bounded(value: dict[str, object] | list[object]) -> Iterator[tuple[str, str]]:
    """Yield the first texts of a JSON value, and no more than a few of each path."""
    repeats: dict[str, int] = {}
    total = 0
    for path, text in _walked(value, "$", 0):
        seen = repeats[path] = repeats.get(path, 0) + 1
        if seen > MOST_REPEATS:
            continue
        yield path, text
        total += 1
        if total == MOST_TEXTS:
            return


def _walked(value: object, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the texts of a JSON value in document order."""
    if type(value) is str:
        if value:
            yield path, value
    elif depth >= _DEEPEST:
        return
    elif type(value) is dict:
        for name, child in value.items():
            if name != _JSON_NULL:
                yield from _walked(child, path + step_of(name), depth + 1)
    elif type(value) is list:
        for child in value:
            yield from _walked(child, f"{path}[*]", depth + 1)


def step_of(name: str) -> str:
    """Return the step of a path for a member's name: ``.*`` if it may be data."""
    return member("", name) if is_plain(name) else MAPPED


@functools.lru_cache(maxsize=4096)
def is_plain(name: str) -> bool:
    """Tell whether a name is one that people give to a column or member, and no data."""
    return len(name) <= _LONGEST_NAME and _PLAIN.fullmatch(name) is not None and not looks_random(name)
