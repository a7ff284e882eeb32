"""The parameters of nodes, as far as they can be judged by how they are written."""

from __future__ import annotations

from dataclasses import replace

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.diagnostics.suggest import did_you_mean, it_takes, replace_by
from saltern_compiler.ir.bound import length_of
from saltern_compiler.ir.pipeline import CALL, START, Node, Pipeline
from saltern_compiler.ir.values import Expression, ListValue, Literal, SecretRef, Template, TypeValue, Value
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.passes.values import misfits
from saltern_compiler.passes.words import takes_text
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ListType, NodeType, Param, show
from saltern_runtime.spec.types import without_null


@dataclass(frozen=True, slots=True)
class Parameters(Check):
    """`unknown-parameter`, `missing-parameter`, `ill-typed-parameter`, `not-a-literal`, `template-not-allowed`."""

    name: str = "parameters"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report what is not in the node type's list, what is missing, and what is written in a way it cannot be."""
        shape = context.get(SHAPE, pipeline)
        for node in shape.nodes.values():
            spec = shape.spec(node.id)
            if spec is None or node.type in (CALL, START):  # of nothing: told, and what it would take is not known
                continue
            for name, value in node.params:
                param = spec.param(name)
                if param is None:
                    _unknown(node, name, spec, context)
                else:
                    _check_form(node, param, value, shape, context)
            for param in spec.params:
                if param.required and node.param(param.name) is None:
                    _missing(node, param, spec, context)


def _unknown(node: Node, name: str, spec: NodeType, context: Context) -> None:
    place = node.place(f"param:{name}")
    near = context.nearest(name, [param.name for param in spec.params if node.param(param.name) is None])
    takes = it_takes(param.name for param in spec.params)
    fixes = replace_by(near, place) if place.key or place.pointer is None else ()
    message = f"`{spec.name}` has no parameter `{name}`"
    context.report(
        Diagnostic("unknown-parameter", message, place, notes=(*did_you_mean(near), takes), fixes=fixes), node.id
    )


def _missing(node: Node, param: Param, spec: NodeType, context: Context) -> None:
    doc = (f"`{param.name}`: {param.doc}",) if param.doc else ()
    notes = (f"`{spec.name}` needs `{param.name}` ({_kind(param)}): give it a value or connect one.", *doc)
    message = f"`{node.id}` lacks the parameter `{param.name}`"
    context.report(Diagnostic("missing-parameter", message, node.place("params"), notes=notes), node.id)


def _kind(param: Param) -> str:
    return "a type" if param.is_type else show(param.type)


def _is_told(node: Node, param: Param, value: Value, shape: Shape) -> bool:
    """Whether all that is computed in it are words that name nothing where a text belongs: typing tells of each."""
    if isinstance(value, ListValue):
        of = without_null(param.type)
        item = replace(param, type=of.item) if isinstance(of, ListType) else param
        return all(isinstance(part, Literal) or _is_told(node, item, part, shape) for part in value.items)
    return isinstance(value, Expression) and takes_text(param.type) and shape.names_nothing(node.id, value.expr)


def _check_form(node: Node, param: Param, value: Value, shape: Shape, context: Context) -> None:
    def report(code: str, message: str, *notes: str, at: Origin = value.origin) -> None:
        context.report(Diagnostic(code, message, at, notes=notes), node.id)

    if isinstance(value, SecretRef):
        return
    if param.is_type and not isinstance(value, TypeValue):
        report("ill-typed-parameter", f"`{param.name}` of `{node.id}` takes a type, not a value", "Write `type { … }`.")
    elif isinstance(value, TypeValue) and not param.is_type:
        report(
            "ill-typed-parameter",
            f"`{param.name}` of `{node.id}` takes a value, not a type",
            f"It takes {_kind(param)}.",
        )
    elif isinstance(value, Template) and not param.template:
        why = param.doc or "Its text is fixed; values go into parameters of their own."
        report("template-not-allowed", f"`{param.name}` of `{node.id}` cannot be a template", why)
    elif param.static and not isinstance(value, Literal | TypeValue) and length_of(value) is None:
        if _is_told(node, param, value, shape):
            return
        why = "It decides how the pipeline is compiled, so no run can change it."
        report("not-a-literal", f"`{param.name}` of `{node.id}` must be written out", why)
    elif isinstance(value, Literal):
        for misfit in misfits(value.value, param.type):
            at = value.place(*misfit.path)
            takes = f"`{param.name}` takes {show(param.type)}."
            report("ill-typed-parameter", f"`{param.name}` of `{node.id}`: {misfit.message}", takes, at=at)
