"""The target `python`: the package itself (models, nodes, graph) and the project around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from saltern_compiler.ir.plan import Plan
from saltern_compiler.target import Target
from saltern_targets.names import package_name, part_package
from saltern_targets.python.classes import Classes
from saltern_targets.python.graph import emit_graph
from saltern_targets.python.models import emit_models
from saltern_targets.python.nodes import emit_nodes
from saltern_targets.python.project import emit_project
from saltern_targets.python.source_map import emit_source_map


def emit(plan: Plan, options: Mapping[str, str]) -> Mapping[str, bytes]:  # noqa: ARG001 - this target has no options
    """Write the package; the pipeline's own modules are copied unchanged."""
    package = package_name(plan)
    files = {
        **_modules(plan),
        f"{package}/source_map.json": emit_source_map(plan),
        f"{package}/py.typed": b"",
    }
    for part in plan.parts:
        files |= _modules(replace(part.plan, home=part_package(plan, part.name)))
    return files


def _modules(plan: Plan) -> Mapping[str, bytes]:
    """Write models, nodes and graph of a plan, or of a part of one."""
    folder = package_name(plan).replace(".", "/")
    classes = Classes.of(plan)
    nodes = emit_nodes(plan, classes)
    return {
        f"{folder}/models.py": emit_models(plan, classes),
        f"{folder}/nodes.py": nodes,
        f"{folder}/graph.py": emit_graph(plan, classes),
        **{f"{folder}/{path}": text.encode() for path, text in plan.files},
    }


TARGET: Final = Target(
    name="python",
    summary="A typed Python package: models, one function a node, the graph.",
    emit=emit,
    assemble=emit_project,
)
