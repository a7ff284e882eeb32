"""Writes values and types as the language has them; how they are set is the formatter's business."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final, TypeGuard

from saltern_compiler.expr.ast import Call, Const, Expr, MapExpr
from saltern_compiler.expr.literals import show_string
from saltern_compiler.expr.show import WORDS, show
from saltern_compiler.frontend.durations import seconds, show_duration
from saltern_compiler.frontend.language.format import set_expression
from saltern_compiler.frontend.remarks import Orders, in_order
from saltern_compiler.ir.pipeline import SIGNATURE_WORDS
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
from saltern_runtime.spec import (
    NULL,
    Field,
    FileType,
    Json,
    ListType,
    LiteralType,
    MapType,
    ObjectType,
    Primitive,
    Type,
    UnionType,
)

IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class ValueWriter:
    """Writes values with their keys in the order of `orders`; `secret` writes a reference to a secret."""

    orders: Orders
    secret: Callable[[str], str]

    def value(self, value: Value) -> str:
        """Write a value."""
        match value:
            case Literal(value=literal):
                return self.literal(literal)
            case Expression(expr=expr):
                return expression(expr)
            case Template(parts=parts):
                return template(parts)
            case TypeValue(type=of):
                return f"type {self.type(of)}"
            case SecretRef(name=name):
                return self.secret(name)
            case ListValue(items=items):
                return "[" + ", ".join(map(self.value, items)) + "]"
            case ObjectValue(fields=members):
                return self._object({name: self.value(member) for name, member in members})

    def operand(self, value: Value) -> str:
        """Write a value where the grammar takes an expression: no template and no duration."""
        match value:
            case Literal(value=str() as text):
                return show_string(text)
            case Expression(expr=expr):
                return show(_with_plain_keys(expr))
            case _:
                return self.value(value)

    def literal(self, value: Json) -> str:
        """Write a JSON value."""
        match value:
            case str():
                return template([value]) if "\n" in value else show_string(value)
            case list():
                return "[" + ", ".join(map(self.literal, value)) + "]"
            case dict():
                written = {name: self.literal(member) for name, member in value.items()}
                return "{ " + ", ".join(f"{key(name)}: {member}" for name, member in written.items()) + " }"
            case _:
                return show(Const(value))

    def _object(self, members: Mapping[str, str]) -> str:
        names = in_order(list(members), self.orders)
        return "{ " + ", ".join(f"{key(name)}: {members[name]}" for name in names) + " }"

    def signature(self, word: str, settings: Mapping[str, Json]) -> str:
        """Write a word with its settings."""
        bare = {name for name, value in settings.items() if name in SIGNATURE_WORDS and is_word(value)}
        written = {name: str(value) if name in bare else self.literal(value) for name, value in settings.items()}
        return f"{word} {self._object(written) if written else '{}'}"

    def type(self, of: Type) -> str:
        """Write a type."""
        match of:
            case FileType():
                return "file"
            case Primitive(name=name):
                return name
            case LiteralType(value=value):
                return show(Const(value))
            case ListType(item=item):
                return f"list<{self.type(item)}>"
            case MapType(value=item):
                return f"map<{self.type(item)}>"
            case ObjectType():
                return "{ " + ", ".join(self.fields(of)) + " }"
            case UnionType(members=members):
                rest = [member for member in members if member != NULL]
                if len(rest) == 1:
                    return f"{self.type(rest[0])}?"
                return " | ".join(map(self.type, members))

    def fields(self, of: ObjectType) -> list[str]:
        """Write the fields of an object type."""
        by_name = {field.name: field for field in of.fields}
        written = [self.field(by_name[name]) for name in in_order(list(by_name), self.orders)]
        return [*written, "..."] if of.open else written

    def field(self, field: Field) -> str:
        """Write a field of an object type."""
        decorators = "".join(f" @{label}" for label in field.labels)
        decorators += f" @doc({show_string(field.doc)})" if field.doc else ""
        return f"{key(field.name)}{'' if field.required else '?'}: {self.type(field.type)}{decorators}"


def is_word(value: Json) -> TypeGuard[str]:
    """Tell whether a value can stand as a word, without quotes."""
    return isinstance(value, str) and IDENTIFIER.fullmatch(value) is not None and value not in WORDS


def key(name: str) -> str:
    """Write a name before a colon."""
    return name if is_word(name) else show_string(name)


def expression(expr: Expr) -> str:
    """Write an expression."""
    match expr:
        case Call(function="duration", target=None, args=(Const(value=str() as text),)):
            length = seconds(text)
            if length is not None and text == f"{length:.3f}".rstrip("0").rstrip(".") + "s":
                return show_duration(length)
    return show(_with_plain_keys(expr))


def _with_plain_keys(of: Any) -> Any:
    """Put keys that are expressions in parentheses, as the language wants them: those of a call without a name."""
    if isinstance(of, tuple):
        return tuple(_with_plain_keys(part) for part in of)
    if not hasattr(of, "span"):
        return of
    changed = {member.name: _with_plain_keys(getattr(of, member.name)) for member in fields(of)}
    if isinstance(of, MapExpr):
        changed["entries"] = tuple((_plain_key(name), value) for name, value in changed["entries"])
    return replace(of, **changed)


def _plain_key(name: Expr) -> Expr:
    is_word = isinstance(name, Const) and isinstance(name.value, str | int) and not str(name.value).startswith("-")
    return name if is_word else Call("", (name,))


def template(parts: Sequence[str | Expression]) -> str:
    """Write a template; one with line ends on lines of their own."""
    texts = [part for part in parts if isinstance(part, str)]
    if not any("\n" in text for text in texts):
        return "`" + "".join(_part(part) for part in parts) + "`"
    lines = "".join(_part(part) for part in parts).split("\n")
    lines = [_protect_end(line) for line in lines]
    filled = [number for number, line in enumerate(lines) if line]
    if filled and all(lines[number].startswith(" ") for number in filled):
        first = filled[0]
        lines[first] = "\\x20" + lines[first][1:]
    return "`\n" + "\n".join(f"  {line}" if line else "" for line in lines) + "\n`"


def _protect_end(line: str) -> str:
    return line[:-1] + "\\x20" if line.endswith(" ") else line


def _part(part: str | Expression) -> str:
    if isinstance(part, str):
        return _escaped(part)
    text = expression(part.expr)
    if "}}" in text or text.startswith("{") or text.endswith("}"):
        text = set_expression(text) or text
    return "{{ " + text + " }}"


def _escaped(text: str) -> str:
    escaped: list[str] = []
    for place, char in enumerate(text):
        if char == "{":
            escaped.append("\\{" if text[place + 1 : place + 2] in {"{", ""} else "{")
        elif char == "`":
            escaped.append("\\`")
        elif char in {"\n", '"'}:
            escaped.append(char)
        else:
            escaped.append(show_string(char)[1:-1])
    return "".join(escaped)
