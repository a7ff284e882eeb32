"""`make chaos` itself: its plan comes of its seed alone, its judge misses nothing, and it leaves nothing behind."""

import os
import random
import re
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import redis

from saltern_runtime.store.keys import Keys
from tests.chaos.storm import calm
from tests.chaos.storm.ending import end
from tests.chaos.storm.faults import DECK, REST, plan
from tests.chaos.storm.hosts import Namespace, Proxied, network, passing_on
from tests.chaos.storm.judge import LOSES, Act, Seen, forgiven, judged, repeated
from tests.chaos.storm.ledger import acts_of
from tests.chaos.storm.orders import KINDS, Order, drawn, expected, tries
from tests.chaos.storm.report import Report, recovered
from tests.chaos.storm.site import ROLES, compiled
from tests.support.built import ROOT
from tests.support.effort import LONG
from tests.support.redis import free_port
from tests.support.until import until

TARGETS = (*ROLES, "redis")


def storm(seed, seconds=1800.0):
    """Return the faults of a storm."""
    return plan(random.Random(seed), TARGETS, seconds, 5.0)


def test_the_same_seed_is_the_same_storm():
    """Faults come of the seed alone, and runs of the seed and their number: another seed is another storm."""
    assert storm(1) == storm(1)
    assert storm(1) != storm(2)
    assert drawn(1, 5, ("a", "b")) == drawn(1, 5, ("a", "b"))
    assert [drawn(1, n, ("a",)) for n in range(9)] != [drawn(2, n, ("a",)) for n in range(9)]


@pytest.mark.parametrize("seconds", [20.0, 180.0, 1800.0])
def test_a_target_has_one_fault_at_a_time(seconds):
    """No fault begins while its target has another one, and all are over before the storm is."""
    faults = storm(3, seconds)
    assert faults
    assert all(fault.ends < seconds for fault in faults)
    for target in TARGETS:
        own = [fault for fault in faults if fault.target == target]
        assert all(one.ends + REST <= other.at for one, other in pairwise(own))


def test_every_fault_comes():
    """In half an hour each kind of fault comes to each process that may have it."""
    wanted = {(target, kind) for target in TARGETS for kind in DECK[target.partition("-")[0]]}
    assert {(fault.target, fault.kind) for fault in storm(4)} == wanted


def order_of(kind, **given):
    """Return a run of a kind."""
    filled = {"lane": "lane-1", "kind": kind, "n": 3, "items": [[4, 5], [6]], "fails": 1} | given
    return Order(7, "ants", filled, "", 0.0)


def seen_of(order):
    """Return the run as it has to come out."""
    wanted = expected(order)
    output = {"version": 2, "value": wanted.value, "child": None} if wanted.state == "SUCCEEDED" else None
    acts = tuple(Act(f"key of {label}", label) for label in sorted(wanted.must))
    return Seen("0-run", wanted.state, output, 2, acts)


@pytest.mark.parametrize("kind", sorted(set(KINDS)))
def test_the_judge_finds_nothing_where_nothing_is_wrong(kind):
    """A run that came out as it had to is fine, also where an act was repeated under its key."""
    order = order_of(kind)
    seen = seen_of(order)
    assert judged(order, seen) == []
    again = replace(seen, acts=seen.acts * 3)
    assert judged(order, again) == []
    assert repeated(order, again.acts) == sum(3 - tries(order, act.label) for act in seen.acts)


BROKEN = {
    "an act is missing": (lambda seen: replace(seen, acts=seen.acts[1:]), "never happened: n4"),
    "an act too many": (lambda seen: replace(seen, acts=(*seen.acts, Act("other", "n99"))), "no reason for: n99"),
    "another key": (lambda seen: replace(seen, acts=(*seen.acts, Act("other", "n4"))), "n4 was done under 2 keys"),
    "one key for two": (
        lambda seen: replace(seen, acts=tuple(replace(act, key="one") for act in seen.acts)),
        "n4, n5, n6 share the key one",
    ),
    "recorded twice": (lambda seen: replace(seen, twice=("outer[0]",)), "outer[0] was recorded more than once"),
    "a wrong value": (lambda seen: replace(seen, output={"version": 2, "value": 1}), "its value is 18"),
    "no output": (lambda seen: replace(seen, output=None), "its value is 18"),
    "another version": (lambda seen: replace(seen, version=1), "the plan of version 1"),
    "it failed": (lambda seen: replace(seen, state="FAILED", why="(boom)"), "FAILED, not SUCCEEDED (boom)"),
    "cancelled by nobody": (lambda seen: replace(seen, state="CANCELLED"), "CANCELLED, not SUCCEEDED"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_the_judge_names_what_is_broken(what):
    """Each way in which a run can be wrong is one finding, with the run and its number."""
    order = order_of("nest")
    change, words = BROKEN[what]
    found = judged(order, change(seen_of(order)))
    assert len(found) == 1, found
    assert words in found[0]
    assert found[0].startswith("run 0-run (nest, 7): ")


def test_a_cancelled_run_may_lack_acts_and_no_more():
    """Where it was cancelled, what it did not do is fine; two keys, and outcomes recorded twice, are not."""
    order = replace(order_of("nest"), operation="cancel")
    seen = replace(seen_of(order), state="CANCELLED", acts=(), output=None)
    assert judged(order, seen) == []
    assert len(judged(order, replace(seen, acts=(Act("a", "n4"), Act("b", "n4")), twice=("outer",)))) == 2
    assert judged(order, seen_of(order)) == []


def test_a_start_is_forgiven_for_the_last_second_alone():
    """A run that was accepted may be gone where Redis was killed right after that, and in no other case."""
    assert forgiven(100.0, [100.0 + LOSES - 0.1])
    assert not forgiven(100.0, [100.0 + LOSES + 0.1])
    assert not forgiven(100.0, [98.0])
    assert not forgiven(100.0, [])


def test_a_ledger_is_read_as_it_was_written(tmp_path):
    """A line is an act, in the order in which they happened; a run that did nothing has no ledger."""
    (tmp_path / "run").write_text('{"key": "k", "label": "a"}\n{"key": "k", "label": "b"}\n')
    assert acts_of(tmp_path, "run") == (Act("k", "a"), Act("k", "b"))
    assert acts_of(tmp_path, "other") == ()


def test_how_long_it_took_to_recover():
    """From the end of a fault to the next run that is over, the longest one of each kind; nothing where none came after."""
    ends = [1.0, 5.0, 9.0]
    assert recovered([(2.0, "redis kill"), (8.5, "redis kill"), (9.5, "api kill")], ends) == {"redis kill": 3.0}


def test_the_table_says_all():
    """The table has the seed, the runs, each fault with the time to recover, and the worst of these."""
    report = Report(
        "seed 5: …", 9, 8, {"SUCCEEDED": 8}, {"nest": 8}, {"redis kill": 2}, {"redis kill": 3.04}, {"api-1": 1}, 30, 2, 1, {}, 4
    )  # fmt: skip
    table = report.table()
    for words in (
        "seed 5",
        "8 of 9 runs",
        "redis kill",
        "3.0 s",
        "30 acts, 2 of them repeated",
        "1 starts went",
        "api-1 1",
    ):
        assert words in table


def test_what_is_left_behind_is_named(redis_client, service):
    """A key without an end, and a run that is kept too long, are named; what a service always has is not, and what ends in time goes."""
    prefix = Keys(service).shard(0)
    redis_client.set(f"{prefix}plan:sha256:1", "stays")
    redis_client.set(f"{prefix}run:0-a", "ends in time", ex=int(calm.RETENTION))
    redis_client.set(f"{prefix}run:0-b:acts", "of nobody's", ex=int(calm.RETENTION) + 100)
    assert calm.left_behind(redis_client, service, {"0-a"}) == []
    assert redis_client.keys(f"{prefix}*") == [f"{prefix}plan:sha256:1"]
    redis_client.set(f"{prefix}run:0-a", "too long", ex=int(calm.RETENTION) + 100)
    redis_client.set(f"{prefix}strange", "for ever")
    found = calm.left_behind(redis_client, service, {"0-a"})
    assert [each.split(" is kept ")[0] for each in found] == ["run:0-a", "strange"]


def test_what_is_still_due_is_named(redis_client, service):
    """An entry that no timer takes is a finding."""
    redis_client.zadd(f"{Keys(service).shard(0)}due", {"r|0-gone": 1})
    assert calm.unsettled(redis_client, service, 0.1) == ["`due` still has r|0-gone"]


def test_both_versions_compile(tmp_path):
    """The pipeline has no findings, the change makes another plan, and its cases are the kinds of runs."""
    digests = {compiled(tmp_path / str(version), version, "bank.example") for version in (1, 2)}
    assert len(digests) == 2
    text = (ROOT / "tests/chaos/storm/pipelines/storm.saltern").read_text()
    assert set(re.findall(r'^  "(\w+)" => ', text, re.MULTILINE)) == set(KINDS)


def test_what_is_slow_passes_all_on(own_redis):
    """A proxy passes on what comes, in order and whole; once it is ended, nothing comes through."""
    port = free_port()
    proxy = passing_on("127.0.0.1", port, own_redis.port, 0.01)
    try:
        with redis.Redis(port=port, socket_timeout=5) as client:
            assert until(lambda: _pings(client))
            client.set("large", "x" * 500_000)
            assert client.strlen("large") == len(client.get("large")) == 500_000
            end(proxy)
            assert not _pings(client)
    finally:
        end(proxy)


def _pings(client):
    try:
        return client.ping()
    except redis.exceptions.ConnectionError:
        return False


def test_a_host_is_cut_off_and_healed(own_redis):
    """What runs on a host reaches Redis, does not while it is cut, and does again."""
    with network(("one",)) as made:
        host = made.hosts["one"]
        own_redis.process.terminate()
        own_redis.process.wait()
        own_redis.options = ("--bind", "127.0.0.1", *({made.common} - {"127.0.0.1"}), "--protected-mode", "no")
        own_redis.start()
        address, port = host.redis(own_redis.port)
        code = (
            f"import socket; s = socket.create_connection(('{address}', {port}), 1); s.send(b'PING\\r\\n'); s.recv(1)"
        )

        def reaches():
            command = [*host.prefix, sys.executable, "-SEs", "-c", code]
            return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0

        assert until(reaches)
        host.cut()
        assert not reaches()
        host.heal()
        assert until(reaches)
        if isinstance(host, Namespace):
            host.deafen()
            assert not reaches()
        else:
            assert isinstance(host, Proxied)
    assert (
        os.geteuid()
        or "sc" + str(os.getpid())
        not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=False).stdout
    )


@pytest.mark.skipif(not LONG, reason="a storm takes a minute: make test-long")
def test_a_storm_passes():
    """Fifteen seconds with a fault each second: every promise is kept, the seed is said at both ends."""
    command = [sys.executable, "-m", "tests.chaos", "--minutes", "0.25", "--seed", "5", "--runs", "60", "--gap", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.startswith("seed 5: ")
    assert done.stdout.rstrip().endswith("seed 5: every promise was kept")


@pytest.mark.skipif(not LONG, reason="a storm takes a minute: make test-long")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_storm_that_is_ended_early_leaves_nothing(number, tmp_path):
    """At Ctrl-C, and at SIGTERM, every process and namespace is gone once the program is."""
    command = [sys.executable, "-m", "tests.chaos", "--minutes", "5", "--seed", "5"]
    env = os.environ | {"TMPDIR": str(tmp_path)}
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert next(line for line in process.stdout if "runs accepted" in line)
        assert of_folder(tmp_path)
        process.send_signal(number)
        assert process.wait(120) == 130
    finally:
        process.kill()
        process.wait()
    assert not of_folder(tmp_path)
    assert (
        f"sc{process.pid}-" not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=False).stdout
    )


def of_folder(folder):
    """Return the processes that were started with a folder in their command or environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            said = (path / "environ").read_bytes() + (path / "cmdline").read_bytes()
        except OSError:
            continue
        if f"{folder}/saltern-chaos-".encode() in said:
            found.append(path.name)
    return found
