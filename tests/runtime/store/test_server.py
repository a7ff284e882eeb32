"""What the store asks of its server, and what it does while there is none."""

import threading
import time

import pytest
import redis
from redis.exceptions import ResponseError

from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import Swept
from saltern_runtime.store.reading import Reader
from saltern_runtime.store.store import Store, StoreUnavailableError, StoreUnfitError
from tests.runtime.store.conftest import Bench


def test_eviction_is_refused(own_redis):
    """A server that may evict keys loses runs: the store says so instead of starting."""
    store = Store("s", Settings(redis_url=own_redis.url))
    store.check()
    store.client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(StoreUnfitError, match="noeviction"):
        store.check()
    store.close()


@pytest.mark.parametrize(
    ("version", "is_old"), [("6.2.14", True), ("7.0.0", False), ("7.2.4", False), ("10.1.0", False)]
)
def test_a_server_that_is_too_old_is_refused(own_redis, monkeypatch, version, is_old):
    """Before 7.0 there are no functions: the store says which server it is, instead of failing at the first run."""
    store = Store("s", Settings(redis_url=own_redis.url))
    info = redis.Redis.info
    monkeypatch.setattr(redis.Redis, "info", lambda self, *given: {**info(self, *given), "redis_version": version})
    if is_old:
        with pytest.raises(StoreUnfitError, match=rf"Redis {version} at \S+ is too old: 7\.0 or newer, or Valkey"):
            store.check()
    else:
        store.check()
    store.close()


def test_fsync_is_promised_only_where_it_can_be_kept(own_redis):
    """Without WAITAOF, or without an append-only file, `fsync` is refused at start, saying what to change."""
    store = Store("s", Settings(redis_url=own_redis.url, durability="fsync"))
    known = store.client.execute_command("COMMAND INFO", "WAITAOF")
    if any(known.values() if isinstance(known, dict) else known):
        store.check()
        store.client.config_set("appendonly", "no")
        with pytest.raises(StoreUnfitError, match="appendonly"):
            store.check()
    else:
        with pytest.raises(StoreUnfitError, match="WAITAOF"):
            store.check()
    store.close()


def test_fsync_waits_for_the_disk(own_redis):
    """Where WAITAOF is there, create answers after it: for a new run, and for a known one."""
    store = Store("s", Settings(redis_url=own_redis.url, durability="fsync"))
    known = store.client.execute_command("COMMAND INFO", "WAITAOF")
    if not any(known.values() if isinstance(known, dict) else known):
        store.close()
        pytest.skip("this server has no WAITAOF; Redis 7.2 and Valkey have")
    bench = Bench(store, Reader(store, "s"), store.client)
    assert bench.create(idempotency="k").status == "fresh"
    assert bench.create(idempotency="k").status == "known"
    store.client.config_set("appendonly", "no")
    with pytest.raises(ResponseError):
        bench.create()
    store.close()


def test_an_unreachable_server_is_an_error_in_time():
    """With no server, a call fails within its patience, by an error of our own."""
    store = Store("s", Settings(redis_url="redis://127.0.0.1:1/0", socket_timeout=0.5), patience=0.1)
    with pytest.raises(StoreUnavailableError):
        store.ping()
    with pytest.raises(StoreUnavailableError):
        store.take_due(0, "one")


def test_calls_wait_out_a_restart(own_redis):
    """A call made while the server is down is sent again until it is back; its scripts are loaded anew."""
    store = Store("s", Settings(redis_url=own_redis.url), patience=20.0)
    assert store.take_due(0, "one") == Swept(0, ())
    own_redis.kill()
    threading.Timer(0.3, own_redis.start).start()
    assert store.take_due(0, "one") == Swept(0, ())
    store.close()
    end = time.monotonic() + 10
    while own_redis.process.poll() is not None and time.monotonic() < end:
        time.sleep(0.01)


def test_writes_that_no_replica_would_have_wait(own_redis):
    """A primary that was told to refuse writes while it has no replica is waited for; nothing is written by halves."""
    store = Store("s", Settings(redis_url=own_redis.url), patience=0.1)
    bench = Bench(store, Reader(store, "s"), store.client)
    store.client.config_set("min-replicas-to-write", 1)
    with pytest.raises(StoreUnavailableError, match="NOREPLICAS"):
        bench.create()
    assert store.client.dbsize() == 0
    store.client.config_set("min-replicas-to-write", 0)
    assert bench.create().status == "fresh"
    store.close()


def test_a_store_crosses_a_fork(redis_url, service):
    """Each process has connections of its own."""
    import os

    store = Store(service, Settings(redis_url=redis_url))
    store.ping()
    mine = store.client
    pid = os.fork()
    if pid == 0:
        os._exit(0 if store.client is not mine and store.take_due(0, "child") == Swept(0, ()) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert store.client is mine
    store.close()
