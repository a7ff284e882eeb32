"""The types of all values, in the order of data flow, and a typed tree for each expression."""

from __future__ import annotations

from dataclasses import field, replace
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.ir.bound import bound_by
from saltern_compiler.ir.graph import own_reads
from saltern_compiler.ir.pipeline import INNER_TYPES, NEXT, RETURN, STOP, YIELD, Node, Pipeline
from saltern_compiler.passes.analyses.conditions import TRUE, Conditions
from saltern_compiler.passes.analyses.parameter_types import Visit, type_param
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.base import Analysis, Context
from saltern_compiler.passes.layers import decide, layers
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ANY, NULL, Bound, Effect, NodeType, Severity, Type, chosen, optional
from saltern_runtime.spec.names import COMPENSATE, ERROR, OUTCOMES, SUCCESS


@dataclass(slots=True)
class Types:
    """What typing finds out about one pipeline."""

    of: dict[str, Type] = field(default_factory=dict)
    """Node id → the type of its value; `any` where errors hide it."""
    effects: dict[str, Effect] = field(default_factory=dict)
    """Node id → what a repeated call does to the world; unknown types are left out."""
    skippable: dict[str, frozenset[str]] = field(default_factory=dict)
    """Node id → those of its reads that may have been skipped when it runs; nodes without such are left out."""
    items: dict[str, Type] = field(default_factory=dict)
    """Id of a region's owner → the type of its items."""
    conditions: Conditions = field(default_factory=Conditions)
    """When each node runs and has a value; nodes on and behind a cycle are left out."""
    nodes: dict[str, Node] = field(default_factory=dict)
    """Node id → the node, each of its expressions with its typed tree."""
    findings: list[tuple[Diagnostic, str]] = field(default_factory=list)
    """Each with the id of the node that it is about."""
    broken: set[str] = field(default_factory=set)
    """Ids of nodes with errors, those found before among them."""

    def report(self, diagnostic: Diagnostic, node_id: str) -> None:
        """Keep a finding about a node."""
        self.findings.append((diagnostic, node_id))
        if diagnostic.severity is Severity.ERROR:
            self.broken.add(node_id)


def types_of(pipeline: Pipeline, context: Context) -> Types:
    """Type every node; those on and behind a cycle come last, and give `any`."""
    shape = context.get(SHAPE, pipeline)
    return _Typing(pipeline, context, shape, Types(broken=set(context.broken)), shape.outcomes).run()


def output_of(pipeline: Pipeline, types: Types) -> Type:
    """Return the type of what a pipeline gives: as it is declared, else as it is."""
    if pipeline.output is not None:
        return pipeline.output
    if pipeline.body.node(RETURN) is None:
        return NULL
    always = types.conditions.has_value[RETURN] == TRUE
    return types.of[RETURN] if always else optional(types.of[RETURN])


TYPES: Final = Analysis("types", types_of)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was found out about a node that nothing is wrong with, and what it hung on."""

    node: Node
    spec: NodeType
    hangs_on: tuple[object, ...]
    typed: Node
    bound: Bound
    of: Type
    effect: Effect


@dataclass(frozen=True, slots=True)
class _Typing:
    pipeline: Pipeline
    context: Context
    shape: Shape
    types: Types
    outcomes: frozenset[str]
    bounds: dict[str, Bound] = field(default_factory=dict)

    def run(self) -> Types:
        flowing = set(self.shape.order)
        for node_id in (*self.shape.order, *(other for other in self.shape.nodes if other not in flowing)):
            if node_id in flowing:
                self._add_condition(self.shape.nodes[node_id])
            self._type(self.shape.nodes[node_id])
            if node_id in flowing:
                self.types.conditions.branch(node_id, self._branches(node_id))
        return self.types

    def _add_condition(self, node: Node) -> None:
        shape, conditions = self.shape, self.types.conditions
        connection = shape.connections.get(node.connection or "")
        connector = self.context.registry.connector(connection.connector) if connection is not None else None
        on_error, _ = decide(list(layers(node, shape.spec(node.id), connection, connector, self.pipeline)), "on_error")
        conditions.add(
            node.id,
            [
                (edge.source, "" if edge.handle in {SUCCESS, COMPENSATE} else edge.handle)
                for edge in shape.control[node.id]
            ],
            any_of=node.join == "any",
            fallible=on_error == "continue" or node.id in self.outcomes,
            disabled=node.disabled,
        )
        skippable = {
            name
            for name in shape.reads[node.id]
            if name in conditions.has_value
            and not conditions.implies(conditions.runs[shape.beside(node.id, name)], conditions.has_value[name])
        }
        if skippable:
            self.types.skippable[node.id] = frozenset(skippable)

    def _type(self, node: Node) -> None:
        """Type a node, or take what was found out about the very same one with the same around it."""
        spec, memory, types = self.shape.spec(node.id), self.context.memory, self.types
        if memory is None or spec is None or spec.region is not None or node.type in INNER_TYPES:
            self._find(node, spec)
            return
        hangs_on = self._hangs_on(node)
        kept = memory.types.get(id(node))
        if kept is None or kept.node is not node or kept.spec is not spec or kept.hangs_on != hangs_on:
            memory.typed += 1
            found = len(types.findings)
            self._find(node, spec)
            if len(types.findings) > found:  # what a finding says may hang on anything
                return
            kept = _Kept(
                node,
                spec,
                hangs_on,
                types.nodes[node.id],
                self.bounds[node.id],
                types.of[node.id],
                types.effects[node.id],
            )
        memory.types_now[id(node)] = kept
        types.nodes[node.id], self.bounds[node.id] = kept.typed, kept.bound
        types.of[node.id], types.effects[node.id] = kept.of, kept.effect

    def _hangs_on(self, node: Node) -> tuple[object, ...]:
        """Return all that the types of a node's parameters follow from, beside the node and its type."""
        shape, types = self.shape, self.types
        return (
            self.pipeline.input,
            self.pipeline.output if node.type in (RETURN, STOP) else None,
            self.context.files,
            shape.awaiting,
            node.id in types.broken,
            types.skippable.get(node.id),
            tuple((name, types.items.get(owner)) for name, owner in shape.items(node.id).items()),
            tuple((read.name, shape.sees(node.id, read.name), types.of.get(read.name)) for read in own_reads(node)),
        )

    def _find(self, node: Node, spec: NodeType | None) -> None:
        visit = Visit(node, spec, self.pipeline, self.context, self.shape, self.types)
        given: dict[str, Type] = {}
        params = []
        for name, value in node.params:
            given[name], typed = type_param(visit, name, value)
            params.append((name, typed))
        self.types.nodes[node.id] = replace(node, params=tuple(params))
        bound = self.bounds[node.id] = bound_by(node, given, self.context.files)
        self._finish(node, spec, bound)
        if spec is not None and spec.region is not None:
            self.types.items[node.id] = spec.region.item(bound)
        elif node.type == NEXT and node.id in self.shape.owner:
            self.types.of[node.id] = self.types.items.get(self.shape.owner[node.id], ANY)
        elif node.type == YIELD and node.id in self.shape.owner:
            owner = self.shape.owner[node.id]
            self.types.of[owner] = self._gathered(owner, node.id)

    def _gathered(self, owner: str, result: str) -> Type:
        """Return the type of a region, given the node that its body yields with."""
        region, bound = self.shape.specs[owner].region, self.bounds[owner]
        assert region is not None, "only regions own nodes"
        yielded = self.types.of[result]
        always = self.types.conditions.has_value.get(result, TRUE) == TRUE
        leaves_null = region.on_skip == "null" and not (always and chosen(region.on_error, bound.literals) == "stop")
        return region.result(optional(yielded) if leaves_null else yielded, bound)

    def _branches(self, node_id: str) -> tuple[str, ...]:
        """Return the handles of which always one is taken."""
        spec, handles = self.shape.spec(node_id), self.shape.handles(node_id)
        if handles == OUTCOMES:
            return ("", ERROR) if node_id in self.outcomes else ()
        if not handles or spec is None or spec.taken is None:
            return handles or ()
        return spec.taken(self.bounds[node_id])

    def _finish(self, node: Node, spec: NodeType | None, bound: Bound) -> None:
        """Let the node type check what is bound, and keep the type and effect that follow from it."""
        types = self.types
        if spec is None:
            types.of[node.id] = ANY
            return
        if node.id not in types.broken:
            for problem in spec.check(bound):
                value = node.param(problem.param)
                place = value.origin if value is not None else node.place("params")
                declared = self.context.registry.declared(problem.code, spec)
                finding = Diagnostic(problem.code, problem.message, place, notes=problem.notes, declared=declared)
                types.report(finding, node.id)
        known = node.id not in types.broken or not callable(spec.result)
        types.of[node.id] = (spec.result(bound) if callable(spec.result) else spec.result) if known else ANY
        if callable(spec.effect):
            types.effects[node.id] = spec.effect(bound) if node.id not in types.broken else Effect.EXTERNAL
        else:
            types.effects[node.id] = spec.effect
