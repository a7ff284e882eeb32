"""The store on a Redis Cluster: real nodes, slots that move, a primary that dies."""

import threading

import pytest

from saltern_runtime.observe.metrics import Figures
from saltern_runtime.settings import Settings, SettingsError
from saltern_runtime.store.keys import new_nonce
from saltern_runtime.store.store import StoreUnavailableError
from tests.runtime.servers.conftest import ended_once, start, unfit, worked
from tests.support.clusters import Cluster
from tests.support.effort import LONG
from tests.support.redis import RedisServer, free_port

SHARDS = 6


def test_runs_of_all_shards_end(cluster, on):
    """Shards lie on all three nodes; runs are made, worked, listed and counted over all of them, large values and files with them."""
    assert unfit(cluster.url, shards=SHARDS) == ""
    process = on(cluster.url, shards=SHARDS)
    store = process.service.store
    assert len({id(store.at(store.keys.shard(shard))) for shard in range(SHARDS)}) == 3
    runs = [start(process) for _ in range(2 * SHARDS)]
    for run_id in runs:
        ended_once(process, run_id)
    first = process.service.list("acme", limit=SHARDS)
    second = process.service.list("acme", limit=SHARDS, cursor=first.cursor)
    assert sorted(run.id for run in first.runs + second.runs) == sorted(runs)
    assert isinstance(process.service.figures(), Figures)
    files = [
        process.service.shelf.put("acme", (bytes([n]),), name="f", media_type="text/plain", keep=60) for n in range(8)
    ]
    for n, file in enumerate(files):
        assert b"".join(process.service.shelf.chunks("acme", file.sha256)) == bytes([n])
    assert sorted(process.service.reader.open_runs()) == sorted(runs)


def test_nothing_is_done_by_halves_while_a_slot_moves(cluster, on):
    """While the keys of a shard are moved one by one, every script waits; none sees half a run, or writes a second one."""
    process = on(cluster.url)
    store, run_id = process.service.store, start(process)
    store.patience = 0.2
    prefix = store.keys.shard(0)
    bell = process.bells.bells[0]
    moving = cluster.begin_move(prefix)
    try:
        for most in (0, 3, 10_000):
            if most:
                cluster.move_keys(prefix, *moving, most=most)
            with pytest.raises(StoreUnavailableError, match="moved"):
                store.answer(bell, new_nonce())
            with pytest.raises(StoreUnavailableError, match="moved"):
                start(process)
    finally:
        cluster.end_move(prefix, *moving)
    ended_once(process, run_id)


@pytest.mark.parametrize("at_once", [False, True], ids=["key by key", "at once"])
def test_slots_move_under_runs_at_work(cluster, on, at_once):
    """A slot that goes from node to node while runs are worked stops none of them, and none of their outcomes is lost or doubled."""
    process = on(cluster.url)
    process.service.store.patience = 30.0
    prefix = process.service.store.keys.shard(0)
    move = cluster.move_at_once if at_once else cluster.move
    if at_once and not cluster.knows_moves_at_once():
        pytest.skip("this server moves slots key by key alone; Valkey 9 moves them at once")
    runs = [start(process) for _ in range(8)]
    moves = 0
    over = threading.Event()

    def keep_moving():
        nonlocal moves
        while not over.is_set() or moves < 2:
            move(prefix)
            moves += 1

    mover = threading.Thread(target=keep_moving)
    mover.start()
    try:
        for run_id in runs:
            worked(process, run_id)
    finally:
        over.set()
        mover.join()
    for run_id in runs:
        ended_once(process, run_id)
    assert moves >= 2


@pytest.mark.skipif(not LONG, reason="the long form: six servers, and a death that has to be noticed")
def test_a_replica_takes_over(tmp_path, on):
    """A primary dies in the middle of its runs: its replica takes the shard over, and every run that it had ends once."""
    cluster = Cluster(tmp_path, replicas=True)
    cluster.start()
    try:
        process = on(cluster.url, lease=1.0)
        store = process.service.store
        store.patience = 30.0
        runs = [start(process) for _ in range(20)]
        for run_id in runs[:5]:
            ended_once(process, run_id)
        for _ in range(7):
            process.step()
        dead = cluster.holder(store.keys.shard(0))
        with dead.client() as client:
            client.execute_command("WAIT", 1, 5000)
        dead.kill()
        for run_id in runs[5:]:
            ended_once(process, run_id)
        assert cluster.holder(store.keys.shard(0)) in cluster.nodes[3:]
    finally:
        cluster.stop()


@pytest.mark.skipif(not LONG, reason="the long form: a cluster of its own, of which a node dies")
def test_timers_wait_until_all_primaries_answer(tmp_path, on):
    """While one is away a sweep does nothing, also of shards that are there; once it is back it does all that is due."""
    cluster = Cluster(tmp_path)
    cluster.start()
    try:
        for node in cluster.nodes:
            with node.client() as client:
                client.config_set("cluster-require-full-coverage", "no")
        process = on(cluster.url, shards=SHARDS)
        store = process.service.store
        process.sweeper.sweep()
        runs = {int(run.partition("-")[0]): run for run in (start(process) for _ in range(8 * SHARDS))}
        away = cluster.holder(store.keys.shard(0))
        there = next(shard for shard in runs if cluster.holder(store.keys.shard(shard)) is not away)
        due = store.keys.shard(there) + "due"
        store.at(due).zadd(due, {f"r|{runs[there]}": 1})
        away.kill()
        store.patience = 0.2
        with pytest.raises(StoreUnavailableError):
            process.sweeper.sweep()
        assert process.service.reader.state(runs[there]) == "QUEUED"
        away.start()
        store.patience = 30.0
        process.sweeper.sweep()
        assert process.service.reader.state(runs[there]) == "TIMED_OUT"
    finally:
        cluster.stop()


def test_a_cluster_is_no_broker():
    """Celery cannot use a cluster: without a broker of its own the settings are refused, and as a broker it is."""
    url = {"SALTERN_REDIS_URL": "redis+cluster://a:1,b:2"}
    with pytest.raises(SettingsError, match="SALTERN_BROKER_URL: Celery cannot use the cluster"):
        Settings.from_env(url)
    with pytest.raises(SettingsError, match="SALTERN_BROKER_URL: Celery cannot use a Redis Cluster as its broker"):
        Settings.from_env({"SALTERN_BROKER_URL": "rediss+cluster://a:1,b:2"})
    assert Settings.from_env({**url, "SALTERN_BROKER_URL": "redis://c"}).store.kind == "cluster"


def test_what_is_no_whole_cluster_is_told_at_start(tmp_path, own_redis):
    """A node without slots, a server that is no node, and a node that is named as if it were a server."""
    node = RedisServer(tmp_path, "--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    node.start()
    try:
        url = f"redis+cluster://127.0.0.1:{node.port}"
        assert "the cluster is not whole: 0 of 16384 slots" in unfit(url)
        with node.client() as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16_000)
        assert "the cluster is not whole: 16001 of 16384 slots" in unfit(url)
        assert "is a node of a cluster: write redis+cluster://" in unfit(f"redis://127.0.0.1:{node.port}")
    finally:
        node.stop()
    assert "is no node of a cluster: write redis://" in unfit(f"redis+cluster://127.0.0.1:{own_redis.port}")
