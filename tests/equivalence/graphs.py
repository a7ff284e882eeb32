"""What the graph of a region says of its nodes: what each waits for, hangs on, and what goes on without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from saltern_compiler.expr.ast import references
from saltern_compiler.ir.pipeline import Node, Pipeline, Region
from saltern_compiler.ir.values import Literal as Plain
from saltern_compiler.ir.values import ObjectValue, expressions


@dataclass(frozen=True, slots=True)
class Done:
    """How a node, an item or a region ended; `past` are the events that came before that."""

    state: Literal["value", "skipped", "failed", "stopped", "unreached"]
    past: frozenset[int]
    value: Any = None
    """The value, or the failure as an `on error` sees it, or the Stop."""


def in_order(region: Region) -> Iterator[tuple[Node, Sequence[str]]]:
    """Yield the nodes that run, each after all that it needs, with these."""
    ids = {node.id: node for node in region.nodes if node.type not in {"check", "compensate"}}
    left = {
        name: sorted(needs_of(node, region) & ids.keys()) if not node.disabled else [] for name, node in ids.items()
    }
    ended: set[str] = set()
    while left:
        name = next(name for name, needs in left.items() if ended.issuperset(needs))
        yield ids[name], left.pop(name)
        ended.add(name)


def needs_of(node: Node, region: Region) -> set[str]:
    """Return the names that a node, or what stands in it, reads, hangs on or comes after; after a branch, all that hangs on it too."""
    found = {each.name for _, value in node.params for part in expressions(value) for each in references(part.expr)}
    found |= {edge.source for edge in node.control}
    behind = set(node.after)
    while more := {
        other.id for other in region.nodes for edge in other.control if edge.source in behind
    } - behind - {node.id}:  # fmt: skip
        behind |= more
    found |= behind
    if node.body is not None:
        inner = {each.id for each in node.body.nodes} | set(node.body.variables)
        for each in node.body.nodes:
            found |= needs_of(each, node.body) - inner
    return found


def passed_over(region: Region, pipeline: Pipeline) -> frozenset[str]:
    """Return the nodes without which their graph goes on where they fail."""
    found = {edge.source for node in region.nodes for edge in node.control if edge.handle in {"success", "error"}}
    for node in region.nodes:
        if (node.policy.on_error or pipeline.policy.on_error) == "continue":
            found.add(node.id)
        found.update(arms_of(node))
    return frozenset(found)


def states_of(pipeline: Pipeline, local: Mapping[str, Done], ended: Done) -> Mapping[str, str]:
    """Return how the nodes of a run's own graph ended that are not disabled; they are in `local`, with what the run's end was.

    Where one of them ended the run early, what came before that one did so for certain; the rest did perhaps, `value?`, unless it is
    behind what failed: `unreached`. What ended the run is `end`.
    """
    needs = {node.id: set(found) - arms_of(node).keys() for node, found in in_order(pipeline.body) if not node.disabled}
    last = next((name for name, done in local.items() if done is ended), "")
    if not last:
        return {name: local[name].state for name in needs}
    sure, todo = set[str](), [last]
    while todo:
        found = needs.get(todo.pop(), set()) - sure
        sure |= found
        todo += found
    states = {name: local[name].state for name in needs}
    states = {name: at if name in sure or at == "unreached" else f"{at}?" for name, at in states.items()}
    blamed = ended.value.node if ended.state == "stopped" else ended.value["node"]
    return {**states, last: f"{ended.state} {'last' if blamed == last else 'inside'}"}


def arms_of(node: Node) -> Mapping[str, str]:
    """Return the arms of a race: id → name."""
    values = node.param("values")
    if node.type != "parallel" or plain(node, "join", "all") == "all" or not isinstance(values, ObjectValue):
        return {}
    return {f"{node.id}/{name}": name for name, _ in values.fields}


def ends_all(name: str, local: Mapping[str, Done], passed: frozenset[str]) -> bool:
    state = local[name].state
    return state in {"stopped", "unreached"} or (state == "failed" and name not in passed)


def gate_opens(node: Node, local: Mapping[str, Done]) -> bool:
    taken = []
    for edge in node.control:
        done = local[edge.source]
        match edge.handle:
            case "success":
                taken.append(done.state == "value")
            case "error":
                taken.append(done.state == "failed")
            case handle:
                taken.append(done.state == "value" and done.value == handle)
    return not taken or (any(taken) if node.join == "any" else all(taken))


def plain(node: Node, name: str, default: Any) -> Any:
    value = node.param(name)
    return value.value if isinstance(value, Plain) else default
