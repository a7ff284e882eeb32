"""What a node, a connection or a trigger means, as JSON that can be compared, with names of one pipeline put for those of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from saltern_compiler.expr.ast import Expr, Ident, Macro
from saltern_compiler.expr.rewrite import with_parts
from saltern_compiler.ir.canonical import connection_form, node_form, trigger_form
from saltern_compiler.ir.pipeline import Connection, Node, Trigger, called_by
from saltern_compiler.ir.values import ListValue, ObjectValue, SecretRef, Value, map_expressions
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json


@dataclass(frozen=True, slots=True)
class Names:
    """Names of the old pipeline → those of the new one; what is in none stays as it is."""

    nodes: Mapping[str, str] = field(default_factory=dict)
    """Ids of nodes, and the variables of regions."""
    uses: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    connections: Mapping[str, str] = field(default_factory=dict)

    def node(self, name: str) -> str:
        """Return the new name of a node."""
        return self.nodes.get(name, name)

    def type(self, node: Node) -> str:
        """Return a node's type as the new pipeline calls it: `call.score` has the name of a use in it."""
        used = called_by(node)
        return f"{node.type.partition('.')[0]}.{self.uses.get(used, used)}" if used else node.type

    def of_node(self, node: Node) -> Node:
        """Return a node with new names for all that it mentions; its own id and its body stay."""
        return replace(
            node,
            type=self.type(node),
            params=tuple((name, self.value(value)) for name, value in node.params),
            connection=None if node.connection is None else self.connections.get(node.connection, node.connection),
            mapping=tuple(sorted((name, self.connections.get(given, given)) for name, given in node.mapping)),
            control=tuple(
                sorted(
                    (replace(edge, source=self.node(edge.source)) for edge in node.control),
                    key=lambda edge: (edge.source, edge.handle),
                )
            ),
            after=tuple(sorted(map(self.node, node.after))),
        )

    def value(self, value: Value) -> Value:
        """Return a value with new names."""
        if self.nodes:
            value = map_expressions(value, lambda each: replace(each, expr=_renamed(each.expr, self.nodes)))
        return _with_secrets(value, self.secrets) if self.secrets else value

    def of_connection(self, connection: Connection) -> Connection:
        """Return a connection with new names for its secrets."""
        return replace(connection, settings=tuple((name, self.value(value)) for name, value in connection.settings))

    def of_trigger(self, trigger: Trigger) -> Trigger:
        """Return a trigger with new names for its secrets."""
        return replace(trigger, settings=tuple((name, self.value(value)) for name, value in trigger.settings))


def _renamed(expr: Expr, names: Mapping[str, str]) -> Expr:
    if isinstance(expr, Ident):
        return replace(expr, name=names[expr.name]) if expr.name in names else expr
    if isinstance(expr, Macro):
        inner = {old: new for old, new in names.items() if old not in expr.variables}
        steps = tuple(_renamed(step, inner) for step in expr.steps)
        return replace(expr, target=_renamed(expr.target, names), steps=steps)
    return with_parts(expr, lambda part: _renamed(part, names))


def _with_secrets(value: Value, names: Mapping[str, str]) -> Value:
    match value:
        case SecretRef(name=name):
            return replace(value, name=names.get(name, name))
        case ListValue(items=items):
            return replace(value, items=tuple(_with_secrets(item, names) for item in items))
        case ObjectValue(fields=fields):
            return replace(value, fields=tuple((name, _with_secrets(part, names)) for name, part in fields))
        case _:
            return value


def form_of(of: Node | Connection | Trigger) -> Mapping[str, Json]:
    """Return what something means; of a node without its id and its body."""
    match of:
        case Node():
            form = dict(node_form(replace(of, body=None)))
            del form["id"]
            return form
        case Connection():
            return connection_form(of)
        case Trigger():
            return trigger_form(of)
