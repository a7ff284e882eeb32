"""From a clean analysis to a plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from saltern_compiler.ir.canonical import digest
from saltern_compiler.ir.pipeline import RETURN, Pipeline
from saltern_compiler.ir.plan import Decision, Plan, PlannedNode, Stage
from saltern_compiler.ir.verify import verify
from saltern_compiler.passes.analysis import Analysis
from saltern_compiler.passes.conditions import TRUE
from saltern_compiler.passes.planning.decide import (
    LEASE,
    Decided,
    decide_policy,
    pipeline_decisions,
    stage_decisions,
)
from saltern_compiler.passes.planning.disabled import without_disabled
from saltern_compiler.passes.planning.relays import START, insert_relays
from saltern_compiler.passes.planning.stages import Group, group_nodes
from saltern_compiler.passes.planning.surroundings import distributions, egress, environment, extras
from saltern_compiler.passes.shape import Shape, shape_of
from saltern_compiler.registry import Registry
from saltern_runtime.spec import DEFAULT_POLICY, NULL, Json, Retry, Type, optional
from saltern_runtime.version import __version__  # compiler and runtime have one version, in lockstep


def make_plan(
    analysis: Analysis,
    registry: Registry,
    *,
    files: Mapping[str, str] | None = None,
    source_name: str = "",
    places: Mapping[str, str] | None = None,
    options: Mapping[str, Json] | None = None,
) -> Plan:
    """Decide everything that a target emits. `options` are those that change behaviour: they go into the digest."""
    assert not analysis.has_errors, "a plan is made of a pipeline without errors"
    verify(analysis.pipeline, checked=True)
    live = without_disabled(analysis.pipeline, registry)
    shape = shape_of(live, registry) if live is not analysis.pipeline else analysis.shape
    decided = {
        node_id: decide_policy(shape.nodes[node_id], shape.specs[node_id], live, shape, registry)
        for node_id in shape.order
    }
    on_error = {node_id: str(each.policy.on_error) for node_id, each in decided.items()}
    groups = group_nodes(shape, analysis.effects, on_error)
    deadline, retention, decisions = pipeline_decisions(live)
    hosts = egress(live, registry)
    own = tuple(sorted((files or {}).items()))
    pipeline_digest = digest(analysis.pipeline)
    specs = [shape.specs[node_id] for node_id in shape.order]
    plugins = distributions(live, specs, registry)
    return Plan(
        pipeline=analysis.pipeline,
        pipeline_digest=pipeline_digest,
        digest=_plan_digest(pipeline_digest, own, options or {}, plugins),
        nodes=tuple(_planned(node_id, shape, analysis, decided[node_id]) for node_id in shape.order),
        stages=_stages(groups, shape, analysis, decided),
        input_type=live.input,
        output_type=_output_type(live, analysis),
        files=own,
        egress=hosts,
        env=environment(live),
        requires=extras(specs, registry),
        deadline=deadline,
        retention=retention,
        source_name=source_name,
        places=dict(places or {}),
        docs={node.id: node.label for node in live.body.nodes},
        decisions=(
            *decisions,
            Decision("egress", ", ".join(hosts) or "none", "connections in use, and URLs written out"),
            *(Decision("requires", each, "a node type or a connector comes from it") for each in plugins),
        ),
        distributions=plugins,
    )


def _planned(node_id: str, shape: Shape, analysis: Analysis, decided: Decided) -> PlannedNode:
    reads = shape.reads[node_id]
    return PlannedNode(
        node=shape.nodes[node_id],
        spec=shape.specs[node_id],
        effect=analysis.effects[node_id],
        policy=decided.policy,
        result=analysis.types[node_id],
        reads=reads,
        may_be_skipped=tuple(sorted(analysis.skippable.get(node_id, frozenset()) & set(reads))),
    )


def _output_type(pipeline: Pipeline, analysis: Analysis) -> Type:
    if pipeline.output is not None:
        return pipeline.output
    if pipeline.body.node(RETURN) is None:
        return NULL
    always = analysis.conditions.has_value[RETURN] == TRUE
    return analysis.types[RETURN] if always else optional(analysis.types[RETURN])


def _plan_digest(
    pipeline_digest: str, files: tuple[tuple[str, str], ...], options: Mapping[str, Json], plugins: tuple[str, ...]
) -> str:
    parts: dict[str, Json] = {
        "pipeline": pipeline_digest,
        "files": {path: hashlib.sha256(text.encode()).hexdigest() for path, text in files},
        "options": dict(options),
        "version": __version__,
    }
    if plugins:
        parts["plugins"] = list(plugins)
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _stages(
    groups: tuple[Group, ...], shape: Shape, analysis: Analysis, decided: Mapping[str, Decided]
) -> tuple[Stage, ...]:
    """Make the stages; a relay stands right behind what it stands for."""
    relays = insert_relays({group.name: group.needs for group in groups}, taken=shape.nodes.keys())
    behind: dict[str, list[Stage]] = {}
    for relay, source in reversed(relays.needs.items()):
        behind.setdefault(source, []).append(_relay(relay, source, relays.hears.get(relay, ())))
    stages = list(behind.get(START, ()))
    for group in groups:
        stage = _stage(group, shape, analysis, decided[group.name])
        stages.append(replace(stage, relay=tuple(sorted(relays.hears.get(group.name, ())))))
        stages.extend(behind.get(group.name, ()))
    return tuple(stages)


def _stage(group: Group, shape: Shape, analysis: Analysis, decided: Decided) -> Stage:
    last = shape.nodes[group.name]
    spec = shape.specs[group.name]
    policy = decided.policy
    return Stage(
        name=group.name,
        nodes=group.nodes,
        needs=group.needs,
        when=shape.control[group.name],
        join=last.join,
        queue=spec.queue,
        timeout=policy.timeout or 0.0,
        retry=policy.retry or Retry(),
        priority=policy.priority or 0,
        ttl=policy.ttl,
        lease=LEASE,
        on_error=str(policy.on_error),
        on_ambiguous=str(policy.on_ambiguous),
        after=group.after,
        decisions=stage_decisions(group.nodes, spec, analysis.effects[group.name], decided),
    )


def _relay(name: str, source: str, hears: tuple[str, ...]) -> Stage:
    stands_for = f"{source} tells" if source else "the start of a run tells"
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
        decisions=(Decision("nodes", "none", why),),
    )
