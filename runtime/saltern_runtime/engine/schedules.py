"""Schedules: runs that start by themselves. Any number of timers may fire them; each tick makes one run.

Which version fires where two run side by side: the plan that the store saw first last, as long as its timers come by; when
they have been silent for SILENCE seconds (a rollback took them away), whichever plan's timers do come by. A tick is moved to
and its run is created in one script, from the tick before it, so no tick fires twice whichever plan is current.

Daylight saving is as in Debian's cron (cronsim): a time that is skipped fires once, right after the change; one that comes
twice fires once. Lines with `*` as minute or hour go by elapsed time instead.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim

from saltern_runtime.engine.groups import group_of, group_of_schedule
from saltern_runtime.engine.service import Service
from saltern_runtime.errors import BrokenAssumptionError
from saltern_runtime.graph import Schedule
from saltern_runtime.store.calls import Bell, NewRun, Standing, TickMove
from saltern_runtime.store.keys import digest_of, tick_id

log = logging.getLogger("saltern.timers")
TENANT: Final = "default"
SILENCE: Final = 60.0
"""Seconds without its timers after which a plan's schedules may be fired by another."""
LATE: Final = 150.0
"""Seconds after which a tick has been missed, rather than is being fired: then `catch_up` says what becomes of it."""
MOST: Final = 100
"""Ticks that `catch_up: all` makes up for, at most: the latest ones."""
NEVER: Final = 2**53
STEP: Final = 200_000
"""Ticks of one schedule that are counted in the log, at most."""


class Schedules:
    """Fires one graph's schedules."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._next: dict[str, tuple[int, int]] = {}
        """Schedule → the tick that it stands at, and the one after it (Unix ms)."""
        self._shards: dict[int, list[Schedule]] = {}
        for schedule in service.graph.schedules.values():
            self._shards.setdefault(home_of(schedule, service.settings.shards), []).append(schedule)
        self._later = {each.id: later(service.graph.name, each) for each in service.graph.schedules.values()}
        """Schedule → ms by which each of its ticks fires later."""

    def fire(self) -> int:
        """Create the runs that are due; returns how many this call made."""
        fired = 0
        for shard, schedules in self._shards.items():
            names = [schedule.id for schedule in schedules]
            standing = self._service.store.current(shard, self._service.plans.plan, names, SILENCE)
            if standing.mine:
                goes = (schedule for schedule in schedules if schedule.id not in standing.halted)
                fired += sum(self._fire(shard, schedule, standing) for schedule in goes)
        return fired

    def _fire(self, shard: int, schedule: Schedule, standing: Standing) -> int:
        signature = f"{schedule.cron} {schedule.time_zone}"
        was = standing.stands.get(schedule.id)
        if was is None or was[1] != signature:
            # New, or its line changed: it begins now. What was before was never due.
            self._move(shard, schedule, signature, was, standing.now)
            return 0
        due, missed = self._due(schedule, was[0], standing.now - self._later[schedule.id])
        fired, stood = 0, was
        if missed:
            log.warning("schedule %s: %d ticks passed while no timers ran and are not made up for", schedule.id, missed)
        for tick in due:
            fired += self._run(shard, schedule, signature, stood, tick)
            stood = (tick, signature)
        if not due and missed:
            self._move(shard, schedule, signature, was, standing.now)
        return fired

    def _due(self, schedule: Schedule, stood: int, now: int) -> tuple[Sequence[int], int]:
        """Return the ticks to fire, oldest first, and how many others have passed."""
        known = self._next.get(schedule.id)
        if known is None or known[0] != stood:
            after = (tick for tick in ticks(schedule, stood) if tick > stood)
            known = self._next[schedule.id] = (stood, next(after, NEVER))
        if now < known[1]:
            return (), 0
        due: list[int] = []
        passed = 0
        for tick in islice(ticks(schedule, now + 1, reverse=True), STEP):
            if tick <= stood:
                break
            passed += 1
            if len(due) < MOST:
                due.append(tick)
        # Backwards, the hour that comes twice hides what its first passing had: that one is due all the same.
        if not due:
            due = [known[1]]
        if schedule.catch_up == "last":
            due = due[:1]
        elif schedule.catch_up == "skip":
            due = [tick for tick in due if now - tick <= LATE * 1000]
        return due[::-1], max(0, passed - len(due))

    def _move(self, shard: int, schedule: Schedule, signature: str, was: tuple[int, str] | None, to: int) -> None:
        plan = self._service.plans.plan
        self._service.store.tick(shard, TickMove(plan, schedule.id, signature, was, to), None)

    def _run(self, shard: int, schedule: Schedule, signature: str, was: tuple[int, str], tick: int) -> int:
        service = self._service
        given = dict(schedule.input)
        try:
            service.admit(given)
        except BrokenAssumptionError as error:
            when = datetime.fromtimestamp(tick / 1000, UTC)
            log.warning("schedule %s: no run of %s: %s", schedule.id, when, error)
            self._move(shard, schedule, signature, was, tick)
            return False
        group = group_of(service.graph, TENANT, given) or group_of_schedule(schedule)
        elsewhere = service.graph.concurrency is not None and group is not None
        new = service.new_run(
            tick_id(schedule.id, tick, group.shard(service.settings.shards) if group and elsewhere else shard),
            json.dumps(given, ensure_ascii=True, separators=(",", ":")),
            digest_of(json.dumps(given, sort_keys=True)),
            tenant=TENANT,
            trigger=f"schedule:{schedule.id}",
            group=group,
        )
        move = TickMove(service.plans.plan, schedule.id, signature, was, tick)
        # The run of a group lives where its group does: it is made first, under an id that any other timer would give it.
        status, bells = self._made(new, move, shard) if elsewhere else service.store.tick(shard, move, new)
        service.dispatcher.ring(bells)
        when = datetime.fromtimestamp(tick / 1000, UTC)
        if status == "fresh":
            log.info("schedule %s: run %s of %s", schedule.id, new.id, when)
        elif status == "dropped":
            log.info("schedule %s: no run of %s: an earlier one is not over", schedule.id, when)
        return status == "fresh"

    def _made(self, new: NewRun, move: TickMove, shard: int) -> tuple[str, tuple[Bell, ...]]:
        """Create the run of a tick, then move on to it."""
        created = self._service.store.create(new)
        status, _ = self._service.store.tick(shard, move, None)
        return created.status if status == "moved" else "stale", created.bells


def home_of(schedule: Schedule, shards: int) -> int:
    """Return the shard that a schedule lives in."""
    return int(digest_of("sched", schedule.id), 16) % shards


def later(pipeline: str, schedule: Schedule) -> int:
    """Return by how many ms the ticks of a schedule fire later: the same for all of them, so that they keep their distance."""
    share = int(digest_of("jitter", pipeline, schedule.id)[:12], 16) / 16**12
    return int(share * schedule.jitter * 1000)


def ticks(schedule: Schedule, start: int, *, reverse: bool = False) -> Iterator[int]:
    """Yield a schedule's ticks after a moment, or before it; Unix ms."""
    moment = datetime.fromtimestamp(start / 1000, UTC)
    if reverse and start % 1000:
        # cronsim goes by whole seconds, and yields what is before the one that it is given.
        moment = datetime.fromtimestamp(start // 1000 + 1, UTC)
    for tick in CronSim(schedule.cron, moment.astimezone(ZoneInfo(schedule.time_zone)), reverse=reverse):
        yield round(tick.timestamp() * 1000)
