"""Files of a service: put away as they come, found by their tenant, kept as long as something needs them."""

import pytest

from saltern_runtime.files import CHUNK, File
from saltern_runtime.store.files import FileTooLargeError, Shelf
from saltern_runtime.store.payloads import PayloadGoneError

BIG = [b"a" * CHUNK * 2, b"b" * 10, b""]


def shelf(bench):
    return Shelf(bench.store)


def put(store, chunks=(b"some ", b"bytes"), tenant="acme", keep=60.0):
    return Shelf(store).put(tenant, iter(chunks), name="a.txt", media_type="text/plain", keep=keep)


@pytest.mark.parametrize("chunks", [[], [b"one"], BIG], ids=["empty", "one", "many"])
def test_what_was_put_comes_back(bench, chunks):
    """Bytes come back as they were, and their file says how many there are and what their digest is."""
    file = put(bench.store, chunks)
    whole = b"".join(chunks)
    assert file == File.of("a.txt", whole)
    assert b"".join(shelf(bench).chunks("acme", file.sha256)) == whole


def test_another_tenant_finds_nothing(bench):
    """A digest is no key: only the tenant that stored the bytes reads them."""
    file = put(bench.store)
    assert shelf(bench).find("other", file.sha256) is None
    assert not shelf(bench).hold("other", file, 5.0)
    with pytest.raises(PayloadGoneError):
        list(shelf(bench).chunks("other", file.sha256))


@pytest.mark.parametrize("keep", [30.0, 60.0, 90.0])
def test_the_same_bytes_are_kept_once(bench, keep):
    """Whatever is stored again is dropped, and what there was is kept for the longer of both times."""
    first = shelf(bench).find("acme", put(bench.store, BIG).sha256)
    parts = bench.client.keys(f"*{bench.store.keys.service}*payload:*")
    assert shelf(bench).find("acme", put(bench.store, BIG, keep=keep).sha256) == first
    assert sorted(bench.client.keys(f"*{bench.store.keys.service}*payload:*")) == sorted(parts)
    key = next(iter(bench.client.keys(f"*{bench.store.keys.service}*file:*")))
    assert bench.client.pttl(key) > (max(keep, 60.0) - 5) * 1000
    assert min(bench.client.pttl(part) for part in parts) > max(keep, 60.0) * 1000


def test_bytes_that_are_gone_are_put_back_by_a_new_upload(bench):
    """What is known of a file whose bytes were lost counts for nothing: it is not held, and a new upload is what there is."""
    file = put(bench.store, BIG, keep=600.0)
    bench.client.delete(*bench.client.keys(f"*{bench.store.keys.service}*payload:*"))
    assert not shelf(bench).hold("acme", file, 5.0)
    assert put(bench.store, BIG, keep=60.0) == file
    assert b"".join(shelf(bench).chunks("acme", file.sha256)) == b"".join(BIG)
    assert shelf(bench).hold("acme", file, 5.0)


def test_what_is_held_is_kept_for_longer(bench):
    """Holding a file for a time that it is kept for anyway changes nothing; a longer one is its time from now on."""
    file = put(bench.store, BIG)
    key = next(iter(bench.client.keys(f"*{bench.store.keys.service}*file:*")))
    assert shelf(bench).hold("acme", file, 10.0)
    assert bench.client.pttl(key) > 50_000
    assert shelf(bench).hold("acme", file, 600.0)
    assert bench.client.pttl(key) > 590_000
    parts = bench.client.keys(f"*{bench.store.keys.service}*payload:*")
    assert len(parts) == 3
    assert min(bench.client.pttl(part) for part in parts) > 590_000


def test_a_file_of_another_size_is_none(bench):
    """A reference that tells another size than the bytes have is not held."""
    file = put(bench.store)
    assert not shelf(bench).hold("acme", file.model_copy(update={"size": 1}), 5.0)


def test_a_file_that_is_too_large_leaves_nothing(bench):
    """What grows over the limit while it comes is refused, and what came of it is gone."""
    bench.store.settings = bench.store.settings.__class__(redis_url=bench.store.settings.redis_url, max_file=CHUNK)
    with pytest.raises(FileTooLargeError):
        put(bench.store, BIG)
    assert bench.client.keys(f"*{bench.store.keys.service}*payload:*") == []


def test_what_breaks_off_leaves_nothing(bench):
    """Where whoever sends goes away, so does what came."""

    def sent():
        yield b"x" * CHUNK
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        put(bench.store, sent())
    assert bench.client.keys(f"*{bench.store.keys.service}*payload:*") == []


def test_a_file_that_is_named_often_is_looked_for_once(bench, monkeypatch):
    """However many places of an input name it."""
    file, asked = put(bench.store), []
    hold = Shelf.hold
    monkeypatch.setattr(Shelf, "hold", lambda self, tenant, *rest: asked.append(tenant) or hold(self, tenant, *rest))
    gone = File(name="g", media_type="a/b", size=1, sha256="0" * 64)
    inline = File.of("a.txt", b"some bytes")
    named = [((at,), each) for at, each in enumerate([file] * 500 + [gone] * 2 + [inline])]
    assert shelf(bench).secure("acme", named, 60.0) == [(500,), (501,)]
    assert len(asked) == 2
    assert shelf(bench).secure("acme", named[:500] + named[502:], 60.0) == []
