"""The names that generated code goes by; the same for every target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from saltern_compiler.ir.plan import Plan
from saltern_compiler.pynames import PACKAGES
from saltern_compiler.pytext import identifier
from saltern_runtime import expr
from saltern_runtime.spec.names import AMBIENT

IN_SCOPE: Final = frozenset(
    {
        "Any", "Context", "Input", "Literal", "Output", "RunInfo", "SKIPPED", "Skipped", "date", "datetime", "isfinite", "isinf", "isnan", "node",
        "nodes", "timedelta", "timezone", *expr.__all__,
    }
)  # fmt: skip
"""What generated functions see beside each other."""


def package_name(plan: Plan) -> str:
    """Return the name of the generated package, which is that of its folder and its Celery tasks' prefix; of a part, its whole path."""
    return plan.home or identifier(identifier(plan.pipeline.name).lower(), PACKAGES)


def parts_package(plan: Plan) -> str:
    """Return the package of the pipelines that a plan, or the one that it is a part of, calls."""
    if plan.home:
        return plan.home.rpartition(".")[0]
    own = {path.removesuffix(".py").partition("/")[0] for path, _ in plan.files}
    return f"{package_name(plan)}.{identifier('pipelines', own)}"


def part_package(plan: Plan, part: str) -> str:
    """Return the package of one of these pipelines."""
    return f"{parts_package(plan)}.{part}"


def item_names(plan: Plan) -> Mapping[str, str]:
    """Return the name of a region's item in the pipeline → the keyword under which the body's functions take it."""
    return plan.once(_item_names)


def _item_names(plan: Plan) -> Mapping[str, str]:
    taken = {"ctx", *AMBIENT, *_taken(plan), *function_names(plan).values()}
    names: dict[str, str] = {}
    for item in sorted({stage.opens.variable for stage in plan.stages if stage.opens is not None} - {""}):
        names[item] = identifier(item, taken)
        taken.add(names[item])
    return names


def function_names(plan: Plan) -> Mapping[str, str]:
    """Return node id → name of its function, which is also the keyword under which other nodes read its value."""
    return plan.once(_function_names)


def _function_names(plan: Plan) -> Mapping[str, str]:
    taken = _taken(plan)
    names: dict[str, str] = {}
    for node_id in sorted(
        (planned.node.id for planned in plan.nodes), key=lambda node_id: (identifier(node_id) != node_id, node_id)
    ):
        names[node_id] = identifier(node_id, taken)
        taken.add(names[node_id])
    return names


def module_names(modules: Iterable[str], taken: Iterable[str] = ()) -> Mapping[str, str]:
    """Return each module that generated code calls into → the name it goes by: its last part, where that is free."""
    names: dict[str, str] = {}
    for module in sorted(set(modules), key=lambda path: (not path.startswith("saltern_runtime."), path)):
        top, last = module.split(".")[0], module.split(".")[-1]
        refused = {*taken, *names.values()}
        names[module] = last if last not in refused else identifier(f"{top}_{last}", refused)
    return names


def _taken(plan: Plan) -> set[str]:
    taken = set(IN_SCOPE)
    for planned in plan.nodes:
        taken.update(planned.spec.call.partition(":")[0].split("."))
        taken.add(planned.spec.result_model.partition(":")[2])
    for path, _ in plan.files:
        taken.update(path.removesuffix(".py").split("/"))
    return taken
