"""From what was read to what can be emitted: checks, normal form, plan."""

from saltern_compiler.passes.analysis import Analysis, analyze
from saltern_compiler.passes.planning.plan import make_plan

__all__ = ["Analysis", "analyze", "make_plan"]
