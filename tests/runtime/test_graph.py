"""A graph that does not fit together fails when its module is imported."""

import pytest

from saltern_runtime import Connection, Context, Graph, On, Stage, node
from saltern_runtime.graph import MAX_DEPENDANTS, GraphError
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


def graph(*stages: Stage, connections: tuple[Connection, ...] = ()) -> Graph:
    return Graph("g", package="g", stages=stages, connections=connections)


def test_needs_come_from_keywords_handles_and_after() -> None:
    """A stage needs the stages whose nodes it reads, hangs on or comes after."""
    made = graph(Stage("a", (a,)), Stage("b", (b,), when=(On("a", "then"),)), Stage("late", (), after=("b",)))
    assert made.needs == {"a": (), "b": ("a",), "late": ("b",)}
    assert made.entries == ("a",)
    assert made.dependants["a"] == ("b",)


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
        ((Stage("a", (a,)), *(Stage(f"s{i}", (), after=("a",)) for i in range(MAX_DEPENDANTS + 1))), "at most 64"),
    ],
)
def test_wrong_names_are_refused(stages: tuple[Stage, ...], says: str) -> None:
    """Each wrong name is an error that says which one."""
    with pytest.raises(GraphError, match=says):
        graph(*stages)


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
