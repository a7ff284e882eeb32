"""What takes back what a node did: where it may stand, and what it may read."""

from __future__ import annotations

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.ir.graph import reads
from saltern_compiler.ir.pipeline import STOP, Node, Pipeline
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.analyses.types import TYPES
from saltern_compiler.passes.base import Check, Context
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Effect
from saltern_runtime.spec.names import COMPENSATE


@dataclass(frozen=True, slots=True)
class Compensations(Check):
    """`misplaced-compensate`, `may-be-skipped` (what has not run when something is taken back)."""

    name: str = "compensations"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report compensations that could not run, or not with what they read."""
        shape = context.get(SHAPE, pipeline)
        for node in pipeline.body.walk():
            if node.type != COMPENSATE:
                continue
            why = _misplaced(node, pipeline, shape, context)
            if why is None:
                _check_reads(node, shape, context)
                continue
            message, note, place = why
            context.report(Diagnostic("misplaced-compensate", message, place, notes=(note,)), node.id)


def _misplaced(node: Node, pipeline: Pipeline, shape: Shape, context: Context) -> tuple[str, str, Origin] | None:
    """Say what is wrong with where it stands, why that matters, and where."""
    at = node.control[0].origin if node.control else node.place("type")
    edges = [edge for edge in node.control if edge.source in shape.nodes]
    if len(edges) != 1 or edges[0].handle != COMPENSATE:
        note = f"It hangs on the handle `{COMPENSATE}` of the node that it takes back, and on nothing else."
        return "a `compensate` takes back what one node did", note, at
    source = edges[0].source
    if node.id in shape.owner or source in shape.owner:
        owner = shape.owner.get(source, source)
        note = "Once a loop, a `try` or a `parallel` is over, nothing of its rounds is kept. Put the node beside it."
        if owner.endswith(f"/{COMPENSATE}"):
            note = "The run is over by then: what takes something back is not taken back itself."
        return f"`{source}` cannot be taken back inside of `{owner.partition('/')[0]}`", note, at
    spec = shape.spec(source)
    effect = context.get(TYPES, pipeline).effects.get(source)
    if effect is Effect.PURE or (spec is not None and (spec.region is not None or shape.handles(source) == ())):
        note = "Compensate the nodes that call out."
        return f"`{source}` does nothing that could be taken back", note, at
    inner = next((each for each in node.body.walk() if each.type in {STOP, COMPENSATE}), None) if node.body else None
    if inner is not None:
        note = "The run is over already: nothing of it ends or begins."
        return f"`{inner.id}` stands where `{source}` is taken back", note, inner.place("type")
    return None


def _check_reads(node: Node, shape: Shape, context: Context) -> None:
    """Report what is read that need not have run when the node was done."""
    source = node.control[0].source
    known, work = {source}, [source]
    while work:
        new = [name for name in shape.before.get(work.pop(), ()) if name not in known]
        known.update(new)
        work += new
    for read in reads(node):
        if read.name in shape.nodes and read.name not in known and read.name not in shape.owner:
            message = f"`{read.name}` may not have run when `{source}` is taken back"
            notes = (f"Only `{source}`, and what it comes after, is sure to be there.",)
            context.report(Diagnostic("may-be-skipped", message, read.place, notes=notes), node.id)
