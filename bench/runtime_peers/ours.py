"""The benchmark's pipelines on Saltern's runtime: chains of ten, and a fan-out of a hundred with a join."""

import os
from typing import Any

from saltern_runtime.engine.celery import Bell, Worker
from saltern_runtime.graph import Graph, Node, Stage, node

WIDTH = 100


def step(name: str, reads: str | None) -> Node[Any, Any]:
    """Make a node that adds one to what it reads."""
    source = f"def {name}(*, {reads or 'input'}: int) -> int:\n    return {reads or 'input'} + 1\n"
    space: dict[str, Any] = {}
    exec(source, space)
    return node(name, type="set@1")(space[name])


def total(name: str, reads: list[str]) -> Node[Any, Any]:
    """Make a node that sums what it reads."""
    keywords = ", ".join(f"{each}: int" for each in reads)
    source = f"def {name}(*, {keywords}) -> int:\n    return {' + '.join(reads)}\n"
    space: dict[str, Any] = {}
    exec(source, space)
    return node("return", type="return@1")(space[name])


def chain(length: int = 10) -> Graph:
    """Stages one after the other."""
    names = [f"s{index}" for index in range(length)]
    nodes = [step(name, names[index - 1] if index else None) for index, name in enumerate(names)]
    graph = Graph("bench_chain", package="", stages=tuple(Stage(each.id, nodes=(each,)) for each in nodes))
    graph.source_map = {"plan": "sha256:" + "c" * 64}
    return graph


def fan() -> Graph:
    """One stage, a hundred after it, one that joins them; relays where more than 64 hang on one."""
    first = step("first", None)
    leaves = [step(f"leaf{index}", "first") for index in range(WIDTH)]
    relays = [f"relay{index}" for index in range(2)]
    stages = [
        Stage("first", nodes=(first,)),
        *(Stage(name, nodes=(), after=("first",)) for name in relays),
        *(Stage(each.id, nodes=(each,), relay=(relays[index % 2],)) for index, each in enumerate(leaves)),
        Stage("join", nodes=(total("join", [each.id for each in leaves]),)),
    ]
    graph = Graph("bench_fan", package="", stages=tuple(stages))
    graph.source_map = {"plan": "sha256:" + "f" * 64}
    return graph


def make_worker(graph: Graph) -> Worker:
    """Register a task a stage."""
    worker = Worker(graph)

    def answer(bell: Bell) -> None:
        worker.answer(bell)

    for name in graph.stages:
        worker.register(name, answer)
    return worker


app = make_worker(fan() if os.environ.get("SALTERN_BENCH") == "fan" else chain()).celery
