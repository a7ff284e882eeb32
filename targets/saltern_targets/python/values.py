"""Writes what a parameter is bound to as Python."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from saltern_compiler.expr.typed import Typed
from saltern_compiler.ir.values import Expression, ListValue, Literal, ObjectValue, Template, TypeValue, Value
from saltern_compiler.pytext import literal
from saltern_runtime.spec import ANY, DOUBLE, Json, ListType, MapType, ObjectType, Type, UnionType
from saltern_targets.python.classes import Classes
from saltern_targets.python.expr import attributes, print_expression, print_template


@dataclass(frozen=True, slots=True)
class Keyword:
    """What a function takes a value as."""

    text: str
    type: Type
    may_be_skipped: bool = False


@dataclass
class Values:
    """Writes the values of one function; collects what the module must import for them."""

    names: Mapping[str, Keyword]
    """What the function sees: each name of the pipeline as one of its keywords."""
    classes: Classes
    imports: set[tuple[str, str]] = field(default_factory=set)
    used_classes: set[str] = field(default_factory=set)

    def write(self, value: Value, expected: Type = ANY) -> str:
        """Write a value as one line of Python whose type is the expected one."""
        match value:
            case Literal(value=data):
                return self._literal(data, expected)
            case Template():
                return self._template(value)
            case Expression():
                return self._expression(value, expected)
            case ListValue(items=items):
                item = _list_item(expected)
                return "[" + ", ".join(self.write(each, item) for each in items) + "]"
            case ObjectValue(fields=fields):
                return self._object(fields, expected)
            case TypeValue(type=of):
                return self.annotation(of)
        raise AssertionError(value)

    @property
    def _texts(self) -> Mapping[str, str]:
        return {name: keyword.text for name, keyword in self.names.items()}

    def annotation(self, of: Type) -> str:
        """Write a type."""
        made = self.classes.annotation(of)
        self.imports |= made.imports
        self.used_classes |= made.classes
        return made.text

    def _use(self, helpers: frozenset[str], imports: frozenset[tuple[str, str]]) -> None:
        self.imports |= {("saltern_runtime.expr", helper) for helper in helpers}
        self.imports |= imports

    def _use_classes(self, text: str) -> None:
        """Import the classes that an expression validates into."""
        if not any(name in text for name in self.classes.names.values()):
            return
        named = {each.id for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Name)}
        for of, name in self.classes.names.items():
            if name in named:
                self.annotation(of)

    def _expression(self, value: Expression, expected: Type) -> str:
        code = print_expression(tree_of(value), self._texts, expected, classes=self.classes.names)
        self._use(code.helpers, code.imports)
        self._use_classes(code.text)
        return code.text

    def _template(self, value: Template) -> str:
        parts = tuple(part if isinstance(part, str) else tree_of(part) for part in value.parts)
        code = print_template(parts, self._texts)
        self._use(code.helpers, code.imports)
        return code.text

    def _literal(self, data: Json, expected: Type) -> str:
        if isinstance(data, dict):
            return self._object(tuple((key, Literal(each)) for key, each in sorted(data.items())), expected)
        if isinstance(data, list):
            item = _list_item(expected)
            return "[" + ", ".join(self._literal(each, item) for each in data) + "]"
        if expected == DOUBLE and type(data) is int:
            return literal(float(data))
        return literal(data)

    def _object(self, fields: tuple[tuple[str, Value], ...], expected: Type) -> str:
        given = dict(fields)
        of = _pick(expected, lambda each: isinstance(each, ObjectType) and _fits(each, given))
        if isinstance(of, ObjectType):
            names = attributes(of)
            parts = (
                f"{names[each.name]}={self.write(given[each.name], each.type)}"
                for each in of.fields
                if each.name in given
            )
            return f"{self.annotation(of)}({', '.join(parts)})"
        item = of.value if isinstance(of := _pick(expected, lambda each: isinstance(each, MapType)), MapType) else ANY
        return "{" + ", ".join(f"{literal(name)}: {self.write(value, item)}" for name, value in fields) + "}"


def tree_of(value: Expression) -> Typed:
    """Return the typed tree of an expression in a plan."""
    assert value.typed is not None, "a plan's expressions have been typed"
    return value.typed


def _fits(of: ObjectType, given: Mapping[str, Value]) -> bool:
    return all(each.name in given or not each.required for each in of.fields) and all(of.field(name) for name in given)


def _pick(of: Type, test: Callable[[Type], bool]) -> Type:
    """Return the first alternative of a type that passes a test, else the type itself."""
    members = of.members if isinstance(of, UnionType) else (of,)
    return next((each for each in members if test(each)), of)


def _list_item(expected: Type) -> Type:
    found = _pick(expected, lambda each: isinstance(each, ListType))
    return found.item if isinstance(found, ListType) else ANY
