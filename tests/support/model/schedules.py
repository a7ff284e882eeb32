"""The model of schedules: whose plan is current, where each stands, which are halted."""

from __future__ import annotations

from collections.abc import Sequence

from saltern_runtime.store.calls import NewRun, TickMove
from tests.support.model.claims import Said
from tests.support.model.operating import Model
from tests.support.model.runs import World


class Whole(Model):
    """The model, with its schedules."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.seen: dict[str, int] = {}
        self.current_plan: tuple[str, int] | None = None
        self.stands: dict[str, tuple[int, str]] = {}
        self.halted: set[str] = set()

    def current(self, shard: int, plan: str, schedules: Sequence[str], silence: float) -> Said:
        """Answers whether the plan's schedules fire, where they stand, and which are halted."""
        now = self.world.now
        self.seen.setdefault(plan, now)
        held = self.current_plan
        mine = held is None or held[0] == plan or now - held[1] > int(silence * 1000)
        mine = mine or self.seen[plan] > self.seen[held[0]]
        self.current_plan = (plan, now) if mine else held
        known = {name: self.stands[name] for name in schedules if name in self.stands}
        return Said((mine, now, known, frozenset(self.halted & {*schedules})))

    def tick(self, shard: int, move: TickMove, new: NewRun | None) -> Said:
        stands, here = self.stands.get(move.schedule), (move.at, move.signature)
        if new is not None and stands == here:
            return Said("fresh" if new.id in self.world.runs else "stale")
        halts = new is not None and move.schedule in self.halted
        if halts or self.current_plan is None or self.current_plan[0] != move.plan or stands != move.was:
            return Said("moved" if stands == here else "stale")
        self.stands[move.schedule] = here
        if new is None:
            return Said("moved")
        if new.id in self.world.runs:
            return Said("stale")
        if self._dropped(new):
            return Said("dropped")
        self._make(new)
        return Said("fresh")

    def halt(self, shard: int, schedule: str, audit: str, *, goes: bool) -> Said:
        if goes and schedule in self.halted:
            self.halted.discard(schedule)
            if schedule in self.stands:
                self.stands[schedule] = (self.world.now, self.stands[schedule][1])
        elif not goes:
            self.halted.add(schedule)
        return Said(None)
