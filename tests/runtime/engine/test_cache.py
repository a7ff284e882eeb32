"""Nodes that are cached: what is asked again for the same arguments is not asked again."""

import json

import pytest

from saltern_runtime import Context
from saltern_runtime.errors import PermanentError
from saltern_runtime.graph import Connection, GraphError, Opens, Stage, node
from saltern_runtime.models import Model
from saltern_runtime.observe.metrics import Collector
from saltern_runtime.store.records import Record
from tests.runtime.engine.conftest import make_graph

CALLS = []


class Answer(Model):
    text: str
    more: int = 0


def ask(ctx: Context, *, prompt: str, size: float = 1, response: type = Answer) -> Answer:
    """Answer as a vendor would."""
    CALLS.append(prompt)
    if prompt == "refused":
        raise PermanentError("no", code="refused")
    return Answer(text=prompt * int(size))


def cached(type_="llm.chat@1", size=1, seconds=3600.0, response=Answer):
    @node("ask", type=type_, connection="model", cache=seconds)
    def asked(ctx: Context, *, input: dict[str, str]) -> Answer:  # noqa: A002 - as generated code calls it
        return ctx.cached(ask)(ctx, prompt=input["text"], size=size, response=response)

    return Stage("asked", nodes=(asked,))


@node("return", type="return@1")
def return_(*, asked: Answer) -> str:
    return asked.text


MODEL = Connection("model", connector="openai", settings={"base_url": "http://one"})
END = Stage("return", nodes=(return_,))


@pytest.fixture(autouse=True)
def _uncalled():
    CALLS.clear()


@pytest.fixture
def go(local):
    def once(given, stage=None, *, tenant="acme", connection=MODEL, **options):
        process = local.open(stage or cached(), END, connections=(connection,), **options)
        run_id = process.service.start(given, tenant=tenant, trigger="api").run_id
        return process.finish(run_id, 20)

    return once


def entry(client, service):
    (key,) = client.scan_iter(match=f"saltern:v1:{service}:*cache:*")
    return key


def shown(view):
    return {each.id: each.cached for each in view.nodes}["ask"]


def test_the_same_question_is_asked_once(go, local, redis_client, service):
    """Of what is read only what the call is given counts; a hit shows on the run, in its record and events, and is counted."""
    first, second = go({"text": "a", "id": "1"}), go({"text": "a", "id": "2"})
    assert CALLS == ["a"]
    assert (first.output, second.output) == ("a", "a")
    assert (shown(first), shown(second)) == (0, 1)
    process = local.opened[-1].service
    (told,) = [e.data for e in process.events(second.id) if e.type == "stage.succeeded" and e.path == "asked"]
    assert told["cached"] is True
    assert all("cached" not in e.data for e in process.events(first.id) if e.type == "stage.succeeded")
    record = json.loads(redis_client.hget(process.store.keys.run(second.id, ":acts"), "asked"))
    assert record[Record.HIT] is True
    families = {family.name: family for family in Collector("p", process.figures).collect()}
    for name in ("saltern_cache_hits", "saltern_cache_misses"):
        assert [(s.labels["stage"], s.value) for s in families[name].samples] == [("asked", 1.0)]
    assert 3_500_000 < redis_client.pttl(entry(redis_client, service)) <= 3_600_000


@pytest.mark.parametrize(
    "other",
    [
        {"given": {"text": "b"}},
        {"tenant": "other"},
        {"stage": cached("llm.chat@2")},
        {"stage": cached(size=1.0)},
        {"stage": cached(response=dict)},
        {"connection": Connection("model", connector="openai", settings={"base_url": "http://two"})},
    ],
    ids=["argument", "tenant", "version", "int and double", "type", "settings"],
)
def test_what_is_another_question(go, other):
    """Each part of the key tells two questions apart; secrets are no part of it."""
    go({"text": "a"})
    view = go(**{"given": {"text": "a"}, **other})
    assert len(CALLS) == 2
    assert shown(view) == 0
    rotated = Connection("model", connector="openai", settings={"base_url": "http://one"}, secrets={"key": "env:NEW"})
    assert shown(go({"text": "a"}, connection=rotated)) == 1


def test_failures_are_not_kept(go, redis_client, service):
    """The next run asks again."""
    assert [go({"text": "refused"}).state for _ in range(2)] == ["FAILED", "FAILED"]
    assert CALLS == ["refused", "refused"]
    assert not list(redis_client.scan_iter(match=f"saltern:v1:{service}:*cache:*"))


def test_big_values_lie_in_the_payload_store(go, redis_client, service):
    """The cache has a payload of its own: the run's stays as long as the run is kept, and a value that is gone is asked for again."""
    stage = cached(size=40_000)
    go({"text": "a"}, stage)
    assert redis_client.get(entry(redis_client, service)).startswith("@")
    assert go({"text": "a"}, stage).output == "a" * 40_000
    assert CALLS == ["a"]
    redis_client.delete(redis_client.get(entry(redis_client, service)).removeprefix("@"))
    view = go({"text": "a"}, stage)
    assert (view.output, shown(view), len(CALLS)) == ("a" * 40_000, 0, 2)


@pytest.mark.parametrize("harm", ["not JSON", '{"texts": 1}', "@nowhere", None])
def test_a_broken_cache_fails_nothing(go, redis_client, service, harm):
    """Whatever stands there, even of another kind of key, the node runs; what can be written over is."""
    go({"text": "a"})
    key = entry(redis_client, service)
    redis_client.delete(key)
    redis_client.set(key, harm) if harm is not None else redis_client.hset(key, "f", "v")
    view = go({"text": "a"})
    assert (view.state, view.output, shown(view)) == ("SUCCEEDED", "a", 0)
    assert shown(go({"text": "a"})) == 1


def test_arguments_that_cannot_be_written_down(go):
    """Then there is no key, and the node runs each time."""

    class Odd:
        def __repr__(self):
            raise ValueError("no name")

    odd = Odd()
    views = [go({"text": "a"}, cached(response=odd)) for _ in range(2)]
    assert [view.output for view in views] == ["a", "a"]
    assert CALLS == ["a", "a"]


def test_a_node_of_plain_python(local):
    """What it reads is what it is asked; another plan is another question, since its arguments are made in it."""

    @node("twice", type="set@1", cache=60.0)
    def twice(*, input: int) -> int:  # noqa: A002 - as generated code calls it
        CALLS.append(input)
        return input * 2

    stage = Stage("twice", nodes=(twice,))
    views = [local.run(stage, given=given) for given in (3, 3, 4)]
    assert CALLS == [3, 4]
    assert [view.nodes[0].cached for view in views] == [0, 1, 0]


def test_items_of_a_loop(local):
    """The nodes of a body are shown once, with how many of their values were known."""

    @node("all", type="foreach@1")
    def all_(*, input: list[str]) -> list[str]:  # noqa: A002 - as generated code calls it
        return input

    @node("one", type="llm.chat@1", cache=60.0)
    def one(ctx: Context, *, item: str) -> Answer:
        return ctx.cached(ask)(ctx, prompt=item)

    @node("all/yield", type="yield@1")
    def all_yield(*, one: Answer) -> str:
        return one.text

    @node("return", type="return@1")
    def end(*, all_: list[str]) -> list[str]:
        return all_

    body = (Stage("all/one", nodes=(one,)), Stage("all/yield", nodes=(all_yield,)))
    opens = Opens("item", at_most=1, result="all/yield", stages=body)
    view = local.run(Stage("all", nodes=(all_,), ends=opens), Stage("return", nodes=(end,)), given=["a", "b", "a", "a"])
    assert view.output == ["a", "b", "a", "a"]
    assert {each.id: each.cached for each in view.nodes}["one"] == 2
    assert CALLS == ["a", "b"]


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_no_time_is_no_cache(seconds):
    """A graph that keeps values for no time is refused at import."""
    with pytest.raises(GraphError, match="cached for"):
        make_graph("p", cached(seconds=seconds), END, connections=(MODEL,))
