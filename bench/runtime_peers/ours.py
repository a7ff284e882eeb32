"""The benchmark's pipelines on Saltern's runtime: a stage for each node, as if it had an effect; or what the compiler makes of pure ones."""

import importlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.cases import CASES, Case
from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.engine.celery import Bell, Worker
from saltern_runtime.graph import Graph, Node, Opens, Stage, node

MOST = 64
"""Stages that hang on one without a relay between."""
TREE = "SALTERN_BENCH_TREE"
"""Names the folder of the compiled tree."""


def step(name: str, reads: str, seconds: float) -> Node[Any, Any]:
    """Make a node that adds one to what it reads, after a while."""
    sleep = f"    time.sleep({seconds})\n" if seconds else ""
    return _made(
        name, "set@1", name, f"import time\ndef {name}(*, {reads}: int) -> int:\n{sleep}    return {reads} + 1\n"
    )


def total(reads: list[str]) -> Node[Any, Any]:
    """Make the node that sums what it reads."""
    keywords = ", ".join(f"{each}: int" for each in reads)
    return _made("return", "return@1", "total", f"def total(*, {keywords}) -> int:\n    return {' + '.join(reads)}\n")


def _made(name: str, type_: str, function: str, source: str) -> Node[Any, Any]:
    space: dict[str, Any] = {}
    exec(source, space)
    return node(name, type=type_)(space[function])


def chain(case: Case) -> list[Stage]:
    """Stages one after the other."""
    names = [f"s{index}" for index in range(case.width)]
    return [
        Stage(name, nodes=(step(name, before, case.seconds),))
        for name, before in zip(names, ("input", *names), strict=False)
    ]


def fan(case: Case) -> list[Stage]:
    """One stage, many after it, one that joins them; relays where more than 64 hang on one."""
    leaves = [step(f"leaf{index}", "first", case.seconds) for index in range(case.width)]
    relays = [f"relay{index}" for index in range(-(-case.width // MOST))] if case.width > MOST else []
    hangs = [(relays[index % len(relays)],) if relays else () for index in range(case.width)]
    return [
        Stage("first", nodes=(step("first", "input", case.seconds),)),
        *(Stage(name, nodes=(), after=("first",)) for name in relays),
        *(Stage(each.id, nodes=(each,), relay=relay) for each, relay in zip(leaves, hangs, strict=True)),
        Stage("join", nodes=(total([each.id for each in leaves]),)),
    ]


def loop(case: Case) -> list[Stage]:
    """One foreach, a node an item, 16 at a time."""
    items = _made(
        "items", "foreach@1", "items", f"def items(*, input: int) -> list[int]:\n    return list(range({case.width}))\n"
    )
    inner = _made("items/yield", "yield@1", "inner", "def inner(*, number: int) -> int:\n    return number + 1\n")
    last = _made("return", "return@1", "last", "def last(*, items: list[int]) -> int:\n    return sum(items)\n")
    opens = Opens("number", (Stage("items/yield", nodes=(inner,)),), result="items/yield", at_most=16)
    return [Stage("items", nodes=(items,), ends=opens), Stage("return", nodes=(last,))]


def pure(case: Case) -> str:
    """Write a pipeline of pure nodes as a text of the language."""
    lines = [f"pipeline {case.name}", "input { value: int }", "output { value: int }", "on api", ""]
    if case.shape == "chain":
        for index in range(case.width):
            lines.append(f"s{index} = set {{ value: {f's{index - 1}' if index else 'input.value'} + 1 }}")
        return "\n".join([*lines, f"return {{ value: s{case.width - 1} }}"]) + "\n"
    lines.append("first = set { value: input.value + 1 }")
    lines += [f"leaf{index} = set {{ value: first + 1 }}" for index in range(case.width)]
    return (
        "\n".join([*lines, f"return {{ value: {' + '.join(f'leaf{index}' for index in range(case.width))} }}"]) + "\n"
    )


def compiled(case: Case) -> Graph:
    """Compile a pure case, once for all processes, and return its graph."""
    if TREE not in os.environ:
        result = compile_source(pure(case), source_name=f"{case.name}.saltern", targets=("python",))
        assert not result.has_errors, result.diagnostics
        os.environ[TREE] = str(Path(tempfile.mkdtemp(prefix="saltern-bench-")) / "tree")
        write_tree(result.artifacts, Path(os.environ[TREE]))
    sys.path.insert(0, os.environ[TREE])
    graph: Graph = importlib.import_module(f"{case.name}.graph").GRAPH
    return graph


def graph_of(case: Case, prefix: str = "bench") -> Graph:
    """Return the graph of a case, whose service has a name that begins so."""
    if case.pure:
        return compiled(case)
    stages = {"chain": chain, "fan": fan, "loop": loop}[case.shape](case)
    graph = Graph(f"{prefix}_{case.name}", package="", stages=tuple(stages))
    graph.source_map = {"plan": "sha256:" + case.name.encode().hex().ljust(64, "0")[:64]}
    return graph


def make_worker(graph: Graph) -> Worker:
    """Register a task a stage."""
    worker = Worker(graph)

    def answer(bell: Bell) -> None:
        worker.answer(bell)

    for name in graph.stages:
        worker.register(name, answer)
    return worker


if os.environ.get("SALTERN_BENCH"):
    app = make_worker(graph_of(CASES[os.environ["SALTERN_BENCH"]])).celery
