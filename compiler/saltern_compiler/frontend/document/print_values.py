"""Writes values of the IR as editor documents have them, and plain references as edges."""

from __future__ import annotations

from collections.abc import Iterator

from saltern_compiler.expr.ast import Call, Const, Expr, Ident, MapExpr, Select
from saltern_compiler.expr.show import show
from saltern_compiler.frontend.document.values import TAGS
from saltern_compiler.frontend.notation import UnwritableError
from saltern_compiler.frontend.remarks import Orders, in_order
from saltern_compiler.ir.values import (
    Expression,
    ListValue,
    Literal,
    ObjectValue,
    SecretRef,
    Template,
    TypeValue,
    Value,
)
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Json, to_schema


@dataclass(frozen=True, slots=True)
class Reference:
    """A plain reference, which a canvas draws as an edge."""

    source: str
    fields: tuple[str, ...]

    @property
    def handle(self) -> str:
        """The handle that the edge begins at."""
        return ".".join(("out", *self.fields))


def edges_of(node_type: str, name: str, value: Value) -> list[Reference] | None:
    """Return the edges that a parameter can be drawn as: one for a plain reference, several in order for a merge of them.

    None for what is no edge, and for a parameter without a name, which no edge can end at.
    """
    if isinstance(value, ListValue) and node_type == "merge" and name == "values":
        references = [_reference(item.expr) if isinstance(item, Expression) else None for item in value.items]
        return None if None in references else [reference for reference in references if reference is not None]
    if not name or not isinstance(value, Expression):
        return None
    match value.expr:
        case Call(function="merge", target=None, args=args) if len(args) > 1:
            references = [_reference(arg) for arg in args]
            return None if None in references else [reference for reference in references if reference is not None]
        case _:
            reference = _reference(value.expr)
            return None if reference is None or (node_type == "merge" and name == "values") else [reference]


def _reference(expr: Expr) -> Reference | None:
    fields: list[str] = []
    while isinstance(expr, Select) and not expr.optional and expr.field and "." not in expr.field:
        fields.append(expr.field)
        expr = expr.base
    return Reference(expr.name, tuple(reversed(fields))) if isinstance(expr, Ident) else None


def editor_value(value: Value, orders: Orders) -> Json:
    """Write a value as an editor document has it."""
    match value:
        case Literal(value=literal):
            return {"$literal": literal} if _has_tag(literal) else literal
        case Expression(expr=expr):
            return {"$expr": show(expr)}
        case Template(parts=parts):
            return {"$template": "".join(_template(parts))}
        case TypeValue(type=of):
            return {"$type": ordered(to_schema(of), orders)}
        case SecretRef(name=name):
            return {"$secret": name}
        case ListValue(items=items):
            return [editor_value(item, orders) for item in items]
        case ObjectValue(fields=fields):
            members = dict(fields)
            if members.keys() & set(TAGS):
                return {"$expr": show(_as_expr(value))}
            return {name: editor_value(members[name], orders) for name in in_order(list(members), orders)}


def ordered(schema: Json, orders: Orders) -> Json:
    """Put the properties of a JSON Schema in an author's order."""
    match schema:
        case {"properties": dict(properties)}:
            names = in_order(list(properties), orders)
            inner = {name: ordered(properties[name], orders) for name in names}
            required = [name for name in names if name in schema.get("required", ())]
            return {**schema, "properties": inner, **({"required": required} if "required" in schema else {})}
        case dict():
            return {name: ordered(member, orders) for name, member in schema.items()}
        case list():
            return [ordered(member, orders) for member in schema]
        case _:
            return schema


def _has_tag(value: Json) -> bool:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if part.keys() & set(TAGS):
                return True
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return False


def _template(parts: tuple[str | Expression, ...]) -> Iterator[str]:
    """Write a template; braces that mean themselves become constants, since two of them would begin an expression."""
    for place, part in enumerate(parts):
        if isinstance(part, Expression):
            yield "{{ " + show(part.expr) + " }}"
            continue
        is_last = place == len(parts) - 1
        text = part.replace("{{", '{{ "{{" }}')
        yield text if is_last or not text.endswith("{") else text[:-1] + '{{ "{" }}'


def _as_expr(value: Value) -> Expr:
    match value:
        case Expression(expr=expr):
            return expr
        case Literal(value=dict(members)):
            return MapExpr(tuple((Const(name), _as_expr(Literal(member))) for name, member in members.items()))
        case ObjectValue(fields=fields):
            return MapExpr(tuple((Const(name), _as_expr(member)) for name, member in fields))
        case Literal(value=literal) if not isinstance(literal, list):
            return Const(literal)
        case _:
            raise UnwritableValueError


class UnwritableValueError(UnwritableError):
    """An object with a key such as `$expr` holds what only an object could: editor documents have no way to say it."""

    def __init__(self) -> None:
        super().__init__("a document cannot say one of the values")
