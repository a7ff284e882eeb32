"""Branches that no run takes, and conditions that are always the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field, replace

from saltern_compiler.ir.pipeline import RESULT_TYPES, ControlEdge, Node, Pipeline, map_nodes
from saltern_compiler.ir.plan import Change
from saltern_compiler.ir.values import Literal
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.base import Context, Pass
from saltern_compiler.passes.eliding import Known, keeps_types
from saltern_compiler.passes.skipped import without
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Emit
from saltern_runtime.spec.names import ELSE, THEN, case_handle


@dataclass(frozen=True, slots=True)
class BranchPruning(Pass):
    """Take out what hangs on a handle that is never taken; what hangs on one that always is, hangs on what the branch does.

    A branch that others come `after` stays what they wait for, and what waited for something through a node that is gone comes `after`
    it: no effect may come before a failure that it came behind.
    """

    name: str = "branch_pruning"

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:
        """Return the pipeline with the branches that may run."""
        shape = context.get(SHAPE, pipeline)
        taken = {node_id: handle for node_id in shape.order if (handle := _taken(node_id, shape))}
        outside = {node_id: handle for node_id, handle in taken.items() if node_id not in shape.owner}
        for tried in (taken, outside):  # a body that yields another type makes another list
            own = replace(context, elided=[], changes=[])
            pruned = self._pruned(pipeline, tried, shape, own) if tried else pipeline
            if pruned is pipeline or keeps_types(pipeline, pruned, context):
                context.elided.extend(own.elided)
                context.changes.extend(own.changes)
                return pruned
        return pipeline

    def _pruned(self, pipeline: Pipeline, taken: Mapping[str, str], shape: Shape, context: Context) -> Pipeline:
        dead = _Dead(shape, taken)
        gone = dead.found()
        while blocked := {dead.because[node_id] for node_id in gone if _is_result(node_id, dead)}:
            taken = {node_id: handle for node_id, handle in taken.items() if node_id not in blocked}
            dead = _Dead(shape, taken)
            gone = dead.found()
        for node_id in gone:
            branch = dead.because[node_id]
            words = f"{branch} always takes `{taken[branch]}`, so no run comes here"
            context.elide(shape.nodes[node_id], self.name, words, branch, skipped=True)
        pruned = _waiting(without(pipeline, gone, context.registry), pipeline, frozenset(gone), context)
        awaited = {name for node in pruned.body.walk() for name in node.after}
        plain: dict[str, tuple[ControlEdge, ...]] = {}
        for node_id in taken:  # in the order of data flow, so that what a branch hangs on is known by then
            node = shape.nodes[node_id]
            if node_id not in gone and node_id not in awaited and _is_plain(node):
                plain[node_id] = _resolved(node.control, plain)
        body = map_nodes(pruned.body, lambda node: self._freed(node, plain, context))
        return pruned if body is pruned.body else replace(pruned, body=body)

    def _freed(self, node: Node, plain: Mapping[str, tuple[ControlEdge, ...]], context: Context) -> Node:
        """Let a node hang on what its branch hangs on, and again on what that does."""
        if node.join != "all" and len(node.control) > 1:
            return node
        control = _resolved(node.control, plain)
        if control == node.control:
            return node
        branches = ", ".join(sorted({edge.source for edge in node.control if edge.source in plain}))
        context.changes.append(
            Change(node.id, self.name, f"it no longer waits for {branches}, which always takes its branch")
        )
        edges = tuple(sorted(dict.fromkeys(control), key=lambda edge: (edge.source, edge.handle)))
        return replace(node, control=edges, join="all")


def _is_result(node_id: str, dead: _Dead) -> bool:
    """Whether a node gives what a graph gives that is not dead itself: that it is skipped there means something."""
    return dead.shape.nodes[node_id].type in RESULT_TYPES and dead.shape.owner.get(node_id, "") not in dead.because


def _waiting(pruned: Pipeline, given: Pipeline, gone: frozenset[str], context: Context) -> Pipeline:
    """Have nodes come after what they waited for through nodes that are gone, as far as that does anything, or may fail."""
    if not gone:
        return pruned
    known, left = Known.of(given, context), context.get(SHAPE, pruned)
    shape = known.shape
    nothing = {
        each for each in shape.order if known.is_pure(shape.nodes[each]) and known.cannot_fail(shape.nodes[each])
    }
    waited = _sources(shape, gone | nothing)
    waits = _sources(left, nothing)
    missing = {
        node_id: waited[node_id] - _all_before(node_id, waits)
        for node_id in left.order
        if waited[node_id] - waits[node_id]
    }

    def after(node: Node) -> Node:
        names = missing.get(node.id)
        return replace(node, after=tuple(sorted({*node.after, *names}))) if names else node

    body = map_nodes(pruned.body, after)
    return pruned if body is pruned.body else replace(pruned, body=body)


def _sources(shape: Shape, through: Collection[str]) -> Mapping[str, frozenset[str]]:
    """Return node → what it waits for beside it, seen through some nodes."""
    found: dict[str, frozenset[str]] = {}
    for node_id in shape.order:
        sources = [found[each] if each in through else frozenset((each,)) for each in shape.before[node_id]]
        found[node_id] = frozenset().union(*sources)
    return found


def _all_before(node_id: str, waits: Mapping[str, frozenset[str]]) -> set[str]:
    """Return all that a node waits for, however far away."""
    found, todo = set[str](), [node_id]
    while todo:
        for each in waits[todo.pop()] - found:
            found.add(each)
            todo.append(each)
    return found


def _resolved(
    control: tuple[ControlEdge, ...], plain: Mapping[str, tuple[ControlEdge, ...]]
) -> tuple[ControlEdge, ...]:
    """Put what a plain branch hangs on in its place."""
    return tuple(dict.fromkeys(new for edge in control for new in plain.get(edge.source, (edge,))))


def _is_plain(branch: Node) -> bool:
    return not branch.after and (branch.join == "all" or len(branch.control) <= 1)


def _taken(node_id: str, shape: Shape) -> str:
    """Return the handle that a node takes in every run that comes to it; empty where that hangs on the run."""
    node, spec = shape.nodes[node_id], shape.spec(node_id)
    if spec is None or node.disabled or node_id in shape.outcomes:
        return ""
    condition, value, cases = node.param("condition"), node.param("value"), node.param("cases")
    if spec.emit is Emit.IF and isinstance(condition, Literal):
        return {True: THEN, False: ELSE}.get(condition.value, "") if isinstance(condition.value, bool) else ""
    if (
        spec.emit is Emit.SWITCH
        and isinstance(value, Literal)
        and isinstance(cases, Literal)
        and isinstance(cases.value, list)
    ):
        given = value.value
        if given is None or isinstance(given, str | bool) or type(given) is int:
            same = any(type(case) is type(given) and case == given for case in cases.value)
            return case_handle(given) if same else ELSE
    return ""


@dataclass(slots=True)
class _Dead:
    """Finds what hangs on handles that are never taken, and what hangs on that."""

    shape: Shape
    taken: Mapping[str, str]
    because: dict[str, str] = field(default_factory=dict)
    """Id of a dead node → the branch that never comes to it."""

    def found(self) -> tuple[str, ...]:
        for node_id in self.shape.order:
            branch = self._branch(node_id)
            if branch:
                self.because[node_id] = branch
        return tuple(self.because)

    def _branch(self, node_id: str) -> str:
        owner = self.shape.owner.get(node_id, "")
        if owner in self.because:
            return self.because[owner]
        node = self.shape.nodes[node_id]
        branches = [self._of(edge) for edge in node.control]
        dead = [branch for branch in branches if branch]
        return dead[0] if dead and (node.join == "all" or len(dead) == len(branches)) else ""

    def _of(self, edge: ControlEdge) -> str:
        if edge.source in self.because:
            return self.because[edge.source]
        return edge.source if edge.handle != self.taken.get(edge.source, edge.handle) else ""
