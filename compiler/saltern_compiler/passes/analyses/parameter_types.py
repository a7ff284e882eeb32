"""The type of what is bound to a parameter, and where it parts from what the parameter takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Protocol

from saltern_compiler.diagnostics.model import Diagnostic, Origin, Related, has_errors
from saltern_compiler.diagnostics.suggest import did_you_mean, replace_by
from saltern_compiler.expr.assign import assignable
from saltern_compiler.expr.ast import Ident, Reference, references
from saltern_compiler.expr.functions import TYPE_NAMES
from saltern_compiler.expr.kinds import UINT, holds, public, settled
from saltern_compiler.expr.typed import ILL_TYPED, Typed
from saltern_compiler.expr.typing import Env, check
from saltern_compiler.ir.attempts import is_part
from saltern_compiler.ir.pipeline import CHECK, NEXT, RETURN, STOP, Node, Pipeline
from saltern_compiler.ir.values import (
    Expression,
    ListValue,
    Literal,
    ObjectValue,
    Template,
    TypeValue,
    Value,
    map_expressions,
)
from saltern_compiler.passes.analyses.shape import Shape
from saltern_compiler.passes.base import Context
from saltern_compiler.passes.values import misfits, type_of
from saltern_compiler.passes.words import is_one_of, takes_text, unquoted
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import (
    ANY,
    STRING,
    Field,
    ListType,
    MapType,
    NodeType,
    ObjectType,
    Param,
    Type,
    UnionType,
    obj,
    show,
    union,
)
from saltern_runtime.spec.names import AMBIENT, INPUT, RUN, RUN_TYPE
from saltern_runtime.spec.types import without_null


class Typing(Protocol):
    """What is known of other nodes when one is typed, and where findings go."""

    of: dict[str, Type]
    items: dict[str, Type]
    skippable: dict[str, frozenset[str]]

    def report(self, diagnostic: Diagnostic, node_id: str) -> None:
        """Keep a finding about a node."""
        ...


@dataclass(frozen=True, slots=True)
class Visit:
    """One node whose parameters are typed."""

    node: Node
    spec: NodeType | None
    pipeline: Pipeline
    context: Context
    shape: Shape
    types: Typing


@dataclass(frozen=True, slots=True)
class _Visit(Visit):
    """One parameter of a node."""

    param: Param
    is_output: bool
    """Whether it is the value of `return`, held against the declared output."""
    trees: dict[int, Typed] = field(default_factory=dict)
    """Identity of an expression → its typed tree."""

    @property
    def taker(self) -> str:
        """Who takes the value, in words."""
        owner, _, word = self.node.id.rpartition("/")
        if owner:
            return f"the condition of `{owner}`" if word == CHECK else f"`{word}` of `{owner}`"
        return "the output" if self.is_output else f"`{self.param.name}` of `{self.node.id}`"

    def report(self, code: str, message: str, at: Origin, *notes: str, related: tuple[Related, ...] = ()) -> None:
        """Keep a finding about this node."""
        self.types.report(Diagnostic(code, message, at, notes=notes, related=related), self.node.id)


def type_param(visit: Visit, name: str, value: Value) -> tuple[Type, Value]:
    """Return the type of what is bound to a parameter, and the value with its expressions typed; report what is wrong with it."""
    param = visit.spec.param(name) if visit.spec is not None else None
    if param is None or param.is_type or isinstance(value, TypeValue):
        visited = _visit(visit, Param(name), is_output=False)
        _typed(visited, value, ANY)
        return value.type if isinstance(value, TypeValue) else ANY, _with_trees(value, visited.trees)
    output = _taken_by_result(visit, name)
    given = visit.node.param(param.typed_by) if param.typed_by else None
    if isinstance(given, TypeValue):
        output = given.type
    if isinstance(value, Literal) and output is None:
        return type_of(value.value), value
    visited = _visit(visit, param, is_output=visit.node.type in (RETURN, STOP) and output is not None)
    of = _typed(visited, value, param.type if output is None else output)
    return of, _with_trees(value, visited.trees)


def _taken_by_result(visit: Visit, param: str) -> Type | None:
    """Return what the value of a result is held against: the declared output, or the state of a loop."""
    if visit.node.type == RETURN or (visit.node.type == STOP and param == "output"):
        return visit.pipeline.output
    if visit.node.type == NEXT:
        return visit.types.items.get(visit.shape.owner.get(visit.node.id, ""))
    return None


def _visit(visit: Visit, param: Param, *, is_output: bool) -> _Visit:
    return _Visit(
        visit.node, visit.spec, visit.pipeline, visit.context, visit.shape, visit.types, param, is_output=is_output
    )


def _with_trees(value: Value, trees: Mapping[int, Typed]) -> Value:
    return map_expressions(value, lambda expression: replace(expression, typed=trees[id(expression)]))


def _typed(visit: _Visit, value: Value, to: Type) -> Type:
    match value:
        case Literal(value=literal):
            for misfit in misfits(literal, to):
                code = "type-mismatch" if visit.is_output else "ill-typed-parameter"
                visit.report(code, f"{visit.taker}: {misfit.message}", value.origin.child(*misfit.path))
            return type_of(literal)
        case Expression():
            inferred = _infer(visit, value, to)
            if holds(inferred, UINT):
                visit.report(
                    ILL_TYPED, "unsigned integers stay inside expressions", value.origin, "Convert with `int(…)`."
                )
                return ANY
            _check(visit, inferred, to, value)
            return settled(inferred)
        case Template(parts=parts):
            for part in parts:
                if isinstance(part, Expression):
                    _infer(visit, part, ANY)
            _check(visit, STRING, to, value)
            return STRING
        case ListValue():
            return _typed_list(visit, value, to)
        case ObjectValue():
            return _typed_object(visit, value, to)
        case _:
            return ANY


def _typed_list(visit: _Visit, value: ListValue, to: Type) -> Type:
    target = without_null(to)
    item = target.item if isinstance(target, ListType) else ANY
    inferred = ListType(union(*(_typed(visit, member, item) for member in value.items)))
    if not isinstance(target, ListType):
        _check(visit, inferred, to, value)
    return inferred


def _typed_object(visit: _Visit, value: ObjectValue, to: Type) -> Type:
    target = without_null(to)
    if isinstance(target, ObjectType):
        return _typed_fields(visit, value, target)
    item = target.value if isinstance(target, MapType) else ANY
    inferred = obj({name: _typed(visit, member, item) for name, member in value.fields})
    if not isinstance(target, MapType):
        _check(visit, inferred, to, value)
    return inferred


def _typed_fields(visit: _Visit, value: ObjectValue, to: ObjectType) -> Type:
    types: dict[str, Type | Field] = {}
    for name, member in value.fields:
        field = to.field(name)
        types[name] = _typed(visit, member, field.type if field is not None else ANY)
        if field is None and not to.open:
            visit.report("type-mismatch", f"{visit.taker} has no field `{name}`", member.origin, f"It is {show(to)}.")
    for field in to.fields:
        if field.required and field.name not in types:
            _missing_field(visit, field, value)
    return obj(types)


def _missing_field(visit: _Visit, field: Field, value: Value) -> None:
    if visit.is_output:
        note = f"The pipeline declares the output `{field.name}: {show(field.type)}`; return it, or declare `{field.name}?`."
        visit.report("output-never-produced", f"the output `{field.name}` is never produced", value.origin, note)
        return
    note = f"It is {show(field.type)}."
    visit.report("type-mismatch", f"{visit.taker} lacks the field `{field.name}`", value.origin, note)


def _check(visit: _Visit, source: Type, to: Type, value: Value) -> None:
    """Report where a type parts from what is taken."""
    parting = assignable(source, to)
    if parting is None:
        return
    at = parting.place()
    where = f" at `{at}`" if at else ""
    if len(show(source)) + len(show(to)) < 60:
        message = f"{visit.taker} takes {show(to)}, but gets {show(source)}"
    else:
        message = f"{visit.taker} does not take this{where}: {parting.reason}"
    notes = [f"They part{where}: {parting.reason}."] if at else []
    if (
        isinstance(source, UnionType)
        and without_null(source) != source
        and assignable(without_null(source), to) is None
    ):
        notes.append("It may be null: test it, or give another value with `merge(…, other)`.")
    visit.report("type-mismatch", message, value.origin, *notes, related=_sources(visit, value))


def _sources(visit: _Visit, value: Value) -> tuple[Related, ...]:
    """Point at the node that a plain reference reads: the other end of the edge."""
    if not isinstance(value, Expression):
        return ()
    shape = visit.shape
    names = {ident.name for ident in references(value.expr)} & shape.nodes.keys()
    return tuple(
        Related(shape.nodes[name].place("id"), f"`{name}` gives {show(visit.types.of.get(name, ANY))}")
        for name in sorted(names)
    )[:4]


def _infer(visit: _Visit, value: Expression, to: Type) -> Type:
    node, shape = visit.node, visit.shape
    skippable = visit.types.skippable.get(node.id, frozenset())
    if visit.param.keep_skipped:
        skippable -= {read.name for read in references(value.expr) if not read.guarded}
    items = shape.items(node.id)
    names: dict[str, Type] = {}
    strict: list[Reference] = []
    for reference in references(value.expr):
        known = shape.sees(node.id, reference.name) or reference.name in AMBIENT or reference.name in items
        if not known and reference.name in TYPE_NAMES:
            continue
        if not known:
            _unknown(visit, reference, value, to)
        names[reference.name] = _type_of_name(visit, reference.name)
        if reference.name in skippable and not reference.guarded:
            strict.append(reference)
    answers = tuple(name for name in shape.awaiting if shape.sees(node.id, name))
    tree, problems = check(value.expr, Env(names, skippable & names.keys(), visit.context.suggestions, answers))
    visit.trees[id(value)] = tree
    diagnostics = [problem.diagnostic(value.origin) for problem in problems]
    for diagnostic in diagnostics:
        visit.types.report(_explained(visit, diagnostic, strict, value.origin), node.id)
    return ANY if has_errors(diagnostics) else public(tree.type)


def _type_of_name(visit: _Visit, name: str) -> Type:
    if name == INPUT:
        return visit.pipeline.input
    if name == RUN:
        return RUN_TYPE
    owner = visit.shape.items(visit.node.id).get(name)
    if owner is not None:
        return visit.types.items.get(owner, ANY)
    return visit.types.of.get(name, ANY) if visit.shape.sees(visit.node.id, name) else ANY


def _unknown(visit: _Visit, reference: Reference, value: Expression, to: Type) -> None:
    pipeline, shape = visit.pipeline, visit.shape
    place = value.origin.within(reference.span[0], reference.span[0] + len(reference.name))
    name = reference.name
    if pipeline.secret(name) is not None or pipeline.connection(name) is not None:
        kind = "secret" if pipeline.secret(name) is not None else "connection"
        notes: tuple[str, ...] = (f"`{name}` is a {kind}, which no expression can read.",)
        visit.report("unknown-name", f"unknown name `{name}`", place, *notes)
        return
    inside = _inside(name, shape)
    if inside:
        visit.report("unknown-name", f"unknown name `{name}`", place, *inside)
        return
    is_word = isinstance(value.expr, Ident) and takes_text(to)
    if is_word and is_one_of(name, to):
        visit.types.report(unquoted(name, to, visit.taker, place, visit.context), visit.node.id)
        return
    seen = [node_id for node_id in shape.nodes if shape.sees(visit.node.id, node_id)]
    near = visit.context.nearest(name, (*seen, *shape.items(visit.node.id), *AMBIENT))
    is_field = pipeline.input.field(name) is not None
    if is_word and not near and not is_field:
        visit.types.report(unquoted(name, to, visit.taker, place, visit.context), visit.node.id)
        return
    notes = did_you_mean(near)
    if is_field:
        notes = (*notes, f"The pipeline's input has a field of that name: `input.{name}`.")
    fixes = replace_by(near, place)
    visit.types.report(
        Diagnostic("unknown-name", f"unknown name `{name}`", place, notes=notes, fixes=fixes), visit.node.id
    )


def _inside(name: str, shape: Shape) -> tuple[str, ...]:
    """Say that a name belongs to the body of a region, where it does."""
    if name in shape.owner:
        owner, what = shape.owner[name], "stands inside of"
    else:
        owner = next((region for region in shape.flows if region and name in _variables(shape.nodes[region])), "")
        what = "is the item of"
    if not owner:
        return ()
    if is_part(shape.nodes[owner]):
        owner = owner.rpartition("/")[0]
    return (f"`{name}` {what} `{owner}`. Outside of it only what it yields can be read: `{owner}`.",)


def _variables(owner: Node) -> tuple[str, ...]:
    return owner.body.variables if owner.body is not None else ()


def _explained(visit: _Visit, diagnostic: Diagnostic, strict: list[Reference], origin: Origin) -> Diagnostic:
    """Say in `may-be-skipped` why this very node may be, in place of the general reason that stands first."""
    if diagnostic.code != "may-be-skipped":
        return diagnostic
    for reference in strict:
        if f"`{reference.name}`" not in diagnostic.message and diagnostic.origin != origin.within(*reference.span):
            continue
        return replace(diagnostic, notes=(_why_skipped(visit, reference.name), *diagnostic.notes[1:]))
    return diagnostic


def _why_skipped(visit: _Visit, node_id: str) -> str:
    """Say in a sentence why a node may have no value."""
    shape = visit.shape
    node = shape.nodes[node_id]
    if node.disabled:
        return f"`{node_id}` is disabled."
    edges = shape.control[node_id]
    if node_id in shape.outcomes:
        return f"`{node_id}` may fail, and its failure takes a branch then. What needs its value hangs on `when {node_id}.success`."
    if not edges:
        return f"`{node_id}` may fail and is passed over then (on_error is `continue`), or hangs on what is."
    handles = " or ".join(f"`{edge.source}` takes `{edge.handle}`" for edge in edges[:4])
    return f"`{node_id}` runs only where {handles}{' or …' if len(edges) > 4 else ''}."
