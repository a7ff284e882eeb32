"""What a wrong optimization could do to a pipeline: each of these has to be found."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from saltern_compiler.expr.ast import Call, Const, Expr
from saltern_compiler.expr.rewrite import with_parts
from saltern_compiler.ir.pipeline import Node, Pipeline, Region, map_nodes
from saltern_compiler.ir.values import Expression, ListValue, Literal, ObjectValue, map_expressions
from saltern_compiler.passes.base import Context, Pass
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Retry

Change = Callable[[Node], Node | None]
"""Returns a node as it must not be; None where it is to be gone."""


@dataclass(frozen=True, slots=True)
class Mutation(Pass):
    """A pass that breaks a pipeline."""

    name: str = ""
    change: Change = lambda node: node

    def apply(self, pipeline: Pipeline, context: Context) -> Pipeline:
        """Return the pipeline as it must not be."""
        body = _without(map_nodes(pipeline.body, lambda node: self.change(node) or replace(node, type="gone")))
        return pipeline if body is pipeline.body else replace(pipeline, body=body)


def _without(region: Region) -> Region:
    """Take out the nodes that are to be gone."""
    if not any(node.type == "gone" for node in region.walk()):
        return region
    nodes = (replace(node, body=node.body and _without(node.body)) for node in region.nodes if node.type != "gone")
    return replace(region, nodes=tuple(nodes))


def _rewritten(change: Callable[[Call], Expr]) -> Change:
    """Change calls inside of expressions."""

    def rewrite(expr: Expr) -> Expr:
        made = with_parts(expr, rewrite)
        return change(made) if isinstance(made, Call) else made

    def each(part: Expression) -> Expression:
        made = rewrite(part.expr)
        return part if made == part.expr else Expression(made, part.origin)

    def of(node: Node) -> Node:
        params = tuple((name, map_expressions(value, each)) for name, value in node.params)
        return node if params == node.params else replace(node, params=params)

    return of


def _operator(one: str, other: str) -> Change:
    return _rewritten(lambda call: replace(call, function=other) if call.function == one else call)


def _with(node: Node, name: str, value: Literal) -> Node:
    return replace(node, params=tuple((key, value if key == name else old) for key, old in node.params))


def _setting(node_type: str, name: str, wrong: Callable[[object], object]) -> Change:
    """Change what a node of a type is set to."""

    def of(node: Node) -> Node:
        value = node.param(name)
        if node.type != node_type or not isinstance(value, Literal) or wrong(value.value) == value.value:
            return node
        return _with(node, name, Literal(wrong(value.value)))  # type: ignore[arg-type]  # a JSON value, as it was

    return of


def _safe(call: Call) -> Expr:
    """Fold a division as if nothing could be zero."""
    by = call.args[1] if call.function == "_/_" else None
    return Call("_?_:_", (Call("_==_", (by, Const(0))), Const(0), call)) if by is not None else call


def _ungated(node: Node) -> Node:
    kept = tuple(edge for edge in node.control if edge.handle not in {"then", "else"})
    return node if len(kept) == len(node.control) else replace(node, control=kept)


def _fewer(node: Node) -> Node:
    retry = node.policy.retry
    if retry is None or not 1 < retry.attempts < 9:
        return node
    return replace(node, policy=replace(node.policy, retry=Retry(retry.attempts - 1, retry.base, retry.cap)))


def _backwards(node: Node) -> Node:
    values = node.param("values")
    if node.type != "merge" or not isinstance(values, ListValue):
        return node
    return replace(node, params=(("values", ListValue(values.items[::-1])),))


def _quiet(node: Node) -> Node:
    """Compute what a call gives, and leave the call out."""
    args = node.param("args")
    if node.type != "python.call" or not isinstance(args, ObjectValue) or len(args.fields) != 2:
        return node
    value = dict(args.fields)["value"]
    return replace(node, type="set", params=(("value", value),)) if isinstance(value, Expression) else node


MUTATIONS: Final[Mapping[str, Change]] = {
    "plus is minus": _operator("_+_", "_-_"),
    "less is at most": _operator("_<_", "_<=_"),
    "and is or": _operator("_&&_", "_||_"),
    "a division by zero gives zero": _rewritten(_safe),
    "branches hang on nothing": _ungated,
    "all is any": lambda node: replace(node, join="any") if len(node.control) > 1 and node.join == "all" else node,
    "what failed ends the run": lambda node: (
        replace(node, policy=replace(node.policy, on_error="fail")) if node.policy.on_error else node
    ),
    "one attempt less": _fewer,
    "effects in any order": lambda node: replace(node, after=()) if node.after else node,
    "a call is left out": _quiet,
    "nothing is taken back": lambda node: None if node.type == "compensate" else node,
    "nothing is kept": lambda node: (
        replace(node, policy=replace(node.policy, cache=None)) if node.policy.cache else node
    ),
    "a merge from behind": _backwards,
    "one round more": _setting("while", "at_most", lambda most: int(str(most)) + 1),
    "the limit of a loop is none": _setting("while", "on_limit", lambda _: "fail"),
    "an item's failure drops it": _setting("foreach", "on_error", lambda word: "continue" if word == "stop" else word),
    "a race waits for less": _setting("parallel", "quorum", lambda _: 1),
    "a stop is a success": _setting("stop", "state", lambda _: "succeeded"),
}
TEXTS: Final[Mapping[str, Callable[[str], str]]] = {
    "a sum is a difference": lambda text: text.replace("add(", "sub(").replace("import sub", "import add, sub"),
    "nothing gates a stage": lambda text: re.sub(r"when=\((On\([^()]*\),? ?\n? *)*\),?", "", text),
    "no stage waits": lambda text: re.sub(r"\bafter=\([^()]*\),?", "", text),
    "what fails is passed over": lambda text: text.replace('on_error="fail"', 'on_error="continue"'),
    "the last one counts": lambda text: text.replace("is not SKIPPED", "is SKIPPED"),
}
"""What could go wrong in generated code."""
