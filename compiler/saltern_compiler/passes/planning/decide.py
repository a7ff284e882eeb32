"""Every number of a stage, and why it is that number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from saltern_compiler.ir.pipeline import FOREACH, RETURN, YIELD, Node, Pipeline
from saltern_compiler.ir.plan import Decision, Each
from saltern_compiler.ir.values import Literal
from saltern_compiler.passes.layers import decide, layers
from saltern_compiler.passes.shape import Shape
from saltern_compiler.registry import Registry
from saltern_runtime.spec import Effect, NodeType, Policy, Retry

LEASE: Final = 30.0
"""Seconds that a claim lasts without being extended, as `saltern_runtime.settings.Settings.lease`."""
AT_MOST: Final = 8
"""Items of a foreach at the same time, as its node type says."""
DEADLINE: Final = 3600.0
RETENTION: Final = 604_800.0


@dataclass(frozen=True, slots=True)
class Decided:
    """A node's policy, every field decided but `ttl`, with the reasons."""

    policy: Policy
    decisions: tuple[Decision, ...]


def decide_policy(node: Node, spec: NodeType, pipeline: Pipeline, shape: Shape, registry: Registry) -> Decided:
    """Take each field from the nearest policy that sets it."""
    connection = shape.connections.get(node.connection or "")
    connector = registry.connector(connection.connector) if connection is not None else None
    stack = list(layers(node, spec, connection, connector, pipeline))
    chosen = {field.name: decide(stack, field.name) for field in fields(Policy)}
    decisions = tuple(Decision(name, _show(name, value), because) for name, (value, because) in chosen.items())
    return Decided(Policy(**{name: value for name, (value, _) in chosen.items()}), decisions)


def each_of(node: Node) -> Each | None:
    """Return what is decided for the body of a foreach."""
    if node.body is None or node.type != FOREACH:
        return None
    at_most, on_error = node.param("at_most"), node.param("on_error")
    return Each(
        variable=node.body.variables[0],
        at_most=at_most.value if isinstance(at_most, Literal) else AT_MOST,
        on_error=on_error.value if isinstance(on_error, Literal) else "stop",
        result=f"{node.id}/{YIELD}",
    )


def stage_decisions(
    node: Node, nodes: tuple[str, ...], spec: NodeType, effect: Effect, policy: Decided
) -> tuple[Decision, ...]:
    """Say why a stage is as it is; its last node speaks for it."""
    each = each_of(node)
    last = nodes[-1]
    if last == RETURN and len(nodes) == 1:
        why = "it gives the output, once all that it reads is there"
    elif node.type == YIELD and len(nodes) == 1:
        why = "it gives the result of one item, once all that it reads is there"
    elif each is not None and len(nodes) == 1:
        why = "it gives the items of its body, whose stages run for each of them"
    elif len(nodes) == 1 and effect is Effect.PURE:
        why = "it is pure, but no other stage is the only one that it could be a part of"
    elif len(nodes) == 1:
        why = "it has an effect, and no pure node is there for it alone"
    elif effect is Effect.PURE:
        why = f"all are pure, and {last} alone reads what the others give"
    else:
        why = f"{last} is the one with an effect; the others are pure and run right before it"
    return (
        Decision("nodes", ", ".join(nodes), why),
        Decision("queue", spec.queue, f"the node type {spec.key} runs there"),
        *(_each_decisions(each, node) if each is not None else ()),
        *policy.decisions,
        Decision("lease", _seconds(LEASE), "default of the runtime (SALTERN_LEASE), extended every third of it"),
    )


def _each_decisions(each: Each, node: Node) -> tuple[Decision, ...]:
    return (
        Decision("item", each.variable, "as the body knows it"),
        Decision("at most", f"{each.at_most} items", _source(node, "at_most")),
        Decision("on error", each.on_error, _source(node, "on_error")),
    )


def _source(node: Node, param: str) -> str:
    return "on the node" if node.param(param) is not None else f"default of the node type {node.type}@{node.version}"


def pipeline_decisions(pipeline: Pipeline) -> tuple[float, float, tuple[Decision, ...]]:
    """Return deadline and retention in seconds, with the reasons."""
    settings: Mapping[str, Any] = dict(pipeline.settings)
    values = {"deadline": DEADLINE, "retention": RETENTION} | {k: float(v) for k, v in settings.items()}
    decisions = tuple(
        Decision(name, _seconds(values[name]), "set by the pipeline" if name in settings else "Saltern's default")
        for name in ("deadline", "retention")
    )
    return values["deadline"], values["retention"], decisions


def _show(name: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Retry):
        attempts = f"{value.attempts} attempt{'' if value.attempts == 1 else 's'}"
        if value.attempts == 1:
            return attempts
        return f"{attempts}, full jitter up to {_seconds(value.base)} at first, {_seconds(value.cap)} at most"
    return _seconds(value) if name in ("timeout", "ttl") else str(value)


def _seconds(value: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if value >= 2 * size and value % size == 0:
            return f"{value // size:g} {unit}"
    return f"{value:g} s"
