"""What a foreach means: order, window, errors, skips, nesting."""

from dataclasses import replace
from typing import Any

import pytest

from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.graph import Context, On, Opens, Skipped, Stage, node
from saltern_runtime.spec import Json, Retry
from tests.support.checker import broken


@node("summaries", type="foreach@1")
def summaries(*, input: list[Json]) -> list[Json]:  # noqa: A002 - the name that nodes read the input by
    return input


@node("page", type="http.request@1")
def page(ctx: Context, *, story: Json) -> Json:
    if story == "bad":
        raise PermanentError("no such page", code="not-found", status=404)
    return f"{ctx.path}={story}"


@node("summaries/yield", type="yield@1")
def summaries_yield(*, page: Json) -> Json:
    return page


@node("return", type="return@1")
def return_(*, summaries: list[Json]) -> list[Json]:
    return summaries


def loop(*stages, at_most=3, on_error="stop", result="summaries/yield", owner=summaries, retry=Retry(attempts=1)):
    return (
        Stage(
            "summaries", nodes=(owner,),
            ends=Opens("story", stages or (Stage("summaries/page", nodes=(page,), queue="io", retry=retry), Stage("summaries/yield", nodes=(summaries_yield,))),
                      result=result, at_most=at_most, on_error=on_error),
        ),
        Stage("return", nodes=(return_,)),
    )  # fmt: skip


@pytest.mark.parametrize("at_most", [1, 3, 64])
def test_results_keep_the_items_order(local, at_most):
    """The value is the list of what was yielded, in the order of the items, whatever the window."""
    view = local.run(*loop(at_most=at_most), given=[*"abcdefghij"])
    assert view.output == [f"summaries[{index}]/page={item}" for index, item in enumerate("abcdefghij")]
    shown = {each.id: each.items for each in view.nodes}
    assert (shown["summaries"].total, shown["summaries"].done) == (10, 10)
    assert (shown["page"].total, shown["page"].done, shown["page"].running) == (10, 10, 0)
    assert shown["return"] is None


def test_an_empty_list_runs_nothing(local):
    """Nothing to go over gives an empty list, and the body never begins."""
    view = local.run(*loop(), given=[])
    assert view.output == []
    assert {each.id: each.state for each in view.nodes}["page"] == "SKIPPED"


def test_one_failure_stops_the_run(local):
    """Unless told otherwise, an item's failure is the run's; nothing of the others stays open."""
    view = local.run(*loop(), given=["a", "bad", "c", "d", "e"])
    assert (view.state, view.failure.code, view.failure.node) == ("FAILED", "not-found", "page")
    shown = {each.id: each for each in view.nodes}
    assert (shown["page"].state, shown["page"].failure.code) == ("DEAD", "not-found")
    assert shown["return"].state == "BLOCKED"


def test_continue_drops_the_item(local):
    """With on error continue the list goes on without the item, and nothing goes to the dead letters."""
    view = local.run(*loop(on_error="continue"), given=["a", "bad", "c", "bad", "e"])
    assert view.output == ["summaries[0]/page=a", "summaries[2]/page=c", "summaries[4]/page=e"]
    shown = {each.id: each.items for each in view.nodes}["summaries"]
    assert (shown.total, shown.done, shown.failed) == (5, 3, 2)
    assert local.client.zcard(local.opened[0].service.store.keys.shard(0) + "dead") == 0


def test_collect_keeps_errors_in_place(local):
    """With on error collect every item has its entry: a value or an error."""
    view = local.run(*loop(on_error="collect"), given=["a", "bad"])
    assert view.output == [
        {"value": "summaries[0]/page=a"},
        {"error": {"code": "not-found", "kind": "external-permanent", "message": "no such page"}},
    ]


def test_a_skipped_yield_leaves_no_hole(local):
    """Where the yield hangs on a branch that an item does not take, the list has no entry for it."""

    @node("check", type="if@1")
    def check(*, story: int) -> str:
        return "then" if story % 2 else "else"

    @node("odd", type="set@1")
    def odd(*, story: int) -> int:
        return story * 10

    @node("summaries/yield", type="yield@1")
    def odd_yield(*, odd: int) -> int:
        return odd

    stages = (
        Stage("summaries/check", nodes=(check,)),
        Stage("summaries/odd", nodes=(odd,), when=(On("check", "then"),)),
        Stage("summaries/yield", nodes=(odd_yield,), when=(On("check", "then"),)),
    )
    assert local.run(*loop(*stages), given=[1, 2, 3, 4]).output == [10, 30]
    assert local.run(*loop(*stages, on_error="collect"), given=[1, 2]).output == [{"value": 10}, {}]


def test_no_more_than_the_window_runs(local):
    """At most `at_most` items have records at any time, and an item's records go when its yield is kept."""
    most = []

    @node("page", type="set@1")
    def page(*, story: int) -> int:
        acts = local.client.hkeys(process.service.store.keys.run(run_id, ":acts"))
        pending = {path.split("]")[0] for path in acts if path.endswith("/page")}
        most.append(len(pending))
        return story

    stages = (Stage("summaries/page", nodes=(page,)), Stage("summaries/yield", nodes=(summaries_yield,)))
    process = local.open(*loop(*stages, at_most=4))
    run_id = process.service.start(list(range(30)), tenant="acme", trigger="api").run_id
    assert process.finish(run_id, 20).output == list(range(30))
    assert max(most) <= 4
    keys = process.service.store.keys
    assert local.client.keys(keys.run(run_id, ":each:*")) == []
    assert not [path for path in local.client.hkeys(keys.run(run_id, ":acts")) if "[" in path]
    assert not [name for name in local.client.hkeys(keys.run(run_id, ":vals")) if "[" in name]


def test_items_that_have_not_begun_do_not_run(local):
    """What is shown as running are the items in the window, not all that are left."""
    shown = []

    @node("page", type="set@1")
    def page(*, story: int) -> int:
        shown.append(process.service.get(run_id, "acme").nodes[0].items)
        return story

    stages = (Stage("summaries/page", nodes=(page,)), Stage("summaries/yield", nodes=(summaries_yield,)))
    process = local.open(*loop(*stages, at_most=4))
    run_id = process.service.start(list(range(30)), tenant="acme", trigger="api").run_id
    process.finish(run_id, 20)
    assert {each.total for each in shown} == {30}
    assert max(each.running for each in shown) == 4


def test_an_item_is_tried_again_under_the_same_key(local):
    """A transient failure inside an item is retried there; effect keys differ by item and not by attempt."""
    seen = []

    @node("page", type="http.request@1")
    def page(ctx: Context, *, story: str) -> str:
        seen.append(ctx.effect_key())
        if story == "b" and ctx.attempt == 1:
            raise TransientError("later", code="busy")
        return story

    retry = Retry(attempts=2, base=0.01, cap=0.01)
    stages = (
        Stage("summaries/page", nodes=(page,), retry=retry),
        Stage("summaries/yield", nodes=(summaries_yield,)),
    )
    assert local.run(*loop(*stages), given=["a", "b", "c"]).output == ["a", "b", "c"]
    assert len(seen) == 4
    assert len(set(seen)) == 3


@node("outer", type="foreach@1")
def outer(*, input: list[list[int]]) -> list[list[int]]:  # noqa: A002 - the name that nodes read the input by
    return input


@node("base", type="set@1")
def base(*, row: list[int]) -> int:
    return len(row) * 100


@node("inner", type="foreach@1")
def inner(*, row: list[int], base: int) -> list[int]:
    return row


@node("cell", type="set@1")
def cell(ctx: Context, *, row: list[int], number: int, base: int, input: list[list[int]]) -> int:  # noqa: A002 - the name that nodes read the input by
    if number < 0:
        raise PermanentError("negative", code="negative")
    return number + base + len(input) * 1000


@node("inner/yield", type="yield@1")
def inner_yield(*, cell: int) -> int:
    return cell


@node("outer/yield", type="yield@1")
def outer_yield(*, inner: list[Json]) -> list[Json]:
    return inner


@node("return", type="return@1")
def rows(*, outer: Json) -> Json:
    return outer


def nested(inside="stop", outside="stop", window=2):
    body = (
        Stage("outer/inner/cell", nodes=(cell,), retry=Retry(attempts=1), queue="io"),
        Stage("outer/inner/yield", nodes=(inner_yield,)),
    )
    inner_stage = Stage(
        "outer/inner", nodes=(inner,), ends=Opens("number", body, result="inner/yield", at_most=window, on_error=inside)
    )
    body = (Stage("outer/base", nodes=(base,)), inner_stage, Stage("outer/yield", nodes=(outer_yield,)))
    owner = Stage("outer", nodes=(outer,), ends=Opens("row", body, result="outer/yield", at_most=2, on_error=outside))
    return owner, Stage("return", nodes=(rows,))


def test_nested_loops(local):
    """A foreach in a foreach reads its own item, the outer one, siblings of both bodies, and the run's input."""
    view = local.run(*nested(), given=[[1, 2], [], [3]])
    assert view.output == [[3201, 3202], [], [3103]]
    shown = {each.id: each.items for each in view.nodes}
    assert (shown["outer"].total, shown["cell"].total, shown["cell"].done) == (3, 3, 3)


@pytest.mark.parametrize(
    ("inside", "outside", "output"),
    [
        ("continue", "stop", [[3201], [3203, 3204], [3105]]),
        ("stop", "continue", [[3203, 3204], [3105]]),
        ("collect", "stop", None),
    ],
)
def test_errors_of_nested_loops(local, inside, outside, output):
    """A failure ends the innermost item whose foreach goes on; what stands inside of that item ends with it."""
    view = local.run(*nested(inside, outside), given=[[1, -1], [3, 4], [5]])
    assert view.state == "SUCCEEDED"
    if output is not None:
        assert view.output == output
    else:
        assert view.output[0][1]["error"]["code"] == "negative"


@pytest.mark.parametrize("window", [2, 64])
def test_a_loop_that_the_run_goes_on_without(local, window):
    """Where the foreach itself may fail, an item's failure ends it and all its items, and what reads it gets SKIPPED."""

    @node("return", type="return@1")
    def back(*, summaries: list[Json] | Skipped) -> str:
        return repr(summaries)

    first = loop(at_most=window)[0]
    owner = Stage("summaries", nodes=(summaries,), on_error="continue", ends=first.ends)
    view = local.run(owner, Stage("return", nodes=(back,)), given=["a", "bad", *range(80)])
    assert (view.state, view.output) == ("SUCCEEDED", "SKIPPED")
    assert (view.nodes[0].state, view.nodes[0].failure.code, view.nodes[0].items.running) == ("FAILED", "not-found", 0)
    assert local.client.keys(local.opened[0].service.store.keys.run(view.id, ":each:*")) == []


def test_a_loop_in_an_item_that_goes_on_without_it(local):
    """The same inside an item: the item goes on without its inner loop."""

    @node("outer/yield", type="yield@1")
    def outer_yield(*, inner: list[Json] | Skipped) -> Json:
        return "none" if isinstance(inner, Skipped) else inner

    owner, last = nested()
    base, inner_stage, _ = owner.opens.stages
    inner_stage = replace(inner_stage, on_error="continue")
    each = replace(owner.opens, stages=(base, inner_stage, Stage("outer/yield", nodes=(outer_yield,))))
    view = local.run(replace(owner, ends=each), last, given=[[1, -1, 3, 4], [3]])
    assert view.output == ["none", [2103]]


def one(name):
    """Make a node that reads its item."""
    space: dict[str, Any] = {}
    exec(f"def {name}(*, row: list) -> int:\n    return 1", space)
    return node(name, type="set@1")(space[name])


def test_a_failed_item_with_much_open_in_it(local):
    """An item is cancelled in batches where much is open in it: the timers do the rest, and the list goes on."""

    @node("cell", type="set@1")
    def cell(*, number: int) -> int:
        return number

    @node("base", type="set@1")
    def base(*, row: list[int]) -> int:
        if len(row) > 10:
            raise PermanentError("too wide", code="wide")
        return 0

    @node("inner", type="foreach@1")
    def inner(*, row: list[int]) -> list[int]:
        return row

    cells = (Stage("outer/inner/cell", nodes=(cell,), queue="slow"), Stage("outer/inner/yield", nodes=(inner_yield,)))
    each = Opens("number", cells, result="inner/yield", at_most=64)
    body = (
        Stage("outer/inner", nodes=(inner,), priority=9, ends=each),
        *(Stage(f"outer/wide{index}", nodes=(one(f"wide{index}"),), queue="slow") for index in range(30)),
        Stage("outer/base", nodes=(base,), retry=Retry(attempts=1), priority=1),
        Stage("outer/yield", nodes=(outer_yield,)),
    )
    owner = Stage(
        "outer", nodes=(outer,), ends=Opens("row", body, result="outer/yield", at_most=1, on_error="continue")
    )
    process = local.open(owner, Stage("return", nodes=(rows,)))
    run_id = process.service.start([list(range(100)), [1]], tenant="acme", trigger="api").run_id
    looked, batches = [], 0
    while process.service.reader.state(run_id) not in ("SUCCEEDED", "FAILED"):
        slow = [bell for bell in process.bells.bells if bell.queue.endswith(".slow")]
        quick = [bell for bell in process.bells.bells if not bell.queue.endswith(".slow")]
        process.bells.bells.clear()
        process.bells.bells.extend(quick or slow)
        process.step()
        batches += any(
            member.startswith("k|")
            for member in local.client.zrange(process.service.store.keys.shard(0) + "due", 0, -1)
        )
        looked += broken(local.client, local.name)
        process.sweeper.sweep()
        looked += broken(local.client, local.name)
    assert looked == []
    assert batches > 0
    assert process.service.wait(run_id, 0).output == [[1]]
    assert local.client.keys(process.service.store.keys.run(run_id, ":each:*")) == []


def test_merged_owner_gates_what_follows(local):
    """Nodes merged into the owner's stage are recorded before its items begin, and what hangs on them runs after it."""

    @node("route", type="switch@1")
    def route(*, input: list[Json]) -> str:  # noqa: A002 - the name that nodes read the input by
        return "case.many" if len(input) > 1 else "else"

    @node("many", type="set@1")
    def many(*, summaries: list[Json], route: str) -> str:
        return f"{len(summaries)} by {route}"

    @node("return", type="return@1")
    def back(*, many: str | Skipped) -> str:
        return str(many)

    first = loop()[0]
    merged = Stage("summaries", nodes=(route, summaries), ends=first.ends)
    view = local.run(
        merged,
        Stage("many", nodes=(many,), when=(On("route", "case.many"),)),
        Stage("return", nodes=(back,)),
        given=["a", "b"],
    )
    assert view.output == "2 by case.many"


def test_a_skipped_loop_runs_nothing(local):
    """A foreach behind a branch that was not taken is skipped with its whole body."""

    @node("route", type="switch@1")
    def route(*, input: list[Json]) -> str:  # noqa: A002 - the name that nodes read the input by
        return "else"

    @node("return", type="return@1")
    def back(*, summaries: list[Json] | Skipped) -> str:
        return repr(summaries)

    first = loop()[0]
    gated = Stage("summaries", nodes=(summaries,), when=(On("route", "case.x"),), ends=first.ends)
    view = local.run(Stage("route", nodes=(route,)), gated, Stage("return", nodes=(back,)), given=["a"])
    assert view.output == "SKIPPED"
    assert [each.state for each in view.nodes] == ["SUCCEEDED", "SKIPPED", "SKIPPED", "SKIPPED", "SUCCEEDED"]


def test_too_many_items(local, monkeypatch):
    """More items than a foreach may have is a permanent error, before anything is stored."""
    monkeypatch.setattr("saltern_runtime.engine.results.MAX_ITEMS", 3)
    view = local.run(*loop(), given=[1, 2, 3, 4])
    assert (view.state, view.failure.code) == ("FAILED", "too-many-items")


def test_results_over_the_limit(local):
    """A list of results that is too large for a value is a permanent error of the foreach."""
    view = local.run(*loop(), given=["x" * 100] * 10, max_payload=1150)
    assert (view.state, view.failure.code, view.failure.node) == ("FAILED", "result-too-large", "summaries")


def test_big_items_and_yields(local):
    """Items and yields over 32 KB are kept by reference, and come back as they were."""
    items = [letter * 40_000 for letter in "abc"]
    view = local.run(*loop(), given=items)
    assert view.output == [f"summaries[{index}]/page={item}" for index, item in enumerate(items)]


def test_a_thousand_items(local):
    """A thousand items run with a window's worth of records, however long the list is."""
    process = local.open(*loop(at_most=16))
    run_id = process.service.start(list(range(1000)), tenant="acme", trigger="api").run_id
    keys, sizes = process.service.store.keys, []
    while process.service.reader.state(run_id) != "SUCCEEDED":
        process.step()
        sizes.append(local.client.hlen(keys.run(run_id, ":acts")))
    view = process.service.wait(run_id, 0)
    assert view.output[999] == "summaries[999]/page=999"
    assert len(view.output) == 1000
    assert max(sizes) <= 16 * 2 + 64 + 4
    assert len(view.nodes) == 4
