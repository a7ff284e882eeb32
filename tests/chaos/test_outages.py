"""Redis dies and comes back; a worker drains; a caller dies around create."""

import signal
import threading
import time
from pathlib import Path

import pytest

from saltern_runtime.store.store import StoreUnavailableError
from tests.chaos.conftest import OUTPUT
from tests.support.checker import Watch, broken, recorded_twice
from tests.support.until import until


def test_redis_is_killed_under_load(own_site, own_redis):
    """SIGKILL and start on the same file, store and broker alike: every run completes, and no worker counts as lost."""
    own_site.worker()
    own_site.timers()
    with Watch(own_redis.url, own_site.name) as watch:
        slow = own_site.start(slow="classify", seconds=1.5)
        own_site.until(slow, "stage.started", "classify")
        ids = [slow, *(own_site.start() for _ in range(10))]
        own_redis.kill()
        time.sleep(0.5)
        own_redis.start()
        for run_id in ids:
            own_site.finish(run_id)
        more = own_site.start()
        own_site.finish(more)
    assert watch.broken == []


@pytest.mark.parametrize("cut", [1, 100, 700, 2500])
def test_the_tail_of_the_file_is_lost(here, own_redis, cut):
    """With the last of the append-only file gone, what is left is one consistent moment, and the run completes from there."""
    process = here()
    process.sweeper.sweep()
    run_id = process.service.start({}, tenant="acme", trigger="api").run_id
    client = process.service.store.client
    client.set("mark", "written after create")
    while b"written after create" not in newest_file(own_redis):
        time.sleep(0.02)
    for _ in range(3):
        process.step()
    own_redis.kill()
    path, whole = incremental(own_redis), newest_file(own_redis)
    path.write_bytes(whole[: max(whole.index(b"written after create") + 22, len(whole) - cut)])
    own_redis.start()
    assert broken(client, "chaos_here") == []
    process.bells.bells.clear()
    view = process.finish(run_id, 20)
    assert view.output == OUTPUT
    assert recorded_twice(client, "chaos_here", run_id) == []
    assert [e for e in process.service.events(run_id) if e.type == "stage.lost" and e.data["lost"]] == []


def incremental(server):
    """Return the append-only file that grows."""
    return next((server.folder / "appendonlydir").glob("*.incr.aof"))


def newest_file(server):
    return incremental(server).read_bytes()


@pytest.mark.parametrize("moment", [None, "before:release"])
def test_a_worker_drains_at_sigterm(own_site, moment):
    """At SIGTERM a worker claims nothing more and hands back what cannot finish; the next worker goes on, no attempt lost."""
    worker = own_site.worker()
    own_site.timers()
    with Watch(own_site.url, own_site.name) as watch:
        run_id = own_site.start(slow="classify", seconds=30.0)
        waits = [own_site.start() for _ in range(3)]
        own_site.until(run_id, "stage.started", "classify")
        while not own_site.effects(run_id):
            time.sleep(0.02)
        if moment:
            own_site.arm(moment)
        worker.send_signal(signal.SIGTERM)
        if moment is None:
            own_site.until(run_id, "stage.released", "classify")
        worker.wait(20)
        own_site.worker()
        view = own_site.finish(run_id)
        for each in waits:
            own_site.finish(each)
    assert view.nodes[0].attempt == (1 if moment is None else 2)
    assert watch.broken == []


def test_a_worker_without_redis_exits(own_site, own_redis, tmp_path):
    """A live worker touches its heartbeat file; one that cannot reach Redis for too long ends, to be started again."""
    heartbeat = tmp_path / "heartbeat"
    own_site.env |= {"SALTERN_UNREACHABLE": "0.5", "SALTERN_GRACE": "1", "SALTERN_HEARTBEAT_FILE": str(heartbeat)}
    worker = own_site.worker()
    own_site.timers()
    own_site.finish(own_site.start())
    assert heartbeat.exists()
    own_redis.kill()
    assert worker.wait(30) is not None


def test_a_server_that_is_not_there_yet_is_waited_for(own_site, own_redis):
    """A worker and timers that start before Redis go on, say so in the log, and work once it is there: nobody starts them again."""
    own_redis.kill()
    started = own_site.worker(), own_site.timers()
    log, said = Path(own_site.log.name), ("the store cannot be reached", "nothing swept")
    assert until(lambda: all(each in log.read_text("utf-8") for each in said), 60)
    assert [process.poll() for process in started] == [None, None]
    own_redis.start()
    run_id = own_site.start()
    own_site.finish(run_id)
    assert [process.poll() for process in started] == [None, None]


def test_a_caller_dies_around_create(here):
    """Whether the reply or the call was lost: the same idempotency key again is one run."""
    process = here()
    send = process.service.store._send
    made = []

    def lose_reply(shard, call, *args, **options):
        reply = send(shard, call, *args, **options)
        if call.script == "create" and not made:
            made.append(reply)
            raise StoreUnavailableError("the reply was lost")
        return reply

    process.service.store._send = lose_reply
    with pytest.raises(StoreUnavailableError):
        process.service.start({}, tenant="acme", trigger="api", idempotency_key="k")
    started = process.service.start({}, tenant="acme", trigger="api", idempotency_key="k")
    assert (started.fresh, started.run_id) == (False, made[0][1])
    assert process.finish(started.run_id, 20).output == OUTPUT
    assert len(process.service.list("acme").runs) == 1


def test_many_timers_at_once(here, own_redis):
    """Replicas that sweep at the same time do everything once."""
    process = here()
    others = [here(graph=process.service.graph) for _ in range(3)]
    stop = threading.Event()

    def sweep(each):
        while not stop.is_set():
            each.sweeper.sweep()

    with Watch(own_redis.url, "chaos_here") as watch:
        threads = [threading.Thread(target=sweep, args=(each,)) for each in others]
        for thread in threads:
            thread.start()
        try:
            ids = [process.service.start({"refuse": "log"}, tenant="acme", trigger="api").run_id for _ in range(5)]
            for run_id in ids:
                assert process.finish(run_id, 30).output == OUTPUT
                assert recorded_twice(process.service.store.client, "chaos_here", run_id) == []
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert watch.broken == []
