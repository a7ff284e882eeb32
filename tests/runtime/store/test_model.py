"""The scripts as a model: whatever workers, timers, people and callers do in whatever order, the store answers and is as the model says."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from saltern_runtime.engine.reruns import RefusedError, rerun_of
from saltern_runtime.store.calls import Group, NewRun, TickMove
from saltern_runtime.store.keys import tick_id
from saltern_runtime.store.operating import audited
from saltern_runtime.store.rerunning import read_ended
from tests.support.effort import tries
from tests.support.model import clock
from tests.support.model.both import Both
from tests.support.model.plan import ENTRIES, PLANS, SHAPE, dep
from tests.support.model.runs import OPEN
from tests.support.model.worker import FAILURE, HOWS, Worker

SAID = audited("did", "me", "")
UNKNOWN = f"0-{'f' * 24}"
MOST = 7
"""Runs of one example."""
GROUPS = (
    None, None, None, Group("ab", 1, "queue"), Group("ab", 1, "queue"), Group("cd", 2, "queue"), Group("ef", 1, "drop"), Group("ab", 1, "cancel_previous"),
    Group("cd", 2, "cancel_previous"),
)  # fmt: skip
ANSWERED = ("a", "b", "c", "a[0]/i", "a[0]/j", "a[1]/i")
SCHEDULES = ("hourly", "daily")
picks = st.integers(0, 30)


class Machine(Worker, RuleBasedStateMachine):
    """What may happen to a store."""

    server: Any = None
    seen: ClassVar[Counter[tuple[str, str]]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.both = Both(self.server, "model", self.seen)
        self.stood: dict[str, tuple[int, str] | None] = {}

    def teardown(self) -> None:
        try:
            self.both.end()
        finally:
            self.both.close()

    def run_at(self, pick: int, *states: str) -> str:
        """Return a run's id: one in these states where there is one; now and then one that nobody knows."""
        fit = [run.id for run in self.world.runs.values() if run.state in states]
        return (
            UNKNOWN if pick == 30 else [*(fit or self.world.runs), UNKNOWN][pick % len(fit or [*self.world.runs, ""])]
        )

    # Callers

    @initialize(plan=st.sampled_from(PLANS), reserve=st.sampled_from([0.0, 10.0]))
    def start_one(self, plan, reserve):
        self.start("acme", None, "", "b", None, reserve, False, "", plan)

    @precondition(lambda self: len(self.world.runs) < MOST)
    @rule(
        tenant=st.sampled_from(["acme", "acme", "other"]),
        group=st.sampled_from(GROUPS),
        key=st.sampled_from(["", "", "", "k1", "k2"]),
        body=st.sampled_from(["b", "b", "b2"]),
        cap=st.sampled_from([None, None, 1, 3]),
        reserve=st.sampled_from([0.0, 10.0]),
        empty=st.sampled_from([False] * 7 + [True]),
        parent=st.sampled_from(["", "", "", UNKNOWN]),
        plan=st.sampled_from(PLANS),
    )
    def start(self, tenant, group, key, body, cap, reserve, empty, parent, plan):  # noqa: PLR0917 - hypothesis gives them by name
        entries = () if empty else tuple(dep(stage, plan) for stage in ENTRIES)
        self.call(
            "create",
            NewRun(
                self.name("0-{:024x}"), plan, tenant, "api", '"in"', body, key, 60.0, 3600.0, entries, reserve=reserve, parent=parent,
                pipeline="p" * bool(parent), group=group, cap=cap,
            ),
        )  # fmt: skip

    def reserve(self, pick):
        key, body, mine, frees = ("r1", "r2")[pick % 2], ("b", "b", "b2")[pick % 3], pick % 5 > 1, pick % 7 > 3
        run = f"0-{'e' * 23}{key[1]}" if mine else self.name("0-{:024x}")
        new = NewRun(run, PLANS[0], "acme", "api", '"in"', body, key, 60.0, 30.0, ())
        status, _, asked = self.call("reserve", 0, new)
        if frees and status == "fresh":
            self.call("unreserve", 0, new, asked)

    def signal(self, pick):
        path, early, asked = ANSWERED[pick % len(ANSWERED)], pick % 4 > 1, pick % 5 > 1
        waits = [(run.id, act.path) for run in self.world.runs.values() for act in run.pending if act.asks]
        comes = [(run.id, act.path) for run in self.world.runs.values() for act in run.pending if not act.asks]
        known = waits if asked else comes if early else ()
        run, path = known[pick % len(known)] if known else (self.run_at(pick), path)
        self.call("signal", run, path, f'"{self.number}"', self.nonce(), early=early, keep=60.0)

    # Workers

    @rule(
        steps=st.lists(
            st.tuples(picks, st.sampled_from(HOWS), st.booleans(), st.integers(0, 11)), min_size=1, max_size=8
        )
    )
    def work(self, steps):
        for step in steps:
            if step[0] % 3 == 0 or not self.held():
                self.claim(step[0])
            self.work_at(*step)

    # Timers

    @rule(
        times=st.sampled_from([0, 1, 1, 1, 2, 4]),
        ms=st.sampled_from([1, 500, 1000, 2500, 2500, 5000, 20_000, 0]),
        replica=st.sampled_from(["one", "one", "two"]),
    )
    def pass_time(self, times, ms, replica):
        coming = [at for at in self.world.due.values() if at > self.world.now]
        ms = ms or max(1, min(coming, default=0) - self.world.now)
        for _ in range(times):
            self.both.pass_time(ms if ms <= 2500 or times < 2 else 2500)
            for run, child in self.call("take_due", 0, replica, self.nonce()).linked[:1]:
                self.call("unlink", run, child)
        if not times:
            self.both.pass_time(ms)

    def tick(self, pick):
        schedule, plan, runs, stale = SCHEDULES[pick % 2], PLANS[pick % 3 == 0], pick % 5 > 1, pick % 7 > 4
        group = Group("ef", 1, "drop") if pick % 4 == 0 else None
        standing = self.call("current", 0, plan, SCHEDULES, 10.0)
        stands = standing.stands.get(schedule)
        was = self.stood.get(schedule) if stale else stands
        self.stood[schedule] = stands
        at = self.world.now // 1000 * 1000
        new = None
        if runs and len(self.world.runs) < MOST:
            new = NewRun(
                tick_id(schedule, at, 0), plan, "acme", "schedule", '"in"', "", "", 60.0, 3600.0, tuple(dep(stage, plan) for stage in ENTRIES), group=group
            )  # fmt: skip
        self.call("tick", 0, TickMove(plan, schedule, "sig", was, at), new)

    # People

    def halt(self, pick):
        self.call("halt", 0, SCHEDULES[pick % 2], SAID, goes=pick % 3 > 0)

    @precondition(lambda self: self.world.runs)
    @rule(
        what=st.sampled_from(
            [
                "cancel",
                "pause",
                "pause",
                "resume",
                "resume",
                "replay",
                "replay",
                "replay",
                "migrate",
                "rerun",
                "rerun",
                "discard",
                "note",
                "reconcile",
            ]
        ),
        pick=picks,
        tenant=st.sampled_from([None, None, None, None, "other"]),
        shape=st.integers(0, 11),
    )
    def operate(self, what, pick, tenant, shape):
        match what:
            case "cancel":
                self.call("cancel", self.run_at(pick), tenant, FAILURE, SAID if shape % 2 else None)
            case "pause" | "resume" | "replay":
                fits = {"pause": OPEN - {"PAUSED"}, "resume": {"PAUSED"}, "replay": {"FAILED", "TIMED_OUT"}}[what]
                self.call(what, self.run_at(pick, *(fits if shape % 4 else ())), tenant, self.nonce(), SAID)
            case "note":
                self.call("note", self.run_at(pick), tenant, SAID)
            case "reconcile":
                lost = self.run_at(pick, *OPEN)
                if lost in self.world.runs and self.world.runs[lost].state in OPEN:
                    self.both.lose(lost)
            case "migrate":
                self.migrate(pick, tenant, turned=shape % 4 == 0)
            case "rerun":
                self.rerun(pick, "aabbcde"[shape % 7], tenant)
            case _:
                self.discard(pick, tenant)

    @rule(
        what=st.sampled_from(["signal", "signal", "signal", "reserve", "tick", "tick", "tick", "halt"]),
        pick=st.integers(0, 209),
    )
    def beside(self, what, pick):
        if self.world.runs or what != "signal":
            getattr(self, what)(pick)

    def migrate(self, pick, tenant, *, turned):
        run = self.run_at(pick, *OPEN)
        known = self.world.runs.get(run)
        plans = PLANS if known is None or (known.plan == PLANS[0]) != turned else PLANS[::-1]
        self.call("migrate", run, tenant, self.nonce(), SAID, was=plans[0], plan=plans[1])

    def rerun(self, pick, stage, tenant):
        run = self.run_at(pick, "SUCCEEDED", "FAILED", "TIMED_OUT")
        ended = read_ended(self.both.store, run, lambda *_: SHAPE)
        if ended is None:
            return
        try:
            batches = rerun_of(ended, stage)
        except RefusedError as refused:
            self.seen["rerun refused", refused.verdict] += 1
            return
        self.call("rerun", ended, tenant, self.nonce(), SAID, batches)

    def discard(self, pick, tenant):
        letters = sorted(self.world.letters)
        run, _, path = letters[pick % len(letters)].partition("|") if letters else (self.run_at(pick), "", "a")
        self.call("discard", run, path, tenant, SAID)

    # What comes twice

    @precondition(lambda self: self.both.log)
    @rule()
    def send_again(self):
        self.both.again()

    @precondition(lambda self: self.both.log)
    @rule(pick=st.integers(0, 300))
    def send_late(self, pick):
        name, args, named = self.both.log[-1 - pick % len(self.both.log)]
        self.call(name, *args, **named)
        self.seen[name, "(later)"] += 1


@pytest.fixture
def machine(own_redis, monkeypatch):
    clock.by_hand(monkeypatch)
    return type("Machine", (Machine,), {"server": own_redis, "seen": Counter()})


def test_the_store_is_as_the_model_says(machine):
    """Whatever happens in whatever order: each answer and each state is the model's, what is sent twice changes nothing, all invariants hold."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=tries(20, 400),
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
    if os.environ.get("SALTERN_TEST_SEEN"):
        rows = (f"{count:6} {name} {what}\n" for (name, what), count in sorted(machine.seen.items(), key=str))
        sys.stdout.writelines(rows)
