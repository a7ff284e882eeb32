"""Which labels each value carries, where labelled values leave a run, and which labels are taken away.

Labels follow values: a node that runs only where something labelled holds carries nothing for that. In a `while`, what a round hands on is
followed until nothing is added. A pipeline that is called, or started, is followed with what its caller hands to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from itertools import count
from typing import Final

from saltern_compiler.diagnostics.model import Origin
from saltern_compiler.expr.ast import Call, Const, Expr, children
from saltern_compiler.expr.library.core import DECLASSIFY
from saltern_compiler.ir.pipeline import GIVES, NEXT, RETURN, YIELD, Connection, Node, Pipeline
from saltern_compiler.ir.values import TypeValue, expressions
from saltern_compiler.passes.analyses.carried import Reader
from saltern_compiler.passes.analyses.labels import (
    NONE,
    Carried,
    Labels,
    Source,
    Step,
    Way,
    alike,
    by_label,
    declared,
    everything,
    fields,
    flat,
    is_marked,
    joined,
    stepped,
    whole,
)
from saltern_compiler.passes.analyses.results import Taken, result_of, words
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.analyses.sinks import CACHE, OUTPUT, RUN, Sink, is_output, sinks
from saltern_compiler.passes.analyses.types import TYPES, Types
from saltern_compiler.passes.base import Analysis, Context
from saltern_compiler.passes.layers import decide, layers
from saltern_compiler.passes.uses import Callee, nodes_in_all
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ANY, Emit, Label, NodeType, RegionSpec, Type
from saltern_runtime.spec.names import INPUT

_MOST: Final = 10_000
"""Nodes, those of calls among them: a pipeline that has more is refused."""
_ROUNDS: Final = 10
"""Rounds of a `while` in which its state is told apart; behind these it carries as a whole what any part of it does."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something labelled that goes somewhere."""

    node: str
    param: str
    sink: Sink
    label: Label
    origin: Origin
    ways: tuple[Way, ...]
    """One for each source, the shortest first; the last step of each is the parameter."""
    inside: str = ""
    """Where it happens, if that is a pipeline that is called: "send.saltern at 4:1"."""

    @property
    def is_refused(self) -> bool:
        """Whether it may not go there."""
        return self.label not in self.sink.accepts

    def and_also(self, ways: tuple[Way, ...]) -> Arrival:
        """Return it with what comes from further sources."""
        known = {way.source for way in self.ways}
        return replace(self, ways=(*self.ways, *(way for way in ways if way.source not in known)))


@dataclass(frozen=True, slots=True)
class Declassified:
    """A `declassify`, and what it takes away."""

    node: str
    param: str
    origin: Origin
    because: str
    ways: tuple[Way, ...]
    is_annotated: bool = False
    """Whether own code says so, for whatever it may be called with."""


@dataclass(slots=True)
class Flow:
    """What is known of the labels of a pipeline."""

    values: dict[str, Labels] = field(default_factory=dict)
    """Node id → what its value carries; nodes on and behind a cycle are left out."""
    items: dict[str, Labels] = field(default_factory=dict)
    """Node id → what an item, or the state, of its region carries."""
    arrivals: tuple[Arrival, ...] = ()
    declassified: tuple[Declassified, ...] = ()
    held: Carried = field(default_factory=dict)
    """All that its nodes were bound to: what a message about a failure may repeat."""

    @property
    def output(self) -> Labels:
        """What the pipeline gives carries."""
        return self.values.get(RETURN, NONE)


def flow_of(pipeline: Pipeline, context: Context) -> Flow:
    """Follow the labels of a pipeline."""
    shape, types = context.get(SHAPE, pipeline), context.get(TYPES, pipeline)
    if not _has_sources(pipeline, shape, types, context):
        return Flow(declassified=tuple(_written(shape, context)))
    given = declared(pipeline.input, INPUT, pipeline.place("input"))
    follows = not context.uses or nodes_in_all(pipeline, context.uses) <= _MOST
    return _Walk(context, shape, types, pipeline, shape.connections, given, follows=follows).run()


FLOW: Final = Analysis("flow", flow_of)


def _has_sources(pipeline: Pipeline, shape: Shape, types: Types, context: Context) -> bool:
    """Whether anything could have a label: most pipelines without one are told by a look."""
    return (
        is_marked(pipeline.input)
        or bool(context.uses)
        or any(connection.labels(GIVES) for connection in pipeline.connections)
        or any(_may_mark(node, shape.spec(node.id)) and is_marked(types.of[node.id]) for node in shape.nodes.values())
    )


def _may_mark(node: Node, spec: NodeType | None) -> bool:
    """Whether the type of a node's value is written down by somebody."""
    own = spec is not None and bool(spec.imports_param)
    return own or any(isinstance(value, TypeValue) for _, value in node.params)


def _written(shape: Shape, context: Context) -> Iterator[Declassified]:
    """Yield what is declassified where nothing has a label."""
    for node in shape.nodes.values():
        if context.is_clean(DECLASSIFY, node):
            continue
        found = [
            Declassified(node.id, name, each.origin.within(*call.span), _because(call), ())
            for name, value in node.params
            for each in expressions(value)
            for call in _calls(each.expr)
        ]
        if not found:
            context.settle(DECLASSIFY, node)
        yield from found


def _calls(of: Expr) -> Iterator[Call]:
    if isinstance(of, Call) and of.function == DECLASSIFY and of.target is None:
        yield of
    for each in children(of):
        yield from _calls(each)


def _because(call: Call) -> str:
    reason = call.args[1] if len(call.args) > 1 else None
    return reason.value if isinstance(reason, Const) and isinstance(reason.value, str) else ""


@dataclass(slots=True)
class _Walk:
    """Follows the labels of one pipeline."""

    context: Context
    shape: Shape
    types: Types
    pipeline: Pipeline
    connections: Mapping[str, Connection]
    """Name → what stands for it here: a caller may have put another one in its place."""
    given: Labels
    """What the input carries."""
    call: Origin | None = None
    """Of a pipeline that is called: where, in the source that is compiled."""
    file: Callee | None = None
    is_run: bool = True
    """Whether what it returns is the output of a run."""
    follows: bool = True
    """Whether calls are followed: there are not more nodes than a pipeline may have."""
    replaced: Mapping[str, Connection] = field(default_factory=dict)
    """Name → the connection of a caller that stands in for it, here and in what is called from here."""
    values: dict[str, Labels] = field(default_factory=dict)
    items: dict[str, Labels] = field(default_factory=dict)
    held: dict[str, Carried] = field(default_factory=dict)
    arrivals: dict[tuple[object, ...], Arrival] = field(default_factory=dict)
    declassified: dict[Origin, Declassified] = field(default_factory=dict)

    def run(self) -> Flow:
        self._region("")
        held = everything(joined(*map(whole, self.held.values())))
        return Flow(self.values, self.items, tuple(self.arrivals.values()), tuple(self.declassified.values()), held)

    def _region(self, owner: str) -> None:
        for node_id in self.shape.flows.get(owner, ()):
            self._visit(self.shape.nodes[node_id])

    def _visit(self, node: Node) -> None:
        spec = self.shape.spec(node.id)
        bound = {name: self._bound(node, name) for name, _ in node.params}
        self.held[node.id] = everything(flat(*bound.values()))
        if spec is None:
            self.values[node.id] = flat(*bound.values())
            return
        self._judge(node, spec, bound)
        called = self._called(node, spec, bound)
        taken = Taken(
            node, spec, self.types.of.get(node.id, ANY), bound, self._failure(node, spec), called, self.context.files
        )
        if spec.region is not None:
            self.values[node.id] = self._looped(node, spec.region, taken)
        else:
            if taken.cleared:
                self._clear(node, "args", node.place("type"), taken.cleared, flat(*taken.given), is_annotated=True)
            self.values[node.id] = joined(result_of(taken), self._of_itself(node, spec))

    # what is bound

    def _bound(self, node: Node, name: str) -> Labels:
        value = node.param(name)
        assert value is not None, "it has the parameter"
        said = words(node, name)

        def step_at(origin: Origin) -> Step:
            return Step(said, origin) if self.call is None else Step(f"{said} in {self._inside(node)}", self.call)

        def cleared(call: Call, origin: Origin, carried: Labels) -> None:
            self._clear(node, name, origin, _because(call), carried)

        return Reader(lambda called: self._named(node, called), cleared).value(value, step_at)

    def _clear(
        self, node: Node, name: str, origin: Origin, because: str, carried: Labels, *, is_annotated: bool = False
    ) -> None:
        """Keep what is taken away at a place, however often that is met."""
        known = self.declassified.get(origin)
        ways = {way.source: way for way in (*everything(carried).values(), *(known.ways if known else ()))}
        self.declassified[origin] = Declassified(node.id, name, origin, because, tuple(ways.values()), is_annotated)

    def _named(self, node: Node, name: str) -> Labels:
        if name == INPUT:
            return self.given
        owner = self.shape.items(node.id).get(name)
        return self.values.get(name, NONE) if owner is None else self.items.get(owner, NONE)

    def _inside(self, node: Node) -> str:
        return "" if self.file is None else f"{self.file.path} at {self.file.places.get(node.id, '?')}"

    # what leaves

    def _judge(self, node: Node, spec: NodeType, bound: Mapping[str, Labels]) -> None:
        if node.id in self.types.broken:
            return
        cached = decide(
            list(layers(node, spec, self.connections.get(node.connection or ""), None, self.pipeline)), "cache"
        )[0]
        for name, carried in bound.items():
            param = spec.param(name)
            if not carried or param is None:
                continue
            for sink in sinks(node, spec, param, self.connections):
                self._arrive(node, name, sink, carried)
            if cached is not None and not spec.suspends:
                self._arrive(node, name, CACHE, carried)
            if is_output(node) and self.is_run:
                self._arrive(node, name, OUTPUT, carried)
            if spec.detached and not self._marks(spec, name):
                self._arrive(node, name, RUN, carried)

    def _marks(self, spec: NodeType, name: str) -> bool:
        callee = self.context.uses.get(spec.calls)
        of = callee.pipeline.input.field(name) if isinstance(callee, Callee) else None
        return of is None or of.secret

    def _arrive(self, node: Node, name: str, sink: Sink, carried: Labels) -> None:
        """Keep what arrives; of several sinks that refuse it the first."""
        for label, ways in by_label(carried):
            is_refused = label not in sink.accepts
            if not (is_refused or sink.is_told):
                continue
            inside, last = self._inside(node), ways[0].last
            key = (inside, node.id, name, label, None if is_refused else sink)
            known = self.arrivals.get(key)
            origin = self.call or (node.origin if last is None else last.origin)
            arrival = Arrival(node.id, name, sink, label, origin, ways, inside)
            self.arrivals[key] = arrival if known is None else known.and_also(ways)

    # what nodes give

    def _of_itself(self, node: Node, spec: NodeType) -> Labels:
        """Return what a node's value carries whatever is bound: labels of its type, and of all that its connection gives."""
        own = NONE
        of = self.types.of.get(node.id, ANY)
        callee = self.context.uses.get(spec.calls)
        if spec.calls:
            is_said = isinstance(callee, Callee) and callee.pipeline.output is not None and not spec.detached
            own = self._declared(of, node.id, node.place("type")) if is_said else NONE
        elif spec.emit is Emit.CALL:
            written = next(
                (value.origin for _, value in node.params if isinstance(value, TypeValue)), node.place("type")
            )
            own = self._declared(of, node.id, written)
        connection = self.connections.get(node.connection or "")
        labels = connection.labels(GIVES) if connection is not None and spec.awaits is None else ()
        sources = (Source(label, self._called_here(node.id), self.call or node.place("connection")) for label in labels)
        return joined(own, whole({source: Way(source) for source in sources}))

    def _failure(self, node: Node, spec: NodeType) -> Carried:
        """Return what the message may repeat about the failure that a node is there for."""
        if spec.emit is not Emit.ERROR:
            return {}
        failed = [self.held[edge.source] for edge in node.control if edge.source in self.held]
        step = Step(f"the message in `{node.id}` about a failure", self.call or node.place("type"))
        return everything(stepped(joined(*map(whole, failed)), step))

    def _looped(self, node: Node, spec: RegionSpec, taken: Taken) -> Labels:
        """Follow the body of a region, and return what its owner gives."""
        # What is known already stays: so a loop in a loop begins where it ended, and nests cost no powers of rounds.
        known = self.items.get(node.id, NONE)
        state = joined(known, taken.item(), self._typed(node, self.types.items.get(node.id)))
        self.items[node.id] = state
        self._region(node.id)
        for round_ in count() if spec.carries is not None else ():
            more = joined(state, self.values.get(f"{node.id}/{NEXT}", NONE))
            # What still grows by then may grow for ever, a part in a part: as a whole it has an end.
            more = more if round_ < _ROUNDS else flat(more)
            if alike(more, state):
                break
            state = self.items[node.id] = more
            self._region(node.id)
        inner = (self.held.get(name, {}) for name in self.shape.flows.get(node.id, ()))
        self.held[node.id] = everything(joined(whole(self.held[node.id]), *map(whole, inner)))
        if spec.carries is not None:
            return state
        return taken.gathered(self.values.get(f"{node.id}/{YIELD}", NONE), self.held[node.id])

    def _typed(self, node: Node, of: Type | None) -> Labels:
        """Return the labels of a type that a parameter of a node writes down."""
        written = next((value for _, value in node.params if isinstance(value, TypeValue)), None)
        return NONE if written is None or of is None else self._declared(of, node.id, written.origin)

    def _declared(self, of: Type, name: str, origin: Origin) -> Labels:
        if self.call is None:
            return declared(of, name, origin)
        return declared(of, self._called_here(name), self.call, is_elsewhere=True)

    def _called_here(self, name: str) -> str:
        return name if self.file is None else f"{name} of {self.file.path}"

    # what is called

    def _called(self, node: Node, spec: NodeType, bound: Mapping[str, Labels]) -> Labels | None:
        """Follow a pipeline that is called with what it is handed; None where nothing is called, or that is not known."""
        callee = self.context.uses.get(spec.calls) if spec.calls else None
        inner = self.context.called.get(callee.path) if isinstance(callee, Callee) and self.follows else None
        if not isinstance(callee, Callee) or inner is None:
            return None
        own = callee.pipeline
        shape, types = inner.get(SHAPE, own), inner.get(TYPES, own)
        call = self.call or node.place("type")
        handed = {name: value for name, value in bound.items() if own.input.field(name) is not None}
        given = joined(fields(handed), declared(own.input, f"{INPUT} of {callee.path}", call, is_elsewhere=True))
        mapped = {name: self.connections[ours] for name, ours in node.mapping if ours in self.connections}
        replaced = {**self.replaced, **mapped}
        walk = _Walk(
            inner,
            shape,
            types,
            own,
            {**shape.connections, **replaced},
            given,
            call,
            callee,
            spec.detached,
            replaced=replaced,
        )
        flow = walk.run()
        for key, arrival in walk.arrivals.items():
            self.arrivals.setdefault((node.id, *key), arrival)
        self.held[node.id] = everything(joined(whole(self.held[node.id]), whole(flow.held)))
        return stepped(flow.output, Step(f"what `{node.id}` gets back", call))
