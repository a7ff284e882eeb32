"""What the rules of the grammar make: the constructs of the language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from saltern_compiler.expr.ast import Const, Expr, MapExpr, Span
from saltern_compiler.expr.lalr import Token
from saltern_compiler.expr.show import show
from saltern_compiler.frontend.language import syntax as syn
from saltern_compiler.frontend.language.types import TypeBuilder, token_span
from saltern_runtime.spec.names import ELSE, THEN, case_handle, case_key

_OPTIONS: Final = {
    "at_most": ("It runs once.", ("FOREACH", "WHILE")),
    "within": ("Only the rounds of a `while` have a time.", ("WHILE",)),
    "on_error": ("Behind the body, `on error { … }` says what runs where it has failed.", ("FOREACH",)),
    "on_limit": ("Only a `while` comes to a limit.", ("WHILE",)),
}
"""Option of a region → a hint for a region without it, and the keywords of those that take it."""


class Builder(TypeBuilder):
    """One method for each rule of grammar.lark; make one for each text."""

    def source(self, _span: Span, parts: Sequence[syn.Item]) -> tuple[syn.Item, ...]:
        return tuple(parts)

    # sections

    def pipeline(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        *decorators, _, name = parts
        text = str(name) if name.type == "IDENT" else str(self._text(name))
        return syn.PipelineLine(tuple(decorators), syn.Name(text, token_span(name)), span)

    def description(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        token: Token = parts[1]
        if token.type == "TEMPLATE":
            return syn.DescriptionLine(syn.Embedded(str(token), token_span(token)), span)
        return syn.DescriptionLine(Const(self._text(token), span=token_span(token)), span)

    def settings(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        return syn.SettingsSection(parts[1], span)

    def budget(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        return syn.BudgetSection(parts[1], span)

    def input(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        return syn.TypeSection("input", parts[1], span)

    def output(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        return syn.TypeSection("output", parts[1], span)

    def use(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        _, name, path = parts
        return syn.UseLine(_name(name), str(self._text(path)), span)

    def secret(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        _, name, source = parts
        return syn.SecretLine(_name(name), source, span)

    def connection(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        *decorators, _, name, connector, params = parts
        return syn.ConnectionLine(tuple(decorators), _name(name), _name(connector), params, span)

    def trigger(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        _, kind, path, params = parts
        path_text = None if path is None else Const(self._text(path), span=token_span(path))
        return syn.TriggerLine(kind, path_text, params, span)

    # statements

    def node(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        decorators, (name, operation, connection, *clauses, params, last, handler) = _split(parts)
        head = syn.Head(decorators, _name(name), _clauses(clauses))
        named = None if connection is None else _name(connection)
        body = last if isinstance(last, syn.Body) else None
        mapping = last if isinstance(last, syn.Mapping) else None
        compensate = last if body is None and mapping is None else None
        return syn.NodeStatement(head, operation, named, params, compensate, body, mapping, handler, span)

    def mapping(self, span: Span, parts: Sequence[Any]) -> syn.Mapping:
        return syn.Mapping(tuple(part for part in parts if isinstance(part, tuple)), span)

    def mapped(self, _span: Span, parts: Sequence[Token]) -> tuple[syn.Name, syn.Name]:
        name, given = parts
        return _name(name), _name(given)

    def handler(self, _span: Span, parts: Sequence[Any]) -> syn.Handler:
        keyword, name, block = parts
        return syn.Handler(None if name is None else _name(name), block, token_span(keyword))

    def body(self, _span: Span, parts: Sequence[Any]) -> syn.Body:
        _, *names, block = parts
        return syn.Body(tuple(_name(name) for name in names if name is not None), block)

    def operation(self, span: Span, parts: Sequence[Any]) -> syn.Operation:
        name, version = parts
        return syn.Operation(name.text, None if version is None else self._number(version), span)

    def called(self, span: Span, parts: Sequence[Token]) -> syn.Operation:
        return syn.Operation(".".join(parts), None, span)

    def dotted(self, span: Span, parts: Sequence[Token]) -> syn.Name:
        return syn.Name(".".join(parts), span)

    def params(self, span: Span, parts: Sequence[Any]) -> syn.Params:
        return syn.Params(parts[0] or (), span)

    def compensate(self, _span: Span, parts: Sequence[Any]) -> syn.Compensation:
        keyword, block = parts
        return syn.Compensation(block, token_span(keyword))

    def block(self, span: Span, parts: Sequence[Any]) -> syn.Block:
        return syn.Block(tuple(parts), span)

    def result(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        decorators, (keyword, value, *clauses) = _split(parts)
        head = syn.Head(decorators, _name(keyword), _clauses(clauses))
        return syn.ResultStatement(str(keyword), head, value, token_span(keyword), span)

    # branches

    def if_branch(self, span: Span, parts: Sequence[Any], *, named: bool = True) -> syn.Item:
        decorators, rest = _split(parts)
        name = _name(rest.pop(0)) if named else None
        keyword, condition, *clauses, then, _, otherwise = rest
        head = syn.Head(decorators, name, _clauses(clauses))
        return syn.BranchStatement("if", head, condition, _arms(then, otherwise), token_span(keyword), span)

    def else_if(self, span: Span, parts: Sequence[Any]) -> syn.Block:
        keyword, condition, then, _, otherwise = parts
        head = syn.Head((), None, _clauses([]))
        inner = syn.BranchStatement(
            "if", head, condition, _arms(then, otherwise), token_span(keyword), span, is_else=True
        )
        return syn.Block((inner,), span)

    def switch(self, span: Span, parts: Sequence[Any], *, named: bool = True) -> syn.Item:
        decorators, rest = _split(parts)
        name = _name(rest.pop(0)) if named else None
        keyword, subject, *others = rest
        arms = tuple(part for part in others if isinstance(part, syn.Arm))
        head = syn.Head(decorators, name, _clauses([part for part in others if not isinstance(part, syn.Arm)]))
        return syn.BranchStatement("switch", head, subject, arms, token_span(keyword), span)

    def bare_if(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        return self.if_branch(span, parts, named=False)

    def bare_switch(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        return self.switch(span, parts, named=False)

    def arm(self, _span: Span, parts: Sequence[Any]) -> syn.Arm:
        *cases, block = parts
        return syn.Arm(tuple(cases), block)

    def case(self, span: Span, parts: Sequence[Token]) -> syn.Case:
        if parts[0].type == "ELSE":
            return syn.Case(ELSE, None, is_case=False, span=span)
        literal = self.constant(span, parts)
        return syn.Case(case_handle(literal), literal, is_case=True, span=span)

    # regions

    def foreach(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        decorators, (name, keyword, variable, _, items, *rest) = _split(parts)
        head = syn.Head(decorators, _name(name))
        return self._region(span, head, keyword, [items, *rest], variables=[_name(variable)])

    def while_region(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        decorators, (name, keyword, variable, of, *rest) = _split(parts)
        named = [_name(variable)]
        return self._region(span, syn.Head(decorators, _name(name)), keyword, rest, variables=named, of=of)

    def try_region(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        decorators, (name, keyword, *clauses, body, _, error, handler) = _split(parts)
        variables = [] if error is None else [_name(error)]
        blocks = [body] if handler is None else [body, handler]
        return self._region(span, syn.Head(decorators, _name(name)), keyword, [*clauses, *blocks], variables=variables)

    def parallel(self, span: Span, parts: Sequence[Any]) -> syn.Item:
        decorators, (name, keyword, mode, *rest) = _split(parts)
        arms = tuple(part for part in rest if isinstance(part, syn.ParallelArm))
        head = syn.Head(decorators, _name(name), _clauses([part for part in rest if isinstance(part, tuple)]))
        word, number = mode or (None, None)
        return syn.ParallelStatement(head, word, number, arms, token_span(keyword), span)

    def join_mode(self, _span: Span, parts: Sequence[Any]) -> tuple[syn.Name, tuple[int, Span] | None]:
        _, mode, number = parts
        return _name(mode), None if number is None else (self._number(number), token_span(number))

    def parallel_arm(self, _span: Span, parts: Sequence[Any]) -> syn.ParallelArm:
        name, block = parts
        return syn.ParallelArm(_name(name), block)

    def _region(
        self,
        span: Span,
        head: syn.Head,
        keyword: Token,
        rest: Sequence[Any],
        *,
        variables: Sequence[syn.Name] = (),
        of: Any = None,
    ) -> syn.Item:
        options: dict[str, Any] = {}
        for key, value in (part for part in rest if isinstance(part, tuple) and part[0] in _OPTIONS):
            words, (where, takes) = key.replace("_", " "), _OPTIONS[key]
            if keyword.type not in takes:
                self.complain("syntax-error", f"a `{keyword}` has no `{words}`", _span_of(value), where)
            elif key in options:
                self.complain("syntax-error", f"`{words}` stands here twice", _span_of(value))
            options.setdefault(key, value)
        clauses = [part for part in rest if isinstance(part, tuple) and part[0] not in _OPTIONS]
        blocks = tuple(part for part in rest if isinstance(part, syn.Block))
        values = tuple(part for part in rest if not isinstance(part, tuple | syn.Block | syn.Handler | None))
        return syn.RegionStatement(
            str(keyword),
            syn.Head(head.decorators, head.name, _clauses(clauses)),
            tuple(variables),
            values,
            options.get("at_most"),
            options.get("within"),
            options.get("on_error"),
            options.get("on_limit"),
            of,
            blocks,
            next((part for part in rest if isinstance(part, syn.Handler)), None),
            token_span(keyword),
            span,
        )

    def at_most(self, _span: Span, parts: Sequence[Token]) -> tuple[str, tuple[int, Span]]:
        return "at_most", (self._number(parts[1]), token_span(parts[1]))

    def within(self, _span: Span, parts: Sequence[Any]) -> tuple[str, Expr]:
        return "within", parts[1]

    def on_error(self, _span: Span, parts: Sequence[Token]) -> tuple[str, syn.Name]:
        return "on_error", _name(parts[1])

    def on_limit(self, _span: Span, parts: Sequence[Token]) -> tuple[str, syn.Name]:
        return "on_limit", _name(parts[1])

    def after(self, _span: Span, parts: Sequence[Token]) -> tuple[str, tuple[syn.Name, ...]]:
        return "after", tuple(_name(part) for part in parts[1:])

    def join(self, _span: Span, parts: Sequence[Token]) -> tuple[str, syn.Name]:
        return "join", _name(parts[1])

    def when(self, _span: Span, parts: Sequence[Any]) -> tuple[str, tuple[syn.Name | None, tuple[syn.Handle, ...]]]:
        token, *handles = parts
        join = syn.Name(token.split()[1], token_span(token)) if token.type != "WHEN" else None
        return "when", (join, tuple(handles))

    def handle(self, span: Span, parts: Sequence[Any]) -> syn.Handle:
        source, *rest = parts
        return syn.Handle(str(source), ".".join(rest), span)

    def handle_part(self, span: Span, parts: Sequence[Token]) -> str:
        return str(parts[0]) if parts[0].type == "IDENT" else case_key(self.constant(span, parts))

    # decorators

    def decorator(self, span: Span, parts: Sequence[Any]) -> syn.Decorator:
        name, arguments = parts
        return syn.Decorator(_name(name), arguments or (), span)

    def decorator_args(self, _span: Span, parts: Sequence[Any]) -> tuple[syn.Argument, ...]:
        return tuple(parts)

    def decorator_arg(self, span: Span, parts: Sequence[Any]) -> syn.Argument:
        name, value = parts
        return syn.Argument(None if name is None else _name(name), value, span)

    # values

    def type_value(self, span: Span, parts: Sequence[Any]) -> Expr:
        return syn.Embedded(self.text[span[0] : span[1]], span, kind="type", type=parts[1])

    def state_type(self, span: Span, parts: Sequence[Any]) -> Expr:
        return syn.Embedded(self.text[span[0] : span[1]], span, kind="type", type=parts[0])

    def template(self, span: Span, parts: Sequence[Token]) -> Expr:
        return syn.Embedded(str(parts[0]), span, kind="template")

    def duration(self, span: Span, parts: Sequence[Token]) -> Expr:
        return syn.Embedded(str(parts[0]), span, kind="duration")

    def worded(self, span: Span, parts: Sequence[Any]) -> Expr:
        word, settings = parts
        return syn.Embedded(str(word), span, kind="worded", settings=settings)

    def key(self, span: Span, parts: Sequence[Token]) -> Expr:
        token = parts[0]
        return Const(str(token), span=span) if token.type == "IDENT" else self.literal(span, parts)

    def map_entry(self, span: Span, parts: Sequence[Expr], *, optional: bool = False) -> Any:
        return syn.Entry(parts[0], parts[1], optional, span)

    def optional_entry(self, span: Span, parts: Sequence[Expr]) -> Any:
        return self.map_entry(span, parts, optional=True)

    def map_entries(self, _span: Span, parts: Sequence[Any]) -> tuple[Any, ...]:
        self.check_commas([part if isinstance(part, Token) else part.span for part in parts])
        entries = tuple(part for part in parts if isinstance(part, syn.Entry))
        seen: set[Expr] = set()
        for entry in entries:
            if isinstance(entry.key, Const) and entry.key in seen:
                shown = entry.key.value if isinstance(entry.key.value, str) else show(entry.key)
                self.complain("duplicate-key", f"the key `{shown}` stands here twice", entry.key.span)
            seen.add(entry.key)
        return entries

    def map(self, span: Span, parts: Sequence[Any]) -> Expr:
        entries: tuple[syn.Entry, ...] = parts[0] or ()
        optional = frozenset(place for place, entry in enumerate(entries) if entry.optional)
        return MapExpr(tuple((entry.key, entry.value) for entry in entries), optional, span=span)


def _name(token: Token) -> syn.Name:
    return syn.Name(str(token), token_span(token))


def _split(parts: Sequence[Any]) -> tuple[tuple[syn.Decorator, ...], list[Any]]:
    decorators = tuple(part for part in parts if isinstance(part, syn.Decorator))
    return decorators, list(parts[len(decorators) :])


def _span_of(option: syn.Name | Expr | tuple[int, Span]) -> Span:
    return option[1] if isinstance(option, tuple) else option.span


def _arms(then: syn.Block, otherwise: syn.Block | None) -> tuple[syn.Arm, ...]:
    blocks = {THEN: then} | ({} if otherwise is None else {ELSE: otherwise})
    return tuple(
        syn.Arm((syn.Case(handle, None, is_case=False, span=block.span),), block) for handle, block in blocks.items()
    )


def _clauses(parts: Sequence[Any]) -> syn.Clauses:
    after: tuple[syn.Name, ...] = ()
    join: syn.Name | None = None
    when: tuple[syn.Handle, ...] = ()
    kind: Literal["after", "join", "when"]
    for kind, value in parts:
        if kind == "after":
            after += value
        elif kind == "join":
            join = value
        else:
            join, when = value[0] or join, (*when, *value[1])
    return syn.Clauses(after, join, when)
