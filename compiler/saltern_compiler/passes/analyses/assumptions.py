"""What a budget takes for granted of what only a run knows: `assume: { "size(input.rows)": 1000 }`."""

from __future__ import annotations

from collections.abc import Mapping

from saltern_compiler.ir.amounts import Amount, Symbol, number
from saltern_compiler.ir.budget import ASSUME, assumptions
from saltern_compiler.ir.costs import Cost
from saltern_compiler.ir.pipeline import Pipeline
from saltern_runtime.spec import Assumes


def assumed(cost: Cost, pipeline: Pipeline) -> Cost:
    """Return a cost with numbers in place of what a pipeline's budget assumes."""
    known: Mapping[str, float] = assumptions(pipeline.budget)

    def put(of: Symbol) -> Amount | None:
        most = known.get(str(of))
        return None if most is None else number(most)

    return cost.at(put) if known else cost


def assumed_of_input(pipeline: Pipeline, source_name: str, places: Mapping[str, str]) -> tuple[Assumes, ...]:
    """Return what a budget assumes of the input, by name; `places` knows where each stands as `budget:assume.NAME`."""
    found: list[Assumes] = []
    for name, most in sorted(assumptions(pipeline.budget).items()):
        at = places.get(f"budget:{ASSUME}.{name}", "")
        found.append(Assumes(name, most, f"{source_name}:{at}" if at else ""))
    return tuple(each for each in found if each.path)
