"""From a clean analysis to a plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from saltern_compiler.ir.attempts import race_of
from saltern_compiler.ir.canonical import digest, schedule_id
from saltern_compiler.ir.concurrency import concurrency
from saltern_compiler.ir.graph import own_reads
from saltern_compiler.ir.pipeline import Node, Pipeline, Trigger
from saltern_compiler.ir.plan import LEVEL, Decision, Part, Plan, PlannedNode, Schedule, Stage
from saltern_compiler.ir.values import Literal
from saltern_compiler.ir.verify import verify
from saltern_compiler.passes.analyses.assumptions import assumed_of_input
from saltern_compiler.passes.analyses.costs import COSTS
from saltern_compiler.passes.analyses.deadline import DEADLINES
from saltern_compiler.passes.analyses.flow import FLOW
from saltern_compiler.passes.analyses.policies import POLICIES
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.analyses.stages import Group, group_nodes
from saltern_compiler.passes.analyses.types import TYPES, Types, output_of
from saltern_compiler.passes.analyze import Analyzed
from saltern_compiler.passes.pipeline import Step, optimize, settled
from saltern_compiler.passes.planning.decide import (
    Decided,
    decide_grace,
    decide_policy,
    decide_reserve,
    decide_retention,
    ends_of,
    pipeline_decisions,
    stage_decisions,
)
from saltern_compiler.passes.planning.kept import with_kept
from saltern_compiler.passes.planning.neighbours import with_neighbours
from saltern_compiler.passes.planning.parts import Parts
from saltern_compiler.passes.planning.personal import with_personal
from saltern_compiler.passes.planning.receipt import declassified, deliveries
from saltern_compiler.passes.planning.relays import START, insert_relays
from saltern_compiler.passes.planning.surroundings import (
    called_environment,
    distributions,
    egress,
    environment,
    extras,
)
from saltern_compiler.passes.uses import Callee, Uses
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import DEFAULT_POLICY, Json, ListType, NodeType, Retry, Type
from saltern_runtime.spec.limits import LEASE
from saltern_runtime.spec.names import COMPENSATE
from saltern_runtime.version import __version__  # compiler and runtime have one version, in lockstep


def make_plan(
    analysis: Analyzed,
    registry: Registry,
    *,
    callees: Mapping[str, Analyzed] | None = None,
    source_name: str = "",
    places: Mapping[str, str] | None = None,
    options: Mapping[str, Json] | None = None,
    parts: Parts | None = None,
    level: int = LEVEL,
    steps: tuple[Step, ...] | None = None,
    fused: bool = True,
) -> Plan:
    """Decide everything that a target emits. `options` are those that change behaviour: they go into the digest.

    `callees`: path → what is known of each pipeline that is called, however far away. `parts` are those of the plan that this one
    is a part of. `level` is how much is optimized, `steps` what
    was optimized already, if anything was; without `fused`, each node is a stage of its own.
    """
    assert not analysis.has_errors, "a plan is made of a pipeline without errors"
    context = analysis.context.at(level)
    if parts is None:
        parts = Parts.of(analysis.pipeline, context.uses, partial(_plan_of, callees or {}, level))
    verify(analysis.pipeline, checked=True)
    if steps is None:
        steps = optimize(analysis.pipeline, context, level)
    live, elided = steps[-1].after, settled(steps)
    if elided:
        elided = tuple(with_neighbours(elided, context.get(SHAPE, steps[0].after), context.get(SHAPE, live)))
    shape, types = context.get(SHAPE, live), context.get(TYPES, live)
    policies = context.get(POLICIES, live)
    decided = {node_id: decide_policy(shape.nodes[node_id], policies[node_id], shape) for node_id in shape.order}
    flow = context.get(FLOW, analysis.pipeline)
    known = context.get(DEADLINES, live)
    deadline, retained, decisions = known.seconds, decide_retention(live), pipeline_decisions(live, known)
    retention = max(retained.values())
    reserve, why = decide_reserve(live, deadline)
    hosts = egress(live, registry, context.uses)
    own = tuple(sorted(context.files.items()))
    pipeline_digest = digest(analysis.pipeline)
    called = parts.called_by(live, context.uses)
    called_env = called_environment(live, context.uses)
    theirs = (planned.spec for part in called for planned in part.plan.nodes)
    specs = [*(shape.specs[node_id] for node_id in shape.order), *theirs]
    plugins = distributions(live, specs, registry, context.uses)
    stages = tuple(
        with_kept(_Cut(shape, types, decided, context.uses, parts.names, level if fused else 0).stages(), shape)
    )
    grace, why_grace = decide_grace(stages)
    return Plan(
        pipeline=analysis.pipeline,
        pipeline_digest=pipeline_digest,
        digest=_plan_digest(pipeline_digest, own, options or {}, plugins, called, level=level),
        nodes=tuple(
            with_personal(_planned(node_id, shape, types, decided[node_id], context.uses), context.get(FLOW, live))
            for node_id in shape.order
        ),
        stages=stages,
        input_type=live.input,
        output_type=output_of(live, types),
        files=own,
        egress=hosts,
        env=tuple(sorted({*environment(live), *called_env})),
        requires=extras(live, specs, registry, context.uses),
        deadline=deadline,
        retention=retention,
        retained=tuple((how, seconds) for how, seconds in retained.items() if seconds < retention),
        assumes=assumed_of_input(analysis.pipeline, source_name, places or {}),
        reserve=reserve,
        concurrency=concurrency(analysis.pipeline),
        source_name=source_name,
        places=_places(analysis.pipeline, live, places or {}),
        docs={node.id: node.label for node in live.body.walk()},
        schedules=tuple(
            sorted((_schedule(trigger) for trigger in live.triggers if trigger.type == "schedule"), key=_id)
        ),
        decisions=(
            *decisions,
            *why,
            *why_grace,
            Decision("egress", ", ".join(hosts) or "none", "connections in use, and URLs written out"),
            *(Decision("requires", plugin, "a node type or a connector comes from it") for plugin in plugins),
        ),
        distributions=plugins,
        parts=called,
        called_env=called_env,
        level=level,
        elided=elided,
        changes=tuple(change for step in steps for change in step.changes),
        deliveries=deliveries(flow),
        declassified=declassified(flow),
        grace=grace,
        cost=context.get(COSTS, live),
    )


def _plan_of(callees: Mapping[str, Analyzed], level: int, callee: Callee, parts: Parts) -> Plan:
    """Plan a pipeline that is called: what starts it by itself is of no matter then."""
    analysis = callees[callee.path]
    registry = analysis.context.registry
    plan = make_plan(analysis, registry, source_name=callee.path, places=callee.places, parts=parts, level=level)
    return replace(plan, schedules=())


def _planned(node_id: str, shape: Shape, types: Types, decided: Decided, uses: Uses) -> PlannedNode:
    reads = shape.reads[node_id]
    return PlannedNode(
        node=types.nodes[node_id],
        spec=shape.specs[node_id],
        effect=types.effects[node_id],
        policy=decided.policy,
        result=types.of[node_id],
        reads=reads,
        may_be_skipped=tuple(sorted(types.skippable.get(node_id, frozenset()) & set(reads))),
        items=_items(node_id, shape, types),
        returns=_returns(shape.nodes[node_id], shape.specs[node_id], types, uses),
    )


def _places(written: Pipeline, live: Pipeline, places: Mapping[str, str]) -> Mapping[str, str]:
    """Return the places of nodes; what an optimization made stands where it came from."""
    known = {node.id for node in written.body.walk()}
    made = [node for node in live.body.walk() if node.id not in known] if places and live is not written else []
    origins = {id(node.origin): places.get(node.id, "") for node in written.body.walk()} if made else {}
    return dict(places) | {node.id: origins.get(id(node.origin), "") for node in made}


def _items(node_id: str, shape: Shape, types: Types) -> tuple[tuple[str, Type], ...]:
    read = {read.name for read in own_reads(shape.nodes[node_id])}
    bound = shape.items(node_id)
    return tuple((name, types.items[bound[name]]) for name in sorted(bound.keys() & read))


def _returns(node: Node, spec: NodeType, types: Types, uses: Uses) -> Type:
    callee = uses.get(spec.calls)
    if isinstance(callee, Callee):
        return callee.pipeline.input if spec.detached else ListType(callee.pipeline.input)
    if spec.region is not None:
        item = types.items[node.id]
        return ListType(item) if spec.region.carries is None else item
    if spec.sleeps:
        return next(param.type for param in spec.params if param.passed and node.param(param.name) is not None)
    return types.of[node.id]


def _schedule(trigger: Trigger) -> Schedule:
    set_to = {name: value.value for name, value in trigger.settings if isinstance(value, Literal)}
    return Schedule(
        id=schedule_id(trigger),
        cron=str(set_to["cron"]),
        time_zone=str(set_to.get("time_zone", "UTC")),
        catch_up=str(set_to.get("catch_up", "last")),
        overlap=str(set_to.get("overlap", "allow")),
        jitter=float(set_to.get("jitter", 0.0)),
        input=set_to.get("input", {}),
    )


def _id(schedule: Schedule) -> str:
    return schedule.id


def _plan_digest(
    pipeline_digest: str,
    files: tuple[tuple[str, str], ...],
    options: Mapping[str, Json],
    plugins: tuple[str, ...],
    called: tuple[Part, ...],
    *,
    level: int,
) -> str:
    parts: dict[str, Json] = {
        "pipeline": pipeline_digest,
        "files": {path: hashlib.sha256(text.encode()).hexdigest() for path, text in files},
        "options": dict(options),
        "optimize": level,
        "version": __version__,
    }
    if plugins:
        parts["plugins"] = list(plugins)
    if called:
        parts["called"] = {part.name: part.plan.digest for part in called}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Cut:
    """Cuts a pipeline, and the bodies inside, into stages."""

    shape: Shape
    types: Types
    decided: Mapping[str, Decided]
    uses: Uses
    parts: Mapping[str, str]
    """Path of a pipeline that is called → its part of the plan."""
    level: int

    def stages(self, region: str = "", owner: str = "") -> Iterator[Stage]:
        """Yield the stages of a graph, the body of a region right behind the stage that opens it; a relay stands right behind what it stands for."""
        prefix = f"{owner}/" if owner else ""
        on_error = {node_id: str(self.decided[node_id].policy.on_error) for node_id in self.shape.flows[region]}
        groups = group_nodes(self.shape, self.types, on_error, self.level, region)
        named = {group.name: f"{prefix}{group.name.removeprefix(f'{region}/')}" for group in groups}
        taken = {f"{prefix}{node_id}" for node_id in self.shape.flows[region]}
        needs = {
            named[group.name]: () if self._compensates(group) else tuple(sorted(named[need] for need in group.needs))
            for group in groups
        }
        relays = insert_relays(needs, taken=taken, prefix=prefix)
        behind: dict[str, list[Stage]] = {}
        for relay, source in reversed(relays.needs.items()):
            behind.setdefault(source, []).append(_relay(relay, source, relays.hears.get(relay, ()), owner))
        yield from behind.get(START, ())
        for group in groups:
            name = named[group.name]
            yield replace(
                self._stage(group),
                name=name,
                needs=needs[name],
                after=() if self._compensates(group) else tuple(sorted(named[need] for need in group.after)),
                relay=tuple(sorted(relays.hears.get(name, ()))),
                owner=owner,
            )
            if group.name in self.shape.flows:
                yield from self.stages(group.name, name)
            yield from behind.get(name, ())

    def _compensates(self, group: Group) -> str:
        """Return the node that a group takes back; empty for all others."""
        node = self.shape.nodes[group.name]
        return node.control[0].source if node.type == COMPENSATE else ""

    def _stage(self, group: Group) -> Stage:
        """Make a stage whose names are still those of nodes."""
        last, spec, decided = self.shape.nodes[group.name], self.shape.specs[group.name], self.decided[group.name]
        policy = decided.policy
        return Stage(
            name=group.name,
            nodes=group.nodes,
            needs=group.needs,
            when=race_of(last)[0] or (() if self._compensates(group) else group.when),
            compensates=self._compensates(group),
            quorum=race_of(last)[1],
            join=group.join,
            queue=spec.queue,
            timeout=policy.timeout or 0.0,
            retry=policy.retry or Retry(),
            priority=policy.priority or 0,
            ttl=policy.ttl,
            lease=LEASE,
            on_error=str(policy.on_error),
            on_ambiguous=str(policy.on_ambiguous),
            after=group.after,
            inner=group.inner,
            again=group.again,
            ends=ends_of(last, spec, self.types.of[group.name], self._part(spec)),
            decisions=stage_decisions(last, group, spec, self.types.effects[group.name], decided, self.level),
        )

    def _part(self, spec: NodeType) -> str:
        callee = self.uses.get(spec.calls)
        return self.parts[callee.path] if isinstance(callee, Callee) else ""


def _relay(name: str, source: str, hears: tuple[str, ...], owner: str) -> Stage:
    start = f"the start of an item of {owner}" if owner else "the start of a run"
    stands_for = f"{source or start} tells"
    why = f"{stands_for} more stages than one script may: this one passes the news on"
    needs = (source,) if source else ()
    return Stage(
        name=name,
        nodes=(),
        needs=needs,
        when=(),
        join="all",
        queue="default",
        timeout=DEFAULT_POLICY.timeout or 0.0,
        retry=DEFAULT_POLICY.retry or Retry(),
        priority=DEFAULT_POLICY.priority or 0,
        ttl=None,
        lease=LEASE,
        on_error="fail",
        on_ambiguous="retry",
        after=needs,
        relay=hears,
        owner=owner,
        decisions=(Decision("nodes", "none", why),),
    )
