"""From constructs of the language to the IR: names get places, blocks become control edges, `env(…)` becomes a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from typing import Final, Literal, TypeAlias

from saltern_compiler.diagnostics.model import Diagnostic, Edit, Fix, Origin
from saltern_compiler.expr.ast import Span
from saltern_compiler.frontend.language import syntax as syn
from saltern_compiler.frontend.language.policy import decorations
from saltern_compiler.frontend.language.sections import Sections
from saltern_compiler.frontend.language.types import place
from saltern_compiler.frontend.language.values import Values
from saltern_compiler.frontend.statements import else_name
from saltern_compiler.ir import values as ir
from saltern_compiler.ir.attempts import PARALLEL, TRY, expand, part_id, spread
from saltern_compiler.ir.pipeline import (
    ERROR_TYPE,
    MAX_REGIONS,
    RETURN,
    ControlEdge,
    Node,
    Pipeline,
    Region,
    asks,
    region_of,
)
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json
from saltern_runtime.spec.names import CASE, COMPENSATE, ELSE, ERROR

FOREACH: Final = "foreach"
WHILE: Final = "while"


Edges: TypeAlias = tuple[ControlEdge, ...]
"""The handles in whose block something stands: any of them activates it."""


@dataclass(slots=True)
class Lowering:
    """Makes one pipeline of the items of one source."""

    values: Values
    sections: Sections
    report: Callable[[Diagnostic], None]
    taken: set[str] = field(default_factory=set)
    """Names of all statements, for the names that fixes propose."""
    depth: int = 0
    """How many regions stand around what is lowered."""
    too_deep: bool = False
    """Whether that was too many anywhere; what stood there is missing."""

    def pipeline(self, items: Sequence[syn.Item], end: int) -> Pipeline:
        """Make the pipeline."""
        statements = [item for item in items if isinstance(item, syn.Statement)]
        self.taken = {name for statement in statements if (name := id_of(statement))}
        for item in items:
            if not isinstance(item, syn.Statement):
                self.sections.add(item)
        body = Region(by_id(self.statements(statements, ())))
        return self.sections.pipeline(body, end)

    def statements(self, statements: Iterable[syn.Statement], edges: Edges) -> list[Node]:
        """Make the nodes of statements that stand beside each other."""
        nodes: list[Node] = []
        for statement in statements:
            nodes += self._statement(statement, edges)
        return nodes

    def _statement(self, of: syn.Statement, edges: Edges) -> list[Node]:
        match of:
            case syn.NodeStatement():
                return [*self._node(of, edges), *self._undone(of), *self._handled(of)]
            case syn.BranchStatement():
                return self._branch(of, edges)
            case syn.RegionStatement():
                return [*self._region(of, edges), *self._handled(of)]
            case syn.ParallelStatement():
                return self._parallel(of, edges)
            case syn.ResultStatement():
                return self._result(of, edges)

    def _node(self, of: syn.NodeStatement, edges: Edges) -> list[Node]:
        params: dict[str, ir.Value] = {}
        origins = [("type", place(of.operation.span)), ("params", place(of.params.span))]
        for name, entry in self.sections.entries(of.params):
            params[name] = self.values.value(entry.value)
            origins.append((f"param:{name}", place(entry.key.span)))
            origins.append((f"value:{name}", place((entry.key.span[1], entry.span[1]))))
        if of.connection is not None:
            origins.append(("connection", place(of.connection.span)))
        if of.body is not None:
            origins += [("param:as", place(name.span)) for name in of.body.variables]
        if of.mapping is not None:
            origins.append(("with", place(of.mapping.span)))
            origins += [(f"with:{name.text}", place((name.span[0], given.span[1]))) for name, given in of.mapping.names]
        node = self._make(of.head, of.operation.name, params, span=of.span, edges=edges, origins=origins)
        node = replace(node, mapping=self._mapping(of.mapping))
        version = 1 if of.operation.version is None else of.operation.version
        body = None if of.body is None else self._body(node.id, of.body)
        return [replace(node, version=version, connection=of.connection.text if of.connection else None, body=body)]

    def _mapping(self, of: syn.Mapping | None) -> tuple[tuple[str, str], ...]:
        given: dict[str, str] = {}
        for name, other in () if of is None else of.names:
            if name.text in given:
                message = f"the key `{name.text}` stands here twice"
                self.report(Diagnostic("duplicate-key", message, place(name.span)))
            given.setdefault(name.text, other.text)
        return tuple(sorted(given.items()))

    def _handled(self, of: syn.NodeStatement | syn.RegionStatement) -> list[Node]:
        """Lower what runs where a node has failed: it hangs on its handle `error`; the name is a node that gives the failure."""
        if of.handler is None:
            return []
        assert of.head.name is not None, "the grammar asks for it"
        edge = (ControlEdge(of.head.name.text, ERROR, place(of.handler.span)),)
        nodes = self.statements(of.handler.block.statements, edge)
        name, keyword = of.handler.variable, of.handler.span
        if name is None:
            if not nodes:
                notes = ("Name the failure, `on error e {}`, and the run goes on.",)
                message = "an `on error` with nothing in it catches nothing"
                self.report(Diagnostic("syntax-error", message, place(keyword), notes=notes))
            return nodes
        origins = [("type", place(name.span)), ("name", place((keyword[1], name.span[1])))]
        told = self._make(syn.Head((), name), ERROR_TYPE, {}, span=name.span, edges=edge, origins=origins)
        return [told, *nodes]

    def _undone(self, of: syn.NodeStatement) -> list[Node]:
        """Lower what takes back what a node did: a region that hangs on its handle `compensate`."""
        if of.compensate is None:
            return []
        assert of.head.name is not None, "the grammar asks for it"
        name, at = of.head.name.text, place(of.compensate.span)
        node = Node(
            part_id(name, COMPENSATE),
            COMPENSATE,
            control=(ControlEdge(name, COMPENSATE, at),),
            body=region_of(part_id(name, COMPENSATE), self._inside(of.compensate.block), ()),
            origin=at,
        )
        return [node]

    def _body(self, owner: str, of: syn.Body) -> Region:
        variables = tuple(name.text for name in of.variables)
        return region_of(owner, self._inside(of.block), variables)

    def _make(
        self,
        head: syn.Head,
        kind: str,
        params: dict[str, ir.Value],
        *,
        span: Span,
        edges: Edges,
        origins: Sequence[tuple[str, Origin]],
    ) -> Node:
        assert head.name is not None
        decorated = decorations(head.decorators, self.report)
        after = {name.text: place(name.span) for name in head.clauses.after}
        parts = [
            ("id", place(head.name.span)),
            *origins,
            *decorated.origins,
            *((f"after:{name}", origin) for name, origin in after.items()),
        ]
        return Node(
            head.name.text,
            kind,
            params=tuple(sorted(params.items())),
            control=_control(edges, head.clauses.when),
            join=self._join_of(head.clauses, edges),
            after=tuple(sorted(after)),
            policy=decorated.policy,
            disabled=decorated.disabled,
            label=decorated.label,
            origin=place(span),
            origins=tuple(parts),
        )

    def _join_of(self, clauses: syn.Clauses, edges: Edges) -> Literal["all", "any"]:
        if len(edges) < 2:
            return self._join(clauses.join)
        if clauses.when or clauses.join is not None:
            at = clauses.when[0].span if clauses.when else (edges[0].origin.start or 0, edges[0].origin.end or 0)
            notes = ("Write a block for each of the cases, or leave the clause out.",)
            message = "what stands in the block of several cases hangs on any of them, and on nothing else"
            self.report(Diagnostic("syntax-error", message, place(at), notes=notes))
        return "any"

    def _join(self, join: syn.Name | None) -> Literal["all", "any"]:
        if join is None or join.text == "all":
            return "all"
        if join.text == "any":
            return "any"
        notes = ("Write `join any` or `join all`.",)
        self.report(Diagnostic("syntax-error", f"unexpected `{join.text}`", place(join.span), notes=notes))
        return "all"

    # branches

    def _branch(self, of: syn.BranchStatement, edges: Edges) -> list[Node]:
        head = of.head if of.head.name is not None else replace(of.head, name=self._ask_for_name(of))
        assert head.name is not None
        params = {"condition" if of.kind == "if" else "value": self.values.value(of.subject)}
        origins = [("type", place(of.keyword)), ("params", place(of.span))]
        origins += [(f"param:{name}", place(of.keyword)) for name in params]
        if of.kind == "switch":
            params["cases"] = ir.Literal(self._cases(of.arms), place(of.span))
            origins.append(("param:cases", place(of.span)))
        nodes = [self._make(head, of.kind, params, span=of.span, edges=edges, origins=origins)]
        for arm in of.arms:
            inner = tuple(ControlEdge(head.name.text, case.handle, place(case.span)) for case in arm.cases)
            nodes += self.statements([_named(each, head.name) for each in arm.block.statements], inner)
        return nodes

    def _cases(self, arms: Sequence[syn.Arm]) -> list[Json]:
        seen: dict[str, syn.Case] = {}
        for case in (case for arm in arms for case in arm.cases):
            if case.handle in seen:
                what = f"the case `{case.handle.removeprefix(CASE)}`" if case.is_case else "`else`"
                self.report(Diagnostic("duplicate-case", f"{what} stands here twice", place(case.span)))
            elif ELSE in seen:
                self.report(Diagnostic("case-after-else", "a case stands after `else`", place(case.span)))
            seen.setdefault(case.handle, case)
        cases = {handle: case.literal for handle, case in seen.items() if case.is_case}
        return [literal for _, literal in sorted(cases.items())]

    def _ask_for_name(self, of: syn.BranchStatement) -> syn.Name:
        name = next(name for name in _proposals(of.kind) if name not in self.taken)
        self.taken.add(name)
        at = of.keyword[0]
        fix = Fix(f"Name it `{name}`", (Edit(place((at, at)), f"{name} = "),))
        notes = ("Its name is what an edge on the canvas, a trace and `after` call it by.",)
        message = f"the `{of.kind}` has no name"
        self.report(Diagnostic("unnamed-branch", message, place(of.keyword), notes=notes, fixes=(fix,)))
        return syn.Name(name, of.keyword)

    # regions

    def _region(self, of: syn.RegionStatement, edges: Edges) -> list[Node]:
        if of.kind == WHILE:
            return self._while(of, edges)
        if of.kind == TRY:
            return self._try(of, edges)
        bodies = [self._inside(block) for block in of.blocks]
        if of.kind != FOREACH:
            node = self._make(of.head, of.kind, {}, span=of.span, edges=edges, origins=[("type", place(of.keyword))])
            return [replace(node, body=Region())]
        variables = tuple(name.text for name in of.variables)
        params: dict[str, ir.Value] = {"items": self.values.value(of.values[0])}
        origins = [("type", place(of.keyword)), ("params", place(of.span)), ("param:items", place(of.keyword))]
        if of.at_most is not None:
            params["at_most"] = ir.Literal(of.at_most[0], place(of.at_most[1]))
            origins.append(("param:at_most", place(of.at_most[1])))
        if of.on_error is not None:
            params["on_error"] = ir.Literal(of.on_error.text, place(of.on_error.span))
            origins.append(("param:on_error", place(of.on_error.span)))
        origins += [("param:as", place(name.span)) for name in of.variables]
        node = self._make(of.head, FOREACH, params, span=of.span, edges=edges, origins=origins)
        return [replace(node, body=region_of(node.id, bodies[0], variables))]

    def _try(self, of: syn.RegionStatement, edges: Edges) -> list[Node]:
        origins = [("type", place(of.keyword)), ("params", place(of.keyword))]
        origins += [("param:as", place(name.span)) for name in of.variables]
        node = self._make(of.head, TRY, {}, span=of.span, edges=edges, origins=origins)
        bodies = [self._inside(block) for block in of.blocks]
        if len(bodies) == 1:
            notes = ("What fails would fail the run all the same: write `catch error { … }` behind it.",)
            self.report(Diagnostic("syntax-error", f"`{node.id}` catches nothing", place(of.keyword), notes=notes))
            bodies.append([])
        return [*expand(node, bodies[0], bodies[1], tuple(name.text for name in of.variables))]

    def _parallel(self, of: syn.ParallelStatement, edges: Edges) -> list[Node]:
        params: dict[str, ir.Value] = {}
        origins = [("type", place(of.keyword)), ("params", place(of.keyword))]
        if of.mode is not None:
            params["join"] = ir.Literal(of.mode.text, place(of.mode.span))
            origins.append(("param:join", place(of.mode.span)))
        if of.number is not None:
            params["quorum"] = ir.Literal(of.number[0], place(of.number[1]))
            origins.append(("param:quorum", place(of.number[1])))
        node = self._make(of.head, PARALLEL, params, span=of.span, edges=edges, origins=origins)
        arms: dict[str, list[Node]] = {}
        for arm in of.arms:
            if arm.name.text in arms:
                message = f"`{node.id}` has a second arm `{arm.name.text}`"
                self.report(Diagnostic("duplicate-id", message, place(arm.name.span)))
            arms.setdefault(arm.name.text, self._inside(arm.block))
        return [*spread(node, arms)]

    def _while(self, of: syn.RegionStatement, edges: Edges) -> list[Node]:
        """Lower a loop: what it asks before each round becomes a node of its body, where the name of the state is known."""
        first, *conditions = of.values
        params: dict[str, ir.Value] = {"state": self.values.value(first)}
        origins = [("type", place(of.keyword)), ("params", place(of.keyword)), ("param:state", place(of.keyword))]
        if of.type is not None:
            params["type"] = self.values.value(of.type)
            origins.append(("param:type", place(of.type.span)))
        if of.at_most is not None:
            params["at_most"] = ir.Literal(of.at_most[0], place(of.at_most[1]))
            origins.append(("param:at_most", place(of.at_most[1])))
        if of.within is not None:
            params["within"] = self.values.value(of.within)
            origins.append(("param:within", place(of.within.span)))
        if of.on_limit is not None:
            params["on_limit"] = ir.Literal(of.on_limit.text, place(of.on_limit.span))
            origins.append(("param:on_limit", place(of.on_limit.span)))
        origins += [("param:as", place(name.span)) for name in of.variables]
        node = self._make(of.head, WHILE, params, span=of.span, edges=edges, origins=origins)
        for extra in conditions[1:]:
            notes = ("Join them with `&&`.",)
            self.report(Diagnostic("syntax-error", "a loop has one condition", place(extra.span), notes=notes))
        asked = [asks(node.id, self.values.value(condition), place(condition.span)) for condition in conditions[:1]]
        variables = tuple(name.text for name in of.variables)
        return [replace(node, body=region_of(node.id, [*self._inside(of.blocks[0]), *asked], variables))]

    def _inside(self, block: syn.Block) -> list[Node]:
        if self.depth == MAX_REGIONS:
            if not self.too_deep:
                notes = (f"Regions may stand in each other up to {MAX_REGIONS} levels deep.",)
                problem = "the block stands in too many regions"
                self.report(Diagnostic("nesting-too-deep", problem, place(block.span), notes=notes))
            self.too_deep = True
            return []
        self.depth += 1
        nodes = self.statements(block.statements, ())
        self.depth -= 1
        return nodes

    def _result(self, of: syn.ResultStatement, edges: Edges) -> list[Node]:
        kind = RETURN if of.kind == "return" else of.kind
        value = self.values.value(of.value)
        origins = [("type", place(of.keyword)), ("params", place(of.span)), ("param:value", place(of.value.span))]
        return [self._make(of.head, kind, {"value": value}, span=of.span, edges=edges, origins=origins)]


def _named(statement: syn.Statement, branch: syn.Name) -> syn.Statement:
    """Name an `else if` after the branch whose `else` it is."""
    if not isinstance(statement, syn.BranchStatement) or not statement.is_else:
        return statement
    return replace(statement, head=replace(statement.head, name=syn.Name(else_name(branch.text), statement.keyword)))


def _control(block: Edges, when: Sequence[syn.Handle]) -> tuple[ControlEdge, ...]:
    """Return what a node hangs on: the handle whose block it stands in, and those of its clauses."""
    named = [ControlEdge(taken.source, taken.handle, place(taken.span)) for taken in when]
    edges = {(edge.source, edge.handle): edge for edge in [*named, *block]}
    return tuple(edges[key] for key in sorted(edges))


def by_id(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Sort nodes by id; of two with the same id, the first written stays first."""
    return tuple(sorted(nodes, key=lambda node: node.id))


def _proposals(kind: str) -> Iterator[str]:
    base = "route" if kind == "switch" else "branch"
    yield base
    for number in range(2, 1_000_000):
        yield f"{base}_{number}"


def id_of(statement: syn.Statement) -> str | None:
    """Return the name that a statement is written with."""
    return None if statement.head.name is None else statement.head.name.text
