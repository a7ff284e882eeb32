"""The model's world: runs, their activations, groups, timers; how a run begins, waits for its turn and ends. Times are ms."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

OPEN = {"QUEUED", "RUNNING", "WAITING", "PAUSED", "CANCELLING", "COMPENSATING"}
PENDING = {"READY", "RUNNING", "RETRY_WAIT", "SUSPENDED"}
ATTEMPTED = {"", "lost"}
"""Verdicts with which an attempt is made."""


@dataclass
class Cursor:
    """How far an open region has come."""

    items: int
    most: int
    mode: str
    entries: list[dict[str, Any]]
    body: dict[str, Any]
    values: dict[int, str]
    carries: bool = False
    until: float | None = None
    next: int = 0
    live: list[int] = field(default_factory=list)
    broken: bool = False
    yielded: dict[int, str] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)


@dataclass
class Act:
    """An activation."""

    path: str
    dep: dict[str, Any]
    since: int
    state: str = "READY"
    attempts: int = 0
    failures: int = 0
    lost: int = 0
    nonce: str = ""
    verdict: str = ""
    until: int = 0
    wakes: int | None = None
    asks: bool = False
    took: bool = False
    gap: bool = False
    failure: str = ""
    cursor: Cursor | None = None
    done: tuple[str, ...] = ()
    """The call that ended its claim last, and what was claimed in it."""
    next: tuple[str, str] | None = None

    @property
    def limited(self) -> bool:
        return "limit" in self.dep and self.verdict in ATTEMPTED


@dataclass
class Run:
    """A run. What waits for more arrivals has them in place of an activation: (arrivals, live, dead)."""

    id: str
    tenant: str
    plan: str
    created: int
    deadline: int
    reserve: int
    retention: int
    state: str = "QUEUED"
    acts: dict[str, Act | tuple[int, int, int]] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    answers: dict[str, tuple[str, str]] = field(default_factory=dict)
    group: str | None = None
    most: int = 0
    entries: tuple[dict[str, Any], ...] | None = None
    """What it begins with, until its group lets it in."""
    parent: str = ""
    undo: list[dict[str, Any]] = field(default_factory=list)
    ends: str = ""
    owes: bool = False
    reserved: int = 0
    failure: str = ""
    cancelled: bool = False
    stopped: str = ""
    span: int | None = None
    cut: int = 0
    ended: int = 0
    generation: int = 0
    epoch: int = 0
    epochs: dict[str, int] = field(default_factory=dict)
    reviving: bool = False
    shift: int = 0
    batches: list[dict[str, Any]] = field(default_factory=list)
    begun: bool = False
    """While it is paused: whether it goes on as one that had begun."""
    nonces: dict[str, str] = field(default_factory=dict)
    linked: set[str] = field(default_factory=set)
    lost: dict[str, str] = field(default_factory=dict)
    """Regions that lost a race before they opened."""
    told: Counter[str] = field(default_factory=Counter)
    """How often each activation's outcome was recorded."""
    audit: int = 0

    @property
    def pending(self) -> list[Act]:
        return [act for act in self.acts.values() if isinstance(act, Act) and act.state in PENDING]

    @property
    def running(self) -> int:
        return sum(act.state == "RUNNING" for act in self.pending)

    def act(self, path: str) -> Act | None:
        found = self.acts.get(path)
        return found if isinstance(found, Act) else None

    def counts(self, path: str) -> bool:
        """Whether what an activation does counts still."""
        return self.state in OPEN and (self.state != "COMPENSATING" or "/compensate" in path)

    def under(self, owner: str, index: int) -> list[str]:
        """Return the paths of all that stands in an item."""
        return [path for path in self.acts if path.startswith(f"{owner}[{index}]/")]


def item_of(path: str) -> tuple[str, int] | None:
    """Return the region around an activation, and the item; None outside of any."""
    found = re.match(r"(.*)\[(\d+)\]/", path)
    return (found[1], int(found[2])) if found else None


@dataclass
class World:
    """A shard. `due` has the timers by the names that they have in the store, but for bells and lines."""

    lease: int
    sweep: int
    now: int = 1_000_000
    runs: dict[str, Run] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)
    behind: dict[str, dict[str, int]] = field(default_factory=dict)
    inside: dict[str, dict[str, int]] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    letters: set[str] = field(default_factory=set)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Idempotency keys."""
    swept: tuple[int, int] | None = None
    """When the timers swept last, and since when without a gap."""
    replicas: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def ready(self, run: Run, act: Act) -> None:
        act.state = "READY"
        timer = run.deadline + 1
        if act.dep.get("ttl") and not act.attempts and not act.verdict:
            timer = min(timer, act.since + act.dep["ttl"])
        self.due[f"a|{run.id}|{act.path}"] = timer

    def sleep(self, run: Run, act: Act, till: int) -> None:
        act.state, act.nonce = "SUSPENDED", ""
        self.due[f"a|{run.id}|{act.path}"] = till

    def wake(self, run: Run, act: Act, verdict: str) -> None:
        act.verdict, act.since, act.asks = verdict, self.now, False
        self.ready(run, act)

    def let_go(self, run: Run, act: Act) -> None:
        act.verdict = ""
        self.due.pop(f"a|{run.id}|{act.path}", None)

    def arrive(self, run: Run, dep: dict[str, Any]) -> Act | None:
        """Tell a stage of one that is before it; returns it where that made it READY."""
        known = run.acts.get(dep["path"], (0, 0, 0))
        if isinstance(known, Act):
            return None
        got, live, dead = known[0] + 1, known[1] + dep["live"], known[2] + dep["dead"]
        quorum = dep.get("quorum", 0)
        if got < dep["need"] and not (quorum and live >= quorum):
            run.acts[dep["path"]] = (got, live, dead)
            return None
        act = Act(dep["path"], dep, self.now)
        if quorum:
            act.verdict = "skip" if live == 0 and dead > 0 else ""
        elif (dep["join"] == "all" and dead > 0) or (dep["join"] == "any" and live == 0):
            act.verdict = "skip"
        run.acts[act.path] = act
        self.ready(run, act)
        return act

    # How a run begins, and waits for its turn

    def begin(self, run: Run, entries: tuple[dict[str, Any], ...]) -> None:
        for entry in entries:
            self.arrive(run, entry)
        if not run.pending and not run.reviving:
            self.close(run, "SUCCEEDED")

    def stand_behind(self, run: Run) -> None:
        line = self.behind.setdefault(run.group, {})
        line[run.id] = max(self.now, max(line.values(), default=0) + 1)
        self.left.add(run.group)

    def in_the_way(self, group: str, most: int) -> str | None:
        """Return the run that came last, where one that came now would have to wait."""
        line, inside = (by_score(of.get(group, {})) for of in (self.behind, self.inside))
        return line[-1] if line else inside[-1] if len(inside) >= most else None

    def let_in(self, group: str) -> None:
        line, inside = self.behind.get(group, {}), self.inside.setdefault(group, {})
        for first in by_score(line):
            run = self.runs[first]
            if len(inside) >= run.most:
                return
            inside[first] = self.now
            if run.reviving:
                run.state = "RUNNING" if run.state == "QUEUED" else run.state
                run.begun = True if run.state == "PAUSED" else run.begun
                run.shift += max(0, self.now - line[first])
                self.due[f"v|{first}"] = self.now
            entries, run.entries = run.entries, None
            if entries is not None:
                self.begin(run, entries)
            line.pop(first, None)

    def finish(self) -> None:
        """Do what every script does before it ends."""
        while self.left:
            self.let_in(self.left.pop())
        for run in self.runs.values():
            asleep = bool(run.pending) and not run.reviving and all(act.state == "SUSPENDED" for act in run.pending)
            if run.state in ("RUNNING", "WAITING"):
                run.state = "WAITING" if asleep else "RUNNING"

    # How a run ends

    def close(self, run: Run, state: str, failure: str = "") -> None:
        if run.state == "COMPENSATING":
            state, failure = run.ends, run.failure
            run.owes = run.owes or run.reviving
            for left in run.undo:  # what there was no time for
                self.bury(run, left["path"])
        elif state != "SUCCEEDED" and run.undo:
            run.state, run.ends, run.failure, run.reviving = "COMPENSATING", state, failure, False
            run.deadline, run.reserve, run.reserved = run.deadline + run.reserve, 0, run.reserve
            self.due[f"r|{run.id}"] = run.deadline
            self.due.pop(f"v|{run.id}", None)
            self.cut_off(run)
            return self.compensate(run)
        run.state, run.failure, run.ended, run.reviving = state, failure, self.now, False
        for timer in (f"r|{run.id}", f"v|{run.id}"):
            self.due.pop(timer, None)
        if run.group:
            self.behind.get(run.group, {}).pop(run.id, None)
            self.inside.get(run.group, {}).pop(run.id, None)
            self.left.add(run.group)
        return self.cut_off(run)

    def cut_off(self, run: Run) -> None:
        for act in run.pending:
            act.state = "TIMED_OUT" if act.state == "RUNNING" and run.state == "TIMED_OUT" else "CANCELLED"
            self.due.pop(f"a|{run.id}|{act.path}", None)

    def compensate(self, run: Run) -> None:
        if not run.undo:
            return self.close(run, "")
        self.arrive(run, run.undo.pop())
        return None

    def cancel(self, run: Run, failure: str) -> bool:
        if run.state not in OPEN - {"CANCELLING", "COMPENSATING"}:
            return False
        run.state, run.failure, run.cancelled = "CANCELLING", failure, True
        if run.linked:
            self.due[f"p|{run.id}"] = self.now
        self.close_if_cancelled(run)
        return True

    def close_if_cancelled(self, run: Run) -> None:
        if run.state == "CANCELLING" and not run.running:
            self.close(run, "CANCELLED", run.failure)

    def end_in_cancelling(self, run: Run, act: Act) -> None:
        act.state = "CANCELLED"
        self.close_if_cancelled(run)

    def bury(self, run: Run, path: str) -> None:
        run.owes = run.owes or run.state == "COMPENSATING"
        self.letters.add(f"{run.id}|{path}")


def by_score(of: dict[str, int]) -> list[str]:
    """Return the members of a sorted set in its order."""
    return sorted(of, key=lambda member: (of[member], member))
