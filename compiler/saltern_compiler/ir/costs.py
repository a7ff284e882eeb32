"""What a run of a pipeline costs at most, and which node gives what of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from fractions import Fraction
from typing import Final

from saltern_compiler.ir.amounts import ZERO, Amount, Symbol
from saltern_runtime.dataclass import dataclass

STAGES: Final = "stages"
"""Activations of stages, each a checkpoint; those that are skipped among them."""
CLAIMS: Final = "claims"
"""Round trips of workers: attempts, and what is settled when something that was waited for is over."""
ROUNDS: Final = "rounds"
"""Of loops: items and turns."""
RUNS: Final = "runs"
"""Runs of their own that are started; what these cost is not counted."""
MODEL_CALLS: Final = "model_calls"
MODEL_TRIES: Final = "model_tries"
TOKENS_IN: Final = "tokens_in"
TOKENS_OUT: Final = "tokens_out"
BYTES: Final = "bytes"
"""Of values that the store keeps at the same time."""
CALLS: Final = "calls:"
"""Before a target: calls where every first attempt succeeds."""
TRIES: Final = "tries:"
"""Before a target: calls where only the last attempts succeed."""
MEASURES: Final = (MODEL_CALLS, MODEL_TRIES, TOKENS_IN, TOKENS_OUT, BYTES, ROUNDS, STAGES, CLAIMS, RUNS)
"""Those without a target, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one node gives: that of its body among it, where it has one."""

    node: str
    says: str
    """Why it is that, in a few words: `3 attempts of 20s`."""
    cost: Cost
    inner: Cost | None = None
    """One round of its body, or the pipeline that it calls."""
    times: Amount = ZERO
    """Rounds."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a graph costs from its start to the end of all that is in it."""

    best: Fraction = Fraction(0)
    """Seconds that it takes at least where nothing fails: what is surely waited for."""
    worst: Amount = ZERO
    """Seconds at most, with workers that are free."""
    amounts: Mapping[str, Amount] = field(default_factory=dict)
    """Measure → how much of it at most; what is never needed is left out."""
    path: tuple[str, ...] = ()
    """Nodes at the ends of the stages on the critical path, in their order."""
    shares: tuple[Share, ...] = ()
    """Of its nodes, in the order of data flow."""
    answered: Amount = ZERO
    """Seconds at most until whoever started the run is answered: until the last `respond` begins; without one, the `return`."""

    def of(self, measure: str) -> Amount:
        """Return how much of a measure."""
        return self.amounts.get(measure, ZERO)

    def targets(self) -> tuple[str, ...]:
        """Return the connections and hosts that are called, sorted."""
        return tuple(sorted(name.removeprefix(CALLS) for name in self.amounts if name.startswith(CALLS)))

    def ways(self) -> Iterator[tuple[str, ...]]:
        """Yield the critical path, then those of the bodies on it."""
        yield self.path
        for share in self.shares:
            if share.node in self.path and share.inner is not None:
                yield from share.inner.ways()

    def every(self) -> Iterator[Amount]:
        """Yield all amounts."""
        yield self.worst
        for name in sorted(self.amounts):
            yield self.amounts[name]

    def symbols(self) -> tuple[Symbol, ...]:
        """Return what it hangs on, sorted."""
        found = {str(symbol): symbol for amount in self.every() for symbol in amount.symbols()}
        return tuple(found[name] for name in sorted(found))

    def at(self, value: Callable[[Symbol], Amount | None]) -> Cost:
        """Put something in place of each symbol, all the way down."""
        return Cost(
            self.best,
            self.worst.at(value),
            {name: amount.at(value) for name, amount in self.amounts.items()},
            self.path,
            tuple(
                Share(
                    share.node,
                    share.says,
                    share.cost.at(value),
                    None if share.inner is None else share.inner.at(value),
                    share.times.at(value),
                )
                for share in self.shares
            ),
            self.answered.at(value),
        )


def show_time(amount: Amount) -> str:
    """Write seconds: a number as a length of time, rounded up to milliseconds, anything else as a sum."""
    if amount.known is None:
        return f"{amount} seconds"
    thousandths = -(-amount.known * 1000 // 1)
    parts = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
    text = ""
    for unit, size in parts:
        count, thousandths = divmod(thousandths, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def added(left: Mapping[str, Amount], right: Mapping[str, Amount]) -> dict[str, Amount]:
    """Add what two things cost that both happen."""
    return {name: left.get(name, ZERO) + right.get(name, ZERO) for name in {**left, **right}}


def times(of: Mapping[str, Amount], count: Amount) -> dict[str, Amount]:
    """Return what something costs that happens so often."""
    return {name: amount * count for name, amount in of.items()}
