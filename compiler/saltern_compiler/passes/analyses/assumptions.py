"""What a budget takes for granted of what only a run knows: `assume: { "size(input.rows)": 1000 }`."""

from __future__ import annotations

from collections.abc import Mapping

from saltern_compiler.ir.amounts import Amount, Symbol, number
from saltern_compiler.ir.budget import assumptions
from saltern_compiler.ir.costs import Cost
from saltern_compiler.ir.pipeline import Pipeline


def assumed(cost: Cost, pipeline: Pipeline) -> Cost:
    """Return a cost with numbers in place of what a pipeline's budget assumes."""
    known: Mapping[str, float] = assumptions(pipeline.budget)

    def put(of: Symbol) -> Amount | None:
        most = known.get(str(of))
        return None if most is None else number(most)

    return cost.at(put) if known else cost
