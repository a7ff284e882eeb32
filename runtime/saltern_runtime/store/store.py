"""The store: one method a script. Nothing else writes the keys, and `reading` alone reads them.

Every call may be sent twice, by a client that lost the reply or by `link` after a broken connection: the caller mints
the nonces, and the same call again returns its first answer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, cast

from redis.exceptions import ResponseError

from saltern_runtime.jsontext import compact
from saltern_runtime.spec.limits import AT_ONCE
from saltern_runtime.store import scripts
from saltern_runtime.store.calls import (
    Answer,
    Bell,
    Claim,
    Created,
    Failed,
    NewRun,
    Opening,
    Outcome,
    Signalled,
    Sleep,
    Standing,
    Status,
    Stopped,
    Swept,
    TickMove,
    read_claim,
)
from saltern_runtime.store.failures import (
    PayloadsUnreachableError,
    StoreUnavailableError,
    StoreUnfitError,
)
from saltern_runtime.store.keys import ANSWER, OUTPUT, new_nonce, shard_of
from saltern_runtime.store.link import NewerLayoutError
from saltern_runtime.store.operating import Operations
from saltern_runtime.store.payloads import MARK

__all__ = ["NewerLayoutError", "Store", "StoreUnavailableError", "StoreUnfitError"]

log = logging.getLogger("saltern.store")


class Store(Operations):
    """The run state of one service."""

    # Scripts

    def create(self, new: NewRun) -> Created:
        """Make a run, once for each idempotency key, unless its tenant has as many as it may."""
        shard = _shard(new.id)
        call = scripts.Create(**self._new(new), cap=new.cap, known=new.known or None, **self._rings)
        text = self._input(new)
        status, run, bells = self._send(shard, call, text)
        if status in ("full", "dropped") and text.startswith(MARK):  # no other run has it
            self.payloads.drop(text.removeprefix(MARK))
        if status == "full":
            return Created("full", "", open=int(run))
        if self.settings.durability == "fsync":
            self._on_disk(shard)
        return Created(cast("Any", status), run, self._told(shard, bells))

    def reserve(self, shard: int, new: NewRun) -> tuple[Literal["fresh", "again", "known", "conflict"], str, int]:
        """Keep the idempotency key of a run that is to be made in another shard: `again`, this first run of it may yet have to be made.

        Answers its run too, and how often it was asked for.
        """
        keep, retention = (
            int((new.deadline + new.retention) * 1000),
            min([int(new.retention * 1000), *_retained(new).values()]),
        )
        call = scripts.Reserve(run=new.id, body=new.body, idem=new.idempotency, keep=keep, retention=retention)
        status, run, asked = self._send(shard, call)
        if self.settings.durability == "fsync":
            self._on_disk(shard)
        return cast("Any", status), run, int(asked or 0)

    def unreserve(self, shard: int, new: NewRun, asked: int) -> None:
        """Let go of a key whose run was refused, unless somebody asked for it since then."""
        self._send(shard, scripts.Unreserve(run=new.id, idem=new.idempotency, asked=asked))

    def _new(self, new: NewRun) -> dict[str, Any]:
        return {
            "run": new.id,
            "plan": new.plan,
            "tenant": new.tenant,
            "trigger": new.trigger,
            "body": new.body,
            "idem": new.idempotency,
            "deadline": int(new.deadline * 1000),
            "retention": int(new.retention * 1000),
            "retained": _retained(new) or None,
            "reserve": int(new.reserve * 1000) or None,
            "entries": new.entries,
            "trace": new.trace or None,
            **({"pipeline": new.pipeline, "root": new.root, "parent": new.parent} if new.parent else {}),
            **({"group": new.group.name, "most": new.group.most, "over": new.group.over} if new.group else {}),
        }

    def _input(self, new: NewRun) -> str:
        return self._outside(new.id, "", new.input, new.deadline + new.retention)

    def current(self, shard: int, plan: str, schedules: Sequence[str], silence: float) -> Standing:
        """Ask whether a plan's schedules fire now, and where they stand."""
        call = scripts.Current(plan=plan, schedules=schedules, silence=int(silence * 1000))
        mine, now, *stands = self._send(shard, call)
        standing = dict(zip(schedules, zip(stands[::3], stands[1::3], stands[2::3], strict=True), strict=True))
        halted = frozenset(name for name, (_, _, halts) in standing.items() if halts)
        known = {name: (int(at), sig) for name, (at, sig, _) in standing.items() if at}
        return Standing(mine == "1", int(now), known, halted)

    def tick(self, shard: int, move: TickMove, new: NewRun | None) -> tuple[str, tuple[Bell, ...]]:
        """Move a schedule on to a tick; with `new`, create its run. Answers fresh, moved, dropped or stale, and bells."""
        run = {} if new is None else self._new(new) | {"plan": move.plan}
        call = scripts.Tick(
            schedule=move.schedule,
            signature=move.signature,
            was="" if move.was is None else f"{move.was[0]} {move.was[1]}",
            tick=move.at,
            **{"plan": move.plan, **run},
            **self._rings,
        )
        status, bells = self._send(shard, call, *([] if new is None else [self._input(new)]))
        return status, self._told(shard, bells)

    def _on_disk(self, shard: int) -> None:
        """Wait until all that was written so far is on disk: the shard's server has one file, in order, and this connection writes last."""
        key = self.keys.shard(shard) + "fsync"

        def once() -> object:
            with self.at(key).pipeline(transaction=False) as pipe:
                pipe.incrby(key, 1)
                pipe.waitaof(1, 0, int(self.settings.socket_timeout * 900))
                return pipe.execute()[1]

        local = cast("list[int]", self.patiently(once))[0]
        if local < 1:
            raise StoreUnavailableError("the run was written, but Redis did not confirm that it is on disk")

    def answer(self, bell: Bell, nonce: str) -> Answer:
        """Answer a bell and claim what is most urgent in its queue."""
        call = scripts.Answer(queue=bell.queue, slot=bell.slot, serial=bell.serial, claim=nonce, **self._claims)
        return self._answered(bell.shard, self._send(bell.shard, call))

    def advance(self, claim: Claim, outcome: Outcome, next_nonce: str | None) -> Answer:
        """Record a stage's outcome, make its dependants ready, claim what comes next (nothing without a nonce)."""
        shard = _shard(claim.run)
        call = scripts.Advance(
            run=claim.run,
            path=claim.path,
            nonce=claim.nonce,
            state=outcome.state,
            dependants=outcome.dependants,
            durations=outcome.durations,
            failure=outcome.failure and self._hidden(claim.run, outcome.failure),
            undo=None if outcome.undo is None else compact(outcome.undo),
            cache=outcome.cache,
            other=outcome.other or None,
            claim=next_nonce,
            **self._claims,
        )
        return self._answered(shard, self._send(shard, call, *self._pairs(claim, outcome)))

    def _pairs(self, claim: Claim, outcome: Outcome) -> list[str]:
        args: list[str] = []
        for where, value in outcome.values.items():
            args += (where, self._kept(claim, where, value))
        return args

    def open(self, claim: Claim, opening: Opening, outcome: Outcome, next_nonce: str | None) -> Answer:
        """Begin a region: keep its items, then open it. The owner's other nodes' values come with the outcome."""
        shard = _shard(claim.run)
        for first in range(0, len(opening.items), AT_ONCE):
            batch = [
                self._kept(claim, f"{claim.path}[{index}]", text)
                for index, text in enumerate(opening.items[first:][:AT_ONCE], first)
            ]
            call = scripts.PutItems(run=claim.run, path=claim.path, nonce=claim.nonce, first=first)
            status = self._send(shard, call, *batch)[0]
            if status != "ok":
                break  # `open` says what is wrong, or answers what it answered before
        begin = scripts.Open(
            run=claim.run,
            path=claim.path,
            nonce=claim.nonce,
            items=len(opening.items),
            most=opening.most,
            mode=opening.mode,
            entries=opening.entries,
            body=opening.body,
            carries=opening.carries or None,
            within=None if opening.within is None else max(1, round(opening.within * 1000)),
            taken=compact(outcome.taken),
            durations=outcome.durations,
            claim=next_nonce,
            **self._claims,
        )
        return self._answered(shard, self._send(shard, begin, *self._pairs(claim, outcome)))

    def again(self, claim: Claim, state: str, next_nonce: str | None) -> Answer:
        """Begin the next round of a region that carries a state, with that state."""
        shard = _shard(claim.run)
        call = scripts.Again(run=claim.run, path=claim.path, nonce=claim.nonce, claim=next_nonce, **self._claims)
        return self._answered(shard, self._send(shard, call, self._kept(claim, f"{claim.path}[{claim.items}]", state)))

    def lose(self, claim: Claim, losers: Sequence[str], failure: str) -> Answer:
        """Fail regions that need not go on, as the holder of a claim says; the claim stays."""
        shard = _shard(claim.run)
        call = scripts.Lose(
            run=claim.run,
            path=claim.path,
            nonce=claim.nonce,
            losers=losers,
            failure=self._hidden(claim.run, failure),
            **self._rings,
        )
        return self._answered(shard, self._send(shard, call))

    def adopt(self, claim: Claim, child: str) -> Status:
        """Note a run that is about to be made and is cancelled with the claim's."""
        shard = _shard(claim.run)
        call = scripts.Adopt(run=claim.run, path=claim.path, nonce=claim.nonce, child=child)
        return cast("Status", self._send(shard, call)[0])

    def unlink(self, run_id: str, child: str) -> None:
        """Forget that a run is to be cancelled with another one: it was."""
        key = self.keys.run(run_id, ":linked")
        self.patiently(lambda: self.at(key).srem(key, child))

    def stop(self, claim: Claim, stopped: Stopped, next_nonce: str | None) -> Answer:
        """End a run early, as a node says."""
        shard = _shard(claim.run)
        call = scripts.Stop(
            run=claim.run,
            path=claim.path,
            nonce=claim.nonce,
            state=stopped.state,
            durations=stopped.durations,
            failure=stopped.failure and self._hidden(claim.run, stopped.failure),
            other=stopped.other or None,
            claim=next_nonce,
            **self._claims,
        )
        output = stopped.output and self._kept(claim, OUTPUT, stopped.output)
        return self._answered(shard, self._send(shard, call, output))

    def suspend(self, claim: Claim, sleep: Sleep, outcome: Outcome, next_nonce: str | None) -> Answer:
        """Let an activation sleep until a moment, or until an answer from outside comes."""
        shard = _shard(claim.run)
        call = scripts.Suspend(
            run=claim.run,
            path=claim.path,
            nonce=claim.nonce,
            delay=None if sleep.delay is None else int(sleep.delay * 1000),
            till=None if sleep.till is None else int(sleep.till * 1000),
            asks=None if sleep.asks is None else self.seals.hidden(sleep.asks, claim.run, "text", "shown"),
            taken=compact(outcome.taken),
            durations=outcome.durations,
            claim=next_nonce,
            **self._claims,
        )
        return self._answered(shard, self._send(shard, call, *self._pairs(claim, outcome)))

    def signal(self, run_id: str, path: str, answer: str, nonce: str, *, early: bool, keep: float) -> Signalled:
        """Give an answer (JSON text) to an activation that waits for one; `early`: or that may yet. Kept for `keep` seconds."""
        shard = _shard(run_id)
        call = scripts.Signal(run=run_id, path=path, nonce=nonce, early=early, **self._rings)
        place = f"{path}{ANSWER}"
        status, bells, first = self._send(shard, call, self._outside(run_id, place, answer, keep))
        return Signalled(cast("Any", status), self._told(shard, bells), self.inside(first, run_id, place))

    def fail(self, claim: Claim, failed: Failed, next_nonce: str | None) -> Answer:
        """Record that an attempt failed: wait for the next one, or end the run; claim what comes next."""
        shard = _shard(claim.run)
        owner, index = failed.item or (None, None)
        call = scripts.Fail(
            run=claim.run,
            path=claim.path,
            nonce=claim.nonce,
            failure=self._hidden(claim.run, failed.failure),
            delay=None if failed.delay is None else int(failed.delay * 1000),
            state=failed.state,
            dead=failed.dead,
            durations=failed.durations,
            other=failed.other or None,
            owner=owner,
            index=index,
            claim=next_nonce,
            **self._claims,
        )
        return self._answered(shard, self._send(shard, call))

    def extend(self, claim: Claim) -> Status:
        """Keep a claim for one more lease."""
        shard = _shard(claim.run)
        call = scripts.Extend(run=claim.run, path=claim.path, nonce=claim.nonce, lease=self._lease)
        return cast("Status", self._send(shard, call, patience=0)[0])

    def release(self, claim: Claim) -> Answer:
        """Hand a claim back; no attempt is counted."""
        shard = _shard(claim.run)
        call = scripts.Release(run=claim.run, path=claim.path, nonce=claim.nonce, **self._rings)
        return self._answered(shard, self._send(shard, call))

    def take_due(self, shard: int, replica: str, nonce: str | None = None, *, gap: bool = False) -> Swept:
        """Do what is due, at most 64 entries. `gap`: no lease is to be trusted yet."""
        call = scripts.TakeDue(
            replica=replica,
            nonce=nonce or new_nonce(),
            sweep=int(self.settings.sweep * 1000),
            gap=True if gap else None,
            **self._claims,
        )
        due, bells, linked = self._send(shard, call)
        pairs = (pair.partition("|") for pair in linked.split())
        return Swept(int(due), self._told(shard, bells), tuple((run, child) for run, _, child in pairs))

    def reconcile(self, run_id: str) -> tuple[Bell, ...]:
        """Put back timers, places in queues and bells of a run after a server came back with another run id."""
        shard, cursor = _shard(run_id), "0"
        bells: list[Bell] = []
        while True:
            call = scripts.Reconcile(run=run_id, cursor=cursor, **self._rings)
            cursor, rung = self._send(shard, call)
            bells.extend(self._told(shard, rung))
            if cursor == "0":
                return tuple(bells)

    def keep_plan(self, plan: str, graph: str, flow: str) -> None:
        """Keep a plan's graph and flow (JSON texts), so that an API of any version can show its runs, and rerun them."""
        for shard in range(self.settings.shards):
            for kind, text in (("plan", graph), ("flow", flow)):
                key = f"{self.keys.shard(shard)}{kind}:{plan}"
                self.patiently(partial(self._keep_first, key, text))

    def _keep_first(self, key: str, text: str) -> None:
        self.at(key).set(key, text, nx=True)  # asked for here: between two tries the key's server may be another one

    def _answered(self, shard: int, reply: list[str]) -> Answer:
        status, bells, *parts = reply
        claim = read_claim(parts) if parts else None
        if claim is not None:
            try:
                claim = self._claimed(claim)
            except PayloadsUnreachableError as error:
                log.warning("%s is handed back: %s", claim.path, error)
                released = self.release(claim)
                return Answer(cast("Status", status), (*self._told(shard, bells), *released.bells), None)
        return Answer(cast("Status", status), self._told(shard, bells), claim)


def _retained(new: NewRun) -> dict[str, int]:
    """Return the state of a run that is over → for how many ms it is kept; what reached its deadline has failed."""
    states = {how.upper(): int(seconds * 1000) for how, seconds in new.retained.items()}
    return {**states, **({"TIMED_OUT": states["FAILED"]} if "FAILED" in states else {})}


def _shard(run_id: str) -> int:
    shard = shard_of(run_id)
    if shard is None:
        raise ResponseError(f"not a run's id: {run_id!r}")
    return shard
