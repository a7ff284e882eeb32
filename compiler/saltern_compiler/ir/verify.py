"""The verifier that every pass runs under: it raises for what only our own bugs can bring about.

`verify` holds for every pipeline, also for one whose author made mistakes; with `checked=True` it also asks for what the
checks have made sure of: names that exist, no cycles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, pairwise

from saltern_compiler.expr.ast import Const, ListExpr, MapExpr
from saltern_compiler.expr.functions import TYPE_NAMES
from saltern_compiler.ir.graph import Cycle, reads, topological
from saltern_compiler.ir.pipeline import INNER_TYPES, RESERVED_IDS, RESULT_TYPES, Node, Pipeline, Region
from saltern_compiler.ir.values import (
    Expression,
    ListValue,
    Literal,
    ObjectValue,
    SecretRef,
    Template,
    TypeValue,
    Value,
    parts_of,
)
from saltern_runtime.spec import Json, ObjectType
from saltern_runtime.spec.names import AMBIENT


class InternalError(Exception):
    """Our own bug: an invariant does not hold. `invariant` is its name."""

    def __init__(self, invariant: str, where: str) -> None:
        super().__init__(f"internal error: {invariant}: {where}")
        self.invariant = invariant


Each = Callable[[Iterable[Node]], Iterable[Node]]
"""Tells which of some nodes are not known to be sound in themselves."""


def verify(pipeline: Pipeline, *, checked: bool = False, each: Each = iter) -> None:
    """Raise `InternalError` for a broken pipeline."""
    _require(isinstance(pipeline.input, ObjectType), "the input is an object type", pipeline.name)
    _sorted("uses are sorted by name", [use.name for use in pipeline.uses])
    _sorted("secrets are sorted by name", [secret.name for secret in pipeline.secrets])
    _sorted("connections are sorted by name", [connection.name for connection in pipeline.connections])
    _sorted("settings are sorted by name", [name for name, _ in pipeline.settings], unique=True)
    _sorted("limits of a budget are sorted by name", [name for name, _ in pipeline.budget], unique=True)
    for connection in pipeline.connections:
        _params(connection.settings, f"connection {connection.name}")
    for trigger in pipeline.triggers:
        _params(trigger.settings, f"trigger {trigger.type}")
    _region(pipeline.body, each)
    if checked:
        _names(pipeline)
        _scope(pipeline.body, frozenset(AMBIENT), frozenset(connection.name for connection in pipeline.connections))


def _require(holds: bool, invariant: str, where: str) -> None:
    if not holds:
        raise InternalError(invariant, where)


def _sorted(invariant: str, names: Sequence[str], *, unique: bool = False) -> None:
    for first, second in pairwise(names):
        _require(first < second or (first == second and not unique), invariant, f"{first!r} before {second!r}")


def _region(region: Region, each: Each) -> None:
    _sorted("nodes are sorted by id", [node.id for node in region.nodes])
    for node in each(region.nodes):
        _node(node, each)


def _node(node: Node, each: Each) -> None:
    _require(node.join in ("all", "any"), "control joins by all or any", node.id)
    _params(node.params, f"node {node.id}")
    control = [f"{edge.source}\0{edge.handle}" for edge in node.control]
    _sorted("control edges are sorted by source and handle", control)
    _sorted("after is sorted", node.after)
    _sorted("mapped connections are sorted by name", [name for name, _ in node.mapping], unique=True)
    if node.body is not None:
        for inner in node.body.nodes:
            named = inner.type not in INNER_TYPES or inner.id == f"{node.id}/{inner.type}"
            _require(named, "what a region gives is named after its owner", inner.id)
        _region(node.body, each)


def _params(params: Sequence[tuple[str, Value]], where: str) -> None:
    _sorted("parameters are sorted by name", [name for name, _ in params], unique=True)
    for name, value in params:
        _value(value, f"{where}, parameter {name}")


def _value(value: Value, where: str) -> None:
    match value:
        case Literal(value=literal):
            _literal(literal, where)
        case Expression(expr=expr):
            if _is_plain(value):
                raise InternalError("an expression is no constant, list or map of its own", f"{where}: {expr}")
        case Template(parts=parts):
            _template(parts, where)
        case ListValue(items=items):
            _require(_has_more_than_literals(items), "a list of literals is one literal", where)
            for item in items:
                _value(item, where)
        case ObjectValue(fields=fields):
            _require(
                _has_more_than_literals(member for _, member in fields), "an object of literals is one literal", where
            )
            _params(fields, where)
        case _:
            _require(isinstance(value, TypeValue | SecretRef), "a value is one of the seven kinds", where)


def _has_more_than_literals(parts: Iterable[Value]) -> bool:
    return any(not isinstance(part, Literal) for part in parts)


def _is_plain(value: Expression) -> bool:
    match value.expr:
        case Const(value=constant, uint=uint):
            return not uint and not isinstance(constant, bytes)
        case ListExpr(optional=optional):
            return not optional
        case MapExpr(entries=entries, optional=optional):
            keys = [key.value for key, _ in entries if isinstance(key, Const) and isinstance(key.value, str)]
            return not optional and len(keys) == len(entries) == len(set(keys))
        case _:
            return False


def _template(parts: Sequence[str | Expression], where: str) -> None:
    _require(any(isinstance(part, Expression) for part in parts), "a template has an expression", where)
    for first, second in pairwise(parts):
        _require(not (isinstance(first, str) and isinstance(second, str)), "texts of a template are joined", where)
    _require("" not in parts, "a template has no empty texts", where)


def _literal(value: Json, where: str) -> None:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            _require(all(isinstance(key, str) for key in part), "the keys of literals are text", where)
            waiting.extend(part.values())
        elif isinstance(part, float):
            _require(math.isfinite(part), "numbers are finite", where)
        else:
            _require(part is None or isinstance(part, str | bool | int), "literals are JSON values", where)


def _names(pipeline: Pipeline) -> None:
    _unique("names of uses are unique", [use.name for use in pipeline.uses])
    _unique("names of secrets are unique", [secret.name for secret in pipeline.secrets])
    _unique("names of connections are unique", [connection.name for connection in pipeline.connections])
    known = {secret.name for secret in pipeline.secrets}
    settings = [
        *(connection.settings for connection in pipeline.connections),
        *(trigger.settings for trigger in pipeline.triggers),
    ]
    for _, setting in chain.from_iterable(settings):
        for value in parts_of(setting):
            if isinstance(value, SecretRef):
                _require(value.name in known, "secrets that are named exist", value.name)


def _unique(invariant: str, names: Sequence[str]) -> None:
    _require(len(set(names)) == len(names), invariant, ", ".join(names))


def _scope(region: Region, around: frozenset[str], connections: frozenset[str]) -> None:
    ids = [node.id for node in region.nodes]
    _unique("ids are unique in a region", ids)
    own = frozenset(ids) | frozenset(region.variables)
    _require(
        not own & (around - set(AMBIENT)), "names of a region hide none around it", ", ".join(sorted(own & around))
    )
    names = own | around
    for node in region.nodes:
        _require(node.version >= 1, "versions count from 1", node.id)
        _require(node.id not in RESERVED_IDS or node.type in RESULT_TYPES, "ids are not reserved", node.id)
        _references(node, own, names, connections)
        if node.body is not None:
            _scope(node.body, names, connections)
    order = topological(region)
    _require(not isinstance(order, Cycle), "data flows without cycles", str(order) if isinstance(order, Cycle) else "")


def _references(node: Node, own: frozenset[str], names: frozenset[str], connections: frozenset[str]) -> None:
    for read in reads(node):
        _require(
            read.name in names or read.name in TYPE_NAMES, "names that are read exist", f"{node.id} reads {read.name}"
        )
    for edge in node.control:
        _require(edge.source in own, "control edges begin at nodes of the region", f"{node.id} hangs on {edge.source}")
    for name in node.after:
        _require(name in names, "after names nodes of the region or around it", f"{node.id} after {name}")
    named = {node.connection, *(name for _, name in node.mapping)} - {None}
    _require(named <= connections, "connections exist", node.id)
    _require_of_values(
        node, lambda value: not isinstance(value, SecretRef), "secrets stand in connections and triggers only"
    )


def _require_of_values(node: Node, holds: Callable[[Value], bool], invariant: str) -> None:
    waiting = [value for _, value in node.params]
    while waiting:
        value = waiting.pop()
        _require(holds(value), invariant, node.id)
        if isinstance(value, ListValue):
            waiting.extend(value.items)
        elif isinstance(value, ObjectValue):
            waiting.extend(part for _, part in value.fields)
