"""The order of the passes, and the one place that runs them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.ir.plan import LEVELS, Change, Elided
from saltern_compiler.ir.verify import verify
from saltern_compiler.passes.analyses.types import TYPES, output_of
from saltern_compiler.passes.base import Context, Pass
from saltern_compiler.passes.checks.answers import Answers
from saltern_compiler.passes.checks.bounds import Bounds
from saltern_compiler.passes.checks.budgets import Budgets
from saltern_compiler.passes.checks.caching import Caching
from saltern_compiler.passes.checks.catches import Catches
from saltern_compiler.passes.checks.clock_changes import ClockChanges
from saltern_compiler.passes.checks.compensations import Compensations
from saltern_compiler.passes.checks.connections import Connections
from saltern_compiler.passes.checks.cycle import Cycle
from saltern_compiler.passes.checks.deadlines import Deadlines
from saltern_compiler.passes.checks.edges import Edges
from saltern_compiler.passes.checks.files import Files
from saltern_compiler.passes.checks.flow import Flow
from saltern_compiler.passes.checks.gluing import Gluing
from saltern_compiler.passes.checks.lateness import Lateness
from saltern_compiler.passes.checks.names import Names
from saltern_compiler.passes.checks.node_types import NodeTypes
from saltern_compiler.passes.checks.output import Output
from saltern_compiler.passes.checks.parameters import Parameters
from saltern_compiler.passes.checks.payloads import Payloads
from saltern_compiler.passes.checks.quoting import Quoting
from saltern_compiler.passes.checks.reachability import Reachability
from saltern_compiler.passes.checks.regions import Regions
from saltern_compiler.passes.checks.repeats import Repeats
from saltern_compiler.passes.checks.responses import Responses
from saltern_compiler.passes.checks.secrets import Secrets
from saltern_compiler.passes.checks.shadowing import Shadowing
from saltern_compiler.passes.checks.size import Size
from saltern_compiler.passes.checks.triggers import Triggers
from saltern_compiler.passes.checks.types import Types
from saltern_compiler.passes.checks.untyped import Untyped
from saltern_compiler.passes.checks.unused import Unused
from saltern_compiler.passes.checks.uses import Uses
from saltern_compiler.passes.checks.versions import Versions
from saltern_compiler.passes.eliding import keeps_types
from saltern_compiler.passes.optimizations.branch_pruning import BranchPruning
from saltern_compiler.passes.optimizations.canonicalize import Canonicalize
from saltern_compiler.passes.optimizations.common_reads import CommonReads
from saltern_compiler.passes.optimizations.common_subexpressions import CommonSubexpressions
from saltern_compiler.passes.optimizations.constant_folding import ConstantFolding
from saltern_compiler.passes.optimizations.dead_nodes import DeadNodes
from saltern_compiler.passes.optimizations.loop_invariants import LoopInvariants
from saltern_compiler.passes.optimizations.without_disabled import WithoutDisabled
from saltern_compiler.passes.transforms.coerce_literals import CoerceLiterals
from saltern_compiler.passes.transforms.default_trigger import DefaultTrigger
from saltern_compiler.passes.transforms.plain_edges import PlainEdges
from saltern_runtime.dataclass import dataclass

PASSES: Final[tuple[Pass, ...]] = (
    Size(),
    Names(),
    NodeTypes(),
    Versions(),
    Parameters(),
    Connections(),
    Uses(),
    Secrets(),
    Triggers(),
    ClockChanges(),
    Bounds(),
    Edges(),
    Regions(),
    Cycle(),
    DefaultTrigger(),
    PlainEdges(),
    CoerceLiterals(),
    Types(),
    Gluing(),
    Quoting(),
    Shadowing(),
    Files(),
    Caching(),
    Flow(),
    Repeats(),
    Reachability(),
    Output(),
    Answers(),
    Responses(),
    Compensations(),
    Catches(),
    Deadlines(),
    Lateness(),
    Budgets(),
    Payloads(),
    Untyped(),
    Unused(),
)
"""How things are written comes first, then normal form, then what they mean, then what they are for."""

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


def run(pipeline: Pipeline, context: Context, passes: tuple[Pass, ...] = PASSES) -> Pipeline:
    """Apply passes in order; what one makes is verified before the next one sees it (InternalError: our own bug)."""
    each = partial(context.each, "verify")
    verify(pipeline, each=each)
    for step in passes:
        result = step.apply(pipeline, context)
        if result is not pipeline:
            verify(result, each=each)
        pipeline = result
    return pipeline


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
