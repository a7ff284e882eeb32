"""Values of an editor document: literals, and the objects `$expr`, `$template`, `$type`, `$secret` and `$literal`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from saltern_compiler.diagnostics.model import Origin
from saltern_compiler.expr.ast import Call, Const, Expr
from saltern_compiler.expr.parse import parse
from saltern_compiler.frontend.document.report import Report, quote
from saltern_compiler.ir.values import (
    Expression,
    Literal,
    SecretRef,
    TypeValue,
    Value,
    make_expression,
    make_list,
    make_object,
    make_template,
)
from saltern_runtime.spec import ANY, Field, Json, ObjectType, SchemaError, Type, from_schema, obj

TAGS: Final = ("$expr", "$template", "$type", "$secret", "$literal")


UNKNOWN: Final = Call("dyn", (Const(None),))
"""Stands in for what has been reported: of the dynamic type, so that nothing more is said about it."""


def unreadable(origin: Origin) -> Value:
    """Return a value that stands in for one that has been reported."""
    return Expression(UNKNOWN, origin)


def read_value(value: Json, origin: Origin, report: Report) -> Value:
    """Read one value."""
    match value:
        case dict():
            tags = [tag for tag in TAGS if tag in value]
            if tags:
                return _tagged(value, tags[0], origin, report)
            return make_object(
                {key: read_value(member, origin.child(key), report) for key, member in value.items()}, origin
            )
        case list():
            return make_list([read_value(member, origin.child(at), report) for at, member in enumerate(value)], origin)
        case _:
            return Literal(value, origin)


def _tagged(value: Mapping[str, Json], tag: str, origin: Origin, report: Report) -> Value:
    if len(value) > 1:
        others = ", ".join(f"`{key}`" for key in sorted(value) if key != tag)
        note = f'For an object that has the key `{tag}`, write {{"$literal": …}} around it.'
        report.add(
            "malformed-value", f"beside `{tag}` stands {others}", origin, f"`{tag}` stands alone in its object.", note
        )
        return unreadable(origin)
    inner, place = value[tag], origin.child(tag)
    if tag == "$literal":
        return Literal(inner, place)
    if tag == "$type":
        return TypeValue(read_type(inner, place, report), place)
    if not isinstance(inner, str):
        report.add("malformed-value", f"`{tag}` holds a string, not {quote(inner)}", place)
        return unreadable(origin)
    return _READERS[tag](inner, place, report)


def read_type(schema: Json, origin: Origin, report: Report) -> Type:
    """Read a JSON Schema; what cannot be expressed is reported, and its type is `any`."""
    try:
        return from_schema(schema)
    except SchemaError as error:
        _unsupported(error, origin, report)
        return ANY


def _unsupported(error: SchemaError, origin: Origin, report: Report) -> None:
    note = "Types are made of type, properties, required, items, enum, const, anyOf and format."
    place = origin.child(*error.path) if error.path else origin
    report.add("unsupported-schema", f"this JSON Schema is no type: {error.reason}", place, note)


def read_object_type(schema: Json, origin: Origin, report: Report, what: str) -> ObjectType | None:
    """Read the schema of all inputs or outputs, property by property, so that each one's problem is reported."""
    if not report.is_kind(schema, "object", origin, what):
        return None
    if schema.get("type") != "object":
        note = 'Write {"type": "object", "properties": {…}}.'
        report.add("unsupported-schema", f"the schema of {what} is not of the type `object`", origin, note)
        return None
    properties = schema.get("properties", {})
    shell = {**schema, "properties": dict.fromkeys(properties, True)} if isinstance(properties, dict) else schema
    try:
        outer = from_schema(shell)
    except SchemaError as error:
        _unsupported(error, origin, report)
        return None
    if not isinstance(outer, ObjectType):
        report.add("unsupported-schema", f"the schema of {what} names no properties", origin)
        return None
    fields: list[Field] = []
    for field in outer.fields:
        field_schema = {
            "type": "object",
            "properties": {field.name: properties[field.name]},
            "required": [field.name] * field.required,
        }
        try:
            type_ = from_schema(field_schema)
        except SchemaError as error:
            _unsupported(error, origin, report)
            type_ = obj({field.name: field})
        assert isinstance(type_, ObjectType)
        fields.extend(type_.fields)
    return ObjectType(tuple(fields), open=outer.open)


def _expression(text: str, origin: Origin, report: Report) -> Value:
    return make_expression(_parse(text, origin, report), origin)


def _parse(text: str, origin: Origin, report: Report) -> Expr:
    expr, findings = parse(text, origin)
    report.findings.extend(findings)
    return UNKNOWN if expr is None or findings else expr


def _part(expr: Expr, place: Origin) -> str | Expression:
    """Fold a constant text into the template: that is how braces that mean themselves are written."""
    if isinstance(expr, Const) and isinstance(expr.value, str):
        return expr.value
    return Expression(expr, place)


def _secret(name: str, origin: Origin, _: Report) -> Value:
    return SecretRef(name, origin)


def read_template(text: str, origin: Origin, report: Report) -> Value:
    """Read text with expressions between `{{` and `}}`; the text stands for itself, white space and all."""
    parts: list[str | Expression] = []
    at = 0
    while (start := text.find("{{", at)) >= 0:
        end = end_of_expression(text, start + 2)
        if end is None:
            note = 'Braces that mean themselves are written {{ "{{" }}.'
            report.add("malformed-value", "the `{{` of the template has no `}}`", origin.within(start, start + 2), note)
            return unreadable(origin)
        place = origin.within(start + 2, end)
        expr = _parse(text[start + 2 : end], place, report)
        parts += [text[at:start], _part(expr, place)]
        at = end + 2
    parts.append(text[at:])
    return make_template(parts, origin)


_INSIDE: Final = re.compile(
    r"""(?P<string>[rR]?(\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}(?:[^\\]|\\.)*?'{3}|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|`[^`\r\n]+`)"""
    r"|(?P<unclosed>[\"'])|(?P<end>\}\})|(?P<open>\{)|(?P<close>\})|[^{}\"'`]+|.",
    re.DOTALL,
)


def end_of_expression(text: str, start: int) -> int | None:
    """Find the `}}` that ends an expression: not one in a string or of a map inside it."""
    depth = 0
    at = start
    while (match := _INSIDE.match(text, at)) is not None:
        if match["unclosed"]:
            return None
        if match["end"] and depth == 0:
            return match.start()
        if match["open"]:
            depth += 1
        if match["end"] or match["close"]:
            depth -= 1
            at = match.start() + 1
            continue
        at = match.end()
    return None


_READERS: Final[Mapping[str, Callable[[str, Origin, Report], Value]]] = {
    "$expr": _expression,
    "$template": read_template,
    "$secret": _secret,
}
