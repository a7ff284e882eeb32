"""What is the same in every round of a loop, and walks a list, is computed once before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from saltern_compiler.expr.ast import Expr, Macro, children
from saltern_compiler.ir.graph import own_reads
from saltern_compiler.ir.pipeline import Node, Pipeline, Region
from saltern_compiler.ir.plan import Change
from saltern_compiler.ir.values import expressions
from saltern_compiler.passes.base import Context, Pass
from saltern_compiler.passes.eliding import Known, renamed
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Emit, Policy


@dataclass(frozen=True, slots=True)
class LoopInvariants(Pass):
    """Let a node before the loop compute it, which hangs on what the loop hangs on, and each round read that.

    It may run where no round does, so it cannot fail; and it may be a stage more, so only a small value is worth it that is made of a list.
    """

    name: str = "loop_invariants"

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:
        """Return the pipeline with such nodes before their loops, from the inside out."""
        made: set[str] = set()
        while True:
            known = Known.of(pipeline, context)
            found = next(_found(known), None)
            if found is None:
                return pipeline
            node, owner, host = found
            name = node.id
            if name not in made:  # else it goes out of another loop, under the name that it has
                name = _name(f"{node.id}_once", known)
                made.add(name)
                because = f"it is the same in each round of {owner.id}, so it is computed once, before the first"
                context.elide(node, self.name, because, host, made=name)
                context.changes.append(Change(name, self.name, f"it stands for {node.id} in each round of {owner.id}"))
            pipeline = replace(pipeline, body=_moved(pipeline.body, node, owner, name))


def _found(known: Known) -> Iterator[tuple[Node, Node, str]]:
    shape = known.shape
    needed = {name for node in shape.nodes.values() for name in (*node.after, *(edge.source for edge in node.control))}
    for node_id in shape.order:
        node, owner = shape.nodes[node_id], shape.nodes.get(shape.owner.get(node_id, ""))
        if owner is None or owner.body is None or node_id in needed or shape.specs[owner.id].emit is not Emit.VALUE:
            continue
        inside = {*owner.body.variables, *(inner.id for inner in owner.body.nodes)}
        free = not node.control and not node.after and node.policy == Policy() and not node.disabled
        if not free or not known.is_pure(node) or any(read.name in inside for read in own_reads(node)):
            continue
        if _is_work(node) and known.is_small(node) and known.always_reads(node) and known.cannot_fail(node):
            host = known.host(node, ())
            if host:
                yield node, owner, host


def _is_work(node: Node) -> bool:
    """Whether a node walks a list."""
    return any(_walks(part.expr) for _, value in node.params for part in expressions(value))


def _walks(expr: Expr) -> bool:
    return (isinstance(expr, Macro) and expr.kind != "has") or any(map(_walks, children(expr)))


def _name(wanted: str, known: Known) -> str:
    taken, name, count = known.names(), wanted, 2
    while name in taken:
        name, count = f"{wanted}{count}", count + 1
    return name


def _moved(region: Region, node: Node, owner: Node, made: str) -> Region:
    """Take a node out of its owner's body and put it beside the owner, under another name."""
    nodes: list[Node] = []
    for each in region.nodes:
        if each.id == owner.id and each.body is not None:
            left = tuple(_reading(inner, {node.id: made}) for inner in each.body.nodes if inner.id != node.id)
            nodes += [
                replace(each, body=replace(each.body, nodes=left)),
                replace(node, id=made, control=owner.control, join=owner.join),
            ]
        else:
            nodes.append(each if each.body is None else replace(each, body=_moved(each.body, node, owner, made)))
    return replace(region, nodes=tuple(sorted(nodes, key=lambda each: each.id)))


def _reading(node: Node, names: Mapping[str, str]) -> Node:
    """Let a node, and all in its body, read under other names."""
    node = renamed(node, names)
    if node.body is None:
        return node
    return replace(node, body=replace(node.body, nodes=tuple(_reading(inner, names) for inner in node.body.nodes)))
