"""From what was read to what can be emitted: checks, normal form, plan."""

from saltern_compiler.passes.analyze import Analyzed, analyze
from saltern_compiler.passes.planning.plan import make_plan
from saltern_compiler.passes.planning.receipts import receipts

__all__ = ["Analyzed", "analyze", "make_plan", "receipts"]
