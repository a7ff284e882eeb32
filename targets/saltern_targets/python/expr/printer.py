"""Expressions as Python: plain operators where the types prove them equal, named helpers of the runtime elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Final

from saltern_compiler import pytext
from saltern_compiler.expr.ast import Call, Const, Expr, Ident, Index, Macro, Select, bound
from saltern_compiler.expr.functions import TYPE_NAMES
from saltern_compiler.expr.kinds import Record, has_models, kind
from saltern_compiler.expr.literals import show_bytes
from saltern_compiler.expr.signatures import VALUE, without_variables
from saltern_compiler.expr.typed import Typed
from saltern_compiler.expr.typing import chain_steps, constant_key, optional_chain
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.types import (
    ANY,
    BOOL,
    NULL,
    STRING,
    ListType,
    MapType,
    ObjectType,
    Type,
    is_nullable,
    without_null,
)
from saltern_targets.names import IN_SCOPE
from saltern_targets.precedence import AND, ATOM, COMPARE, CONDITIONAL, NOT, OR, SUM, UNARY
from saltern_targets.python.expr.code import Code, call, code, listed
from saltern_targets.python.expr.coerce import Classes, attributes, coerce
from saltern_targets.python.expr.functions import how
from saltern_targets.python.expr.macros import print_macro
from saltern_targets.python.expr.operators import applied, arithmetic, equality, is_in, membership, negation, order

_SKIPPED: Final = code("SKIPPED", ATOM, name=("saltern_runtime", "SKIPPED"))
_NONE: Final = Code("None")
_ALWAYS: Final = Code("")
_NO_CLASSES: Final[Classes] = {}


def print_expression(
    typed: Typed, names: Mapping[str, str], expected: Type | None = None, *, classes: Classes = _NO_CLASSES
) -> Code:
    """Print an expression that has been found clean; `names` maps what it reads to Python, `expected` is what its place wants.

    `classes` gives the Python class of object types: dicts that go where one is wanted are validated into it.
    """
    value = _whole(typed, names, classes)
    return value if expected is None else coerce(value, typed.type, expected, classes)


def print_arms(
    typed: Typed, names: Mapping[str, str], expected: Type, *, classes: Classes = _NO_CLASSES
) -> list[tuple[Code, Code]]:
    """Print an expression as tests, each with what it gives, the last without a test: several for a `merge` of what may be skipped."""
    if not isinstance(typed.expr, Call) or (typed.expr.function, typed.expr.target) != ("merge", None):
        return [(_ALWAYS, print_expression(typed, names, expected, classes=classes))]
    arms = _printer(typed, names, classes).arms(typed)
    return [(test, coerce(value, typed.type, expected, classes)) for test, value in arms]


def _printer(typed: Typed, names: Mapping[str, str], classes: Classes) -> _Printer:
    """Make what prints an expression; where a variable of it may hide a helper, it is printed once to see which helpers it needs."""
    printer = _Printer(names, classes=classes)
    if not IN_SCOPE.intersection(bound(typed.expr)):
        return printer
    needs = printer.print(typed)
    return replace(printer, reserved=needs.helpers | {name for _, name in needs.imports})


def _whole(typed: Typed, names: Mapping[str, str], classes: Classes) -> Code:
    printer, expr = _printer(typed, names, classes), typed.expr
    types = {part.type for part in typed.parts}
    if isinstance(expr, Call) and expr.function in ("_==_", "_!=_") and ANY in types and NULL not in types:
        # type checkers take `dynamic == "a"` for dynamic itself; alone in a place that wants a bool it has to be one
        same = call("equal", *(printer.print(part) for part in typed.parts))
        return same if expr.function == "_==_" else code(f"not {same.text}", NOT, same)
    return printer.print(typed)


@dataclass(frozen=True, slots=True)
class _Printer:
    names: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    classes: Classes = field(default_factory=dict)
    reserved: frozenset[str] = frozenset()
    """What no variable may be called: the helpers that the expression needs."""

    def print(self, typed: Typed) -> Code:
        expr = typed.expr
        match expr:
            case Const():
                return _const(expr)
            case Ident(name=name):
                return self._ident(name)
            case Select() | Index() if optional_chain(expr):
                return self._chain(typed, _NONE, typed.type)
            case Select() | Index():
                return self._part(typed)
            case Macro(kind="has"):
                return self._has(typed)
            case Macro():
                return print_macro(self, typed, expr)
            case Call():
                return self._call(typed, expr)
            case _:
                return self._literal(typed)

    def _ident(self, name: str) -> Code:
        if name in self.variables:
            return Code(self.variables[name])
        if name in self.names:
            return Code(self.names[name])
        return call("TypeName" if name in TYPE_NAMES else "no_name", Code(pytext.string(name)))

    def _part(self, typed: Typed) -> Code:
        """Print `a.b` and `a[b]`; steps into dynamic values gather in one call of `get`."""
        base = typed.parts[0]
        of = without_null(base.type)
        name = _step_name(typed.expr)
        if name is not None and isinstance(of, ObjectType) and of.field(name) is not None:
            return _member(self.print(base), of, name)
        path = [self._step(typed)]
        while typed.type == ANY and _is_dynamic(base):
            path.append(self._step(base))
            base = base.parts[0]
        read = call("get", self.print(base), *reversed(path))
        by_key = (
            isinstance(of, ObjectType) and not isinstance(of, Record) and (self.classes or not has_models(typed.type))
        )
        return coerce(read, ANY, typed.type, self.classes) if by_key else read

    def _step(self, typed: Typed) -> Code:
        name = _step_name(typed.expr)
        return Code(pytext.string(name)) if name is not None else self.print(typed.parts[1])

    def _chain(self, typed: Typed, default: Code, gives: Type) -> Code:
        """Print `a.?b.c`, with what stands for what is not there; `gives` is the type of both together."""
        root = typed.parts[0]
        conditions = [self._ran(name) for name in sorted(root.skips)]
        value, of = self.print(root), root.type
        steps = chain_steps(typed.expr)[1]
        while steps:
            owner_type, name = without_null(of), _step_name(steps[0])
            field = owner_type.field(name) if isinstance(owner_type, ObjectType) and name is not None else None
            if field is None or not isinstance(owner_type, ObjectType):
                break
            if is_nullable(of):
                conditions.append(_is_there(value))
            owner, value, of = value, _member(value, owner_type, field.name), field.type
            steps = steps[1:]
            if field.required:
                continue
            if is_nullable(of):
                conditions.append(call("has", owner, Code(pytext.string(field.name))))
            elif steps or default.text != "None":
                conditions.append(_is_there(value))
        if steps:
            value = self._dynamic_steps(value, steps, typed.parts[1:], default)
            if len(steps) > 1 and gives != ANY and (self.classes or not has_models(gives)):
                value = coerce(value, ANY, gives, self.classes)  # type checkers follow `get` for one step only
        if not conditions:
            return value
        test = _conjunction(conditions)
        return code(f"{value.at(OR)} if {test.text} else {default.text}", CONDITIONAL, value, test, default)

    def _dynamic_steps(self, value: Code, steps: Sequence[Expr], indexes: Sequence[Typed], default: Code) -> Code:
        printed = {id(index.expr): self.print(index) for index in indexes}
        path: list[Code] = []
        for step in steps:
            name = _step_name(step)
            if name is not None:
                path.append(Code(pytext.string(name)))
            elif isinstance(step, Index):
                path.append(printed[id(step.index)])
        parts = (value, *path)
        return code(f"get({listed(parts)}, default={default.text})", ATOM, *parts, default, helper="get")

    def _ran(self, name: str) -> Code:
        return code(f"{self.names[name]} is not SKIPPED", COMPARE, _SKIPPED)

    def _has(self, typed: Typed) -> Code:
        target = typed.parts[0]
        assert isinstance(target.expr, Select)
        base, name = target.parts[0], target.expr.field
        of = without_null(base.type)
        value = self.print(base)
        conditions = [self._ran(skip) for skip in sorted(target.skips)]
        field = of.field(name) if isinstance(of, ObjectType) else None
        if isinstance(of, MapType):
            conditions.append(code(f"{pytext.string(name)} in {value.at(SUM)}", COMPARE, value))
        elif isinstance(of, Record) or field is None or (not field.required and is_nullable(field.type)):
            conditions.append(call("has", value, Code(pytext.string(name))))
        elif not field.required and isinstance(of, ObjectType):
            conditions.append(_is_there(_member(value, of, name)))
        return _conjunction(conditions) if conditions else Code("True")

    def _literal(self, typed: Typed) -> Code:
        if isinstance(typed.type, ListType):
            items = [coerce(self.print(part), part.type, typed.type.item) for part in typed.parts]
            return code(f"[{listed(items)}]", ATOM, *items)
        parts = [self.print(part) for part in typed.parts]
        pairs = list(zip(parts[::2], parts[1::2], strict=True))
        if isinstance(typed.type, Record):
            return code("{" + ", ".join(f"{key.text}: {value.text}" for key, value in pairs) + "}", ATOM, *parts)
        entries = ", ".join(f"({key.text}, {value.text})" for key, value in pairs)
        return code(f"mapping({entries})", ATOM, *parts, helper="mapping")

    def binding(self, variables: Sequence[str]) -> tuple[_Printer, list[str]]:
        """Return what prints where names are bound, and what they are called in Python."""
        taken = {*self.names.values(), *self.variables.values(), *self.classes.values(), *self.reserved}
        names: list[str] = []
        for variable in variables:
            names.append(pytext.identifier(variable, taken.union(names)))
        bound = dict(zip(variables, names, strict=True))
        return replace(self, variables={**self.variables, **bound}), names

    def condition(self, typed: Typed) -> Code:
        """Print a condition; one that is not proven a bool is checked."""
        test = self.print(typed)
        return test if typed.type == BOOL or kind(typed.type) == "bool" else call("truth", test)

    def _call(self, typed: Typed, expr: Call) -> Code:
        match expr.function, expr.target:
            case "merge", None:
                return self._merge(typed)
            case "declassify", None:
                return self.print(typed.parts[0])
            case "callback", Ident(name="run"):
                run, of = self.print(typed.parts[0]), expr.args[0]
                assert isinstance(of, Const), "typing refuses anything else"
                return code(f"{run.text}.callback({pytext.string(str(of.value))})", ATOM, run)
            case "_?_:_", None:
                return self._conditional(typed)
            case "orValue", target if target is not None and optional_chain(target):
                default = coerce(self.print(typed.parts[1]), typed.parts[1].type, typed.type)
                return self._chain(typed.parts[0], default, typed.type)
            case "hasValue", target if target is not None and optional_chain(target):
                value = self._chain(typed.parts[0], _NONE, typed.parts[0].type)
                return code(f"{value.at(SUM)} is not None", COMPARE, value)
            case (("_&&_" | "_||_"), None):
                return self._logical(typed, expr)
            case "!_", None:
                return self._not(typed.parts[0])
            case _:
                return self._operator(typed, expr) or self._function(typed, expr)

    def arms(self, typed: Typed) -> list[tuple[Code, Code]]:
        """Return the tests of a `merge`, each with what it gives; the last has no test."""
        arms: list[tuple[Code, Code]] = []
        for part in typed.parts:
            value = coerce(self.print(part), part.type, typed.type)
            if not part.skips:
                return [*arms, (_ALWAYS, value)]
            arms.append((_conjunction([self._ran(name) for name in sorted(part.skips)]), value))
        return [*arms, (_ALWAYS, _NONE)]

    def _merge(self, typed: Typed) -> Code:
        *tested, (_, merged) = self.arms(typed)
        for test, value in reversed(tested):
            merged = code(f"{value.at(OR)} if {test.text} else {merged.text}", CONDITIONAL, value, test, merged)
        return merged

    def _conditional(self, typed: Typed) -> Code:
        test = self.condition(typed.parts[0])
        yes, no = (coerce(self.print(part), part.type, typed.type) for part in typed.parts[1:])
        return code(f"{yes.at(OR)} if {test.at(OR)} else {no.at(CONDITIONAL)}", CONDITIONAL, test, yes, no)

    def _logical(self, typed: Typed, expr: Call) -> Code:
        left, right = typed.parts
        both = expr.function == "_&&_"
        if not left.fails and left.type == BOOL:
            a, b = self.print(left), self.condition(right)
            level, word = (AND, "and") if both else (OR, "or")
            return code(f"{a.at(level)} {word} {b.at(level)}", level, a, b)
        a, b = self.print(left), self.print(right)
        helper = "and_" if both else "or_"
        return code(f"{helper}(lambda: {a.text}, lambda: {b.text})", ATOM, a, b, helper=helper)

    def _not(self, part: Typed) -> Code:
        inner = self.print(part)
        if kind(part.type) != "bool":
            return call("not_", inner)
        match part.expr:
            case Call(function="_==_" | "_!=_" as function):
                return equality(part, *self._sides(part), sign="!=" if function == "_==_" else "==")
            case Call(function="@in"):
                return membership(part, *self._sides(part), negated=True)
            case Call(function="contains"):
                receiver, sought = part.parts
                sides = (self._argument(sought, STRING, "contains"), self._argument(receiver, STRING, "contains"))
                return is_in(*sides, negated=True)
        return code(f"not {inner.at(NOT)}", NOT, inner)

    def _sides(self, typed: Typed) -> tuple[Code, Code]:
        left, right = typed.parts
        return self.print(left), self.print(right)

    def _operator(self, typed: Typed, expr: Call) -> Code | None:
        if expr.target is not None:
            return None
        match expr.function:
            case "_==_" | "_!=_" as function:
                return equality(typed, *self._sides(typed), sign=function[1:-1])
            case "_<_" | "_<=_" | "_>_" | "_>=_" as function:
                return order(typed, *self._sides(typed), sign=function[1:-1])
            case "@in":
                return membership(typed, *self._sides(typed))
            case "-_":
                return negation(typed, self.print(typed.parts[0]))
            case "_+_" | "_-_" | "_*_" | "_/_" | "_%_" as function:
                return arithmetic(typed, *self._sides(typed), sign=function[1:-1])
        return None

    def _function(self, typed: Typed, expr: Call) -> Code:
        if typed.overload is None:
            values = [Code(pytext.string(expr.function)), *(self.print(part) for part in typed.parts)]
            return call("no_function", *values)
        pairs = zip(typed.parts, typed.overload.wanted(len(typed.parts)) or (), strict=True)
        args = [self._argument(part, wanted, expr.function) for part, wanted in pairs]
        return applied(how(expr.function, typed.overload, [part.type for part in typed.parts]), args)

    def _argument(self, part: Typed, wanted: Type, function: str) -> Code:
        argument = self.print(part)
        if function == "dyn":
            return coerce(argument, part.type, ANY)
        known = without_variables(wanted)
        return coerce(argument, ANY, known) if part.type == ANY and wanted != VALUE and known != ANY else argument


def _const(const: Const) -> Code:
    value = const.value
    if isinstance(value, bytes):
        return Code(repr(value) if b'"' in value else show_bytes(value))
    if const.uint:
        return code(f"UInt({value})", ATOM, helper="UInt")
    text = pytext.literal(value)
    return Code(text, UNARY if text.startswith("-") else ATOM)


def _step_name(expr: Expr) -> str | None:
    match expr:
        case Select(field=name):
            return name
        case Index(index=index):
            return constant_key(index)
    return None


def _is_dynamic(typed: Typed) -> bool:
    """Whether a part of a value is read through `get`."""
    if not isinstance(typed.expr, Select | Index) or optional_chain(typed.expr):
        return False
    return not isinstance(without_null(typed.parts[0].type), ObjectType) or _step_name(typed.expr) is None


def _member(value: Code, of: ObjectType, name: str) -> Code:
    if isinstance(of, Record):
        return code(f"{value.at(ATOM)}[{pytext.string(name)}]", ATOM, value)
    return code(f"{value.at(ATOM)}.{attributes(of)[name]}", ATOM, value)


def _is_there(value: Code) -> Code:
    return code(f"{value.at(SUM)} is not None", COMPARE, value)


def _conjunction(conditions: Sequence[Code]) -> Code:
    if len(conditions) == 1:
        return conditions[0]
    return code(" and ".join(condition.at(AND) for condition in conditions), AND, *conditions)
