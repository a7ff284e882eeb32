"""The engine: answers bells, runs what it claims, records it. The same in a Celery worker, in `saltern run` and in tests."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from saltern_runtime.engine.answers import decided
from saltern_runtime.engine.caching import Recall
from saltern_runtime.engine.collect import collected
from saltern_runtime.engine.dispatch import Dispatcher
from saltern_runtime.engine.drain import Drain
from saltern_runtime.engine.frames import place_of, trace_of
from saltern_runtime.engine.leases import Hold, Leases
from saltern_runtime.engine.links import ROUTE, Link
from saltern_runtime.engine.places import scopes_of
from saltern_runtime.engine.policy import Trouble, classify, decide, expired, gone, lost, sealed, timed_out, unreachable
from saltern_runtime.engine.results import NodeFailedError, Result
from saltern_runtime.engine.stage_plan import StagePlan
from saltern_runtime.engine.stages import Plans
from saltern_runtime.engine.tally import Tally
from saltern_runtime.engine.telling import Teller
from saltern_runtime.engine.watched import watched
from saltern_runtime.errors import NodeError, PermanentError, RunDroppedError, StopRun, pointer
from saltern_runtime.graph import Awaits, Carries, Graph, Node, Starts
from saltern_runtime.jsontext import compact
from saltern_runtime.models import plain
from saltern_runtime.observe import tracing
from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import Answer, Bell, Claim, Failed, Outcome, Stopped
from saltern_runtime.store.failures import PayloadsUnreachableError, SealedValueError, ValueGoneError
from saltern_runtime.store.files import SPARE, RunFiles, Shelf
from saltern_runtime.store.keys import new_nonce, shard_of, short_of
from saltern_runtime.store.reading import Reader
from saltern_runtime.store.store import Store

log = logging.getLogger("saltern.engine")
_LOST: Final = compact({"kind": "cancelled", "code": "race-lost", "message": "another arm was there before"})


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
        self.plans = Plans(graph, settings.shards, self._address, settings.private_networks, self._files)
        self.store = store or Store(graph.name, settings, patience=settings.unreachable)
        self.reader = Reader(self.store, graph.name)
        self.telling = Teller(self.plans, self.reader)
        self.dispatcher = dispatcher
        self.shelf = Shelf(self.store)
        tracing.named(graph.name, short_of(self.plans.plan))
        self.drain = Drain()
        self.tally = Tally(self.store)
        self.leases = Leases(self.store, settings, self.drain, self._give_up, end_process, self.tally.hand_over)

    def _files(self, claim: Claim) -> RunFiles:
        """Return the files of a claim's tenant; what a node makes is kept as long as its run."""
        return RunFiles(self.shelf, claim.tenant, claim.time_left + claim.retention)

    def answer(self, bell: Bell) -> None:
        """Claim and settle what is most urgent in the bell's queue, and go on until nothing is, or the slice ends."""
        if self.drain.since():
            self.dispatcher.ring([bell])
            return
        end = time.monotonic() + self.settings.slice
        answer = self.store.answer(bell, new_nonce())
        self.dispatcher.ring(answer.bells)
        while answer.claim is not None:
            self.tally.claimed(bell.shard, "hit")
            answer = self._settle(answer.claim, end)
            self.dispatcher.ring(answer.bells)
        if self._next(end) is not None:  # it was asked for
            self.tally.claimed(bell.shard, "empty")

    def _next(self, end: float) -> str | None:
        """Mint the nonce of the next claim; None where this worker stops here."""
        return None if self.drain.since() or time.monotonic() >= end else new_nonce()

    def _settle(self, claim: Claim, end: float) -> Answer:
        """Settle a claim; where its values cannot be had or kept, that is how it failed."""
        plan = self.plans.of(claim.path)
        if claim.verdict == "gone":
            return self._failed(plan, claim, gone(plan.stage), self._next(end))
        if claim.verdict == "sealed":
            return self._sealed(plan, claim, claim.trouble, end)
        try:
            return self._settled(plan, claim, end)
        except ValueGoneError:
            return self._failed(plan, claim, gone(plan.stage), self._next(end))
        except SealedValueError as error:
            return self._sealed(plan, claim, str(error), end)
        except PayloadsUnreachableError as error:
            log.warning("%s could not be settled: %s", claim.path, error)
            return self._failed(plan, claim, unreachable(plan.stage, str(error)), self._next(end))

    def _sealed(self, plan: StagePlan, claim: Claim, why: str, end: float) -> Answer:
        log.warning("%s could not be settled: %s", claim.path, why)
        return self._failed(plan, claim, sealed(plan.stage, why), self._next(end))

    def _settled(self, plan: StagePlan, claim: Claim, end: float) -> Answer:
        stage = plan.stage
        match claim.verdict:
            case "skip":
                outcome = Outcome("SKIPPED", plan.dependants({}, scopes_of(claim.path)))
                return self._advance(plan, claim, outcome, self._next(end))
            case "answered":
                return self._answered(plan, claim, self.store.answer_to(claim), end)
            case "woken":
                return self._woken(plan, claim, end)
            case "collect":
                return self._collect(plan, claim, end)
            case "broken":
                return self._record_failure(plan, claim, Failed(claim.failure, None), self._next(end))
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
        losers = self.plans.losers(claim)
        if losers:
            self.dispatcher.ring(self.store.lose(claim, losers, _LOST).bells)
        began = time.monotonic()
        hold = self.leases.hold(claim, began + plan.stage.timeout)
        with watched(self.plans, claim, hold) as watch:
            try:
                result = self.plans.run(
                    claim,
                    began + min(plan.stage.timeout, claim.time_left),
                    self.settings.max_payload,
                    watch.entered,
                    self._recall,
                )
            except NodeFailedError as error:
                return self._broken(plan, claim, error, began, end)
            finally:
                self.leases.drop(hold)
            answer = self._done(plan, claim, result, time.monotonic() - began, end)
            if answer.status != "ok":
                log.warning("the result of %s came too late: %s", claim.path, answer.status)
            return answer

    def _broken(self, plan: StagePlan, claim: Claim, error: NodeFailedError, began: float, end: float) -> Answer:
        """Record what a node raised: the run stops, or the attempt failed."""
        cause = error.__cause__
        if isinstance(cause, StopRun):
            spent = {**error.done, error.node: round(time.monotonic() - began, 6)}
            return self._stop(plan, claim, error.node, cause, spent, self._next(end))
        self.telling.failed(error, claim)
        trouble = classify(cause or error, error.node, partial(self.telling.cleaned, claim=claim, node=error.node))
        trace = trace_of(cause or error, self.graph.package)
        trouble = replace(trouble, failure=replace(trouble.failure, trace=trace), done=error.done)
        return self._failed(plan, claim, trouble, self._next(end))

    def _recall(self, node: Node[Any, Any], claim: Claim) -> Recall | None:
        """Return the cache of a node for one attempt, where it has one."""
        if node.cache is None:
            return None
        connection = self.graph.connections[node.connection] if node.connection else None
        keeps = claim.time_left + claim.retention
        return Recall(self.store, node, claim.tenant, connection, self.plans.plan, keeps, fresh=claim.epoch > 0)

    def _stop(  # noqa: PLR0917 - each is a column
        self,
        plan: StagePlan,
        claim: Claim,
        node: str,
        stop: StopRun,
        spent: Mapping[str, float | None],
        next_nonce: str | None,
    ) -> Answer:
        """End the run as a node said."""
        durations, others = compact(spent), plan.others(spent)
        if stop.state == "failed":
            message = self.telling.cleaned(stop.message, claim, node)
            failure = json.dumps({"kind": "stopped", "code": "stopped", "message": message, "node": node})
            return self.store.stop(claim, Stopped("FAILED", durations, failure, other=others), next_nonce)
        text = "" if stop.output is None else compact(plain(stop.output))
        if len(text.encode()) > self.settings.max_payload:
            message = f"what {node!r} returns is over the limit of {self.settings.max_payload} bytes"
            trouble = classify(PermanentError(message, code="result-too-large"), node)
            return self._failed(plan, claim, trouble, next_nonce)
        return self.store.stop(claim, Stopped("SUCCEEDED", durations, output=text, other=others), next_nonce)

    def _done(self, plan: StagePlan, claim: Claim, result: Result, seconds: float, end: float) -> Answer:
        """Record what a stage's nodes returned: advance, or begin the items of a region, or sleep."""
        scopes = scopes_of(claim.path)
        outcome = Outcome(
            "SUCCEEDED",
            plan.dependants(result.taken, scopes),
            result.values,
            compact(result.durations),
            seconds,
            cache=result.cache,
            taken=result.taken,
        )
        next_nonce = self._next(end)
        if result.start is not None:
            return self._start(plan, claim, outcome, result, next_nonce)
        if result.sleep is not None:
            return self.store.suspend(
                claim, self.telling.asking(result.sleep, claim, plan.stage.nodes[-1].id), outcome, next_nonce
            )
        if plan.stage.opens is not None and plan.stage.opens.carries is not None:
            local = replace(claim, values={**claim.values, **result.values}, done=result.durations)
            return self._carry(plan, local, outcome, result.items[0], next_nonce)
        if plan.stage.opens is not None:
            if result.items:
                opening = self.plans.opening(claim.path, result.items)
                return self.store.open(claim, opening, outcome, next_nonce)
            try:
                empty = collected(plan.stage.nodes[-1].id, plan.stage.opens, (), self.settings.max_payload)
            except NodeError as error:
                trouble = replace(classify(error, plan.stage.nodes[-1].id), done=result.durations)
                return self._failed(plan, claim, trouble, next_nonce)
            outcome = replace(outcome, values={**result.values, scopes[-1] + plan.stage.nodes[-1].id: empty})
        return self._advance(plan, claim, outcome, next_nonce, result.durations)

    def _start(self, plan: StagePlan, claim: Claim, outcome: Outcome, result: Result, next_nonce: str | None) -> Answer:
        """Make a run of another pipeline, the same one whoever comes to it how often, and record its id as the node's value.

        The files that it is given are kept as long as it is.
        """
        ends, node = plan.stage.ends, plan.stage.nodes[-1]
        assert isinstance(ends, Starts), "asked for stages that start one"
        assert result.start is not None, "a stage that starts one has its input"
        new = self.plans.new_run(claim, node, ends, result.start)
        lost = (
            self.shelf.secure(claim.tenant, result.files, new.deadline + new.retention + SPARE) if result.files else ()
        )
        if lost:
            message = f"files that {node.id!r} hands on are kept no longer: {', '.join(map(pointer, lost))}"
            return self._failed(plan, claim, classify(PermanentError(message, code="file-gone"), node.id), next_nonce)
        if ends.linked:
            status = self.store.adopt(claim, new.id)
            if status != "ok":
                return Answer(status)
        created = self.store.create(new)
        if created.status == "dropped":
            trouble = classify(PermanentError(str(RunDroppedError(created.run_id)), code=RunDroppedError.code), node.id)
            return self._failed(plan, claim, trouble, next_nonce)
        self.dispatcher.ring(created.bells)
        outcome = replace(outcome, values={**outcome.values, scopes_of(claim.path)[-1] + node.id: compact(new.id)})
        return self._advance(plan, claim, outcome, next_nonce, result.durations)

    def _collect(self, plan: StagePlan, claim: Claim, end: float) -> Answer:
        """Record the value of a region whose rounds are all done."""
        opens, node = plan.stage.opens, plan.stage.nodes[-1]
        if opens is None:
            raise TypeError(f"{claim.path} opens no region")
        if opens.carries is not None:
            outcome = Outcome("SUCCEEDED", plan.dependants(claim.taken, scopes_of(claim.path)))
            return self._carry(plan, claim, outcome, self.store.state(claim), self._next(end))
        results = self.store.results(claim, errors=opens.on_error == "collect")
        try:
            text = collected(node.id, opens, results, self.settings.max_payload)
        except NodeError as error:
            return self._failed(plan, claim, classify(error, node.id), self._next(end))
        return self._slept(plan, claim, text, end)

    def _carry(self, plan: StagePlan, claim: Claim, outcome: Outcome, state: str, next_nonce: str | None) -> Answer:
        """Begin the next round of a region with the state that it has (JSON text), or record that state as its value."""
        opens, node = plan.stage.opens, plan.stage.nodes[-1]
        assert opens is not None, "asked for regions"
        assert opens.carries is not None, "asked for those that carry a state"
        deadline = time.monotonic() + min(plan.stage.timeout, claim.time_left)
        try:
            is_on = self.plans.goes_on(claim, opens.carries, state, deadline, self.settings.max_payload)
            reached = _limit_of(claim, opens.carries)
            if is_on and reached and opens.carries.on_limit == "fail":
                raise PermanentError(f"{node.id!r} {reached}", code="loop-limit")
        except (NodeFailedError, NodeError) as error:
            trouble = replace(classify(error.__cause__ or error, node.id), final=True)
            return self._failed(plan, claim, trouble, next_nonce)
        if is_on and not reached:
            if claim.items:
                return self.store.again(claim, state, next_nonce)
            return self.store.open(claim, self.plans.opening(claim.path, [state]), outcome, next_nonce)
        value = {**outcome.values, scopes_of(claim.path)[-1] + node.id: state}
        return self._advance(plan, claim, replace(outcome, values=value), next_nonce)

    def _advance(
        self,
        plan: StagePlan,
        claim: Claim,
        outcome: Outcome,
        next_nonce: str | None,
        done: Mapping[str, float | None] | None = None,
    ) -> Answer:
        """Record an outcome; with a success goes what would take it back. `done`: what its nodes took, where they ran just now."""
        if outcome.state == "SUCCEEDED" and plan.undo is not None:
            outcome = replace(outcome, undo=plan.undo)
        if outcome.state == "SUCCEEDED" and len(plan.stage.nodes) > 1:
            outcome = replace(outcome, other=plan.others(done or claim.done))
        answer = self.store.advance(claim, outcome, next_nonce)
        if outcome.seconds is not None and answer.status == "ok":
            self.tally.took(shard_of(claim.run) or 0, plan.stage.name, outcome.seconds)
        return answer

    def _slept(self, plan: StagePlan, claim: Claim, text: str, end: float) -> Answer:
        """Record the value of a stage that was suspended."""
        scopes = scopes_of(claim.path)
        outcome = Outcome(
            "SUCCEEDED", plan.dependants(claim.taken, scopes), {scopes[-1] + plan.stage.nodes[-1].id: text}
        )
        return self._advance(plan, claim, outcome, self._next(end))

    def _answered(self, plan: StagePlan, claim: Claim, text: str, end: float) -> Answer:
        """Record an answer from outside as a node's value; the door has held it against the node's type already."""
        ends, node = plan.stage.ends, plan.stage.nodes[-1]
        assert isinstance(ends, Awaits), "asked for stages that wait for one"
        try:
            ends.adapter.validate_json(text)
        except ValidationError as error:
            message = f"the answer to {node.id!r} is not of its type: {error.error_count()} things are wrong"
            trouble = classify(PermanentError(message, code="bad-answer"), node.id)
            return self._failed(plan, claim, trouble, self._next(end))
        return self._slept(plan, claim, text, end)

    def _woken(self, plan: StagePlan, claim: Claim, end: float) -> Answer:
        """Go on after a wait; where it was for an answer, decide what nobody decided in time, or fail."""
        ends, node = plan.stage.ends, plan.stage.nodes[-1].id
        if not isinstance(ends, Awaits):
            return self._slept(plan, claim, "null", end)
        if ends.default is not None:
            return self._slept(plan, claim, compact(decided(ends.default, ends.schema)), end)
        trouble = classify(PermanentError(f"nobody answered {node!r} in time", code="no-answer"), node)
        return self._failed(plan, claim, trouble, self._next(end))

    def _address(self, claim: Claim, path: str) -> str:
        """Return the address at which the answer for an activation is taken while its run lasts."""
        if not self.settings.public_url:
            message = "links for answers need SALTERN_PUBLIC_URL, the address of the API"
            raise PermanentError(message, code="no-public-url")
        link = Link(claim.run, path, int(claim.deadline))
        token = link.signed(self.store.signing_key(link.shard))
        return f"{self.settings.public_url.rstrip('/')}{ROUTE}{token}"

    def _failed(self, plan: StagePlan, claim: Claim, trouble: Trouble, next_nonce: str | None) -> Answer:
        blamed = trouble.failure.node or (plan.stage.nodes[-1].id if plan.stage.nodes else None)
        placed = replace(trouble.failure, place=place_of(self.graph, blamed))
        failed = decide(plan.stage, claim, replace(trouble, failure=placed))
        tracing.failed(trouble.failure.code, trouble.failure.message, failed.delay)
        if len(plan.stage.nodes) > 1 and trouble.failure.node is not None:
            done = claim.done if trouble.done is None else trouble.done
            others = plan.others(done, trouble.failure.node)
            failed = replace(failed, durations=compact(done), other=others)
        return self._record_failure(plan, claim, failed, next_nonce)

    def _record_failure(self, plan: StagePlan, claim: Claim, failed: Failed, next_nonce: str | None) -> Answer:
        if failed.delay is None and plan.stage.on_error == "continue":
            scopes = scopes_of(claim.path)
            taken, values = self.plans.failed(plan.stage, scopes[-1], failed.failure)
            outcome = Outcome("FAILED", plan.dependants(taken, scopes), values, failure=failed.failure)
            return self._advance(plan, claim, outcome, next_nonce)
        if failed.delay is None:
            failed = replace(failed, item=self.plans.catching(claim.path))
        return self.store.fail(claim, failed, next_nonce)

    def _give_up(self, hold: Hold) -> bool:
        """Record from the lease thread that an attempt reached its hard deadline."""
        plan = self.plans.of(hold.claim.path)
        trouble = replace(timed_out(plan.stage, hold.node), done=dict(hold.done))
        with tracing.about(hold.attempt):
            answer = self._failed(plan, hold.claim, trouble, None)
        self.dispatcher.ring(answer.bells)
        return answer.status == "ok"


def _limit_of(claim: Claim, carries: Carries) -> str:
    """Say which limit the rounds of a region have reached; empty: none."""
    if claim.items >= carries.at_most:
        return f"went through all of its {carries.at_most} rounds"
    return f"went on for all of its {carries.within:g} seconds" if claim.is_over else ""
