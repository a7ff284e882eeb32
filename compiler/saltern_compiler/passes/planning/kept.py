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
            yield from (felt - here) & shape.nodes.keys()
        if stage.opens is not None and stage.opens.carries is not None:
            yield from set(shape.reads[stage.opens.carries.check]) & shape.nodes.keys()


def with_kept(stages: Iterable[Stage], shape: Shape) -> Iterator[Stage]:
    """Note for each stage which values it keeps, and say why where it has several."""
    known = tuple(stages)
    kept = kept_nodes(known, shape)
    for stage in known:
        told = tuple(node_id for node_id in stage.nodes if node_id in kept)
        decisions = stage.decisions
        if len(stage.nodes) > 1:
            left = [node_id for node_id in stage.nodes if node_id not in kept]
            why = "the checkpoint: what ends the stage, or other stages read or hang on"
            said = [Decision("kept", ", ".join(told), why)]
            if left:
                said.append(Decision("not kept", ", ".join(left), "nothing outside of the stage reads it"))
            decisions = (decisions[0], *said, *decisions[1:])
        yield replace(stage, kept=told, decisions=decisions)
