"""What the uses of a pipeline lead to: the node types that it has of them, and the connections that come with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import TypeAlias

from saltern_compiler.ir.costs import Cost
from saltern_compiler.ir.pipeline import CALL, START, Connection, Node, Pipeline, called_by
from saltern_compiler.ir.values import SecretRef, Value, map_secrets
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import NodeType, Param, Policy, Type


@dataclass(frozen=True, slots=True)
class Callee:
    """A pipeline that another one uses: checked, without an error."""

    path: str
    """From the folder of the pipeline that is compiled."""
    pipeline: Pipeline
    uses: Uses
    """What its own uses lead to."""
    output: Type
    cost: Cost | None = field(default=None, compare=False)
    """What it costs to run it, where that has been asked for."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Node id → `line:column` or JSON Pointer in its source."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is nothing to use."""

    code: str
    message: str
    notes: tuple[str, ...] = ()


Uses: TypeAlias = Mapping[str, "Callee | Trouble"]
"""Name → what it leads to."""


def with_uses(registry: Registry, uses: Uses) -> Registry:
    """Return a registry that has two node types for each pipeline that is used, to call it and to start it: its inputs are the parameters."""
    bases = [base for base in map(registry.node, (CALL, START)) if base is not None]
    callees = [(name, use) for name, use in uses.items() if isinstance(use, Callee)]
    return registry.extended(_node_type(base, name, callee) for name, callee in callees for base in bases)


def _node_type(base: NodeType, name: str, callee: Callee) -> NodeType:
    own = {param.name for param in base.params}
    fields = [field for field in callee.pipeline.input.fields if field.name not in own]
    params = (Param(field.name, field.type, required=field.required, doc=field.doc) for field in fields)
    result = base.result if base.detached else callee.output
    return replace(base, name=f"{base.name}.{name}", params=(*params, *base.params), result=result, calls=name)


def calls_of(pipeline: Pipeline, uses: Uses) -> Iterator[tuple[Node, Callee]]:
    """Yield every node that calls a pipeline, with that pipeline."""
    for node in pipeline.body.walk():
        callee = uses.get(called_by(node))
        if isinstance(callee, Callee):
            yield node, callee


def every_callee(pipeline: Pipeline, uses: Uses) -> Mapping[str, Callee]:
    """Return the pipelines that calls run, and those that these call, by path."""
    found: dict[str, Callee] = {}
    waiting = [(pipeline, uses)]
    while waiting:
        for _, callee in calls_of(*waiting.pop()):
            if callee.path not in found:
                found[callee.path] = callee
                waiting.append((callee.pipeline, callee.uses))
    return found


def settled(connection: Connection, pipeline: Pipeline) -> Connection:
    """Return a connection as it is compared with one of another pipeline: secrets by their references, whatever they are called."""

    def reference(value: SecretRef) -> Value:
        secret = pipeline.secret(value.name)
        return value if secret is None else SecretRef(secret.reference)

    settings = tuple((name, map_secrets(value, reference)) for name, value in connection.settings)
    return replace(connection, settings=settings, policy=Policy())


def brought(pipeline: Pipeline, uses: Uses) -> Iterator[tuple[Node, Callee, Connection]]:
    """Yield each connection that comes with a call, settled: those of the pipeline that no other one stands in for."""
    for node, callee in calls_of(pipeline, uses):
        mapped = dict(node.mapping)
        for name, connection in connections_of(callee.pipeline, callee.uses).items():
            if name not in mapped:
                yield node, callee, connection


def connections_of(pipeline: Pipeline, uses: Uses) -> Mapping[str, Connection]:
    """Return the connections that nodes use, settled, by name: those of the pipelines that are called among them."""
    named = {name for node in pipeline.body.walk() for name in (node.connection, *dict(node.mapping).values())}
    own = {each.name: settled(each, pipeline) for each in pipeline.connections if each.name in named}
    return {connection.name: connection for _, _, connection in brought(pipeline, uses)} | own


def nodes_in_all(pipeline: Pipeline, uses: Uses) -> int:
    """Count the nodes of a pipeline, and those that its calls add to it."""
    sizes: dict[str, int] = {}
    total = sum(1 for _ in pipeline.body.walk())
    for _, callee in calls_of(pipeline, uses):
        if callee.path not in sizes:
            sizes[callee.path] = nodes_in_all(callee.pipeline, callee.uses)
        total += sizes[callee.path]
    return total
