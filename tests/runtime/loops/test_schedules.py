"""Schedules: ticks make runs, once each, whoever fires them; outages are made up for as the schedule says."""

from datetime import UTC, datetime

import pytest

from saltern_runtime import Assumes, Concurrency
from saltern_runtime.engine.dispatch import InProcess
from saltern_runtime.engine.groups import group_of
from saltern_runtime.engine.one_process import InOneProcess
from saltern_runtime.engine.schedules import MOST, Schedules, later, ticks
from saltern_runtime.engine.service import Service
from saltern_runtime.errors import TooManyRunsError
from saltern_runtime.graph import Graph, Schedule, Stage, node
from saltern_runtime.settings import Settings
from saltern_runtime.store.keys import shard_of
from saltern_runtime.store.operating import audited
from tests.support.checker import broken

HOUR = 3_600_000


@node("return", type="return@1")
def return_(*, input: dict[str, int]) -> int:  # noqa: A002 - the name that nodes read the input by
    return input["n"]


def make_graph(name, *schedules, plan="ab12cd34", **options):
    graph = Graph(name, package="", stages=(Stage("return", nodes=(return_,)),), schedules=schedules, **options)
    graph.source_map = {"plan": "sha256:" + plan * 8}
    return graph


def schedule(cron="* * * * *", **changes):
    return Schedule("every", cron=cron, input={"n": 7}, **changes)


class Clock:
    """Timers of several versions on one store, and a way to let them have been away."""

    def __init__(self, url, service, client):
        self.url, self.service, self.client = url, service, client
        self.opened = []

    def timers(self, *schedules, plan="ab12cd34", shards=1, cap=0, **options):
        settings = Settings(redis_url=self.url, shards=shards, max_open_runs=cap)
        service = Service(make_graph(self.service, *schedules, plan=plan, **options), settings, dispatcher=InProcess())
        service.prepare()
        self.opened.append(service)
        return Schedules(service)

    def key(self, name, shard=0):
        return self.opened[0].store.keys.shard(shard) + name

    def now(self):
        seconds, micros = self.client.time()
        return seconds * 1000 + micros // 1000

    def hourly(self, ago):
        """Return the line of a tick that was so many minutes ago, in each hour."""
        return f"{(datetime.fromtimestamp(self.now() / 1000, UTC).minute - ago) % 60} * * * *"

    def stood_at(self, moment, shard=0):
        """Let the schedule have fired last at a moment."""
        signature = self.client.hget(self.key("schedules", shard), "every").partition(" ")[2]
        self.client.hset(self.key("schedules", shard), "every", f"{moment} {signature}")

    def runs(self):
        service = self.opened[0]
        return tuple(service.get(run.id, "default") for run in service.list("default", limit=200).runs)


@pytest.fixture
def clock(redis_url, redis_client, service):
    made = Clock(redis_url, service, redis_client)
    yield made
    assert broken(redis_client, service) == []
    for each in made.opened:
        each.close()


def test_a_new_schedule_begins_now(clock):
    """What would have been due before the schedule was first seen is not made up for."""
    timers = clock.timers(schedule("0 7 * * *", catch_up="all"))
    assert timers.fire() == 0
    assert timers.fire() == 0
    assert clock.runs() == ()


def test_a_tick_makes_one_run(clock, redis_url):
    """Two timers at once make one run: of the schedule's input, its name as trigger, an id that anyone could have computed."""
    hourly = schedule(clock.hourly(0))
    one, two = clock.timers(hourly), clock.timers(hourly)
    one.fire()
    clock.stood_at(clock.now() - HOUR // 2)
    assert [one.fire() + two.fire(), one.fire() + two.fire()] == [1, 0]
    (run,) = clock.runs()
    assert (run.trigger, run.tenant, run.input) == ("schedule:every", "default", {"n": 7})
    assert shard_of(run.id) == 0
    process = InOneProcess(clock.opened[0].graph, Settings(redis_url=redis_url, sweep=0.02))
    process.bells.ring(clock.opened[0].dispatcher.bells)
    assert process.finish(run.id, 10).output == 7
    process.service.close()


def test_a_tick_begins_a_trace(clock, redis_url, spans):
    """Its run is the root of one of its own, whoever works on it."""
    timers = clock.timers(schedule(clock.hourly(0)))
    timers.fire()
    clock.stood_at(clock.now() - HOUR // 2)
    assert timers.fire() == 1
    process = InOneProcess(clock.opened[0].graph, Settings(redis_url=redis_url, sweep=0.02))
    process.bells.ring(clock.opened[0].dispatcher.bells)
    process.finish(clock.runs()[0].id, 10)
    process.service.close()
    (run,), (stage,) = spans("run"), spans("stage return")
    assert (run.parent, run.attributes["saltern.trigger"]) == (None, "schedule:every")
    assert stage.parent.span_id == run.context.span_id


def test_more_than_is_assumed(clock, caplog):
    """A schedule that hands in more than its pipeline assumes makes no run; it is said why, once a tick."""
    timers = clock.timers(schedule(clock.hourly(0)), assumes=(Assumes("value(input.n)", 6, place="x.saltern:3:9"),))
    timers.fire()
    clock.stood_at(clock.now() - HOUR // 2)
    assert [timers.fire(), timers.fire()] == [0, 0]
    assert caplog.text.count("`value(input.n)` is 7, and at most 6 is assumed (x.saltern:3:9)") == 1
    assert clock.runs() == ()


def test_a_tick_is_sent_twice(clock, monkeypatch):
    """A client that lost the reply asks again, and hears of the same run."""
    timers = clock.timers(schedule(clock.hourly(0)))
    timers.fire()
    clock.stood_at(clock.now() - HOUR // 2)
    store = clock.opened[0].store
    send, heard = store._send, []

    def twice(shard, call, *args, **options):
        reply = send(shard, call, *args, **options)
        if call.script == "tick":
            heard.append(reply == send(shard, call, *args, **options))
        return reply

    monkeypatch.setattr(store, "_send", twice)
    assert timers.fire() == 1
    assert heard == [True]
    assert len(clock.runs()) == 1


@pytest.mark.parametrize(
    ("overlap", "states"),
    [
        ("allow", ["QUEUED", "QUEUED"]),
        ("queue", ["QUEUED", "QUEUED"]),
        ("drop", ["QUEUED"]),
        ("cancel_previous", ["CANCELLED", "QUEUED"]),
    ],
)
def test_a_tick_while_a_run_is_not_over(clock, redis_client, overlap, states):
    """It makes a run beside it, one that waits, none, or one in its place, as the schedule says; the next tick comes all the same."""
    timers = clock.timers(schedule(clock.hourly(30), overlap=overlap, catch_up="all"))
    timers.fire()
    clock.stood_at(clock.now() - 7 * HOUR // 4)
    assert timers.fire() == len(states)
    assert timers.fire() == 0
    assert sorted(run.state for run in clock.runs()) == states  # they may be of the same millisecond
    waiting = sum(redis_client.zcard(key) for key in redis_client.keys(clock.key("behind:*")))
    assert waiting == (overlap == "queue")


@pytest.mark.parametrize(("then", "states"), [("queue", ["QUEUED", "QUEUED"]), ("drop", ["QUEUED"])])
def test_runs_of_a_pipeline_that_limits_them(clock, then, states):
    """They count with all others of their key, in the shard of these, and come once, whoever fires and however late."""
    limit = Concurrency(1, key=("input.n",), then=then)
    hourly = schedule(clock.hourly(30), catch_up="all")
    one, two = (clock.timers(hourly, shards=3, concurrency=limit) for _ in range(2))
    one.fire()
    home = next(shard for shard in range(3) if clock.opened[0].store.client.exists(clock.key("schedules", shard)))
    clock.stood_at(clock.now() - 7 * HOUR // 4, home)
    assert one.fire() + two.fire() == len(states)
    clock.stood_at(clock.now() - 7 * HOUR // 4, home)  # as though the timers had died between a run and its tick
    two.fire()
    assert [run.state for run in clock.runs()] == states
    group = group_of(clock.opened[0].graph, "default", {"n": 7})
    assert {shard_of(run.id) for run in clock.runs()} == {group.shard(3)}


def test_halted_between_a_look_and_its_tick(clock, monkeypatch):
    """Whoever halts a schedule while timers are about to fire it has no run of it: nothing is made, and the tick passes."""
    timers = clock.timers(schedule(clock.hourly(30)))
    timers.fire()
    clock.stood_at(clock.now() - HOUR)
    store = clock.opened[0].store
    look = store.current

    def looks(*given):
        standing = look(*given)
        store.halt(0, "every", audited("pause", "me", ""), goes=False)
        return standing

    monkeypatch.setattr(store, "current", looks)
    assert timers.fire() == 0
    store.halt(0, "every", audited("resume", "me", ""), goes=True)
    monkeypatch.undo()
    assert timers.fire() == 0
    assert clock.runs() == ()


@pytest.mark.parametrize("cron", ["the same line", "another line"])
def test_a_paused_schedule_stays_so_over_versions(clock, cron):
    """The timers of a newer version, with the same id and whatever line, make no run of it until it is let go on; then the next tick is one."""
    hourly = schedule(clock.hourly(30))
    old = clock.timers(hourly, plan="01d01d01")
    old.fire()
    clock.opened[0].store.halt(0, "every", audited("pause", "me", ""), goes=False)
    clock.client.hset(clock.key("plans"), "sha256:" + "01d01d01" * 8, clock.now() - HOUR)
    newer = hourly if cron == "the same line" else schedule(clock.hourly(31), catch_up="all")
    new = clock.timers(newer, plan="0e30e30e")
    new.fire()
    assert clock.client.hget(clock.key("current"), "plan") == "sha256:" + "0e30e30e" * 8
    clock.stood_at(clock.now() - 3 * HOUR)
    assert [new.fire(), old.fire()] == [0, 0]
    clock.opened[-1].store.halt(0, "every", audited("resume", "me", ""), goes=True)
    assert new.fire() == 0
    new.fire()  # a line that changed begins now
    clock.stood_at(clock.now() - HOUR)
    assert new.fire() == 1
    assert len(clock.runs()) == 1


def test_a_cap_refuses_no_tick(clock):
    """Runs of schedules are made over the cap of their tenant, and count for it."""
    timers = clock.timers(schedule(clock.hourly(30), catch_up="all"), cap=1)
    service = clock.opened[0]
    service.start({"n": 1}, tenant="default", trigger="api")
    timers.fire()
    clock.stood_at(clock.now() - 7 * HOUR // 4)
    assert timers.fire() == 2
    assert len(clock.runs()) == 3
    with pytest.raises(TooManyRunsError):
        service.start({"n": 1}, tenant="default", trigger="api")


def test_a_jitter_moves_all_ticks_alike(clock):
    """A tick fires that much later, which any timer knows; another schedule's is another."""
    plain, moved = schedule(clock.hourly(30)), schedule(clock.hourly(30), jitter=3600.0)
    assert later("p", plain) == 0
    assert later("p", moved) == later("p", moved) != later("q", moved)
    assert 0 <= later("p", moved) < HOUR
    timers = clock.timers(moved)
    timers._later["every"] = 20 * HOUR // 60
    timers.fire()
    clock.stood_at(clock.now() - HOUR // 2 - 1)
    stood = clock.client.hget(clock.key("schedules"), "every")
    timers._later["every"] = 40 * HOUR // 60
    assert timers.fire() == 0
    assert clock.client.hget(clock.key("schedules"), "every") == stood
    timers._later["every"] = 20 * HOUR // 60
    clock.stood_at(clock.now() - HOUR)
    assert timers.fire() == 1


@pytest.mark.parametrize(("catch_up", "made"), [("skip", 0), ("last", 1), ("all", 10)])
def test_after_an_outage(clock, catch_up, made):
    """Skip makes up for nothing but what is just due, last for the last tick, all for every one."""
    timers = clock.timers(schedule(clock.hourly(30), catch_up=catch_up))
    timers.fire()
    clock.stood_at(clock.now() - 10 * HOUR)
    assert timers.fire() == made
    assert timers.fire() == 0
    assert len(clock.runs()) == made


def test_skip_fires_what_is_just_due(clock):
    """A tick of this very minute is no missed one."""
    timers = clock.timers(schedule(clock.hourly(0), catch_up="skip"))
    timers.fire()
    clock.stood_at(clock.now() - 10 * HOUR)
    assert timers.fire() == 1


def test_no_more_than_a_hundred(clock, caplog):
    """catch_up all makes up for the latest hundred ticks, and notes the rest."""
    timers = clock.timers(schedule(clock.hourly(30), catch_up="all"))
    timers.fire()
    clock.stood_at(clock.now() - 150 * HOUR)
    assert timers.fire() == MOST
    assert "50 ticks passed" in caplog.text


def test_another_cron_line_begins_anew(clock):
    """A schedule that keeps its name and changes its line stands at the moment of the change."""
    clock.timers(schedule()).fire()
    clock.stood_at(clock.now() - HOUR)
    changed = clock.timers(schedule("*/2 * * * *", catch_up="all"))
    assert changed.fire() == 0
    assert clock.runs() == ()


def test_the_newest_version_fires(clock):
    """Of two versions side by side only the newer one fires; the older one takes over when the newer has been silent."""
    hourly = schedule(clock.hourly(0))
    old = clock.timers(hourly, plan="01d01d01")
    old.fire()
    new = clock.timers(hourly, plan="0e30e30e")
    clock.client.hset(clock.key("plans"), "sha256:" + "01d01d01" * 8, clock.now() - HOUR)
    new.fire()
    clock.stood_at(clock.now() - HOUR // 2)
    assert (old.fire(), new.fire()) == (0, 1)
    assert clock.runs()[0].plan == "sha256:" + "0e30e30e" * 8
    clock.client.hset(clock.key("current"), "at", clock.now() - 61_000)
    old.fire()
    assert clock.client.hget(clock.key("current"), "plan") == "sha256:" + "01d01d01" * 8
    new.fire()
    assert clock.client.hget(clock.key("current"), "plan") == "sha256:" + "0e30e30e" * 8


def test_shards(clock):
    """A schedule's state and its runs live in one shard, which its id chooses."""
    timers = clock.timers(*(Schedule(f"s{n}", cron="* * * * *") for n in range(8)), shards=4)
    timers.fire()
    assert timers.fire() == 0
    found = {shard: clock.client.hkeys(clock.opened[0].store.keys.shard(shard) + "schedules") for shard in range(4)}
    assert sorted(name for names in found.values() for name in names) == [f"s{n}" for n in range(8)]
    assert sum(bool(names) for names in found.values()) > 1


def moments(cron, zone, start, count):
    found = ticks(Schedule("x", cron=cron, time_zone=zone), round(datetime.fromisoformat(start).timestamp() * 1000))
    return [datetime.fromtimestamp(next(found) / 1000, UTC).strftime("%m-%d %H:%M") for _ in range(count)]


def test_daylight_saving():
    """A time that is skipped fires once right after the change, one that comes twice fires once; `*` goes by elapsed time."""
    spring, autumn = "2026-03-28T12:00:00+00:00", "2026-10-24T12:00:00+00:00"
    assert moments("30 2 * * *", "Europe/Zurich", spring, 2) == ["03-29 01:00", "03-30 00:30"]
    assert moments("30 2 * * *", "Europe/Zurich", autumn, 2) == ["10-25 00:30", "10-26 01:30"]
    assert moments("0 * * * *", "Europe/Zurich", "2026-10-24T23:30:00+00:00", 3) == [
        "10-25 00:00",
        "10-25 01:00",
        "10-25 02:00",
    ]
    assert moments("0 7 * * 1-5", "Europe/Zurich", "2026-03-27T12:00:00+00:00", 1) == ["03-30 05:00"]


def test_a_tick_in_the_hour_that_comes_twice(clock):
    """A tick of that hour's first passing is due in the second one too, however little of that has gone by."""
    daily = schedule("30 2 * * *", time_zone="Europe/Zurich")
    stood, tick, now = (
        round(datetime.fromisoformat(f"2026-10-{at}:00+00:00").timestamp() * 1000)
        for at in ("24T00:30", "25T00:30", "25T01:05")
    )
    assert clock.timers(daily)._due(daily, stood, now) == ([tick], 0)
