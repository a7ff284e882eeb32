"""Which values a run keeps: a checkpoint holds what somebody may ask for, and no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from saltern_compiler.ir.plan import Decision, Stage
from saltern_compiler.passes.analyses.shape import Shape


def kept_nodes(stages: Iterable[Stage], shape: Shape) -> frozenset[str]:
    """Return the nodes whose values are kept: what ends a stage, and what another stage reads or hangs on.

    The graph at run time finds the same of the functions' signatures.
    """
    return frozenset(_kept(stages, shape))


def _kept(stages: Iterable[Stage], shape: Shape) -> Iterator[str]:
    for stage in stages:
        here = {*stage.again, *stage.nodes}
        yield from stage.nodes[-1:]
        yield from (edge.source for edge in stage.when)
        for node_id in here:
            felt = {*shape.reads[node_id], *(edge.source for edge in shape.control[node_id])}
            yield from felt & shape.nodes.keys() - here
        if stage.opens is not None and stage.opens.carries is not None:
            yield from set(shape.reads[stage.opens.carries.check]) & shape.nodes.keys()


def explained(stages: Iterable[Stage], shape: Shape) -> Iterator[Stage]:
    """Say of each stage of several nodes which values it keeps."""
    known = tuple(stages)
    kept = kept_nodes(known, shape)
    for stage in known:
        if len(stage.nodes) < 2:
            yield stage
            continue
        told = [node_id for node_id in stage.nodes if node_id in kept]
        left = [node_id for node_id in stage.nodes if node_id not in kept]
        decisions = [
            Decision("kept", ", ".join(told), "the checkpoint: what ends the stage, or other stages read or hang on")
        ]
        if left:
            decisions.append(Decision("not kept", ", ".join(left), "nothing outside of the stage reads it"))
        first, *rest = stage.decisions
        yield replace(stage, decisions=(first, *decisions, *rest))
