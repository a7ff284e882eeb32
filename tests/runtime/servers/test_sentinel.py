"""The store and the broker behind sentinels: real ones, and a real failover."""

import pytest
import redis

from saltern_runtime.engine.celery import CeleryDispatcher
from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import Bell
from saltern_runtime.store.rights import BROKER, STORE, broker_keys_of, channels_of
from tests.runtime.servers.conftest import ended_once, start, unfit, worked
from tests.support.effort import LONG
from tests.support.fleet import fleet
from tests.support.redis import limited
from tests.support.sentinels import Watched


def test_runs_end_behind_sentinels(watched, on):
    """The store is the primary that the sentinels name."""
    assert unfit(watched.url) == ""
    process = on(watched.url)
    ended_once(process, start(process))
    with watched.servers[0].client() as client:
        assert client.exists(process.service.store.keys.shard(0) + "due")


def test_what_the_sentinels_do_not_know_is_told_at_start(watched):
    """Another name of the service, and a replica that is named as if it were the server."""
    assert unfit(watched.url.replace("/main", "/mian")) == "the sentinels know no service 'mian'; they know main"
    replica, primary = watched.servers[1], watched.servers[0]
    said = unfit(f"redis://127.0.0.1:{replica.port}")
    assert f"is a replica, which takes no writes: name its primary (127.0.0.1:{primary.port})" in said


def test_sentinels_have_users_of_their_own(watched, on, tmp_path):
    """With user and password of the sentinels the store and the broker are found; with a wrong one, that is told at start."""
    (tmp_path / "right").write_text("s3cret\n")
    (tmp_path / "wrong").write_text("hunter2\n")
    url = f"{watched.url}?sentinel_username=asks&sentinel_password_file={tmp_path}"
    with redis.Redis(port=watched.ports[0]) as admin:
        more = ["+client|setinfo"] if admin.execute_command("COMMAND INFO", "client|setinfo")[0] else []
        # What was connected before stays, so that the way back is open
        admin.execute_command("ACL SETUSER", "asks", "on", ">s3cret", "-@all", "+ping", "+sentinel|masters", *more)
        admin.execute_command("ACL SETUSER", "default", "resetpass", ">other")
        process = on(f"{url}/right", broker_url=f"{url}/right")
        process.service.prepare()
        worked(process, start(process))
        dispatcher = CeleryDispatcher("desk", process.service.settings)
        dispatcher.ring([Bell(0, "4567cdef.q", 0, 1, "step")])
        assert dispatcher.waiting("4567cdef.q") == 1
        assert "the sentinels refuse sentinel_username and sentinel_password_file" in unfit(f"{url}/wrong")
        admin.execute_command("ACL SETUSER", "default", "nopass")


def test_bells_ring_behind_sentinels(watched):
    """The broker is the primary that the sentinels name, as a user with the broker's rights: a bell is sent, and seen to wait."""
    limited(watched.servers[0], "bells", BROKER, broker_keys_of("desk"), channels_of(0))
    dispatcher = CeleryDispatcher("desk", Settings(broker_url=watched.url.replace("://", "://bells:s3cret@")))
    dispatcher.ring([Bell(0, "0123abcd.q", 0, 1, "step")])
    assert dispatcher.waiting("0123abcd.q") == 1


@pytest.mark.skipif(not LONG, reason="the long form: processes of their own, and a failover")
def test_processes_outlive_a_failover(tmp_path):
    """Store and broker behind sentinels; the primary dies while a worker and timers have runs: all end, and no password is told."""
    watched = Watched(tmp_path / "servers", sentinels=3)
    watched.start()
    try:
        for server in watched.servers:
            limited(server, "desk", {**STORE, **BROKER}, ["*"], ["*"])
        url = watched.url.replace("://", "://desk:s3cret@")
        with fleet(tmp_path, redis_url=url, broker_url=url, lease=1) as made:
            assert made.run().state == "SUCCEEDED"
            runs = [made.service.start({"text": "x", "seconds": 0.1}, tenant="acme", trigger="api") for _ in range(10)]
            dead = watched.primary()
            with dead.client() as client:
                client.wait(1, 5000)
            dead.kill()
            made.service.store.patience = 30.0
            assert {made.service.wait(run.run_id, 60).state for run in runs} == {"SUCCEEDED"}
        assert "s3cret" not in made.said()
    finally:
        watched.stop()


@pytest.mark.skipif(not LONG, reason="the long form: two failovers, which take their time")
def test_runs_go_on_after_a_failover(tmp_path, on):
    """The servers change places, then the new primary dies: every run that was under way ends once."""
    watched = Watched(tmp_path, sentinels=3)
    watched.start()
    try:
        process = on(watched.url, lease=1.0)
        process.service.store.patience = 30.0
        runs = [start(process) for _ in range(12)]
        for _ in range(5):
            process.step()
        watched.fail_over()
        for run_id in runs[:6]:
            ended_once(process, run_id)
        dead = watched.primary()
        with dead.client() as client:
            client.wait(1, 5000)
        dead.kill()
        for run_id in runs[6:]:
            ended_once(process, run_id)
        assert watched.primary() is not dead
    finally:
        watched.stop()
