"""The model of how runs are made, of what people do to them, and of timers: named as the store's methods are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saltern_runtime.store.calls import NewRun
from saltern_runtime.store.rerunning import Ended, RerunBatch
from tests.support.model.claims import Claims, Said
from tests.support.model.runs import OPEN, PENDING, Run, by_score, item_of
from tests.support.model.timers import revive_run, take_due

ENDING = {"CANCELLING", "COMPENSATING"}
SUPERSEDED = '{"kind":"cancelled","code":"superseded","message":"a later run of its group came"}'


class Model(Claims):
    """All that the store does."""

    def _run(self, run_id: str, tenant: str | None) -> Run | None:
        run = self.world.runs.get(run_id)
        return run if run is not None and tenant in (None, run.tenant) else None

    # How runs are made

    def create(self, new: NewRun) -> Said:
        """Answers status, and a run or how many are open."""
        if new.id in self.world.runs:
            return Said(("fresh", new.id))
        key = self.world.keys.get(new.idempotency)
        if key is not None:
            key["asked"] += 1
            return Said(("known" if key["body"] in new.body.split() else "conflict", key["run"]))
        in_the_way = self._dropped(new)
        if in_the_way:
            return Said(("dropped", in_the_way))
        count = sum(run.tenant == new.tenant and run.state in OPEN for run in self.world.runs.values())
        if new.cap is not None and count >= new.cap:
            return Said(("full", count))
        if new.idempotency:
            self.world.keys[new.idempotency] = {"run": new.id, "body": new.body.split()[0], "asked": 0, "at": None}
        self._make(new)
        return Said(("fresh", new.id))

    def _dropped(self, new: NewRun) -> str | None:
        if new.group is None or new.group.over != "drop":
            return None
        return self.world.in_the_way(new.group.name, new.group.most)

    def _make(self, new: NewRun) -> None:
        world, reserve = self.world, int(new.reserve * 1000)
        deadline = world.now + int(new.deadline * 1000) - reserve
        run = Run(
            new.id, new.tenant, new.plan, world.now, deadline, reserve, int(new.retention * 1000), parent=new.parent
        )
        world.runs[run.id] = run
        run.values[""] = new.input
        world.due[f"r|{run.id}"] = deadline
        if new.group is None:
            world.begin(run, new.entries)
            return
        run.group, run.most, run.entries = new.group.name, new.group.most, new.entries
        if new.group.over == "cancel_previous":
            behind, inside = (by_score(of.get(run.group, {})) for of in (world.behind, world.inside))
            for previous in [*behind, *inside[: max(0, len(inside) - run.most + 1)]]:
                world.cancel(world.runs[previous], SUPERSEDED)
        world.stand_behind(run)

    def reserve(self, shard: int, new: NewRun) -> Said:
        key = self.world.keys.get(new.idempotency)
        if key is None:
            self.world.keys[new.idempotency] = {
                "run": new.id, "body": new.body.split()[0], "asked": 0, "at": self.world.now
            }  # fmt: skip
            return Said(("fresh", new.id, 0))
        if key["body"] not in new.body.split():
            return Said(("conflict", key["run"], 0))
        if key["run"] == new.id:
            return Said(("fresh", new.id, 0))
        key["asked"] += 1
        fresh = key["at"] is not None and self.world.now - key["at"] < new.retention * 1000
        return Said(("again" if fresh else "known", key["run"], key["asked"]))

    def unreserve(self, shard: int, new: NewRun, asked: int) -> Said:
        key = self.world.keys.get(new.idempotency)
        if key is not None and (key["run"], key["asked"]) == (new.id, asked):
            del self.world.keys[new.idempotency]
        return Said(None)

    # What people do

    def cancel(self, run_id: str, tenant: str | None, failure: str, audit: str | None = None) -> Said:
        run = self._run(run_id, tenant)
        if run is None:
            return Said(None)
        run.audit += self.world.cancel(run, failure) and audit is not None
        return Said(run.state)

    def pause(self, run_id: str, tenant: str | None, nonce: str, audit: str) -> Said:
        run = self._run(run_id, tenant)
        if run is None:
            return Said("missing")
        if run.nonces.get("pause") == nonce:
            return Said("ok")
        if run.state == "PAUSED":
            return Said("done")
        if run.state not in OPEN - ENDING:
            return Said("late")
        run.nonces["pause"], run.begun, run.state = nonce, run.state != "QUEUED", "PAUSED"
        run.audit += 1
        return Said("ok")

    def resume(self, run_id: str, tenant: str | None, nonce: str, audit: str) -> Said:
        run = self._run(run_id, tenant)
        if run is None:
            return Said("missing")
        if run.nonces.get("resume") == nonce:
            return Said("ok")
        if run.state != "PAUSED":
            return Said("done")
        run.nonces["resume"], run.state = nonce, "RUNNING" if run.begun else "QUEUED"
        run.audit += 1
        return Said("ok")

    def replay(self, run_id: str, tenant: str | None, nonce: str, audit: str) -> Said:
        run = self._run(run_id, tenant)
        if run is None:
            return Said("missing")
        if run.nonces.get("replay") == nonce:
            return Said("ok")
        if run.state in OPEN:
            return Said("open")
        refused = {
            "succeeded": run.state == "SUCCEEDED",
            "undone": bool(run.ends) and not run.owes,
            "cancelled": not run.ends and run.cancelled,
            "stopped": not run.ends and '"stopped"' in run.failure,
        }
        for why, is_so in refused.items():
            if is_so:
                return Said(why)
        if run.ends:
            span = run.reserved or run.deadline - run.created
            run.state, run.deadline, run.owes = "COMPENSATING", self.world.now + span, False
        else:
            self._renew(run)
        self._go_on(run, "replay", nonce)
        return Said("ok")

    def rerun(self, ended: Ended, tenant: str | None, nonce: str, audit: str, batches: Sequence[RerunBatch]) -> Said:
        run = self._run(ended.id, tenant)
        if run is None:
            return Said("missing")
        if run.nonces.get("rerun") == nonce:
            return Said("ok")
        if run.state in OPEN:
            return Said("open")
        if run.generation != int(ended.fields["generation"]):
            return Said("changed")
        run.batches, run.stopped = [dict(batch) for batch in batches], ""
        run.epoch += 1
        self._renew(run)
        self._go_on(run, "rerun", nonce)
        return Said("ok")

    def _renew(self, run: Run) -> None:
        run.span = run.span or run.deadline - run.created
        run.cut, run.state, run.deadline, run.failure = run.deadline + 1, "RUNNING", self.world.now + run.span, ""

    def _go_on(self, run: Run, how: str, nonce: str) -> None:
        run.reviving, run.shift = True, max(0, self.world.now - run.ended)
        run.generation += 1
        run.audit += 1
        run.nonces[how] = nonce
        self.world.due[f"r|{run.id}"] = run.deadline
        if run.group:  # it waits for its turn like any other
            run.state = "QUEUED" if run.state == "RUNNING" else run.state
            self.world.stand_behind(run)
        else:
            revive_run(self.world, run)

    def migrate(self, run_id: str, tenant: str | None, nonce: str, audit: str, *, was: str, plan: str) -> Said:
        run = self._run(run_id, tenant)
        if run is None:
            return Said("missing")
        if run.nonces.get("migrate") == nonce:
            return Said("ok")
        refused = {
            "late": run.state not in OPEN - ENDING,
            "moved": run.plan != was,
            "started": bool(run.parent),
            "busy": run.running > 0 or run.reviving,
        }
        for why, is_so in refused.items():
            if is_so:
                return Said(why)
        run.plan, run.nonces["migrate"] = plan, nonce
        run.audit += 1
        for act in run.pending:
            if act.state == "READY":
                self.world.ready(run, act)
        return Said("ok")

    def discard(self, run_id: str, path: str, tenant: str | None, audit: str) -> Said:
        run, letter = self._run(run_id, tenant), f"{run_id}|{path}"
        if run is None or letter not in self.world.letters:
            return Said("missing")
        self.world.letters.discard(letter)
        run.audit += 1
        return Said("ok")

    def note(self, run_id: str, tenant: str | None, audit: str) -> Said:
        run = self._run(run_id, tenant)
        if run is None:
            return Said("missing")
        run.audit += 1
        return Said("ok")

    def signal(self, run_id: str, path: str, answer: str, nonce: str, *, early: bool, keep: float) -> Said:
        """Answers status, and the text of the first answer."""
        run = self.world.runs.get(run_id)
        if run is None:
            return Said(("missing", ""))
        if path in run.answers:
            first, text = run.answers[path]
            return Said(("ok", "") if first == nonce else ("known", text))
        act = run.act(path)
        is_over = act is not None and (act.state not in PENDING or act.verdict == "woken")
        if not run.counts(path) or run.state == "CANCELLING" or is_over or self._item_is_over(run, path):
            return Said(("late", ""))
        waits = act is not None and act.state == "SUSPENDED" and act.asks
        if not waits and not early:
            return Said(("unasked", ""))
        run.answers[path] = (nonce, answer)
        if waits:
            self.world.wake(run, act, "answered")
        return Said(("ok", ""))

    def _item_is_over(self, run: Run, path: str) -> bool:
        place = item_of(path)
        while place:
            owner = run.act(place[0])
            cursor = owner.cursor if owner else None
            if cursor is not None and place[1] in cursor.live:
                return False
            if owner is not None and (owner.state not in PENDING or (cursor is not None and place[1] < cursor.next)):
                return True
            place = item_of(place[0])
        return False

    # Bells and timers

    def answer(self, bell: Any, nonce: str, *, rung: bool, last: tuple[str, tuple[str, str] | None] | None) -> Said:
        """Say what a bell is answered; `rung`: whether it still is; `last`: the nonce and the claim of its slot's last answer."""
        if rung:
            return self._claims(bell.queue, nonce)
        if last is not None and last[0] == nonce:
            return Said("ok", again=self._still(last[1], nonce))
        return Said("stale")

    def take_due(self, shard: int, replica: str, nonce: str) -> Said:
        """Answers the runs that are to be cancelled with another one."""
        known = self.world.replicas.get(replica)
        if known is None or known[0] != nonce:
            known = self.world.replicas[replica] = (nonce, take_due(self.world))
        return Said(known[1])

    def reconcile(self, run_id: str) -> Said:
        return Said(None)
