"""The order of the optimizations, behind that of the checks; what each of them did."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.ir.plan import LEVELS, Change, Elided
from saltern_compiler.passes.analyses.types import TYPES, output_of
from saltern_compiler.passes.base import Context, Pass
from saltern_compiler.passes.checking import PASSES, run
from saltern_compiler.passes.eliding import keeps_types
from saltern_compiler.passes.optimizations.branch_pruning import BranchPruning
from saltern_compiler.passes.optimizations.canonicalize import Canonicalize
from saltern_compiler.passes.optimizations.common_reads import CommonReads
from saltern_compiler.passes.optimizations.common_subexpressions import CommonSubexpressions
from saltern_compiler.passes.optimizations.constant_folding import ConstantFolding
from saltern_compiler.passes.optimizations.dead_nodes import DeadNodes
from saltern_compiler.passes.optimizations.loop_invariants import LoopInvariants
from saltern_compiler.passes.optimizations.without_disabled import WithoutDisabled
from saltern_runtime.dataclass import dataclass

OPTIMIZATIONS: Final[tuple[tuple[int, Pass], ...]] = (
    (0, WithoutDisabled()),
    (1, ConstantFolding()),
    (1, BranchPruning()),
    (1, Canonicalize()),
    (1, CommonSubexpressions()),
    (2, CommonReads()),
    (2, LoopInvariants()),
    (1, DeadNodes()),
)
"""What follows once all is clean, each with the level from which on it runs: each keeps outputs, errors, effects and their order."""


def optimizations(level: int) -> tuple[Pass, ...]:
    """Return the optimizations of a level (one of `LEVELS`), in their order."""
    return tuple(step for least, step in OPTIMIZATIONS if least <= level)


@dataclass(frozen=True, slots=True)
class Step:
    """What one optimization did."""

    name: str
    before: Pipeline
    after: Pipeline
    elided: tuple[Elided, ...]
    changes: tuple[Change, ...]


def optimize(pipeline: Pipeline, context: Context, level: int) -> tuple[Step, ...]:
    """Apply the optimizations of a level to a clean pipeline, each verified.

    What a pass above level 0 makes is passed over where it would not do for types: another output, or a finding that was none.
    """
    steps: list[Step] = []
    needed = optimizations(0)
    for step in optimizations(level):
        own = replace(context, elided=[], changes=[])
        result = run(pipeline, own, (step,))
        if result is pipeline or (step not in needed and not _fits(pipeline, result, context)):
            steps.append(Step(step.name, pipeline, pipeline, (), ()))
            continue
        steps.append(Step(step.name, pipeline, result, tuple(own.elided), tuple(own.changes)))
        pipeline = result
    return tuple(steps)


def names() -> tuple[str, ...]:
    """Return the names of all passes, in the order in which they run."""
    return tuple(step.name for step in (*PASSES, *optimizations(max(LEVELS))))


def pipeline_after(name: str, given: Pipeline, context: Context, level: int) -> Pipeline | None:
    """Return what a pipeline without errors is after the pass of that name; None where that does not run at a level."""
    for step in PASSES:
        given = run(given, context, (step,))
        if step.name == name:
            return given
    return next((step.after for step in optimize(given, context, level) if step.name == name), None)


def _fits(before: Pipeline, after: Pipeline, context: Context) -> bool:
    output = output_of(
        before, context.get(TYPES, before)
    )  # asked first: an analysis keeps what it knows of one pipeline
    return keeps_types(before, after, context) and output_of(after, context.get(TYPES, after)) == output


def settled(steps: tuple[Step, ...]) -> tuple[Elided, ...]:
    """Return what is in no stage, by id; each has the fate of a node that is in one."""
    known = {each.node: each for step in steps for each in step.elided}
    found: list[Elided] = []
    for each in known.values():
        like, skipped = each.same_as, each.skipped
        while like in known:
            like, skipped = known[like].same_as, skipped or known[like].skipped
        found.append(replace(each, same_as=like, skipped=skipped))
    return tuple(sorted(found, key=lambda each: each.node))
