"""What type an expression has, and everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from saltern_compiler.diagnostics.suggest import Suggestions, did_you_mean, there_are
from saltern_compiler.expr import calls
from saltern_compiler.expr.ast import Call, Const, Expr, Ident, Index, ListExpr, Macro, MapExpr, Select, Span, children
from saltern_compiler.expr.calls import MAY_BE_NULL, not_null
from saltern_compiler.expr.functions import TYPE_NAMES
from saltern_compiler.expr.grammar import Problem
from saltern_compiler.expr.kinds import UINT, Fresh, Record, join, kind, widened
from saltern_compiler.expr.macros import macro
from saltern_compiler.expr.typed import ILL_TYPED, Scope, Typed, facts, gathered
from saltern_compiler.expr.written import check_zeros
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.types import (
    ANY,
    BOOL,
    BYTES,
    DOUBLE,
    NULL,
    STRING,
    Field,
    ListType,
    MapType,
    ObjectType,
    Primitive,
    Type,
    is_nullable,
    optional,
    show,
    without_null,
)


@dataclass(frozen=True, slots=True)
class Env:
    """The names that an expression may read, with their types; those in `skippable` may have been skipped."""

    names: Mapping[str, Type]
    skippable: frozenset[str] = frozenset()
    suggestions: Suggestions = field(default_factory=Suggestions, compare=False)
    """Of the whole source: the budget of comparisons is one."""
    answers: tuple[str, ...] = ()
    """Ids of the nodes in sight that take an answer from outside: `run.callback` gives the address of one."""


def check(expr: Expr, env: Env) -> tuple[Typed, list[Problem]]:
    """Type every part of an expression."""
    checker = _Checker(env)
    typed = checker.check(expr, Scope())
    check_zeros(typed, checker.report)
    return typed, list(dict.fromkeys(checker.problems))


class _Checker:
    def __init__(self, env: Env) -> None:
        self.env = env
        self.problems: list[Problem] = []

    def report(self, problem: Problem) -> None:
        self.problems.append(problem)

    def check(self, expr: Expr, scope: Scope) -> Typed:  # noqa: C901 - one case a kind of expression
        match expr:
            case Const():
                return Typed(expr, _const_type(expr))
            case Ident():
                return self._ident(expr, scope)
            case Select() | Index() if optional_chain(expr):
                return self._chain(expr, scope)
            case Select(base=base, field=field):
                return self._select(expr, self.check(base, scope), field, scope)
            case Index():
                return self._index(expr, scope)
            case ListExpr():
                return self._list(expr, scope)
            case MapExpr():
                return self._map(expr, scope)
            case Macro(kind="has"):
                return self._has(expr, scope)
            case Macro():
                return macro(expr, scope, self.check, self.report)
            case Call():
                return self._call(expr, scope)

    def _ident(self, expr: Ident, scope: Scope) -> Typed:
        name = expr.name
        if name in scope.variables:
            return Typed(expr, self._narrow(expr, scope.variables[name], scope))
        of = self.env.names.get(name)
        if of is None:
            if name not in TYPE_NAMES:
                known = {*self.env.names, *scope.variables}
                self._unknown("unknown-name", f"unknown name `{name}`", expr.span, name, known)
            return Typed(expr, ANY, fails=name not in TYPE_NAMES)
        skips = name in self.env.skippable and expr not in scope.facts.there
        if skips and not scope.guarded:
            notes = (
                "It stands in a branch that may not be taken, so it has no value then.",
                f"Use `merge({name}…, other)`, or `{name}.?field`.",
            )
            self.report(Problem("may-be-skipped", f"`{name}` may have been skipped", expr.span, notes))
        return Typed(expr, self._narrow(expr, of, scope), skips=frozenset({name}) if skips else frozenset())

    def _narrow(self, expr: Expr, of: Type, scope: Scope) -> Type:
        return without_null(of) if expr in scope.facts.filled else of

    def _select(self, expr: Expr, base: Typed, field: str, scope: Scope) -> Typed:
        of = self._part_of(base)
        field_type, fails = self._field(expr, of, field, there=expr in scope.facts.there)
        parts = (
            (base,)
            if isinstance(expr, Select)
            else (base, Typed(expr.index, STRING))
            if isinstance(expr, Index)
            else ()
        )
        return Typed(expr, self._narrow(expr, field_type, scope), parts, base.fails or fails, base.skips)

    def _part_of(self, base: Typed) -> Type:
        """Return the type of which a part is read; null has none."""
        if base.type in (ANY, NULL) or not is_nullable(base.type):
            return base.type
        notes = (f"Its type is `{show(base.type)}`.", "Test it first: `x != null ? x.y : …`, or read `x.?y`.")
        self.report(Problem(MAY_BE_NULL, "the value may be null", base.expr.span, notes))
        return without_null(base.type)

    def _field(self, expr: Expr, of: Type, name: str, *, there: bool) -> tuple[Type, bool]:
        match of:
            case ObjectType():
                field = of.field(name)
                if field is None:
                    self._unknown_field(expr, of, name)
                    return ANY, True
                return (field.type if field.required or there else optional(field.type)), False
            case MapType(value=value):
                return value, True
            case Primitive(name="any"):
                return ANY, True
        self.report(Problem(ILL_TYPED, f"{show(of)} has no fields", expr.span, (f"`{name}` is read from it.",)))
        return ANY, True

    def _unknown_field(self, expr: Expr, of: ObjectType, name: str) -> None:
        known = (field.name for field in of.fields)
        self._unknown("unknown-field", f"there is no field `{name}`", _end_of(expr, name), name, known)

    def _unknown(self, code: str, message: str, span: Span, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = self.env.suggestions.nearest(name, names)
        self.report(Problem(code, message, span, did_you_mean(near) or there_are(names), next(iter(near), "")))

    def _index(self, expr: Index, scope: Scope) -> Typed:
        base = self.check(expr.base, scope)
        name = constant_key(expr.index)
        if name is not None and isinstance(without_null(base.type), ObjectType):
            return self._select(expr, base, name, scope)
        index = self.check(expr.index, scope)
        of = self._item(expr, self._part_of(base), index)
        return Typed(expr, self._narrow(expr, of, scope), (base, index), fails=True, skips=base.skips | index.skips)

    def _item(self, expr: Expr, of: Type, index: Typed) -> Type:
        by = kind(not_null(index, self.report))
        match of:
            case ListType(item=item) if by in ("int", "any", "uint", "double"):
                return item
            case MapType(value=value) if by in ("string", "any"):
                return value
            case ObjectType(fields=fields) if by in ("string", "any"):
                return (
                    join(field.type if field.required else optional(field.type) for field in fields) if fields else ANY
                )
            case Primitive(name="any"):
                return ANY
        self.report(Problem(ILL_TYPED, f"{show(of)} is not indexed by {show(index.type)}", expr.span))
        return ANY

    def _chain(self, expr: Expr, scope: Scope) -> Typed:
        """Type `a.?b.c`: what is not there is null."""
        root, steps = chain_steps(expr)
        base = self.check(root, Scope(scope.variables, scope.facts, guarded=True))
        of, fails, parts = base.type, base.fails, [base]
        for step in steps:
            of = without_null(of)
            name = step.field if isinstance(step, Select) else constant_key(step.index)
            if name is not None and (isinstance(step, Select) or isinstance(of, ObjectType)):
                of, unsure = self._field(step, of, name, there=True)
            else:
                assert isinstance(step, Index)
                index = self.check(step.index, scope)
                parts.append(index)
                of, unsure = self._item(step, of, index), True
            fails = fails or (unsure and of == ANY)
        return Typed(expr, optional(of), tuple(parts), fails)

    def _list(self, expr: ListExpr, scope: Scope) -> Typed:
        parts = tuple(self.check(item, scope) for item in expr.items)
        self._no_optional(expr, expr.optional)
        kinds = {kind(part.type) for part in parts if part.type != NULL}
        item = join(widened(part.type) for part in parts) if parts and len(kinds) < 2 else ANY
        if kinds == {"int", "double"}:
            item = join(widened(part.type) for part in parts)
        return gathered(expr, ListType(item), parts)

    def _map(self, expr: MapExpr, scope: Scope) -> Typed:
        parts = tuple(self.check(child, scope) for child in children(expr))
        self._no_optional(expr, expr.optional)
        keys, values = parts[::2], parts[1::2]
        names = [constant_key(key.expr) for key in keys]
        texts = [name for name in names if name is not None]
        if len(set(texts)) == len(keys):
            fields = (Field(name, widened(value.type)) for name, value in zip(texts, values, strict=True))
            of: Type = Record(tuple(sorted(fields, key=lambda field: field.name)))
            return gathered(expr, of, parts)
        for key in keys:
            if kind(key.type) not in ("string", "any", "int", "uint", "bool"):
                self.report(Problem(ILL_TYPED, f"{show(key.type)} cannot be the key of a map", key.expr.span))
        of = (
            MapType(join(widened(value.type) for value in values))
            if all(kind(key.type) == "string" for key in keys)
            else ANY
        )
        return gathered(expr, of, parts, fails=True)

    def _no_optional(self, expr: Expr, marked: frozenset[int]) -> None:
        if marked:
            notes = ("Write a condition: `x != null ? [x] : []`.",)
            self.report(Problem(ILL_TYPED, "optional entries of lists and maps are not supported", expr.span, notes))

    def _has(self, expr: Macro, scope: Scope) -> Typed:
        target = expr.target
        assert isinstance(target, Select)
        base = self.check(target.base, Scope(scope.variables, scope.facts, guarded=True))
        of = self._part_of(base)
        if isinstance(of, Record) and of.field(target.field) is None:
            return Typed(expr, BOOL, (Typed(target, ANY, (base,)),))
        field_type, _ = self._field(target, of, target.field, there=True)
        return Typed(expr, BOOL, (Typed(target, field_type, (base,), base.fails, base.skips),), base.fails or of == ANY)

    def _call(self, expr: Call, scope: Scope) -> Typed:
        match expr.function, expr.target, expr.args:
            case "merge", None, _:
                return self._merge(expr, scope)
            case "declassify", None, (_, _):
                return self._declassified(expr, scope)
            case "callback", Ident(name="run") as target, _ if "run" not in scope.variables:
                return self._callback(expr, self.check(target, scope))
            case "_?_:_", None, (test, yes, no):
                return self._conditional(expr, (test, yes, no), scope)
            case "orValue", target, (default,) if target is not None and optional_chain(target):
                chain, other = self.check(target, scope), self.check(default, scope)
                of = join((self._present(chain.type, target), other.type))
                return gathered(expr, of, (chain, other))
            case "hasValue", target, () if target is not None and optional_chain(target):
                return gathered(expr, BOOL, (self.check(target, scope),))
            case "_&&_" | "_||_", None, (left, right):
                first = self.check(left, scope)
                second = self.check(right, scope.knowing(facts(left, holds=expr.function == "_&&_")))
                parts: tuple[Typed, ...] = (first, second)
            case _ if calls.of_library(expr, {*self.env.names, *scope.variables}):
                return calls.no_such(expr, [self.check(arg, scope) for arg in expr.args], self.report)
            case _:
                parts = tuple(self.check(part, scope) for part in children(expr))
        return calls.operator(expr, parts, self.report) or calls.function(
            expr, parts, self.env.suggestions.nearest, self.report
        )

    def _declassified(self, expr: Call, scope: Scope) -> Typed:
        """Type `declassify(x, "why")`: as its value, and for a reason that is written out."""
        value, reason = expr.args
        if not (constant_key(reason) or "").strip():
            notes = ('It is written `declassify(x, "why")`; the reason is what an auditor reads.',)
            self.report(Problem(ILL_TYPED, "`declassify` takes a reason, written out", reason.span, notes))
        part = self.check(value, scope)
        return Typed(expr, part.type, (part,), part.fails, part.skips)

    def _callback(self, expr: Call, run: Typed) -> Typed:
        """Type `run.callback("node")`."""
        name = constant_key(expr.args[0]) if len(expr.args) == 1 else None
        if name is None:
            notes = ('It is written `run.callback("node")`.',)
            self.report(Problem(ILL_TYPED, "`run.callback` takes the id of a node, written out", expr.span, notes))
        elif name not in self.env.answers:
            message = f"no `receive` or `approval` in sight is called `{name}`"
            self._unknown("unknown-name", message, expr.args[0].span, name, self.env.answers)
        return Typed(expr, STRING, (run,), fails=True)

    def _present(self, of: Type, chain: Expr) -> Type:
        """Return the type of an optional chain where it leads somewhere; null stays only where the last field admits it."""
        return of if self._ends_nullable(chain) else without_null(of)

    def _ends_nullable(self, chain: Expr) -> bool:
        silent = _Checker(self.env)
        root, steps = chain_steps(chain)
        of = silent.check(root, Scope(guarded=True)).type
        for step in steps:
            of = without_null(of)
            name = step.field if isinstance(step, Select) else constant_key(step.index)
            if name is not None:
                of = silent._field(step, of, name, there=True)[0]
            elif isinstance(step, Index):
                of = silent._item(step, of, Typed(step.index, ANY))
        return is_nullable(of)

    def _conditional(self, expr: Call, args: tuple[Expr, Expr, Expr], scope: Scope) -> Typed:
        test, yes, no = args
        first = self.check(test, scope)
        proven = calls.condition(first, self.report)
        taken = self.check(yes, scope.knowing(facts(test, holds=True)))
        other = self.check(no, scope.knowing(facts(test, holds=False)))
        return gathered(expr, join((taken.type, other.type)), (first, taken, other), fails=not proven)

    def _merge(self, expr: Call, scope: Scope) -> Typed:
        if not expr.args:
            self.report(Problem(ILL_TYPED, "`merge` takes at least one value", expr.span))
            return Typed(expr, NULL)
        parts = tuple(self.check(arg, Scope(scope.variables, scope.facts, guarded=True)) for arg in expr.args)
        types = [part.type for part in parts]
        all_may_skip = all(part.skips for part in parts)
        of = join([*types, NULL] if all_may_skip else types)
        return Typed(expr, of, parts, any(part.fails for part in parts))


def _const_type(const: Const) -> Type:
    match const.value:
        case None:
            return NULL
        case bool():
            return BOOL
        case int() as value:
            return UINT if const.uint else Fresh(value)
        case float():
            return DOUBLE
        case str() as value:
            return Fresh(value)
        case bytes():
            return BYTES


def constant_key(expr: Expr) -> str | None:
    """Return the string that a literal is, if it is one."""
    return expr.value if isinstance(expr, Const) and isinstance(expr.value, str) else None


def optional_chain(expr: Expr) -> bool:
    """Whether an expression is a chain of `.` and `[]` with an optional step in it."""
    while isinstance(expr, Select | Index):
        if expr.optional:
            return True
        expr = expr.base
    return False


def chain_steps(expr: Expr) -> tuple[Expr, list[Select | Index]]:
    """Split an optional chain: what stands before its first optional step, and the steps from there on."""
    steps: list[Select | Index] = []
    while isinstance(expr, Select | Index) and optional_chain(expr):
        steps.append(expr)
        expr = expr.base
    steps.reverse()
    return expr, steps


def _end_of(expr: Expr, name: str) -> Span:
    """Return the place of the field's name at the end of a selection."""
    start, end = expr.span
    return (max(start, end - len(name)), end) if isinstance(expr, Select) else (start, end)
