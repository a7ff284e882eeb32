"""The order of the passes that find out what is wrong with a pipeline, and the one place that runs passes.

A check imports these alone: what optimizes has an order of its own, in `pipeline.py`.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.ir.verify import verify
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
from saltern_compiler.passes.transforms.coerce_literals import CoerceLiterals
from saltern_compiler.passes.transforms.default_trigger import DefaultTrigger
from saltern_compiler.passes.transforms.plain_edges import PlainEdges

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
