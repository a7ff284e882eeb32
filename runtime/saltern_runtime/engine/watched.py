"""What is told of an attempt while it is made: the lease thread, the logs and the traces learn which node runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from saltern_runtime.engine.leases import Hold
from saltern_runtime.engine.stages import Plans
from saltern_runtime.graph import Stage
from saltern_runtime.masking import without
from saltern_runtime.observe import tracecontext, tracing
from saltern_runtime.observe.here import HERE, Where, leave
from saltern_runtime.observe.recorders import NOTHING, Attempt, Attributes
from saltern_runtime.store.calls import Claim


class Watch:
    """An attempt that is being made."""

    def __init__(self, plans: Plans, hold: Hold, where: Where, attempt: Attempt) -> None:
        self._plans, self._hold, self._where, self._attempt = plans, hold, where, attempt

    def entered(self, node: str, done: Mapping[str, float | None]) -> None:
        """Tell of a node that begins; `done`: what those before it in its stage took, seconds, or None where one was skipped."""
        leave()
        self._hold.node, self._hold.done = node, dict(done)
        self._where.node, self._where.place = node, self._plans.places.get(node)
        if self._attempt is not NOTHING:
            self._attempt.entered(node, _about(self._where) | {"saltern.type": self._plans.graph.nodes[node].type})


@contextmanager
def watched(plans: Plans, claim: Claim, hold: Hold) -> Iterator[Watch]:
    """Watch an attempt, from its first node until its outcome is recorded."""
    plan = plans.of(claim.path)
    where = Where(claim.run, claim.path, claim.attempt, plans.graph.home(plan.stage.name).name)
    where.hide = lambda text: _hidden(plans, where, claim, text)
    trace = tracecontext.read(claim.trace)
    if trace is not None:
        where.trace_id, where.span_id = f"{trace.id:032x}", f"{tracecontext.run_span(claim.run):016x}"
    token = HERE.set(where)
    try:
        with _traced(plan.stage, where, claim) as attempt:
            hold.attempt = attempt
            yield Watch(plans, hold, where, attempt)
    finally:
        leave()
        HERE.reset(token)


def _traced(stage: Stage, where: Where, claim: Claim) -> AbstractContextManager[Attempt]:
    if not tracing.is_on():
        return NOTHING
    more: Attributes = {
        "saltern.stage": stage.name,
        "saltern.queue": stage.queue,
        "saltern.queue_time": claim.waited,
        "saltern.tenant": claim.tenant,
    }
    return tracing.attempt(where, claim.trace, stage.name, {**_about(where), **more})


def _about(where: Where) -> dict[str, str | int]:
    said: dict[str, str | int | None] = {
        "saltern.run": where.run,
        "saltern.path": where.path,
        "saltern.attempt": where.attempt,
        "saltern.pipeline": where.pipeline,
        "saltern.node": where.node,
        "saltern.place": where.place,
    }
    return {name: value for name, value in said.items() if value is not None}


def _hidden(plans: Plans, where: Where, claim: Claim, text: str) -> str:
    """Take out of a text what is secret in what the node that runs was given."""
    for value, places in plans.secrets_read(where.node, claim):
        text = without(text, value, places)
    return text
