"""Tenants share a queue: each has the same part of it while it has something that waits, and nobody waits for another's backlog."""

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import NewRun, Outcome
from saltern_runtime.store.keys import new_nonce, new_run_id
from saltern_runtime.store.reading import Reader
from saltern_runtime.store.records import TAGS
from saltern_runtime.store.store import Store
from tests.runtime.store.conftest import Bench, dep
from tests.support.effort import tries
from tests.support.shares import Shares

FAILURE = '{"kind":"cancelled","code":"x","message":"m"}'


class Queue:
    """Short ways to fill a queue, and to take claims out of it one by one."""

    def __init__(self, bench):
        self.bench = bench
        self.bells = []
        self.claimed = None

    def fill(self, tenant, count=1, **changes):
        """Start one run with so many stages that are READY."""
        entries = tuple(dep(f"{tenant}{number:04}", **changes) for number in range(count))
        new = NewRun(new_run_id(0), "sha256:p", tenant, "api", "1", "b", "", 60.0, 60.0, entries)
        self.bells += self.bench.store.create(new).bells
        return new.id

    def claim(self):
        """End the claim that is held, in the same call as a worker does, and hold the next one."""
        if self.claimed is not None:
            self._answered(self.bench.store.advance(self.claimed, Outcome("SUCCEEDED", (), {}), new_nonce()))
        while self.claimed is None and self.bells:
            self._answered(self.bench.store.answer(self.bells.pop(0), new_nonce()))
        return self.claimed

    def _answered(self, answer):
        self.bells += answer.bells
        self.claimed = answer.claim

    def end(self, dependants):
        """End the claim that is held, and hold none."""
        self._answered(self.bench.store.advance(self.claimed, Outcome("SUCCEEDED", dependants, {}), None))

    def hand_back(self):
        self._answered(self.bench.store.release(self.claimed))

    def served(self, count):
        return [self.claim().tenant for _ in range(count)]

    def know_several(self):
        """Let the shard have seen two tenants, with nothing of theirs left."""
        for tenant in ("one", "two"):
            self.fill(tenant)
        self.work_off()

    def work_off(self):
        while self.claim() is not None:
            pass


@pytest.fixture
def queue(bench):
    return Queue(bench)


@pytest.fixture
def shared(queue):
    queue.know_several()
    return queue


@pytest.mark.parametrize("known", [False, True])
def test_one_is_not_starved_by_two_thousand(queue, known):
    """It is served next but one at most, also where those two thousand stood there before the shard knew another tenant."""
    if known:
        queue.know_several()
    queue.fill("big", 2000)
    queue.served(3)
    queue.fill("small")
    assert "small" in queue.served(2)
    queue.bench.check()


def test_all_steps_of_a_small_run_are_served_soon(queue):
    """A run of ten stages, each of which comes to the queue anew, beside an old and a new backlog of somebody else."""
    queue.fill("big", 300)
    queue.served(1)
    queue.fill("small")
    queue.fill("big", 300)
    turns = 0
    for number in range(10):
        while queue.claim().tenant != "small":
            turns += 1
        queue.end([dep(f"next{number}")])
    assert turns <= 2 * 10


@pytest.mark.parametrize("priorities", [(5, 5), (9, 0)])
def test_backlogs_have_equal_shares(shared, priorities):
    """Of three tenants that have something that waits all the time, none is ever more than one claim ahead, at no priority."""
    for priority in priorities:
        for count in (40, 30, 50):
            shared.fill(f"t{count}", count, priority=priority)
    for _ in set(priorities):
        seen = Counter()
        for _ in range(90):
            seen[shared.claim().tenant] += 1
            assert max(seen.values()) - min(seen[name] for name in ("t40", "t30", "t50")) <= 1
        if len(set(priorities)) > 1:
            shared.served(30)  # what is left of this priority
    shared.bench.check()


def test_the_more_urgent_goes_first(shared):
    """Whatever a tenant had of late, and however little the others."""
    shared.fill("big", 20)
    shared.fill("small", 2)
    shared.fill("big", 5, priority=9)
    assert shared.served(5) == ["big"] * 5
    assert Counter(shared.served(4)) == {"big": 2, "small": 2}


def test_who_was_idle_saves_nothing_up(shared):
    """A tenant that comes after long gets its share from then on, and no more; who was served meanwhile is not held up either."""
    shared.fill("busy", 80)
    shared.served(40)
    shared.fill("idle", 40)
    assert Counter(shared.served(40)) == {"busy": 20, "idle": 20}


def test_runs_of_before_share_as_one_more(queue):
    """What was started while the shard knew one tenant has no tags: it keeps its own order and is nobody's loss."""
    old = queue.fill("first", 40)
    queue.fill("second", 40)
    queue.fill("first", 40)
    claims = [queue.claim() for _ in range(60)]
    assert Counter(claim.tenant for claim in claims) == {"first": 40, "second": 20}
    before = [claim.path for claim in claims if claim.run == old]
    assert before == sorted(before)
    assert len(before) == 20
    queue.bench.check()


def test_one_tenant_alone_has_the_order_it_had(queue):
    """Priority, then the moment, and not one key more in its queue."""
    queue.fill("only", 20)
    run = queue.fill("only", 20, priority=7)
    since = {f"{run}|{path}": rec["w"] for path, rec in queue.bench.acts(run).items()}
    scores = dict(queue.bench.client.zrange(queue.bench.key("ready:q"), 0, -1, withscores=True))
    assert {member: scores[member] for member in since} == {member: 2e13 + w for member, w in since.items()}
    assert not queue.bench.client.keys(queue.bench.key("tags:*"))
    queue.bench.client.config_resetstat()
    assert [claim.run for claim in (queue.claim() for _ in range(20))] == [run] * 20
    queue.end([dep(f"next{number}") for number in range(20)])
    called = {name.removeprefix("cmdstat_") for name in queue.bench.client.info("commandstats")}
    assert "zadd" in called
    assert not called & {"zrangebyscore", "zscore", "zremrangebyscore", "pttl"}


def test_what_is_handed_back_is_first_again(shared):
    """At a shutdown, with a backlog of its own tenant and of another one before it."""
    shared.fill("a", 30)
    shared.fill("b", 30)
    for _ in range(7):
        shared.claim()
    back = shared.claimed
    shared.hand_back()
    near = [shared.claim() for _ in range(3)]
    assert (back.run, back.path) in [(claim.run, claim.path) for claim in near]
    shared.bench.check()


def test_what_expires_keeps_its_place(shared):
    """An attempt that waited for too long is settled in its turn, and costs its tenant no other."""
    run = shared.fill("a", 3, ttl=1000)
    shared.fill("b", 3)
    where = shared.bench.key("ready:q")
    before = shared.bench.client.zrange(where, 0, -1, withscores=True)
    record = shared.bench.acts(run)["a0001"]
    shared.bench.client.hset(
        shared.bench.store.keys.run(run, ":acts"), "a0001", json.dumps(record | {"w": record["w"] - 2000})
    )
    shared.bench.due_now(f"a|{run}|a0001")
    shared.bench.sweep()
    assert shared.bench.client.zrange(where, 0, -1, withscores=True) == before
    assert shared.bench.acts(run)["a0001"]["v"] == "expired"


def test_what_is_resumed_waits_its_turn(shared):
    """A thousand that go on at once keep nobody waiting."""
    run = shared.fill("a", 60)
    shared.fill("b")
    shared.claim()
    shared.bench.store.pause(run, "a", "01", "{}")
    shared.work_off()
    shared.bells += shared.bench.store.resume(run, "a", "02", "{}").bells
    shared.fill("b")
    assert "b" in shared.served(2)
    shared.bench.check()


def test_ages_stay_true(shared):
    """A tag tells no time: how long something has waited is what its record says."""
    run = shared.fill("a")
    record = shared.bench.acts(run)["a0000"]
    shared.bench.client.hset(
        shared.bench.store.keys.run(run, ":acts"), "a0000", json.dumps(record | {"w": record["w"] - 60_000})
    )
    assert 59 <= shared.bench.reader.figures().oldest["q"] < 90


def test_a_line_is_shared_as_well(shared):
    """Who calls through a limited connection waits behind one entry of another tenant, not behind its backlog."""
    limit = {"limit": {"n": "crm", "c": 1}}
    shared.fill("big", 200, **limit)
    shared.claim()
    shared.fill("small", 2, **limit)
    assert Counter(shared.served(4)) == {"big": 2, "small": 2}
    shared.bench.check()


def test_who_comes_out_of_a_line_shares_the_queue(shared):
    """A turn that is given leads into the queue, where others of another tenant with turns wait already."""
    limit = {"limit": {"n": "crm", "c": 60}}
    shared.fill("big", 90, **limit)
    shared.fill("small", **limit)
    assert "small" in shared.served(4)  # from the second one on each gives a turn back
    shared.bench.check()


def test_tenants_that_have_nothing_are_forgotten(shared):
    """What is kept is one number for each tenant that is ahead, and lasts no longer than who waits may."""
    for number in range(40):
        shared.fill(f"t{number}")
    shared.fill("last", 5)
    tags = shared.bench.key("tags:5|ready:q")
    for _ in range(42):
        shared.claim()
    shared.fill("last")
    assert shared.bench.client.zcard(tags) <= 2
    assert 60_000 < shared.bench.client.pttl(tags) <= 60_000 + 3_600_000
    shared.work_off()
    shared.fill("other")
    assert shared.bench.client.zrange(tags, 0, -1, withscores=True) == [("other", 1.0)]


KINDS = st.one_of(
    st.tuples(st.just("ready"), st.sampled_from("abc"), st.integers(1, 4), st.sampled_from([5, 9])),
    st.just(("claim",)),
    st.just(("claim",)),
    st.just(("release",)),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
)


@given(st.lists(KINDS, max_size=30))
@settings(max_examples=tries(20, 200), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_scripts_do_what_the_model_says(redis_url, redis_client, steps):
    """Whatever is started, claimed, handed back and cancelled: who is claimed next is who the model says."""
    service = f"m{new_nonce()}"
    store = Store(service, Settings(redis_url=redis_url, lease=5.0, sweep=1.0, bells=1))
    queue, model = Queue(Bench(store, Reader(store, service), redis_client)), Shares()
    runs = {}
    for step in steps:
        match step:
            case ("ready", tenant, count, priority):
                run, shared = queue.fill(tenant, count, priority=priority), model.is_shared(tenant)
                runs[run] = (tenant, priority, shared)
                for number in range(count):
                    path = f"{tenant}{number:04}"
                    model.ready(f"{run}|{path}", priority, tenant, shared, queue.bench.acts(run)[path]["w"])
            case ("cancel", at) if at < len(runs):
                run = list(runs)[at]
                if queue.claimed is None or queue.claimed.run != run:
                    store.cancel(run, runs[run][0], FAILURE)
                    for member in [each for each in model.waiting if each.startswith(f"{run}|")]:
                        model.gone(member)
            case ("claim",) if queue.claimed is not None or queue.bells:
                claim, said = queue.claim(), model.claim()
                assert (claim and f"{claim.run}|{claim.path}") == said
            case ("release",) if queue.claimed is not None:
                claim = queue.claimed
                tenant, priority, shared = runs[claim.run]
                queue.hand_back()
                moment = queue.bench.acts(claim.run)[claim.path]["w"]
                model.back(f"{claim.run}|{claim.path}", priority, tenant, shared, moment)
    queue.bench.check()
    tagged = {member: tag for member, (_, _, tag, _) in model.waiting.items() if tag is not None}
    stands = dict(redis_client.zrange(queue.bench.key("ready:q"), 0, -1, withscores=True))
    assert {member: score % 1e13 for member, score in stands.items() if score % 1e13 < TAGS} == tagged
    store.close()
