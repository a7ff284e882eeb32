"""Bounds of a pipeline, ready to be shown: what its budget takes for granted is put in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from saltern_compiler.ir.amounts import ZERO, Amount, number
from saltern_compiler.ir.budget import assumptions, is_wait
from saltern_compiler.ir.costs import (
    BYTES,
    CALLS,
    CLAIMS,
    MODEL_CALLS,
    MODEL_TRIES,
    ROUNDS,
    RUNS,
    STAGES,
    TOKENS_IN,
    TOKENS_OUT,
    TRIES,
    Cost,
    Share,
    show_time,
)
from saltern_compiler.passes import Analyzed
from saltern_compiler.passes.analyses.assumptions import assumed
from saltern_compiler.passes.analyses.costs import COSTS
from saltern_compiler.passes.analyses.deadline import DEADLINES, Deadline
from saltern_compiler.passes.pipeline import optimize
from saltern_runtime.dataclass import dataclass

TIME: Final = "time"
_NAMES: Final[Mapping[str, str]] = {
    TOKENS_IN: "tokens that models read, about",
    TOKENS_OUT: "tokens that models say",
    BYTES: "bytes kept at a time",
    ROUNDS: "rounds of loops",
    STAGES: "stages",
    CLAIMS: "round trips of workers",
    RUNS: "runs that are started",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One measure."""

    name: str
    """As `--why` takes it."""
    says: str
    most: Amount
    retried: Amount | None = None
    """With all attempts; None where that is `most`, or nothing else."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one pipeline."""

    pipeline: str
    cost: Cost
    """Under what its budget assumes."""
    assumed: Mapping[str, float]
    deadline: Deadline

    def rows(self) -> Iterator[Row]:
        """Yield the measures that are needed, time left out."""
        for target in self.cost.targets():
            says = "calls to any host" if target == "*" else f"calls of {target}"
            name = f"{CALLS}{target}"
            yield Row(name, says, self.cost.of(name), self.cost.of(f"{TRIES}{target}"))
        if self.cost.of(MODEL_CALLS) != ZERO:
            yield Row(MODEL_CALLS, "calls of models", self.cost.of(MODEL_CALLS), self.cost.of(MODEL_TRIES))
        for name, says in _NAMES.items():
            if self.cost.of(name) != ZERO:
                yield Row(name, says, self.cost.of(name))

    def critical(self) -> Iterator[Share]:
        """Yield what stands on the critical path."""
        shares = {share.node: share for share in self.cost.shares}
        yield from (shares[name] for name in self.cost.path if name in shares)


def bounds_of(analyzed: Analyzed) -> Bounds:
    """Return the bounds of a pipeline that nothing but its budget is wrong with."""
    live = optimize(analyzed.pipeline, analyzed.context, analyzed.context.level)[-1].after
    cost = assumed(analyzed.context.get(COSTS, live), live)
    return Bounds(live.name, cost, assumptions(live.budget), analyzed.context.get(DEADLINES, live))


def written(amount: Amount, measure: str) -> str:
    """Write an amount of a measure."""
    return show_time(amount) if measure == TIME else str(amount)


def granted(name: str, most: float) -> str:
    """Write what is assumed: a wait as a length of time, else a number."""
    return show_time(number(most)) if is_wait(name) else f"{most:,.15g}"


def measured(cost: Cost, measure: str) -> Amount:
    """Return how much of a measure."""
    return cost.worst if measure == TIME else cost.of(measure)
