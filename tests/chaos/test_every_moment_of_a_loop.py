"""SIGKILL before and after every single script call of a foreach: a child process dies there, another worker takes over."""

import os
from functools import cache

import redis

from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Context, Graph, Opens, Stage, node
from saltern_runtime.spec import Retry
from tests.chaos.test_every_moment import work_until_killed
from tests.support.checker import broken, recorded_twice


@cache
def world(pid: int) -> redis.Redis:
    return redis.Redis.from_url(os.environ["SALTERN_REDIS_URL"], decode_responses=True)


@node("stories", type="foreach@1")
def stories(*, input: list[str]) -> list[str]:  # noqa: A002 - the name that nodes read the input by
    return input


@node("tell", type="slack.post_message@1")
def tell(ctx: Context, *, story: str) -> str:
    world(os.getpid()).hincrby(f"world:{ctx.run.id}", ctx.effect_key(), 1)
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
    graph = Graph(name, package="", stages=(owner, Stage("return", nodes=(return_,))), deadline=60.0)
    graph.source_map = {"plan": "sha256:" + "ee12cd34" * 8}
    return graph


def test_killed_everywhere_in_a_loop(here):
    """Wherever a worker dies, the invariants hold at once, each item ends once, and the list is whole and in order."""
    rescuer = here("chaos_loop", make_loop("chaos_loop"), lease=0.12, sweep=0.02)
    client = rescuer.service.store.client
    moment, died = 0, True
    while died:
        moment += 1
        run_id = rescuer.service.start(["a", "bad", "c"], tenant="acme", trigger="api").run_id
        died = work_until_killed(rescuer, run_id, moment)
        assert broken(client, "chaos_loop") == []
        view = rescuer.finish(run_id, 20)
        assert (view.state, view.output) == ("SUCCEEDED", ["A", "C"])
        assert broken(client, "chaos_loop") == []
        assert recorded_twice(client, "chaos_loop", run_id) == []
        assert len(client.hgetall(f"world:{run_id}")) == 3
        shown = {each.id: each.items for each in view.nodes}["stories"]
        assert (shown.done, shown.failed) == (2, 1)
    assert moment > 20
