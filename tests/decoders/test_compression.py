"""Files compressed as a whole: what they hold comes out, all of it, whatever is wrong further on."""

from __future__ import annotations

import gzip
import io
import random
import resource
import sys
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from auditor.decoders.compression import open_decompressed, recognise
from auditor.errors import DecodeError

RANDOM = random.Random(2)
TEXT = b"".join(
    b'{"after": {"id": %d, "note": "%s"}}\n' % (number, RANDOM.randbytes(9).hex().encode()) for number in range(40_000)
)


def zstd(data: bytes, *, checksum: bool = True, sized: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=checksum, write_content_size=sized).compress(data)


class Pipe(io.RawIOBase):
    """A stream that cannot be sought in and gives out little at a time, as pipes do."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read at most 5,000 bytes."""
        return self._file.read(size if size < 0 else min(size, 5000))


@pytest.fixture(params=[io.BytesIO, Pipe], ids=["file", "pipe"])
def opened(request: pytest.FixtureRequest):
    return request.param


@pytest.fixture(params=["isal", "zlib"])
def gzip_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "zlib":
        monkeypatch.setitem(sys.modules, "isal", None)
    return request.param


def everything(file, compression: str, size: int = 60_000) -> tuple[bytes, DecodeError | None]:
    """Read in pieces until the end or the error."""
    reader = open_decompressed(file, compression)
    out = bytearray()
    try:
        while part := reader.read(size):
            out += part
    except DecodeError as error:
        return bytes(out), error
    return bytes(out), None


@pytest.mark.parametrize(
    ("head", "compression"),
    [
        (gzip.compress(b"a", mtime=0), "gzip"),
        (zstd(b"a"), "zstd"),
        (b"PAR1" + bytes(9), ""),
        (b'{"after": {}}', ""),
        (b"", ""),
        (b"\x1f", ""),
    ],
)
def test_compression_is_told_by_the_first_bytes(head: bytes, compression: str):
    """Gzip and zstd are told by their magic numbers; Parquet, text and nothing are not compressed as a whole."""
    assert recognise(head[:8]) == compression


@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=4), st.sampled_from([io.BytesIO, Pipe]), st.integers(1, 5000))
def test_any_members_and_frames_come_out_joined(parts: list[bytes], kind, size: int):
    """However many gzip members or zstd frames a file has, and however it is read, its content is theirs one after another."""
    assert everything(kind(b"".join(map(gzip.compress, parts))), "gzip", size) == (b"".join(parts), None)
    assert everything(kind(b"".join(map(zstd, parts))), "zstd", size) == (b"".join(parts), None)


def test_gzip_padding_is_no_damage(opened, gzip_engine: str):
    """Zeros between gzip members and after the last one are padding, as tapes and block devices leave them."""
    body = gzip.compress(TEXT) + bytes(70_000) + gzip.compress(b"more") + bytes(1)
    assert everything(opened(body), "gzip") == (TEXT + b"more", None)


def test_reading_everything_at_once_and_into_a_buffer(opened):
    """``read()`` returns all, ``readinto`` fills a buffer, and ``tell`` counts uncompressed bytes."""
    reader = open_decompressed(opened(gzip.compress(TEXT)), "gzip")
    buffer = bytearray(100)
    assert reader.readinto(buffer) == 100
    assert bytes(buffer) == TEXT[:100]
    assert reader.tell() == 100
    assert reader.read() == TEXT[100:]
    assert reader.read() == b""


@pytest.mark.parametrize("cut", [1, 8, 9, 500, 100_000])
def test_a_truncated_gzip_is_delivered_up_to_the_cut(opened, gzip_engine: str, cut: int):
    """Everything before the cut comes out, then the error says where in the uncompressed text it was."""
    whole = gzip.compress(TEXT)
    out, error = everything(opened(whole[:-cut]), "gzip")
    assert TEXT.startswith(out)
    assert len(out) >= len(TEXT) * (len(whole) - cut) // len(whole) - 100_000
    assert cut > 8 or out == TEXT
    assert error is not None
    assert f"cut off at uncompressed byte {len(out):,}" in str(error)


def bytewise(body: bytes) -> bytes:
    """Go the slow way, as oracle: what zlib makes of a gzip member fed byte by byte, until it gives up."""
    inflate = zlib.decompressobj(31)
    out = bytearray()
    for offset in range(len(body)):
        try:
            out += inflate.decompress(body[offset : offset + 1])
        except zlib.error:
            break
    return bytes(out)


@pytest.mark.parametrize("place", [0.3, 0.6, 0.9])
def test_damaged_gzip_is_delivered_up_to_the_damage(opened, gzip_engine: str, place: float):
    """Not a byte before the place where the data makes no sense any more is lost, whatever the engine's call lost."""
    whole = bytearray(gzip.compress(TEXT))
    start = int(len(whole) * place)
    whole[start : start + 64] = b"\xff" * 64
    out, error = everything(opened(bytes(whole)), "gzip")
    assert out == bytewise(bytes(whole))
    assert out[: int(len(TEXT) * place * 0.8)] == TEXT[: int(len(TEXT) * place * 0.8)]
    assert error is not None
    assert f"damaged at uncompressed byte {len(out):,}" in str(error)


def test_a_wrong_checksum_is_named_after_all_was_delivered(opened, gzip_engine: str):
    """A gzip member whose checksum is wrong is delivered whole, then called damaged."""
    whole = bytearray(gzip.compress(TEXT))
    whole[-8] ^= 1
    out, error = everything(opened(bytes(whole)), "gzip")
    assert out == TEXT
    assert "damaged" in str(error)


@pytest.mark.parametrize(("compress", "compression"), [(gzip.compress, "gzip"), (zstd, "zstd")])
@pytest.mark.parametrize("tail", [b"not compressed\n", b"\x1f", b"PAR1"])
def test_what_follows_is_named_after_all_was_delivered(opened, compress, compression: str, tail: bytes):
    """Something else after the compressed data is an error at the end, with the fix."""
    out, error = everything(opened(compress(TEXT) + tail), compression)
    assert out == TEXT
    assert "followed by something else" in str(error)
    assert f"{len(TEXT):,}" in str(error)
    assert error is not None
    assert error.fix


@pytest.mark.parametrize("cut", [1, 3, 4, 5, 5000, 200_000])
def test_a_truncated_zstd_frame_is_noticed(opened, cut: int):
    """A frame that ends too early is an error, though the library's own reader takes it for the end; whole blocks come out."""
    whole = zstd(TEXT)
    out, error = everything(opened(whole[:-cut]), "zstd")
    assert TEXT.startswith(out)
    assert len(out) >= len(TEXT) * (len(whole) - cut) // len(whole) - (512 << 10)
    assert "cut off" in str(error)


def test_damaged_zstd_is_delivered_up_to_the_block(opened):
    """Blocks before the damaged one come out."""
    whole = bytearray(zstd(TEXT))
    middle = len(whole) // 2
    whole[middle : middle + 300] = b"\xa5" * 300
    out, error = everything(opened(bytes(whole)), "zstd")
    assert TEXT.startswith(out[: 128 << 10])
    assert len(out) > len(TEXT) // 4
    assert "damaged" in str(error)


def test_skippable_zstd_frames_hold_no_data(opened):
    """Skippable frames (pzstd writes them) are passed over, wherever they are."""
    skippable = b"\x53\x2a\x4d\x18" + (70_000).to_bytes(4, "little") + bytes(70_000)
    body = zstd(TEXT, checksum=False, sized=False) + skippable + zstd(b"more")
    assert everything(opened(body), "zstd") == (TEXT + b"more", None)


def test_a_zstd_dictionary_is_asked_for():
    """A frame that needs a dictionary says so."""
    samples = [b'{"after": {"id": %d, "name": "name %d"}}' % (number, number * 7) for number in range(2000)]
    dictionary = zstandard.train_dictionary(2000, samples)
    body = zstandard.ZstdCompressor(dict_data=dictionary).compress(samples[0])
    _, error = everything(io.BytesIO(body), "zstd")
    assert "dictionary" in str(error)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_bomb_costs_no_memory(compression: str, gzip_engine: str):
    """A megabyte that expands to a gigabyte is read in pieces of what is asked for."""
    zeros = bytes(1 << 20)
    if compression == "gzip":
        bomb = io.BytesIO()
        with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=1) as file:
            for _ in range(512):
                file.write(zeros)
        body = bomb.getvalue()
    else:
        compressor = zstandard.ZstdCompressor().compressobj()
        body = b"".join(compressor.compress(zeros) for _ in range(512)) + compressor.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reader = open_decompressed(io.BytesIO(body), compression)
    total = 0
    while part := reader.read(1 << 20):
        total += len(part)
    assert total == 512 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


@given(st.binary(max_size=400))
def test_junk_after_a_magic_number_is_an_error_not_a_crash(junk: bytes):
    """Whatever follows a magic number, there is data or a `DecodeError`."""
    for magic, compression in ((b"\x1f\x8b\x08\x00", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd")):
        for kind in (io.BytesIO, Pipe):
            everything(kind(magic + junk), compression)
