"""Writes source_map.json: each generated function → its node, its stage and its place in the source."""

from __future__ import annotations

from saltern_compiler.ir.plan import Plan
from saltern_targets.names import function_names, package_name
from saltern_targets.writing import json_file


def emit_source_map(plan: Plan) -> bytes:
    """Write the map; `plan` is the digest that every run is pinned to."""
    package = package_name(plan)
    functions = function_names(plan)
    stage_of = {node_id: stage.name for stage in plan.stages for node_id in stage.nodes}
    stage_of |= {stage.opens.carries.check: stage.name for stage in plan.stages if stage.opens and stage.opens.carries}
    nodes = {
        planned.node.id: {
            "function": f"{package}.nodes.{functions[planned.node.id]}",
            "place": plan.places.get(planned.node.id, ""),
            "stage": stage_of[planned.node.id],
            "task": f"{package}.{stage_of[planned.node.id]}",
        }
        for planned in plan.nodes
    }
    return json_file({"nodes": nodes, "plan": plan.digest, "source": plan.source_name})
