"""SIGKILL before and after every script call of a stage with branches in it, and in the middle of each of its nodes."""

import os
import signal

from saltern_runtime.graph import SKIPPED, Context, On, RunInfo, Skipped, Stage, node
from tests.chaos.test_every_moment import each_death, work_until_killed
from tests.chaos.test_every_moment_of_a_loop import world
from tests.support.checker import broken, recorded_twice
from tests.support.graphs import graph_of


def came(run: RunInfo, name: str) -> None:
    """Count that a node ran; die where the test says so, once."""
    world().hincrby(f"came:{run.id}", name, 1)
    if world().get(f"die:{run.id}") == name and world().delete(f"die:{run.id}"):
        os.kill(os.getpid(), signal.SIGKILL)


@node("base", type="set@1")
def base(*, run: RunInfo) -> int:
    came(run, "base")
    return 2


@node("route", type="if@1")
def route(*, run: RunInfo, base: int) -> str:
    came(run, "route")
    return "then" if base > 1 else "else"


@node("high", type="set@1")
def high(*, run: RunInfo, base: int) -> int:
    came(run, "high")
    return base * 10


@node("low", type="set@1")
def low(*, run: RunInfo, base: int) -> int:
    came(run, "low")
    return -base


@node("tell", type="slack.post_message@1")
def tell(ctx: Context, *, high: int | Skipped, low: int | Skipped) -> int:
    came(ctx.run, "tell")
    world().hincrby(f"world:{ctx.run.id}", ctx.effect_key(), 1)
    return high if high is not SKIPPED else low


@node("return", type="return@1")
def return_(*, run: RunInfo, base: int, tell: int) -> int:
    came(run, "return")
    return base + tell


FUSED = (base, route, high.when(On("route", "then")), low.when(On("route", "else")), tell)
STATES = {
    "base": "SUCCEEDED",
    "route": "SUCCEEDED",
    "high": "SUCCEEDED",
    "low": "SKIPPED",
    "tell": "SUCCEEDED",
    "return": "SUCCEEDED",
}


def make_graph(name):
    return graph_of(name, Stage("tell", nodes=FUSED), Stage("return", nodes=(return_,)), deadline=60.0)


def test_killed_everywhere_around_a_stage(here):
    """Wherever a worker dies, all nodes of the stage end once and together, the branch that is not taken does nothing."""
    rescuer = here("chaos_stage", make_graph("chaos_stage"), lease=0.12, sweep=0.02)
    for run_id in each_death(rescuer, more_than=3):
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.output) == ("SUCCEEDED", 22)
        assert {each.id: str(each.state) for each in view.nodes} == STATES
        assert len(world().hgetall(f"world:{run_id}")) == 1
        assert "low" not in world().hgetall(f"came:{run_id}")


def test_killed_in_each_node_of_a_stage(here):
    """The next worker begins the stage anew: only pure work before the death is repeated, and the effect keeps its key."""
    rescuer = here("chaos_inside", make_graph("chaos_inside"), lease=0.12, sweep=0.02)
    client, order = rescuer.service.store.client, ["base", "route", "high", "tell", "return"]
    for place, name in enumerate(order):
        run_id = rescuer.service.start(None, tenant="acme", trigger="api").run_id
        client.set(f"die:{run_id}", name)
        assert work_until_killed(rescuer, run_id, 10**9)
        assert broken(client, "chaos_inside") == []
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.output) == ("SUCCEEDED", 22)
        assert {each.id: str(each.state) for each in view.nodes} == STATES
        times = {each: int(count) for each, count in client.hgetall(f"came:{run_id}").items()}
        again = [name] if name == "return" else order[: place + 1]
        assert times == {each: 2 if each in again else 1 for each in order}
        assert list(client.hgetall(f"world:{run_id}").values()) == ["1"]
        assert recorded_twice(client, "chaos_inside", run_id) == []


def test_what_nothing_reads_is_not_kept(here):
    """The store has what ends a stage and what another one reads; of a stage that failed, what ran is known all the same."""
    rescuer = here("chaos_kept", make_graph("chaos_kept"), lease=0.12, sweep=0.02)
    run_id = rescuer.service.start(None, tenant="acme", trigger="api").run_id
    rescuer.finish(run_id, 20)
    store = rescuer.service.store
    assert set(store.client.hkeys(store.keys.run(run_id, ":vals"))) == {"", "base", "tell", "return"}
