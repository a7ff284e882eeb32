"""What a run may cost, as the pipeline's budget says, against what it costs at most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Origin, Related
from saltern_compiler.diagnostics.suggest import did_you_mean, it_takes, listed
from saltern_compiler.ir.amounts import ZERO, Amount, number, weight
from saltern_compiler.ir.budget import ASSUME, CALLS, COUNTS, TIME, is_count, is_wait
from saltern_compiler.ir.costs import BYTES, MODEL_TRIES, TOKENS_IN, TOKENS_OUT, Cost, show_time
from saltern_compiler.ir.costs import TRIES as TRIES_OF
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.ir.plan import LEVEL
from saltern_compiler.ir.values import Literal
from saltern_compiler.passes.analyses.assumptions import assumed
from saltern_compiler.passes.analyses.costs import COSTS
from saltern_compiler.passes.analyses.shape import SHAPE, Shape
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.passes.hosts import hosts_of_connection
from saltern_compiler.passes.uses import connections_of
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Assumes, Json

ANYWHERE: Final = "*"
"""The target of calls to a host that only a run knows."""
_TOLD: Final = 3
"""Nodes that are named in a finding."""
_MEASURES: Final[Mapping[str, tuple[str, ...]]] = {
    "model_calls": (MODEL_TRIES,),
    "tokens": (TOKENS_IN, TOKENS_OUT),
    "bytes": (BYTES,),
}


@dataclass(frozen=True, slots=True)
class Budgets(Check):
    """`over-budget`, `undecided-budget`, `unmatched-budget`, `broken-assumption`, `out-of-bounds`."""

    name: str = "budgets"

    def check(self, pipeline: Pipeline, context: Context) -> None:
        """Report limits that no run could live by, those about nothing, and those that are not kept."""
        if not pipeline.budget:
            return
        for name, part, value in _limits(pipeline):
            if (
                not is_count(value)
                or (name == TIME and not value)
                or (not _is_length(name, part) and not float(value).is_integer())
            ):
                what = f"`{part}` in `{name}`" if part else f"`{name}`"
                rule = "More than 0 seconds." if _is_length(name, part) else "A whole number, from 0 on."
                place = _place(pipeline, name, part)
                context.report(
                    Diagnostic("out-of-bounds", f"{what} of the budget is out of bounds", place, notes=(rule,))
                )
        if context.has_errors or context.incomplete:
            return
        cost = context.get(COSTS, pipeline)
        _Judging(pipeline, context, cost, assumed(cost, pipeline), context.get(SHAPE, pipeline)).judge()


def _is_length(name: str, part: str) -> bool:
    return name == TIME or is_wait(part)


def _limits(pipeline: Pipeline) -> Iterator[tuple[str, str, Json]]:
    """Yield each number of a budget with the names it stands under."""
    for name, value in pipeline.budget:
        if isinstance(value, dict):
            yield from ((name, part, number) for part, number in value.items())
        else:
            yield name, "", value


def _place(pipeline: Pipeline, name: str, part: str = "") -> Origin:
    return pipeline.place(f"budget:{name}.{part}" if part else f"budget:{name}")


@dataclass(frozen=True, slots=True)
class _Judging:
    pipeline: Pipeline
    context: Context
    raw: Cost
    """Without what the budget assumes."""
    cost: Cost
    shape: Shape

    def judge(self) -> None:
        """Go through all limits."""
        for name, part, value in _limits(self.pipeline):
            if name == ASSUME:
                self._assumption(part)
                self._schedules(Assumes(part, float(value)))
            elif name == TIME:
                self._hold(name, part, value, lambda cost: cost.worst, "a run may take {}")
            elif name == CALLS:
                self._calls(part, value)
            elif name in COUNTS:
                self._hold(name, part, value, partial(_sum, _MEASURES[name]), _SAID[name])

    def _assumption(self, name: str) -> None:
        known = [str(symbol) for symbol in self.raw.symbols()]
        if name in known:
            return
        notes = (*did_you_mean(self.context.nearest(name, known)), *((it_takes(known),) if known else ()))
        message = f"nothing hangs on `{name}`"
        place = _place(self.pipeline, ASSUME, name)
        self.context.report(Diagnostic("unmatched-budget", message, place, notes=notes))

    def _schedules(self, assumes: Assumes) -> None:
        """Report schedules that hand in more than is assumed: no run of theirs would ever begin."""
        for trigger in self.pipeline.triggers:
            given = trigger.setting("input")
            if trigger.type != "schedule" or not assumes.path or not isinstance(given, Literal):
                continue
            seen = assumes.seen(given.value)
            if seen > assumes.at_most:
                message = f"`{assumes.name}` is {seen} of this schedule; at most {assumes.at_most:,.15g} is assumed"
                related = (Related(_place(self.pipeline, ASSUME, assumes.name), "it is assumed here"),)
                notes = ("No run begins with more than is assumed.",)
                place = trigger.origin
                self.context.report(Diagnostic("broken-assumption", message, place, notes=notes, related=related))

    def _calls(self, target: str, value: Json) -> None:
        hosts = self._hosts()
        called = self.raw.targets()
        meant = [name for name in called if name == target or target in hosts.get(name, (name,))]
        if not meant and target not in self.shape.connections:
            known = sorted({*called, *(host for name in called for host in hosts.get(name, ()))} - {ANYWHERE})
            notes = (*did_you_mean(self.context.nearest(target, known)), *((it_takes(known),) if known else ()))
            message = f"nothing calls `{target}`"
            place = _place(self.pipeline, CALLS, target)
            self.context.report(Diagnostic("unmatched-budget", message, place, notes=notes))
            return
        if ANYWHERE in called and target not in self.shape.connections and ANYWHERE not in meant:
            meant.append(ANYWHERE)
        names = tuple(f"{TRIES_OF}{name}" for name in meant)
        self._hold(CALLS, target, value, partial(_sum, names), f"a run may call `{target}` {{}} times")

    def _hosts(self) -> Mapping[str, tuple[str, ...]]:
        """Return connection → the hosts that it leads to, with and without their ports."""
        found: dict[str, tuple[str, ...]] = {}
        for name, connection in connections_of(self.pipeline, self.context.uses).items():
            hosts = hosts_of_connection(connection, self.context.registry)
            found[name] = (*hosts, *(host.rpartition(":")[0] for host in hosts))
        return found

    def _hold(self, name: str, part: str, limit: Json, measure: Callable[[Cost], Amount], said: str) -> None:
        amount, most = measure(self.cost), number(limit)
        write = show_time if name == TIME else str
        place = _place(self.pipeline, name, part)
        related = tuple(self._related(measure, write, name))
        if amount.least > (most.known or 0):
            at_least = "" if amount.known is not None else ", whatever comes in"
            message = f"{said.format(write(number(amount.least)))}{at_least}; the budget is {write(most)}"
            less = (
                "keep less, in loops of fewer rounds"
                if name == "bytes"
                else "fewer attempts, shorter time-outs, loops of fewer rounds"
            )
            notes = [f"Allow more, or make it need less: {less}."]
            if self.context.level != LEVEL:
                notes.append(
                    f"This is at -O{self.context.level}; -O{LEVEL} is what is built where nobody says another level."
                )
            self.context.report(Diagnostic("over-budget", message, place, notes=tuple(notes), related=related))
        elif amount.known is None:
            missing = amount.symbols()
            names = listed([f"`{symbol}`" for symbol in missing[:_TOLD]], "and")
            more = f", and {len(missing) - _TOLD} more" if len(missing) > _TOLD else ""
            message = f"whether {said.format(f'at most {write(most)}')} hangs on {names}{more}"
            example = f'"{missing[0]}": {"1h" if is_wait(str(missing[0])) else "1000"}'
            told = [
                f"It is {_short(write(amount))}.",
                *dict.fromkeys(f"{symbol.why[0].upper()}{symbol.why[1:]}." for symbol in missing[:_TOLD] if symbol.why),
                f"Bound it in the pipeline, or say what may be taken for granted: `assume: {{ {example} }}`.",
            ]
            self.context.report(Diagnostic("undecided-budget", message, place, notes=tuple(told), related=related))

    def _related(
        self, measure: Callable[[Cost], Amount], write: Callable[[Amount], str], name: str
    ) -> Iterator[Related]:
        """Tell which nodes cost most: of time, those on the longest way."""
        shares = [share for share in self.cost.shares if name != TIME or share.node in self.cost.path]
        given = [(measure(share.cost), share) for share in shares]
        given = sorted((each for each in given if each[0] != ZERO), key=lambda each: (-weight(each[0]), each[1].node))
        for amount, share in given[:_TOLD]:
            at = self.shape.nodes[share.node].origin
            why = "" if name == "bytes" else f": {share.says}"
            yield Related(at, f"`{share.node}` gives {_short(write(amount))} of it{why}")


def _sum(measures: tuple[str, ...], cost: Cost) -> Amount:
    return sum((cost.of(name) for name in measures), ZERO)


def _short(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:159]}…"


_SAID: Final = {
    "model_calls": "a run may ask models {} times",
    "tokens": "models may read and say {} tokens in a run",
    "bytes": "a run may keep {} bytes",
}
