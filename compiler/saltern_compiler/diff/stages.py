"""Whether two plans cut their pipelines into the same stages, so that what a run keeps of the one lies where the other looks for it."""

from __future__ import annotations

from typing import Final

from saltern_compiler.ir.plan import Plan, PlannedNode, Stage

_LAID: Final = (
    "nodes", "needs", "when", "join", "queue", "on_error", "quorum", "compensates", "after", "relay", "owner", "ends", "inner", "kept", "again",
)  # fmt: skip
"""What of a stage decides where its values lie, what it waits for and whom it tells. Times, retries and priorities do not."""


def unlike(old: Plan, new: Plan) -> str:
    """Say what of the stages, and of what their nodes read, differs between two plans; empty where nothing does."""
    ours, theirs = ({stage.name: stage for stage in plan.stages} for plan in (old, new))
    if list(ours) != list(theirs):
        names = sorted(ours.keys() ^ theirs.keys())
        return f"the stages are others: {', '.join(names)}" if names else "the stages come in another order"
    for name, stage in ours.items():
        parting = _parting(stage, theirs[name])
        if parting:
            return f"the stage {name} differs in `{parting}`"
    known = {node.node.id: node for node in new.nodes}
    for node in old.nodes:
        if node.node.id not in known or _read(node) != _read(known[node.node.id]):
            return f"the node {node.node.id} is of another type, or reads something else"
    parts = {part.name: part.plan for part in new.parts}
    if {part.name for part in old.parts} != parts.keys():
        return "the pipelines that it calls are others"
    for part in old.parts:
        why = unlike(part.plan, parts[part.name])
        if why:
            return f"{part.name}: {why}"
    return ""


def _parting(ours: Stage, theirs: Stage) -> str:
    return next((field for field in _LAID if getattr(ours, field) != getattr(theirs, field)), "")


def _read(node: PlannedNode) -> tuple[object, ...]:
    return node.node.type, node.spec.version, node.reads, node.may_be_skipped, node.items
