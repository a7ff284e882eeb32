"""What the passes make of a source, one after the other: for those who want to see it."""

from __future__ import annotations

from saltern_compiler.driver.compile import analyze_loaded
from saltern_compiler.driver.link import link
from saltern_compiler.driver.source import Source
from saltern_compiler.frontend import read
from saltern_compiler.ir.plan import FUSION, LEVELS
from saltern_compiler.ir.printer import dump
from saltern_compiler.passes import make_plan, receipts
from saltern_compiler.passes.base import Context
from saltern_compiler.passes.pipeline import names, pipeline_after
from saltern_compiler.passes.pipeline import optimize as optimized
from saltern_compiler.passes.planning.receipts import Receipt
from saltern_compiler.passes.uses import with_uses
from saltern_compiler.registry import Registry


class UnknownPassError(LookupError):
    """A pass that there is not, or that does not run at a level; `name` is how it was called, `known` are those that run."""

    def __init__(self, message: str, name: str, known: tuple[str, ...]) -> None:
        super().__init__(message)
        self.name = name
        self.known = known


def receipts_of(source: Source, optimize: int) -> tuple[Receipt, ...]:
    """Return what each optimization is good for, of a source without errors."""
    _, analysis, callees = analyze_loaded(source)
    assert analysis is not None, "the source was found clean"
    return receipts(analysis, optimize, callees=callees)


def print_after(source: Source, name: str, optimize: int) -> str:
    """Print a source without errors as it is after the pass of that name; raises UnknownPassError."""
    if name == FUSION and optimize > 0:
        return _together(source, optimize)
    known = (*names(), FUSION)
    if name not in known:
        raise UnknownPassError(
            f"there is no pass {name!r}", name, known[::-1]
        )  # optimizations first, which people ask for
    registry = Registry.load()
    pipeline, _ = read(source.text, source.name)
    assert pipeline is not None, "the source was found clean"
    linked = link(pipeline, source.name, source.files(pipeline, registry), registry)
    context = Context(with_uses(registry, linked.uses), linked.files, uses=linked.uses)
    after = None if name == FUSION else pipeline_after(name, pipeline, context, optimize)
    if after is None:
        raise UnknownPassError(
            f"the pass {name!r} does not run at -O{optimize}; the other levels are {_others(optimize)}", name, ()
        )
    return dump(after)


def _together(source: Source, optimize: int) -> str:
    """Print a source without errors as it is after all passes, and which nodes run together then."""
    _, analysis, callees = analyze_loaded(source, optimize=optimize)
    assert analysis is not None, "the source was found clean"
    steps = optimized(analysis.pipeline, analysis.context, optimize)
    plan = make_plan(analysis, analysis.context.registry, callees=callees, level=optimize, steps=steps)
    stages = (f"  stage {stage.name}: {', '.join(stage.nodes)}\n" for stage in plan.stages if stage.nodes)
    return dump(steps[-1].after) + "".join(stages)


def _others(optimize: int) -> str:
    return " and ".join(f"-O{level}" for level in LEVELS if level != optimize)
