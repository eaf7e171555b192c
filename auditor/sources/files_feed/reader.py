"""The reader of a list of inputs: each once, in order."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from auditor.delivery import ALL, Arrival, Claims, Delivery, Position
from auditor.protocols import Input

_DIGEST = 8
#: Finished inputs that are known one by one; beyond, the first of them are known by one digest over all, which tells that none of
#: them has changed, and not which.
MOST_KNOWN = 4096


def digest_of(source: Input) -> bytes:
    """Return what an input, as it is now, is known by."""
    return hashlib.blake2b(f"{source.uri}\0{source.version}".encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest()


@dataclass(frozen=True, slots=True)
class Place:
    """
    What is finished: the first ``count`` inputs, by ``chain``, and others one by one; and where reading stands in ``under_way``.

    Bytes are kept as text, for JSON.
    """

    count: int = 0
    chain: bytes = b""
    known: tuple[bytes, ...] = ()
    under_way: bytes = b""
    offset: int = 0
    row: int = 0

    @classmethod
    def of(cls, position: Position) -> Place:
        """Read a position; one that cannot be read is the beginning."""
        match position:
            case {
                "count": int(count),
                "chain": str(chain),
                "known": str(known),
                "under_way": [str(digest), int(offset), int(row)],
            }:
                try:
                    raw = base64.b64decode(known, validate=True)
                    digests = tuple(raw[start : start + _DIGEST] for start in range(0, len(raw), _DIGEST))
                    return cls(count, bytes.fromhex(chain), digests, bytes.fromhex(digest), offset, row)
                except ValueError:
                    pass
        return cls()

    def position(self) -> Position:
        """Return the position as it is kept."""
        known = base64.b64encode(b"".join(self.known)).decode()
        under_way = [self.under_way.hex(), self.offset, self.row]
        return {"count": self.count, "chain": self.chain.hex(), "known": known, "under_way": under_way}

    def after(self, digest: bytes, ordered: Sequence[bytes]) -> Place:
        """Return the place after one more input, where all are in this order."""
        known = (*self.known, digest)
        if len(known) <= MOST_KNOWN:
            return Place(self.count, self.chain, known)
        left, count = set(known), self.count
        while count < len(ordered) and ordered[count] in left:
            left.remove(ordered[count])
            count += 1
        chain = chained(self.chain, ordered[self.count : count])
        return Place(count, chain, tuple(each for each in known if each in left))

    def inside(self, digest: bytes, offset: int, row: int) -> Place:
        """Return the place inside an input."""
        return replace(self, under_way=digest, offset=offset, row=row)


def chained(chain: bytes, digests: Sequence[bytes]) -> bytes:
    """Return one digest over many, going on from that over those before them."""
    for digest in digests:
        chain = hashlib.blake2b(chain + digest, digest_size=16).digest()
    return chain


class FilesReader:
    """See `auditor.delivery.Reader`. What has no version (standard input) cannot be known again, and is never finished."""

    def __init__(self, find: Callable[[], Mapping[str, Input]], claims: Claims) -> None:
        """Continue after the recorded position; ``find`` lists the inputs by address."""
        self._find = find
        self._place = Place.of(claims.claim([ALL]).get(ALL, {}))
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Delivery | None]:
        """Yield each input that is not finished."""
        inputs = list(self._find().values())
        start = self._place
        ordered = [digest_of(source) for source in inputs if source.version]
        done = set(start.known) & set(ordered)
        place = Place(known=tuple(done))
        if chained(b"", ordered[: start.count]) == start.chain:
            place = Place(start.count, start.chain, tuple(done))
            done.update(ordered[: start.count])
        for source in inputs:
            if self._closed.is_set():
                return
            digest = digest_of(source)
            if source.version and digest in done:
                continue
            resumed = bool(source.version) and digest == start.under_way
            offset, row = (start.offset, start.row) if resumed else (0, 0)
            following = place.after(digest, ordered) if source.version else place
            yield Arrival(source, offset, row, _position_in(place, following, digest))
            place = following

    def committed(self, delivery: Delivery) -> None:
        """Take notice of nothing: the position says it all."""

    def refused(self, delivery: Delivery) -> None:
        """Take notice of nothing."""

    def close(self) -> None:
        """End the iteration."""
        self._closed.set()

    @property
    def backlog(self) -> int | None:
        """Know nothing: what is listed is read, and nothing waits."""
        return None


def _position_in(before: Place, after: Place, digest: bytes) -> Callable[[int, int, bool], Position]:
    """Return what makes positions inside an input, and after it."""

    def position(offset: int, row: int, done: bool) -> Position:  # noqa: FBT001 - as the protocol says
        return after.position() if done else before.inside(digest, offset, row).position()

    return position
