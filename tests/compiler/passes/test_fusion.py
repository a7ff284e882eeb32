"""Random graphs are cut into stages so that nothing waits for more than it did when each node was alone."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

import pytest

from saltern_compiler.driver import compile_source
from saltern_compiler.ir.plan import Plan, Stage
from saltern_runtime.spec import Effect
from saltern_runtime.spec.limits import AT_ONCE
from tests.support.effort import tries

HEAD = """pipeline drawn
input { n: int, rows: list<int> }
connection web = http { base_url: "https://a.example" }
"""
READ = {"plain": "", "safe": "", "effect": ".status", "loop": ".size()"}
"""Kind of a node → what stands behind its name to read a number of it."""


_KINDS = ("plain", "safe", "effect", "effect", "branch", "loop")


def _after(rng: random.Random, lines: list[str]) -> str:
    """Come after the line before, now and then, where that is a plain node."""
    last = lines[-1] if lines else ""
    is_plain = last.startswith("x") and " = set" in last
    return f" after {last.split(' ')[0]}" if is_plain and rng.random() < 0.15 else ""


def _nodes(
    rng: random.Random, count: int, depth: int, seen: tuple[str, ...] = ("input.n",)
) -> tuple[list[str], list[str]]:
    """Write nodes, and the expressions by which those after them may read them."""
    lines: list[str] = []
    known = list(seen)
    for number in range(count):
        name = f"x{rng.randrange(10**9)}"
        one, two = rng.choice(known), rng.choice(known)
        kind = rng.choice(_KINDS if depth < 2 else _KINDS[:3])
        after = _after(rng, lines)
        match kind:
            case "plain":
                lines.append(f"{name} = set{after} {{ value: {one} + {two} }}")
            case "safe":
                lines.append(f"{name} = set {{ value: {one} > 3 ? {one} : {two} }}")
            case "effect":
                policy = rng.choice(["", "", "@timeout(3s)\n"])
                lines.append(
                    f'{policy}{name} = http.request(web){after} {{ method: "POST", url: `/{{{{ {one} }}}}/{{{{ {two} }}}}` }}'
                )
            case "branch":
                inner, told = _nodes(rng, rng.randint(1, 3), depth + 1, tuple(known))
                lines += [f"{name} = if {one} > {two} {{", *inner, "}"]
                known += [f"merge({each}, 0)" for each in told if not each.startswith("merge") and "." not in each]
            case "loop":
                inner, told = _nodes(rng, rng.randint(1, 3), 2, (*known, f"row{number}{depth}"))
                last = told[-1] if told else "0"
                lines += [f"{name} = foreach row{number}{depth} in input.rows {{", *inner, f"yield {last}", "}"]
        if kind in READ:
            known.append(f"{name}{READ[kind]}")
    return lines, known[len(seen) :]


def _text(seed: int) -> str:
    rng = random.Random(seed)
    lines, known = _nodes(rng, rng.randint(3, 14), 0)
    return HEAD + "\n".join(lines) + f"\nreturn {{ all: [{', '.join(known[-5:] or ['1'])}] }}\n"


def _behind(stages: Mapping[str, Stage]) -> dict[str, frozenset[str]]:
    """Return the stages that each stage waits for, however far away; raises where that is no order."""
    behind: dict[str, frozenset[str]] = {}
    for name, stage in stages.items():
        behind[name] = frozenset().union(*(behind[need] | {need} for need in stage.needs))
    return behind


def _slow(plan: Plan) -> dict[str, frozenset[str]]:
    """Return what is not pure of what each node that is not pure waits for, as its stage does."""
    pure = {each.node.id for each in plan.nodes if each.effect is Effect.PURE and each.policy.timeout == 60}
    stages = {stage.name: stage for stage in plan.stages}
    behind = _behind(stages)
    return {
        node: frozenset(each for name in behind[stage.name] for each in stages[name].nodes if each not in pure)
        for stage in plan.stages
        for node in stage.nodes
        if node not in pure
    }


def _seeds() -> Iterator[int]:
    yield from range(tries(60, 1500))


@pytest.mark.parametrize("seeds", [[*_seeds()][part::4] for part in range(4)], ids=range(4))
def test_nothing_waits_for_more_than_alone(seeds: list[int]) -> None:
    """An effect waits for no effect that it did not wait for at -O0; no node stands twice."""
    for seed in seeds:
        plans = []
        for level in (0, 1, 2):
            result = compile_source(_text(seed), source_name="drawn.saltern", targets=(), optimize=level)
            assert result.plan is not None, (seed, _text(seed), [each.message for each in result.diagnostics])
            plans.append(result.plan)
        alone = _slow(plans[0])
        for plan in plans[1:]:
            assert all(waits <= alone[node] for node, waits in _slow(plan).items()), seed
            nodes = [node for stage in plan.stages for node in stage.nodes]
            assert len(nodes) == len(set(nodes))
            assert max(len(stage.nodes) for stage in plan.stages) <= AT_ONCE
            assert len(plan.stages) <= len(plans[0].stages)
