"""The model of the timers, and of what they put back: leases that ran out, waits, deadlines, runs that go on after their end."""

from __future__ import annotations

from typing import Any

from tests.support.model.regions import drop_items, drop_values, is_live, refill
from tests.support.model.runs import ATTEMPTED, OPEN, PENDING, Act, Run, World, item_of

SETTLED = {"skip", "woken", "answered", "collect", "broken"}
"""Verdicts that stay true."""


def take_due(world: World) -> set[tuple[str, str]]:
    """Do all that is due; returns the runs that are to be cancelled with another one, and that one."""
    last, since = world.swept or (world.now, world.now)
    since = world.now if world.now - last > 3 * world.sweep else since
    world.swept = (world.now, since)
    linked: set[tuple[str, str]] = set()
    for at, member in sorted((at, member) for member, at in world.due.items() if at <= world.now):
        kind, _, rest = member.partition("|")
        run_id, _, path = rest.partition("|")
        run = world.runs.get(run_id)
        if kind == "a":
            _activation(world, run, path, at, since + world.lease)
        elif kind == "r":
            world.close(run, "TIMED_OUT", "run-deadline")
        elif kind == "v":
            revive_run(world, run)
        elif kind == "g":
            world.left.add(rest)
        elif kind == "p":
            linked |= _pass_on(world, run)
        else:
            world.due.pop(member)
            owner = run.act(path)
            if run.counts(path) and run.state != "CANCELLING" and owner and owner.state == "SUSPENDED" and owner.cursor:
                refill(world, run, owner)
    world.finish()
    return linked


def _pass_on(world: World, run: Run) -> set[tuple[str, str]]:
    if not run.linked and run.state not in OPEN:
        world.due.pop(f"p|{run.id}")
    else:
        world.due[f"p|{run.id}"] = world.now + world.sweep
    return {(run.id, child) for child in run.linked}


def _activation(world: World, run: Run, path: str, at: int, trusted: int) -> None:
    act, timer = run.act(path), f"a|{run.id}|{path}"
    late = max(world.now, run.deadline) + 1
    if act is None or not run.counts(path) or act.state not in PENDING:
        world.due.pop(timer, None)
    elif act.state == "RUNNING":
        act.gap = act.gap or at < trusted
        if world.now < trusted:
            world.due[timer] = trusted
        else:
            _lost(world, run, act)
    elif run.state == "CANCELLING":
        world.due[timer] = late
    elif act.state == "SUSPENDED":
        if act.wakes is not None and world.now >= act.wakes:
            world.wake(run, act, "woken")
        else:
            world.due[timer] = act.wakes if act.wakes is not None else late
    elif act.state == "RETRY_WAIT":
        act.since, act.nonce = world.now, ""
        world.ready(run, act)
    else:
        expires = act.since + act.dep["ttl"] if act.dep.get("ttl") and not act.attempts and not act.verdict else None
        if expires is not None and world.now >= expires:
            act.verdict = "expired"
            world.ready(run, act)
        else:
            world.due[timer] = late if expires is None else min(late, expires)


def _lost(world: World, run: Run, act: Act) -> None:
    """Its lease ran out. Around a gap of the timers that is no lost worker."""
    verdict = act.verdict
    world.let_go(run, act)
    if run.state == "CANCELLING":
        world.end_in_cancelling(run, act)
        return
    if verdict in ATTEMPTED:
        verdict = "timeout" if world.now >= act.until else "lost"
        act.lost += verdict == "lost" and not act.gap
    act.verdict, act.nonce, act.since = verdict, "", world.now
    world.ready(run, act)


# Runs that go on after their end


def revive_run(world: World, run: Run) -> None:
    """Go on with all that a run's end cut off; of a rerun, forget first what begins anew, a batch at a time."""
    if not run.reviving:
        world.due.pop(f"v|{run.id}", None)
        return
    if run.state != "COMPENSATING" and run.batches:
        _begin_anew(world, run, run.batches.pop(0))
        if run.batches:
            world.due[f"v|{run.id}"] = world.now
            return
    cut_off = [act for act in run.acts.values() if isinstance(act, Act) and _is_left(run, act)]
    if run.state == "COMPENSATING":
        _owe(world, run, cut_off)
    else:
        for act in cut_off:
            _revive(world, run, act)
    run.reviving = False
    world.due.pop(f"v|{run.id}", None)
    if run.state == "COMPENSATING":
        world.compensate(run)
    elif not run.pending:
        world.close(run, "SUCCEEDED")


def _begin_anew(world: World, run: Run, batch: dict[str, Any]) -> None:
    run.epochs |= dict.fromkeys(batch["stages"], run.epoch)
    for path in batch["acts"]:
        run.acts.pop(path, None)
        world.letters.discard(f"{run.id}|{path}")
    drop_values(run, batch["vals"])
    for path, text in batch["told"]:
        run.acts[path] = tuple(int(number) for number in text.split(":")[1:])
    for dep in batch["arrive"]:
        world.arrive(run, dep)


def _is_left(run: Run, act: Act) -> bool:
    if run.state == "COMPENSATING":
        return act.path.endswith("/compensate") and act.state in {"DEAD", "TIMED_OUT", "CANCELLED", "FAILED"}
    place = item_of(act.path)
    return act.state in {"DEAD", "TIMED_OUT", "CANCELLED"} and (place is None or is_live(run, *place))


def _owe(world: World, run: Run, acts: list[Act]) -> None:
    """What did not take back what it should is tried again, before all that was not tried."""
    for act in sorted(acts, key=lambda act: -act.since):
        run.acts.pop(act.path)
        world.letters.discard(f"{run.id}|{act.path}")
        run.undo.append(act.dep | {"live": 0, "dead": 0, "need": 1, "join": "all"})


def _revive(world: World, run: Run, act: Act) -> None:
    if act.state != "CANCELLED":
        act.failures = act.lost = 0
    act.nonce, act.gap, act.done, act.next = "", False, (), None
    world.letters.discard(f"{run.id}|{act.path}")
    cursor = act.cursor
    if cursor is not None and cursor.until is not None:
        cursor.until += run.shift
    if cursor is not None and act.verdict not in SETTLED:
        world.sleep(run, act, run.deadline + 1)
        world.due[f"f|{run.id}|{act.path}"] = world.now
    elif act.state == "CANCELLED" and act.took and not act.verdict:
        act.wakes = run.deadline + 1 if act.wakes == run.cut else min(act.wakes + run.shift, run.deadline + 1)
        world.sleep(run, act, act.wakes)
    else:
        if act.verdict not in SETTLED:
            act.verdict, act.took, act.wakes = "", False, None
            if item_of(act.path) is None:
                drop_items(run, act)
        act.failure = act.failure if act.verdict == "broken" else ""
        act.since = world.now
        world.ready(run, act)
