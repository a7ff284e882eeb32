"""Users of Redis with the least rights: the lists are what is really sent, and what is missing is told at start."""

import re
from pathlib import Path

import kombu.transport.redis
import pytest
import redis

from saltern_runtime.store.files import Held
from saltern_runtime.store.link import LIBRARY
from saltern_runtime.store.rights import (
    BROKER,
    CLUSTER,
    FSYNC,
    SELECT,
    STORE,
    broker_keys_of,
    channels_of,
    keys_of,
    setuser,
)
from saltern_runtime.store.versions import announce
from tests.runtime.servers.conftest import opened, start, unfit, worked
from tests.support.built import ROOT
from tests.support.fleet import fleet
from tests.support.redis import limited

COMMANDS = {name for name in dir(redis.commands.CoreCommands) if not name.startswith("_")} - {"pipeline", "transaction"}
CALLED = re.compile(r"redis\.p?call\(\s*'(\w+)'")


def everything(process):
    """Do with a service what people and timers do."""
    service = process.service
    service.ping()
    service.prepare()
    run_id = start(process)
    worked(process, run_id)
    service.list("acme")
    service.figures()
    announce(service.store, service.plans.plan, service.plans.queues)
    service.events(run_id)
    service.operator.letters_of(run_id, "acme")
    assert service.reader.open_runs() == [run_id]
    shelf = service.shelf
    file = shelf.put("acme", (b"x",), name="f", media_type="text/plain", keep=60)
    shelf._note("acme", Held(file, "another place"), 1)  # the place that is kept for longer stays
    return run_id


def test_each_right_is_used_and_none_is_missing(own_redis):
    """What scripts call and what the store sends is the list: no more, no less."""
    with own_redis.client() as client:
        client.config_resetstat()
        process = opened(own_redis.url, "desk")
        everything(process)
        process.service.close()
        sent = {name.removeprefix("cmdstat_") for name in client.info("commandstats")} - {"config|resetstat"}
    called = {name.lower() for name in CALLED.findall(LIBRARY.text)}
    assert sent | called == {*STORE}


def test_what_is_missing_is_told_at_start(own_redis):
    """Whichever command is taken away, the start names it and the user, with the line that gives it back; so with keys."""
    url = limited(own_redis, "store", STORE, keys_of("desk"))
    assert unfit(url) == ""
    with own_redis.client() as client:
        for name in STORE:
            client.execute_command("ACL SETUSER", "store", f"-{name}")
            assert (
                unfit(url)
                == f"the user 'store' may not run {name.upper().replace('|', ' ')}: ACL SETUSER store +{name}"
            )
            client.execute_command("ACL SETUSER", "store", f"+{name}")
        client.execute_command("ACL SETUSER", "store", "resetkeys", "~saltern:v1:other:*", "-hset", "-zadd")
    assert unfit(url) == (
        "the user 'store' may not run HSET, ZADD and may not reach what is its own: ACL SETUSER store ~saltern:v1:desk:* +hset +zadd"
    )


def test_what_the_broker_lacks_is_told_at_start(own_redis):
    """So it is with the broker's user: commands, keys and the channel."""
    broker = limited(own_redis, "bells", BROKER, broker_keys_of("desk"), channels_of(0))
    assert unfit(own_redis.url, broker=broker) == ""
    with own_redis.client() as client:
        client.execute_command("ACL SETUSER", "bells", "-brpop", "resetkeys", "resetchannels")
    said = unfit(own_redis.url, broker=broker)
    assert said == (
        "SALTERN_BROKER_URL: the user 'bells' may not run BRPOP and may not reach what is its own: "
        "ACL SETUSER bells ~desk.* ~_kombu.binding* ~unacked* ~*.pidbox* &/0.celery.pidbox &/0.celeryev/* +brpop"
    )


def test_processes_need_no_more(own_redis, tmp_path):
    """A worker, timers and what the API does run with these two users; the server's log of refusals stays empty."""
    store = limited(own_redis, "store", STORE, keys_of("echo"))
    broker = limited(own_redis, "bells", BROKER, broker_keys_of("echo"), channels_of(0))
    with fleet(tmp_path, redis_url=store, broker_url=broker) as made:
        runs = [made.run(text) for text in ("hello", "LOUD", "fail")]
        assert [run.state for run in runs] == ["SUCCEEDED", "SUCCEEDED", "FAILED"]
        said = made.said()
    with own_redis.client() as client:
        assert client.acl_log() == []
    assert "s3cret" not in said + made.said()


def test_what_kombu_calls_is_allowed():
    """Scripts of kombu's transport run each minute, or where somebody died: what they call, and what its client is asked for, is listed."""
    source = Path(kombu.transport.redis.__file__).read_text("utf-8")
    called = {name.lower() for name in re.findall(r"redis\.call\(\s*'(\w+)'", source)}
    asked = set(re.findall(r"\b(?:client|pipe|p|P)\.(\w+)\(", source)) & {*COMMANDS} - {
        "rpop"
    }  # of basic_get, which nobody calls
    assert {"sadd", "zrangebyscore"} <= called
    assert {"srem", "smembers"} <= asked
    assert called | {"del" if name == "delete" else name for name in asked} <= {*BROKER}


def test_the_page_has_these_lines():
    """The users that docs/redis.md makes have exactly these rights."""
    page = (ROOT / "docs/redis.md").read_text("utf-8")
    assert setuser("store", STORE, keys_of("order_totals")) in page
    assert setuser("bells", BROKER, broker_keys_of("order_totals"), channels_of(0)) in page
    for more in (CLUSTER, FSYNC, SELECT):
        assert f"`{' '.join(f'+{name}' for name in more)}`" in page


def test_on_a_cluster_one_right_more_is_enough(cluster, on, service):
    """A user that may ask for slots besides is taken, works and is refused nothing; without that, the start says which right it lacks."""
    for node in cluster.nodes:
        limited(node, "store", {**STORE, **CLUSTER}, keys_of(service))
    url = cluster.url.replace("://", "://store:s3cret@")
    try:
        process = on(url, shards=6)
        process.service.prepare()
        runs = [start(process) for _ in range(6)]
        for run_id in runs:
            worked(process, run_id)
        process.sweeper.sweep()
        process.service.list("acme")
        process.service.figures()
        for node in cluster.nodes:
            with node.client() as client:
                assert client.acl_log() == []
                client.execute_command("ACL SETUSER", "store", "-cluster|slots")
        assert "the user 'store' may not ask where keys are: ACL SETUSER store +cluster|slots" in unfit(url, shards=6)
    finally:
        for node in cluster.nodes:
            with node.client() as client:
                client.execute_command("ACL DELUSER", "store")
                client.acl_log_reset()


def test_with_fsync_two_rights_more_are_enough(own_redis, on, service):
    """A run is made and worked by a user with exactly these; without them, the start says which."""
    with own_redis.client() as client:
        known = client.execute_command("COMMAND INFO", "WAITAOF")
    if not any(known.values() if isinstance(known, dict) else known):
        pytest.skip("this server has no WAITAOF; Redis 7.2 and Valkey have")
    url = limited(own_redis, "store", {**STORE, **FSYNC}, keys_of(service))
    process = on(url, durability="fsync")
    process.service.prepare()
    worked(process, start(process))
    with own_redis.client() as client:
        assert client.acl_log() == []
    lacking = ", ".join(name.upper() for name in FSYNC)
    assert f"may not run {lacking}" in unfit(limited(own_redis, "less", STORE, keys_of("desk")), durability="fsync")


def test_a_password_in_a_file_may_be_changed(own_redis, on, service, tmp_path):
    """It is read for each connection: one that is lost comes back with the password of then, in the store as it stands."""
    limited(own_redis, "store", STORE, keys_of(service))
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    process = on(f"redis://store@127.0.0.1:{own_redis.port}/0?password_file={password}")
    process.service.store.patience = 5.0
    process.service.prepare()
    worked(process, start(process))
    password.write_text("an0ther\n")
    with own_redis.client() as client:
        client.execute_command("ACL SETUSER", "store", "resetpass", ">an0ther")
        client.execute_command("CLIENT KILL", "USER", "store")
    worked(process, start(process))
