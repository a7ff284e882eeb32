"""Writes what a parameter is bound to as Python."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Final

from saltern_compiler.expr.ast import references
from saltern_compiler.expr.kinds import holds, join
from saltern_compiler.expr.typed import Typed
from saltern_compiler.ir.values import (
    Expression,
    ListValue,
    Literal,
    ObjectValue,
    Template,
    TypeValue,
    Value,
    expressions,
    make_object,
)
from saltern_compiler.pytext import identifier, literal, string
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ANY, DOUBLE, FILE, Json, ListType, MapType, ObjectType, Type, UnionType
from saltern_runtime.spec.param import Place
from saltern_targets.names import IN_SCOPE
from saltern_targets.python.classes import Classes
from saltern_targets.python.expr import attributes, print_arms, print_expression, print_placed, print_template

_TESTS_IN_A_LINE: Final = 1
"""Of what may have been skipped: more are asked in statements of their own."""
_NOTHING: Final[Mapping[str, str]] = {}


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

    def write(self, value: Value, expected: Type = ANY, place: Place = "") -> str:
        """Write a value as one line of Python whose type is the expected one; a text is escaped for its place."""
        match value:
            case Literal(value=data):
                return self._literal(data, expected)
            case Template():
                return self._template(value, place)
            case Expression():
                return self._placed(value, place) if place else self._expression(value, expected)
            case ListValue(items=items):
                item = _list_item(expected)
                return "[" + ", ".join(self.write(part, item) for part in items) + "]"
            case ObjectValue(fields=fields):
                return self._object(fields, expected)
            case TypeValue(type=of):
                return self.annotation(of)
        raise AssertionError(value)

    def arguments(self, of: ObjectValue) -> str:
        """Write what is handed to own code, by name: files as files, all else as plain JSON."""
        parts = (f"{literal(name)}: {self.write(value, _if_files(value))}" for name, value in of.fields)
        return "{" + ", ".join(parts) + "}"

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        return {name: keyword.text for name, keyword in self.names.items()}

    def annotation(self, of: Type) -> str:
        """Write a type."""
        annotation = self.classes.annotation(of)
        self.imports |= annotation.imports
        self.used_classes |= annotation.classes
        return annotation.text

    def returned(self, value: Value, expected: Type) -> list[str]:
        """Write the statements that return a value; what may have been skipped is asked for one after the other."""
        ladder = self._ladder(value, expected)
        if ladder is not None:
            return _early_returns(ladder)
        if not isinstance(value, ObjectValue) or not isinstance(expected, ObjectType):
            return [_return(self.write(value, expected))]
        before, written = self._locals(value, expected)
        return [*before, f"return {self._object(value.fields, expected, written)}"]

    def first_of(self, items: Sequence[Value], expected: Type) -> list[str]:
        """Write the statements that return the first of several values that was not skipped; null where all were."""
        ladder = []
        for item in items:
            needs = self._needs(item)
            ladder.append((self._have_run(needs), self.write(item, expected)))
            if not needs:
                break
        else:
            ladder.append(("", "None"))
        return _early_returns(ladder)

    def either_of(self, items: Sequence[Value], expected: Type) -> list[str]:
        """Write the statements that return the first of several values that was not skipped, where one of them was not."""
        *_, last = ladder = [(self._have_run(self._needs(item)), self.write(item, expected)) for item in items]
        tested = [line for test, text in ladder[:-1] for line in (f"if {test}:", f"    return {text}")]
        return [*tested, f"assert {last[0]}", f"return {last[1]}"]

    def winners(self, arms: Sequence[tuple[str, Value]], expected: Type, message: str, quorum: int) -> list[str]:
        """Write the statements that return which arms decided a race: one as an object, several as a list of such."""
        item = expected.item if isinstance(expected, ListType) else expected
        texts = [
            (self._have_run(self._needs(value)), self.write(make_object({"arm": Literal(name), "value": value}), item))
            for name, value in arms
        ]
        fails = f"raise PermanentError({string(message)}, code={string('race-failed')})"
        if not isinstance(expected, ListType):
            return [*(line for test, text in texts for line in (f"if {test}:", f"    return {text}")), fails]
        added = [line for test, text in texts for line in (f"if {test}:", f"    done.append({text})")]
        enough = [f"if len(done) < {quorum}:", f"    {fails}", f"return done[:{quorum}]"]
        return [f"done: {self.annotation(expected)} = []", *added, *enough]

    def _needs(self, item: Value) -> list[str]:
        return [name for name in _unguarded(item) if name in self.names and self.names[name].may_be_skipped]

    def _have_run(self, names: Sequence[str]) -> str:
        if names:
            self.imports.add(("saltern_runtime", "SKIPPED"))
        return " and ".join(f"{self.names[name].text} is not SKIPPED" for name in names)

    def _ladder(self, value: Value, expected: Type) -> list[tuple[str, str]] | None:
        """Return the tests of a `merge` with what each gives, the last without one; None for what reads well in one line."""
        if not isinstance(value, Expression):
            return None
        arms = print_arms(tree_of(value), self._texts, expected, classes=self.classes.names)
        if len(arms) <= _TESTS_IN_A_LINE + 1:
            return None
        for test, code in arms:
            self._use(code.helpers | test.helpers, code.imports | test.imports)
            self._use_classes(code.text)
        return [(test.text, code.text) for test, code in arms]

    def _locals(self, value: ObjectValue, expected: ObjectType) -> tuple[list[str], Mapping[str, str]]:
        """Return the statements that give a variable to each field that is a ladder of tests: field → variable."""
        ladders: dict[str, tuple[str, list[tuple[str, str]]]] = {}
        for name, part in value.fields:
            field = expected.field(name)
            ladder = self._ladder(part, field.type) if field is not None else None
            if ladder is not None and field is not None:
                ladders[name] = (self.annotation(field.type), ladder)
        if not ladders:
            return [], {}
        texts = [self._object(value.fields, expected, dict.fromkeys(ladders, "None"))]
        for annotation, ladder in ladders.values():
            texts += [annotation, *(text for test_and_text in ladder for text in test_and_text if text)]
        taken = {*IN_SCOPE, *(keyword.text for keyword in self.names.values())}.union(*map(_names_in, texts))
        before: list[str] = []
        variables: dict[str, str] = {}
        for name, (annotation, ladder) in ladders.items():
            variables[name] = identifier(name, {*taken, *variables.values()})
            before += _assigned(variables[name], annotation, ladder)
        return before, variables

    def _use(self, helpers: frozenset[str], imports: frozenset[tuple[str, str]]) -> None:
        self.imports |= {("saltern_runtime.expr", helper) for helper in helpers}
        self.imports |= imports

    def _use_classes(self, text: str) -> None:
        """Import the classes that an expression validates into."""
        if not any(name in text for name in self.classes.names.values()):
            return
        named = _names_in(text)
        for of, name in self.classes.names.items():
            if name in named:
                self.annotation(of)

    def _expression(self, value: Expression, expected: Type) -> str:
        code = print_expression(tree_of(value), self._texts, expected, classes=self.classes.names)
        self._use(code.helpers, code.imports)
        self._use_classes(code.text)
        return code.text

    def _placed(self, value: Expression, place: Place) -> str:
        code = print_placed(tree_of(value), self._texts, place)
        self._use(code.helpers, code.imports)
        self._use_classes(code.text)
        return code.text

    def _template(self, value: Template, place: Place) -> str:
        parts = tuple(part if isinstance(part, str) else tree_of(part) for part in value.parts)
        code = print_template(parts, self._texts, place)
        self._use(code.helpers, code.imports)
        return code.text

    def _literal(self, data: Json, expected: Type) -> str:
        if isinstance(data, dict):
            return self._object(tuple((key, Literal(value)) for key, value in sorted(data.items())), expected)
        if isinstance(data, list):
            item = _list_item(expected)
            return "[" + ", ".join(self._literal(part, item) for part in data) + "]"
        if expected == DOUBLE and type(data) is int:
            return literal(float(data))
        return literal(data)

    def _object(
        self, fields: tuple[tuple[str, Value], ...], expected: Type, written: Mapping[str, str] = _NOTHING
    ) -> str:
        given = dict(fields)
        of = _pick(expected, lambda member: isinstance(member, ObjectType) and _fits(member, given))
        if isinstance(of, ObjectType):
            names = attributes(of)
            parts = (
                f"{names[field.name]}={written.get(field.name) or self.write(given[field.name], field.type)}"
                for field in of.fields
                if field.name in given
            )
            return f"{self.annotation(of)}({', '.join(parts)})"
        item = (
            of.value if isinstance(of := _pick(expected, lambda member: isinstance(member, MapType)), MapType) else ANY
        )
        return "{" + ", ".join(f"{literal(name)}: {self.write(value, item)}" for name, value in fields) + "}"


def _names_in(text: str) -> set[str]:
    """Return the names that a Python expression reads."""
    return {part.id for part in ast.walk(ast.parse(text)) if isinstance(part, ast.Name)}


def _early_returns(ladder: Sequence[tuple[str, str]]) -> list[str]:
    lines: list[str] = []
    for test, text in ladder:
        lines += [f"if {test}:", f"    return {text}"] if test else [f"return {text}"]
    return lines if len(lines) > 1 else [_return(ladder[0][1])]


def _assigned(name: str, annotation: str, ladder: Sequence[tuple[str, str]]) -> list[str]:
    *tested, (_, last) = ladder
    lines = [f"{name}: {annotation} = None"] if last == "None" else [f"{name}: {annotation}"]
    for number, (test, text) in enumerate(tested):
        lines += [f"{'elif' if number else 'if'} {test}:", f"    {name} = {text}"]
    return lines if last == "None" else [*lines, "else:", f"    {name} = {last}"]


def _return(text: str) -> str:
    """Return a value; linters want nothing after `return` where it is always None."""
    return "return" if text == "None" else f"return {text}"


def _unguarded(value: Value) -> list[str]:
    """Return the names that a value cannot do without, in the order of the text."""
    reads = (read.name for part in expressions(value) for read in references(part.expr) if not read.guarded)
    return list(dict.fromkeys(reads))


def tree_of(value: Expression) -> Typed:
    """Return the typed tree of an expression in a plan."""
    assert value.typed is not None, "a plan's expressions have been typed"
    return value.typed


def _if_files(value: Value) -> Type:
    """Return the type of a value with files in it, else `any`."""
    match value:
        case Expression():
            of = tree_of(value).type
            return of if holds(of, FILE) else ANY
        case ListValue(items=items):
            item = join(map(_if_files, items)) if items else ANY
            return ANY if item == ANY else ListType(item)
        case _:
            return ANY


def _fits(of: ObjectType, given: Mapping[str, Value]) -> bool:
    return all(field.name in given or not field.required for field in of.fields) and all(
        of.field(name) for name in given
    )


def _pick(of: Type, test: Callable[[Type], bool]) -> Type:
    """Return the first alternative of a type that passes a test, else the type itself."""
    members = of.members if isinstance(of, UnionType) else (of,)
    return next((member for member in members if test(member)), of)


def _list_item(expected: Type) -> Type:
    wanted = _pick(expected, lambda member: isinstance(member, ListType))
    return wanted.item if isinstance(wanted, ListType) else ANY
