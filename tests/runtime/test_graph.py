"""A graph that does not fit together fails when its module is imported."""

import pytest

from saltern_runtime import Assumes, Connection, Context, Graph, On, Opens, Schedule, Stage, node
from saltern_runtime.graph import GraphError
from saltern_runtime.spec.limits import AT_ONCE
from saltern_runtime.version import require


@node("a", type="set@1")
def a() -> int:
    """Give one."""
    return 1


@node("b", type="set@1")
def b(*, a: int) -> int:
    """Read a."""
    return a


@node("c", type="x@1", connection="nowhere")
def c(ctx: Context, *, a: int) -> int:
    """Use a connection."""
    return a


@node("loop", type="foreach@1")
def loop(*, a: int) -> list[int]:
    """Give the items."""
    return list(range(a))


@node("page", type="set@1")
def page(*, item: int, b: int) -> int:
    """Read the item and what stands around the loop."""
    return item + b


@node("inner", type="foreach@1")
def inner(*, page: int) -> list[int]:
    """Give the items of a loop in the loop."""
    return [page]


@node("inner/yield", type="yield@1")
def inner_yield(*, item: int, part: int, c2: int) -> int:
    """Read both items and what stands around both loops."""
    return item + part + c2


@node("loop/yield", type="yield@1")
def loop_yield(*, inner: list[int]) -> int:
    """Give the item's result."""
    return sum(inner)


@node("c2", type="set@1")
def c2() -> int:
    """Give two."""
    return 2


@node("total", type="set@1")
def total(*, loop: list[int]) -> int:
    """Read the loop's results."""
    return sum(loop)


@node("spy", type="set@1")
def spy(*, page: int) -> int:
    """Read from inside of the loop, which nothing outside may."""
    return page


PAGE = Stage("loop/page", (page,))
INNER = Stage(
    "loop/inner", (inner,), ends=Opens("part", (Stage("loop/inner/yield", (inner_yield,)),), result="inner/yield")
)
YIELD = Stage("loop/yield", (loop_yield,))


def looping(*body: Stage, each: dict[str, object] | None = None, name: str = "loop") -> tuple[Stage, ...]:
    """Build the stages of a graph with a loop."""
    made = Opens(**{"variable": "item", "stages": body or (PAGE, INNER, YIELD), "result": "loop/yield", **(each or {})})  # type: ignore[arg-type]  # wrong ones on purpose
    return (Stage("a", (a,)), Stage("b", (b,)), Stage("c2", (c2,)), Stage(name, (loop,), ends=made))


def graph(*stages: Stage, connections: tuple[Connection, ...] = (), schedules: tuple[Schedule, ...] = ()) -> Graph:
    return Graph("g", package="g", stages=stages, connections=connections, schedules=schedules)


def test_needs_come_from_keywords_handles_and_after() -> None:
    """A stage needs the stages whose nodes it reads, hangs on or comes after."""
    made = graph(Stage("a", (a,)), Stage("b", (b,), when=(On("a", "then"),)), Stage("late", (), after=("b",)))
    assert made.needs == {"a": (), "b": ("a",), "late": ("b",)}
    assert made.entries == ("a",)
    assert made.dependants["a"] == ("b",)


def test_an_owner_waits_for_what_its_body_reads() -> None:
    """What bodies read from around them is among their owner's needs, so it is terminal before the first item."""
    made = graph(*looping(), Stage("total", (total,)))
    assert made.needs["loop"] == ("a", "b", "c2")
    assert made.needs["loop/page"] == ()
    assert made.needs["loop/inner"] == ("loop/page",)
    assert made.needs["loop/inner/yield"] == ()
    assert made.needs["loop/yield"] == ("loop/inner",)
    assert made.needs["total"] == ("loop",)
    assert made.dependants["loop"] == ("total",)
    assert made.dependants["loop/page"] == ("loop/inner",)


def test_bodies_are_known_by_their_owner() -> None:
    """Each body has its own stages, those it starts with, and its owner; items are no nodes."""
    made = graph(*looping(), Stage("total", (total,)))
    assert made.entries == made.starts[""] == ("a", "c2")
    assert made.starts["loop"] == ("loop/page",)
    assert made.starts["loop/inner"] == ("loop/inner/yield",)
    assert made.members("loop") == ("loop/page", "loop/inner", "loop/yield")
    assert made.owners("loop/inner/yield") == ("loop/inner", "loop")
    assert made.items(inner_yield) == {"item": "loop", "part": "loop/inner"}
    assert made.reads(inner_yield) == ("c2",)
    assert made.items(total) == {}


def test_loops_side_by_side_may_share_the_name_of_the_item() -> None:
    """An item's name means the nearest loop's item; another loop beside it does not matter."""

    @node("other", type="foreach@1")
    def other() -> list[int]:
        return []

    @node("other/yield", type="yield@1")
    def other_yield(*, item: int) -> int:
        return item

    body = Opens("item", (Stage("other/yield", (other_yield,)),), result="other/yield")
    made = graph(*looping(), Stage("other", (other,), ends=body))
    assert made.items(other_yield) == {"item": "other"}


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        ((*looping(), Stage("spy", (spy,))), "which stands in the body of 'loop'"),
        ((*looping(), Stage("late", (), after=("loop/page",))), "stands in the body of 'loop'"),
        ((*looping(), Stage("late", (), when=(On("page", "then"),))), "in another body"),
        (looping(PAGE, INNER, Stage("loop/yield", (loop_yield,), when=(On("a", "then"),))), "in another body"),
        (looping(PAGE, INNER, Stage("loop/yield", (loop_yield,), after=("loop",))), "in whose body"),
        (looping(PAGE), "gives 'loop/yield', which does not stand in it"),
        (looping(each={"result": "inner/yield"}), "gives 'inner/yield', which does not stand in it"),
        (looping(each={"result": "a"}), "gives 'a', which does not stand in it"),
        (looping(Stage("page", (page,)), INNER, YIELD), "not named after it"),
        (looping(Stage("a", (page,)), INNER, YIELD), "share a name"),
        (looping(each={"variable": "b"}), "another meaning"),
        (looping(each={"variable": "input"}), "another meaning"),
        (looping(each={"variable": "part"}), "another meaning"),
        (looping(each={"variable": "thing"}), "'item', which no stage runs"),
        (looping(each={"at_most": 0}), "1 to 64"),
        (looping(each={"at_most": 65}), "1 to 64"),
        (looping(each={"on_error": "panic"}), "'panic'"),
        ((Stage("a", (), ends=Opens("item", (), result="x")),), "no node"),
        (
            looping(PAGE, INNER, YIELD, *(Stage(f"loop/s{i}", ()) for i in range(AT_ONCE))),
            "65 stages depend on .*start of loop",
        ),
    ],
)
def test_wrong_bodies_are_refused(stages: tuple[Stage, ...], says: str) -> None:
    """Nothing reaches into a body, and a body names what is there."""
    with pytest.raises(GraphError, match=says):
        graph(*stages)


@pytest.mark.parametrize(
    ("schedules", "says"),
    [
        ((Schedule("a", "0 7 * * *"), Schedule("a", "0 8 * * *")), "share an id"),
        ((Schedule("a:b", "0 7 * * *"),), "'a:b'"),
        ((Schedule("a", "0 7 * * *", catch_up="some"),), "'some'"),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
def test_wrong_schedules_are_refused(schedules: tuple[Schedule, ...], says: str) -> None:
    """A schedule's id is part of the ids of its runs, so it is plain and stands once."""
    with pytest.raises(GraphError, match=says):
        graph(Stage("a", (a,)), schedules=schedules)


def test_schedules_are_known_by_id() -> None:
    """The timers find a schedule by its id."""
    made = graph(Stage("a", (a,)), schedules=(Schedule("daily", "0 7 * * 1-5", "Europe/Zurich"),))
    assert made.schedules["daily"].catch_up == "last"


def test_nodes_are_plain_functions() -> None:
    """A node can be called like the function it marks."""
    assert b(a=3) == 3


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        ((Stage("b", (b,)),), "'a', which no stage runs"),
        ((Stage("a", (a,)), Stage("c", (c,))), "connection 'nowhere'"),
        ((Stage("a", (a,)), Stage("a", ())), "share a name"),
        ((Stage("a", (a,)), Stage("z", (a,))), "two stages"),
        ((Stage("a", (a,), when=(On("ghost", "then"),)),), "'ghost'"),
        ((Stage("a", (a,), after=("ghost",)),), "'ghost'"),
        ((Stage("a", (a,)), *(Stage(f"s{i}", (), after=("a",)) for i in range(AT_ONCE + 1))), "at most 64"),
    ],
)
def test_wrong_names_are_refused(stages: tuple[Stage, ...], says: str) -> None:
    """Each wrong name is an error that says which one."""
    with pytest.raises(GraphError, match=says):
        graph(*stages)


def test_what_is_assumed_is_about_the_input() -> None:
    """An assumption about anything else cannot be looked at when a run begins."""
    with pytest.raises(GraphError, match=r"assumes 'wait\(asked\)'"):
        Graph("assumes", package="", stages=(Stage("a", (a,)),), assumes=(Assumes("wait(asked)", 60),))


def test_effect_keys_count_calls_and_never_attempts() -> None:
    """The second call of an attempt has another key; the second attempt has the same ones."""
    from datetime import UTC, datetime

    from saltern_runtime import RunInfo

    run = RunInfo("r1", "acme", datetime(2026, 1, 1, tzinfo=UTC))
    first, again = (Context(run, "c", "c", attempt, None, 0.0) for attempt in (1, 2))
    keys = [first.effect_key(), first.effect_key()]
    assert len(set(keys)) == 2
    assert [again.effect_key(), again.effect_key()] == keys


def test_a_version_that_does_not_fit_says_which_side_to_upgrade() -> None:
    """Older code asks for a new build, newer code for a newer runtime; patches do not matter."""
    require("0.1.99")
    with pytest.raises(ImportError, match="upgrade saltern-runtime"):
        require("0.2.0")
    with pytest.raises(ImportError, match="build the pipeline again"):
        require("0.0.9")
