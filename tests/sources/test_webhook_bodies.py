import contextlib
import gzip
import random

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from auditor.sources.webhook.bodies import DamagedBody, decompressed

ENCODERS = {"gzip": gzip.compress, "zstd": lambda body: zstandard.ZstdCompressor().compress(body)}
encodings = st.sampled_from(sorted(ENCODERS))


def whole(body: bytes, encoding: str) -> bytes:
    return b"".join(decompressed(body, encoding))


@given(encodings, st.lists(st.binary(max_size=2000), min_size=1, max_size=4))
def test_several_members_are_one_body(encoding, parts):
    """Members and frames one after another are what they hold, joined."""
    assert whole(b"".join(map(ENCODERS[encoding], parts)), encoding) == b"".join(parts)


@given(encodings, st.binary(min_size=1, max_size=2000), st.data())
def test_a_body_that_is_cut_off_is_never_taken_for_whole(encoding, body, data):
    """Wherever a compressed body is cut, it is called damaged."""
    packed = ENCODERS[encoding](body)
    with pytest.raises(DamagedBody):
        whole(packed[: data.draw(st.integers(0, len(packed) - 1))], encoding)


@given(encodings, st.binary(max_size=300))
def test_noise_is_damage(encoding, noise):
    """Any other bytes than a compressed body raise the one error that the caller answers."""
    with pytest.raises(DamagedBody):
        whole(b"x" + noise, encoding)


@given(encodings, st.binary(min_size=20, max_size=500), st.data())
def test_a_flipped_bit_raises_nothing_else(encoding, body, data):
    """Damage anywhere is the same error, unless it lies where a format does not look."""
    packed = bytearray(ENCODERS[encoding](body))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(DamagedBody):
        whole(bytes(packed), encoding)


@pytest.mark.parametrize("encoding", sorted(ENCODERS))
def test_a_bomb_comes_in_small_pieces(encoding):
    """What expands a thousandfold can be stopped after any piece: none is larger than 2 MiB."""
    bomb = ENCODERS[encoding](bytes(64 << 20))
    assert len(bomb) < 100_000
    sizes = [len(piece) for piece in decompressed(bomb, encoding)]
    assert sum(sizes) == 64 << 20
    assert max(sizes) <= 2 << 20


@pytest.mark.parametrize("encoding", sorted(ENCODERS))
def test_something_behind_the_data_is_damage(encoding):
    """Bytes that follow the last member belong to nothing."""
    with pytest.raises(DamagedBody, match="followed by something else"):
        whole(ENCODERS[encoding](b"{}") + b"more", encoding)


def test_frames_that_are_to_be_skipped_are_skipped():
    """Skippable frames of zstd hold nothing; one that is cut off is damage."""
    skipped = b"\x50\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
    packed = ENCODERS["zstd"](b"{}")
    assert whole(skipped + packed + skipped, "zstd") == b"{}"
    with pytest.raises(DamagedBody):
        whole(packed + skipped[:-1], "zstd")


def test_a_frame_that_wants_much_memory_is_refused():
    """A window beyond 32 MiB is no body of the sink's."""
    parameters = zstandard.ZstdCompressionParameters(window_log=26)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = compressor.compress(random.Random(1).randbytes(1000)) + compressor.flush()
    with pytest.raises(DamagedBody, match="32 MiB"):
        whole(packed, "zstd")


def test_a_body_without_encoding_is_itself():
    """Nothing is undone where nothing was done."""
    assert list(decompressed(b"", "")) == [b""]
    assert whole(b"\x1f\x8b", "") == b"\x1f\x8b"
