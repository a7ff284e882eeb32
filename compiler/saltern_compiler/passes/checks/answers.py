"""Nodes that take an answer from outside: somebody must know where, and early enough."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.expr.ast import Call, Const, Expr, Ident, children
from saltern_compiler.frontend.durations import seconds, show_duration
from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.ir.values import Expression, Value, expressions
from saltern_compiler.passes.analyses.deadline import DEADLINES
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import DURATION

_LONGER: Final = ("Let runs last longer: `settings { deadline: … }`, at most 30 days.",)


@dataclass(frozen=True, slots=True)
class Answers(Check):
    """`unannounced-receive`, `outlasts-run`: warnings."""

    name: str = "answers"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report waits that no answer can end, and those that the end of the run comes before."""
        shape = context.get(SHAPE, pipeline)
        _check_lengths(pipeline, shape, context)
        if shape.awaiting and not context.has_errors:
            _check_addresses(shape, context)


def _check_addresses(shape: Shape, context: Context) -> None:
    told: dict[str, list[str]] = {}
    for node in shape.nodes.values():
        for name in _addresses(node):
            told.setdefault(name, []).append(node.id)
    for name in shape.awaiting:
        spec, node = shape.specs[name], shape.nodes[name]
        if node.disabled or (spec.awaits is not None and spec.awaits.choices is not None):
            continue  # a decision may be made over the API and on the page of the run
        behind = _behind(name, shape)
        if all(shape.beside(teller, name) in behind for teller in told.get(name, ())):
            when = "only once it has come" if name in told else "nowhere"
            message = f"the address of `{name}` is handed out {when}"
            notes = (
                f'Hand `run.callback("{name}")` to whoever is to call, in a node that does not wait for `{name}`.',
            )
            context.report(Diagnostic("unannounced-receive", message, node.place("id"), notes=notes))


def _behind(name: str, shape: Shape) -> set[str]:
    """Return a node and all beside it that wait for it."""
    feeds: dict[str, list[str]] = {}
    for node_id, needed in shape.before.items():
        for need in needed:
            feeds.setdefault(need, []).append(node_id)
    found, work = {name}, [name]
    while work:
        new = [other for other in feeds.get(work.pop(), ()) if other not in found]
        found.update(new)
        work += new
    return found


def _addresses(node: Node) -> Iterator[str]:
    """Yield the ids of the nodes whose addresses a node's parameters hand out."""
    for _, value in node.params:
        for expression in expressions(value):
            yield from _callbacks(expression.expr)


def _callbacks(expr: Expr) -> Iterator[str]:
    match expr:
        case Call(function="callback", target=Ident(name="run"), args=(Const(value=str(name)),)):
            yield name
    for child in children(expr):
        yield from _callbacks(child)


def _check_lengths(pipeline: Pipeline, shape: Shape, context: Context) -> None:
    asked = any(spec.sleeps or spec.awaits is not None for spec in shape.specs.values())
    if not asked and all(node.policy.timeout is None for node in shape.nodes.values()):
        return
    given = context.get(DEADLINES, pipeline).seconds
    for node in shape.nodes.values():
        spec = shape.spec(node.id)
        if node.policy.timeout is not None and node.policy.timeout > given:
            message = f"an attempt of `{node.id}` may take {show_duration(node.policy.timeout)}, and a run ends after {show_duration(given)}"
            context.report(Diagnostic("outlasts-run", message, node.place("policy:timeout"), notes=_LONGER))
        if spec is None or not (spec.sleeps or spec.awaits is not None):
            continue
        for param in spec.params:
            value = node.param(param.name)
            length = _length(value) if param.type == DURATION and value is not None else None
            if length is not None and length >= given:
                message = f"`{node.id}` may wait {show_duration(length)}, and a run ends after {show_duration(given)}"
                context.report(
                    Diagnostic("outlasts-run", message, value.origin if value else node.origin, notes=_LONGER)
                )


def _length(value: Value) -> float | None:
    """Return a written-out length of time in seconds."""
    match value:
        case Expression(expr=Call(function="duration", target=None, args=(Const(value=str(text)),))):
            return seconds(text)
    return None
