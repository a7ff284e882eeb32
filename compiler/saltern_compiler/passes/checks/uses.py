"""Pipelines that are used, and the connections that come with a call."""

from __future__ import annotations

from collections.abc import Iterator

from saltern_compiler.diagnostics.model import Diagnostic, Related
from saltern_compiler.diagnostics.suggest import did_you_mean, there_are
from saltern_compiler.ir.pipeline import START, STOP, Connection, Node, Pipeline, called_by
from saltern_compiler.ir.values import Literal
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.passes.uses import Callee, Trouble, brought, calls_of, connections_of, nodes_in_all, settled
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.names import COMPENSATE, LINKED


@dataclass(frozen=True, slots=True)
class Uses(Check):
    """`missing-pipeline`, `broken-pipeline`, `recursive-use`, `connection-clash`, `stop-in-call`, `reserved-input`, and what stands after `with`."""

    name: str = "uses"
    limit: int = 10_000
    """Nodes in all, those that calls add among them."""

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report uses that lead nowhere, and calls that do not fit."""
        for use in pipeline.uses:
            found = context.uses.get(use.name)
            if isinstance(found, Trouble):
                context.report(Diagnostic(found.code, found.message, use.origin, notes=found.notes))
        for node in pipeline.body.walk():
            if node.mapping and not called_by(node):
                notes = ("Connections are mapped where another pipeline is called or started.",)
                message = f"`{node.id}` maps connections, but calls and starts no pipeline"
                context.report(Diagnostic("unexpected-connection", message, node.place("with"), notes=notes))
        for node, callee in calls_of(pipeline, context.uses):
            for finding in (*_mapped(node, callee, pipeline, context), *_unfit(node, callee)):
                context.report(finding)
        for finding in _clashes(pipeline, context):
            context.report(finding)
        count = nodes_in_all(pipeline, context.uses)
        if pipeline.uses and count > self.limit:
            notes = ("Each call, and each start, adds the nodes of its pipeline.",)
            message = f"the pipeline has {count:,} nodes, with those of the pipelines that it calls or starts"
            context.report(Diagnostic("too-many-nodes", message, pipeline.place("name"), notes=notes))


def _mapped(node: Node, callee: Callee, pipeline: Pipeline, context: Context) -> Iterator[Diagnostic]:
    theirs = connections_of(callee.pipeline, callee.uses)
    for name, given in node.mapping:
        place = node.place(f"with:{name}")
        wanted, ours = theirs.get(name), pipeline.connection(given)
        if wanted is None:
            near = context.nearest(name, theirs)
            notes = did_you_mean(near) or there_are(theirs) or ("It uses none.",)
            message = f"`{called_by(node)}` uses no connection `{name}`"
            yield Diagnostic("unknown-connection", message, place, notes=notes)
        elif ours is None:
            near = context.nearest(given, [each.name for each in pipeline.connections])
            notes = did_you_mean(near) or (f"Declare it: `connection {given} = {wanted.connector} {{ … }}`.",)
            message = f"`{node.id}` maps `{name}` to the unknown connection `{given}`"
            yield Diagnostic("unknown-connection", message, place, notes=notes)
        elif ours.connector != wanted.connector:
            notes = (f"`{called_by(node)}` needs a connection of the connector `{wanted.connector}`.",)
            message = f"`{node.id}` maps `{name}` to `{given}`, a connection of `{ours.connector}`"
            yield Diagnostic("wrong-connector", message, place, notes=notes)


def _unfit(node: Node, callee: Callee) -> Iterator[Diagnostic]:
    if not node.type.startswith(f"{START}."):
        yield from _stops(node, callee)
    elif LINKED in {field.name for field in callee.pipeline.input.fields}:
        notes = (f"At `start` it says whether the run is linked: rename the input in {callee.path}, or call it.",)
        message = f"`{called_by(node)}` has an input `{LINKED}`, so that it cannot be started"
        yield Diagnostic("reserved-input", message, node.place("type"), notes=notes)


def _stops(node: Node, callee: Callee) -> Iterator[Diagnostic]:
    for inner in callee.pipeline.body.walk():
        state = inner.param("state")
        if inner.type == STOP and isinstance(state, Literal) and state.value == "succeeded":
            notes = (
                f"`{inner.id}` in {callee.path} would end the run that calls it, with an output that is not that run's.",
                "Return from both ways instead; a `stop` with the state `failed` may stay.",
            )
            message = f"`{called_by(node)}` ends its run early, so that it cannot be called"
            yield Diagnostic("stop-in-call", message, node.place("type"), notes=notes)
        if inner.type == COMPENSATE:
            notes = (
                f"`{inner.id.partition('/')[0]}` in {callee.path} is taken back where a run of its own fails.",
                "Once a call is over, nothing of it is kept: take back in the pipeline that calls.",
            )
            message = f"`{called_by(node)}` takes back what it did, so that it cannot be called"
            yield Diagnostic("misplaced-compensate", message, node.place("type"), notes=notes)


def _clashes(pipeline: Pipeline, context: Context) -> Iterator[Diagnostic]:
    known: dict[str, tuple[Connection, str, Related]] = {
        each.name: (settled(each, pipeline), "the pipeline", Related(each.origin, "this is another one"))
        for each in pipeline.connections
    }
    for node, callee, connection in brought(pipeline, context.uses):
        of = f"`{called_by(node)}`"
        here = (connection, of, Related(node.place("type"), "this call brings another one"))
        other, whose, related = known.setdefault(connection.name, here)
        if other == connection:
            continue
        notes = (
            f"In {callee.path} the name means another system than in {whose}.",
            f"Say which one counts in this call, `with {{ {connection.name}: … }}`, or rename one of them.",
        )
        message = f"{of} has another connection `{connection.name}` than {whose}"
        yield Diagnostic("connection-clash", message, node.place("type"), notes=notes, related=(related,))
