"""Control edges and `after`, and whether they lead anywhere."""

from __future__ import annotations

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.diagnostics.suggest import did_you_mean, join
from saltern_compiler.ir.pipeline import ControlEdge, Node, Pipeline
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Emit
from saltern_runtime.spec.names import COMPENSATE, ERROR


@dataclass(frozen=True, slots=True)
class Edges(Check):
    """`unknown-node`, `edge-across-regions`, `unknown-handle`, `misplaced-error`."""

    name: str = "edges"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report edges from nodes and handles that are not there."""
        shape = context.get(SHAPE, pipeline)
        for node in shape.nodes.values():
            for edge in node.control:
                _check_edge(node, edge, shape, context)
            spec = shape.spec(node.id)
            if spec is not None and spec.emit is Emit.ERROR and [edge.handle for edge in node.control] != [ERROR]:
                message = f"`{node.id}` does not hang on the failure of one node alone"
                notes = ("It tells how that node failed: `x = … on error e { … }`.",)
                context.report(Diagnostic("misplaced-error", message, node.place("type"), notes=notes), node.id)
            for name in node.after:
                if name not in shape.nodes:
                    near = context.nearest(name, shape.nodes)
                    place = node.place(f"after:{name}")
                    message = f"`{node.id}` comes after the unknown node `{name}`"
                    context.report(Diagnostic("unknown-node", message, place, notes=did_you_mean(near)))
                elif not shape.sees(node.id, name):
                    message = f"`{node.id}` comes after `{name}`, which stands inside of `{shape.owner[name]}`"
                    notes = (f"Whatever comes after `{shape.owner[name]}` comes after all that its body does.",)
                    place = node.place(f"after:{name}")
                    context.report(Diagnostic("edge-across-regions", message, place, notes=notes))


def _check_edge(node: Node, edge: ControlEdge, shape: Shape, context: Context) -> None:
    if edge.source not in shape.nodes:
        notes = did_you_mean(context.nearest(edge.source, shape.nodes))
        message = f"`{node.id}` hangs on the unknown node `{edge.source}`"
        context.report(Diagnostic("unknown-node", message, edge.origin, notes=notes))
        return
    if shape.owner.get(edge.source) != shape.owner.get(node.id):
        source, target = (shape.owner.get(end) for end in (edge.source, node.id))
        stands = f"inside of `{source}`" if source else f"outside of `{target}`"
        notes = ("A branch is taken once each time its region runs. Put the `if` or `switch` beside what hangs on it.",)
        message = f"`{node.id}` hangs on `{edge.source}`, which stands {stands}"
        context.report(Diagnostic("edge-across-regions", message, edge.origin, notes=notes))
        return
    spec = shape.spec(edge.source)
    handles = shape.handles(edge.source)
    if spec is None or handles is None or edge.handle in handles or node.type == COMPENSATE:
        return  # what compensates is looked at by a check of its own
    near = context.nearest(edge.handle, handles)
    has = f"It has {join(handles)}." if handles else f"`{spec.name}` takes no branches."
    message = f"`{edge.source}` has no handle `{edge.handle}`"
    context.report(Diagnostic("unknown-handle", message, edge.origin, notes=(*did_you_mean(near), has)))
