"""The engine: answers bells, runs what it claims, records it. The same in a Celery worker, in `saltern run` and in tests."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Final

from saltern_runtime.engine.dispatch import Dispatcher
from saltern_runtime.engine.drain import Drain
from saltern_runtime.engine.leases import Hold, Leases
from saltern_runtime.engine.policy import Trouble, classify, decide, expired, lost, timed_out
from saltern_runtime.engine.stages import NodeFailedError, Plans, StagePlan
from saltern_runtime.graph import Graph
from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import Answer, Bell, Claim, Failed, Outcome
from saltern_runtime.store.keys import new_nonce
from saltern_runtime.store.store import Store

log = logging.getLogger("saltern.engine")
_compact: Final = json.JSONEncoder(separators=(",", ":")).encode


class Engine:
    """Runs the stages of one graph. One at a time in each thread that answers."""

    def __init__(
        self,
        graph: Graph,
        settings: Settings,
        dispatcher: Dispatcher,
        *,
        store: Store | None = None,
        end_process: Callable[[], None] | None = None,
    ) -> None:
        self.graph = graph
        self.settings = settings
        self.plans = Plans(graph)
        self.store = store or Store(graph.name, settings, patience=settings.unreachable)
        self.dispatcher = dispatcher
        self.drain = Drain()
        self.leases = Leases(self.store, settings, self.drain, self._give_up, end_process)

    def answer(self, bell: Bell) -> None:
        """Claim and settle what is most urgent in the bell's queue, and go on until nothing is, or the slice ends."""
        if self.drain.since():
            self.dispatcher.ring([bell])
            return
        end = time.monotonic() + self.settings.slice
        answer = self.store.answer(bell, new_nonce())
        self.dispatcher.ring(answer.bells)
        while answer.claim is not None:
            answer = self._settle(answer.claim, end)
            self.dispatcher.ring(answer.bells)

    def _next(self, end: float) -> str | None:
        """Mint the nonce of the next claim; None where this worker stops here."""
        return None if self.drain.since() or time.monotonic() >= end else new_nonce()

    def _settle(self, claim: Claim, end: float) -> Answer:
        plan = self.plans.stages[claim.path]
        stage = plan.stage
        match claim.verdict:
            case "skip":
                outcome = Outcome("SKIPPED", plan.dependants({}))
                return self.store.advance(claim, outcome, self._next(end))
            case "timeout":
                return self._failed(plan, claim, timed_out(stage), self._next(end))
            case "expired":
                return self._failed(plan, claim, expired(stage), self._next(end))
            case "lost":
                trouble = lost(stage, claim, self.settings.poison)
                if trouble is not None:
                    return self._failed(plan, claim, trouble, self._next(end))
        return self._run(plan, claim, end)

    def _run(self, plan: StagePlan, claim: Claim, end: float) -> Answer:
        began = time.monotonic()
        hold = self.leases.hold(claim, began + plan.stage.timeout)
        try:
            result = self.plans.run(claim, began + min(plan.stage.timeout, claim.time_left), self.settings.max_payload, _entering(hold))
        except NodeFailedError as error:
            cause = error.__cause__
            log.warning(
                "node %s failed in attempt %d: %r", error.node, claim.attempt, cause,
                extra={"run": claim.run, "path": claim.path, "node": error.node}, exc_info=cause,
            )  # fmt: skip
            trouble = classify(cause or error, error.node)
            return self._failed(plan, claim, trouble, self._next(end))
        finally:
            self.leases.drop(hold)
        outcome = Outcome(
            "SUCCEEDED",
            plan.dependants(result.taken),
            result.values,
            _compact(result.durations),
            time.monotonic() - began,
        )
        answer = self.store.advance(claim, outcome, self._next(end), keep=self.graph.retention)
        if answer.status != "ok":
            log.warning(
                "the result of %s came too late: %s",
                claim.path,
                answer.status,
                extra={"run": claim.run, "path": claim.path},
            )
        return answer

    def _failed(self, plan: StagePlan, claim: Claim, trouble: Trouble, next_nonce: str | None) -> Answer:
        return self._record_failure(plan, claim, decide(plan.stage, claim, trouble), next_nonce)

    def _record_failure(self, plan: StagePlan, claim: Claim, failed: Failed, next_nonce: str | None) -> Answer:
        if failed.delay is None and plan.stage.on_error == "continue":
            outcome = Outcome("FAILED", plan.dependants({}), failure=failed.failure)
            return self.store.advance(claim, outcome, next_nonce)
        return self.store.fail(claim, failed, next_nonce)

    def _give_up(self, hold: Hold) -> bool:
        """Record from the lease thread that an attempt reached its hard deadline."""
        plan = self.plans.stages[hold.claim.path]
        answer = self._failed(plan, hold.claim, timed_out(plan.stage, hold.node), None)
        self.dispatcher.ring(answer.bells)
        return answer.status == "ok"


def _entering(hold: Hold) -> Callable[[str], None]:
    def entered(node: str) -> None:
        hold.node = node

    return entered
