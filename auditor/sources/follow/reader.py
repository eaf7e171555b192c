"""The reader of a folder or prefix: lists it, hands over what is new, and says how far it is complete."""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import NamedTuple

from auditor.delivery import ALL, Arrival, Claims, Delivery, Lost, Position, Progress
from auditor.errors import ConfigError, PositionLost
from auditor.hlc import Timestamp
from auditor.redaction import shown_uri
from auditor.sources.files import FileInput
from auditor.sources.follow.gathering import Gathered, gather
from auditor.sources.follow.growing import grown
from auditor.sources.follow.known import Known, Standing, hint_of, place_key, position_of
from auditor.sources.follow.listed import Listed, Since
from auditor.sources.follow.listing import Lister
from auditor.sources.follow.marks import believed
from auditor.sources.follow.places import Places
from auditor.sources.follow.settings import FollowSettings
from auditor.sources.follow.settling import Settling

_LOG = logging.getLogger("auditor.feed")
#: Seconds between listings of everything, where the others begin at a time.
_EVERYTHING_EVERY = 600.0
_MOST_GROWING = 1000
_MOST_TOLD = 10
_TICK = 0.5


class _Way(NamedTuple):
    """What goes into the positions of one file: what was read before it, and what after it."""

    floor: Timestamp | None
    before: bytes
    after: bytes
    key: str
    version: str
    hint: str
    keeps: bool


class _Size(NamedTuple):
    """How large a growing file was when it was listed, and its address as it may be shown."""

    shown: str
    bytes: int


class FollowReader:
    """
    See `auditor.delivery.Reader`. Positions are complete: a file is in them once all before it were.

    ``pending`` are the files that were seen and are not known to be recorded, by name: they outlive the reader, so that one that
    is deleted between two openings is missed.
    """

    def __init__(
        self,
        settings: FollowSettings,
        lister: Lister,
        claims: Claims,
        pending: dict[str, Listed],
        *,
        until_caught_up: bool,
        rescan: bool,
    ) -> None:
        """Claim the feed's only shard and begin after its position."""
        self._settings, self._lister, self._pending = settings, lister, pending
        self._bounded, self._rescan = until_caught_up, rescan
        position = claims.claim([ALL]).get(ALL)
        if position is not None and position.get("uri") != settings.uri:
            _LOG.warning("%s: the address is another one than before: everything there is read", settings.name)
            position = None
        self._known = Known(settings.grace, position)
        self._places = Places(self._known.places)
        self._claimed = claims.resolved(ALL)
        self._settling = Settling(settings.settle)
        self._marks: set[Timestamp] = set()
        self._noted = ""
        self._told = ""
        self._sizes: dict[str, _Size] = {}
        self._partitions = frozenset[str]()
        self._latest = Timestamp(0)
        self._lock = threading.Lock()
        self._under_way: dict[str, str] = {}
        self._closed = threading.Event()
        self._listed = threading.Event()

    def __iter__(self) -> Iterator[Delivery | None]:
        """List and hand over, again and again; see `auditor.delivery.Reader`."""
        began = time.monotonic()
        first: frozenset[str] | None = None
        everything_at = -_EVERYTHING_EVERY
        while not self._closed.is_set():
            everything = self._known.crowded or time.monotonic() - everything_at >= _EVERYTHING_EVERY
            if everything:
                everything_at = time.monotonic()
            found = yield from self._list(everything=everything)
            if found is not None and (new := self._new_marks(found)):
                # Only a listing that began after a mark was seen holds all that sorts before it.
                self._marks |= new
                found = yield from self._list(everything=everything)
            if found is None:
                return
            if self._bounded and first is None and not found.more:
                first = frozenset(listed.name for listed in found.unread)
            overdue = self._bounded and time.monotonic() - began > 5 * self._settings.settle + 1
            unsettled = yield from self._hand_over(found, crowded=overdue or self._known.crowded)
            if self._bounded and not found.more and not any(first is None or listed.name in first for listed in unsettled):
                return
            if not found.more:
                yield from self._wait(min(self._settings.seconds, self._settings.settle or _TICK) if unsettled else None)

    def committed(self, delivery: Delivery) -> None:
        """Take notice that a file was read to its end, so that it can be handed over again when it has grown."""
        if isinstance(delivery, Arrival):
            with self._lock:
                name = self._under_way.pop(delivery.input.uri, None)
                if name is not None:
                    self._pending.pop(name, None)

    def refused(self, delivery: Delivery) -> None:
        """Take notice of nothing: what was not recorded is listed again."""

    def close(self) -> None:
        """End the iteration; a listing that is under way ends by itself."""
        self._closed.set()
        self._listed.set()

    @property
    def backlog(self) -> int | None:
        """Return how many files were seen and are not known to be recorded."""
        return len(self._pending)

    def _wait(self, seconds: float | None) -> Iterator[None]:
        """Wait until it is time to list again."""
        until = time.monotonic() + (self._settings.seconds if seconds is None else seconds)
        while (left := until - time.monotonic()) > 0 and not self._closed.wait(min(left, _TICK)):
            yield None

    def _list(self, *, everything: bool) -> Generator[None, None, Gathered | None]:
        """List on a thread of its own, since a store may take its time and closing may not; None once closed."""
        result: list[Gathered] = []
        failure: list[BaseException] = []
        self._listed.clear()
        floor = None if everything or self._settings.tail else self._known.floor
        since = None if floor is None else Since(floor, self._partitions)
        with self._lock:
            expected = list(self._pending)
        places = list(self._places.all())

        def run() -> None:
            try:
                listing, whole = self._lister(since), since is None
                result.append(gather(listing, self._known, everything=whole, expected=expected, places=places))
            except BaseException as error:  # noqa: BLE001 - raised on the reader's thread
                failure.append(error)
            finally:
                self._listed.set()

        threading.Thread(target=run, name=f"listing {self._settings.name}", daemon=True).start()
        while not self._closed.is_set() and not self._listed.wait(_TICK):
            yield None
        if self._closed.is_set():
            return None
        if failure:
            raise failure[0]
        return result[0]

    def _new_marks(self, found: Gathered) -> set[Timestamp]:
        """Return the marks that no listing had before."""
        return {mark for mark in found.marks - self._marks if self._is_news(mark)}

    def _is_news(self, mark: Timestamp) -> bool:
        """Tell whether a mark goes beyond what was handed over as complete."""
        return self._claimed is None or mark > self._claimed

    def _hand_over(self, found: Gathered, *, crowded: bool) -> Generator[Delivery | None, None, list[Listed]]:
        """Hand over what a listing has; return what may not be whole yet."""
        self._known.keep(found.timed, found.others, everything=found.everything)
        if found.everything:
            self._partitions, self._latest = frozenset(found.partitions), found.latest
        yield from self._missing(found)
        whole, unsettled = self._settling.split(found.unread, found.newest)
        if crowded:
            whole, unsettled = list(found.unread), []
        with self._lock:
            self._pending.update((listed.name, listed) for listed in found.unread)
        later = [time for time in (found.beyond, *(listed.time for listed in unsettled)) if time is not None]
        limit = min(later, default=None)
        marks = self._trusted(found, limit)
        handed = False
        for listed in whole:
            if self._closed.is_set():
                return unsettled
            passed = 0 if listed.time is None else bisect_left(marks, listed.time)
            if handed and passed and self._is_news(marks[passed - 1]):
                yield self._complete(marks[passed - 1])
                handed = False
            yield self._arrival(listed, limit)
            handed = True
        if marks and self._is_news(marks[-1]):
            yield self._complete(marks[-1])
        if self._told != self._noted:
            self._noted = self._told
            yield Progress(ALL, note=self._told)
        yield from self._grown(found)
        return unsettled

    def _trusted(self, found: Gathered, limit: Timestamp | None) -> list[Timestamp]:
        """Return the marks before which nothing is left unread once all that is whole was handed over."""
        if self._settings.tail:
            return []  # of a file that grows nobody knows whether it is complete
        judged = believed(found.files, found.marks, self._settings.changefeeds)
        if judged.reason != self._told:
            self._told = judged.reason
            if judged.reason:
                _LOG.warning("%s: %s", self._settings.name, judged.reason)
        trusted = [mark for mark in judged.marks if mark in self._marks and self._is_news(mark)]
        return [mark for mark in trusted if limit is None or mark < limit]

    def _complete(self, mark: Timestamp) -> Progress:
        """Say that everything up to a mark was handed over."""
        self._claimed = mark
        self._marks = {later for later in self._marks if later > mark}
        return Progress(ALL, self._position(), mark)

    def _position(self) -> Position | None:
        """Return the position after everything handed over; None where only its reader knows how far files have been read."""
        if self._settings.tail:
            return None
        return position_of(self._settings.uri, self._known.floor, self._known.digests(), self._places.all())

    def _arrival(self, listed: Listed, limit: Timestamp | None) -> Arrival:
        """Hand over a file, to be read on from where reading it stood."""
        time_ = listed.time
        if time_ is not None:
            if self._claimed is not None and time_ <= self._claimed:
                what = "it came, or was changed, after the .RESOLVED file that sorts after it; it is read now"
                _LOG.warning("%s: %s: %s", self._settings.name, shown_uri(listed.input.uri), what)
            # What lies in a folder of another kind shows only where everything is listed: until then it must not count as read.
            self._known.advance(min(time_, self._latest, limit or time_))
        before = self._known.digests()
        self._known.add(listed)
        key = place_key(listed)
        version = listed.input.version
        way = _Way(self._known.floor, before, self._known.digests(), key, version, hint_of(listed), keeps=False)
        stood = self._places.get(key)
        start = stood if stood is not None and stood.version == version else Standing(version, 0, 0, "")
        with self._lock:
            self._under_way[listed.input.uri] = listed.name
        return Arrival(listed.input, start.offset, start.row, self._position_in(way))

    def _position_in(self, way: _Way) -> Callable[[int, int, bool], Position]:
        """Return what makes positions inside a file, and after it."""

        def position(offset: int, row: int, done: bool) -> Position:  # noqa: FBT001 - as the protocol says
            stands = None if done and not way.keeps else Standing(way.version, offset, row, way.hint)
            places = self._places.put(way.key, stands)
            return position_of(self._settings.uri, way.floor, way.after if done else way.before, places)

        return position

    def _grown(self, found: Gathered) -> Iterator[Delivery]:
        """Hand over what files have grown by; each again only after what it had grown by before was recorded."""
        if len(found.growing) > _MOST_GROWING:
            what = f"over {_MOST_GROWING:,} growing files are more than can be kept apart"
            raise ConfigError(what, where=self._settings.name, fix="name the files to follow with `files`")
        for listed in found.growing:
            with self._lock:
                busy = listed.input.uri in self._under_way
            if busy or not isinstance(listed.input, FileInput):
                continue
            key = place_key(listed)
            self._sizes[key] = _Size(shown_uri(listed.input.uri), listed.input.size or 0)
            more = grown(listed.input, self._places.get(key), whole=self._bounded)
            if more is None:
                continue
            input_, start = more
            with self._lock:
                self._under_way[input_.uri] = listed.name
            digests = self._known.digests()
            way = _Way(self._known.floor, digests, digests, key, start.version, "", keeps=True)
            yield Arrival(input_, start.offset, start.row, self._position_in(way))

    def _missing(self, found: Gathered) -> Iterator[Delivery]:
        """Report files that were seen and are gone before they were read."""
        with self._lock:
            busy = set(self._under_way.values())
            gone = [self._pending[name] for name in sorted(found.missing - busy) if name in self._pending]
        lost: list[Lost] = []
        for listed in gone:
            if not (found.everything or listed.time is not None):
                continue  # it may lie where was not looked
            with self._lock:
                del self._pending[listed.name]
            key = place_key(listed)
            found.places.discard(key)
            stood = self._places.get(key)
            self._places.drop([key])
            if not self._known.has(listed):
                lost.append(_deleted(shown_uri(listed.input.uri), stood.offset if stood is not None else 0))
        if found.everything and not busy:
            lost += self._unfinished(found.places)
            self._places.drop(found.places)
        if lost and self._settings.on_deleted == "stop" and not self._rescan:
            raise PositionLost("; ".join(each.reason for each in lost[:_MOST_TOLD]), where=self._settings.name)
        if lost:
            yield Progress(ALL, self._position(), lost=lost)

    def _unfinished(self, keys: Iterable[str]) -> Iterator[Lost]:
        """Yield the files that an earlier run was reading, or had seen growing, and that are gone."""
        for key in sorted(keys):
            stood = self._places.get(key)
            size = self._sizes.pop(key, None)
            if size is not None and stood is not None and size.bytes > stood.offset:
                yield _deleted(size.shown, stood.offset)
            elif stood is not None and not self._settings.tail:
                yield _deleted(f"{stood.hint}..." if stood.hint else "a file that was being read", stood.offset)


def _deleted(which: str, offset: int) -> Lost:
    """Say that a file was deleted too early."""
    return Lost(ALL, f"{which} was deleted before it was read{f' from byte {offset:,} on' if offset else ''}")
