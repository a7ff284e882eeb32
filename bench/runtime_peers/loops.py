"""The benchmark's foreach on Saltern's runtime: two stages an item, a window of 16."""

from bench.runtime_peers.ours import make_worker
from saltern_runtime.graph import Graph, Opens, Stage, node

WINDOW = 16


@node("items", type="foreach@1")
def items(*, input: int) -> list[int]:  # noqa: A002 - the name that nodes read the input by
    """List what to go over."""
    return list(range(input))


@node("step", type="set@1")
def step(*, number: int) -> int:
    """Do something with an item."""
    return number + 1


@node("items/yield", type="yield@1")
def items_yield(*, step: int) -> int:
    """Give the item's result."""
    return step


@node("return", type="return@1")
def return_(*, items: list[int]) -> int:
    """Return the result of the run."""
    return sum(items)


def loop() -> Graph:
    """One foreach."""
    body = (Stage("items/step", nodes=(step,), queue="io"), Stage("items/yield", nodes=(items_yield,)))
    owner = Stage("items", nodes=(items,), ends=Opens("number", body, result="items/yield", at_most=WINDOW))
    graph = Graph("bench_loop", package="", stages=(owner, Stage("return", nodes=(return_,))))
    graph.source_map = {"plan": "sha256:" + "e" * 64}
    return graph


app = make_worker(loop()).celery
