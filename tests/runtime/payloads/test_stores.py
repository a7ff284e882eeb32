"""What every payload store does: keep bytes, give them back in parts, hold them, drop them, lose nothing half-way."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from saltern_runtime.files import CHUNK
from saltern_runtime.store.objects import PART
from saltern_runtime.store.payloads import PayloadGoneError

OWNER = "0-0123456789abcdef01234567"
MANY = [b"a" * CHUNK] * 9 + [b"b" * 7]


def read(kept, reference):
    return b"".join(kept.store.read(reference))


@pytest.mark.parametrize(
    "chunks",
    [[], [b""], [b"one"], [b"so", b"", b"me"], MANY, [b"x" * PART], [b"x" * PART, b"y"], [b"z" * (2 * PART + 1)]],
    ids=["none", "empty", "one", "two", "many", "part", "over", "whole"],
)
def test_what_was_written_is_read(kept, chunks):
    """Bytes come back as they were, in chunks that are not too long, however they came."""
    if kept.place.kind == "redis":
        chunks = [chunk[first : first + CHUNK] for chunk in chunks for first in range(0, len(chunk) or 1, CHUNK)]
    reference = kept.store.write(OWNER, "name", iter(chunks), 60.0)
    found = list(kept.store.read(reference))
    assert b"".join(found) == b"".join(chunks)
    assert max(map(len, found), default=0) <= CHUNK
    assert len(reference) < 200
    assert "\n" not in reference


def test_the_same_write_twice_is_one(kept):
    """A write whose reply was lost is sent again: the same reference, nothing more kept."""
    first = kept.store.write(OWNER, "name", iter(MANY), 60.0)
    held = kept.held()
    assert kept.store.write(OWNER, "name", iter(MANY), 60.0) == first
    assert kept.held() == held
    assert read(kept, first) == b"".join(MANY)


@pytest.mark.parametrize("after", [0, 1, 9, 17])
def test_what_breaks_off_leaves_nothing(kept, after):
    """Where whoever sends goes away, so does all that came, however much that was."""

    def sent():
        for _ in range(after):
            yield b"x" * CHUNK
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError, match="gone"):
        kept.store.write(OWNER, "name", sent(), 60.0)
    assert kept.held() == []


def test_what_was_dropped_is_gone(kept):
    """All parts of it; others stay; to drop it twice is harmless; what is gone is said before the first byte."""
    dropped, other = (kept.store.write(OWNER, name, iter(MANY), 60.0) for name in ("one", "other"))
    for _ in range(2):
        kept.store.drop(dropped)
    with pytest.raises(PayloadGoneError):
        next(kept.store.read(dropped))
    with pytest.raises(PayloadGoneError):
        kept.store.hold(dropped, 600.0)
    assert read(kept, other) == b"".join(MANY)


def test_a_part_that_is_missing_is_told(kept):
    """Where the rest of the bytes is gone, reading fails; it does not end as if that were all."""
    reference = kept.store.write(OWNER, "name", iter([b"x" * CHUNK] * 10), 60.0)
    path, _, count = reference.partition("*")
    kept.store.drop(f"{path}.{int(count) - 1}")
    with pytest.raises(PayloadGoneError):
        read(kept, reference)
    with pytest.raises(PayloadGoneError):
        kept.store.hold(reference, 60.0)


def test_many_write_at_once(kept):
    """Threads share a store: each reads what it wrote."""

    def once(number):
        reference = kept.store.write(OWNER, str(number), [str(number).encode() * 1000], 60.0)
        return read(kept, reference) == str(number).encode() * 1000

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(once, range(40)))


def test_sweeping_takes_nothing_that_is_kept(kept):
    """A sweep leaves alone what is not over."""
    reference = kept.store.write(OWNER, "name", iter(MANY), 60.0)
    assert kept.store.sweep() is False
    assert read(kept, reference) == b"".join(MANY)
