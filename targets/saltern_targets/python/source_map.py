"""Writes source_map.json: each node of a run → its generated function, its stage and its place in the source."""

from __future__ import annotations

from collections.abc import Iterator

from saltern_compiler.ir.plan import Calls, Plan, Starts
from saltern_runtime.spec import Json
from saltern_runtime.spec.names import ROOT
from saltern_targets.names import function_names, package_name, part_package
from saltern_targets.writing import json_file


def emit_source_map(plan: Plan) -> bytes:
    """Write the map; `plan` is the digest that every run is pinned to."""
    nodes = dict(_nodes(plan, plan, package_name(plan), "", ""))
    released = [
        *_declassified(plan, ""),
        *(each for part in plan.parts for each in _declassified(part.plan, part.plan.source_name)),
    ]
    receipt: dict[str, Json] = {"declassified": released} if released else {}
    return json_file({**receipt, "nodes": nodes, "plan": plan.digest, "source": plan.source_name})


def _declassified(plan: Plan, source: str) -> Iterator[dict[str, Json]]:
    """Yield what an auditor asks for: each value that labels are taken from, where, why, and what had them."""
    for each in plan.declassified:
        yield {
            "node": each.node,
            "param": each.param,
            "place": plan.places.get(each.node, ""),
            "because": each.because,
            "labels": sorted({label for label, _ in each.sources}),
            "of": sorted({name for _, name in each.sources}),
            **({"source": source} if source else {}),
        }


def _nodes(root: Plan, plan: Plan, package: str, scope: str, at: str) -> Iterator[tuple[str, Json]]:
    """Yield the nodes of a plan; where it is called, under the name of the call, and with the source that they stand in."""
    functions = function_names(plan)
    stage_of = {node_id: stage.name for stage in plan.stages for node_id in stage.nodes}
    stage_of |= {stage.opens.carries.check: stage.name for stage in plan.stages if stage.opens and stage.opens.carries}
    source = {} if plan is root else {"source": plan.source_name}
    for planned in plan.nodes:
        name = at + stage_of[planned.node.id]
        yield (
            scope + planned.node.id,
            {
                "function": f"{package}.nodes.{functions[planned.node.id]}",
                "place": plan.places.get(planned.node.id, ""),
                "stage": name,
                "task": f"{package_name(root)}.{name}",
                **source,
            },
        )
    for elided in plan.elided:
        name = at + stage_of[elided.same_as]
        yield (
            scope + elided.node,
            {
                "elided": {"because": elided.because, "by": elided.by, "like": scope + elided.same_as},
                "place": plan.places.get(elided.node, ""),
                "stage": name,
                "task": f"{package_name(root)}.{name}",
                **source,
            },
        )
    for stage in plan.stages:
        if isinstance(stage.ends, Starts):
            started = root.part(stage.ends.part)
            beneath = f"{scope}{stage.nodes[-1]}{ROOT}"
            yield from _nodes(root, started, part_package(root, stage.ends.part), beneath, beneath)
        if isinstance(stage.ends, Calls):
            called = root.part(stage.ends.part)
            inner = f"{scope}{stage.nodes[-1]}/", f"{at}{stage.name}/"
            yield from _nodes(root, called, part_package(root, stage.ends.part), *inner)
