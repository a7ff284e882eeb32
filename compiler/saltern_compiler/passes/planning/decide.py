"""Every number of a stage, and why it is that number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from saltern_compiler.ir.bound import literals
from saltern_compiler.ir.pipeline import CHECK, NEXT, RETAINED, RETURN, SETTINGS, YIELD, Node, Pipeline
from saltern_compiler.ir.plan import Awaits, Calls, Carries, Decision, Inner, Opens, Responds, Sleeps, Stage, Starts
from saltern_compiler.passes.analyses.deadline import Deadline
from saltern_compiler.passes.analyses.policies import Chosen
from saltern_compiler.passes.analyses.shape import Shape
from saltern_compiler.passes.analyses.stages import Group
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import (
    ANY,
    Effect,
    Json,
    Limits,
    NodeType,
    OnError,
    OnLimit,
    Param,
    Policy,
    Retry,
    Type,
    chosen,
)
from saltern_runtime.spec import Carries as CarriesSpec
from saltern_runtime.spec.limits import LEASE, RETENTION
from saltern_runtime.spec.names import COMPENSATE, LINKED

_GRACE: Final = (30, 300)
"""Seconds between the stop signal and the end of a worker, at least and at most; beyond, work is handed back to the queue."""
_AROUND: Final = 10
"""Seconds for what a worker does before and after an attempt: it hands back what is left 5 s before its end."""
_RESERVE: Final = 300.0
"""Seconds of a deadline that are for compensations, at most, where a pipeline does not say."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A node's policy, every field decided but `ttl`, with the reasons."""

    policy: Policy
    decisions: tuple[Decision, ...]


def decide_policy(node: Node, chosen: Chosen, shape: Shape) -> Decided:
    """Say what was chosen for a node."""
    connection = shape.connections.get(node.connection or "")
    decisions = [Decision(name, _show(name, value), because) for name, (value, because) in chosen.items()]
    if connection is not None and connection.limits is not None:
        decisions.append(Decision("limits", _show_limits(connection.limits), f"on the connection {connection.name}"))
    return Decided(Policy(**{name: value for name, (value, _) in chosen.items()}), tuple(decisions))


def ends_of(
    node: Node, spec: NodeType, value: Type = ANY, part: str = ""
) -> Opens | Sleeps | Awaits | Responds | Calls | Starts | None:
    """Return what a stage does once its last node's function has returned.

    `value` is the type of that node's value, `part` that part of the plan which a call runs.
    """
    if spec.calls and spec.detached:
        return Starts(part, node.mapping, linked=bool(literals(node).get(LINKED)))
    if spec.calls:
        return Calls(part, node.mapping)
    if spec.sleeps:
        return Sleeps()
    if spec.responds:
        return Responds()
    if spec.awaits is not None:
        given, awaits = literals(node), spec.awaits
        choices = chosen(awaits.choices, given) if awaits.choices is not None else ()
        default = chosen(awaits.default, given) if awaits.default is not None else None
        return Awaits(value, tuple(choices), default)
    region = spec.region
    if node.body is None or region is None:
        return None
    known = literals(node)
    return Opens(
        variable="".join(node.body.variables),
        at_most=cast("int", chosen(region.window, known)),
        on_error=cast("OnError", chosen(region.on_error, known)),
        on_skip=region.on_skip,
        result=f"{node.id}/{YIELD if region.carries is None else NEXT}" if region.yields else "",
        carries=None if region.carries is None else _carries(node, region.carries, known),
        gather=region.gather,
    )


def _carries(node: Node, spec: CarriesSpec, known: Mapping[str, Json]) -> Carries:
    limit, within, on_limit = (chosen(each, known) for each in (spec.limit, spec.within, spec.on_limit))
    return Carries(f"{node.id}/{CHECK}", cast("int", limit), cast("float | None", within), cast("OnLimit", on_limit))


def stage_decisions(  # noqa: C901, PLR0912, PLR0917 - one line a reason, each a column
    node: Node, group: Group, spec: NodeType, effect: Effect, policy: Decided, level: int
) -> tuple[Decision, ...]:
    """Say why a stage is as it is; its last node speaks for it."""
    nodes = group.nodes
    ends = ends_of(node, spec)
    last = nodes[-1]
    if last == RETURN and len(nodes) == 1:
        why = "it gives the output, once all that it reads is there"
    elif node.type == YIELD and len(nodes) == 1:
        why = "it gives the result of one item, once all that it reads is there"
    elif node.type == NEXT and len(nodes) == 1:
        why = "it gives the state for the next round, once all that it reads is there"
    elif isinstance(ends, Opens) and ends.carries is not None and len(nodes) == 1:
        why = "it gives the first state, and says before each round whether there is another"
    elif node.type == COMPENSATE:
        why = f"it takes back what {node.control[0].source} did, once the run has failed or was cancelled"
    elif isinstance(ends, Calls) and len(nodes) == 1:
        why = f"it gives the input of {spec.calls}, whose stages run as its body"
    elif isinstance(ends, Starts) and len(nodes) == 1:
        why = f"it gives the input of {spec.calls}, which becomes a run of its own"
    elif isinstance(ends, Opens) and len(nodes) == 1:
        why = "it gives the items of its body, whose stages run for each of them"
    elif len(nodes) == 1 and level == 0:
        why = "at -O0 each node is a stage of its own"
    elif len(nodes) == 1 and effect is Effect.PURE:
        why = "it is pure, but no other pure node is ready at the same moment, and several stages wait for it"
    elif len(nodes) == 1:
        why = "it has an effect, or takes its time, and no pure node is there for it alone"
    elif effect is Effect.PURE:
        ready = (
            f"once {' and '.join(group.needs)} {'is' if len(group.needs) == 1 else 'are'} over"
            if group.needs
            else "at the start"
        )
        why = f"all are pure, and may run {ready}"
    else:
        why = f"{last} is the one with an effect; the others are pure, and nothing is kept waiting if they run right before it"
    return (
        Decision("nodes", ", ".join(nodes), why),
        *(
            Decision(each.node, _hangs(each), "a branch inside of the stage: the others go on without it")
            for each in group.inner
        ),
        *(
            [
                Decision(
                    "again",
                    ", ".join(group.again),
                    "cheap, and cannot fail: -O2 computes it here too, and waits for no other stage",
                )
            ]
            if group.again
            else []
        ),
        Decision("queue", spec.queue, f"the node type {spec.key} runs there"),
        *(_region_decisions(ends, node, spec) if isinstance(ends, Opens) else ()),
        *policy.decisions,
        Decision(
            "lease",
            _seconds(LEASE),
            "default of the runtime (SALTERN_LEASE), extended every third of it, however long an attempt takes",
        ),
    )


def _hangs(inner: Inner) -> str:
    edges = f" {'or' if inner.join == 'any' else 'and'} ".join(
        f"{edge.source} takes {edge.handle}" for edge in inner.when
    )
    return f"when {edges}"


def _region_decisions(opens: Opens, node: Node, spec: NodeType) -> tuple[Decision, ...]:
    region = spec.region
    assert region is not None, "only regions open one"
    if opens.carries is not None:
        assert region.carries is not None, "the plan was made of it"
        rounds = f"{opens.carries.at_most} round{'' if opens.carries.at_most == 1 else 's'}"
        return (
            Decision("state", opens.variable, "as the condition and the body know it"),
            Decision("at most", rounds, _source(region.carries.limit, node)),
            *(
                [Decision("within", _seconds(opens.carries.within), _source(region.carries.within, node))]
                if opens.carries.within is not None
                else []
            ),
            Decision("on limit", opens.carries.on_limit, _source(region.carries.on_limit, node)),
        )
    items = f"{opens.at_most} item{'' if opens.at_most == 1 else 's'}"
    return (
        *([Decision("item", opens.variable, "as the body knows it")] if opens.variable else []),
        Decision("at most", items, _source(region.window, node)),
        Decision("on error", opens.on_error, _source(region.on_error, node)),
    )


def _source(setting: Param | Json, node: Node) -> str:
    if isinstance(setting, Param) and node.param(setting.name) is not None:
        return "on the node"
    kind = "default of" if isinstance(setting, Param) else "fixed by"
    return f"{kind} the node type {node.type}@{node.version}"


def pipeline_decisions(pipeline: Pipeline, deadline: Deadline) -> tuple[Decision, ...]:
    """Return what is decided of deadline and retention, with the reasons."""
    settings: Mapping[str, Any] = dict(pipeline.settings)
    retention = float(settings.get("retention", RETENTION))
    why = "set by the pipeline" if "retention" in settings else "Saltern's default"
    apart = (name for name in SETTINGS if name.startswith("retention_") and name in settings)
    return (
        Decision("deadline", _seconds(deadline.seconds), deadline.because),
        Decision("retention", _seconds(retention), why),
        *(Decision(name, _seconds(float(settings[name])), "set by the pipeline") for name in apart),
    )


def decide_retention(pipeline: Pipeline) -> Mapping[str, float]:
    """Return how a run may end → the seconds for which it is kept then."""
    settings: Mapping[str, Any] = dict(pipeline.settings)
    base = settings.get("retention", RETENTION)
    return {how: float(settings.get(f"retention_{how}", base)) for how in RETAINED}


def decide_grace(stages: Iterable[Stage]) -> tuple[tuple[tuple[str, int], ...], tuple[Decision, ...]]:
    """Return queue → the seconds that its workers get to finish what they do before they are stopped, with the reasons."""
    longest: dict[str, float] = {}
    for stage in stages:
        longest[stage.queue] = max(stage.timeout, longest.get(stage.queue, 0.0))
    least, most = _GRACE
    graces: dict[str, int] = {}
    decisions = []
    for queue, timeout in sorted(longest.items()):
        needed = math.ceil(timeout) + _AROUND
        graces[queue] = min(most, max(least, needed))
        why = f"its longest attempt takes {_seconds(timeout)}, and {_AROUND} s go to what is around it"
        if needed > most:
            why = f"no worker is waited for longer: what is not done by then is handed back, and begins again ({why})"
        decisions.append(Decision(f"grace of {queue}", _seconds(graces[queue]), why))
    return tuple(graces.items()), tuple(decisions)


def decide_reserve(pipeline: Pipeline, deadline: float) -> tuple[float, tuple[Decision, ...]]:
    """Return how much of the deadline, in seconds, is for compensations, with the reason; 0 where there are none."""
    if all(node.type != COMPENSATE for node in pipeline.body.nodes):
        return 0.0, ()
    given = dict(pipeline.settings).get("reserve")
    reserve = min(deadline / 10, _RESERVE) if given is None else float(given)
    why = "a tenth of the deadline, at most 5 min" if given is None else "set by the pipeline"
    return reserve, (Decision("reserve", _seconds(reserve), f"{why}: for compensations"),)


def _show(name: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Retry):
        attempts = f"{value.attempts} attempt{'' if value.attempts == 1 else 's'}"
        if value.attempts == 1:
            return attempts
        return f"{attempts}, full jitter up to {_seconds(value.base)} at first, {_seconds(value.cap)} at most"
    return _seconds(value) if name in ("timeout", "ttl", "cache") else str(value)


def _show_limits(limits: Limits) -> str:
    said = [
        *([f"{limits.per_second:g} a second"] if limits.per_second is not None else []),
        *([f"{limits.concurrency} at a time"] if limits.concurrency is not None else []),
        *(["for each tenant"] if limits.by == "tenant" else []),
    ]
    return ", ".join(said)


def _seconds(value: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if value >= 2 * size and value % size == 0:
            return f"{value // size:g} {unit}"
    return f"{value:g} s"
