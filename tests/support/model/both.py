"""Each call is made of the store and of the model; what they answer, and what they are afterwards, must be the same."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from saltern_runtime.settings import Settings
from saltern_runtime.store.calls import Answer, Bell, Created, Signalled, Swept
from saltern_runtime.store.operating import Operated
from saltern_runtime.store.store import Store
from tests.support.checker import broken_in, look
from tests.support.model import clock
from tests.support.model.claims import Said
from tests.support.model.plan import PLANS, flow
from tests.support.model.runs import OPEN, Act, World
from tests.support.model.schedules import Whole

START = 2_000_000_000_000
LEASE, SWEEP = 5000, 1000
BACK = {
    "advance",
    "open",
    "again",
    "stop",
    "suspend",
    "fail",
    "release",
    "answer",
    "take_due",
    "create",
    "resume",
    "replay",
    "rerun",
    "migrate",
}
"""Calls that answer their first bells when they are sent again."""
ANEW = {"discard", "note", "reserve", "unreserve"}
"""Calls without a nonce that say something else the second time."""
KINDS = "arfkvgp"
"""Timers that the model knows."""


class Both:
    """The store and the model of it. `bells` are those that were told, `seen` counts what each call answered."""

    def __init__(self, server: Any, service: str, seen: Counter[tuple[str, str]]) -> None:
        settings = Settings(redis_url=server.url, lease=LEASE / 1000, sweep=SWEEP / 1000, bells=2)
        self.client, self.store, self.seen = server.client(), Store(service, settings), seen
        self.world = World(LEASE, SWEEP, now=START)
        self.model = Whole(self.world)
        self.bells: list[Bell] = []
        self.log: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.last: Any = None
        self.slots: dict[tuple[str, int], tuple[str, tuple[str, str] | None]] = {}
        """What each slot was answered last."""
        clock.at(self.client, service, START)
        for plan in PLANS:
            self.store.keep_plan(plan, "[]", flow(plan))
        self.held = look(self.client, service)
        self.is_broken = True
        """Until a call came to its end."""

    def close(self) -> None:
        """Close the connections, and leave nothing behind."""
        self.client.flushdb()
        self.client.close()
        self.store.close()

    def pass_time(self, ms: int) -> None:
        self.world.now += ms
        clock.at(self.client, self.store.keys.service, self.world.now)

    def call(self, name: str, *args: Any, **named: Any) -> Any:
        """Make a call of both, and compare; returns what the store answered."""
        more: dict[str, Any] = {}
        self.is_broken = True
        if name == "answer":
            slot = (args[0].queue, args[0].slot)
            rung = dict(dict(self.held["bells"] or {}).get(slot[0], {})).get(f"rung:{slot[1]}", "").split("|")[0]
            more = {"rung": rung == str(args[0].serial), "last": self.slots.get(slot)}
        said: Said = getattr(self.model, name)(*args, **named, **more)
        got = getattr(self.store, name)(*args, **named)
        verdict = _verdict(name, got)
        same(name, verdict, said.verdict)
        claim = getattr(got, "claim", None)
        self.model.settle(said, claim)
        if name == "answer" and verdict == "ok" and said.again is None:
            self.slots[slot] = (args[1], (claim.run, claim.path) if claim else None)
        self.bells += [bell for bell in _bells(got) if bell not in self.bells]
        self.log.append((name, args, named))
        self.last = got
        what = verdict[0] if isinstance(verdict, tuple) else verdict
        self.seen[name, what if isinstance(what, str | bool) else "done"] += 1
        self.compare()
        self.is_broken = False
        return got

    def lose(self, run_id: str) -> None:
        """Let a run's timers and places in queues be lost, as with a server that lost its last second; reconcile puts them back."""
        prefix, run = self.store.keys.shard(0), self.world.runs[run_id]
        gone = [f"{run_id}|{act.path}" for act in run.pending if run.counts(act.path)] or [""]
        with self.client.pipeline() as pipe:
            pipe.zrem(f"{prefix}due", f"r|{run_id}", *(f"a|{member}" for member in gone))
            pipe.zrem(f"{prefix}open:{run.plan}", run_id)
            for queue in (
                f"ready:{self.model.queue_of(run)}",
                *(f"line:{name}" for name in dict(self.held["line"] or {})),
            ):
                pipe.zrem(f"{prefix}{queue}", *gone)
            for name in dict(self.held["turns"] or {}):  # who runs has it since longer
                pipe.zrem(
                    f"{prefix}turns:{name}",
                    "",
                    *(f"{run_id}|{act.path}" for act in run.pending if act.state == "READY"),
                )
            pipe.execute()
        for member in gone:
            self.world.due |= {f"a|{member}": self.world.now} if member else {}
        self.call("reconcile", run_id)

    def end(self) -> None:
        """Let time pass: every run ends by its deadline, without a worker, and nothing is due of it any more."""
        if self.is_broken:
            return
        for number in range(6):
            self.pass_time(200_000)
            self.call("take_due", 0, "last", f"{number:016x}")
        same("runs that have not ended", [run.id for run in self.world.runs.values() if run.state in OPEN], [])
        same("timers of what is over", {member for member in self.world.due if member[0] != "p"}, set())
        self.compare_all()

    def again(self) -> None:
        """Send the last call again: it answers the same, and changes nothing."""
        name, args, named = self.log[-1]
        self.is_broken, before = True, self.dump()
        got = getattr(self.store, name)(*args, **named)
        if name in ANEW:  # the model says what
            said = getattr(self.model, name)(*args, **named)
            same(name, _verdict(name, got), said.verdict)
            if name == "unreserve" or said.verdict == "missing":
                same(f"all after {name} was sent again", self.dump(), before)
            self.is_broken = False
            return
        same(name, _verdict(name, got), _verdict(name, self.last))
        same(name, getattr(got, "claim", None), getattr(self.last, "claim", None))
        if name in BACK and _verdict(name, got) != "stale":
            same(name, _bells(got), _bells(self.last))
        if name == "create" and got.status in ("known", "conflict"):
            self.model.create(*args)  # who asks is counted
        after = self.dump()
        if name == "reconcile":  # bells are to be rung now, whenever that is
            after, before = _unrung(after), _unrung(before)
        same(f"all after {name} was sent again", after, before)
        self.is_broken = False
        self.seen[name, "(at once)"] += 1

    def dump(self) -> dict[str, Any]:
        """Return all that the store keeps, but for what is counted for metrics, and events of what came too late."""
        prefix = self.store.keys.shard(0)
        keys = sorted(self.client.keys(prefix.replace("[", "\\[") + "*"))
        kinds = self.client.pipeline()
        for key in keys:
            kinds.type(key)
        kept = {key: kind for key, kind in zip(keys, kinds.execute(), strict=True) if not _is_beside(key, prefix)}
        reads = self.client.pipeline()
        for key, kind in kept.items():
            _READS[kind](reads, key)
        found = dict(zip(kept, reads.execute(), strict=True))
        for key, value in found.items():
            if key.endswith(":events"):
                found[key] = [fields for _, fields in value if fields["type"] != "stage.late"]
            if f"{prefix}idem:" in key:
                value.pop("asked", None)
        return found

    def compare(self) -> None:
        """Hold all that the store keeps against the model, and its invariants."""
        self.held = look(self.client, self.store.keys.service)
        runs = dict(self.held["runs"] or {})
        assert runs.keys() == self.world.runs.keys()
        limited = set()
        for run in self.world.runs.values():
            fields, acts = runs[run.id]["fields"], dict(runs[run.id]["acts"] or {})
            said = [run.state, run.plan, str(run.generation), str(run.deadline)]
            same(run.id, [fields[name] for name in ("state", "plan", "generation", "deadline")], said)
            same(f"activations of {run.id}", sorted(acts), sorted(run.acts))
            for path, act in run.acts.items():
                if isinstance(act, Act):
                    same(path, _kept(json.loads(acts[path])), _wanted(act))
                    limited |= {f"a|{run.id}|{path}"} if act.state == "READY" and "limit" in act.dep else set()
                else:
                    same(path, acts[path], "B:{}:{}:{}".format(*act))
        due = {member: int(at) for member, at in dict(self.held["due"]).items() if member[0] in KINDS}
        # who waits for a turn, or has one, is looked at sooner
        sure = ({k: at for k, at in of.items() if k not in limited} for of in (due, self.world.due))
        same("timers", *sure)
        assert limited <= due.keys()
        for place in ("behind", "inside"):
            stand = {group: {*members} for group, members in dict(self.held[place] or {}).items()}
            same(place, stand, {group: {*members} for group, members in getattr(self.world, place).items() if members})
        same("what is broken", broken_in(self.held), [])

    def compare_all(self) -> None:
        """Hold what is seldom looked at against the model: dead letters, how often outcomes were recorded, audits, what is kept how long."""
        prefix = self.store.keys.shard(0)
        same("dead letters", {*self.client.zrange(f"{prefix}dead", 0, -1)}, self.world.letters)
        for run in self.world.runs.values():
            key = self.store.keys.run(run.id)
            events = [fields for _, fields in self.client.xrange(f"{key}:events")]
            told = Counter(each["path"] for each in events if each["type"] in ("stage.succeeded", "stage.skipped"))
            same(f"outcomes of {run.id}", told, +run.told)
            same(f"audit of {run.id}", self.client.llen(f"{key}:audit"), run.audit)
            answers = {name[:-1] for name in self.client.hkeys(f"{key}:vals") if name.endswith("?")}
            same(f"answers of {run.id}", answers, {*run.answers})
            same(f"{run.id} stays", self.client.pttl(key) == -1, run.state in OPEN)


def same(what: str, got: Any, said: Any) -> None:
    """Raise AssertionError where the store does not say, or is not, what the model says."""
    if isinstance(got, dict) and isinstance(said, dict):
        got, said = (
            {k: v for k, v in one.items() if k not in other or other[k] != v}
            for one, other in ((got, said), (said, got))
        )
    assert got == said, f"{what}: {got}; the model says {said}"


def _kept(record: dict[str, Any]) -> tuple[Any, ...]:
    cursor = record.get("c")
    window = cursor and (cursor["n"], cursor["i"], sorted(int(index) for index in cursor["l"]), cursor["m"])
    return (record["s"], record["a"], record["f"], record["l"], record.get("v", ""), window)


def _wanted(act: Act) -> tuple[Any, ...]:
    cursor = act.cursor
    window = cursor and (cursor.items, cursor.next, sorted(cursor.live), cursor.most)
    return (act.state, act.attempts, act.failures, act.lost, act.verdict, window)


_READS = {
    "hash": lambda pipe, key: pipe.hgetall(key),
    "zset": lambda pipe, key: pipe.zrange(key, 0, -1, withscores=True),
    "set": lambda pipe, key: pipe.smembers(key),
    "list": lambda pipe, key: pipe.lrange(key, 0, -1),
    "string": lambda pipe, key: pipe.get(key),
    "stream": lambda pipe, key: pipe.xrange(key),
}


def _is_beside(key: str, prefix: str) -> bool:
    return key in (f"{prefix}stats", f"{prefix}fsync") or ":rerun:" in key


def _verdict(name: str, got: Any) -> Any:
    """Return what an answer says, as the model says it."""
    if isinstance(got, Answer):
        return got.status
    if isinstance(got, Created):
        return (got.status, got.open if got.status == "full" else got.run_id)
    if isinstance(got, Operated):
        return got.verdict
    if isinstance(got, Signalled):
        return (got.status, got.first if got.status == "known" else "")
    if isinstance(got, Swept):
        return {*got.linked}
    if name == "current":
        return (got.mine, got.now, dict(got.stands), got.halted)
    if name == "reconcile":
        return None
    return got[0] if name in ("cancel", "tick") else got


def _unrung(dump: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a dump when bells are due."""
    return {
        key: [(member, 0.0 if member.startswith("b|") else at) for member, at in kept] if key.endswith(":due") else kept
        for key, kept in dump.items()
    }


def _bells(got: Any) -> tuple[Bell, ...]:
    found = getattr(got, "bells", None)
    if found is None and isinstance(got, tuple) and got and isinstance(got[-1], tuple):
        found = got[-1]
    return tuple(bell for bell in found or () if isinstance(bell, Bell))
