"""SIGKILL before and after every single script call of a foreach, and of a while: a child process dies there, another worker takes over."""

import os
from functools import cache

import redis

from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Carries, Context, Opens, Stage, node
from saltern_runtime.spec import Retry
from tests.chaos.test_every_moment import each_death
from tests.support.graphs import graph_of
from tests.support.until import passed


@cache
def _client(pid: int, url: str) -> redis.Redis:
    return redis.Redis.from_url(url, decode_responses=True)


def world() -> redis.Redis:
    """Return a client of this process's own."""
    return _client(os.getpid(), os.environ["SALTERN_REDIS_URL"])


@node("stories", type="foreach@1")
def stories(*, input: list[str]) -> list[str]:  # noqa: A002 - the name that nodes read the input by
    return input


@node("tell", type="slack.post_message@1")
def tell(ctx: Context, *, story: str) -> str:
    world().hincrby(f"world:{ctx.run.id}", ctx.effect_key(), 1)
    if story == "bad":
        raise PermanentError("refused", code="refused")
    return story.upper()


@node("stories/yield", type="yield@1")
def stories_yield(*, tell: str) -> str:
    return tell


@node("return", type="return@1")
def return_(*, stories: list[str]) -> list[str]:
    return stories


def make_loop(name):
    body = (
        Stage("stories/tell", nodes=(tell,), retry=Retry(attempts=2, base=0.01, cap=0.01)),
        Stage("stories/yield", nodes=(stories_yield,)),
    )
    each = Opens("story", body, result="stories/yield", at_most=2, on_error="continue")
    owner = Stage("stories", nodes=(stories,), ends=each)
    return graph_of(name, owner, Stage("return", nodes=(return_,)), deadline=60.0)


def test_killed_everywhere_in_a_loop(here):
    """Wherever a worker dies, the invariants hold at once, each item ends once, and the list is whole and in order."""
    rescuer = here("chaos_loop", make_loop("chaos_loop"), lease=0.12, sweep=0.02)
    client = rescuer.service.store.client
    for run_id in each_death(rescuer, ["a", "bad", "c"], more_than=20):
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.output) == ("SUCCEEDED", ["A", "C"])
        assert len(client.hgetall(f"world:{run_id}")) == 3
        shown = {each.id: each.items for each in view.nodes}["stories"]
        assert (shown.done, shown.failed) == (2, 1)


@node("count", type="while@1")
def count() -> int:
    return 0


@node("count/check", type="check@1")
def count_check(*, state: int, input: list[str]) -> bool:  # noqa: A002 - the name that nodes read the input by
    return state < len(input)


@node("step", type="slack.post_message@1")
def step(ctx: Context, *, state: int) -> int:
    world().hincrby(f"world:{ctx.run.id}", ctx.effect_key(), 1)
    return state + 1


@node("count/next", type="next@1")
def count_next(*, step: int) -> int:
    return step


@node("return", type="return@1")
def last(*, count: int) -> int:
    return count


def make_while(name, step=step, **limits):
    retry = Retry(attempts=2, base=0.01, cap=0.01)
    body = (Stage("count/step", nodes=(step,), retry=retry), Stage("count/next", nodes=(count_next,)))
    ends = Opens("state", body, result="count/next", at_most=1, carries=Carries(count_check, at_most=5, **limits))
    stages = (Stage("count", nodes=(count,), ends=ends), Stage("return", nodes=(last,)))
    return graph_of(name, *stages, deadline=60.0)


def assert_each_round_once(rescuer, rounds, *, more_than):
    """Wherever a worker dies, so many rounds run once each, and the last state is the value."""
    client = rescuer.service.store.client
    for run_id in each_death(rescuer, ["a", "b", "c"], more_than=more_than):
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.output) == ("SUCCEEDED", rounds)
        assert len(client.hgetall(f"world:{run_id}")) == rounds
        shown = {each.id: each.items for each in view.nodes}["count"]
        assert (shown.total, shown.done) == (rounds, rounds)


def test_killed_everywhere_in_a_while(here):
    """Wherever a worker dies, the condition's asker among them, each round runs once and the last state is the value."""
    rescuer = here("chaos_while", make_while("chaos_while"), lease=0.12, sweep=0.02)
    assert_each_round_once(rescuer, 3, more_than=20)


def test_killed_everywhere_in_a_while_whose_time_is_over(here):
    """Wherever a worker dies, no second round begins, and the state of the first is the value."""

    @node("step", type="slack.post_message@1")
    def step(ctx: Context, *, state: int) -> int:
        passed(world(), 10)
        world().hincrby(f"world:{ctx.run.id}", ctx.effect_key(), 1)
        return state + 1

    graph = make_while("chaos_within", step, within=0.005, on_limit="continue")
    rescuer = here("chaos_within", graph, lease=0.12, sweep=0.02)
    assert_each_round_once(rescuer, 1, more_than=10)
