"""The model of what a worker calls: each method is named as the store's is, takes what that takes, and says what it must answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from saltern_runtime.store.calls import Claim, Failed, Opening, Outcome, Sleep, Stopped
from saltern_runtime.store.keys import OUTPUT, short_of
from tests.support.model.regions import (
    drop_items,
    end_item,
    fail_item,
    fail_region,
    open_in,
    open_region,
    refill,
)
from tests.support.model.runs import ATTEMPTED, Act, Cursor, Run, World, item_of

ENOUGH = 16
"""Of what may not begin, a claim passes over fewer than these."""


@dataclass(frozen=True)
class Said:
    """What a call must answer: a verdict; and a claim: the one that it made before, or one of what may be claimed now."""

    verdict: Any
    again: tuple[str, str] | None = None
    may: tuple[tuple[Run, Act], ...] = ()
    must: bool = False
    """Whether there has to be one."""
    nonce: str | None = None
    ender: Act | None = None
    """Whose claim the call ended: it remembers what was claimed."""


class Claims:
    """What workers do."""

    def __init__(self, world: World) -> None:
        self.world = world

    def settle(self, said: Said, claim: Claim | None) -> None:
        """Hold the claim of an answer against what was said of it, and end the call."""
        if claim is None:
            assert not said.must, f"nothing was claimed; there is {[(run.id, act.path) for run, act in said.may]}"
            assert said.again is None, f"{said.again} is not shown again"
        elif said.again is not None:
            assert (claim.run, claim.path) == said.again
            self._same(claim)
        else:
            found = [(run, act) for run, act in said.may if (run.id, act.path) == (claim.run, claim.path)]
            assert found, f"{claim.run}|{claim.path} was claimed; it may not be"
            run, act = found[0]
            sure = [other.dep["priority"] for _, other in said.may if not other.limited]
            assert act.dep["priority"] >= max(sure, default=0), f"{act.path} was claimed before what is more urgent"
            self._begin(run, act, said.nonce)
            self._same(claim)
            if said.ender is not None:
                said.ender.next = (run.id, act.path)
        self.world.finish()

    def _begin(self, run: Run, act: Act, nonce: str) -> None:
        act.state, act.nonce, act.gap, act.until = "RUNNING", nonce, False, self.world.now + act.dep["timeout"]
        act.attempts += act.verdict in ATTEMPTED
        run.state = "RUNNING" if run.state == "QUEUED" else run.state
        self.world.due[f"a|{run.id}|{act.path}"] = self.world.now + self.world.lease

    def _same(self, claim: Claim) -> None:
        run = self.world.runs[claim.run]
        act = run.act(claim.path)
        said = (act.nonce, act.attempts, act.failures, act.lost, act.verdict, run.tenant, self._epoch(run, act))
        is_told = (claim.nonce, claim.attempt, claim.failures, claim.lost, claim.verdict, claim.tenant, claim.epoch)
        assert is_told == said
        assert claim.items == (act.cursor.items if act.cursor else 0)
        if act.verdict in ATTEMPTED or (act.cursor and act.cursor.carries):
            assert dict(claim.values) == self._read(run, act)
        else:
            assert not claim.values

    def _epoch(self, run: Run, act: Act) -> int:
        return run.epochs.get(act.path.partition("[")[0], 0)

    def _read(self, run: Run, act: Act) -> dict[str, str]:
        found = {}
        for name in json.loads(act.dep["reads"]):
            place = item_of(f"{name}/")
            owner = run.act(place[0]) if place and name.endswith("]") else None
            value = owner.cursor.values.get(place[1]) if owner and owner.cursor else run.values.get(name)
            if value is not None:
                found[name] = value
        return found

    def queue_of(self, run: Run) -> str:
        return f"{short_of(run.plan)}.q"

    def _claims(self, queue: str, nonce: str | None, ender: Act | None = None, verdict: str = "ok") -> Said:
        if nonce is None:
            return Said(verdict)
        ready = [
            (run, act)
            for run in self.world.runs.values()
            if self.queue_of(run) == queue
            for act in run.pending
            if act.state == "READY"
        ]
        may = tuple(
            (run, act) for run, act in ready if run.counts(act.path) and run.state not in ("CANCELLING", "PAUSED")
        )
        must = any(not act.limited for _, act in may) and len(ready) - len(may) < ENOUGH
        return Said(verdict, may=may, must=must, nonce=nonce, ender=ender)

    def _held(self, claim: Claim, op: str, state: str, nonce: str | None) -> tuple[Run | None, Act | None, Said]:
        """Return the run and the activation of a claim that still stands; else what is to be said."""
        run = self.world.runs.get(claim.run)
        act = run.act(claim.path) if run else None
        if act is None:
            return None, None, Said("gone")
        if act.done == (op, state, claim.nonce, nonce or ""):
            return None, None, Said("ok", again=self._still(act.next, nonce))
        if act.state == "RUNNING" and act.nonce == claim.nonce and run.counts(act.path):
            return run, act, Said("ok")
        return None, None, Said("stale" if run.counts(act.path) else "ended")

    def _still(self, place: tuple[str, str] | None, nonce: str | None) -> tuple[str, str] | None:
        run = self.world.runs.get(place[0]) if place else None
        act = run.act(place[1]) if run else None
        return place if act is not None and act.state == "RUNNING" and act.nonce == nonce else None

    def _ended(self, run: Run, act: Act, *call: str | None) -> Said:
        run.acts[act.path] = act  # it says what it was answered, wherever it stood
        act.done, act.next = tuple(part or "" for part in call), None
        return self._claims(self.queue_of(run), call[-1], act)

    # One method a method of the store

    def advance(self, claim: Claim, outcome: Outcome, next_nonce: str | None) -> Said:
        run, act, said = self._held(claim, "advance", outcome.state, next_nonce)
        if act is None:
            return said
        world = self.world
        world.let_go(run, act)
        act.state, act.failure, act.took = outcome.state, outcome.failure or "", False
        run.values |= outcome.values
        run.told[act.path] += outcome.state != "FAILED"
        if outcome.undo:
            run.undo.append(outcome.undo)
        cancelling = run.state == "CANCELLING"
        for dep in () if cancelling else outcome.dependants:
            world.arrive(run, dep)
        if act.cursor is not None:
            drop_items(run, act)
        place = item_of(act.path)
        if not cancelling and place and open_in(run, *place) == 0:
            end_item(world, run, place, None, act.path)
        if cancelling:
            world.close_if_cancelled(run)
        elif not run.pending and not run.reviving:
            world.compensate(run) if run.state == "COMPENSATING" else world.close(run, "SUCCEEDED")
        return self._ended(run, act, "advance", outcome.state, claim.nonce, next_nonce)

    def open(self, claim: Claim, opening: Opening, outcome: Outcome, next_nonce: str | None) -> Said:
        run, act, said = self._held(claim, "open", "", next_nonce)
        if act is None:
            return said
        world = self.world
        world.let_go(run, act)
        if run.state == "CANCELLING":
            world.end_in_cancelling(run, act)
            return self._ended(run, act, "open", "", claim.nonce, next_nonce)
        run.values |= outcome.values
        until = None if opening.within is None else world.now + max(1, round(opening.within * 1000))
        values = dict(enumerate(opening.items))
        shape = (json.loads(opening.entries), json.loads(opening.body))
        act.took = True
        open_region(
            world, run, act, Cursor(len(values), opening.most, opening.mode, *shape, values, opening.carries, until)
        )
        ended = self._ended(run, act, "open", "", claim.nonce, next_nonce)
        return ended if act.state != "READY" else Said("ok")

    def again(self, claim: Claim, state: str, next_nonce: str | None) -> Said:
        run, act, said = self._held(claim, "again", "", next_nonce)
        if act is None:
            return said
        world = self.world
        world.let_go(run, act)
        if run.state == "CANCELLING":
            drop_items(run, act)
            world.end_in_cancelling(run, act)
        else:
            act.cursor.yielded.pop(act.cursor.items - 1, None)
            act.cursor.values[act.cursor.items] = state
            act.cursor.items += 1
            world.sleep(run, act, run.deadline + 1)
            refill(world, run, act)
        return self._ended(run, act, "again", "", claim.nonce, next_nonce)

    def lose(self, claim: Claim, losers: Sequence[str], failure: str) -> Said:
        run, act, said = self._held(claim, "lose", "", None)
        for path in losers if act is not None else ():
            loser = run.act(path)
            if loser is None or (loser in run.pending and loser.cursor is None):
                run.lost[path] = failure
            fail_region(self.world, run, path, failure)
        return said

    def adopt(self, claim: Claim, child: str) -> Said:
        run, act, said = self._held(claim, "adopt", "", None)
        if act is not None:
            run.linked.add(child)
            if run.state == "CANCELLING":
                self.world.due[f"p|{run.id}"] = self.world.now
        return said

    def unlink(self, run_id: str, child: str) -> Said:
        self.world.runs[run_id].linked.discard(child)
        return Said(None)

    def stop(self, claim: Claim, stopped: Stopped, next_nonce: str | None) -> Said:
        run, act, said = self._held(claim, "stop", stopped.state, next_nonce)
        if act is None:
            return said
        self.world.let_go(run, act)
        if run.state == "CANCELLING":
            self.world.end_in_cancelling(run, act)
        else:
            act.state, run.stopped = "SUCCEEDED", act.path
            run.told[act.path] += 1
            run.values |= {OUTPUT: stopped.output} if stopped.output else {}
            self.world.close(run, stopped.state, stopped.failure or "")
        return self._ended(run, act, "stop", stopped.state, claim.nonce, next_nonce)

    def suspend(self, claim: Claim, sleep: Sleep, outcome: Outcome, next_nonce: str | None) -> Said:
        run, act, said = self._held(claim, "suspend", "", next_nonce)
        if act is None:
            return said
        world = self.world
        world.let_go(run, act)
        if run.state == "CANCELLING":
            world.end_in_cancelling(run, act)
            return self._ended(run, act, "suspend", "", claim.nonce, next_nonce)
        run.values |= outcome.values
        till = run.deadline + world.now if sleep.delay is None else world.now + int(sleep.delay * 1000)
        till = till if sleep.till is None else int(sleep.till * 1000)
        act.took, act.wakes, act.asks = True, min(till, run.deadline + 1), sleep.asks is not None
        world.sleep(run, act, act.wakes)
        if act.asks and act.path in run.answers:
            world.wake(run, act, "answered")
        elif act.wakes <= world.now:
            world.wake(run, act, "woken")
        ended = self._ended(run, act, "suspend", "", claim.nonce, next_nonce)
        return ended if act.state != "READY" else Said("ok")

    def fail(self, claim: Claim, failed: Failed, next_nonce: str | None) -> Said:
        run, act, said = self._held(claim, "fail", failed.state, next_nonce)
        if act is None:
            return said
        world = self.world
        world.let_go(run, act)
        act.failures += 1
        act.failure = failed.failure
        if run.state == "CANCELLING":
            world.end_in_cancelling(run, act)
        elif failed.delay is not None:
            act.state = "RETRY_WAIT"
            world.due[f"a|{run.id}|{act.path}"] = world.now + int(failed.delay * 1000)
        else:
            act.state = failed.state
            if act.cursor is not None:
                drop_items(run, act)
            if failed.dead and (failed.item is None or run.state == "COMPENSATING"):
                world.bury(run, act.path)
            if failed.item is None:
                world.close(run, "FAILED", failed.failure)
            elif failed.item[1] is None:
                fail_region(world, run, failed.item[0], failed.failure, act.path)
            else:
                fail_item(world, run, failed.item, failed.failure, act.path)
        return self._ended(run, act, "fail", failed.state, claim.nonce, next_nonce)

    def extend(self, claim: Claim) -> Said:
        run = self.world.runs.get(claim.run)
        act = run.act(claim.path) if run else None
        if act is None:
            return Said("ended")
        holds = act.state == "RUNNING" and act.nonce == claim.nonce
        if holds and run.counts(act.path):
            lease = self.world.lease
            self.world.due[f"a|{run.id}|{act.path}"] = min(self.world.now, act.until) + lease
            act.gap = False
        if not run.counts(act.path) or run.state == "CANCELLING":
            return Said("ended")
        return Said("ok" if holds else "stale")

    def release(self, claim: Claim) -> Said:
        run, act, said = self._held(claim, "release", "", None)
        if act is None:
            return said
        verdict = act.verdict
        self.world.let_go(run, act)
        act.verdict = verdict
        act.attempts -= verdict in ATTEMPTED
        if run.state == "CANCELLING":
            self.world.end_in_cancelling(run, act)
        else:
            self.world.ready(run, act)
        return self._ended(run, act, "release", "", claim.nonce, None)
